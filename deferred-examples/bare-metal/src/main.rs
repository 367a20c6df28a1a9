//! Every primitive of the deferred crates, without an operating system.
//!
//! The main loop waits, a timer's interrupt lets it go on.
//! Prints each check and ends with exit code 0, or with another one when a check fails.

#![no_std]
#![no_main]

extern crate alloc;

mod checks;
mod stress;

use cortex_m_semihosting::hprintln;
use deferred_bare_metal::board;
use deferred_bare_metal::executor::wait_for_jobs;

#[cortex_m_rt::entry]
fn main() -> ! {
    board::run(|| {
        let all = [checks::core::CHECKS, checks::list::CHECKS, checks::queue::CHECKS, checks::sync::CHECKS];
        let all = all.into_iter().flatten();
        // Lists that are kept for the next time grow in the first round.
        for (_, check) in all.clone() {
            check();
            wait_for_jobs();
        }
        stress::stress(1_000);
        let heap = board::heap_used();
        let mut passed = 0;
        for (name, check) in all {
            check();
            wait_for_jobs();
            assert_eq!(board::heap_used(), heap, "{name}: the heap is not what it was");
            hprintln!("ok {name}");
            passed += 1;
        }
        let (operations, interrupts) = stress::stress(1_000_000);
        hprintln!("{operations} operations of the main loop, interrupted by {interrupts} of the timer");
        hprintln!("heap: {heap} bytes before, {} bytes after", board::heap_used());
        let (used, size) = board::stack_used();
        hprintln!("stack: {used} bytes of {size} at most");
        assert_eq!(board::heap_used(), heap);
        assert!(used < size, "the stack has run over");
        hprintln!("all {passed} checks passed");
    })
}
