//! Random programs: what is done to a handful of Deferreds, at the top and from inside their callbacks.

/// What a chain comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Out {
    Value(i64),
    Error(i64),
    Cancelled,
    Abandoned,
    Panicked,
    Cycle,
    Closed,
}

/// One step. A number names a slot, modulo how many there are; a step that finds nothing there does nothing.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    New(Option<Canceller>),
    Ready(Out),
    Attach(usize, Side, Action),
    AttachPair(usize, Action, Action),
    Fire(usize, Out),
    DropResolver(usize),
    Forward(usize, usize),
    Handle(usize),
    DropHandle(usize),
    Cancel(usize),
    Pause(usize),
    Resume(usize),
    TryTake(usize),
    /// With what the task does when it is woken.
    Poll(usize, Vec<Op>),
    Drop(usize),
    Detach(usize),
    Look(usize),
    /// Makes a waiter of the one queue.
    Push,
    /// Takes the oldest waiter's resolver.
    Pop,
    /// Fails whoever waits.
    Close,
}

/// Which outcomes a function is attached for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Callback,
    Errback,
    Both,
}

/// What a callback does: some steps, a firing perhaps, and then an end.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) ops: Vec<Op>,
    /// Fires the resolver that was in the slot when the callback was attached.
    pub(crate) fire: Option<(usize, Out)>,
    pub(crate) end: End,
}

/// How a callback ends. Where no Deferred is found, the number is the value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Value(i64),
    Error(i64),
    Panic,
    /// Returns the Deferred that was in the slot when the callback was attached.
    Owned(usize, i64),
    /// Returns the Deferred that is in the slot when the callback runs.
    Found(usize, i64),
}

/// What a canceller does: some steps, and then a verdict.
#[derive(Clone, Debug)]
pub(crate) struct Canceller {
    pub(crate) ops: Vec<Op>,
    pub(crate) verdict: Verdict,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Verdict {
    Done,
    Fire(Out),
    Later,
    Panic,
}

pub(crate) const SLOTS: usize = 7;
