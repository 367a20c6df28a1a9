//! Outcomes in the order in which they come.

use alloc::collections::VecDeque;
use core::convert::Infallible;
use core::fmt::{self, Debug};
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use deferred_core::{Deferred, Fired, Joiner, Outcome, Outcomes, Primitive, Progress, Stream, WaitQueue, join};

/// Gives the outcomes of many Deferreds with their places, in the order in which they fire, as a stream.
///
/// # Cancel safety
///
/// Dropping the stream cancels every Deferred in it that is pending, and drops the outcomes that were not read.
///
/// # Examples
///
/// ```
/// use deferred_core::Deferred;
/// use deferred_list::as_completed;
/// use futures_lite::StreamExt;
///
/// # futures_lite::future::block_on(async {
/// let (late, first) = Deferred::<&str>::new();
/// let mut stream = as_completed([first, Deferred::succeed("early")]);
/// assert_eq!(stream.next().await, Some((1, Ok("early"))));
/// late.callback("late").unwrap();
/// assert_eq!(stream.next().await, Some((0, Ok("late"))));
/// assert_eq!(stream.next().await, None);
/// # });
/// ```
#[track_caller]
pub fn as_completed<T, E>(deferreds: impl IntoIterator<Item = Deferred<T, E>>) -> AsCompleted<T, E>
where
    T: Send + 'static,
    E: Debug + Send + 'static,
{
    let ready = WaitQueue::new(Ready { outcomes: VecDeque::new() });
    let (children, progress) = join(deferreds, Collect { ready: ready.clone() });
    let left = progress.get().1;
    AsCompleted { ready, next: None, left, children, progress }
}

/// The outcomes of many Deferreds, as they come; see [`as_completed`].
///
/// # Examples
///
/// ```
/// use deferred_core::Deferred;
/// use deferred_list::{AsCompleted, as_completed};
///
/// let (resolver, pending) = Deferred::<u8>::new();
/// let stream: AsCompleted<u8> = as_completed([pending]);
/// drop(stream);
/// assert!(resolver.is_cancelled());
/// ```
#[must_use = "dropping it cancels what is in it"]
pub struct AsCompleted<T: Send + 'static, E: Debug + Send + 'static = Infallible> {
    ready: Queue<T, E>,
    /// Set while the stream waits.
    next: Option<Deferred<Item<T, E>>>,
    /// How many outcomes are still to be given out.
    left: usize,
    /// All the children: dropping it cancels them.
    children: Deferred<()>,
    progress: Progress,
}

type Item<T, E> = (usize, Outcome<T, E>);
type Queue<T, E> = WaitQueue<Item<T, E>, Infallible, Ready<T, E>>;

/// What has fired and was not given out yet.
struct Ready<T, E> {
    outcomes: VecDeque<Item<T, E>>,
}

impl<T: Send + 'static, E: Debug + Send + 'static> Primitive<Item<T, E>> for Ready<T, E> {
    type Request = ();
    type Guarded = ();
}

/// Puts what fires into the queue.
struct Collect<T: Send + 'static, E: Debug + Send + 'static> {
    ready: Queue<T, E>,
}

impl<T: Send + 'static, E: Debug + Send + 'static> Joiner<T, E> for Collect<T, E> {
    type Output = ();
    type Error = Infallible;

    const REPORTS_LATE: bool = false;

    fn fired(&self, child: Fired<'_, T, E>) -> Option<Outcome<(), Infallible>> {
        let item = (child.index(), child.take());
        let mut locked = self.ready.lock();
        if let Some((turn, ())) = locked.pop() {
            drop(locked);
            turn.grant(Ok(item));
        } else {
            locked.outcomes.push_back(item);
        }
        None
    }

    fn all_fired(&self, _: Outcomes<'_, T, E>) -> Outcome<(), Infallible> {
        Ok(())
    }
}

impl<T: Send + 'static, E: Debug + Send + 'static> AsCompleted<T, E> {
    /// Returns a handle that tells how many have fired, read or not.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    /// use deferred_list::as_completed;
    ///
    /// assert_eq!(as_completed([Deferred::<u8>::succeed(1)]).progress().get(), (1, 1));
    /// ```
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }
}

impl<T: Send + 'static, E: Debug + Send + 'static> Stream for AsCompleted<T, E> {
    type Item = Item<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item<T, E>>> {
        let this = &mut *self;
        if this.left == 0 {
            return Poll::Ready(None);
        }
        let next = this.next.get_or_insert_with(|| {
            let mut locked = this.ready.lock();
            match locked.outcomes.pop_front() {
                Some(item) => Deferred::succeed(item),
                None => locked.push(()),
            }
        });
        let Poll::Ready(outcome) = Pin::new(next).poll(cx) else { return Poll::Pending };
        this.next = None;
        this.left -= 1;
        // The queue is neither closed nor cancelled while this stream has a handle of it.
        Poll::Ready(outcome.ok())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// Shows how many are left.
impl<T: Send + 'static, E: Debug + Send + 'static> Debug for AsCompleted<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted").field("left", &self.left).field("children", &self.children).finish()
    }
}
