//! What a primitive says of its queue.

use core::convert::Infallible;
use core::fmt::Debug;

use super::{Grants, Locked, Returned, WaitQueue};
use crate::failure::{Failure, FailureKind};

/// The state of a primitive, and what it does when something comes back.
///
/// The hooks are called with no lock held unless they are handed the [`Locked`] queue.
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
    fn untaken(queue: &WaitQueue<T, E, Self>, value: T) {
        let _ = queue;
        drop(value);
    }

    /// Learns that a waiter has left the queue, so that one behind it may have its turn.
    fn withdrawn(queue: &WaitQueue<T, E, Self>) {
        let _ = queue;
    }

    /// Says why a waiter fails when the primitive is closed, or nobody is left who could grant it anything.
    fn closed(request: Self::Request) -> Failure<E> {
        drop(request);
        Failure::new(FailureKind::Closed)
    }

    /// Decides about units that come back while somebody waits, or after [`Locked::set_slow`].
    ///
    /// Those that are not handed on are free afterwards.
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
