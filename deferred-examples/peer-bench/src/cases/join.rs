//! Waiting for many.
//!
//! A peer joins futures that somebody else makes: theirs come from asyncband's one-shot, the fastest of the fair peers.
//! The making of the sources is part of every figure.

use std::future::{IntoFuture, Ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Waker};

use asyncband::oneshot::{self, Receiver, RecvError};
use deferred_core::{Deferred, Resolver};
use deferred_list::DeferredList;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use futures_concurrency::future::Join as _;
use tokio::task::JoinSet;

use super::{GROWTH, case, contenders};
use crate::executor::{block_on, with_context};
use crate::harness::{Case, Load, Meter, Peer, Unit};

macro_rules! everyone {
    ($run:ident) => {
        contenders!($run:
            OurList; JoinAll; Unordered; BufferedJoinAll; BufferedUnordered; Concurrency, <= 1_000; TokioJoinSet;
        )
    };
}

pub(super) fn cases() -> Vec<Case> {
    let case = |title, contenders| case("join", title, Unit::Item, GROWTH, contenders);
    vec![case("n pending, fired in reverse, each", everyone!(pending)), case("n ready, each", everyone!(ready))]
}

/// Where children come from.
trait Source {
    type Sender: Send + 'static;
    type Pending: 'static;
    type Ready: 'static;

    fn pair() -> (Self::Sender, Self::Pending);
    fn fire(sender: Self::Sender, value: u64);
    fn ready(value: u64) -> Self::Ready;
}

/// A way to join; each gives the number of children that came.
trait Join {
    const PEER: Peer;
    type Source: Source;

    async fn pending(children: Vec<<Self::Source as Source>::Pending>) -> usize;
    async fn ready(children: impl ExactSizeIterator<Item = <Self::Source as Source>::Ready>) -> usize;

    /// Runs `join` until it waits, then `fire`, then `join` to its end.
    fn drive(join: impl Future<Output = usize>, fire: impl FnOnce() + Send + 'static) -> usize {
        let mut join = pin!(join);
        with_context(|context| assert!(join.as_mut().poll(context).is_pending()));
        fire();
        block_on(join)
    }

    /// Runs `join`, whose children are ready.
    fn run(join: impl Future<Output = usize>) -> usize {
        block_on(join)
    }
}

fn pending<J: Join>(meter: &mut Meter, load: Load) {
    meter.section(|| {
        for _ in 0..load.reps {
            let (senders, children): (Vec<_>, Vec<_>) = (0..load.size).map(|_| J::Source::pair()).unzip();
            let fire = move || {
                for (value, sender) in senders.into_iter().enumerate().rev() {
                    J::Source::fire(sender, value as u64);
                }
            };
            assert_eq!(J::drive(J::pending(black_box(children)), fire), load.size);
        }
    });
}

fn ready<J: Join>(meter: &mut Meter, load: Load) {
    meter.section(|| {
        for _ in 0..load.reps {
            let children = (0..load.size).map(|value| J::Source::ready(black_box(value as u64)));
            assert_eq!(J::run(J::ready(children)), load.size);
        }
    });
}

/// What every peer joins.
struct OneShots;

impl Source for OneShots {
    type Sender = oneshot::Sender<u64>;
    type Pending = <Receiver<u64> as IntoFuture>::IntoFuture;
    type Ready = Ready<Result<u64, RecvError>>;

    fn pair() -> (Self::Sender, Self::Pending) {
        let (sender, receiver) = oneshot::channel();
        (sender, receiver.into_future())
    }

    fn fire(sender: Self::Sender, value: u64) {
        sender.send(value).unwrap();
    }

    fn ready(value: u64) -> Self::Ready {
        std::future::ready(Ok(value))
    }
}

/// What we join.
struct Deferreds;

impl Source for Deferreds {
    type Sender = Resolver<u64>;
    type Pending = Deferred<u64>;
    type Ready = Deferred<u64>;

    fn pair() -> (Self::Sender, Self::Pending) {
        Deferred::<u64>::new()
    }

    fn fire(sender: Self::Sender, value: u64) {
        sender.callback(value).unwrap();
    }

    fn ready(value: u64) -> Self::Ready {
        Deferred::succeed(value)
    }
}

/// Writes one way to join, once for both kinds of children.
macro_rules! join {
    ($name:ident: $peer:expr, $source:ty, |$children:ident| $join:expr $(, $driver:item)*) => {
        struct $name;

        impl Join for $name {
            const PEER: Peer = $peer;
            type Source = $source;

            async fn pending($children: Vec<<Self::Source as Source>::Pending>) -> usize {
                black_box($join).len()
            }
            async fn ready($children: impl ExactSizeIterator<Item = <Self::Source as Source>::Ready>) -> usize {
                black_box($join).len()
            }
            $($driver)*
        }
    };
}

join!(OurList: Peer::ours("deferred", "deferred-list"), Deferreds,
    |children| DeferredList::new(children).await);

join!(JoinAll: Peer::bar("futures join_all", "futures"), OneShots,
    |children| futures::future::join_all(children).await);

join!(Unordered: Peer::bar("FuturesUnordered", "futures"), OneShots,
    |children| children.into_iter().collect::<FuturesUnordered<_>>().collect::<Vec<_>>().await);

join!(BufferedJoinAll: Peer::bar("futures-buffered join_all", "futures-buffered"), OneShots,
    |children| futures_buffered::join_all(children).await);

join!(BufferedUnordered: Peer::bar("FuturesUnorderedBounded", "futures-buffered"), OneShots,
    |children| children.into_iter().collect::<futures_buffered::FuturesUnorderedBounded<_>>().collect::<Vec<_>>().await);

join!(Concurrency: Peer::bar("futures-concurrency", "futures-concurrency"), OneShots,
    |children| children.into_iter().collect::<Vec<_>>().join().await);

// A `JoinSet` needs tokio's runtime: its single-threaded one takes the place of ours.
join!(TokioJoinSet: Peer::bar("tokio JoinSet", "tokio"), OneShots,
    |children| children.into_iter().collect::<JoinSet<_>>().join_all().await,
    fn drive(join: impl Future<Output = usize>, fire: impl FnOnce() + Send + 'static) -> usize {
        with_tokio(async {
            let mut join = pin!(join);
            let waits = join.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending();
            assert!(waits);
            // Spawned behind the children, so each of them waits when it runs.
            tokio::spawn(async move { fire() });
            join.await
        })
    },
    fn run(join: impl Future<Output = usize>) -> usize {
        with_tokio(join)
    }
);

fn with_tokio<F: Future>(future: F) -> F::Output {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}
