//! Functions attached to a result that will come, and then the result.

use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use deferred_core::Deferred;
use futures::FutureExt;
use futures::channel::oneshot;

use super::case;
use crate::harness::{Case, Contender, Load, Meter, Peer, Unit};

pub(super) fn cases() -> Vec<Case> {
    vec![case("callbacks", "n attached, then fired", Unit::Operation, &[1, 10, 100, 1_000, 10_000], attached())]
}

fn attached() -> Vec<Contender> {
    let row = |peer, max_size, run| Contender { peer, max_size, run };
    let local = "for one thread, cannot be awaited";
    let fixed = "its type names every link";
    vec![
        row(Peer::ours("deferred", "deferred-core"), usize::MAX, deferred),
        row(Peer::bar("futures, boxed map", "futures"), 10_000, boxed_map),
        row(Peer::beside("Vec<Box<dyn FnOnce>>", "std", local), usize::MAX, boxed_functions),
        row(Peer::beside("futures, map", "futures", fixed), 100, unboxed_map),
    ]
}

fn deferred(meter: &mut Meter, load: Load) {
    meter.section(|| {
        for _ in 0..load.reps {
            let (resolver, mut chain) = Deferred::<u64>::new();
            for step in 0..load.size as u64 {
                chain = chain.add_callback(move |value| Ok(value + step));
            }
            resolver.callback(black_box(1)).unwrap();
            black_box(chain.try_take().unwrap().unwrap());
        }
    });
}

fn boxed_map(meter: &mut Meter, load: Load) {
    meter.section(|| {
        for _ in 0..load.reps {
            let (sender, receiver) = oneshot::channel::<u64>();
            let mut chain: Pin<Box<dyn Future<Output = u64> + Send>> = Box::pin(receiver.map(|value| value.unwrap()));
            for step in 0..load.size as u64 {
                chain = Box::pin(chain.map(move |value| value + step));
            }
            black_box(fire(sender, chain));
        }
    });
}

fn boxed_functions(meter: &mut Meter, load: Load) {
    meter.section(|| {
        for _ in 0..load.reps {
            let mut chain: Vec<Box<dyn FnOnce(u64) -> u64 + Send>> = Vec::new();
            for step in 0..load.size as u64 {
                chain.push(black_box(Box::new(move |value| value + step)));
            }
            let value = chain.into_iter().fold(black_box(1), |value, function| function(value));
            black_box(value);
        }
    });
}

/// Nests `.map` as often as it is given tokens, ten a token.
macro_rules! mapped {
    ($chain:expr;) => { $chain };
    ($chain:expr; $ten:tt $($rest:tt)*) => {
        mapped!($chain.map(add).map(add).map(add).map(add).map(add)
            .map(add).map(add).map(add).map(add).map(add); $($rest)*)
    };
}

fn unboxed_map(meter: &mut Meter, load: Load) {
    meter.section(|| {
        for _ in 0..load.reps {
            let (sender, receiver) = oneshot::channel::<u64>();
            let chain = receiver.map(|value| value.unwrap());
            black_box(match load.size {
                1 => fire(sender, chain.map(add)),
                10 => fire(sender, mapped!(chain; 1)),
                100 => fire(sender, mapped!(chain; 1 2 3 4 5 6 7 8 9 10)),
                size => panic!("no type was written for {size} links"),
            });
        }
    });
}

fn add(value: u64) -> u64 {
    value + 1
}

/// Fires the source of a chain and takes what comes out of its end.
fn fire<F: Future>(sender: oneshot::Sender<u64>, future: F) -> F::Output {
    sender.send(black_box(1)).unwrap();
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the chain should have been ready"),
    }
}
