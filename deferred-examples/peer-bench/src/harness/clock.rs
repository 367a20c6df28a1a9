//! The two clocks.

use std::time::Duration;

/// Which time a case is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// What this thread used of a core: other processes do not show. For work on one thread.
    Thread,
    /// The time that passed: for work on two threads, which wait for each other.
    Wall,
}

impl Clock {
    pub(super) fn now(self) -> Duration {
        let id = match self {
            Self::Thread => libc::CLOCK_THREAD_CPUTIME_ID,
            Self::Wall => libc::CLOCK_MONOTONIC,
        };
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is a valid place for the answer, and both clocks exist on every Linux.
        let answer = unsafe { libc::clock_gettime(id, &mut time) };
        assert_eq!(answer, 0, "clock_gettime failed");
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    }
}
