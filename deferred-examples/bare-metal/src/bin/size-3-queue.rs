//! For its size: deferred-queue too.

#![no_std]
#![no_main]

use deferred_bare_metal::{board, sizes};

#[cortex_m_rt::entry]
fn main() -> ! {
    board::run(|| {
        sizes::nothing();
        sizes::core();
        sizes::list();
        sizes::queue();
    })
}
