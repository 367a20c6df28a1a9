//! Runs a program on the rules: the same behaviour written down as plainly as possible, without threads or memory.

mod rules;

use std::collections::VecDeque;

use crate::programs::program::{Action, Canceller, End, Op, Out, SLOTS, Side};

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Pending,
    Running,
    WaitingFor(usize),
    Held,
    Done,
}

enum Tail {
    Nothing,
    /// The task of a slot is to be woken.
    Wake(usize, Vec<Op>),
    /// This chain waits.
    Link(usize),
    /// The owner has gone; quietly: a cancel is not news.
    Gone {
        quietly: bool,
    },
}

/// An attached function, for values or failures or both.
struct Entry {
    callback: Option<Function>,
    errback: Option<Function>,
    /// One function stands on both sides.
    both: bool,
}

struct Function {
    name: usize,
    action: Action,
    owned: Option<usize>,
    resolver: Option<(usize, usize)>,
}

struct Chain {
    slot: usize,
    phase: Phase,
    out: Option<Out>,
    entries: VecDeque<Entry>,
    /// Functions were queued at some time.
    queued: bool,
    pauses: usize,
    /// Handles and tokens.
    reached: usize,
    canceller: Option<Canceller>,
    /// It stands in the queue.
    waiter: bool,
    cancelled: bool,
    /// The owner went while it ran: cancel what it waits for next.
    cancel_next: bool,
    tail: Tail,
}

#[derive(Default)]
struct Slot {
    deferred: Option<usize>,
    resolver: Option<usize>,
    handles: Vec<usize>,
    tokens: Vec<usize>,
}

/// What is put off until a value has been dropped.
enum Later {
    Abandon(usize),
    Cancel(usize),
    Discard(usize),
    Run(usize),
}

#[derive(Default)]
pub(crate) struct Model {
    chains: Vec<Chain>,
    slots: Vec<Slot>,
    trace: Vec<String>,
    entries: usize,
    dropping: bool,
    working: bool,
    later: VecDeque<Later>,
    queue: VecDeque<usize>,
    /// Who is granted behind the grant that is going on.
    granting: Option<VecDeque<usize>>,
}

/// What a function comes to.
enum Returned {
    Out(Out),
    Chain(usize),
}

/// Returns what happens, and whether closures are still there: that of a chain may own the resolver that would fire it.
pub(crate) fn run(program: &[Op]) -> (Vec<String>, bool) {
    let mut model = Model::default();
    for op in program {
        model.step(op);
    }
    model.log("end".into());
    loop {
        let mut idle = model.step(&Op::Close).is_none();
        for s in 0..model.slots.len() {
            for op in [Op::Resume(s), Op::DropResolver(s), Op::Drop(s), Op::DropHandle(s)] {
                idle &= model.step(&op).is_none();
            }
        }
        if idle {
            let mut chains = model.chains.iter();
            let left = chains.any(|chain| !chain.entries.is_empty() || chain.canceller.is_some());
            return (model.trace, left);
        }
    }
}

impl Model {
    fn log(&mut self, line: String) {
        self.trace.push(line);
    }

    fn at<R>(&mut self, s: usize, f: impl FnOnce(&mut Slot) -> Option<R>) -> Option<(usize, R)> {
        let s = s % self.slots.len().max(1);
        f(self.slots.get_mut(s)?).map(|part| (s, part))
    }

    fn chain(&mut self, phase: Phase, out: Option<Out>, canceller: Option<Canceller>) -> usize {
        self.chains.push(Chain {
            slot: self.slots.len(),
            phase,
            out,
            entries: VecDeque::new(),
            queued: false,
            pauses: 0,
            reached: 0,
            canceller,
            waiter: false,
            cancelled: false,
            cancel_next: false,
            tail: Tail::Nothing,
        });
        self.chains.len() - 1
    }

    fn takeable(&self, c: usize) -> bool {
        self.chains[c].phase == Phase::Done && self.chains[c].pauses == 0
    }

    fn take(&mut self, c: usize) -> Out {
        self.chains[c].out.take().expect("a finished chain has an outcome")
    }

    fn step(&mut self, op: &Op) -> Option<()> {
        match op {
            Op::New(_) | Op::Ready(_) | Op::Push | Op::Pop if self.slots.len() >= SLOTS => return None,
            Op::New(canceller) => {
                let c = self.chain(Phase::Pending, None, canceller.clone());
                self.slots.push(Slot { deferred: Some(c), resolver: Some(c), ..Slot::default() });
            }
            Op::Ready(out) => {
                let c = self.chain(Phase::Done, Some(*out), None);
                self.slots.push(Slot { deferred: Some(c), ..Slot::default() });
            }
            Op::Attach(s, side, action) => {
                let (s, c) = self.at(*s, |slot| slot.deferred.take())?;
                let function = Some(self.function(action));
                let entry = match side {
                    Side::Callback => Entry { callback: function, errback: None, both: false },
                    Side::Errback => Entry { callback: None, errback: function, both: false },
                    Side::Both => Entry { callback: function, errback: None, both: true },
                };
                let c = self.attach(c, entry);
                self.slots[s].deferred = Some(c);
            }
            Op::AttachPair(s, f, g) => {
                let (s, c) = self.at(*s, |slot| slot.deferred.take())?;
                let (callback, errback) = (Some(self.function(f)), Some(self.function(g)));
                let c = self.attach(c, Entry { callback, errback, both: false });
                self.slots[s].deferred = Some(c);
            }
            Op::Fire(s, out) => {
                let (s, c) = self.at(*s, |slot| slot.resolver.take())?;
                if !self.fire(c, *out) {
                    self.log(format!("refused {s} {out:?}"));
                }
            }
            Op::DropResolver(s) => {
                let (_, c) = self.at(*s, |slot| slot.resolver.take())?;
                self.now_or_later(Later::Abandon(c));
            }
            Op::Forward(s, other) => {
                self.at(*other, |slot| slot.deferred)?;
                let (_, c) = self.at(*s, |slot| slot.resolver.take())?;
                let (_, inner) = self.at(*other, |slot| slot.deferred.take())?;
                self.forward(c, inner);
            }
            Op::Handle(s) => {
                let (s, c) = self.at(*s, |slot| slot.deferred)?;
                self.slots[s].handles.push(c);
                self.chains[c].reached += 1;
            }
            Op::DropHandle(s) => {
                let (_, c) = self.at(*s, |slot| slot.handles.pop())?;
                self.chains[c].reached -= 1;
            }
            Op::Cancel(s) => {
                let (s, c) = self.at(*s, |slot| slot.handles.pop())?;
                self.cancel(c, false);
                self.slots[s].handles.push(c);
            }
            Op::Pause(s) => {
                let (s, c) = self.at(*s, |slot| slot.handles.last().copied().or(slot.deferred))?;
                self.slots[s].tokens.push(c);
                self.chains[c].reached += 1;
                self.chains[c].pauses += 1;
            }
            Op::Resume(s) => {
                let (_, c) = self.at(*s, |slot| slot.tokens.pop())?;
                self.chains[c].pauses -= 1;
                if self.chains[c].pauses == 0 && self.chains[c].phase == Phase::Held {
                    self.chains[c].phase = Phase::Running;
                    self.now_or_later(Later::Run(c));
                }
                self.chains[c].reached -= 1;
            }
            Op::TryTake(s) | Op::Poll(s, _) => {
                let (s, c) = self.at(*s, |slot| slot.deferred)?;
                let polled = if let Op::Poll(_, ops) = op { Some(ops.clone()) } else { None };
                if self.takeable(c) {
                    self.slots[s].deferred = None;
                    let out = self.take(c);
                    self.log(format!("{} {s} {out:?}", if polled.is_some() { "polled" } else { "took" }));
                } else if let Some(ops) = polled {
                    self.wait_at_end(c, Tail::Wake(s, ops));
                }
            }
            Op::Drop(s) => {
                let (_, c) = self.at(*s, |slot| slot.deferred.take())?;
                self.drop_deferred(c);
            }
            Op::Detach(s) => {
                let (_, c) = self.at(*s, |slot| slot.deferred.take())?;
                if self.takeable(c) {
                    self.discard(c, false);
                } else {
                    self.wait_at_end(c, Tail::Gone { quietly: false });
                }
            }
            Op::Look(s) => {
                let (s, (d, r)) = self.at(*s, |slot| Some((slot.deferred, slot.resolver)))?;
                let fired = d.map(|c| self.chains[c].phase != Phase::Pending);
                let cancelled = r.map(|c| self.chains[c].cancelled);
                self.log(format!("look {s} {fired:?} {cancelled:?}"));
            }
            Op::Push => {
                let c = self.chain(Phase::Pending, None, None);
                self.chains[c].waiter = true;
                self.queue.push_back(c);
                self.slots.push(Slot { deferred: Some(c), ..Slot::default() });
            }
            Op::Pop => {
                let c = self.pop()?;
                self.slots.push(Slot { resolver: Some(c), ..Slot::default() });
            }
            Op::Close => {
                let waiters: Vec<_> = std::iter::from_fn(|| self.pop()).collect();
                let idle = waiters.is_empty();
                self.grant_all(waiters);
                return (!idle).then_some(());
            }
        }
        Some(())
    }

    fn pop(&mut self) -> Option<usize> {
        let c = self.queue.pop_front()?;
        self.chains[c].waiter = false;
        Some(c)
    }

    /// Fails waiters, behind those that are being granted something, if any are.
    /// All are in line before the first has its turn, so whom that fails comes behind them.
    fn grant_all(&mut self, waiters: Vec<usize>) {
        if let Some(behind) = &mut self.granting {
            return behind.extend(waiters);
        }
        self.granting = Some(waiters.into());
        while let Some(c) = self.granting.as_mut().and_then(VecDeque::pop_front) {
            self.fire(c, Out::Closed);
        }
        self.granting = None;
    }

    fn function(&mut self, action: &Action) -> Function {
        let name = self.entries;
        self.entries += 1;
        let owned = match action.end {
            End::Owned(s, _) => self.at(s, |slot| slot.deferred.take()).map(|(_, c)| c),
            _ => None,
        };
        let resolver = action.fire.and_then(|(s, _)| self.at(s, |slot| slot.resolver.take()));
        Function { name, action: action.clone(), owned, resolver }
    }
}
