//! Programs on a lock, beside a plain one.

use std::collections::VecDeque;

use deferred_sync::{DeferredLock, LockGuard};

use crate::common::Waiting;

/// Runs a program: what is done, of five things, and to whom.
#[track_caller]
pub(crate) fn run(steps: &[(u8, usize)]) {
    let lock = DeferredLock::new(0);
    let mut line = VecDeque::<usize>::new();
    let mut waiting: Vec<Option<Waiting<LockGuard<usize>>>> = Vec::new();
    // Who has the lock, and the guard once it was taken; a number that never waited stands for `try_acquire`.
    let mut holder: Option<(usize, Option<LockGuard<usize>>)> = None;
    for &(what, at) in steps {
        match what {
            0 => {
                waiting.push(Some(Waiting::new(lock.acquire(), at % 2 == 0)));
                line.push_back(waiting.len() - 1);
            }
            1 => {
                let guard = lock.try_acquire();
                assert_eq!(guard.is_some(), holder.is_none() && line.is_empty());
                if guard.is_some() {
                    holder = Some((usize::MAX, guard));
                }
            }
            2 => {
                if let Some((who, None)) = holder {
                    let guard = waiting[who].take().unwrap().deferred.try_take().unwrap().unwrap();
                    holder = Some((who, Some(guard)));
                }
            }
            3 => {
                if matches!(holder, Some((_, Some(_)))) {
                    holder = None;
                }
            }
            _ if !waiting.is_empty() => {
                let who = at % waiting.len();
                if waiting[who].take().is_some() {
                    line.retain(|other| *other != who);
                    if holder.as_ref().is_some_and(|(holder, _)| *holder == who) {
                        holder = None;
                    }
                }
            }
            _ => {}
        }
        if holder.is_none() {
            holder = line.pop_front().map(|who| (who, None));
        }
        for (who, one) in waiting.iter().enumerate() {
            if let Some(one) = one {
                one.check(holder.as_ref().is_some_and(|(holder, _)| *holder == who));
            }
        }
        assert_eq!((lock.is_locked(), lock.waiting()), (holder.is_some(), line.len()));
    }
    drop((waiting, holder));
    assert!(!lock.is_locked() && lock.waiting() == 0);
}
