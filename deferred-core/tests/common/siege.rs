//! A siege: foreign code of every kind, at every place where some is called, at every way to an end.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use deferred_core::{Deferred, Outcome};

use super::{HookWaker, OnDrop, Waiting, hostile, poll_with, reports};

/// What rides in a value, and does its deed when that is dropped.
pub(crate) type Guest = Option<OnDrop>;

/// What hands out Deferreds that wait.
pub(crate) trait Besieged: Clone + Send + Sync + 'static {
    type Value: Send + 'static;
    type Error: Debug + Send + 'static;

    /// One at which whoever comes has to wait.
    fn new() -> Self;
    /// Comes to wait.
    fn wait(&self) -> Deferred<Self::Value, Self::Error>;
    /// Lets the one who has waited longest go on, with the guest in the value if one fits in.
    fn fire(&self, guest: Guest);
    /// Calls every method, in a way that leaves things as they were.
    fn use_every_method(&self);
    /// Asserts that nobody waits and nothing is missing.
    fn at_rest(&self);
}

/// Where foreign code is called.
#[derive(Clone, Copy, Debug)]
enum Place {
    Callback,
    Errback,
    Both,
    /// What a function holds that is called, or is not.
    DropOfFunction,
    DropOfValue,
    Wake,
    CloneOfWaker,
    DropOfWaker,
}

/// What foreign code does.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Panics,
    /// Calls every method of what called it.
    CallsBack,
}

/// What becomes of the Deferred with the foreign code.
#[derive(Clone, Copy, Debug)]
enum End {
    Fires,
    IsCancelled,
    IsDropped,
}

/// Tries each deed at each place, for each end.
///
/// Whoever waits behind must be served and woken once; nothing may be lost; no byte may be leaked; nothing may hang.
pub(crate) fn besiege<B: Besieged>() {
    use {Deed::*, End::*, Place::*};
    for place in [Callback, Errback, Both, DropOfFunction, DropOfValue, Wake, CloneOfWaker, DropOfWaker] {
        for deed in [Panics, CallsBack] {
            let deeds = Arc::new(AtomicUsize::new(0));
            for end in [Fires, IsCancelled, IsDropped] {
                let done = deeds.clone();
                println!("{place:?} {deed:?} {end:?}");
                hostile(move || {
                    let (attack, _) = reports(|| attack::<B>(place, deed, end));
                    done.fetch_add(attack, Ordering::Relaxed);
                });
            }
            assert!(deeds.load(Ordering::Relaxed) > 0, "{place:?} {deed:?}: nothing was called");
        }
    }
}

/// Returns how often foreign code was called.
fn attack<B: Besieged>(place: Place, deed: Deed, end: End) -> usize {
    let target = B::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let foreign = || {
        let (target, calls) = (target.clone(), calls.clone());
        move || {
            // What calls back may be called by that again.
            if calls.fetch_add(1, Ordering::Relaxed) < 3 {
                match deed {
                    Deed::Panics => resume_unwind(Box::new("planned")),
                    Deed::CallsBack => target.use_every_method(),
                }
            }
        }
    };
    let act = foreign();
    let first = target.wait();
    let mut first = Some(match place {
        Place::Callback => first.add_callback(move |value| {
            act();
            drop(value);
            Ok(())
        }),
        Place::Errback => first.add_callback(take).add_errback(move |failure| {
            act();
            Err(failure)
        }),
        Place::Both => first.add_both(move |outcome| {
            act();
            outcome.map(drop)
        }),
        Place::DropOfFunction => {
            let (one, other) = (OnDrop::new(act), OnDrop::new(foreign()));
            let called = first.add_callback(move |value| {
                let _owned = &one;
                take(value)
            });
            called.add_errback(move |failure| {
                // rustc leaks what a function returns when a drop at its end panics, so it returns nothing to leak.
                let _owned = &other;
                drop(failure);
                Ok(())
            })
        }
        _ => first.add_callback(take),
    });
    let waker = |place| match place {
        Place::Wake => Some(HookWaker::new().on_wake(foreign()).waker()),
        Place::CloneOfWaker => Some(HookWaker::new().on_clone(foreign()).waker()),
        Place::DropOfWaker => Some(HookWaker::new().on_drop(foreign()).waker()),
        _ => None,
    };
    // The second takes the place of the first.
    for waker in [waker(place), waker(place)].into_iter().flatten() {
        contained(|| assert!(first.as_mut().is_none_or(|first| poll_with(first, &waker).is_pending())));
    }
    let mut second = Waiting::new(target.wait(), true);
    match end {
        End::Fires => {
            let guest = matches!(place, Place::DropOfValue).then(|| OnDrop::new(foreign()));
            contained(|| target.fire(guest));
        }
        End::IsCancelled => contained(|| first.as_mut().unwrap().handle().cancel()),
        End::IsDropped => contained(|| drop(first.take())),
    }
    for _ in 0..3 {
        if !second.deferred.is_fired() {
            target.fire(None);
        }
    }
    second.check(true);
    contained(|| drop(first));
    drop(second.deferred.try_take());
    target.at_rest();
    calls.load(Ordering::Relaxed)
}

fn take<V, E: Debug>(value: V) -> Outcome<(), E> {
    drop(value);
    Ok(())
}

/// Passes by a panic that was planned.
fn contained(f: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(f)) {
        if panic.downcast_ref::<&str>().is_none_or(|message| *message != "planned") {
            resume_unwind(panic);
        }
    }
}
