//! Why a Deferred failed.

use alloc::borrow::Cow;
use core::convert::Infallible;
use core::error::Error;
use core::fmt;
use core::panic::Location;

use crate::sync::Arc;

/// What a [`Deferred`](crate::Deferred) comes to: a value or a [`Failure`].
///
/// # Examples
///
/// ```
/// use deferred_core::{Deferred, Outcome};
///
/// fn half(n: u8) -> Outcome<u8, String> {
///     if n % 2 == 0 { Ok(n / 2) } else { Err(format!("{n} is odd"))? }
/// }
///
/// let mut d = Deferred::succeed(6).add_callback(half).add_callback(half);
/// assert_eq!(d.try_take().unwrap().unwrap_err().to_string(), "3 is odd");
/// ```
pub type Outcome<T, E> = Result<T, Failure<E>>;

/// Why a [`Deferred`](crate::Deferred) failed, without where.
///
/// Only [`Error`](FailureKind::Error) carries the user's own error; everything that the family itself can cause has a
/// variant here, so `E` never has to know about cancelling, closing or panics.
///
/// # Examples
///
/// ```
/// use deferred_core::{Deferred, FailureKind};
///
/// let (resolver, mut d) = Deferred::<u8, &str>::new();
/// drop(resolver);
/// let what = match d.try_take().unwrap().unwrap_err().into_kind() {
///     FailureKind::Error(error) => error,
///     FailureKind::Abandoned => "nobody will fire it",
///     _ => "something else",
/// };
/// assert_eq!(what, "nobody will fire it");
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailureKind<E> {
    /// The user's own error.
    Error(E),
    /// It was cancelled, or its owner dropped it.
    Cancelled,
    /// A timeout ran out first.
    TimedOut,
    /// The primitive that it waited for was closed, or its last handle has gone.
    Closed,
    /// Its [`Resolver`](crate::Resolver) was dropped without firing, or what it waited for had been taken before.
    Abandoned,
    /// A callback returned, or a resolver forwarded, a Deferred that was already waiting for this one.
    Cycle,
    /// A callback, a canceller or another function of the user's panicked, or a future, a joiner or a clone did.
    Panicked(Panic),
}

/// The message of a panic, without the place where it happened: the hook for panics has been told that.
///
/// It holds the message rather than the payload, so that a [`Failure`] stays `Send`, `Sync` and `Clone`.
///
/// # Examples
///
/// ```
/// use deferred_core::{Failure, FailureKind, Panic};
///
/// let failure = Failure::<u8>::new(FailureKind::Panicked(Panic::new("out of cheese")));
/// assert!(failure.to_string().starts_with("panicked: out of cheese"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Panic(Arc<str>);

impl Panic {
    /// Makes one from a message.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(deferred_core::Panic::new("out of cheese").message(), "out of cheese");
    /// ```
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self(Arc::from(message.into().as_ref()))
    }

    /// Returns what the panic said, or a note that it said nothing readable.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Deferred, FailureKind, Outcome};
    ///
    /// let mut d = Deferred::<u8>::succeed(1).add_callback(|_| -> Outcome<u8, _> { panic!("no") });
    /// let failure = d.try_take().unwrap().unwrap_err();
    /// assert!(matches!(failure.kind(), FailureKind::Panicked(panic) if panic.message() == "no"));
    /// ```
    pub fn message(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.message(), f)
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

/// Why a [`Deferred`](crate::Deferred) failed, and where.
///
/// `?` inside a callback makes one from an error of type `E`, and notes the place of the `?`.
/// Errors of other types go through `.map_err(E::from)?`.
///
/// It is three words at most beside `E`, so it moves as cheaply as `E` does.
///
/// # Examples
///
/// ```
/// use deferred_core::{Failure, FailureKind};
///
/// let failure = Failure::from("disk full");
/// assert_eq!(failure.kind(), FailureKind::Error(&"disk full"));
/// assert!(failure.origin().file().ends_with(".rs"));
/// assert_eq!(failure.into_kind(), FailureKind::Error("disk full"));
/// ```
#[derive(Clone)]
pub struct Failure<E>(Repr<E>);

/// Kind and origin side by side, laid out so that `Result<u64, Failure<Infallible>>` is two words.
#[derive(Clone)]
enum Repr<E> {
    Error(E, Origin),
    Cancelled(Origin),
    TimedOut(Origin),
    Closed(Origin),
    Abandoned(Origin),
    Cycle(Origin),
    Panicked(Arc<(Panic, Origin)>),
}

type Origin = &'static Location<'static>;

impl<E> Failure<E> {
    /// Makes a failure of any kind; its origin is the caller.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Failure, FailureKind};
    ///
    /// let failure = Failure::<u8>::new(FailureKind::Closed);
    /// assert!(failure.is_closed());
    /// ```
    #[track_caller]
    pub fn new(kind: FailureKind<E>) -> Self {
        Self::with_origin(kind, Location::caller())
    }

    /// Makes a failure with an origin other than the caller, for code that reports on behalf of another place.
    ///
    /// # Examples
    ///
    /// ```
    /// use core::panic::Location;
    /// use deferred_core::{Failure, FailureKind};
    ///
    /// let here = Location::caller();
    /// let failure = Failure::<u8>::with_origin(FailureKind::TimedOut, here);
    /// assert_eq!(failure.origin(), here);
    /// ```
    pub fn with_origin(kind: FailureKind<E>, origin: Origin) -> Self {
        Self(match kind {
            FailureKind::Error(error) => Repr::Error(error, origin),
            FailureKind::Cancelled => Repr::Cancelled(origin),
            FailureKind::TimedOut => Repr::TimedOut(origin),
            FailureKind::Closed => Repr::Closed(origin),
            FailureKind::Abandoned => Repr::Abandoned(origin),
            FailureKind::Cycle => Repr::Cycle(origin),
            FailureKind::Panicked(panic) => Repr::Panicked(Arc::new((panic, origin))),
        })
    }

    /// Returns why, with the user's error borrowed.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Failure, FailureKind};
    ///
    /// assert_eq!(Failure::from(7).kind(), FailureKind::Error(&7));
    /// ```
    pub fn kind(&self) -> FailureKind<&E> {
        match &self.0 {
            Repr::Error(error, _) => FailureKind::Error(error),
            Repr::Cancelled(_) => FailureKind::Cancelled,
            Repr::TimedOut(_) => FailureKind::TimedOut,
            Repr::Closed(_) => FailureKind::Closed,
            Repr::Abandoned(_) => FailureKind::Abandoned,
            Repr::Cycle(_) => FailureKind::Cycle,
            Repr::Panicked(panic) => FailureKind::Panicked(panic.0.clone()),
        }
    }

    /// Returns why, with the user's error by value.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Failure, FailureKind};
    ///
    /// assert_eq!(Failure::from(7).into_kind(), FailureKind::Error(7));
    /// ```
    pub fn into_kind(self) -> FailureKind<E> {
        self.split().0
    }

    /// Returns the user's error, or the failure itself when it has another cause.
    ///
    /// # Errors
    ///
    /// The failure, unchanged, when it is not of kind [`FailureKind::Error`].
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Failure, FailureKind};
    ///
    /// assert_eq!(Failure::from(7).into_error().ok(), Some(7));
    /// assert!(Failure::<u8>::new(FailureKind::Closed).into_error().is_err());
    /// ```
    pub fn into_error(self) -> Result<E, Self> {
        match self.0 {
            Repr::Error(error, _) => Ok(error),
            other => Err(Self(other)),
        }
    }

    /// Returns where the failure was made: the call of `errback` or `fail`, the `?`, the call of `timeout`, or, for what
    /// else the family itself causes, where the Deferred was created.
    ///
    /// It is a place in these crates for a panic of a future, of a joiner, of a `clone` or in `parallel`, for a joiner that
    /// does not make the end it promised, and for a joined Deferred that had been taken.
    ///
    /// # Examples
    ///
    /// ```
    /// let failure = deferred_core::Failure::from(7);
    /// assert_eq!(failure.origin().line(), line!() - 1);
    /// ```
    pub fn origin(&self) -> &'static Location<'static> {
        match &self.0 {
            Repr::Error(_, origin)
            | Repr::Cancelled(origin)
            | Repr::TimedOut(origin)
            | Repr::Closed(origin)
            | Repr::Abandoned(origin)
            | Repr::Cycle(origin) => origin,
            Repr::Panicked(panic) => panic.1,
        }
    }

    /// Applies `f` to the user's error; any other kind, and the origin, stay.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Failure, FailureKind};
    ///
    /// let wider = Failure::from(7_u8).map_error(u64::from);
    /// assert_eq!(wider.kind(), FailureKind::Error(&7_u64));
    /// ```
    pub fn map_error<E2>(self, f: impl FnOnce(E) -> E2) -> Failure<E2> {
        Failure(match self.0 {
            Repr::Error(error, origin) => Repr::Error(f(error), origin),
            Repr::Cancelled(origin) => Repr::Cancelled(origin),
            Repr::TimedOut(origin) => Repr::TimedOut(origin),
            Repr::Closed(origin) => Repr::Closed(origin),
            Repr::Abandoned(origin) => Repr::Abandoned(origin),
            Repr::Cycle(origin) => Repr::Cycle(origin),
            Repr::Panicked(panic) => Repr::Panicked(panic),
        })
    }

    /// Tells whether it was cancelled, or dropped by its owner.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Failure, FailureKind};
    ///
    /// assert!(Failure::<u8>::new(FailureKind::Cancelled).is_cancelled());
    /// ```
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0, Repr::Cancelled(_))
    }

    /// Tells whether a timeout ran out.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Failure, FailureKind};
    ///
    /// assert!(Failure::<u8>::new(FailureKind::TimedOut).is_timed_out());
    /// ```
    pub fn is_timed_out(&self) -> bool {
        matches!(self.0, Repr::TimedOut(_))
    }

    /// Tells whether the primitive that was waited for is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Failure, FailureKind};
    ///
    /// assert!(!Failure::<u8>::new(FailureKind::Cancelled).is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        matches!(self.0, Repr::Closed(_))
    }

    fn split(self) -> (FailureKind<E>, Origin) {
        match self.0 {
            Repr::Error(error, origin) => (FailureKind::Error(error), origin),
            Repr::Cancelled(origin) => (FailureKind::Cancelled, origin),
            Repr::TimedOut(origin) => (FailureKind::TimedOut, origin),
            Repr::Closed(origin) => (FailureKind::Closed, origin),
            Repr::Abandoned(origin) => (FailureKind::Abandoned, origin),
            Repr::Cycle(origin) => (FailureKind::Cycle, origin),
            Repr::Panicked(panic) => (FailureKind::Panicked(panic.0.clone()), panic.1),
        }
    }
}

impl Failure<Infallible> {
    /// Changes the error type of a failure that holds no error.
    ///
    /// # Examples
    ///
    /// ```
    /// use core::convert::Infallible;
    /// use deferred_core::{Failure, FailureKind};
    ///
    /// let failure = Failure::<Infallible>::new(FailureKind::Closed);
    /// assert!(failure.widen::<String>().is_closed());
    /// ```
    pub fn widen<E>(self) -> Failure<E> {
        self.map_error(|never| match never {})
    }
}

impl<E> From<E> for Failure<E> {
    #[track_caller]
    fn from(error: E) -> Self {
        Self(Repr::Error(error, Location::caller()))
    }
}

/// Two failures are equal when their kinds are; where they were made does not count.
impl<E: PartialEq> PartialEq for Failure<E> {
    fn eq(&self, other: &Self) -> bool {
        self.kind() == other.kind()
    }
}

impl<E: Eq> Eq for Failure<E> {}

impl<E: fmt::Debug> fmt::Debug for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} (made at {})", self.kind(), self.origin())
    }
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Error(error, _) => error.fmt(f),
            Repr::Cancelled(_) => f.write_str("cancelled"),
            Repr::TimedOut(_) => f.write_str("timed out"),
            Repr::Closed(_) => f.write_str("closed while waiting"),
            Repr::Abandoned(_) => f.write_str("abandoned: its resolver was dropped, or what it waited for was taken"),
            Repr::Cycle(_) => f.write_str("it would have waited for a Deferred that waits for this one"),
            Repr::Panicked(panic) => write!(f, "panicked: {} (made at {})", panic.0, panic.1),
        }
    }
}

impl<E: Error + 'static> Error for Failure<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            Repr::Error(error, _) => error.source(),
            _ => None,
        }
    }
}
