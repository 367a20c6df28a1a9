//! Bytes: what a handle, a pending cell and a waiter take.

use std::pin::pin;
use std::task::{Context, Waker};
use std::thread;

use serde::{Deserialize, Serialize};

use crate::harness::alloc::Count;
use crate::harness::{Peer, Plan};
use crate::peers::*;

/// One figure of the table of sizes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Size {
    /// What was measured.
    pub title: String,
    pub peer: String,
    /// Bytes in the value itself.
    pub inline: usize,
    /// Bytes on the heap, as asked of the allocator.
    pub heap: u64,
}

/// All sizes; the heap's are zero unless the counting allocator is installed.
pub fn all(plan: &Plan) -> Vec<Size> {
    let mut sizes = Sizes { plan, sizes: Vec::new() };
    one_shots(&mut sizes);
    gates(&mut sizes);
    getters(&mut sizes);
    sizes.sizes
}

struct Sizes<'a> {
    plan: &'a Plan,
    sizes: Vec<Size>,
}

impl Sizes<'_> {
    fn add(&mut self, title: &str, peer: Peer, measure: impl FnOnce() -> (usize, u64) + Send) {
        if self.plan.wants(&peer) {
            // On a thread of its own, as ours keeps the memory of what it has freed for what comes next.
            let measured = thread::scope(|scope| scope.spawn(measure).join());
            let (inline, heap) = measured.expect("what is measured does not panic");
            self.sizes.push(Size { title: title.to_owned(), peer: peer.name.to_owned(), inline, heap });
        }
    }
}

fn one_shots(sizes: &mut Sizes<'_>) {
    fn add<P: OneShot>(sizes: &mut Sizes<'_>) {
        sizes.add("one-shot of a u64: handle, cell", P::PEER, || {
            let before = Count::now();
            let (_sender, _receiver) = P::pair();
            (size_of::<P::Receiver>(), Count::since(before).live)
        });
    }
    add::<OurOneShot>(sizes);
    add::<TokioOneShot>(sizes);
    add::<AsyncbandOneShot>(sizes);
    add::<FuturesOneShot>(sizes);
    add::<IntrusiveOneShot>(sizes);
    add::<OneShotCrate>(sizes);
    add::<CrossfireOneShot>(sizes);
}

/// What waiting takes: the future that waits, and what is on the heap once it does.
fn waiting<F: Future>(begin: impl FnOnce() -> F) -> (usize, u64) {
    let before = Count::now();
    let future = begin();
    let inline = size_of_val(&future);
    let mut future = pin!(future);
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    (inline, Count::since(before).live)
}

fn gates(sizes: &mut Sizes<'_>) {
    macro_rules! add {
        ($title:literal, $peer:ty, |$state:ident| $acquire:expr) => {
            sizes.add($title, <$peer>::PEER, || {
                let $state = <$peer>::new(1);
                let _held = <$peer>::try_acquire(&$state);
                // The first waiter may make what all share: the second is measured.
                let mut first = pin!($acquire);
                assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
                waiting(|| $acquire)
            });
        };
    }
    add!("waiter for a semaphore: future, heap", OurSemaphore, |state| state.acquire());
    add!("waiter for a semaphore: future, heap", TokioSemaphore, |state| state.acquire());
    add!("waiter for a semaphore: future, heap", MaitakeSemaphore, |state| state.acquire(1));
    add!("waiter for a semaphore: future, heap", AsyncbandSemaphore, |state| state.acquire(1));
    add!("waiter for a semaphore: future, heap", IntrusiveSemaphore, |state| state.acquire(1));
    add!("waiter for a semaphore: future, heap", AsyncLockSemaphore, |state| state.acquire());
    add!("waiter for a semaphore: future, heap", AsyncSemaphore, |state| state.acquire());
    add!("waiter for a semaphore: future, heap", UnsyncSemaphore, |state| state.acquire());
    add!("waiter for a lock: future, heap", OurLock, |state| state.acquire());
    add!("waiter for a lock: future, heap", TokioMutex, |state| state.lock());
    add!("waiter for a lock: future, heap", MaitakeMutex, |state| state.lock());
    add!("waiter for a lock: future, heap", AsyncbandMutex, |state| state.lock());
    add!("waiter for a lock: future, heap", IntrusiveMutex, |state| state.lock());
    add!("waiter for a lock: future, heap", AsyncLockMutex, |state| state.lock());
    add!("waiter for a lock: future, heap", FuturesMutex, |state| state.lock());
}

fn getters(sizes: &mut Sizes<'_>) {
    macro_rules! add {
        ($peer:ty, |$receiver:ident| $get:expr) => {
            sizes.add("waiting getter of a u64: future, heap", <$peer>::PEER, || {
                let (_sender, $receiver) = <$peer>::new(64);
                let mut first = pin!($get);
                assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
                waiting(|| $get)
            });
        };
    }
    add!(OurQueue, |receiver| receiver.get());
    add!(AsyncbandMpmc, |receiver| receiver.recv());
    add!(IntrusiveQueue, |receiver| receiver.receive());
    add!(Kanal, |receiver| receiver.recv());
    add!(Flume, |receiver| receiver.recv_async());
    add!(AsyncChannel, |receiver| receiver.recv());
    add!(CrossfireQueue, |receiver| receiver.recv());
}
