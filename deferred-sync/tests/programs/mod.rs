//! Programs on a semaphore and on a lock, beside plain ones.

mod lock;
mod semaphore;

pub(crate) use self::lock::run as run_lock;
pub(crate) use self::semaphore::{Step, run as run_semaphore};
