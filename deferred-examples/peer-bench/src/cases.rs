//! The cases, one file a group; each file names its contenders once and its cases once.

mod chain;
mod gate;
mod join;
mod one_shot;
mod queue;
pub mod sizes;
mod threads;

use crate::harness::{Case, Clock, Contender, Load, Meter, Unit};

/// All cases, in the order of the report.
pub fn all() -> Vec<Case> {
    [
        one_shot::cases(),
        chain::cases(),
        gate::semaphore_cases(),
        gate::lock_cases(),
        queue::cases(),
        join::cases(),
        threads::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Where size means nothing.
const ONCE: &[usize] = &[1];
/// Where anything worse than linear must show.
const GROWTH: &[usize] = &[10, 1_000, 100_000];

/// Writes the contenders of one case: each runs `$run::<Peer>`, at sizes up to its `<=` where it has one.
macro_rules! contenders {
    ($run:ident: $($peer:ty $(, <= $max:literal)?);+ $(;)?) => {
        vec![$($crate::harness::Contender {
            peer: <$peer>::PEER,
            max_size: $crate::cases::contenders!(@max $($max)?),
            run: $run::<$peer>,
        }),+]
    };
    (@max) => { usize::MAX };
    (@max $max:literal) => { $max };
}
use contenders;

/// Describes a case on one thread.
fn case(
    group: &'static str,
    title: &'static str,
    unit: Unit,
    sizes: &'static [usize],
    contenders: Vec<Contender>,
) -> Case {
    Case { group, title, unit, sizes, clock: Clock::Thread, contenders }
}

/// The numbers below `n` in an order that is the same in every run and has no pattern.
fn shuffled(n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for last in (1..n).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        order.swap(last, (state % (last as u64 + 1)) as usize);
    }
    order
}

/// Splits the repetitions into sections of about ten thousand items: long enough for the clock, short enough for the cache.
fn in_sections(meter: &mut Meter, load: Load, mut section: impl FnMut(&mut Meter, usize)) {
    let most = (10_000 / load.size).max(1);
    let mut left = load.reps;
    while left > 0 {
        let now = left.min(most);
        section(meter, now);
        left -= now;
    }
}
