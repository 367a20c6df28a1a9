//! What the programs of this package share: the board, an executor, and what they are measured by.
//!
//! `src/main.rs` checks every primitive of the family, `src/bin/` has small programs whose sizes can be compared.

#![no_std]

extern crate alloc;

pub mod board;
pub mod executor;
pub mod sizes;
