//! Which thread runs where.

use std::mem::{MaybeUninit, size_of};

/// The cores that a thread may run on.
#[derive(Clone, Copy)]
pub struct Cores(libc::cpu_set_t);

impl Cores {
    /// Those that this thread may run on now.
    pub fn of_this_thread() -> Self {
        let mut set = MaybeUninit::zeroed();
        // SAFETY: the room is as large as is said, and no bits at all are a set.
        let answer = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), set.as_mut_ptr()) };
        assert_eq!(answer, 0, "sched_getaffinity failed");
        // SAFETY: as above.
        Self(unsafe { set.assume_init() })
    }

    /// Keeps this thread on one of them, the `n`th, where there are so many.
    pub fn pin(&self, n: usize) {
        // SAFETY: the number of a core in a set is below the size of the set.
        let mut cores = (0..libc::CPU_SETSIZE as usize).filter(|&core| unsafe { libc::CPU_ISSET(core, &self.0) });
        let Some(core) = cores.nth(n) else { return };
        // SAFETY: no bits at all are a set, and the number is that of a core in one.
        let one = unsafe {
            let mut one = MaybeUninit::zeroed().assume_init();
            libc::CPU_SET(core, &mut one);
            one
        };
        Self(one).unpin();
    }

    /// Lets this thread run on all of them.
    pub fn unpin(&self) {
        // SAFETY: the set is as large as is said.
        let answer = unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &self.0) };
        assert_eq!(answer, 0, "sched_setaffinity failed");
    }
}
