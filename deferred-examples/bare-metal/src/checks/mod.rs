//! One function for each primitive: it waits, an interrupt lets it go on, and what comes of it is right.

pub mod core;
pub mod list;
pub mod queue;
pub mod sync;

/// What is printed for a check, and the check.
pub type Check = (&'static str, fn());
