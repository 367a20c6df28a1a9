//! What things cost, in instructions: in proportion to how many there are, and the same from everywhere.

mod common;

use common::{assert_same, instructions};
use deferred_core::{Deferred, Resolver, WaitQueue};

type Chain = Deferred<u32, &'static str>;

const FEW: usize = 200;
/// Ten times as many.
const MANY: usize = 10 * FEW;

/// Makes functions of one name each, so that their cost is found by it.
macro_rules! named {
    ($($name:ident)* = $f:ident: $t:ty => $r:ty) => {
        $(#[inline(never)]
        fn $name(input: $t) -> $r {
            std::hint::black_box($f(std::hint::black_box(input)))
        })*
    };
}

/// A chain of `n` callbacks that is attached, fired and taken.
fn callbacks(n: usize) -> u32 {
    let (resolver, mut d) = Chain::new();
    for _ in 0..n {
        d = d.add_callback(|n| Ok(n + 1));
    }
    resolver.callback(0).unwrap();
    d.try_take().unwrap().unwrap()
}

fn waits(n: usize) -> (Resolver<u32, &'static str>, Chain) {
    let (leaf, mut d) = Chain::new();
    for _ in 0..n {
        let (resolver, outer) = Chain::new();
        d = outer.add_callback(move |_| d);
        resolver.callback(0).unwrap();
    }
    (leaf, d)
}

fn fire(n: usize) -> u32 {
    let (leaf, mut d) = waits(n);
    leaf.callback(7).unwrap();
    d.try_take().unwrap().unwrap()
}

fn cancel(n: usize) -> bool {
    let (_leaf, mut d) = waits(n);
    d.handle().cancel();
    d.try_take().unwrap().is_err()
}

fn drop_it(n: usize) -> bool {
    let (leaf, d) = waits(n);
    drop(d);
    leaf.is_cancelled()
}

named! { few_callbacks many_callbacks = callbacks: usize => u32 }
named! { few_fired many_fired = fire: usize => u32 }
named! { few_cancelled many_cancelled = cancel: usize => bool }
named! { few_dropped many_dropped = drop_it: usize => bool }

#[test]
fn chains_and_waits_cost_in_proportion_to_their_length() {
    let names = [
        "few_callbacks",
        "many_callbacks",
        "few_fired",
        "many_fired",
        "few_cancelled",
        "many_cancelled",
        "few_dropped",
        "many_dropped",
    ];
    let work = || {
        few_callbacks(FEW);
        many_callbacks(MANY);
        few_fired(FEW);
        many_fired(MANY);
        few_cancelled(FEW);
        many_cancelled(MANY);
        few_dropped(FEW);
        many_dropped(MANY);
    };
    if let Some(counts) = instructions("chains_and_waits_cost_in_proportion_to_their_length", &names, work) {
        for pair in counts.chunks(2) {
            assert_same(&[pair[0] * 10, pair[1]]);
        }
    }
}

type Waiters = [Option<Deferred<u32>>];

/// How many leave.
const LEAVE: usize = 30;

fn leave(waiters: &mut Waiters) {
    waiters.iter_mut().take(LEAVE).for_each(|waiter| *waiter = None);
}

named! { few_front few_middle few_back many_front many_middle many_back = leave: &mut Waiters => () }

#[test]
fn leaving_a_queue_costs_the_same_from_everywhere_and_however_many_wait() {
    let names = ["few_front", "few_middle", "few_back", "many_front", "many_middle", "many_back"];
    let work = || {
        let queue = WaitQueue::<u32>::new(());
        let push = |n: usize| (0..n).map(|_| Some(queue.push(()))).collect::<Vec<_>>();
        let mut few = push(100);
        few_front(&mut few);
        few_middle(&mut few[LEAVE + 5..]);
        few_back(&mut few[100 - LEAVE..]);
        drop(few);
        let mut many = push(20_000);
        many_front(&mut many);
        many_middle(&mut many[10_000..]);
        many_back(&mut many[20_000 - LEAVE..]);
        std::mem::forget(many);
    };
    if let Some(counts) =
        instructions("leaving_a_queue_costs_the_same_from_everywhere_and_however_many_wait", &names, work)
    {
        assert_same(&counts);
    }
}
