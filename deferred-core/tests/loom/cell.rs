//! One cell: the resolver's side against everything that a consumer or a handle can do.

use std::task::Poll;

use deferred_core::{Deferred, FailureKind};
use loom::thread;

use crate::common::{Bound, Count, CountWaker, Value, explore, poll_with as poll};

#[test]
fn fire_against_attach() {
    explore("fire against attach", Bound::None, 50, || {
        let (resolver, d) = Deferred::<Value>::new();
        let calls = Count::default();
        let firer = thread::spawn(move || resolver.callback(Value::new(1)).unwrap());
        let (first, second, third) = (calls.clone(), calls.clone(), [7usize; 20]);
        let d = d.add_callback(move |v| {
            Ok::<_, deferred_core::Failure<_>>({
                first.up();
                v.get() + 1
            })
        });
        let mut d = d.add_callback(move |n| {
            second.up();
            Ok(n + third[usize::from(n)] as u8)
        });
        firer.join().unwrap();
        assert_eq!((calls.get(), d.try_take()), (2, Some(Ok(9))));
    });
}

/// Large closures take a block each, so the runner walks over jumps that were written just now.
#[test]
fn fire_against_attach_in_new_blocks() {
    explore("fire against attach, in new blocks", Bound::None, 50, || {
        let (resolver, d) = Deferred::<u8>::new();
        let firer = thread::spawn(move || resolver.callback(1).unwrap());
        let (big, bigger) = ([1u8; 600], [2u8; 1200]);
        let d = d.add_callback(move |n| Ok(n + big[599]));
        let mut d = d.add_callback(move |n| Ok(n + bigger[1199]));
        firer.join().unwrap();
        assert_eq!(d.try_take(), Some(Ok(4)));
    });
}

#[test]
fn fire_against_one_poll() {
    explore("fire against one poll", Bound::None, 7, || {
        let (resolver, mut d) = Deferred::<Value>::new();
        let firer = thread::spawn(move || resolver.callback(Value::new(1)).unwrap());
        let (wakes, waker) = CountWaker::new();
        let ready = poll(&mut d, &waker).is_ready();
        firer.join().unwrap();
        assert_eq!(wakes.count(), usize::from(!ready));
    });
}

#[test]
fn fire_against_poll_with_two_wakers() {
    explore("fire against poll with two wakers", Bound::None, 50, || {
        let (resolver, mut d) = Deferred::<Value>::new();
        let firer = thread::spawn(move || resolver.callback(Value::new(1)).unwrap());
        let ((first, first_waker), (second, second_waker)) = (CountWaker::new(), CountWaker::new());
        let mut polls = 0;
        for waker in [&first_waker, &second_waker] {
            if let Poll::Ready(outcome) = poll(&mut d, waker) {
                assert_eq!(outcome.unwrap().get(), 1);
                // It may have been fired between the polls.
                assert!(first.count() <= polls && second.count() == 0);
                firer.join().unwrap();
                return;
            }
            polls += 1;
        }
        firer.join().unwrap();
        assert_eq!((first.count(), second.count()), (0, 1));
        let Poll::Ready(outcome) = poll(&mut d, &first_waker) else { panic!("fired and not ready") };
        assert_eq!(outcome.unwrap().get(), 1);
        drop((first_waker, second_waker));
        assert_eq!((std::sync::Arc::strong_count(&first), std::sync::Arc::strong_count(&second)), (1, 1));
    });
}

#[test]
fn fire_against_poll_then_drop() {
    explore("fire against poll, then drop", Bound::Preemptions(5), 50, || {
        let (resolver, mut d) = Deferred::<Value>::new();
        let firer = thread::spawn(move || drop(resolver.callback(Value::new(1))));
        let (wakes, waker) = CountWaker::new();
        let ready = poll(&mut d, &waker).is_ready();
        drop(d);
        firer.join().unwrap();
        drop(waker);
        assert!(!ready || wakes.count() == 0);
        assert_eq!(std::sync::Arc::strong_count(&wakes), 1);
    });
}

#[test]
fn fire_against_cancel() {
    explore("fire against cancel", Bound::None, 50, || {
        let (resolver, mut d) = Deferred::<Value>::new();
        let handle = d.handle();
        let (values, failures) = (Count::default(), Count::default());
        let (ok, err) = (values.clone(), failures.clone());
        let mut d = d.add_callbacks(
            move |v| {
                Ok({
                    ok.up();
                    v.get()
                })
            },
            move |failure| {
                err.up();
                Err(failure)
            },
        );
        let firer = thread::spawn(move || resolver.callback(Value::new(1)).is_ok());
        handle.cancel();
        let fired = firer.join().unwrap();
        assert_eq!((values.get(), failures.get()), (usize::from(fired), usize::from(!fired)));
        assert_eq!(d.try_take().unwrap().is_ok(), fired);
    });
}

#[test]
fn fire_against_drop() {
    explore("fire against drop", Bound::Preemptions(4), 20, || {
        let (resolver, d) = Deferred::<Value>::new();
        let ended = Count::default();
        let end = ended.clone();
        let d = d.add_both(move |outcome| {
            end.up();
            outcome
        });
        let firer = thread::spawn(move || drop(resolver.callback(Value::new(1))));
        drop(d);
        firer.join().unwrap();
        assert_eq!(ended.get(), 1);
    });
}

#[test]
fn abandon_against_detach() {
    explore("abandon against detach", Bound::None, 20, || {
        let (resolver, d) = Deferred::<Value>::new();
        let abandoned = Count::default();
        let count = abandoned.clone();
        let d = d.add_errback(move |failure| {
            assert_eq!(failure.kind(), FailureKind::Abandoned);
            count.up();
            Ok(Value::new(2))
        });
        let dropper = thread::spawn(move || drop(resolver));
        d.detach();
        dropper.join().unwrap();
        assert_eq!(abandoned.get(), 1);
    });
}

#[test]
fn fire_against_pause_and_resume() {
    explore("fire against pause and resume", Bound::None, 50, || {
        let (resolver, mut d) = Deferred::<Value>::new();
        let paused = d.pause();
        let calls = Count::default();
        let count = calls.clone();
        let mut d = d.add_callback(move |v| {
            Ok({
                count.up();
                v.get()
            })
        });
        let firer = thread::spawn(move || resolver.callback(Value::new(1)).unwrap());
        assert_eq!((calls.get(), d.try_take()), (0, None));
        drop(paused);
        firer.join().unwrap();
        assert_eq!((calls.get(), d.try_take()), (1, Some(Ok(1))));
    });
}

/// A cell that has finished, and woken, is held again; the new waker must not meet the old one.
#[test]
fn fire_against_poll_pause_poll() {
    explore("fire against poll, pause, poll", Bound::Preemptions(5), 100, || {
        let (resolver, mut d) = Deferred::<Value>::new();
        let firer = thread::spawn(move || resolver.callback(Value::new(1)).unwrap());
        let ((first, first_waker), (second, second_waker)) = (CountWaker::new(), CountWaker::new());
        if poll(&mut d, &first_waker).is_ready() {
            return firer.join().unwrap();
        }
        let paused = d.pause();
        assert!(poll(&mut d, &second_waker).is_pending());
        drop(paused);
        firer.join().unwrap();
        assert!(first.count() <= 1);
        assert_eq!(second.count(), 1);
        assert!(poll(&mut d, &second_waker).is_ready());
        drop((first_waker, second_waker));
        assert_eq!((std::sync::Arc::strong_count(&first), std::sync::Arc::strong_count(&second)), (1, 1));
    });
}

/// As above, with a function that is attached to what has finished, and waits.
#[test]
fn fire_against_poll_attach_poll() {
    explore("fire against poll, attach, poll", Bound::Preemptions(4), 100, || {
        let (resolver, mut d) = Deferred::<Value>::new();
        let (last, inner) = Deferred::<Value>::new();
        let firer = thread::spawn(move || resolver.callback(Value::new(1)).unwrap());
        let ((first, first_waker), (second, second_waker)) = (CountWaker::new(), CountWaker::new());
        let handle = d.handle();
        if poll(&mut d, &first_waker).is_ready() {
            drop((inner, last));
            return firer.join().unwrap();
        }
        let mut d = d.add_callback(move |_| inner);
        assert!(poll(&mut d, &second_waker).is_pending());
        firer.join().unwrap();
        last.callback(Value::new(2)).unwrap();
        assert!(first.count() <= 1);
        assert_eq!(second.count(), 1);
        assert!(poll(&mut d, &second_waker).is_ready());
        drop((first_waker, second_waker, handle));
        assert_eq!((std::sync::Arc::strong_count(&first), std::sync::Arc::strong_count(&second)), (1, 1));
    });
}

#[test]
fn fire_against_a_canceller_that_is_done() {
    explore("fire against a canceller that is done", Bound::None, 20, || {
        let stopped = Count::default();
        let count = stopped.clone();
        let (resolver, mut d) = Deferred::<Value>::with_canceller(move |c| {
            count.up();
            c.done()
        });
        let handle = d.handle();
        let firer = thread::spawn(move || resolver.callback(Value::new(1)).is_ok());
        handle.cancel();
        let fired = firer.join().unwrap();
        assert!(stopped.get() == 1 || fired);
        assert_eq!(d.try_take().unwrap().is_ok(), fired);
    });
}

#[test]
fn fire_against_a_canceller_that_fires() {
    explore("fire against a canceller that fires", Bound::None, 20, || {
        let (resolver, mut d) = Deferred::<Value>::with_canceller(move |c| c.fire(Ok(Value::new(2))));
        let handle = d.handle();
        let firer = thread::spawn(move || resolver.callback(Value::new(1)).is_ok());
        handle.cancel();
        let fired = firer.join().unwrap();
        assert_eq!(d.try_take().unwrap().unwrap().get(), if fired { 1 } else { 2 });
    });
}

/// Whoever waits for a cancel is woken by it.
#[test]
fn cancel_against_waiting_for_it() {
    explore("cancel against waiting for it", Bound::None, 20, || {
        let (mut resolver, d) = Deferred::<Value>::with_canceller(|c| c.later());
        let dropper = thread::spawn(move || drop(d));
        let (wakes, waker) = CountWaker::new();
        let ready = poll(&mut std::pin::pin!(resolver.cancelled()), &waker).is_ready();
        dropper.join().unwrap();
        assert!(ready || wakes.count() == 1);
        assert!(resolver.is_cancelled());
        drop(resolver);
    });
}

#[test]
fn fire_cancel_and_poll_together() {
    explore("fire, cancel and poll together", Bound::Preemptions(3), 500, || {
        let (resolver, mut d) = Deferred::<Value>::new();
        let handle = d.handle();
        let firer = thread::spawn(move || resolver.callback(Value::new(1)).is_ok());
        let canceller = thread::spawn(move || handle.cancel());
        let (wakes, waker) = CountWaker::new();
        let ready = poll(&mut d, &waker);
        let fired = firer.join().unwrap();
        canceller.join().unwrap();
        let outcome = match ready {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => {
                assert_eq!(wakes.count(), 1);
                d.try_take().unwrap()
            }
        };
        assert_eq!(outcome.is_ok(), fired);
    });
}

#[test]
fn fire_pause_and_attach_together() {
    explore("fire, pause and attach together", Bound::Preemptions(3), 500, || {
        let (resolver, mut d) = Deferred::<Value>::new();
        let handle = d.handle();
        let calls = Count::default();
        let count = calls.clone();
        let firer = thread::spawn(move || resolver.callback(Value::new(1)).unwrap());
        let pauser = thread::spawn(move || drop(handle.pause()));
        let mut d = d.add_callback(move |v| {
            Ok({
                count.up();
                v.get()
            })
        });
        firer.join().unwrap();
        pauser.join().unwrap();
        assert_eq!((calls.get(), d.try_take()), (1, Some(Ok(1))));
    });
}
