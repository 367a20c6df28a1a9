//! The deferred crates beside their peers: time, allocations, instructions and behaviour.
//!
//! | to add | touch |
//! |---|---|
//! | a peer | one file in [`peers`], one row in the list of each group in [`cases`] that it can run |
//! | a case | one generic function and one row in its group's file in [`cases`] |
//! | a probe | one generic function and one row in [`probes`] |
//!
//! Every contender of a case runs the same generic code on the same [`executor`].

// The unboxed chain of a hundred links is one type.
#![recursion_limit = "512"]

pub mod executor;

pub mod harness;

pub mod options;

pub mod peers;

pub mod cases;

pub mod probes;

pub mod report;

mod pinned;
