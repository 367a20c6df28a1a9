//! Making a queue with bounds.

use alloc::collections::VecDeque;
use core::fmt::{self, Debug};
use core::marker::PhantomData;

use deferred_core::WaitQueue;

use crate::queue::DeferredQueue;
use crate::state::{Putting, State};
use crate::store::Store;

/// Makes a [`DeferredQueue`] with bounds; see [`DeferredQueue::builder`].
#[derive(Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct Builder<T, S = VecDeque<T>> {
    size: Option<usize>,
    backlog: Option<usize>,
    types: PhantomData<fn() -> (T, S)>,
}

impl<T, S> Default for Builder<T, S> {
    fn default() -> Self {
        Self { size: None, backlog: None, types: PhantomData }
    }
}

impl<T: Send + 'static, S: Store<T>> Builder<T, S> {
    /// Bounds the stored items. With 0 an item goes only to somebody who waits for it.
    pub fn size(mut self, items: usize) -> Self {
        self.size = Some(items);
        self
    }

    /// Bounds how many may wait for an item. With 0 nobody may.
    pub fn backlog(mut self, getters: usize) -> Self {
        self.backlog = Some(getters);
        self
    }

    /// Makes the queue.
    pub fn build(self) -> DeferredQueue<T, S> {
        let Self { size, backlog, .. } = self;
        let putters = WaitQueue::new(Putting(PhantomData));
        let state = State { items: S::default(), putters, size, backlog, peeked: false, closed: false };
        DeferredQueue::from_getters(WaitQueue::new(state))
    }
}

impl<T, S> Debug for Builder<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("size", &self.size).field("backlog", &self.backlog).finish()
    }
}
