//! What the lock of a queue protects, and who gets what.

use core::marker::PhantomData;

use deferred_core::{Failure, Grants, Locked, Primitive, WaitQueue};

use crate::error::{QueueUnderflow, Unsent};
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
    /// How many items may be stored.
    pub(crate) size: Option<usize>,
    /// How many may wait for an item.
    pub(crate) backlog: Option<usize>,
    /// The first item is out to be looked at, and the others stay where they are until it is back.
    pub(crate) peeked: bool,
    pub(crate) closed: bool,
}

impl<T: Send + 'static, S: Store<T>> State<T, S> {
    /// Returns how many items there are, the one that is being looked at included.
    pub(crate) fn stored(&self) -> usize {
        self.items.len() + usize::from(self.peeked)
    }

    pub(crate) fn has_room(&self) -> bool {
        self.size.is_none_or(|size| self.stored() < size)
    }

    /// Tells whether there is an item to be had, stored or with one who waits for room.
    #[inline]
    pub(crate) fn has_item(&self) -> bool {
        !self.peeked && (!self.items.is_empty() || !self.putters.nobody_waits())
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
    #[inline]
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

    pub(crate) fn next_putter(&mut self, locked: &mut LockedQueue<'_, T, S>) -> Option<T> {
        if locked.putters.nobody_waits() {
            return None;
        }
        let (turn, item) = locked.putters.lock().pop()?;
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

    /// Delivers items as long as both they and getters are there.
    fn settle(&mut self, locked: &mut LockedQueue<'_, T, S>) {
        while !locked.peeked && !locked.items.is_empty() {
            let Some((turn, ())) = locked.pop() else { return };
            if let Some(item) = self.take(locked) {
                self.items.push(turn, Ok(item));
            }
        }
    }
}

/// Puts an item back that had been taken out, and changes the state with it.
pub(crate) fn put_back<T, S>(getters: &Getters<T, S>, item: T, change: impl FnOnce(&mut State<T, S>))
where
    T: Send + 'static,
    S: Store<T>,
{
    let mut deliveries = Deliveries::new();
    let mut locked = getters.lock();
    locked.items.push_back_in_front(item);
    change(&mut locked);
    deliveries.settle(&mut locked);
    if locked.is_over() {
        locked.fail_all(&mut deliveries.items);
    }
    drop(locked);
    deliveries.deliver();
}
