//! Programs for each way of joining, beside plain ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use deferred_core::{Deferred, FailureKind, Outcome, Resolver, Stream, catch_unhandled};
use deferred_list::{DeferredList, GatherOptions, as_completed, first_fired, parallel, race};

use crate::common::{CountWaker, poll_with};

type Child = Deferred<usize, usize>;
type Resolvers = Vec<Option<Resolver<usize, usize>>>;

/// How a child comes to its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// It had ended before, without a cell.
    Ready,
    /// It ends by its resolver.
    Fires,
    /// As `Fires`, and when it is cancelled it takes its time.
    Lingers,
}

/// A child: how it ends, whether well, and when.
pub(crate) type Plan = (Kind, bool, u8);

fn outcome(n: usize, good: bool) -> Outcome<usize, usize> {
    if good { Ok(n) } else { Err(n.into()) }
}

/// The children, their resolvers, and the order in which they fire.
fn children(plans: &[Plan]) -> (Vec<Child>, Resolvers, Vec<usize>) {
    let (children, resolvers) = plans
        .iter()
        .enumerate()
        .map(|(n, (kind, good, _))| match kind {
            Kind::Ready => (Deferred::from_outcome(outcome(n, *good)), None),
            Kind::Fires => {
                let (resolver, d) = Deferred::new();
                (d, Some(resolver))
            }
            Kind::Lingers => {
                let (resolver, d) = Deferred::with_canceller(|c| c.later());
                (d, Some(resolver))
            }
        })
        .unzip();
    let mut order: Vec<usize> = (0..plans.len()).filter(|n| plans[*n].0 != Kind::Ready).collect();
    order.sort_by_key(|n| plans[*n].2);
    (children, resolvers, order)
}

/// Fires all, in their order, and checks after each step that the join has fired if it should have.
///
/// `decided` says after how many have fired, in the order of `seen`, the join is decided.
/// Returns the outcome.
fn play<T: Send + 'static, E: std::fmt::Debug + Send + 'static>(
    plans: &[Plan],
    cancels: bool,
    join: impl FnOnce(Vec<Child>) -> Deferred<T, E>,
    decides: impl Fn(usize) -> bool,
) -> (Outcome<T, E>, Vec<usize>) {
    let (children, mut resolvers, order) = children(plans);
    let mut seen: Vec<usize> = (0..plans.len()).filter(|n| plans[*n].0 == Kind::Ready).collect();
    let mut joined = join(children);
    let mut decided = seen.iter().any(|n| decides(*n)) || order.is_empty();
    let ((wakes, waker), fired_at_once) = (CountWaker::new(), joined.is_fired());
    assert_eq!(fired_at_once, decided);
    let mut result = None;
    if !decided {
        assert!(poll_with(&mut joined, &waker).is_pending());
    }
    for (step, &n) in order.iter().enumerate() {
        assert_eq!(joined.is_fired() || result.is_some(), decided);
        let resolver = resolvers[n].take().unwrap();
        assert_eq!(resolver.is_cancelled(), decided && cancels, "{n} is a loser, or not");
        let lost = resolver.fire(outcome(n, plans[n].1)).is_err();
        assert_eq!(lost, decided && cancels && plans[n].0 == Kind::Fires);
        if !decided {
            seen.push(n);
            decided = decides(n) || step + 1 == order.len();
            if decided {
                result = joined.try_take();
                assert!(result.is_some());
            }
        }
        assert_eq!(wakes.count(), usize::from(decided && !fired_at_once));
    }
    (result.or_else(|| joined.try_take()).expect("all have fired"), seen)
}

/// A list has all outcomes.
#[track_caller]
pub(crate) fn list(plans: &[Plan]) {
    let (outcomes, _) = play(plans, false, |children| DeferredList::new(children).into_deferred(), |_| false);
    let expected: Vec<_> = plans.iter().enumerate().map(|(n, plan)| outcome(n, plan.1)).collect();
    assert_eq!(outcomes.unwrap(), expected);
}

/// A gather has all values or the first failure.
#[track_caller]
pub(crate) fn gather(plans: &[Plan], cancels: bool) {
    let options = if cancels { GatherOptions::new() } else { GatherOptions::new().keep_running() };
    let (played, reports) =
        catch_unhandled(|| play(plans, cancels, |children| options.gather_results(children), |n| !plans[n].1));
    let (outcome, seen) = played;
    let first = seen.iter().copied().find(|n| !plans[*n].1);
    match outcome {
        Ok(values) => {
            assert_eq!(first, None);
            assert!(values.into_iter().eq(0..plans.len()));
        }
        Err(failure) => assert_eq!(failure.into_error().map(|error| error.index), Ok(first.unwrap())),
    }
    // All later failures but those of children that ended because they were cancelled.
    let later = |n: &usize| {
        let cancelled = cancels && plans[*n].0 == Kind::Fires && !seen.contains(n);
        Some(*n) != first && !plans[*n].1 && !cancelled
    };
    assert_eq!(reports.len(), (0..plans.len()).filter(later).count());
}

/// A race has the first success or all failures.
#[track_caller]
pub(crate) fn run_race(plans: &[Plan]) {
    let (played, reports) = catch_unhandled(|| play(plans, true, race, |n| plans[n].1));
    let (outcome, seen) = played;
    let first = seen.iter().copied().find(|n| plans[*n].1);
    match outcome {
        Ok(winner) => assert_eq!(Some(winner), first.map(|n| (n, n))),
        Err(failure) => {
            assert_eq!(first, None);
            let FailureKind::Error(group) = failure.into_kind() else { panic!("a race fails by its children") };
            let errors: Vec<usize> = group.failures.into_iter().map(|one| one.into_error().unwrap()).collect();
            assert!(errors.into_iter().eq(0..plans.len()));
        }
    }
    assert!(reports.is_empty());
}

/// The first to fire is the first.
#[track_caller]
pub(crate) fn first(plans: &[Plan]) {
    let (outcome, seen) = play(plans, true, first_fired, |_| true);
    let first = seen[0];
    let (n, its) = outcome.unwrap();
    assert_eq!((n, its.is_ok()), (first, plans[first].1));
}

/// A stream gives each once in the order of firing.
#[track_caller]
pub(crate) fn stream(plans: &[(Plan, usize)]) {
    let (plans, polls): (Vec<Plan>, Vec<usize>) = plans.iter().copied().unzip();
    let (children, mut resolvers, order) = children(&plans);
    let mut expected: Vec<usize> = (0..plans.len()).filter(|n| plans[*n].0 == Kind::Ready).collect();
    let mut stream = as_completed(children);
    let mut got = Vec::new();
    let mut next = |got: &mut Vec<usize>, there: usize| match std::pin::Pin::new(&mut stream)
        .poll_next(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(Some((n, its))) => {
            assert_eq!(its, outcome(n, plans[n].1));
            got.push(n);
        }
        Poll::Ready(None) => assert_eq!(got.len(), plans.len()),
        Poll::Pending => assert_eq!(got.len(), there, "nobody sleeps beside an outcome"),
    };
    for n in order {
        (0..polls[n]).for_each(|_| next(&mut got, expected.len()));
        resolvers[n].take().unwrap().fire(outcome(n, plans[n].1)).unwrap();
        expected.push(n);
    }
    (0..=plans.len()).for_each(|_| next(&mut got, expected.len()));
    assert_eq!(got, expected);
}

/// Parallel runs so many and gives all.
#[track_caller]
pub(crate) fn run_parallel(limit: usize, plans: &[Plan]) {
    let started = Arc::new(std::sync::Mutex::new(Vec::<(usize, Resolver<usize, usize>)>::new()));
    let (starter, planned, asked) = (started.clone(), plans.to_vec(), Arc::new(AtomicUsize::new(0)));
    let count = asked.clone();
    let mut d = parallel(limit, 0..plans.len(), move |n| {
        count.fetch_add(1, Ordering::Relaxed);
        if planned[n].0 == Kind::Ready {
            return Deferred::from_outcome(outcome(n, planned[n].1));
        }
        let (resolver, work) = Deferred::new();
        starter.lock().unwrap().push((n, resolver));
        work
    });
    loop {
        let running = started.lock().unwrap().len();
        let left = plans.len() - asked.load(Ordering::Relaxed);
        assert!(running <= limit);
        assert!(running == limit || left == 0, "there is a place, and something to start");
        assert_eq!(d.is_fired(), running == 0);
        if running == 0 {
            break;
        }
        let (n, resolver) = {
            let mut started = started.lock().unwrap();
            let at = started.iter().enumerate().min_by_key(|(_, (n, _))| plans[*n].2).unwrap().0;
            started.swap_remove(at)
        };
        resolver.fire(outcome(n, plans[n].1)).unwrap();
    }
    let expected: Vec<_> = plans.iter().enumerate().map(|(n, plan)| outcome(n, plan.1)).collect();
    assert_eq!(d.try_take(), Some(Ok(expected)));
}
