//! Many futures of one type, pinned in one allocation.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Futures that are polled by hand and dropped in any order.
///
/// The room is allocated once, before a measured section, so that a case counts what its contender does and nothing else.
pub(crate) struct Pinned<F> {
    /// Never grows beyond the capacity it was made with, so no future moves once it is in.
    futures: Vec<Option<F>>,
}

impl<F: Future> Pinned<F> {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { futures: Vec::with_capacity(capacity) }
    }

    /// Adds a future and polls it once, expecting it to wait.
    pub(crate) fn push_waiting(&mut self, future: F) {
        self.push_waiting_with(future, Waker::noop());
    }

    /// Adds a future and polls it once with a waker of its own, expecting it to wait.
    pub(crate) fn push_waiting_with(&mut self, future: F, waker: &Waker) {
        assert!(self.futures.len() < self.futures.capacity(), "a pinned future would move");
        self.futures.push(Some(future));
        let last = self.futures.len() - 1;
        assert!(self.poll(last, waker).is_pending(), "the future should have had to wait");
    }

    pub(crate) fn poll(&mut self, index: usize, waker: &Waker) -> Poll<F::Output> {
        let future = self.futures[index].as_mut().expect("polled after it was dropped");
        // SAFETY: the vector never grows past its first capacity and hands out no `&mut F`, so a future stays
        // where it is from `push_waiting` until `drop_at`, or the vector's own drop, drops it in place.
        unsafe { Pin::new_unchecked(future) }.poll(&mut Context::from_waker(waker))
    }

    /// Polls a future that has been woken and gives what it brings.
    pub(crate) fn take(&mut self, index: usize) -> F::Output {
        match self.poll(index, Waker::noop()) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("future {index} should have been ready"),
        }
    }

    /// Drops a future in place.
    pub(crate) fn drop_at(&mut self, index: usize) {
        self.futures[index] = None;
    }

    /// Drops everything and keeps the room.
    pub(crate) fn clear(&mut self) {
        self.futures.clear();
    }
}
