//! A first-in first-out queue of Deferreds: what every primitive of the family is made of.

mod counting;
mod hand_over;
mod list;
mod locked;
mod primitive;
mod returned;
mod shared;
mod turn;
mod units;
mod word;

use core::convert::Infallible;
use core::fmt::{self, Debug};
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

pub use self::hand_over::Grants;
#[cfg(all(feature = "std", not(loom)))]
pub(crate) use self::hand_over::catch_up;
pub use self::locked::Locked;
pub use self::primitive::Primitive;
pub use self::returned::Returned;
use self::shared::Core;
pub(crate) use self::shared::Granted;
pub use self::turn::Turn;
pub use self::units::Units;
use crate::deferred::Deferred;
use crate::resolver::Resolver;

/// A first-in first-out queue of Deferreds, with the state of the primitive that it belongs to.
///
/// [`push`](Self::push) gives a [`Deferred`], [`pop`](Self::pop) gives the [`Resolver`] of the oldest one.
/// Dropping or cancelling the Deferred takes it out in constant time, wherever it stands.
///
/// It is a handle: clones share one queue, and when the last one goes, whoever still waits fails with `Closed`.
///
/// # Writing a primitive
///
/// A primitive is its own state `P` plus a queue. `P` lies under the lock of the queue, see [`lock`](Self::lock), and
/// implements [`Primitive`] to say what a waiter asks for and what becomes of what nobody takes.
/// For the simplest ones `()` will do:
///
/// ```
/// use deferred_core::{Deferred, WaitQueue};
///
/// /// Opens once and lets everybody through.
/// #[derive(Default)]
/// struct Gate(WaitQueue<(), std::convert::Infallible, GateState>);
///
/// #[derive(Default)]
/// struct GateState { open: bool }
///
/// impl deferred_core::Primitive<()> for GateState {
///     type Request = ();
///     type Guarded = ();
/// }
///
/// impl Gate {
///     fn pass(&self) -> Deferred<()> {
///         let mut locked = self.0.lock();
///         if locked.open { Deferred::succeed(()) } else { locked.push(()) }
///     }
///
///     fn open(&self) {
///         let mut grants = deferred_core::Grants::new();
///         let mut locked = self.0.lock();
///         locked.open = true;
///         while let Some((turn, ())) = locked.pop() {
///             grants.push(turn, Ok(()));
///         }
///         drop(locked);
///         grants.deliver();
///     }
/// }
///
/// let gate = Gate::default();
/// let (mut first, mut second) = (gate.pass(), gate.pass());
/// assert_eq!(first.try_take(), None);
/// gate.open();
/// assert_eq!((first.try_take(), second.try_take()), (Some(Ok(())), Some(Ok(()))));
/// assert!(gate.pass().is_fired());
/// ```
///
/// # Fairness
///
/// Strict: the oldest waiter is popped first, and one that leaves changes the order of nobody else.
///
/// # Units
///
/// A queue can also count units, for primitives that hand the same thing out again and again; see [`Units`].
/// As long as nobody waits, taking and giving back a unit does not take the lock, but for the first that is given back
/// after somebody has waited.
pub struct WaitQueue<T: 'static, E: Debug + 'static = Infallible, P: Primitive<T, E> = ()> {
    /// A core, on which this has a handle.
    core: NonNull<Core<T, E, P>>,
}

// SAFETY: handles share a core, whose parts are atomic or locked; what goes through it is `Send`.
unsafe impl<T: Send + 'static, E: Debug + Send + 'static, P: Primitive<T, E>> Send for WaitQueue<T, E, P> where
    P::Guarded: Send
{
}
// SAFETY: as above; a handle gives out the guarded value to whoever holds the unit only.
unsafe impl<T: Send + 'static, E: Debug + Send + 'static, P: Primitive<T, E>> Sync for WaitQueue<T, E, P> where
    P::Guarded: Send
{
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E, Guarded = ()>> WaitQueue<T, E, P> {
    /// Makes an empty queue with the state of a primitive.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    ///
    /// let queue = WaitQueue::<u8>::new(());
    /// let mut d = queue.push(());
    /// queue.pop().unwrap().callback(5).unwrap();
    /// assert_eq!(d.try_take(), Some(Ok(5)));
    /// ```
    pub fn new(primitive: P) -> Self {
        Self { core: Core::new(primitive, 0, ()) }
    }
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> WaitQueue<T, E, P> {
    /// Makes an empty queue with one unit, whose holder owns `value`.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    /// # struct Locking;
    /// # impl deferred_core::Primitive<()> for Locking {
    /// #     type Request = ();
    /// #     type Guarded = String;
    /// # }
    ///
    /// let queue = WaitQueue::<(), std::convert::Infallible, _>::exclusive(Locking, "value".to_string());
    /// let unit = queue.try_take(1).unwrap();
    /// assert_eq!(unit.guarded(), "value");
    /// assert!(queue.try_take(1).is_none());
    /// ```
    pub fn exclusive(primitive: P, value: P::Guarded) -> Self {
        Self { core: Core::new(primitive, 1, value) }
    }

    /// # Safety
    ///
    /// The caller must own a handle, which the result takes over.
    #[inline]
    pub(crate) unsafe fn from_core(core: NonNull<Core<T, E, P>>) -> Self {
        Self { core }
    }

    #[inline]
    pub(crate) fn core(&self) -> &Core<T, E, P> {
        // SAFETY: the handle keeps the core.
        unsafe { self.core.as_ref() }
    }

    #[inline]
    pub(crate) fn core_ptr(&self) -> NonNull<Core<T, E, P>> {
        self.core
    }

    /// Locks the queue, to look at the state and change both in one step.
    ///
    /// While the result lives no foreign code may run: no firing, no waking, no drop of a value of the user's, nor of
    /// [`Units`] of this queue.
    /// Collect what is to be granted in [`Grants`], and deliver it when the lock is gone.
    /// With `critical-section` interrupts are off meanwhile; do not carry the result out of a critical section of yours.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    ///
    /// let queue = WaitQueue::<u8>::new(());
    /// let waiter = queue.push(());
    /// let mut locked = queue.lock();
    /// let turn = if locked.len() == 1 { locked.pop() } else { None };
    /// drop(locked);
    /// assert!(turn.is_some());
    /// # drop(waiter);
    /// ```
    #[inline]
    pub fn lock(&self) -> Locked<'_, T, E, P> {
        Locked { queue: self, inner: self.core().lock() }
    }

    /// As [`lock`](Self::lock), if nobody else holds it.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    ///
    /// let queue = WaitQueue::<u8>::new(());
    /// let locked = queue.lock();
    /// assert!(queue.try_lock().is_none());
    /// drop(locked);
    /// assert!(queue.try_lock().is_some());
    /// ```
    pub fn try_lock(&self) -> Option<Locked<'_, T, E, P>> {
        Some(Locked { queue: self, inner: self.core().try_lock()? })
    }

    /// Adds a waiter at the back. One allocation at most.
    ///
    /// # Cancel safety
    ///
    /// Dropping or cancelling the Deferred takes it out of the queue, in constant time.
    ///
    /// # Panics
    ///
    /// If nobody waits, with too many handles of the queue, see [`clone`](Self::clone).
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    ///
    /// let queue = WaitQueue::<u8>::new(());
    /// let (first, second) = (queue.push(()), queue.push(()));
    /// drop(first);
    /// assert_eq!(queue.len(), 1);
    /// # drop(second);
    /// ```
    #[track_caller]
    pub fn push(&self, request: P::Request) -> Deferred<T, E> {
        self.lock().push(request)
    }

    /// Takes the oldest waiter out, to fire it.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    ///
    /// let queue = WaitQueue::<u8>::new(());
    /// assert!(queue.pop().is_none());
    /// ```
    pub fn pop(&self) -> Option<Resolver<T, E>> {
        let popped = self.lock().pop();
        popped.map(|(turn, request)| {
            crate::postpone::drop_value(request);
            turn.into_resolver()
        })
    }

    /// Returns how many wait.
    ///
    /// # Examples
    ///
    /// ```
    /// let queue = deferred_core::WaitQueue::<u8>::new(());
    /// let waiter = queue.push(());
    /// assert_eq!(queue.len(), 1);
    /// # drop(waiter);
    /// ```
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Tells whether nobody waits.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(deferred_core::WaitQueue::<u8>::new(()).is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fails everybody who waits with [`Primitive::closed`], in order.
    ///
    /// # Examples
    ///
    /// ```
    /// let queue = deferred_core::WaitQueue::<u8>::new(());
    /// let mut waiter = queue.push(());
    /// queue.fail_all();
    /// assert!(waiter.try_take().unwrap().unwrap_err().is_closed());
    /// ```
    pub fn fail_all(&self) {
        let mut grants = Grants::new();
        self.lock().fail_all(&mut grants);
        grants.deliver();
    }

    /// Makes a Deferred that has `value`, and gives it to [`Primitive::untaken`] if nobody takes it.
    ///
    /// # Panics
    ///
    /// With too many handles of the queue, see [`clone`](Self::clone).
    ///
    /// # Cancel safety
    ///
    /// Dropping the Deferred gives the value back.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    ///
    /// let queue = WaitQueue::<u8>::new(());
    /// assert_eq!(queue.ready(5).try_take(), Some(Ok(5)));
    /// ```
    #[inline]
    pub fn ready(&self, value: T) -> Deferred<T, E> {
        let queue = ManuallyDrop::new(self.clone());
        // SAFETY: the clone's handle goes into the result.
        Deferred::from_granted(unsafe { Core::granted(queue.core, value) })
    }

    /// Tells whether two handles are of one queue.
    ///
    /// # Examples
    ///
    /// ```
    /// let queue = deferred_core::WaitQueue::<u8>::new(());
    /// assert!(queue.is_same(&queue.clone()));
    /// ```
    pub fn is_same(&self, other: &Self) -> bool {
        self.core == other.core
    }

    /// Returns the guarded value, if this is the only handle and its unit is free.
    ///
    /// # Errors
    ///
    /// The handle, when there are others, or somebody holds the unit.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    /// # struct Locking;
    /// # impl deferred_core::Primitive<()> for Locking {
    /// #     type Request = ();
    /// #     type Guarded = String;
    /// # }
    ///
    /// let queue = WaitQueue::<(), std::convert::Infallible, _>::exclusive(Locking, "value".to_string());
    /// let other = queue.clone();
    /// let queue = queue.into_guarded().unwrap_err();
    /// drop(other);
    /// assert_eq!(queue.into_guarded().ok(), Some("value".to_string()));
    /// ```
    pub fn into_guarded(self) -> Result<P::Guarded, Self> {
        if !self.core().load().is_unused() {
            return Err(self);
        }
        let this = ManuallyDrop::new(self);
        // SAFETY: nobody else has a handle, and none is left after this one, which is not dropped.
        Ok(unsafe { Core::into_guarded(this.core) })
    }

    /// Returns the guarded value when this is the only handle and its unit is free.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    /// # struct Locking;
    /// # impl deferred_core::Primitive<()> for Locking {
    /// #     type Request = ();
    /// #     type Guarded = String;
    /// # }
    ///
    /// let mut queue = WaitQueue::<(), std::convert::Infallible, _>::exclusive(Locking, "value".to_string());
    /// queue.guarded_mut().unwrap().push('s');
    /// assert_eq!(queue.try_take(1).unwrap().guarded(), "values");
    /// ```
    pub fn guarded_mut(&mut self) -> Option<&mut P::Guarded> {
        // SAFETY: the unit is free and nobody else can take it, as there is no other handle.
        self.core().load().is_unused().then(|| self.core().guarded.with_mut(|value| unsafe { &mut *value }))
    }
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Clone for WaitQueue<T, E, P> {
    /// Makes another handle of the same queue.
    ///
    /// # Panics
    ///
    /// With 2³⁰ − 1 handles on 64-bit targets, 2¹⁴ − 1 on 32-bit ones.
    #[inline]
    #[track_caller]
    fn clone(&self) -> Self {
        self.core().add_handle(0);
        Self { core: self.core }
    }
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Drop for WaitQueue<T, E, P> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this handle's time is over.
        unsafe { Core::release(self.core) }
    }
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E, Guarded = ()> + Default> Default for WaitQueue<T, E, P> {
    fn default() -> Self {
        Self::new(P::default())
    }
}

/// Shows how many wait; does not block.
impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Debug for WaitQueue<T, E, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("WaitQueue");
        // What is written to may call in, so the lock is not held then.
        let waiting = self.try_lock().map(|locked| locked.len());
        match waiting {
            Some(waiting) => f.field("waiting", &waiting),
            None => f.field("waiting", &format_args!("locked")),
        };
        f.field("free_units", &self.free_units()).finish_non_exhaustive()
    }
}
