//! Many operations of the main loop on what interrupts use at the same time.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use alloc::sync::Arc;

use deferred_bare_metal::board::{self, in_interrupt};
use deferred_bare_metal::executor::block_on;
use deferred_core::{Deferred, Resolver};
use deferred_list::DeferredList;
use deferred_queue::DeferredQueue;
use deferred_sync::{DeferredLock, DeferredSemaphore};

/// What both sides have in their hands.
#[derive(Clone)]
struct Both {
    semaphore: DeferredSemaphore,
    lock: DeferredLock<u32>,
    /// From the interrupts to the main loop.
    items: DeferredQueue<u32>,
    /// From the main loop to the interrupts, which fire them.
    resolvers: DeferredQueue<Resolver<u32>>,
    /// How often either side has asked for the lock.
    turns: Arc<AtomicU32>,
    /// Ends the interrupts' part.
    over: Arc<AtomicBool>,
}

/// The permits of the semaphore.
const PERMITS: usize = 2;

/// Does that many operations at least; tells how many, and how many interrupts took part.
pub fn stress(operations: usize) -> (usize, usize) {
    let both = Both {
        semaphore: DeferredSemaphore::new(PERMITS),
        lock: DeferredLock::new(0),
        items: DeferredQueue::builder().size(4).build(),
        resolvers: DeferredQueue::new(),
        turns: Arc::new(AtomicU32::new(0)),
        over: Arc::new(AtomicBool::new(false)),
    };
    let before = board::jobs().0;
    let interrupts = both.clone();
    in_interrupt(move || interrupt(interrupts, 0));
    let (mut done, mut item) = (0, 0);
    while done < operations {
        done += round(&both, &mut item);
    }
    both.over.store(true, Ordering::Relaxed);
    // What the last interrupts have put.
    while let Ok(next) = block_on(both.items.get()) {
        assert_eq!(next, item);
        item += 1;
    }
    assert_eq!(both.semaphore.available(), PERMITS, "no permit is lost or doubled");
    assert_eq!((both.semaphore.waiting(), both.lock.waiting()), (0, 0));
    assert_eq!(both.lock.into_inner().unwrap(), both.turns.load(Ordering::Relaxed), "each had the lock once");
    (done, board::jobs().0 - before)
}

/// The main loop's part; returns how many operations it was.
fn round(both: &Both, item: &mut u32) -> usize {
    // Callbacks, fired on the spot: attach twice, fire, take.
    let (resolver, d) = Deferred::<u32>::new();
    let mut d = d.add_callback(|n| Ok(n + 1)).add_callback(|n| Ok(n * 2));
    resolver.callback(1).unwrap();
    assert_eq!(d.try_take(), Some(Ok(4)));
    // Permits, which an interrupt may have just now: acquire three times, cancel one, release two.
    let (one, two, three) = (both.semaphore.acquire(), both.semaphore.acquire(), both.semaphore.acquire());
    drop(two);
    drop(block_on(one).unwrap());
    drop(block_on(three).unwrap());
    // The lock, too: run.
    both.turns.fetch_add(1, Ordering::Relaxed);
    block_on(both.lock.run(|n| *n += 1)).unwrap();
    // What an interrupt has put: get.
    if let Some(next) = both.items.try_get() {
        assert_eq!(next, *item, "items come in order, and each once");
        *item += 1;
    }
    // A list, one half of which an interrupt fires: put, fire, await.
    let (ours, mine) = Deferred::<u32>::new();
    let (theirs, other) = Deferred::<u32>::new();
    let list = DeferredList::new([mine, other]);
    if board::jobs().0 % 16 == 0 {
        both.resolvers.put(theirs).unwrap();
    } else {
        theirs.callback(2).unwrap();
    }
    ours.callback(1).unwrap();
    assert!(block_on(list).into_iter().eq([Ok(1), Ok(2)]));
    5 + 6 + 2 + 1 + 6
}

/// An interrupt's part.
fn interrupt(both: Both, item: u32) {
    if both.over.load(Ordering::Relaxed) {
        return both.items.close();
    }
    let put = both.items.put(item).is_ok();
    // It cannot wait: it takes a permit if there is one, or leaves word.
    drop(both.semaphore.try_acquire());
    both.semaphore.acquire().add_callback(|permit| Ok(permit.release())).detach();
    both.turns.fetch_add(1, Ordering::Relaxed);
    both.lock.run(|n| *n += 1).detach();
    drop(both.lock.acquire());
    while let Some(resolver) = both.resolvers.try_get() {
        resolver.callback(2).unwrap();
    }
    let item = item + u32::from(put);
    in_interrupt(move || interrupt(both, item));
}
