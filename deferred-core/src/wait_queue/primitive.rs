//! What a primitive says of its queue.

use core::convert::Infallible;
use core::fmt::Debug;

use super::{Grants, Locked, Returned, WaitQueue};
use crate::failure::{Failure, FailureKind};

/// The state of a primitive, and what it does when something comes back.
///
/// The hooks are called with no lock held unless they are handed the [`Locked`] queue.
///
/// # Examples
///
/// ```
/// use deferred_core::{Deferred, Primitive, WaitQueue};
/// use std::convert::Infallible;
///
/// /// A pool of things. One that is granted and not taken goes to the next who waits, or back.
/// #[derive(Default)]
/// struct Pool {
///     free: Vec<u32>,
/// }
///
/// impl Primitive<u32> for Pool {
///     type Request = ();
///     type Guarded = ();
///     const RECLAIMS: bool = true;
///
///     fn untaken(queue: &WaitQueue<u32, Infallible, Self>, thing: u32) {
///         give(queue, thing);
///     }
/// }
///
/// fn give(queue: &WaitQueue<u32, Infallible, Pool>, thing: u32) {
///     let mut locked = queue.lock();
///     match locked.pop() {
///         Some((turn, ())) => {
///             drop(locked);
///             turn.grant(Ok(thing));
///         }
///         None => locked.free.push(thing),
///     }
/// }
///
/// let queue: WaitQueue<u32, Infallible, Pool> = WaitQueue::default();
/// let (first, mut second): (_, Deferred<u32>) = (queue.push(()), queue.push(()));
/// give(&queue, 7);
/// drop(first);
/// assert_eq!(second.try_take(), Some(Ok(7)));
/// ```
pub trait Primitive<T: 'static, E: Debug + 'static = Infallible>: Send + Sized + 'static {
    /// What a waiter asks for, for example how many permits.
    type Request: Send + 'static;

    /// What the holder of the one unit of an [exclusive](WaitQueue::exclusive) queue owns; `()` for others.
    type Guarded: Send + 'static;

    /// Whether [`untaken`](Self::untaken) is to be called. It costs a handle for each grant.
    const RECLAIMS: bool = false;

    /// Whether [`withdrawn`](Self::withdrawn) is to be called.
    const WITHDRAWALS: bool = false;

    /// Takes back a value that was granted to a waiter who then was cancelled or dropped before taking it.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Primitive, WaitQueue};
    /// use std::convert::Infallible;
    ///
    /// #[derive(Default)]
    /// struct Back(Vec<u32>);
    ///
    /// impl Primitive<u32> for Back {
    ///     type Request = ();
    ///     type Guarded = ();
    ///     const RECLAIMS: bool = true;
    ///
    ///     fn untaken(queue: &WaitQueue<u32, Infallible, Self>, value: u32) {
    ///         queue.lock().0.push(value);
    ///     }
    /// }
    ///
    /// let queue: WaitQueue<u32, Infallible, Back> = WaitQueue::default();
    /// drop(queue.ready(7));
    /// assert_eq!(queue.lock().0, [7]);
    /// ```
    fn untaken(queue: &WaitQueue<T, E, Self>, value: T) {
        let _ = queue;
        drop(value);
    }

    /// Learns that a waiter has left the queue, so that one behind it may have its turn.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Primitive, WaitQueue};
    /// use std::convert::Infallible;
    ///
    /// #[derive(Default)]
    /// struct Left(u32);
    ///
    /// impl Primitive<u8> for Left {
    ///     type Request = ();
    ///     type Guarded = ();
    ///     const WITHDRAWALS: bool = true;
    ///
    ///     fn withdrawn(queue: &WaitQueue<u8, Infallible, Self>) {
    ///         queue.lock().0 += 1;
    ///     }
    /// }
    ///
    /// let queue: WaitQueue<u8, Infallible, Left> = WaitQueue::default();
    /// let (first, second) = (queue.push(()), queue.push(()));
    /// drop(first);
    /// assert_eq!(queue.lock().0, 1);
    /// # drop(second);
    /// ```
    fn withdrawn(queue: &WaitQueue<T, E, Self>) {
        let _ = queue;
    }

    /// Says why a waiter fails when the primitive is closed, or nobody is left who could grant it anything.
    /// The failure's origin will be where the waiter was created.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Failure, FailureKind, Primitive, WaitQueue};
    ///
    /// #[derive(Default)]
    /// struct Door;
    ///
    /// impl Primitive<(), String> for Door {
    ///     type Request = &'static str;
    ///     type Guarded = ();
    ///
    ///     fn closed(name: &'static str) -> Failure<String> {
    ///         format!("{name} came too late").into()
    ///     }
    /// }
    ///
    /// let queue: WaitQueue<(), String, Door> = WaitQueue::default();
    /// let mut d = queue.push("Ann");
    /// queue.fail_all();
    /// let failure = d.try_take().unwrap().unwrap_err();
    /// assert_eq!(failure.into_kind(), FailureKind::Error("Ann came too late".to_string()));
    /// ```
    fn closed(request: Self::Request) -> Failure<E> {
        drop(request);
        Failure::new(FailureKind::Closed)
    }

    /// Decides about units that come back while somebody waits, about the first that come back after the last waiter has
    /// gone, and about all while [`Locked::set_slow`] is on.
    ///
    /// Those that are not handed on are free afterwards.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Grants, Locked, Primitive, Returned, Units, WaitQueue};
    /// use std::convert::Infallible;
    ///
    /// struct Guard(Units<Guard, Infallible, Fair>);
    ///
    /// /// Whoever waits longest has the unit next.
    /// struct Fair;
    ///
    /// impl Primitive<Guard> for Fair {
    ///     type Request = ();
    ///     type Guarded = ();
    ///
    ///     fn returned(
    ///         locked: &mut Locked<'_, Guard, Infallible, Self>,
    ///         returned: &mut Returned<Guard, Infallible, Self>,
    ///         _: &mut Grants<Guard, Infallible, Self>,
    ///     ) {
    ///         returned.hand_on(locked, |()| true, Guard);
    ///     }
    /// }
    ///
    /// let queue = WaitQueue::with_units(Fair, 1).unwrap();
    /// let unit = queue.try_take(1).unwrap();
    /// let mut waiter = queue.push(());
    /// drop(unit);
    /// let guard = waiter.try_take().unwrap().unwrap();
    /// assert_eq!(guard.0.count(), 1);
    /// ```
    fn returned(
        locked: &mut Locked<'_, T, E, Self>,
        returned: &mut Returned<T, E, Self>,
        grants: &mut Grants<T, E, Self>,
    ) {
        let _ = (locked, returned, grants);
    }
}

/// No state at all.
impl<T: 'static, E: Debug + 'static> Primitive<T, E> for () {
    type Request = ();
    type Guarded = ();
}
