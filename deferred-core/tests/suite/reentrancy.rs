//! Foreign code that calls back: callbacks, cancellers, wakers, hooks and drops that use the Deferred they belong to.

use std::sync::{Arc, Mutex};
use std::task::Poll;

use crate::common::{CountWaker, Drops, HookWaker, OnDrop, Trace, poll_once, poll_with, reports, watchdog};
use deferred_core::{Deferred, Fired, Handle, Joiner, Outcome, Outcomes, Paused, Resolver, WaitQueue, join};

type Chain = Deferred<u32, &'static str>;

/// All that there is to one Deferred, where its own callbacks find it.
#[derive(Default)]
struct Ends {
    deferred: Option<Chain>,
    resolver: Option<Resolver<u32, &'static str>>,
    handle: Option<Handle>,
    paused: Vec<Paused>,
}

#[derive(Clone, Default)]
struct Place(Arc<Mutex<Ends>>);

impl Place {
    fn put(&self, d: Chain) {
        self.0.lock().unwrap().deferred = Some(d);
    }

    fn take(&self) -> Option<Chain> {
        self.0.lock().unwrap().deferred.take()
    }

    fn resolver(&self) -> Option<Resolver<u32, &'static str>> {
        self.0.lock().unwrap().resolver.take()
    }

    fn handle(&self) -> Handle {
        self.0.lock().unwrap().handle.clone().unwrap()
    }
}

/// What a callback does to the Deferred that it belongs to, or to another.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Deed {
    Attach,
    Fire,
    Cancel,
    Drop,
    Poll,
    Pause,
}

const DEEDS: [Deed; 6] = [Deed::Attach, Deed::Fire, Deed::Cancel, Deed::Drop, Deed::Poll, Deed::Pause];

impl Deed {
    fn run(self, place: &Place, trace: &Trace) {
        match self {
            Deed::Attach => {
                let seen = trace.clone();
                if let Some(d) = place.take() {
                    place.put(d.add_both(move |outcome| {
                        seen.log("attached ran");
                        outcome
                    }));
                }
            }
            Deed::Fire => {
                if let Some(resolver) = place.resolver() {
                    let _ = resolver.callback(1);
                }
            }
            Deed::Cancel => place.handle().cancel(),
            Deed::Drop => drop(place.take()),
            Deed::Poll => {
                if let Some(mut d) = place.take() {
                    if poll_once(&mut d).is_pending() {
                        place.put(d);
                    }
                }
            }
            Deed::Pause => {
                let token = place.handle().pause();
                place.0.lock().unwrap().paused.push(token);
            }
        }
    }
}

fn pending(trace: &Trace, deeds: [Deed; 2], target: Option<&Place>) -> Place {
    let place = Place::default();
    let (resolver, mut d) = Chain::new();
    let handle = d.handle();
    let (inside, log) = (target.unwrap_or(&place).clone(), trace.clone());
    let after = trace.clone();
    let d = d
        .add_both(move |outcome| {
            for deed in deeds {
                deed.run(&inside, &log);
            }
            log.log("first ran");
            outcome
        })
        .add_both(move |outcome| {
            after.log("second ran");
            outcome.or(Ok::<u32, deferred_core::Failure<&str>>(0))
        });
    *place.0.lock().unwrap() =
        Ends { deferred: Some(d), resolver: Some(resolver), handle: Some(handle), paused: Vec::new() };
    place
}

/// Starts a chain in each way that there is.
fn start(how: Deed, place: &Place, trace: &Trace) {
    how.run(place, trace);
}

#[test]
fn a_drop_may_wait_for_what_it_abandons_itself() {
    watchdog(|| {
        let (resolver, inner) = Chain::new();
        let waits = OnDrop::new(move || {
            drop(resolver);
            assert!(inner.wait().is_err());
        });
        let (outer, d) = Chain::new();
        let d = d.add_callback(move |n| {
            let _owned = &waits;
            Ok(n)
        });
        outer.errback("so the callback is dropped without a call").unwrap();
        assert!(d.wait().is_err());
    });
}

#[test]
fn any_two_deeds_from_inside_a_callback_on_its_own_chain_leave_it_whole() {
    watchdog(|| {
        for starter in [Deed::Fire, Deed::Cancel, Deed::Drop] {
            for first in DEEDS {
                for second in DEEDS {
                    let trace = Trace::new();
                    let place = pending(&trace, [first, second], None);
                    start(starter, &place, &trace);
                    // Whatever was paused goes on, and what has an owner is finished.
                    let paused = std::mem::take(&mut place.0.lock().unwrap().paused);
                    drop(paused);
                    let rest = place.take();
                    let case = format!("{starter:?}: {first:?}, {second:?}");
                    if let Some(mut d) = rest {
                        assert!(poll_once(&mut d).is_ready(), "{case}");
                    }
                    let lines = trace.take();
                    let count = |line: &str| lines.iter().filter(|other| *other == line).count();
                    assert_eq!((count("first ran"), count("second ran")), (1, 1), "{case}");
                    let attached = [first, second].iter().filter(|deed| **deed == Deed::Attach).count();
                    // One that had no owner any more could not be attached to.
                    assert!(count("attached ran") <= attached, "{case}");
                    if starter != Deed::Drop && first != Deed::Drop {
                        assert_eq!(count("attached ran"), attached, "{case}");
                        assert!(lines.iter().position(|line| line == "first ran") == Some(0), "{case}: {lines:?}");
                    }
                }
            }
        }
    });
}

#[test]
fn any_two_deeds_from_inside_a_callback_on_another_chain_leave_both_whole() {
    watchdog(|| {
        for first in DEEDS {
            for second in DEEDS {
                let (trace, own) = (Trace::new(), Trace::new());
                let other = pending(&trace, [Deed::Attach, Deed::Poll], None);
                let place = pending(&own, [first, second], Some(&other));
                place.resolver().unwrap().callback(1).unwrap();
                let case = format!("{first:?}, {second:?}");
                assert!(place.take().unwrap().try_take().is_some(), "{case}");
                let resolver = other.resolver();
                let _ = resolver.map(|resolver| resolver.callback(1));
                let paused = std::mem::take(&mut other.0.lock().unwrap().paused);
                drop(paused);
                let rest = other.take();
                if let Some(mut d) = rest {
                    assert!(poll_once(&mut d).is_ready(), "{case}");
                }
                let lines = trace.take();
                let count = |line: &str| lines.iter().filter(|other| *other == line).count();
                assert_eq!((count("first ran"), count("second ran")), (1, 1), "{case}: {lines:?}");
            }
        }
    });
}

#[test]
fn any_deed_from_inside_a_canceller_leaves_the_chain_whole() {
    watchdog(|| {
        for deed in DEEDS {
            for starter in [Deed::Cancel, Deed::Drop] {
                let (trace, place) = (Trace::new(), Place::default());
                let (inside, log) = (place.clone(), trace.clone());
                let (resolver, mut d) = Chain::with_canceller(move |c| {
                    deed.run(&inside, &log);
                    c.done()
                });
                let handle = d.handle();
                let seen = trace.clone();
                let d = d.add_both(move |_| {
                    seen.log("ran");
                    Ok::<_, deferred_core::Failure<&str>>(0)
                });
                *place.0.lock().unwrap() =
                    Ends { deferred: Some(d), resolver: Some(resolver), handle: Some(handle), paused: Vec::new() };
                start(starter, &place, &trace);
                let paused = std::mem::take(&mut place.0.lock().unwrap().paused);
                drop(paused);
                let lines = trace.take();
                assert_eq!(lines.iter().filter(|line| *line == "ran").count(), 1, "{starter:?}, {deed:?}");
            }
        }
    });
}

#[test]
fn any_deed_from_inside_a_waker_is_possible() {
    watchdog(|| {
        for deed in DEEDS {
            let (trace, place) = (Trace::new(), Place::default());
            let (inside, log) = (place.clone(), trace.clone());
            let waker = HookWaker::new().on_wake(move || deed.run(&inside, &log)).waker();
            let (resolver, mut d) = Chain::new();
            let handle = d.handle();
            assert!(poll_with(&mut d, &waker).is_pending());
            *place.0.lock().unwrap() =
                Ends { deferred: Some(d), resolver: None, handle: Some(handle), paused: Vec::new() };
            resolver.callback(5).unwrap();
            let paused = std::mem::take(&mut place.0.lock().unwrap().paused);
            drop(paused);
            let rest = place.take();
            match (deed, rest) {
                (Deed::Drop | Deed::Poll, rest) => assert!(rest.is_none(), "{deed:?}"),
                (_, rest) => assert_eq!(rest.unwrap().try_take(), Some(Ok(5)), "{deed:?}"),
            }
        }
    });
}

#[test]
fn a_waker_that_fires_the_deferred_while_it_is_cloned_loses_nothing() {
    watchdog(|| {
        let resolver = Arc::new(Mutex::new(None));
        let fire = resolver.clone();
        let waker = HookWaker::new()
            .on_clone(move || {
                let resolver: Option<Resolver<u32, &str>> = fire.lock().unwrap().take();
                if let Some(resolver) = resolver {
                    resolver.callback(5).unwrap();
                }
            })
            .waker();
        let (own, mut d) = Chain::new();
        *resolver.lock().unwrap() = Some(own);
        assert_eq!(poll_with(&mut d, &waker), Poll::Ready(Ok(5)));
    });
}

#[test]
fn a_waker_that_is_replaced_may_fire_or_cancel_from_its_drop() {
    watchdog(|| {
        for cancel in [false, true] {
            let (own, mut d) = Chain::new();
            let handle = d.handle();
            let resolver = Arc::new(Mutex::new(Some(own)));
            let waker = HookWaker::new()
                .on_drop(move || {
                    let resolver = resolver.lock().unwrap().take();
                    match resolver {
                        Some(_) if cancel => handle.cancel(),
                        Some(resolver) => resolver.callback(5).unwrap(),
                        None => {}
                    }
                })
                .waker();
            assert!(poll_with(&mut d, &waker).is_pending());
            let (count, second) = CountWaker::new();
            let polled = poll_with(&mut d, &second);
            let outcome = match polled {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => {
                    assert_eq!(count.count(), 1, "woken, as it is not told otherwise");
                    d.try_take().unwrap()
                }
            };
            assert_eq!(outcome.is_ok(), !cancel);
        }
    });
}

#[test]
fn a_value_may_use_its_deferred_while_it_is_dropped() {
    watchdog(|| {
        let drops = Drops::new();
        let (resolver, mut d) = Deferred::<OnDrop, &str>::new();
        let (handle, counted) = (d.handle(), drops.value());
        let own = handle.clone();
        let value = OnDrop::new(move || {
            let _counted = &counted;
            own.cancel();
            drop(own.pause());
            assert!(own.is_fired());
        });
        resolver.callback(value).unwrap();
        drop(d);
        assert_eq!(drops.count(), 1);
        handle.cancel();
    });
}

#[test]
fn a_closure_that_is_skipped_may_use_deferreds_while_it_is_dropped() {
    watchdog(|| {
        let (other_resolver, other) = Chain::new();
        let trace = Trace::new();
        let seen = trace.clone();
        let other = other.add_callback(move |n| {
            seen.log(format!("other {n}"));
            Ok(n)
        });
        let value = OnDrop::new(move || other_resolver.callback(3).unwrap());
        let (resolver, d) = Chain::new();
        let mut d = d.add_errback(move |_| {
            let _value = &value;
            Ok(0)
        });
        resolver.callback(1).unwrap();
        trace.expect(["other 3"]);
        assert_eq!(d.try_take(), Some(Ok(1)));
        drop(other);
    });
}

#[test]
fn a_report_may_make_and_drop_failures() {
    let (_, reported) = reports(|| {
        struct Loud;
        impl std::fmt::Debug for Loud {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                drop(Deferred::<(), &str>::fail("inner"));
                f.write_str("outer")
            }
        }
        drop(Deferred::<(), Loud>::fail(Loud));
    });
    let mut reported: Vec<_> = reported.iter().map(|text| text.split(' ').next().unwrap()).collect();
    reported.sort_unstable();
    assert_eq!(reported, ["Error(\"inner\")", "Error(outer)"]);
}

#[test]
fn a_callback_may_use_the_queue_that_it_came_from() {
    watchdog(|| {
        let queue = WaitQueue::<u32>::new(());
        let (first, second) = (queue.push(()), queue.push(()));
        let (inside, trace) = (queue.clone(), Trace::new());
        let (seen, second) = (trace.clone(), Mutex::new(Some(second)));
        let first = first.add_callback(move |n| -> Outcome<u32, _> {
            seen.log(format!("{} wait", inside.len()));
            drop(second.lock().unwrap().take());
            seen.log(format!("{} wait", inside.len()));
            let third = inside.push(());
            inside.pop().unwrap().callback(n).unwrap();
            drop(third);
            Ok(n)
        });
        queue.pop().unwrap().callback(1).unwrap();
        trace.expect(["1 wait", "0 wait"]);
        drop(first);
    });
}

#[test]
fn a_grant_inside_a_grant_waits_for_it_on_the_same_queue_only() {
    fn grant(queue: &WaitQueue<u32>, n: u32) {
        let (turn, ()) = queue.lock().pop().unwrap();
        turn.grant(Ok(n));
    }
    let (queue, other, trace) = (WaitQueue::new(()), WaitQueue::new(()), Trace::new());
    let (inside, beside, seen) = (queue.clone(), other.clone(), trace.clone());
    let first = queue.push(()).add_callback(move |_| {
        grant(&inside, 2);
        grant(&beside, 3);
        seen.log("first ends".to_owned());
        Ok(())
    });
    let log = |name: &'static str| {
        let trace = trace.clone();
        move |n: u32| {
            trace.log(format!("{name} {n}"));
            Ok(())
        }
    };
    let behind = queue.push(()).add_callback(log("behind"));
    let at_once = other.push(()).add_callback(log("at once"));
    grant(&queue, 1);
    trace.expect(["at once 3", "first ends", "behind 2"]);
    drop((first, behind, at_once));
}

/// Ends with the first child that it sees, and fires another one when it sees it.
struct Nested<const REPORTS_LATE: bool>(Mutex<Option<Resolver<u32, &'static str>>>);

impl<const REPORTS_LATE: bool> Joiner<u32, &'static str> for Nested<REPORTS_LATE> {
    type Output = u32;
    type Error = &'static str;
    const REPORTS_LATE: bool = REPORTS_LATE;

    fn fired(&self, child: Fired<'_, u32, &'static str>) -> Option<Outcome<u32, &'static str>> {
        let other = self.0.lock().unwrap().take();
        if let Some(other) = other {
            other.callback(2).unwrap();
        }
        Some(child.take())
    }

    fn all_fired(&self, outcomes: Outcomes<'_, u32, &'static str>) -> Outcome<u32, &'static str> {
        Ok(outcomes.count() as u32)
    }
}

#[test]
fn a_child_that_another_overtakes_while_it_is_seen_is_reported_if_the_joiner_says_so() {
    fn overtaken<const REPORTS_LATE: bool>() -> Vec<String> {
        let ((first, a), (second, b)) = (Chain::new(), Chain::new());
        let (mut parent, _) = join([a, b], Nested::<REPORTS_LATE>(Mutex::new(Some(second))));
        let ((), reported) = reports(|| first.errback("too late").unwrap());
        assert_eq!(parent.try_take(), Some(Ok(2)));
        reported
    }
    assert_eq!(overtaken::<false>(), [""; 0]);
    let reported = overtaken::<true>();
    assert!(reported.len() == 1 && reported[0].contains("too late"), "{reported:?}");
}

#[test]
fn a_queue_made_inside_a_grant_of_one_that_has_gone_is_not_taken_for_it() {
    let queue = WaitQueue::<u32>::new(());
    let mut waiter = queue.push(()).add_callback(|n| {
        // It may well lie where the first one lay.
        let other = WaitQueue::<u32>::new(());
        let mut d = other.push(()).add_callback(move |m| Ok(n + m));
        other.lock().pop().unwrap().0.grant(Ok(2));
        d.try_take().expect("it is granted at once")
    });
    let (turn, ()) = queue.lock().pop().unwrap();
    drop(queue);
    turn.grant(Ok(1));
    assert_eq!(waiter.try_take(), Some(Ok(3)));
}
