//! The rules of a chain: how it runs, waits, is cancelled and ends.

use super::{Entry, Function, Later, Model, Phase, Returned, Tail};
use crate::programs::program::{Canceller, End, Out, Verdict};

impl Model {
    /// Attaches; returns the chain that it is now.
    pub(super) fn attach(&mut self, c: usize, entry: Entry) -> usize {
        if self.takeable(c) && self.chains[c].reached == 0 {
            // There is nothing to keep a chain for: what comes out is a Deferred of its own.
            let input = self.take(c);
            return match self.call(entry, input) {
                Returned::Out(out) => self.chain(Phase::Done, Some(out), None),
                Returned::Chain(inner) => inner,
            };
        }
        self.chains[c].entries.push_back(entry);
        self.chains[c].queued = true;
        if self.takeable(c) {
            self.run(c);
        } else if self.chains[c].phase == Phase::Done {
            self.chains[c].phase = Phase::Held;
        }
        c
    }

    /// Calls the side that the input is for; the other is dropped before.
    pub(super) fn call(&mut self, entry: Entry, input: Out) -> Returned {
        let Entry { callback, errback, both } = entry;
        let is_value = matches!(input, Out::Value(_));
        let (run, other) = if both || is_value { (callback, errback) } else { (errback, callback) };
        if let Some(other) = other {
            self.drop_function(other);
        }
        let Some(Function { name, action, owned, resolver }) = run else { return Returned::Out(input) };
        self.log(format!("call {name} {input:?}"));
        for op in &action.ops {
            self.step(op);
        }
        if let (Some((s, c)), Some((_, out))) = (resolver, action.fire) {
            if !self.fire(c, out) {
                self.log(format!("refused {s} {out:?}"));
            }
        }
        self.log(format!("ends {name}"));
        let (inner, n) = match action.end {
            End::Value(n) => (None, n),
            End::Error(n) => return Returned::Out(Out::Error(n)),
            End::Panic => return Returned::Out(Out::Panicked),
            End::Owned(_, n) => (owned, n),
            End::Found(s, n) => (self.at(s, |slot| slot.deferred.take()).map(|(_, c)| c), n),
        };
        inner.map_or(Returned::Out(Out::Value(n)), Returned::Chain)
    }

    pub(super) fn run(&mut self, c: usize) {
        self.chains[c].phase = Phase::Running;
        loop {
            if self.chains[c].pauses > 0 {
                self.chains[c].phase = Phase::Held;
                return;
            }
            let Some(entry) = self.chains[c].entries.pop_front() else { return self.finish(c) };
            let input = self.take(c);
            let out = match self.call(entry, input) {
                Returned::Out(out) => out,
                Returned::Chain(inner) if self.takeable(inner) => self.take(inner),
                Returned::Chain(inner) => match self.wait(c, inner) {
                    Some(out) => out,
                    None => return,
                },
            };
            self.chains[c].out = Some(out);
        }
    }

    /// Makes a running chain wait, unless that would be a cycle.
    pub(super) fn wait(&mut self, c: usize, inner: usize) -> Option<Out> {
        let mut below = inner;
        loop {
            if below == c {
                self.chains[c].out = Some(Out::Cycle);
                self.drop_deferred(inner);
                return self.chains[c].out.take();
            }
            match self.chains[below].phase {
                Phase::WaitingFor(next) => below = next,
                _ => break,
            }
        }
        self.chains[c].phase = Phase::WaitingFor(inner);
        self.wait_at_end(inner, Tail::Link(c));
        if std::mem::take(&mut self.chains[c].cancel_next) {
            self.cancel(inner, true);
        }
        None
    }

    /// Says what is to happen when a chain has run, which it has not.
    pub(super) fn wait_at_end(&mut self, c: usize, tail: Tail) {
        self.chains[c].tail = tail;
        if self.chains[c].phase == Phase::Done {
            self.chains[c].phase = Phase::Held;
        }
    }

    pub(super) fn finish(&mut self, c: usize) {
        self.chains[c].phase = Phase::Done;
        match std::mem::replace(&mut self.chains[c].tail, Tail::Nothing) {
            Tail::Nothing => {}
            Tail::Wake(s, ops) => {
                self.log(format!("wake {s}"));
                ops.iter().for_each(|op| _ = self.step(op));
                self.log(format!("woken {s}"));
            }
            Tail::Link(outer) => {
                let out = self.take(c);
                // An owner who went further up went for all that is waited for on its behalf.
                self.chains[outer].cancel_next |= std::mem::take(&mut self.chains[c].cancel_next);
                self.chains[outer].out = Some(out);
                self.run(outer);
            }
            Tail::Gone { quietly } => self.discard(c, quietly),
        }
    }

    pub(super) fn discard(&mut self, c: usize, quietly: bool) {
        match self.take(c) {
            Out::Value(_) => {}
            Out::Cancelled if quietly => {}
            failure => self.log(format!("report {failure:?}")),
        }
    }

    pub(super) fn fire(&mut self, c: usize, out: Out) -> bool {
        let pending = self.chains[c].phase == Phase::Pending;
        if pending {
            self.chains[c].canceller = None;
            self.chains[c].out = Some(out);
            self.run(c);
        }
        pending
    }

    pub(super) fn forward(&mut self, c: usize, inner: usize) {
        if self.chains[c].phase != Phase::Pending {
            return self.drop_deferred(inner);
        }
        if self.takeable(inner) {
            let out = self.take(inner);
            self.fire(c, out);
            return;
        }
        self.chains[c].canceller = None;
        self.chains[c].phase = Phase::Running;
        if let Some(out) = self.wait(c, inner) {
            self.chains[c].out = Some(out);
            self.run(c);
        }
    }

    pub(super) fn cancel(&mut self, mut c: usize, dropping: bool) {
        while let Phase::WaitingFor(inner) = self.chains[c].phase {
            c = inner;
        }
        let chain = &mut self.chains[c];
        match chain.phase {
            Phase::Running | Phase::Held if dropping => chain.cancel_next = true,
            Phase::Pending if !chain.cancelled => {
                chain.cancelled = true;
                let (slot, canceller) = (chain.slot, chain.canceller.take());
                if std::mem::take(&mut chain.waiter) {
                    self.queue.retain(|other| *other != c);
                }
                let out = match canceller {
                    None => Some(Out::Cancelled),
                    Some(canceller) => self.ask(slot, &canceller),
                };
                if let Some(out) = out {
                    self.fire(c, out);
                }
            }
            _ => {}
        }
    }

    pub(super) fn ask(&mut self, slot: usize, canceller: &Canceller) -> Option<Out> {
        self.log(format!("cancel {slot}"));
        for op in &canceller.ops {
            self.step(op);
        }
        self.log(format!("ends cancel {slot}"));
        match canceller.verdict {
            Verdict::Done => Some(Out::Cancelled),
            Verdict::Fire(out) => Some(out),
            Verdict::Later => None,
            Verdict::Panic => Some(Out::Panicked),
        }
    }

    pub(super) fn drop_deferred(&mut self, c: usize) {
        let chain = &mut self.chains[c];
        let plain = chain.canceller.is_none() && !chain.waiter;
        let untouched = chain.entries.is_empty() && plain && !chain.cancelled;
        let later = match chain.phase {
            Phase::Pending if untouched => {
                chain.phase = Phase::Done;
                chain.cancelled = true;
                return;
            }
            Phase::Done => Later::Discard(c),
            _ => {
                chain.tail = Tail::Gone { quietly: true };
                Later::Cancel(c)
            }
        };
        // What would run callbacks is put off while a value is being dropped.
        if self.chains[c].queued {
            self.now_or_later(later);
        } else {
            self.work(later);
        }
    }

    /// Does what runs callbacks, or puts it off while a value is being dropped.
    pub(super) fn now_or_later(&mut self, later: Later) {
        if self.dropping {
            self.later.push_back(later);
        } else {
            self.work(later);
        }
    }

    pub(super) fn work(&mut self, later: Later) {
        match later {
            Later::Abandon(c) => _ = self.fire(c, Out::Abandoned),
            Later::Cancel(c) => self.cancel(c, true),
            Later::Discard(c) => self.discard(c, false),
            Later::Run(c) => self.run(c),
        }
    }

    /// Drops a function that is not called, and what it owns.
    pub(super) fn drop_function(&mut self, function: Function) {
        let outer = std::mem::replace(&mut self.dropping, true);
        if let Some(c) = function.owned {
            self.drop_deferred(c);
        }
        if let Some((_, c)) = function.resolver {
            self.later.push_back(Later::Abandon(c));
        }
        self.dropping = outer;
        if outer || std::mem::replace(&mut self.working, true) {
            return;
        }
        while let Some(later) = self.later.pop_front() {
            self.work(later);
        }
        self.working = false;
    }
}
