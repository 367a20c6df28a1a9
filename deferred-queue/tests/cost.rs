//! What leaving a queue costs, in instructions: the same from front, middle and back, and however many wait.

#[path = "../../deferred-core/tests/common/mod.rs"]
mod common;

use common::{assert_same, instructions};
use deferred_core::Deferred;
use deferred_queue::{DeferredQueue, QueueUnderflow, Unsent};

/// How many leave.
const LEAVE: usize = 30;

type Getter = Option<Deferred<u8, QueueUnderflow>>;
type Putter = Option<Deferred<(), Unsent<u8>>>;

fn leave<T>(waiters: &mut [Option<T>]) {
    waiters.iter_mut().take(LEAVE).for_each(|waiter| *waiter = None);
}

/// Each a function of its own, so that its cost is found by its name.
macro_rules! leaving {
    ($of:ty: $($name:ident)*) => {
        $(#[inline(never)]
        fn $name(waiters: &mut [$of]) {
            leave(std::hint::black_box(waiters));
        })*
    };
}

leaving! { Getter: few_front few_middle few_back many_front many_middle many_back }
leaving! { Putter: few_putters many_putters }

#[test]
fn leaving_costs_the_same_from_everywhere_and_however_many_wait() {
    let getters = ["few_front", "few_middle", "few_back", "many_front", "many_middle", "many_back"];
    let names: Vec<&str> = getters.into_iter().chain(["few_putters", "many_putters"]).collect();
    let work = || {
        let queue = DeferredQueue::builder().size(0).build();
        let getters = |n| (0..n).map(|_| Some(queue.get())).collect::<Vec<Getter>>();
        let mut few = getters(100);
        few_front(&mut few);
        few_middle(&mut few[LEAVE + 5..]);
        few_back(&mut few[100 - LEAVE..]);
        drop(few);
        let mut many = getters(100_000);
        many_front(&mut many);
        many_middle(&mut many[50_000..]);
        many_back(&mut many[100_000 - LEAVE..]);
        std::mem::forget(many);

        let queue = DeferredQueue::builder().size(0).build();
        let putters = |n| (0..n).map(|_| Some(queue.put_when_room(1))).collect::<Vec<Putter>>();
        let mut few = putters(100);
        few_putters(&mut few[LEAVE..]);
        drop(few);
        let mut many = putters(20_000);
        many_putters(&mut many[10_000..]);
        std::mem::forget(many);
    };
    if let Some(counts) = instructions("leaving_costs_the_same_from_everywhere_and_however_many_wait", &names, work) {
        assert_same(&counts[..6]);
        assert_same(&counts[6..]);
    }
}
