//! Random programs on several Deferreds at once, run on the crate and on a plain model of the rules.

mod programs;

use programs::program::{Action, Canceller, End, Op, Out, SLOTS, Side, Verdict};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

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

fn op(depth: u32) -> BoxedStrategy<Op> {
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

fn program() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(2), 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 40 } else { 3000 },
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/programs/regressions.txt"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn programs_do_what_the_rules_say(program in program()) {
        programs::run(&program);
    }
}

/// A canceller runs as the crate drops the function that owned its Deferred, and lets a held chain go on.
#[test]
fn a_pause_that_ends_inside_of_a_drop_does_what_the_rules_say() {
    let end = |end| Action { ops: Vec::new(), fire: None, end };
    let resumes = Canceller { ops: vec![Op::Resume(0), Op::Look(0)], verdict: Verdict::Done };
    programs::run(&[
        Op::Ready(Out::Value(1)),
        Op::Pause(0),
        Op::Attach(0, Side::Both, end(End::Value(2))),
        Op::New(Some(resumes)),
        Op::New(None),
        Op::Attach(2, Side::Callback, end(End::Owned(1, 3))),
        Op::Fire(2, Out::Error(4)),
        Op::TryTake(0),
    ]);
}
