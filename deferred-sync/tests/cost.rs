//! What leaving a queue costs, in instructions: the same from front, middle and back, and however many wait.

#[path = "../../deferred-core/tests/common/mod.rs"]
mod common;

use common::{assert_same, instructions};
use deferred_core::Deferred;
use deferred_sync::{DeferredSemaphore, Permit};

type Waiters = Vec<Option<Deferred<Permit>>>;

/// How many leave.
const LEAVE: usize = 30;

fn leave(waiters: &mut [Option<Deferred<Permit>>]) {
    waiters.iter_mut().take(LEAVE).for_each(|waiter| *waiter = None);
}

/// Each a function of its own, so that its cost is found by its name.
macro_rules! leaving {
    ($($name:ident)*) => {
        $(#[inline(never)]
        fn $name(waiters: &mut [Option<Deferred<Permit>>]) {
            leave(std::hint::black_box(waiters));
        })*
    };
}

leaving! { few_front few_middle few_back many_front many_middle many_back }

fn waiters(semaphore: &DeferredSemaphore, n: usize) -> Waiters {
    (0..n).map(|_| Some(semaphore.acquire())).collect()
}

#[test]
fn leaving_costs_the_same_from_everywhere_and_however_many_wait() {
    let names = ["few_front", "few_middle", "few_back", "many_front", "many_middle", "many_back"];
    let work = || {
        let semaphore = DeferredSemaphore::new(0);
        let mut few = waiters(&semaphore, 100);
        few_front(&mut few);
        few_middle(&mut few[LEAVE + 5..]);
        few_back(&mut few[100 - LEAVE..]);
        drop(few);
        let mut many = waiters(&semaphore, 100_000);
        many_front(&mut many);
        many_middle(&mut many[50_000..]);
        many_back(&mut many[100_000 - LEAVE..]);
        std::mem::forget(many);
    };
    if let Some(counts) = instructions("leaving_costs_the_same_from_everywhere_and_however_many_wait", &names, work) {
        for place in 0..3 {
            assert_same(&[counts[place], counts[place + 3]]);
        }
        // One that stood in front has to see whether those behind it may go on; that costs a fixed time, too.
        assert!(counts.iter().all(|count| *count < 2 * counts[1]), "{counts:?}");
    }
}
