//! Runs a program on the crate.

use std::cell::RefCell;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};

use deferred_core::{Cancel, Deferred, Failure, FailureKind, Handle, Outcome, Paused, Resolver, WaitQueue};

use crate::programs::program::{Action, Canceller, End, Op, Out, SLOTS, Side, Verdict};

thread_local! {
    static TRACE: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn log(line: String) {
    TRACE.with_borrow_mut(|trace| trace.push(line));
}

type D = Deferred<i64, i64>;

#[derive(Default)]
struct Slot {
    deferred: Option<D>,
    resolver: Option<Resolver<i64, i64>>,
    handles: Vec<Handle>,
    tokens: Vec<Paused>,
}

#[derive(Default)]
struct State {
    slots: Vec<Slot>,
    entries: usize,
}

#[derive(Clone, Default)]
struct World {
    state: Arc<Mutex<State>>,
    /// A part of each closure, to see that none is leaked.
    alive: Arc<()>,
    queue: Queue,
}

type Queue = WaitQueue<i64, i64>;

/// What a closure owns, dropped in this order when it is not called.
struct Owned {
    deferred: Option<D>,
    resolver: Option<(usize, Resolver<i64, i64>)>,
}

/// Logs that the task of a slot was woken, and does something.
struct Task {
    slot: usize,
    ops: Vec<Op>,
    world: World,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        log(format!("wake {}", self.slot));
        self.ops.iter().for_each(|op| _ = self.world.apply(op));
        log(format!("woken {}", self.slot));
    }
}

fn outcome(out: Out) -> Outcome<i64, i64> {
    match out {
        Out::Value(n) => Ok(n),
        Out::Error(n) => Err(n.into()),
        other => unreachable!("no program makes {other:?}"),
    }
}

fn seen(outcome: &Outcome<i64, i64>) -> Out {
    match outcome.as_ref().map_err(Failure::kind) {
        Ok(n) => Out::Value(*n),
        Err(FailureKind::Error(n)) => Out::Error(*n),
        Err(FailureKind::Cancelled) => Out::Cancelled,
        Err(FailureKind::Abandoned) => Out::Abandoned,
        Err(FailureKind::Panicked(_)) => Out::Panicked,
        Err(FailureKind::Cycle) => Out::Cycle,
        Err(FailureKind::Closed) => Out::Closed,
        Err(other) => unreachable!("nothing makes {other:?}"),
    }
}

fn fire(s: usize, resolver: Resolver<i64, i64>, out: Out) {
    if let Err(back) = resolver.fire(outcome(out)) {
        log(format!("refused {s} {:?}", seen(&back)));
    }
}

/// Runs the program, then lets go of everything, and returns what happened,
/// and whether closures are still there.
pub(crate) fn run(program: &[Op]) -> (Vec<String>, bool) {
    TRACE.take();
    let world = World::default();
    for op in program {
        world.apply(op);
    }
    log("end".into());
    for round in 0.. {
        assert!(round < 100, "the end goes on for ever");
        let mut idle = !world.apply(&Op::Close);
        let slots = world.lock().slots.len();
        for s in 0..slots {
            for op in [Op::Resume(s), Op::DropResolver(s), Op::Drop(s), Op::DropHandle(s)] {
                idle &= !world.apply(&op);
            }
        }
        if idle {
            break;
        }
    }
    let state = Arc::downgrade(&world.state);
    let alive = Arc::downgrade(&world.alive);
    drop(world);
    (TRACE.take(), state.strong_count() + alive.strong_count() > 0)
}

impl World {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Looks at a slot, if there is any.
    fn at<R>(&self, s: usize, f: impl FnOnce(&mut Slot) -> Option<R>) -> Option<(usize, R)> {
        let mut state = self.lock();
        let s = s % state.slots.len().max(1);
        f(state.slots.get_mut(s)?).map(|part| (s, part))
    }

    fn put(&self, s: usize, deferred: D) {
        self.lock().slots[s].deferred = Some(deferred);
    }

    fn add(&self, slot: impl FnOnce(usize) -> Slot) -> Option<()> {
        self.add_if(|s| Some(slot(s)))
    }

    fn add_if(&self, slot: impl FnOnce(usize) -> Option<Slot>) -> Option<()> {
        let mut state = self.lock();
        let s = state.slots.len();
        let slot = if s < SLOTS { slot(s) } else { None };
        slot.map(|slot| state.slots.push(slot))
    }

    /// Does one step; returns whether there was anything to do.
    fn apply(&self, op: &Op) -> bool {
        self.step(op).is_some()
    }

    fn step(&self, op: &Op) -> Option<()> {
        match op {
            Op::New(canceller) => self.add(|s| {
                let (resolver, deferred) = match canceller {
                    None => D::new(),
                    Some(canceller) => D::with_canceller(self.canceller(s, canceller.clone())),
                };
                Slot { deferred: Some(deferred), resolver: Some(resolver), ..Slot::default() }
            })?,
            Op::Ready(out) => {
                self.add(|_| Slot { deferred: Some(Deferred::from_outcome(outcome(*out))), ..Slot::default() })?
            }
            Op::Attach(s, side, action) => {
                let (s, d) = self.at(*s, |slot| slot.deferred.take())?;
                let f = self.function(action);
                let d = match side {
                    Side::Callback => d.add_callback(|n| f(Ok(n))),
                    Side::Errback => d.add_errback(|failure| f(Err(failure))),
                    Side::Both => d.add_both(f),
                };
                self.put(s, d);
            }
            Op::AttachPair(s, f, g) => {
                let (s, d) = self.at(*s, |slot| slot.deferred.take())?;
                let (f, g) = (self.function(f), self.function(g));
                self.put(s, d.add_callbacks(|n| f(Ok(n)), |failure| g(Err(failure))));
            }
            Op::Fire(s, out) => {
                let (s, resolver) = self.at(*s, |slot| slot.resolver.take())?;
                fire(s, resolver, *out);
            }
            Op::DropResolver(s) => drop(self.at(*s, |slot| slot.resolver.take())?),
            Op::Forward(s, other) => {
                self.at(*other, |slot| slot.deferred.as_ref().map(drop))?;
                let (_, resolver) = self.at(*s, |slot| slot.resolver.take())?;
                let (_, d) = self.at(*other, |slot| slot.deferred.take())?;
                resolver.forward(d);
            }
            Op::Handle(s) => {
                self.at(*s, |slot| slot.deferred.as_mut().map(|d| slot.handles.push(d.handle())))?;
            }
            Op::DropHandle(s) => drop(self.at(*s, |slot| slot.handles.pop())?),
            Op::Cancel(s) => {
                let (s, handle) = self.at(*s, |slot| slot.handles.pop())?;
                handle.cancel();
                self.lock().slots[s].handles.push(handle);
            }
            Op::Pause(s) => {
                self.at(*s, |slot| {
                    let by_handle = slot.handles.last().map(Handle::pause);
                    let token = by_handle.or_else(|| slot.deferred.as_mut().map(Deferred::pause))?;
                    slot.tokens.push(token);
                    Some(())
                })?;
            }
            Op::Resume(s) => drop(self.at(*s, |slot| slot.tokens.pop())?),
            Op::TryTake(s) => {
                let (s, mut d) = self.at(*s, |slot| slot.deferred.take())?;
                match d.try_take() {
                    Some(outcome) => log(format!("took {s} {:?}", seen(&outcome))),
                    None => self.put(s, d),
                }
            }
            Op::Poll(s, ops) => {
                let (s, mut d) = self.at(*s, |slot| slot.deferred.take())?;
                let waker = Waker::from(Arc::new(Task { slot: s, ops: ops.clone(), world: self.clone() }));
                match Pin::new(&mut d).poll(&mut Context::from_waker(&waker)) {
                    Poll::Ready(outcome) => log(format!("polled {s} {:?}", seen(&outcome))),
                    Poll::Pending => self.put(s, d),
                }
            }
            Op::Drop(s) => drop(self.at(*s, |slot| slot.deferred.take())?),
            Op::Detach(s) => self.at(*s, |slot| slot.deferred.take())?.1.detach(),
            Op::Look(s) => {
                let look = |slot: &mut Slot| {
                    let fired = slot.deferred.as_ref().map(Deferred::is_fired);
                    Some((fired, slot.resolver.as_ref().map(Resolver::is_cancelled)))
                };
                let (s, (fired, cancelled)) = self.at(*s, look)?;
                log(format!("look {s} {fired:?} {cancelled:?}"));
            }
            Op::Push => self.add(|_| Slot { deferred: Some(self.queue.push(())), ..Slot::default() })?,
            Op::Pop => self.add_if(|_| Some(Slot { resolver: Some(self.queue.pop()?), ..Slot::default() }))?,
            Op::Close => {
                let idle = self.queue.is_empty();
                self.queue.fail_all();
                return (!idle).then_some(());
            }
        }
        Some(())
    }

    /// Makes the function of an action; what it owns is taken now.
    fn function(&self, action: &Action) -> impl FnOnce(Outcome<i64, i64>) -> D + Send + 'static {
        let mut state = self.lock();
        let name = state.entries;
        state.entries += 1;
        drop(state);
        let deferred = match action.end {
            End::Owned(s, _) => self.at(s, |slot| slot.deferred.take()).map(|(_, d)| d),
            _ => None,
        };
        let resolver = action.fire.and_then(|(s, _)| self.at(s, |slot| slot.resolver.take()));
        let owned = Owned { deferred, resolver };
        let (world, action) = (self.clone(), action.clone());
        move |outcome| {
            let Owned { deferred, resolver } = { owned };
            log(format!("call {name} {:?}", seen(&outcome)));
            action.ops.iter().for_each(|op| _ = world.apply(op));
            if let (Some((s, resolver)), Some((_, out))) = (resolver, action.fire) {
                fire(s, resolver, out);
            }
            log(format!("ends {name}"));
            match action.end {
                End::Value(n) => Deferred::succeed(n),
                End::Error(n) => Deferred::fail(n),
                End::Panic => resume_unwind(Box::new("planned")),
                End::Owned(_, n) => deferred.unwrap_or_else(|| Deferred::succeed(n)),
                End::Found(s, n) => {
                    world.at(s, |slot| slot.deferred.take()).map_or_else(|| Deferred::succeed(n), |(_, d)| d)
                }
            }
        }
    }

    fn canceller(
        &self,
        s: usize,
        canceller: Canceller,
    ) -> impl FnOnce(Cancel<i64, i64>) -> deferred_core::Verdict<i64, i64> + Send + 'static {
        let world = self.clone();
        move |c| {
            log(format!("cancel {s}"));
            canceller.ops.iter().for_each(|op| _ = world.apply(op));
            log(format!("ends cancel {s}"));
            match canceller.verdict {
                Verdict::Done => c.done(),
                Verdict::Fire(out) => c.fire(outcome(out)),
                Verdict::Later => c.later(),
                Verdict::Panic => resume_unwind(Box::new("planned")),
            }
        }
    }
}
