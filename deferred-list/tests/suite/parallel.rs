//! `parallel`: so many at a time, started lazily, outcomes in the order of the items.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::common::{Drops, watchdog};
use deferred_core::{Deferred, Failure, FailureKind, Handle, ManualClock, Outcome, Resolver};
use deferred_list::parallel;

type Fail = &'static str;
type Resolvers = Vec<Option<Resolver<usize, Fail>>>;

/// Starts work that a test ends by hand.
#[derive(Clone, Default)]
struct Works(Arc<Mutex<Resolvers>>);

impl Works {
    fn start(&self, _: usize) -> Deferred<usize, Fail> {
        let (resolver, d) = Deferred::new();
        self.0.lock().unwrap().push(Some(resolver));
        d
    }

    fn started(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn end(&self, n: usize, outcome: Outcome<usize, Fail>) {
        let resolver = self.0.lock().unwrap()[n].take();
        resolver.expect("it was started and runs").fire(outcome).unwrap();
    }

    fn cancelled(&self) -> usize {
        self.0.lock().unwrap().iter().flatten().filter(|resolver| resolver.is_cancelled()).count()
    }
}

fn works(limit: usize, items: usize) -> (Works, Deferred<Vec<Outcome<usize, Fail>>>) {
    let works = Works::default();
    let starter = works.clone();
    let d = parallel(limit, 0..items, move |n| starter.start(n));
    (works, d)
}

#[test]
fn at_most_the_limit_runs_and_outcomes_are_in_the_order_of_the_items() {
    for limit in 1..=5 {
        let (works, mut d) = works(limit, 5);
        let mut running: Vec<usize> = Vec::new();
        for done in 0..5 {
            let started = works.started();
            assert_eq!(started, 5.min(done + limit));
            running.extend(running.last().map_or(0, |_| started)..started);
            // The last one that was started ends first.
            let last = (0..started).rev().find(|n| works.0.lock().unwrap()[*n].is_some()).unwrap();
            assert!(!d.is_fired());
            works.end(last, if last % 2 == 0 { Ok(last) } else { Err("odd".into()) });
        }
        let expected = (0..5).map(|n| if n % 2 == 0 { Ok(n) } else { Err("odd".into()) }).collect();
        assert_eq!(d.try_take(), Some(Ok(expected)));
    }
}

#[test]
fn items_are_asked_for_only_when_there_is_a_place() {
    let asked = Arc::new(AtomicUsize::new(0));
    let note = asked.clone();
    let items = (0..10).inspect(move |_| {
        note.fetch_add(1, Ordering::SeqCst);
    });
    let works = Works::default();
    let starter = works.clone();
    let d = parallel(3, items, move |n| starter.start(n));
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    works.end(1, Ok(1));
    assert_eq!(asked.load(Ordering::SeqCst), 4);
    drop(d);
    assert_eq!(asked.load(Ordering::SeqCst), 4, "nothing more is started");
}

#[test]
fn no_items_give_no_outcomes_at_once() {
    assert_eq!(works(1, 0).1.try_take(), Some(Ok(Vec::new())));
}

#[test]
fn work_that_is_ready_takes_no_place_and_no_stack() {
    crate::common::small_stack(|| {
        let d = parallel(1, 0..100_000, Ok::<usize, Failure<Infallible>>);
        assert!(d.wait().unwrap().into_iter().map(Result::unwrap).eq(0..100_000));
    });
}

#[test]
fn work_that_ends_inside_the_start_of_the_next_takes_no_stack() {
    crate::common::small_stack(|| {
        let works = Works::default();
        let (starter, total) = (works.clone(), 100_000);
        let mut d = parallel(2, 0..total, move |n| {
            if n > 0 {
                starter.end(n - 1, Ok(n - 1));
            }
            starter.start(n)
        });
        assert_eq!(works.started(), total);
        works.end(total - 1, Ok(total - 1));
        assert!(d.try_take().unwrap().unwrap().into_iter().map(Result::unwrap).eq(0..total));
    });
}

#[test]
fn a_limit_of_0_is_a_mistake() {
    assert!(std::panic::catch_unwind(|| works(0, 1)).is_err());
}

#[test]
fn a_limit_without_bound_starts_all() {
    let (works, d) = works(usize::MAX, 50);
    assert_eq!(works.started(), 50);
    drop(d);
    assert_eq!(works.cancelled(), 50);
}

#[test]
fn dropping_it_cancels_what_runs_and_starts_nothing_more() {
    let (works, d) = works(2, 10);
    works.end(0, Ok(0));
    drop(d);
    assert_eq!((works.started(), works.cancelled()), (3, 2));
}

#[test]
fn an_item_that_comes_after_the_end_is_not_started() {
    let handle = Arc::new(Mutex::new(None::<Handle>));
    let stop = handle.clone();
    let items = (0..3).inspect(move |n| {
        if *n == 1 {
            stop.lock().unwrap().take().unwrap().cancel();
        }
    });
    let works = Works::default();
    let start = works.clone();
    let (mut d, line) = (parallel(1, items, move |n| start.start(n)), line!());
    *handle.lock().unwrap() = Some(d.handle());
    works.end(0, Ok(0));
    assert_eq!(works.started(), 1);
    let failure = d.try_take().unwrap().unwrap_err();
    assert!(failure.is_cancelled());
    assert_eq!((failure.origin().file(), failure.origin().line()), (file!(), line));
}

#[test]
fn cancelling_it_reads_cancelled_when_all_that_ran_has_ended() {
    let (works, mut d) = works(2, 10);
    d.handle().cancel();
    assert_eq!((works.started(), works.cancelled()), (2, 2));
    assert!(d.try_take().unwrap().unwrap_err().is_cancelled());

    let late = Arc::new(Mutex::new(None));
    let slot = late.clone();
    let mut d = parallel(1, 0..3, move |_| {
        let (resolver, d) = Deferred::<usize, Fail>::with_canceller(|c| c.later());
        *slot.lock().unwrap() = Some(resolver);
        d
    });
    d.handle().cancel();
    assert!(d.try_take().is_none(), "it is still cleaning up");
    let resolver = late.lock().unwrap().take().unwrap();
    resolver.callback(1).unwrap();
    assert!(d.try_take().unwrap().unwrap_err().is_cancelled());
}

#[test]
fn a_timeout_reads_timed_out() {
    let clock = ManualClock::new();
    let (works, d) = works(2, 5);
    let mut d = d.timeout(&clock, Duration::from_secs(1));
    works.end(0, Ok(0));
    clock.advance(Duration::from_secs(1));
    assert!(d.try_take().unwrap().unwrap_err().is_timed_out());
    assert_eq!(works.cancelled(), 2);
}

#[test]
fn a_panic_in_start_is_the_failure_of_that_item() {
    let d = parallel(1, 0..3, |n| if n == 1 { panic!("mine") } else { Ok::<_, Failure<Fail>>(n) });
    let outcomes = d.wait().unwrap();
    assert_eq!((&outcomes[0], &outcomes[2]), (&Ok(0), &Ok(2)));
    assert!(matches!(outcomes[1].as_ref().unwrap_err().kind(), FailureKind::Panicked(_)));
}

#[test]
fn a_panic_in_the_items_cancels_what_runs_and_fails_the_whole() {
    let works = Works::default();
    let starter = works.clone();
    let items = (0..5).inspect(|n| assert_ne!(*n, 2, "no more items"));
    let mut d = parallel(2, items, move |n| starter.start(n));
    assert!(!d.is_fired());
    works.end(0, Ok(0));
    assert_eq!(works.cancelled(), 1);
    assert!(matches!(d.try_take().unwrap().unwrap_err().into_kind(), FailureKind::Panicked(_)));
}

#[test]
fn the_function_and_the_items_are_dropped_as_soon_as_nothing_more_is_started() {
    let drops = Drops::new();
    let (in_items, in_start) = (drops.value(), drops.value());
    let works = Works::default();
    let starter = works.clone();
    let items = (0..2).inspect(move |_| {
        let _ = &in_items;
    });
    let d = parallel(2, items, move |n| {
        let _ = &in_start;
        starter.start(n)
    });
    works.end(0, Ok(0));
    assert_eq!(drops.count(), 2, "the items have ended");
    drop(d);

    let (works, d) = {
        let drops = drops.value();
        let works = Works::default();
        let starter = works.clone();
        let d = parallel(1, 0..9, move |n| {
            let _ = &drops;
            starter.start(n)
        });
        (works, d)
    };
    drop(d);
    assert_eq!((drops.count(), works.cancelled()), (3, 1));
}

#[test]
fn a_start_that_cancels_the_whole_is_cancelled_with_it() {
    watchdog(|| {
        let whole = Arc::new(Mutex::new(None::<deferred_core::Handle>));
        let (slot, works) = (whole.clone(), Works::default());
        let starter = works.clone();
        let mut d = parallel(1, 0..9, move |n| {
            let work = starter.start(n);
            if let Some(whole) = slot.lock().unwrap().take() {
                whole.cancel();
            }
            work
        });
        *whole.lock().unwrap() = Some(d.handle());
        works.end(0, Ok(0));
        assert_eq!((works.started(), works.cancelled()), (2, 1));
        assert!(d.try_take().unwrap().unwrap_err().is_cancelled());
    });
}

#[test]
fn work_that_ends_on_other_threads_is_counted_once() {
    const ITEMS: usize = 600;
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (sender, receiver) = std::sync::mpsc::channel::<(usize, Resolver<usize, Fail>)>();
    let receiver = Arc::new(Mutex::new(receiver));
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let (receiver, running) = (receiver.clone(), running.clone());
            thread::spawn(move || {
                loop {
                    let next = receiver.lock().unwrap().recv();
                    let Ok((n, resolver)) = next else { return };
                    running.fetch_sub(1, Ordering::SeqCst);
                    resolver.callback(n).unwrap();
                }
            })
        })
        .collect();
    let (inside, highest) = (running, most.clone());
    let d = parallel(4, 0..ITEMS, move |n| {
        highest.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let (resolver, d) = Deferred::new();
        sender.send((n, resolver)).unwrap();
        d
    });
    assert!(d.wait().unwrap().into_iter().map(Result::unwrap).eq(0..ITEMS));
    assert!(most.load(Ordering::SeqCst) <= 4);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// What the items and the function hold is the user's, and its drop may panic.
#[test]
fn items_and_a_function_whose_drop_panics_do_not_keep_it_from_firing() {
    watchdog(|| {
        for cancelled in [false, true] {
            for in_items in [true, false] {
                let drops = Drops::new();
                let works = Works::default();
                let (starter, bomb) = (works.clone(), Some(drops.bomb()));
                let (in_items, in_start) = if in_items { (bomb, None) } else { (None, bomb) };
                let items = (0..2).inspect(move |_| _ = &in_items);
                let mut d = parallel(1, items, move |n| {
                    _ = &in_start;
                    starter.start(n)
                });
                works.end(0, Ok(0));
                assert_eq!(drops.count(), 0);
                if cancelled {
                    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| d.handle().cancel()));
                    // The panic is the one of whoever cancels, or of nobody.
                    drop(panic);
                    assert!(d.wait().is_err());
                } else {
                    works.end(1, Ok(1));
                    assert_eq!(d.wait().unwrap().len(), 2);
                }
                assert_eq!(drops.count(), 1);
            }
        }
    });
}
