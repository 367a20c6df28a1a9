//! What a person who debugs a join is shown, and how its errors read.

use std::error::Error;
use std::fmt;

use deferred_core::{Deferred, Failure, Resolver};
use deferred_list::{DeferredList, as_completed, first_fired, gather_results, race};
use futures_lite::{StreamExt, future};

#[derive(Clone, Copy, Debug, PartialEq)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is broken")
    }
}

impl Error for Broken {}

type Resolvers = [Resolver<u8, Broken>; 2];

/// Two pending Deferreds, and what fires them.
fn two() -> (Resolvers, [Deferred<u8, Broken>; 2]) {
    let ((first, a), (second, b)) = (Deferred::new(), Deferred::new());
    ([first, second], [a, b])
}

#[test]
fn a_list_shows_how_many_have_fired() {
    let ([first, _second], children) = two();
    let list = DeferredList::new(children);
    first.callback(1).unwrap();
    let shown = format!("{list:?}");
    assert!(shown.starts_with("DeferredList { progress: Progress { 1 of 2 }, deferred: Deferred { pending"), "{shown}");
}

#[test]
fn a_stream_shows_how_many_are_left() {
    let ([first, _second], children) = two();
    let mut stream = as_completed(children);
    first.callback(1).unwrap();
    assert_eq!(future::block_on(stream.next()), Some((0, Ok(1))));
    assert!(format!("{stream:?}").starts_with("AsCompleted { left: 1, children: "), "{stream:?}");
}

#[test]
fn the_first_failure_leads_to_its_cause() {
    let ([first, _second], children) = two();
    let mut gathered = gather_results(children);
    first.errback(Broken).unwrap();
    let error = gathered.try_take().unwrap().unwrap_err().into_error().unwrap();
    assert_eq!(error.to_string(), "number 0 failed: it is broken");
    assert!(error.source().unwrap().is::<Failure<Broken>>());
}

#[test]
fn a_race_that_nobody_wins_leads_to_the_first_failure() {
    let lost = |children: Vec<Deferred<u8, Broken>>| race(children).wait().unwrap_err().into_error().unwrap();
    let both = lost(vec![Deferred::fail(Broken), Deferred::fail(Broken)]);
    assert_eq!(both.to_string(), "all 2 failed, the first with: it is broken");
    assert!(both.source().unwrap().is::<Failure<Broken>>());
    assert_eq!(lost(vec![Deferred::fail(Broken)]).to_string(), "the only one failed: it is broken");
    let none = lost(Vec::new());
    assert_eq!((none.to_string(), none.source().is_none()), ("there was nothing to race".to_owned(), true));
    let nothing = first_fired(Vec::<Deferred<u8, Broken>>::new()).wait().unwrap_err().into_error().unwrap();
    assert_eq!(nothing.to_string(), "there was nothing that could fire first");
}
