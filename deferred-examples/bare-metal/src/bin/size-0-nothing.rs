//! For its size: the board and the executor, without the deferred crates.

#![no_std]
#![no_main]

use deferred_bare_metal::{board, sizes};

#[cortex_m_rt::entry]
fn main() -> ! {
    board::run(|| {
        sizes::nothing();
    })
}
