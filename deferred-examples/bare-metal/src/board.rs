//! The board: a heap, a timer that interrupts, and a way out by semihosting.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use core::cell::RefCell;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use cortex_m::Peripherals;
use cortex_m::peripheral::SCB;
use cortex_m::peripheral::scb::VectActive;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::{ExceptionFrame, exception};
use cortex_m_semihosting::debug::{EXIT_FAILURE, EXIT_SUCCESS, exit};
use cortex_m_semihosting::hprintln;
use critical_section::Mutex;
use embedded_alloc::LlffHeap;

/// Bytes of the RAM that are the heap's; the stack has what is left of 64 KiB.
const HEAP_SIZE: usize = 24 * 1024;

#[global_allocator]
static HEAP: LlffHeap = LlffHeap::empty();

/// What the next interrupts are to do, one job each.
static JOBS: Mutex<RefCell<VecDeque<Job>>> = Mutex::new(RefCell::new(VecDeque::new()));

type Job = Box<dyn FnOnce() + Send>;

/// How many jobs the interrupt has done.
static DONE: AtomicUsize = AtomicUsize::new(0);

/// Starts the board, calls `program`, and ends with exit code 0.
pub fn run(program: impl FnOnce()) -> ! {
    // SAFETY: called once, before the first allocation, as a program's entry calls this and nothing else.
    unsafe {
        embedded_alloc::init!(HEAP, HEAP_SIZE);
    };
    let timer = &mut Peripherals::take().expect("nobody else takes them").SYST;
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(TICK);
    timer.clear_current();
    timer.enable_counter();
    timer.enable_interrupt();
    program();
    exit(EXIT_SUCCESS);
    unreachable!("semihosting ends the program")
}

/// Calls `job` in an interrupt, after those that were handed in before.
pub fn in_interrupt(job: impl FnOnce() + Send + 'static) {
    let job = Box::new(job);
    critical_section::with(|cs| JOBS.borrow_ref_mut(cs).push_back(job));
}

/// Tells whether this is an interrupt rather than the main loop.
pub fn is_interrupt() -> bool {
    !matches!(SCB::vect_active(), VectActive::ThreadMode)
}

/// Tells how many jobs the interrupt has done, and how many are left.
pub fn jobs() -> (usize, usize) {
    critical_section::with(|cs| (DONE.load(Ordering::Relaxed), JOBS.borrow_ref(cs).len()))
}

/// The timer's mean period, in cycles.
const TICK: u32 = 10_000;

#[exception]
fn SysTick() {
    // Periods differ, so that the main loop is interrupted everywhere.
    static SEED: AtomicU32 = AtomicU32::new(1);
    let seed = SEED.load(Ordering::Relaxed).wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    SEED.store(seed, Ordering::Relaxed);
    // SAFETY: `run` has set the timer up and does not use it any more.
    unsafe { Peripherals::steal() }.SYST.set_reload(TICK / 2 + seed % TICK);
    let job = critical_section::with(|cs| JOBS.borrow_ref_mut(cs).pop_front());
    if let Some(job) = job {
        job();
        DONE.fetch_add(1, Ordering::Relaxed);
    }
}

/// Tells how many bytes of the heap are in use.
pub fn heap_used() -> usize {
    HEAP.used()
}

/// Tells how many bytes of the stack have ever been in use, and how many there are.
pub fn stack_used() -> (usize, usize) {
    unsafe extern "C" {
        /// The stack's lowest word; the linker's script names it.
        static _stack_end: u32;
        /// Just past its highest word, where it begins.
        static _stack_start: u32;
    }
    let (low, high) = (&raw const _stack_end, &raw const _stack_start);
    let mut next = low;
    // SAFETY: the words between the two are the stack's; it grows down, and this function's own frame ends the search.
    while next < high && unsafe { next.read_volatile() } == cortex_m_rt::STACK_PAINT_VALUE {
        next = next.wrapping_add(1);
    }
    (high.addr() - next.addr(), high.addr() - low.addr())
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    hprintln!("FAILED: {}", info);
    fail()
}

/// Where a stack that has run over, or a wild pointer, ends.
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    hprintln!("FAILED: fault at {:#x}", frame.pc());
    fail()
}

fn fail() -> ! {
    exit(EXIT_FAILURE);
    // A debugger may well go on.
    loop {
        cortex_m::asm::bkpt();
    }
}
