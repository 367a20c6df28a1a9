//! Random programs: what is done to a handful of Deferreds, at the top and from inside their callbacks.

use proptest::prelude::*;

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

fn slot() -> std::ops::Range<usize> {
    0..SLOTS
}

fn out() -> impl Strategy<Value = Out> {
    prop_oneof![3 => (0..9_i64).prop_map(Out::Value), 2 => (0..9_i64).prop_map(Out::Error)]
}

fn action(depth: u32) -> BoxedStrategy<Action> {
    let end = prop_oneof![
        4 => (0..9_i64).prop_map(End::Value),
        2 => (0..9_i64).prop_map(End::Error),
        1 => Just(End::Panic),
        4 => (slot(), 0..9_i64).prop_map(|(s, n)| End::Owned(s, n)),
        3 => (slot(), 0..9_i64).prop_map(|(s, n)| End::Found(s, n)),
    ];
    let fire = prop::option::weighted(0.2, (slot(), out()));
    (ops(depth), fire, end).prop_map(|(ops, fire, end)| Action { ops, fire, end }).boxed()
}

/// Steps inside a callback, of which most have none.
fn ops(depth: u32) -> BoxedStrategy<Vec<Op>> {
    if depth == 0 {
        return Just(Vec::new()).boxed();
    }
    prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(op(depth - 1), 1..3)].boxed()
}

pub(crate) fn op(depth: u32) -> BoxedStrategy<Op> {
    let verdict = prop_oneof![
        2 => Just(Verdict::Done),
        2 => out().prop_map(Verdict::Fire),
        2 => Just(Verdict::Later),
        1 => Just(Verdict::Panic),
    ];
    let canceller = (ops(depth), verdict).prop_map(|(ops, verdict)| Canceller { ops, verdict });
    let side = prop_oneof![2 => Just(Side::Callback), 1 => Just(Side::Errback), 2 => Just(Side::Both)];
    prop_oneof![
        6 => prop::option::weighted(0.3, canceller).prop_map(Op::New),
        1 => out().prop_map(Op::Ready),
        10 => (slot(), side, action(depth)).prop_map(|(s, side, action)| Op::Attach(s, side, action)),
        2 => (slot(), action(depth), action(depth)).prop_map(|(s, f, g)| Op::AttachPair(s, f, g)),
        6 => (slot(), out()).prop_map(|(s, out)| Op::Fire(s, out)),
        1 => slot().prop_map(Op::DropResolver),
        2 => (slot(), slot()).prop_map(|(s, other)| Op::Forward(s, other)),
        2 => slot().prop_map(Op::Handle),
        1 => slot().prop_map(Op::DropHandle),
        3 => slot().prop_map(Op::Cancel),
        2 => slot().prop_map(Op::Pause),
        2 => slot().prop_map(Op::Resume),
        2 => slot().prop_map(Op::TryTake),
        2 => (slot(), ops(depth)).prop_map(|(s, ops)| Op::Poll(s, ops)),
        3 => slot().prop_map(Op::Drop),
        1 => slot().prop_map(Op::Detach),
        1 => slot().prop_map(Op::Look),
        2 => Just(Op::Push),
        2 => Just(Op::Pop),
        1 => Just(Op::Close),
    ]
    .boxed()
}

pub(crate) fn program() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(2), 1..24)
}
