//! What the lock of a queue protects, and who gets what.

use core::marker::PhantomData;

use deferred_core::{Compact, Deferred, Failure, FailureKind, Grants, Locked, Primitive, WaitQueue};

use crate::error::{QueueOverflow, QueueUnderflow, Unsent};
use crate::store::Store;

pub(crate) type Getters<T, S> = WaitQueue<T, QueueUnderflow, State<T, S>>;
pub(crate) type Putters<T> = WaitQueue<(), Unsent<T>, Putting<T>>;
pub(crate) type LockedQueue<'a, T, S> = Locked<'a, T, QueueUnderflow, State<T, S>>;

/// What the lock of the queue protects.
pub(crate) struct State<T: Send + 'static, S> {
    /// Empty while somebody waits for an item, unless `peeked`.
    pub(crate) items: S,
    /// Those who wait for room, each with an item. Locked inside the lock of this, never around it.
    pub(crate) putters: Putters<T>,
    /// How many items may be stored; [`UNBOUNDED`] items do not fit any memory.
    pub(crate) size: usize,
    /// How many may wait for an item.
    pub(crate) backlog: Option<usize>,
    /// The first item is out to be looked at, and the others stay where they are until it is back.
    pub(crate) peeked: bool,
    /// Set while somebody waits for room, and until it is noticed that nobody does any more.
    pub(crate) crowded: bool,
    /// Set once.
    pub(crate) closed: bool,
}

/// The size of a queue that has none.
pub(crate) const UNBOUNDED: usize = usize::MAX;

impl<T: Send + 'static, S: Store<T>> State<T, S> {
    /// Returns how many items there are, the one that is being looked at included.
    pub(crate) fn stored(&self) -> usize {
        self.items.len() + usize::from(self.peeked)
    }

    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        self.stored() < self.size
    }

    /// Returns how many items may be stored, if that is limited.
    pub(crate) fn bound(&self) -> Option<usize> {
        (self.size != UNBOUNDED).then_some(self.size)
    }

    /// Tells whether an item that comes is stored when nobody waits for one.
    #[inline]
    pub(crate) fn stores_next(&self) -> bool {
        !(self.closed | self.peeked) && self.items.len() < self.size
    }

    /// Tells whether the next item is the first that is stored, and nobody has to be told when it is taken.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        !(self.peeked | self.crowded)
    }

    /// Tells whether one more may wait for an item, beside so many.
    pub(crate) fn may_wait(&self, waiting: usize) -> bool {
        let beyond = usize::from(cfg!(canary = "off_by_one"));
        self.backlog.is_none_or(|backlog| waiting < backlog + beyond)
    }

    /// Tells whether no item will ever come again.
    pub(crate) fn is_over(&self) -> bool {
        self.closed && !self.peeked && self.items.is_empty()
    }
}

impl<T: Send + 'static, S: Store<T>> Primitive<T, QueueUnderflow> for State<T, S> {
    type Request = ();
    type Guarded = ();

    const RECLAIMS: bool = true;

    fn untaken(getters: &Getters<T, S>, item: T) {
        put_back(getters, item, |_| ());
    }
}

/// Those who wait for room; what they ask for is that their item is taken.
pub(crate) struct Putting<T>(pub(crate) PhantomData<fn() -> T>);

impl<T: Send + 'static> Primitive<(), Unsent<T>> for Putting<T> {
    type Request = T;
    type Guarded = ();

    fn closed(item: T) -> Failure<Unsent<T>> {
        Failure::from(Unsent(item))
    }
}

/// What is to be delivered when the lock is not held any more.
pub(crate) struct Deliveries<T: Send + 'static, S: Store<T>> {
    pub(crate) items: Grants<T, QueueUnderflow, State<T, S>>,
    pub(crate) room: Grants<(), Unsent<T>, Putting<T>>,
}

impl<T: Send + 'static, S: Store<T>> Deliveries<T, S> {
    pub(crate) fn new() -> Self {
        Self { items: Grants::new(), room: Grants::new() }
    }

    #[inline]
    pub(crate) fn deliver(self) {
        self.items.deliver();
        self.room.deliver();
    }

    /// Takes the next item, and lets one who waits for room go on.
    pub(crate) fn take(&mut self, locked: &mut LockedQueue<'_, T, S>) -> Option<T> {
        if locked.peeked {
            return None;
        }
        let item = match locked.items.pop() {
            Some(item) => item,
            // Nothing is stored: those who wait for room have the next one.
            None => return self.next_putter(locked),
        };
        self.refill(locked);
        Some(item)
    }

    /// Takes the item of whoever waits longest for room, and lets them go on.
    pub(crate) fn next_putter(&mut self, locked: &mut LockedQueue<'_, T, S>) -> Option<T> {
        if !locked.crowded {
            return None;
        }
        let mut putters = locked.putters.lock();
        let popped = putters.pop();
        let crowded = !putters.is_empty();
        drop(putters);
        locked.crowded = crowded;
        let (turn, item) = popped?;
        self.room.push(turn, Ok(()));
        Some(item)
    }

    /// Stores items of those who wait for room, as long as there is some.
    pub(crate) fn refill(&mut self, locked: &mut LockedQueue<'_, T, S>) {
        while locked.has_room() {
            let Some(item) = self.next_putter(locked) else { return };
            locked.items.push(item);
        }
    }

    /// Delivers items, also those of whoever waits for room, as long as both they and getters are there.
    fn settle(&mut self, locked: &mut LockedQueue<'_, T, S>) {
        while !locked.is_empty() {
            // Before a getter is popped: should an item's `Ord` panic, the lock is still held.
            let Some(item) = self.take(locked) else { return };
            match locked.pop() {
                Some((turn, ())) => self.items.push(turn, Ok(item)),
                // Whoever waited is just leaving.
                None => return locked.items.push_back_in_front(item),
            }
        }
    }
}

/// As [`DeferredQueue::put`](crate::DeferredQueue::put), in every state.
#[inline(never)]
pub(crate) fn put_slow<T, S>(mut locked: LockedQueue<'_, T, S>, item: T) -> Result<(), QueueOverflow<T>>
where
    T: Send + 'static,
    S: Store<T>,
{
    if locked.closed {
        drop(locked);
        return Err(QueueOverflow { item, closed: true });
    }
    if !locked.peeked {
        if let Some((turn, ())) = locked.pop() {
            let _held = match cfg!(canary = "wake_under_lock") {
                true => Some(locked),
                false => (drop(locked), None).1,
            };
            turn.grant(Ok(item));
            return Ok(());
        }
    }
    if !locked.has_room() {
        drop(locked);
        return Err(QueueOverflow { item, closed: false });
    }
    locked.items.push(item);
    Ok(())
}

/// As [`DeferredQueue::put_when_room`](crate::DeferredQueue::put_when_room), in every state; `None` when it is done.
#[inline(never)]
#[track_caller]
pub(crate) fn put_when_room_slow<T, S>(locked: LockedQueue<'_, T, S>, item: T) -> Option<Compact<(), Unsent<T>>>
where
    T: Send + 'static,
    S: Store<T>,
{
    // What ends by foreign code outlives the lock, also when an item's `Ord` panics.
    let mut deliveries = Deliveries::new();
    let waiter;
    let mut locked = locked;
    if locked.closed {
        drop(locked);
        return Some(Deferred::fail(Unsent(item)).into());
    }
    if !locked.peeked {
        if let Some((turn, ())) = locked.pop() {
            drop(locked);
            turn.grant(Ok(item));
            return None;
        }
    }
    if locked.has_room() && !locked.crowded {
        locked.items.push(item);
        return None;
    }
    waiter = locked.putters.push(item).into();
    locked.crowded = true;
    if locked.has_room() {
        // Whoever waited for it is just leaving.
        deliveries.refill(&mut locked);
        drop(locked);
        deliveries.deliver();
    }
    Some(waiter)
}

/// As [`DeferredQueue::get`](crate::DeferredQueue::get), where there is no item.
#[inline(never)]
#[track_caller]
pub(crate) fn wait<T, S>(mut locked: LockedQueue<'_, T, S>) -> Compact<T, QueueUnderflow>
where
    T: Send + 'static,
    S: Store<T>,
{
    if locked.is_over() {
        Deferred::fail(Failure::new(FailureKind::Closed)).into()
    } else if !locked.may_wait(locked.len()) {
        Deferred::fail(QueueUnderflow).into()
    } else {
        locked.push(()).into()
    }
}

/// Takes the next item, in every state, or locks the queue while there is none.
#[inline(never)]
pub(crate) fn take_slow<T, S>(locked: LockedQueue<'_, T, S>) -> Result<T, LockedQueue<'_, T, S>>
where
    T: Send + 'static,
    S: Store<T>,
{
    // It outlives the lock, also when an item's `Ord` panics.
    let mut deliveries = Deliveries::new();
    let mut locked = locked;
    let Some(item) = deliveries.take(&mut locked) else { return Err(locked) };
    drop(locked);
    deliveries.deliver();
    Ok(item)
}

/// Puts an item back that had been taken out, and changes the state with it.
pub(crate) fn put_back<T, S>(getters: &Getters<T, S>, item: T, change: impl FnOnce(&mut State<T, S>))
where
    T: Send + 'static,
    S: Store<T>,
{
    let mut deliveries = Deliveries::new();
    let mut locked = getters.lock();
    // First, as an item's `Ord` may panic, and the queue must go on.
    change(&mut locked);
    locked.items.push_back_in_front(item);
    deliveries.settle(&mut locked);
    if locked.is_over() {
        locked.fail_all(&mut deliveries.items);
    }
    drop(locked);
    deliveries.deliver();
}
