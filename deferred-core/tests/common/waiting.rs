//! One who waits, for comparison with a model.

use std::fmt::Debug;
use std::sync::Arc;

use deferred_core::Deferred;

use super::{CountWaker, poll_with};

/// A Deferred that somebody waits with, by polling it once.
pub(crate) struct Waiting<T, E: Debug = core::convert::Infallible> {
    pub(crate) deferred: Deferred<T, E>,
    wakes: Arc<CountWaker>,
    polled: bool,
}

impl<T, E: Debug> Waiting<T, E> {
    pub(crate) fn new(mut deferred: Deferred<T, E>, poll: bool) -> Self {
        let (wakes, waker) = CountWaker::new();
        let polled = poll && !deferred.is_fired();
        if polled {
            assert!(poll_with(&mut deferred, &waker).is_pending());
        }
        Self { deferred, wakes, polled }
    }

    /// Checks that it has fired or not, and was woken for that once or not at all.
    #[track_caller]
    pub(crate) fn check(&self, fired: bool) {
        assert_eq!(self.deferred.is_fired(), fired);
        assert_eq!(self.wakes.count(), usize::from(fired && self.polled));
    }
}
