//! One result for several consumers.

use alloc::vec::Vec;
use core::fmt::{self, Debug};
use core::panic::Location;

use crate::deferred::Deferred;
use crate::ending::{Reports, dispose};
use crate::failure::{Failure, FailureKind, Outcome};
use crate::postpone::drop_value;
use crate::report::report;
use crate::sync::{Arc, AtomicUsize, Lock, Ordering};
use crate::unwind::catch;
use crate::wait_queue::{Grants, Primitive, WaitQueue};

/// Gives the result of one [`Deferred`] to several; see [`Deferred::shared`].
///
/// It is a handle: clones share one result.
///
/// # Examples
///
/// ```
/// use deferred_core::Deferred;
///
/// let (resolver, d) = Deferred::<String>::new();
/// let shared = d.shared();
/// let (mut first, mut second) = (shared.subscribe(), shared.subscribe());
/// resolver.callback("news".to_string()).unwrap();
/// assert_eq!(first.try_take(), Some(Ok("news".to_string())));
/// assert_eq!(second.try_take(), Some(Ok("news".to_string())));
/// assert!(shared.subscribe().is_fired(), "later ones have it at once");
/// ```
pub struct Shared<T, E: Debug>
where
    T: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    subscribers: Subscribers<T, E>,
    source: Arc<Source<T, E>>,
}

type Subscribers<T, E> = WaitQueue<T, E, State<T, E>>;

/// What the lock of the queue protects.
struct State<T, E> {
    /// The result, once it is there.
    outcome: Option<Arc<Outcome<T, E>>>,
    /// Set when nobody is left who could be given it.
    gone: bool,
}

/// What subscribers hold on to. When the last one goes, the source is cancelled.
struct Source<T, E: Debug>
where
    T: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// The end of the source's chain, to be dropped with this.
    deferred: Lock<Option<Deferred<()>>>,
    subscribers: Subscribers<T, E>,
    /// 1 when somebody has been given the result.
    seen: AtomicUsize,
    created: &'static Location<'static>,
}

impl<T, E> Primitive<T, E> for State<T, E>
where
    T: Clone + Send + Sync + 'static,
    E: Debug + Clone + Send + Sync + 'static,
{
    /// A subscriber keeps the source alive while it waits.
    type Request = Arc<Source<T, E>>;
    type Guarded = ();
}

impl<T, E> Deferred<T, E>
where
    T: Clone + Send + Sync + 'static,
    E: Debug + Clone + Send + Sync + 'static,
{
    /// Makes the result available to several consumers.
    ///
    /// Each gets a clone of it, in the order of subscription, and can be cancelled alone.
    /// When the last handle and the last subscriber have gone, this Deferred is cancelled.
    /// A failure that nobody was given is reported as unhandled then.
    ///
    /// # Panics
    ///
    /// When the result was taken before.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let (resolver, d) = Deferred::<u8>::new();
    /// let shared = d.shared();
    /// let (first, second) = (shared.subscribe(), shared.subscribe());
    /// drop((shared, first));
    /// assert!(!resolver.is_cancelled());
    /// drop(second);
    /// assert!(resolver.is_cancelled());
    /// ```
    #[track_caller]
    pub fn shared(self) -> Shared<T, E> {
        let created = Location::caller();
        let subscribers = WaitQueue::new(State { outcome: None, gone: false });
        let source = Arc::new(Source {
            deferred: Lock::new(None),
            subscribers: subscribers.clone(),
            seen: AtomicUsize::new(0),
            created,
        });
        let publishing = subscribers.clone();
        // Whatever comes of it is told to the subscribers, so the end of the chain has no failure of its own.
        let deferred = self.then(move |outcome, _| {
            publish(&publishing, outcome, created);
            Deferred::succeed(())
        });
        *source.deferred.lock() = Some(deferred);
        Shared { subscribers, source }
    }
}

/// Stores the result and gives it to those who wait.
fn publish<T, E>(subscribers: &Subscribers<T, E>, outcome: Outcome<T, E>, created: &'static Location<'static>)
where
    T: Clone + Send + Sync + 'static,
    E: Debug + Clone + Send + Sync + 'static,
{
    let mut locked = subscribers.lock();
    if locked.gone {
        drop(locked);
        // That it was cancelled then is not news.
        return dispose(outcome, created, Reports::Errors);
    }
    let outcome = Arc::new(outcome);
    locked.outcome = Some(outcome.clone());
    let mut turns = Vec::with_capacity(locked.len());
    while let Some(turn) = locked.pop() {
        turns.push(turn);
    }
    drop(locked);
    // All are in line before the first callback, which may wait for what another one gets.
    let (mut grants, mut sources) = (Grants::new(), Vec::with_capacity(turns.len()));
    for (turn, source) in turns {
        source.seen.store(1, Ordering::Relaxed);
        grants.push(turn, copy(&outcome));
        sources.push(source);
    }
    grants.deliver();
}

/// Clones an outcome; a panic in that becomes a failure.
fn copy<T: Clone, E: Clone>(outcome: &Outcome<T, E>) -> Outcome<T, E> {
    catch(|| outcome.clone()).unwrap_or_else(|panic| Err(Failure::new(FailureKind::Panicked(panic))))
}

impl<T, E> Shared<T, E>
where
    T: Clone + Send + Sync + 'static,
    E: Debug + Clone + Send + Sync + 'static,
{
    /// Returns a Deferred that fires with a clone of the result, at once if it is there.
    ///
    /// # Panics
    ///
    /// Where nobody waits yet, with too many handles, see [`WaitQueue::clone`](crate::WaitQueue).
    ///
    /// # Cancel safety
    ///
    /// Dropping or cancelling it concerns nobody else, unless it is the last.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let shared = Deferred::<u8>::succeed(1).shared();
    /// assert_eq!(shared.subscribe().wait(), Ok(1));
    /// assert_eq!(shared.subscribe().wait(), Ok(1));
    /// ```
    #[track_caller]
    pub fn subscribe(&self) -> Deferred<T, E> {
        let mut locked = self.subscribers.lock();
        let Some(outcome) = locked.outcome.clone() else {
            return locked.push(self.source.clone());
        };
        drop(locked);
        self.source.seen.store(1, Ordering::Relaxed);
        Deferred::from_outcome(copy(&outcome))
    }
}

impl<T, E: Debug> Clone for Shared<T, E>
where
    T: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Makes another handle of the same result.
    ///
    /// # Panics
    ///
    /// With 2³⁰ − 1 handles on 64-bit targets, 2¹⁴ − 1 on 32-bit ones.
    fn clone(&self) -> Self {
        Self { subscribers: self.subscribers.clone(), source: self.source.clone() }
    }
}

impl<T, E: Debug> Drop for Source<T, E>
where
    T: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    fn drop(&mut self) {
        let deferred = self.deferred.lock().take();
        let mut locked = self.subscribers.lock();
        locked.gone = true;
        let settled = locked.outcome.clone();
        drop(locked);
        drop_value(deferred);
        if let Some(Err(failure)) = settled.as_deref() {
            if self.seen.load(Ordering::Relaxed) == 0 {
                report(failure, self.created);
            }
        }
        drop_value(settled);
    }
}

/// Shows whether the result is there and how many wait.
impl<T, E: Debug> Debug for Shared<T, E>
where
    T: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Shared");
        let seen = self.subscribers.try_lock().map(|locked| (locked.outcome.is_some(), locked.len()));
        let Some((fired, waiting)) = seen else { return f.finish_non_exhaustive() };
        f.field("fired", &fired).field("waiting", &waiting).finish()
    }
}
