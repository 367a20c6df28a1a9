//! What a person who debugs a hang is shown, and how errors read.

use std::fmt::Debug;
use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::shown_to;
use deferred_core::{
    Clock, Compact, Deferred, Failure, FailureKind, Fired, Grants, Joiner, Locked, ManualClock, Outcome, Outcomes,
    Primitive, Returned, ThreadClock, Units, WaitQueue, join,
};

type Chain = Deferred<u32, &'static str>;

fn shown(value: &impl Debug) -> String {
    format!("{value:?}")
}

#[test]
fn a_clock_shows_its_time_and_what_is_pending() {
    let manual = ManualClock::new();
    let timer = manual.call_later(Duration::from_secs(2), Box::new(|| ()));
    manual.advance(Duration::from_secs(1));
    assert_eq!(shown(&manual), "ManualClock { now: 1s, pending: 1 }");
    assert_eq!(shown(&timer), "Timer { .. }");
    drop(timer);
    assert_eq!(shown(&manual), "ManualClock { now: 1s, pending: 0 }");
    let threaded = ThreadClock::default();
    let timer = threaded.call_later(Duration::from_secs(600), Box::new(|| ()));
    assert_eq!(shown(&threaded), "ThreadClock { pending: 1, .. }");
    drop(timer);
    assert_eq!(shown(&threaded), "ThreadClock { pending: 0, .. }");
}

#[test]
fn a_writer_may_call_in() {
    let queue = WaitQueue::<u8>::new(());
    shown_to(queue.clone(), move || assert!(queue.is_empty()));
    let shared = Chain::succeed(1).shared();
    shown_to(shared.clone(), move || assert_eq!(shared.subscribe().wait(), Ok(1)));
    let clock = ThreadClock::default();
    shown_to(clock.clone(), move || drop(clock.call_later(Duration::from_secs(600), Box::new(|| ()))));
}

#[test]
fn a_canceller_sees_what_it_decides() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let (resolver, mut d) = Chain::with_canceller(move |cancel| {
        let mut seen = log.lock().unwrap();
        seen.push(shown(&cancel));
        let verdict = cancel.fire(Ok(5));
        seen.push(shown(&verdict));
        verdict
    });
    d.handle().cancel();
    assert_eq!((d.try_take(), resolver.callback(1)), (Some(Ok(5)), Err(1)));
    for (later, name) in [(false, "Verdict::Done"), (true, "Verdict::Later")] {
        let log = seen.clone();
        let (resolver, mut d) = Chain::with_canceller(move |cancel| {
            let verdict = if later { cancel.later() } else { cancel.done() };
            log.lock().unwrap().push(shown(&verdict));
            verdict
        });
        d.handle().cancel();
        assert_eq!(d.is_fired(), !later, "{name}");
        drop(resolver);
        assert!(d.try_take().unwrap().is_err());
    }
    assert_eq!(*seen.lock().unwrap(), ["Cancel { .. }", "Verdict::Fire", "Verdict::Done", "Verdict::Later"]);
}

/// Shows what it is given.
struct Shows(Arc<Mutex<Vec<String>>>);

impl Joiner<u8, &'static str> for Shows {
    type Output = usize;
    type Error = &'static str;
    const REPORTS_LATE: bool = false;

    fn fired(&self, child: Fired<'_, u8, &'static str>) -> Option<Outcome<usize, &'static str>> {
        self.0.lock().unwrap().push(shown(&child));
        None
    }

    fn all_fired(&self, outcomes: Outcomes<'_, u8, &'static str>) -> Outcome<usize, &'static str> {
        self.0.lock().unwrap().push(shown(&outcomes));
        // Some may have been taken when they fired.
        assert_eq!(outcomes.size_hint(), (0, Some(3)));
        Ok(outcomes.filter(Result::is_ok).count())
    }
}

#[test]
fn a_joiner_sees_which_child_fired_and_how_many_there_are() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let ((first, a), (second, b)) = (Deferred::new(), Deferred::new());
    let (mut parent, progress) = join([a, b, Deferred::succeed(3)], Shows(seen.clone()));
    assert_eq!(shown(&progress), "Progress { 1 of 3 }");
    second.callback(2).unwrap();
    first.errback("no").unwrap();
    assert_eq!((parent.try_take(), shown(&progress)), (Some(Ok(2)), "Progress { 3 of 3 }".to_owned()));
    let child = |index, success| format!("Fired {{ index: {index}, success: {success} }}");
    let all = [child(2, true), child(1, true), child(0, false), "Outcomes { left: 3 }".to_owned()];
    assert_eq!(*seen.lock().unwrap(), all);
}

#[test]
fn a_deferred_shows_how_it_ended() {
    assert_eq!(shown(&Chain::from(Ok(1))), "Deferred { fired with a value }");
    let mut failed = Chain::from(Err("no".into()));
    assert_eq!(shown(&failed), "Deferred { fired with a failure }");
    assert_eq!(failed.try_take(), Some(Err("no".into())));
    let (d, driver) = Deferred::<u32, &str>::from_future(ready(Ok::<_, &str>(1)));
    assert!(shown(&driver).starts_with("Driver { resolver: Some(Resolver { pending, created at "), "{driver:?}");
    let compact = shown(&Compact::from(Chain::succeed(1)));
    assert!(compact.starts_with(&format!("Deferred {{ fired, created at {}:", file!())), "{compact}");
    drop(driver);
    assert_eq!(d.wait().unwrap_err().into_kind(), FailureKind::Abandoned);
}

#[test]
fn only_an_error_of_the_user_is_mapped_and_has_a_value() {
    let error = |kind| Failure::<&str>::new(kind);
    let kept = [FailureKind::Cancelled, FailureKind::TimedOut, FailureKind::Closed, FailureKind::Abandoned];
    for kind in kept {
        let mapped = error(kind.clone()).map_error(str::len);
        assert_eq!(shown(&mapped.kind()), shown(&kind));
        assert_eq!(mapped.into_error().unwrap_err().map_error(|n| n + 1).origin().file(), file!());
    }
    assert_eq!(Failure::from("four").map_error(str::len).into_error(), Ok(4));
}

/// A primitive that keeps to the defaults, but asks for every look there is.
struct Plain;

impl Primitive<Part> for Plain {
    type Request = u8;
    type Guarded = ();
    const RECLAIMS: bool = true;
    const WITHDRAWALS: bool = true;
}

/// Units on their way.
struct Part(Units<Part, std::convert::Infallible, Plain>);

#[test]
fn by_default_a_primitive_lets_units_and_waiters_come_and_go() {
    let queue = WaitQueue::<Part, _, Plain>::with_units(Plain, 3).unwrap();
    let units = queue.try_take(2).unwrap();
    assert_eq!(shown(&units), "Units { count: 2, .. }");
    // A value that nobody takes is dropped, and what is in it comes back.
    drop(queue.ready(Part(units)));
    assert_eq!((queue.free_units(), queue.lock().free_units()), (3, 3));
    let units = queue.lock().take(3).unwrap();
    let (first, mut second) = (queue.push(7), queue.push(8));
    drop(first);
    assert!(!queue.lock().is_empty());
    // Coming back they are free, and nobody is served unless the primitive says so.
    drop(units);
    assert_eq!((queue.free_units(), queue.len(), second.is_fired()), (3, 1, false));
    let (turn, request) = queue.lock().pop().unwrap();
    assert_eq!((shown(&turn), request, queue.lock().is_empty()), ("Turn { .. }".to_owned(), 8, true));
    turn.grant(Ok(Part(queue.try_take(1).unwrap())));
    assert_eq!(second.try_take().unwrap().unwrap().0.count(), 1);
}

/// Hands what comes back to the first who waits, and notes what it is shown.
#[derive(Default)]
struct Fair(Vec<String>);

struct Guard(Units<Guard, std::convert::Infallible, Fair>);

impl Primitive<Guard> for Fair {
    type Request = ();
    type Guarded = ();

    fn returned(
        locked: &mut Locked<'_, Guard, std::convert::Infallible, Self>,
        returned: &mut Returned<Guard, std::convert::Infallible, Self>,
        grants: &mut Grants<Guard, std::convert::Infallible, Self>,
    ) {
        let mut seen = vec![shown(returned)];
        if returned.hand_on(locked, |()| true, Guard) {
            seen.push(shown(returned));
        }
        if let Some((turn, ())) = locked.pop() {
            // They have been handed on: the second one is closed instead.
            assert!(!returned.hand_on(locked, |()| true, Guard));
            grants.push_closed(turn, ());
            seen.push(shown(grants));
        }
        locked.0.extend(seen);
    }
}

#[test]
fn units_that_come_back_are_handed_on_once() {
    let queue = WaitQueue::<Guard, _, Fair>::with_units(Fair::default(), 2).unwrap();
    let units = queue.try_take(2).unwrap();
    let (mut first, mut second) = (queue.push(()), queue.push(()));
    drop(units);
    assert_eq!(first.try_take().unwrap().unwrap().0.count(), 2);
    assert!(second.try_take().unwrap().is_err_and(|failure| failure.is_closed()));
    assert_eq!(
        queue.lock().0[..3],
        [
            "Returned { count: 2, handed_on: false }",
            "Returned { count: 0, handed_on: true }",
            "Grants { granted: 0, closed: 1 }"
        ]
    );
    assert!(Grants::<Guard, _, Fair>::default().is_empty());
}

#[test]
fn grants_show_how_many_there_are() {
    let queue = WaitQueue::<u32>::new(());
    let mut waiters = [queue.push(()), queue.push(()), queue.push(())];
    let (mut grants, mut locked) = (Grants::new(), queue.lock());
    for n in 1..=3 {
        let (turn, ()) = locked.pop().unwrap();
        grants.push(turn, Ok(n));
        assert!(!grants.is_empty());
        assert_eq!(shown(&grants), format!("Grants {{ granted: {n}, closed: 0 }}"));
    }
    drop(locked);
    grants.deliver();
    assert_eq!(waiters.each_mut().map(Deferred::try_take), [Some(Ok(1)), Some(Ok(2)), Some(Ok(3))]);
}
