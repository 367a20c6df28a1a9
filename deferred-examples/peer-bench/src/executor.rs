//! One minimal single-thread executor, the same for every contender.
//!
//! A task's waker is an `Arc`, as in any executor, so cloning and dropping one is a locked operation each.
//! Waking pushes the task's number onto a queue of this thread: no lock, no system call.
//! Only the two-thread cases use [`block_on_parked`], whose waker unparks a thread.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

thread_local! {
    /// The tasks that have been woken and not yet polled, in the order of their wakes.
    static READY: RefCell<VecDeque<usize>> = RefCell::new(VecDeque::with_capacity(64));
}

/// A future that an executor can hold without knowing its type.
pub type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Runs one future to its end on this thread.
///
/// # Panics
///
/// If the future is pending and nobody has woken it: it would never end.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let task = TaskWaker::new(0);
    let waker = Waker::from(task.clone());
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => {
                task.forget();
                return output;
            }
            Poll::Pending => assert_eq!(next(), Some(0), "the future is pending and nobody will wake it"),
        }
        task.queued.store(false, Ordering::Relaxed);
    }
}

/// Runs all tasks to their ends on this thread, in the order in which they are woken.
///
/// # Panics
///
/// If tasks are pending and nobody has woken any of them.
pub fn run<'a>(tasks: impl IntoIterator<Item = Task<'a>>) {
    let mut tasks: Vec<_> = (tasks.into_iter().enumerate())
        .map(|(id, task)| {
            let waker = TaskWaker::new(id);
            waker.wake_by_ref();
            (Some(task), Waker::from(waker.clone()), waker)
        })
        .collect();
    let mut left = tasks.len();
    while left > 0 {
        let id = next().expect("tasks are pending and nobody will wake them");
        let (task, waker, state) = &mut tasks[id];
        state.queued.store(false, Ordering::Relaxed);
        let Some(future) = task else { continue };
        if future.as_mut().poll(&mut Context::from_waker(waker)).is_ready() {
            *task = None;
            left -= 1;
        }
    }
    READY.with_borrow_mut(VecDeque::clear);
}

/// Gives `f` the context of a task, for cases that poll by hand.
pub fn with_context<R>(f: impl FnOnce(&mut Context<'_>) -> R) -> R {
    let task = TaskWaker::new(0);
    let waker = Waker::from(task.clone());
    let output = f(&mut Context::from_waker(&waker));
    task.forget();
    output
}

/// Runs one future to its end, parking this thread while it is pending: for the two-thread cases.
pub fn block_on_parked<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(ThreadWaker(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Lets every other ready task run once.
pub async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

/// Takes the oldest woken task.
fn next() -> Option<usize> {
    READY.with_borrow_mut(VecDeque::pop_front)
}

/// The waker of one task.
struct TaskWaker {
    /// The task's place in its executor.
    id: usize,
    /// Whether `id` is in `READY`; only the executor's own thread touches it.
    queued: AtomicBool,
}

impl TaskWaker {
    fn new(id: usize) -> Arc<Self> {
        Arc::new(Self { id, queued: AtomicBool::new(false) })
    }

    /// Takes a wake-up that nobody has answered out of the queue, so that the next executor does not see it.
    fn forget(&self) {
        if self.queued.load(Ordering::Relaxed) {
            READY.with_borrow_mut(|ready| ready.retain(|&id| id != self.id));
        }
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.load(Ordering::Relaxed) {
            self.queued.store(true, Ordering::Relaxed);
            READY.with_borrow_mut(|ready| ready.push_back(self.id));
        }
    }
}

/// The waker of a thread that is parked while its future is pending.
struct ThreadWaker(Thread);

impl Wake for ThreadWaker {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
