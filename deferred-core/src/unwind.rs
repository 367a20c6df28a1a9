//! Calls into foreign code, with panics contained where `std` can catch them.

use core::task::Waker;

use crate::failure::Panic;

/// Runs `f`; a panic becomes its message.
#[cfg(feature = "std")]
#[inline(always)]
pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Panic> {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    // Whatever `f` leaves half done is its own: nothing of ours is borrowed or locked while foreign code runs.
    catch_unwind(AssertUnwindSafe(f)).map_err(message)
}

/// Takes the message out of what a panic carries.
#[cfg(feature = "std")]
#[cold]
#[inline(never)]
fn message(payload: alloc::boxed::Box<dyn core::any::Any + Send>) -> Panic {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    let message = if let Some(text) = payload.downcast_ref::<&'static str>() {
        Panic::new(*text)
    } else if let Some(text) = payload.downcast_ref::<std::string::String>() {
        Panic::new(text.clone())
    } else {
        Panic::new("a payload that is not a string")
    };
    // The payload's own drop may panic too; that panic has nowhere to go.
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // One that is plain text cannot panic again.
        if !(second.is::<&'static str>() || second.is::<std::string::String>()) {
            core::mem::forget(second);
        }
    }
    message
}

/// Runs `f`; without `std` a panic does not come back.
#[cfg(not(feature = "std"))]
#[inline]
pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Panic> {
    Ok(f())
}

/// Wakes a task; a panic in its waker stops here.
#[inline(always)]
pub(crate) fn wake(waker: Waker) {
    let _ = catch(|| waker.wake());
}
