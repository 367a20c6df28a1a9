//! The state word of a cell: what has happened, who owns it, and how many hold on to it.
//!
//! One word answers all questions, so each transition is one compare-and-swap and whoever makes the last claim go away
//! frees the cell.

use core::fmt;

use crate::sync::{AtomicUsize, Ordering};

/// A value of the state word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct State(pub(crate) usize);

/// How far a cell has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not fired; a resolver, a queue or a canceller that said `later` will.
    Pending,
    /// One thread owns the outcome and the reading end of the chain, and may be inside a callback.
    Running,
    /// A callback returned a Deferred; the record of it stands where the outcome will be.
    Waiting,
    /// Fired, with callbacks held back by a pause; nobody owns the reading end.
    Held,
    /// The chain has run; the outcome belongs to the consumer.
    Done,
}

/// What waits at the end of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TailKind {
    /// Nothing yet; the consumer may write the tail.
    None,
    /// A task's waker.
    Waker,
    /// The cell of a Deferred that waits for this one.
    Link,
    /// A function to call, which owns the consumer's side.
    Notify,
}

impl State {
    const PHASE: usize = 0b111;

    /// A `Resolver`, or the queue it waits in, owns the cell.
    pub(crate) const RESOLVER: usize = 1 << 3;
    /// A `Deferred`, or the tail that replaced it, owns the cell and the outcome.
    pub(crate) const CONSUMER: usize = 1 << 4;
    /// The consumer has attached something since the runner last looked.
    pub(crate) const MORE: usize = 1 << 5;
    const TAIL_SHIFT: u32 = 6;
    const TAIL: usize = 0b11 << Self::TAIL_SHIFT;
    /// Cancelling was asked for; whoever set this runs the canceller.
    pub(crate) const CANCELLED: usize = 1 << 8;
    /// The cell holds a canceller, or is linked in a queue.
    pub(crate) const CANCELLER: usize = 1 << 9;
    /// A callback has run, so the outcome is no longer the one that was fired.
    pub(crate) const RAN: usize = 1 << 10;
    /// The outcome is `Cancelled` and stored nowhere.
    pub(crate) const VOID: usize = 1 << 11;
    /// Somebody reads the record of what this cell waits for.
    pub(crate) const BUSY: usize = 1 << 12;
    /// What this cell waits for fired while it was `BUSY`; the reader goes on in its place.
    pub(crate) const RESUME: usize = 1 << 13;
    /// The owner has gone while callbacks ran: cancel what the chain waits for next.
    pub(crate) const CANCEL_NEXT: usize = 1 << 14;

    /// The tail is the first one, or whoever wants to finish the cell has read the waker in it or is about to.
    /// Whoever replaces a waker takes this away, so a finisher that found it needs one exchange only.
    pub(crate) const SEEN: usize = 1 << 15;

    /// The resolver wants to know of a cancel.
    pub(crate) const WATCHED: usize = 1 << 16;

    /// The owner has gone without detaching.
    pub(crate) const DROPPED: usize = 1 << 17;

    const FLAGS: u32 = 18;
    const COUNT_BITS: u32 = (usize::BITS - Self::FLAGS) / 2;
    const MAX_COUNT: usize = (1 << Self::COUNT_BITS) - 1;
    /// The most handles and pause tokens that one cell can have; the rest of the count is for walkers.
    pub(crate) const MAX_HANDLES: usize = Self::MAX_COUNT / 2;
    const REF_SHIFT: u32 = Self::FLAGS;
    /// One handle, pause token or walker that keeps the cell's memory.
    pub(crate) const REF: usize = 1 << Self::REF_SHIFT;
    /// Any handles, pause tokens and walkers.
    pub(crate) const REFS: usize = Self::REF * Self::MAX_COUNT;
    const PAUSE_SHIFT: u32 = Self::FLAGS + Self::COUNT_BITS;
    /// One pause.
    pub(crate) const PAUSE: usize = 1 << Self::PAUSE_SHIFT;

    pub(crate) const fn new(phase: Phase, bits: usize) -> Self {
        Self(phase as usize | bits)
    }

    #[inline(always)]
    pub(crate) fn phase(self) -> Phase {
        match self.0 & Self::PHASE {
            0 => Phase::Pending,
            1 => Phase::Running,
            2 => Phase::Waiting,
            3 => Phase::Held,
            _ => Phase::Done,
        }
    }

    #[inline(always)]
    pub(crate) fn is(self, phase: Phase) -> bool {
        self.0 & Self::PHASE == phase as usize
    }

    #[inline(always)]
    pub(crate) fn has(self, bits: usize) -> bool {
        self.0 & bits != 0
    }

    #[inline(always)]
    pub(crate) fn tail(self) -> TailKind {
        match (self.0 & Self::TAIL) >> Self::TAIL_SHIFT {
            0 => TailKind::None,
            1 => TailKind::Waker,
            2 => TailKind::Link,
            _ => TailKind::Notify,
        }
    }

    #[inline(always)]
    pub(crate) fn to(self, phase: Phase) -> Self {
        Self(self.0 & !Self::PHASE | phase as usize)
    }

    #[inline(always)]
    pub(crate) fn with(self, bits: usize) -> Self {
        Self(self.0 | bits)
    }

    #[inline(always)]
    pub(crate) fn without(self, bits: usize) -> Self {
        Self(self.0 & !bits)
    }

    #[inline(always)]
    pub(crate) fn with_tail(self, tail: TailKind) -> Self {
        Self(self.0 & !Self::TAIL | (tail as usize) << Self::TAIL_SHIFT)
    }

    /// Says how far the cell has come, for a person.
    pub(crate) fn describe(self) -> &'static str {
        match self.phase() {
            Phase::Pending if self.has(Self::CANCELLED) => "pending, cancelled",
            Phase::Pending if self.pauses() > 0 => "pending, paused",
            Phase::Pending => "pending",
            Phase::Running => "running its callbacks",
            Phase::Waiting if self.pauses() > 0 => "waiting for another Deferred, paused",
            Phase::Waiting => "waiting for another Deferred",
            Phase::Held => "fired, paused",
            Phase::Done if self.pauses() > 0 => "fired, paused",
            Phase::Done if self.has(Self::VOID) => "cancelled",
            Phase::Done => "fired",
        }
    }

    /// Notes where the outcome is: nowhere (`void`), or with the last callback if any `ran`.
    #[inline(always)]
    pub(crate) fn outcome(self, void: bool, ran: bool) -> Self {
        let bits = if void { Self::VOID } else { 0 } | if ran { Self::RAN } else { 0 };
        self.without(Self::VOID | Self::RAN).with(bits)
    }

    #[inline(always)]
    pub(crate) fn refs(self) -> usize {
        self.0 >> Self::REF_SHIFT & Self::MAX_COUNT
    }

    #[inline(always)]
    pub(crate) fn pauses(self) -> usize {
        self.0 >> Self::PAUSE_SHIFT & Self::MAX_COUNT
    }

    /// Tells whether nobody owns the cell any more, so that it must be freed.
    #[inline(always)]
    pub(crate) fn is_orphan(self) -> bool {
        self.is(Phase::Done) && !self.has(Self::RESOLVER | Self::CONSUMER) && self.refs() == 0
    }

    /// Tells whether the consumer may take the outcome.
    #[inline(always)]
    pub(crate) fn is_takeable(self) -> bool {
        self.is(Phase::Done) && self.pauses() == 0
    }
}

/// The word itself.
pub(crate) struct StateWord(AtomicUsize);

impl StateWord {
    pub(crate) fn new(state: State) -> Self {
        Self(AtomicUsize::new(state.0))
    }

    #[inline(always)]
    pub(crate) fn load(&self) -> State {
        State(self.0.load(Ordering::Acquire))
    }

    /// Replaces `old` by `new`, or returns what stands there instead.
    #[inline(always)]
    pub(crate) fn exchange(&self, old: State, new: State) -> Result<(), State> {
        match self.0.compare_exchange(old.0, new.0, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(()),
            Err(now) => Err(State(now)),
        }
    }

    /// Replaces the state by what `f` makes of it, as long as that is something; returns the old state.
    #[inline]
    pub(crate) fn update(&self, mut f: impl FnMut(State) -> Option<State>) -> Result<State, State> {
        let mut old = self.load();
        loop {
            let Some(new) = f(old) else { return Err(old) };
            match self.exchange(old, new) {
                Ok(()) => return Ok(old),
                Err(now) => old = now,
            }
        }
    }

    /// Sets bits and returns the state before.
    #[inline(always)]
    pub(crate) fn set(&self, bits: usize) -> State {
        State(self.0.fetch_or(bits, Ordering::AcqRel))
    }

    /// Takes a claim away, which must be there; returns whether it was the last, so that the caller must free the cell.
    #[inline(always)]
    pub(crate) fn give_up(&self, claim: usize) -> bool {
        // When nobody else is left, nobody else can add or take a claim: no need to write it down.
        State(self.load().0 - claim).is_orphan() || State(self.0.fetch_sub(claim, Ordering::AcqRel) - claim).is_orphan()
    }

    /// Counts one more walker, which keeps the cell for a moment.
    pub(crate) fn add_ref(&self) {
        self.0.fetch_add(State::REF, Ordering::AcqRel);
    }

    /// Counts one more handle, or with `State::PAUSE` one more pause token.
    ///
    /// # Panics
    ///
    /// When there are [`State::MAX_HANDLES`] of them.
    #[track_caller]
    pub(crate) fn add_handle(&self, and: usize) {
        let added = self.update(|s| {
            let free = s.refs() < State::MAX_HANDLES;
            free.then_some(State(s.0 + State::REF + and))
        });
        assert!(added.is_ok(), "too many handles and pauses on one Deferred");
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Self::RESOLVER, "resolver"),
            (Self::CONSUMER, "consumer"),
            (Self::MORE, "more"),
            (Self::CANCELLED, "cancelled"),
            (Self::CANCELLER, "canceller"),
            (Self::RAN, "ran"),
            (Self::VOID, "void"),
            (Self::BUSY, "busy"),
            (Self::RESUME, "resume"),
            (Self::CANCEL_NEXT, "cancel-next"),
            (Self::SEEN, "seen"),
            (Self::WATCHED, "watched"),
            (Self::DROPPED, "dropped"),
        ];
        write!(f, "{:?}", self.phase())?;
        for (_, name) in names.iter().filter(|(bit, _)| self.has(*bit)) {
            write!(f, " {name}")?;
        }
        write!(f, " tail={:?} refs={} pauses={}", self.tail(), self.refs(), self.pauses())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_do_not_touch_each_other() {
        let full = State::new(Phase::Held, State::REF * State::MAX_COUNT);
        assert_eq!((full.refs(), full.pauses()), (State::MAX_COUNT, 0));
        let both = State(full.0 + State::PAUSE);
        assert_eq!((both.refs(), both.pauses()), (State::MAX_COUNT, 1));
        assert!(both.is(Phase::Held) && !both.has(State::CANCEL_NEXT));
    }

    #[test]
    fn a_cell_is_an_orphan_only_when_done_and_unowned() {
        assert!(State::new(Phase::Done, State::VOID).is_orphan());
        for bits in [State::RESOLVER, State::CONSUMER, State::REF] {
            assert!(!State::new(Phase::Done, bits).is_orphan());
        }
        assert!(!State::new(Phase::Running, 0).is_orphan());
    }

    #[test]
    fn debug_names_the_bits_that_are_set() {
        let state = State::new(Phase::Waiting, State::CONSUMER | State::BUSY | State::REF).with_tail(TailKind::Waker);
        assert_eq!(std::format!("{state:?}"), "Waiting consumer busy tail=Waker refs=1 pauses=0");
    }

    #[test]
    fn there_is_an_end_to_handles() {
        let word = StateWord::new(State::new(Phase::Pending, State::REF * (State::MAX_HANDLES - 1)));
        word.add_handle(State::PAUSE);
        let full = word.load();
        assert_eq!((full.refs(), full.pauses()), (State::MAX_HANDLES, 1));
        assert!(std::panic::catch_unwind(|| word.add_handle(State::PAUSE)).is_err());
        assert!(word.load() == full);
    }

    #[test]
    fn each_state_is_described() {
        let text = |phase, bits| State::new(phase, bits).describe();
        assert_eq!(text(Phase::Pending, 0), "pending");
        assert_eq!(text(Phase::Pending, State::CANCELLED), "pending, cancelled");
        assert_eq!(text(Phase::Pending, State::PAUSE), "pending, paused");
        assert_eq!(text(Phase::Running, 0), "running its callbacks");
        assert_eq!(text(Phase::Waiting, 0), "waiting for another Deferred");
        assert_eq!(text(Phase::Waiting, State::PAUSE), "waiting for another Deferred, paused");
        assert_eq!(text(Phase::Held, State::PAUSE), "fired, paused");
        assert_eq!(text(Phase::Done, 0), "fired");
        assert_eq!(text(Phase::Done, State::PAUSE), "fired, paused");
        assert_eq!(text(Phase::Done, State::VOID), "cancelled");
    }

    #[test]
    fn tail_and_phase_are_separate_fields() {
        let state = State::new(Phase::Pending, State::CONSUMER).with_tail(TailKind::Notify);
        assert_eq!(state.to(Phase::Done).tail(), TailKind::Notify);
        assert_eq!(state.with_tail(TailKind::Waker).phase(), Phase::Pending);
    }
}
