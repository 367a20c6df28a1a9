//! Starting work, so many at a time.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt::Debug;
use core::panic::Location;

use deferred_core::{
    Deferred, Failure, FailureKind, Handle, IntoDeferred, Outcome, Primitive, Resolver, WaitQueue, maybe_deferred,
};

/// Runs `start` for each item, at most `limit` of what it returns at a time, and gives all outcomes in the order of
/// the items.
///
/// Work is started lazily: `items` is asked for the next one when there is a place for it, and from then on whenever
/// one has ended, on the thread that ended it.
/// A panic in `start` is the failure of that item; one in `items` fails the whole when what runs has been cancelled
/// (with `std`).
///
/// # Errors
///
/// `Cancelled` when the result is cancelled; a failure of the work is in its outcome.
///
/// # Panics
///
/// When `limit` is 0. What runs holds handles, of which there are 2¹⁴ − 1 at most on 32-bit targets, see [`WaitQueue`].
///
/// # Complexity
///
/// An item that is ready at once takes constant time; one that is not takes some allocations, and a time logarithmic in
/// how many run.
///
/// # Cancel safety
///
/// Dropping or cancelling the result cancels what runs; nothing more is started.
///
/// # Examples
///
/// ```
/// use deferred_core::Deferred;
/// use deferred_list::parallel;
/// use std::sync::mpsc;
///
/// let (sender, started) = mpsc::channel();
/// let mut d = parallel(2, 1..=3, move |n| {
///     let (resolver, work) = Deferred::<u32>::new();
///     sender.send(resolver).unwrap();
///     work.add_callback(move |m| Ok(n * m))
/// });
/// let running: Vec<_> = started.try_iter().collect();
/// assert_eq!(running.len(), 2);
/// for resolver in running.into_iter().rev() {
///     resolver.callback(10).unwrap();
/// }
/// started.recv().unwrap().callback(10).unwrap();
/// assert_eq!(d.try_take(), Some(Ok(vec![Ok(10), Ok(20), Ok(30)])));
/// ```
#[track_caller]
pub fn parallel<I, F, R, E>(limit: usize, items: I, start: F) -> Deferred<Vec<Outcome<R::Value, E>>>
where
    I: IntoIterator,
    I::IntoIter: Send + 'static,
    F: FnMut(I::Item) -> R + Send + 'static,
    R: IntoDeferred<E>,
    R::Value: Send + 'static,
    E: Debug + Send + 'static,
{
    assert!(limit > 0, "`parallel` needs a limit of 1 at least");
    let state = State {
        source: Some(Source { items: items.into_iter(), start }),
        places: limit,
        active: 0,
        running: BTreeMap::new(),
        outcomes: Vec::new(),
        exhausted: false,
        failure: None,
        parent: None,
    };
    let work = Work { state: WaitQueue::new(state) };
    let (canceller, created) = (work.clone(), Location::caller());
    let (resolver, parent) = Deferred::with_canceller(move |c| {
        canceller.stop(Failure::with_origin(FailureKind::Cancelled, created));
        c.later()
    });
    work.state.lock().parent = Some(resolver);
    work.go_on();
    parent
}

/// Where work comes from.
struct Source<I, F> {
    items: I,
    start: F,
}

/// All that belongs to one call.
struct State<I, F, T, E: Debug> {
    /// Taken out by whoever starts work, so that no lock is held meanwhile; gone when there is no more.
    source: Option<Source<I, F>>,
    /// How many more may run.
    places: usize,
    /// How many run; they are entered in `running` a moment later.
    active: usize,
    /// Those that run, by their place.
    running: BTreeMap<usize, Handle>,
    /// One for each item that was started; `None` while it runs.
    outcomes: Vec<Option<Outcome<T, E>>>,
    /// Set when `source` will not come back.
    exhausted: bool,
    /// Why the whole has failed.
    failure: Option<Failure<Infallible>>,
    /// Taken by whoever fires it.
    parent: Option<Resolver<Vec<Outcome<T, E>>>>,
}

impl<I, F, T, E> Primitive<()> for State<I, F, T, E>
where
    I: Send + 'static,
    F: Send + 'static,
    T: Send + 'static,
    E: Debug + Send + 'static,
{
    type Request = ();
    type Guarded = ();
}

/// A handle of the state; nobody waits in its queue.
struct Work<I, F, T, E>
where
    I: Send + 'static,
    F: Send + 'static,
    T: Send + 'static,
    E: Debug + Send + 'static,
{
    state: WaitQueue<(), Infallible, State<I, F, T, E>>,
}

impl<I, F, T, E> Clone for Work<I, F, T, E>
where
    I: Send + 'static,
    F: Send + 'static,
    T: Send + 'static,
    E: Debug + Send + 'static,
{
    fn clone(&self) -> Self {
        Self { state: self.state.clone() }
    }
}

impl<I, F, R, E> Work<I, F, R::Value, E>
where
    I: Iterator + Send + 'static,
    F: FnMut(I::Item) -> R + Send + 'static,
    R: IntoDeferred<E>,
    R::Value: Send + 'static,
    E: Debug + Send + 'static,
{
    /// Starts work as long as there are places for it.
    fn go_on(&self) {
        // Dropped last, as it is the user's, and may panic.
        let mut spent = None;
        loop {
            let mut locked = self.state.lock();
            if locked.places == 0 || locked.failure.is_some() {
                break;
            }
            // Without a source somebody else is at it, or there is nothing left.
            let Some(mut source) = locked.source.take() else { break };
            drop(locked);
            let next = maybe_deferred::<_, Infallible>(|| Ok(source.items.next())).try_take();
            match next {
                Some(Ok(Some(item))) => {
                    if self.state.lock().failure.is_some() {
                        // It came after the end, and its drop may panic.
                        drop(maybe_deferred::<_, Infallible>(|| {
                            drop(item);
                            Ok(())
                        }));
                    } else {
                        let started = maybe_deferred(|| (source.start)(item));
                        self.run(started);
                    }
                    let mut locked = self.state.lock();
                    if locked.failure.is_some() {
                        locked.exhausted = true;
                        spent = Some(source);
                    } else {
                        locked.source = Some(source);
                    }
                }
                Some(Err(failure)) => {
                    spent = Some(source);
                    self.state.lock().exhausted = true;
                    self.stop(failure);
                }
                _ => {
                    spent = Some(source);
                    self.state.lock().exhausted = true;
                }
            }
        }
        self.end();
        drop(spent);
    }

    /// Takes on one that was started.
    fn run(&self, mut started: Deferred<R::Value, E>) {
        let done = started.try_take();
        let mut locked = self.state.lock();
        let index = locked.outcomes.len();
        if done.is_some() {
            locked.outcomes.push(done);
            return;
        }
        locked.outcomes.push(None);
        locked.places -= 1;
        locked.active += 1;
        drop(locked);
        let handle = started.handle();
        let mut locked = self.state.lock();
        locked.running.insert(index, handle.clone());
        let stopped = locked.failure.is_some();
        drop(locked);
        let work = self.clone();
        let done = started.add_both(move |outcome| {
            let mut locked = work.state.lock();
            locked.outcomes[index] = Some(outcome);
            locked.places += 1;
            locked.active -= 1;
            let handle = locked.running.remove(&index);
            drop(locked);
            drop(handle);
            work.go_on();
            Ok(())
        });
        done.detach();
        if stopped {
            handle.cancel();
        }
    }

    /// Starts nothing more and cancels what runs.
    fn stop(&self, failure: Failure<Infallible>) {
        let mut locked = self.state.lock();
        locked.failure.get_or_insert(failure);
        let source = locked.source.take();
        locked.exhausted |= source.is_some();
        let running: Vec<Handle> = locked.running.values().cloned().collect();
        drop(locked);
        for handle in running {
            handle.cancel();
        }
        self.end();
        // Last here too.
        drop(source);
    }

    /// Fires the parent when all has ended.
    fn end(&self) {
        let mut locked = self.state.lock();
        if !locked.exhausted || locked.active > 0 {
            return;
        }
        let Some(parent) = locked.parent.take() else { return };
        let outcomes = core::mem::take(&mut locked.outcomes);
        let failure = locked.failure.take();
        drop(locked);
        let unwanted = match failure {
            Some(failure) => parent.fire(Err(failure)),
            None => parent.fire(Ok(outcomes.into_iter().flatten().collect())),
        };
        // Nobody is left to tell.
        drop(unwanted);
    }
}
