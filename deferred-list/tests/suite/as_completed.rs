//! `as_completed`: outcomes in the order of firing, each once.

use std::task::{Context, Poll, Waker};
use std::thread;

use crate::common::{CountWaker, DropCount, Drops, HookWaker, watchdog};
use deferred_core::{Deferred, Outcome, Resolver, Stream};
use deferred_list::{AsCompleted, as_completed};
use futures_lite::{StreamExt, future};

type Fail = &'static str;
type Ends<T> = (Vec<Option<Resolver<T, Fail>>>, Vec<Deferred<T, Fail>>);

fn pending<T>(n: usize) -> Ends<T> {
    (0..n).map(|_| Deferred::new()).map(|(resolver, d)| (Some(resolver), d)).unzip()
}

fn next<T: Send + 'static>(
    stream: &mut AsCompleted<T, Fail>,
    waker: &Waker,
) -> Poll<Option<(usize, Outcome<T, Fail>)>> {
    std::pin::Pin::new(stream).poll_next(&mut Context::from_waker(waker))
}

fn ready<T: Send + 'static>(stream: &mut AsCompleted<T, Fail>) -> Poll<Option<(usize, Outcome<T, Fail>)>> {
    next(stream, Waker::noop())
}

#[test]
fn outcomes_come_in_the_order_of_firing() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let (mut resolvers, children) = pending(3);
        let mut stream = as_completed(children);
        for n in order {
            assert_eq!(ready(&mut stream), Poll::Pending);
            resolvers[n].take().unwrap().callback(n).unwrap();
            assert_eq!(ready(&mut stream), Poll::Ready(Some((n, Ok(n)))));
        }
        assert_eq!(ready(&mut stream), Poll::Ready(None));
        assert_eq!(ready(&mut stream), Poll::Ready(None));
    }
}

#[test]
fn outcomes_that_nobody_read_yet_wait_in_the_order_of_firing() {
    let (mut resolvers, mut children) = pending(3);
    children.insert(1, Deferred::fail("at once"));
    let mut stream = as_completed(children);
    for n in [2, 0, 1] {
        resolvers[n].take().unwrap().callback(n).unwrap();
    }
    assert_eq!(stream.progress().get(), (4, 4));
    assert_eq!(stream.size_hint(), (4, Some(4)));
    let got: Vec<_> = future::block_on((&mut stream).collect());
    assert_eq!(got, [(1, Err("at once".into())), (3, Ok(2)), (0, Ok(0)), (2, Ok(1))]);
    assert_eq!(stream.size_hint(), (0, Some(0)));
}

#[test]
fn nothing_to_wait_for_ends_at_once() {
    assert_eq!(ready(&mut as_completed(Vec::<Deferred<u8, Fail>>::new())), Poll::Ready(None));
}

#[test]
fn each_outcome_that_is_waited_for_wakes_once() {
    let (mut resolvers, children) = pending(3);
    let mut stream = as_completed(children);
    let (count, waker) = CountWaker::new();
    assert_eq!(next(&mut stream, &waker), Poll::Pending);
    resolvers[1].take().unwrap().callback(1).unwrap();
    resolvers[2].take().unwrap().callback(2).unwrap();
    assert_eq!(count.count(), 1, "the second finds nobody waiting");
    assert_eq!(next(&mut stream, &waker), Poll::Ready(Some((1, Ok(1)))));
    assert_eq!(next(&mut stream, &waker), Poll::Ready(Some((2, Ok(2)))));
    assert_eq!(next(&mut stream, &waker), Poll::Pending);
    resolvers[0].take().unwrap().callback(0).unwrap();
    assert_eq!(count.count(), 2);
}

#[test]
fn a_stream_that_is_dropped_cancels_what_is_pending_and_drops_what_was_not_read() {
    let drops = Drops::new();
    let (mut resolvers, children) = pending::<DropCount>(3);
    let mut stream = as_completed(children);
    let progress = stream.progress();
    assert!(ready(&mut stream).is_pending());
    for resolver in &mut resolvers[..2] {
        assert!(resolver.take().unwrap().callback(drops.value()).is_ok());
    }
    drop(stream);
    assert!(resolvers[2].as_ref().unwrap().is_cancelled());
    assert_eq!(drops.count(), 2, "{progress:?} does not keep them");
}

#[test]
fn a_stream_may_be_moved_while_it_waits() {
    let (mut resolvers, children) = pending(2);
    let mut stream = as_completed(children);
    assert!(ready(&mut stream).is_pending());
    let thread = thread::spawn(move || future::block_on(stream.collect::<Vec<_>>()));
    resolvers[1].take().unwrap().callback(1).unwrap();
    resolvers[0].take().unwrap().errback("no").unwrap();
    assert_eq!(thread.join().unwrap(), [(1, Ok(1)), (0, Err("no".into()))]);
}

#[test]
fn a_waker_may_read_the_stream_it_wakes() {
    watchdog(|| {
        let (mut resolvers, children) = pending::<u8>(2);
        let stream = std::sync::Arc::new(std::sync::Mutex::new(as_completed(children)));
        let inner = stream.clone();
        let waker = HookWaker::new().on_wake(move || {
            assert_eq!(ready(&mut inner.lock().unwrap()), Poll::Ready(Some((1, Ok(7)))));
        });
        assert!(next(&mut stream.lock().unwrap(), &waker.waker()).is_pending());
        resolvers[1].take().unwrap().callback(7).unwrap();
        drop(resolvers);
        let stream = &mut stream.lock().unwrap();
        assert!(matches!(ready(stream), Poll::Ready(Some((0, Err(_))))));
        assert_eq!(ready(stream), Poll::Ready(None));
    });
}
