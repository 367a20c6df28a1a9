//! The queue that primitives are made of, and a small primitive made of it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use crate::common::{CountWaker, Drops, OnDrop, Trace, poll_with, reports, small_stack, watchdog};
use deferred_core::{Deferred, Failure, FailureKind, Grants, Primitive, WaitQueue};

type Queue = WaitQueue<u32>;

const MANY: u32 = if cfg!(miri) { 100 } else { 100_000 };

#[test]
fn waiters_are_served_in_the_order_in_which_they_came() {
    let queue = Queue::new(());
    let mut waiters: Vec<_> = (0..5).map(|_| queue.push(())).collect();
    assert_eq!((queue.len(), queue.is_empty()), (5, false));
    for n in 0..5 {
        queue.pop().unwrap().callback(n).unwrap();
    }
    let served: Vec<_> = waiters.iter_mut().map(|d| d.try_take().unwrap().unwrap()).collect();
    assert_eq!(served, [0, 1, 2, 3, 4]);
    assert!(queue.pop().is_none() && queue.is_empty());
}

#[test]
fn a_waiter_that_leaves_changes_the_order_of_nobody_else() {
    for leaving in 0..5 {
        for drop_it in [false, true] {
            let queue = Queue::new(());
            let mut waiters: Vec<_> = (0..5).map(|_| Some(queue.push(()))).collect();
            if drop_it {
                waiters[leaving] = None;
            } else {
                let mut d = waiters[leaving].take().unwrap();
                d.handle().cancel();
                assert!(d.try_take().unwrap().unwrap_err().is_cancelled());
            }
            assert_eq!(queue.len(), 4);
            for n in 0..4 {
                queue.pop().unwrap().callback(n).unwrap();
            }
            let served: Vec<_> = waiters.iter_mut().flatten().map(|d| d.try_take().unwrap().unwrap()).collect();
            assert_eq!(served, [0, 1, 2, 3]);
        }
    }
}

#[test]
fn one_firing_wakes_one_waiter_once() {
    let queue = Queue::new(());
    let (counts, wakers): (Vec<_>, Vec<_>) = (0..3).map(|_| CountWaker::new()).unzip();
    let mut waiters: Vec<_> = (0..3).map(|_| queue.push(())).collect();
    for (d, waker) in waiters.iter_mut().zip(&wakers) {
        assert_eq!(poll_with(d, waker), Poll::Pending);
    }
    for popped in 1..=3 {
        queue.pop().unwrap().callback(7).unwrap();
        let woken: Vec<_> = counts.iter().map(|count| count.count()).collect();
        assert_eq!(woken, [1, usize::from(popped > 1), usize::from(popped > 2)]);
    }
}

#[test]
fn a_popped_waiter_that_goes_gives_the_value_back() {
    let queue = Queue::new(());
    let d = queue.push(());
    let resolver = queue.pop().unwrap();
    drop(d);
    assert_eq!(resolver.callback(5), Err(5));
}

#[test]
fn a_popped_waiter_whose_resolver_is_dropped_is_abandoned() {
    let queue = Queue::new(());
    let mut d = queue.push(());
    drop(queue.pop());
    assert_eq!(d.try_take().unwrap().unwrap_err().into_kind(), FailureKind::Abandoned);
}

#[test]
fn when_the_last_handle_goes_whoever_waits_fails_with_closed() {
    let queue = Queue::new(());
    let other = queue.clone();
    let mut waiters = [queue.push(()), queue.push(())];
    drop(queue);
    assert_eq!(waiters[0].try_take(), None);
    drop(other);
    for d in &mut waiters {
        assert!(d.try_take().unwrap().unwrap_err().is_closed());
    }
}

#[test]
fn fail_all_goes_in_order_and_the_queue_serves_on() {
    let (queue, trace) = (Queue::new(()), Trace::new());
    for name in ["a", "b", "c"] {
        let log = trace.clone();
        let tell = move |failure: Failure<Infallible>| {
            log.log(format!("{name} {failure}"));
            Ok(0)
        };
        queue.push(()).add_errback(tell).detach();
    }
    queue.fail_all();
    trace.expect(["a closed while waiting", "b closed while waiting", "c closed while waiting"]);
    let mut d = queue.push(());
    queue.pop().unwrap().callback(1).unwrap();
    assert_eq!(d.try_take(), Some(Ok(1)));
}

#[test]
fn a_waiter_is_an_ordinary_deferred() {
    let queue = Queue::new(());
    let mut outer = Deferred::<u32>::succeed(1);
    let handle = outer.handle();
    let waiter = queue.push(());
    let mut outer = outer.add_callback(move |_| waiter.add_callback(|n| Ok(n + 1)));
    assert_eq!(queue.len(), 1);
    handle.cancel();
    assert!(queue.is_empty());
    assert!(outer.try_take().unwrap().unwrap_err().is_cancelled());
    let mut paused_waiter = queue.push(());
    let paused = paused_waiter.pause();
    queue.pop().unwrap().callback(1).unwrap();
    assert_eq!(paused_waiter.try_take(), None);
    drop(paused);
    assert_eq!(paused_waiter.try_take(), Some(Ok(1)));
}

/// Hands numbers out, counts those that come back, and tells of who leaves.
struct Numbers {
    back: Arc<Mutex<Vec<u32>>>,
    trace: Trace,
}

impl Primitive<u32> for Numbers {
    type Request = OnDrop;
    type Guarded = ();
    const RECLAIMS: bool = true;
    const WITHDRAWALS: bool = true;

    fn untaken(queue: &WaitQueue<u32, Infallible, Self>, value: u32) {
        let back = queue.lock().back.clone();
        back.lock().unwrap().push(value);
    }

    fn withdrawn(queue: &WaitQueue<u32, Infallible, Self>) {
        let trace = queue.lock().trace.clone();
        trace.log(format!("withdrawn, {} wait", queue.len()));
    }

    fn closed(_: OnDrop) -> Failure<Infallible> {
        Failure::new(FailureKind::TimedOut)
    }
}

type Lent = WaitQueue<u32, Infallible, Numbers>;

fn numbers() -> (Lent, Arc<Mutex<Vec<u32>>>, Trace) {
    let (back, trace) = (Arc::<Mutex<Vec<u32>>>::default(), Trace::new());
    (WaitQueue::new(Numbers { back: back.clone(), trace: trace.clone() }), back, trace)
}

#[test]
fn what_was_granted_and_not_taken_comes_back() {
    let (queue, back, _) = numbers();
    let took = queue.push(OnDrop::new(|| ()));
    let dropped = queue.push(OnDrop::new(|| ()));
    let gone = queue.push(OnDrop::new(|| ()));
    let turns: Vec<_> = std::iter::from_fn(|| queue.lock().pop()).map(|(turn, _)| turn).collect();
    drop(gone);
    for (n, turn) in turns.into_iter().enumerate() {
        turn.grant(Ok(n as u32));
    }
    drop(dropped);
    assert_eq!(took.wait(), Ok(0));
    let mut back = back.lock().unwrap().clone();
    back.sort_unstable();
    assert_eq!(back, [1, 2]);
}

#[test]
fn what_was_ready_and_not_taken_comes_back_too() {
    let (queue, back, _) = numbers();
    drop(queue.ready(4));
    assert_eq!(queue.ready(5).wait(), Ok(5));
    let mut polled = queue.ready(6);
    assert_eq!(crate::common::poll_once(&mut polled), Poll::Ready(Ok(6)));
    drop(polled);
    drop(queue.ready(7).add_callback(Ok));
    assert_eq!(*back.lock().unwrap(), [4], "what a callback has seen was taken");
}

#[test]
fn the_primitive_learns_of_who_leaves_with_no_lock_held() {
    watchdog(|| {
        let (queue, _, trace) = numbers();
        let (inside, seen) = (queue.clone(), trace.clone());
        let request = OnDrop::new(move || seen.log(format!("request dropped, {} wait", inside.len())));
        let first = queue.push(request);
        drop(first);
        trace.expect(["request dropped, 0 wait", "withdrawn, 0 wait"]);
    });
}

#[test]
fn a_request_that_is_granted_units_is_not_dropped_under_the_lock() {
    watchdog(|| {
        let (queue, _, trace) = numbers();
        let (inside, seen) = (queue.clone(), trace.clone());
        let waiter = queue.push(OnDrop::new(move || seen.log(format!("request dropped, {} wait", inside.len()))));
        queue.lock().add_units(1).unwrap();
        let (turn, request, units) = queue.lock().pop_with_units(|_| 1).unwrap();
        trace.expect([]);
        drop(request);
        trace.expect(["request dropped, 0 wait"]);
        turn.grant(Ok(1));
        assert_eq!((waiter.wait(), units.count()), (Ok(1), 1));
    });
}

#[test]
fn the_primitive_says_how_its_waiters_fail_when_it_is_closed() {
    let (queue, _, _) = numbers();
    let mut d = queue.push(OnDrop::new(|| ()));
    queue.fail_all();
    assert!(d.try_take().unwrap().unwrap_err().is_timed_out());
}

#[test]
fn grants_inside_a_grant_are_made_behind_it_and_in_order() {
    let (queue, trace) = (Queue::new(()), Trace::new());
    for n in 0..3 {
        let (inside, log) = (queue.clone(), trace.clone());
        let pass_on = move |value: u32| {
            log.log(format!("{n} begins"));
            let next = inside.lock().pop();
            if let Some((turn, ())) = next {
                turn.grant(Ok(value + 1));
            }
            log.log(format!("{n} ends {value}"));
            Ok(())
        };
        queue.push(()).add_callback(pass_on).detach();
    }
    let (turn, ()) = queue.lock().pop().unwrap();
    turn.grant(Ok(0));
    trace.expect(["0 begins", "0 ends 0", "1 begins", "1 ends 1", "2 begins", "2 ends 2"]);
}

#[test]
fn a_hundred_thousand_grants_inside_one_another_fit_a_small_stack() {
    small_stack(|| {
        let queue = Queue::new(());
        for _ in 0..MANY {
            let inside = queue.clone();
            let pass_on = move |n: u32| {
                let next = inside.lock().pop();
                if let Some((turn, ())) = next {
                    turn.grant(Ok(n + 1));
                }
                Ok(n)
            };
            queue.push(()).add_callback(pass_on).detach();
        }
        let mut last = queue.push(());
        let (turn, ()) = queue.lock().pop().unwrap();
        turn.grant(Ok(0));
        assert_eq!(last.try_take(), Some(Ok(MANY)));
    });
}

#[test]
fn a_hundred_thousand_waiters_are_dropped_cancelled_and_closed() {
    small_stack(|| {
        let queue = Queue::new(());
        let waiters: Vec<_> = (0..MANY).map(|_| queue.push(())).collect();
        drop(waiters);
        assert!(queue.is_empty());
        let mut waiters: Vec<_> = (0..MANY).map(|_| queue.push(())).collect();
        for d in waiters.iter_mut().rev() {
            d.handle().cancel();
        }
        assert!(queue.is_empty());
        let ((), reported) = reports(|| waiters.into_iter().for_each(|mut d| assert!(d.try_take().is_some())));
        assert_eq!(reported.len(), 0);
        let mut waiters: Vec<_> = (0..MANY).map(|_| queue.push(())).collect();
        drop(queue);
        assert!(waiters.iter_mut().all(|d| d.try_take().is_some()));
    });
}

#[test]
fn a_dropped_turn_abandons_its_waiter() {
    let queue = Queue::new(());
    let mut d = queue.push(());
    drop(queue.lock().pop());
    assert_eq!(d.try_take().unwrap().unwrap_err().into_kind(), FailureKind::Abandoned);
}

#[test]
fn pop_if_looks_at_the_oldest_only() {
    struct Asking;
    impl Primitive<u32> for Asking {
        type Request = u32;
        type Guarded = ();
    }
    let queue = WaitQueue::<u32, Infallible, Asking>::new(Asking);
    let (mut first, second) = (queue.push(5), queue.push(1));
    assert!(queue.lock().pop_if(|asked| *asked < 3).is_none());
    let (turn, asked) = queue.lock().pop_if(|asked| *asked == 5).unwrap();
    turn.grant(Ok(asked));
    assert_eq!(first.try_take(), Some(Ok(5)));
    drop(second);
}

#[test]
fn units_are_taken_and_given_back() {
    let queue = Queue::with_units((), 3).unwrap();
    let mut two = queue.try_take(2).unwrap();
    assert_eq!((queue.free_units(), two.count()), (1, 2));
    assert!(queue.try_take(2).is_none());
    let one = two.split(1).unwrap();
    assert!(two.split(5).is_none());
    drop(two);
    assert_eq!(queue.free_units(), 2);
    let mut rest = queue.try_take(2).unwrap();
    rest.merge(one).unwrap();
    assert_eq!((rest.count(), queue.free_units()), (3, 0));
    let all = rest.split(3).unwrap();
    assert_eq!((rest.count(), all.count()), (0, 3));
    rest.merge(all).unwrap();
    assert!(rest.forget(4).is_none());
    rest.forget(2).unwrap();
    drop(rest);
    assert_eq!(queue.free_units(), 1);
    let other = Queue::with_units((), 1).unwrap();
    let mut own = queue.try_take(1).unwrap();
    assert!(own.merge(other.try_take(1).unwrap()).is_err());
}

#[test]
fn a_queue_cannot_have_more_units_than_fit() {
    assert!(Queue::with_units((), Queue::MAX_UNITS).is_some());
    assert!(Queue::with_units((), Queue::MAX_UNITS + 1).is_none());
    let queue = Queue::with_units((), Queue::MAX_UNITS).unwrap();
    assert!(queue.lock().add_units(1).is_none());
    assert_eq!(queue.free_units(), Queue::MAX_UNITS);
}

#[test]
fn nobody_takes_units_past_a_waiter() {
    let queue = Queue::with_units((), 1).unwrap();
    let waiter = queue.push(());
    assert!(queue.try_take(1).is_none());
    drop(waiter);
    assert!(queue.try_take(1).is_some());
}

#[test]
fn an_exclusive_queue_gives_its_value_to_one_holder() {
    struct Owner;
    impl Primitive<u32> for Owner {
        type Request = ();
        type Guarded = String;
    }
    let mut queue = WaitQueue::<u32, Infallible, Owner>::exclusive(Owner, "".into());
    // That the primitive wants to see every operation changes nothing about whose it is.
    queue.lock().set_slow(true);
    assert!(queue.guarded_mut().is_some());
    let mut queue = WaitQueue::<u32, Infallible, Owner>::exclusive(Owner, queue.into_guarded().ok().unwrap());
    queue.guarded_mut().unwrap().push('a');
    let other = queue.clone();
    assert!(queue.guarded_mut().is_none());
    drop(other);
    let mut held = queue.try_take(1).unwrap();
    assert!(queue.guarded_mut().is_none());
    assert!(queue.try_take(1).is_none());
    held.guarded_mut().push('b');
    let queue = queue.into_guarded().unwrap_err();
    drop(held);
    assert_eq!(queue.into_guarded().unwrap(), "ab");
}

#[test]
fn whatever_a_queue_holds_is_dropped_once() {
    let drops = Drops::new();
    let queue = WaitQueue::<crate::common::DropCount>::new(());
    let (d, gone) = (queue.push(()), queue.push(()));
    queue.pop().unwrap().callback(drops.value()).unwrap();
    let resolver = queue.pop().unwrap();
    drop(gone);
    drop(resolver.callback(drops.value()));
    assert_eq!(drops.count(), 1);
    drop(d);
    assert_eq!(drops.count(), 2);
}

/// A gate that opens once, as a user would write it.
#[derive(Default)]
struct Gate(WaitQueue<(), Infallible, Open>);

#[derive(Default)]
struct Open(bool);

impl Primitive<()> for Open {
    type Request = ();
    type Guarded = ();
}

impl Gate {
    fn pass(&self) -> Deferred<()> {
        let mut locked = self.0.lock();
        if locked.0 { Deferred::succeed(()) } else { locked.push(()) }
    }

    fn open(&self) {
        let mut grants = Grants::new();
        let mut locked = self.0.lock();
        locked.0 = true;
        while let Some((turn, ())) = locked.pop() {
            grants.push(turn, Ok(()));
        }
        drop(locked);
        grants.deliver();
    }
}

#[test]
fn a_primitive_of_ones_own_is_a_page() {
    let (gate, trace) = (Arc::new(Gate::default()), Trace::new());
    for name in ["a", "b"] {
        let (log, inside) = (trace.clone(), gate.clone());
        let through = move |()| {
            log.log(name);
            drop(inside.pass());
            Ok(())
        };
        gate.pass().add_callback(through).detach();
    }
    drop(gate.pass());
    gate.open();
    trace.expect(["a", "b"]);
    assert!(gate.pass().is_fired());
}

#[test]
fn the_queue_says_how_many_wait_and_does_not_block() {
    let queue = Queue::new(());
    let waiters = (queue.push(()), queue.push(()));
    assert!(format!("{queue:?}").starts_with("WaitQueue { waiting: 2"), "{queue:?}");
    let locked = queue.lock();
    assert!(format!("{locked:?}").contains("waiting: 2"), "{locked:?}");
    crate::common::watchdog({
        let queue = queue.clone();
        move || assert!(format!("{queue:?}").starts_with("WaitQueue { "))
    });
    drop(locked);
    drop(waiters);
}

/// A list that has become empty may go on to count for a while; nobody must notice.
#[test]
fn nobody_notices_that_a_list_was_there() {
    let queue = WaitQueue::<u8>::with_units((), 1).unwrap();
    let unit = queue.try_take(1).unwrap();
    for round in 1..=2 {
        let mut waiter = queue.push(());
        queue.pop().unwrap().callback(round).unwrap();
        assert_eq!(waiter.try_take(), Some(Ok(round)));
    }
    assert!(queue.try_take(0).is_some(), "nobody waits");
    let waiter = queue.push(());
    assert!(queue.try_take(0).is_none(), "somebody waits");
    drop(queue.pop());
    drop(waiter);
    drop(unit);
    assert_eq!(queue.free_units(), 1);
    drop(queue.try_take(1).expect("it is free and nobody waits"));
    // And what is free when the last waiter is popped can be taken at once.
    let waiter = queue.push(());
    drop(queue.pop());
    drop(queue.try_take(1).expect("it is free and nobody waits"));
    drop(waiter);
}
