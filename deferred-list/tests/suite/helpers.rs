//! What tests of joins say often.

#![allow(dead_code)]

use deferred_core::{Deferred, Outcome, Resolver};

pub(crate) type Fail = &'static str;
pub(crate) type Ends<T> = (Vec<Option<Resolver<T, Fail>>>, Vec<Deferred<T, Fail>>);

/// So many pending Deferreds, and what fires them.
pub(crate) fn pending<T>(n: usize) -> Ends<T> {
    (0..n).map(|_| Deferred::new()).map(|(resolver, d)| (Some(resolver), d)).unzip()
}

pub(crate) fn fire<T: std::fmt::Debug>(resolver: &mut Option<Resolver<T, Fail>>, outcome: Outcome<T, Fail>) {
    resolver.take().unwrap().fire(outcome).unwrap();
}
