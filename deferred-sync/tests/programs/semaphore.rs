//! Programs on a semaphore, beside a plain one.

use std::collections::VecDeque;

use deferred_sync::{DeferredSemaphore, Permit};

use crate::common::Waiting;

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Acquire {
        n: usize,
        poll: bool,
    },
    TryAcquire(usize),
    /// Takes the outcome of a Deferred that has fired.
    Take(usize),
    Cancel(usize),
    Drop(usize),
    Release(usize),
    Split(usize, usize),
    Merge(usize, usize),
    Forget(usize),
    SetLimit(usize),
    Close,
}

/// What a Deferred has come to, by the model.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Waits,
    Granted,
    Closed,
    Cancelled,
}

/// The plain semaphore: who waits is named by a number.
struct Model {
    free: usize,
    limit: usize,
    debt: usize,
    closed: bool,
    line: VecDeque<(usize, usize)>,
    ends: Vec<(End, usize)>,
}

impl Model {
    fn settle(&mut self) {
        while let Some((who, n)) = self.line.front().copied().filter(|(_, n)| *n <= self.free) {
            self.line.pop_front();
            self.free -= n;
            self.ends[who].0 = End::Granted;
        }
    }

    fn may_take(&self, n: usize) -> bool {
        !self.closed && self.line.is_empty() && n <= self.free
    }

    fn acquire(&mut self, n: usize) {
        self.ends.push((if self.closed { End::Closed } else { End::Waits }, n));
        if !self.closed {
            self.line.push_back((self.ends.len() - 1, n));
            self.settle();
        }
    }

    fn release(&mut self, n: usize) {
        let paid = n.min(self.debt);
        self.debt -= paid;
        self.free += n - paid;
        self.settle();
    }

    fn leave(&mut self, who: usize, end: End) {
        self.line.retain(|(other, _)| *other != who);
        self.ends[who].0 = end;
        self.settle();
    }

    fn forget(&mut self, n: usize) {
        let lower = n.min(self.limit);
        self.limit -= lower;
        self.debt -= n - lower;
    }

    fn set_limit(&mut self, limit: usize) {
        if limit >= self.limit {
            let more = limit - self.limit;
            let paid = more.min(self.debt);
            self.debt -= paid;
            self.free += more - paid;
        } else {
            let less = self.limit - limit;
            let removed = less.min(self.free);
            self.free -= removed;
            self.debt += less - removed;
        }
        self.limit = limit;
        self.settle();
    }

    fn close(&mut self) {
        self.closed = true;
        for (who, _) in self.line.drain(..) {
            self.ends[who].0 = End::Closed;
        }
    }
}

/// Runs a program; all permits are back in the end.
#[track_caller]
pub(crate) fn run(limit: usize, steps: &[Step]) {
    let semaphore = DeferredSemaphore::new(limit);
    let mut model = Model { free: limit, limit, debt: 0, closed: false, line: VecDeque::new(), ends: Vec::new() };
    let mut waiting: Vec<Option<Waiting<Permit>>> = Vec::new();
    let mut held: Vec<Permit> = Vec::new();
    for step in steps {
        match *step {
            Step::Acquire { n, poll } => {
                waiting.push(Some(Waiting::new(semaphore.acquire_many(n), poll)));
                model.acquire(n);
            }
            Step::TryAcquire(n) => {
                let permit = semaphore.try_acquire_many(n);
                assert_eq!(permit.is_some(), model.may_take(n), "{step:?}");
                model.free -= if permit.is_some() { n } else { 0 };
                held.extend(permit);
            }
            Step::Take(at) if !waiting.is_empty() => {
                let who = at % waiting.len();
                let Some(one) = &mut waiting[who] else { continue };
                if let Some(outcome) = one.deferred.try_take() {
                    let end = model.ends[who];
                    match outcome {
                        Ok(permit) => {
                            assert_eq!((End::Granted, permit.count()), end);
                            held.push(permit);
                        }
                        Err(failure) if failure.is_closed() => assert_eq!(end.0, End::Closed),
                        Err(failure) => assert!(failure.is_cancelled() && end.0 == End::Cancelled),
                    }
                    waiting[who] = None;
                }
            }
            Step::Cancel(at) if !waiting.is_empty() => {
                let who = at % waiting.len();
                let Some(one) = &mut waiting[who] else { continue };
                one.deferred.handle().cancel();
                if model.ends[who].0 == End::Waits {
                    model.leave(who, End::Cancelled);
                }
            }
            Step::Drop(at) if !waiting.is_empty() => {
                let who = at % waiting.len();
                if let Some(mut one) = waiting[who].take() {
                    match model.ends[who] {
                        (End::Waits, _) => model.leave(who, End::Cancelled),
                        (End::Granted, n) => model.release(n),
                        // A failure that is dropped would be reported.
                        _ => drop(one.deferred.try_take()),
                    }
                }
            }
            Step::Release(at) if !held.is_empty() => {
                let permit = held.swap_remove(at % held.len());
                model.release(permit.count());
                permit.release();
            }
            Step::Split(at, n) if !held.is_empty() => {
                let at = at % held.len();
                let count = held[at].count();
                let part = held[at].split(n);
                assert_eq!(part.as_ref().map(Permit::count), (n <= count).then_some(n));
                held.extend(part);
            }
            Step::Merge(a, b) if held.len() > 1 => {
                let other = held.swap_remove(b % held.len());
                let at = a % held.len();
                held[at].merge(other).unwrap();
            }
            Step::Forget(at) if !held.is_empty() => {
                let permit = held.swap_remove(at % held.len());
                model.forget(permit.count());
                permit.forget();
            }
            Step::SetLimit(limit) => {
                model.set_limit(limit);
                semaphore.set_limit(limit).unwrap();
            }
            Step::Close => {
                model.close();
                semaphore.close();
            }
            _ => {}
        }
        // Nobody sleeps who could go on, nobody goes on who should wait, and nobody is woken twice.
        for (one, (end, _)) in waiting.iter().zip(&model.ends) {
            if let Some(one) = one {
                one.check(*end != End::Waits);
            }
        }
        let untaken = waiting.iter().zip(&model.ends).filter(|(one, end)| one.is_some() && end.0 == End::Granted);
        let outside = held.iter().map(Permit::count).sum::<usize>() + untaken.map(|(_, end)| end.1).sum::<usize>();
        assert_eq!(outside + semaphore.available(), model.limit + model.debt);
        assert_eq!(
            (semaphore.available(), semaphore.limit(), semaphore.waiting(), semaphore.is_closed()),
            (model.free, model.limit, model.line.len(), model.closed)
        );
    }
    for one in waiting.iter_mut().flatten().rev() {
        drop(one.deferred.try_take());
    }
    drop((waiting, held));
    assert_eq!((semaphore.available(), semaphore.waiting()), (semaphore.limit(), 0));
}
