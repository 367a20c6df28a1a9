//! Programs on a queue, first in first out or by priority, beside a plain one.

use std::cmp::Ordering;
use std::collections::VecDeque;

use deferred_core::FailureKind;
use deferred_queue::{DeferredQueue, Priority, QueueUnderflow, Store, Unsent};

use crate::common::Waiting;

/// An item: by its rank it may be equal to others, by its number it is not.
#[derive(Clone, Copy, Debug)]
struct Item {
    rank: u8,
    number: usize,
}

impl Ord for Item {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank.cmp(&other.rank)
    }
}
impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}
impl Eq for Item {}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Put(u8),
    PutWhenRoom(u8, bool),
    Get(bool),
    TryGet,
    Peek,
    TakeGet(usize),
    DropGet(usize),
    CancelGet(usize),
    TakePut(usize),
    DropPut(usize),
    Drain,
    Close,
}

/// What a get or a put has come to, by the model.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Waits,
    Done,
    Closed,
    Underflow,
    Cancelled,
}

/// The plain queue; `by_rank` says in which order items come out.
struct Model {
    by_rank: bool,
    size: Option<usize>,
    backlog: Option<usize>,
    stored: Vec<Item>,
    getters: VecDeque<usize>,
    putters: VecDeque<(usize, Item)>,
    gets: Vec<(End, Option<Item>)>,
    puts: Vec<End>,
    closed: bool,
}

impl Model {
    fn has_room(&self) -> bool {
        self.size.is_none_or(|size| self.stored.len() < size)
    }

    fn store(&mut self, item: Item) {
        let later = |other: &Item| self.by_rank && other.rank < item.rank;
        let at = self.stored.iter().position(later).unwrap_or(self.stored.len());
        self.stored.insert(at, item);
    }

    /// An item that comes back is the first of its equals.
    fn store_in_front(&mut self, item: Item) {
        let equal_or_later = |other: &Item| !self.by_rank || other.rank <= item.rank;
        let at = self.stored.iter().position(equal_or_later).unwrap_or(self.stored.len());
        self.stored.insert(at, item);
    }

    fn take(&mut self) -> Option<Item> {
        if self.stored.is_empty() {
            let (who, item) = self.putters.pop_front()?;
            self.puts[who] = End::Done;
            return Some(item);
        }
        let item = self.stored.remove(0);
        while self.has_room() {
            let Some((who, item)) = self.putters.pop_front() else { break };
            self.puts[who] = End::Done;
            self.store(item);
        }
        Some(item)
    }

    /// Gives the item to the oldest getter, if there is one.
    fn serve(&mut self, item: Item) -> bool {
        let Some(who) = self.getters.pop_front() else { return false };
        self.gets[who] = (End::Done, Some(item));
        true
    }

    fn give_back(&mut self, item: Item) {
        if !self.serve(item) {
            self.store_in_front(item);
        }
    }

    fn get(&mut self) {
        let end = match self.take() {
            Some(item) => (End::Done, Some(item)),
            None if self.closed => (End::Closed, None),
            None if self.backlog.is_some_and(|backlog| self.getters.len() >= backlog) => (End::Underflow, None),
            None => {
                self.getters.push_back(self.gets.len());
                (End::Waits, None)
            }
        };
        self.gets.push(end);
    }

    fn close(&mut self) {
        self.closed = true;
        self.getters.drain(..).for_each(|who| self.gets[who].0 = End::Closed);
        self.putters.drain(..).for_each(|(who, _)| self.puts[who] = End::Closed);
    }
}

fn number(item: Option<Item>) -> Option<usize> {
    item.map(|item| item.number)
}

/// Runs a program; every item that is made is accounted for in the end.
fn run<S: Store<Item>>(queue: &DeferredQueue<Item, S>, mut model: Model, steps: &[Step]) {
    let mut gets: Vec<Option<Waiting<Item, QueueUnderflow>>> = Vec::new();
    let mut puts: Vec<Option<Waiting<(), Unsent<Item>>>> = Vec::new();
    let (mut made, mut seen) = (0, Vec::new());
    let mut make = |rank| {
        made += 1;
        Item { rank, number: made - 1 }
    };
    for step in steps {
        match *step {
            Step::Put(rank) => {
                let item = make(rank);
                let full = !model.closed && model.getters.is_empty() && !model.has_room();
                match queue.put(item) {
                    Ok(()) => {
                        assert!(!model.closed && !full);
                        if !model.serve(item) {
                            model.store(item);
                        }
                    }
                    Err(overflow) => {
                        assert_eq!((overflow.is_closed(), overflow.is_full()), (model.closed, full));
                        seen.push(overflow.into_inner().number);
                    }
                }
            }
            Step::PutWhenRoom(rank, poll) => {
                let item = make(rank);
                puts.push(Some(Waiting::new(queue.put_when_room(item), poll)));
                let end = if model.closed {
                    End::Closed
                } else if model.serve(item) {
                    End::Done
                } else if model.has_room() {
                    model.store(item);
                    End::Done
                } else {
                    model.putters.push_back((model.puts.len(), item));
                    End::Waits
                };
                model.puts.push(end);
            }
            Step::Get(poll) => {
                gets.push(Some(Waiting::new(queue.get(), poll)));
                model.get();
            }
            Step::TryGet => {
                let item = queue.try_get();
                assert_eq!(number(item), number(model.take()));
                seen.extend(number(item));
            }
            Step::Peek => assert_eq!(queue.peek(|item| number(item.copied())), number(model.stored.first().copied())),
            Step::TakeGet(at) if !gets.is_empty() => {
                let who = at % gets.len();
                let Some(one) = &mut gets[who] else { continue };
                if let Some(outcome) = one.deferred.try_take() {
                    match (outcome, model.gets[who]) {
                        (Ok(item), (End::Done, expected)) => {
                            assert_eq!(Some(item.number), number(expected));
                            seen.push(item.number);
                        }
                        (Err(failure), (End::Closed, _)) => assert!(failure.is_closed()),
                        (Err(failure), (End::Cancelled, _)) => assert!(failure.is_cancelled()),
                        (Err(failure), (End::Underflow, _)) => {
                            assert!(matches!(failure.kind(), FailureKind::Error(_)));
                        }
                        (outcome, end) => panic!("{outcome:?} instead of {end:?}"),
                    }
                    gets[who] = None;
                }
            }
            Step::DropGet(at) if !gets.is_empty() => {
                let who = at % gets.len();
                if let Some(mut one) = gets[who].take() {
                    match model.gets[who] {
                        (End::Waits, _) => model.getters.retain(|other| *other != who),
                        (End::Done, item) => model.give_back(item.unwrap()),
                        // A failure that is dropped would be reported.
                        _ => drop(one.deferred.try_take()),
                    }
                }
            }
            Step::CancelGet(at) if !gets.is_empty() => {
                let who = at % gets.len();
                let Some(one) = &mut gets[who] else { continue };
                one.deferred.handle().cancel();
                if model.gets[who].0 == End::Waits {
                    model.getters.retain(|other| *other != who);
                    model.gets[who].0 = End::Cancelled;
                }
            }
            Step::TakePut(at) if !puts.is_empty() => {
                let who = at % puts.len();
                let Some(one) = &mut puts[who] else { continue };
                if let Some(outcome) = one.deferred.try_take() {
                    assert_eq!(outcome.is_ok(), model.puts[who] == End::Done);
                    seen.extend(outcome.err().map(|failure| failure.into_error().unwrap().into_inner().number));
                    puts[who] = None;
                }
            }
            Step::DropPut(at) if !puts.is_empty() => {
                let who = at % puts.len();
                if let Some(mut one) = puts[who].take() {
                    if let Some(at) = model.putters.iter().position(|(other, _)| *other == who) {
                        seen.push(model.putters.remove(at).unwrap().1.number);
                    } else if let Some(Err(failure)) = one.deferred.try_take() {
                        seen.push(failure.into_error().unwrap().into_inner().number);
                    }
                }
            }
            Step::Drain => {
                let drained: Vec<usize> = queue.drain().into_iter().map(|item| item.number).collect();
                let mut expected: Vec<usize> = model.stored.drain(..).map(|item| item.number).collect();
                for (who, item) in model.putters.drain(..) {
                    model.puts[who] = End::Done;
                    expected.push(item.number);
                }
                assert_eq!(drained, expected);
                seen.extend(drained);
            }
            Step::Close => {
                model.close();
                queue.close();
            }
            _ => {}
        }
        // Nobody sleeps who could go on, nobody goes on who should wait, and nobody is woken twice.
        for (one, (end, _)) in gets.iter().zip(&model.gets) {
            if let Some(one) = one {
                one.check(*end != End::Waits);
            }
        }
        for (one, end) in puts.iter().zip(&model.puts) {
            if let Some(one) = one {
                one.check(*end != End::Waits);
            }
        }
        assert_eq!(
            (queue.len(), queue.waiting(), queue.waiting_for_room(), queue.is_closed()),
            (model.stored.len(), model.getters.len(), model.putters.len(), model.closed)
        );
        assert!(model.stored.is_empty() || model.getters.is_empty());
    }
    for put in puts.iter_mut().flatten() {
        if let Some(Err(failure)) = put.deferred.try_take() {
            seen.push(failure.into_error().unwrap().into_inner().number);
        }
    }
    for get in gets.iter_mut().flatten() {
        seen.extend(get.deferred.try_take().and_then(Result::ok).map(|item| item.number));
    }
    drop(gets);
    seen.extend(queue.drain().into_iter().map(|item| item.number));
    seen.sort_unstable();
    assert!(seen.into_iter().eq(0..made), "each item was delivered or returned once");
}

fn model(by_rank: bool, size: Option<usize>, backlog: Option<usize>) -> Model {
    Model {
        by_rank,
        size,
        backlog,
        stored: Vec::new(),
        getters: VecDeque::new(),
        putters: VecDeque::new(),
        gets: Vec::new(),
        puts: Vec::new(),
        closed: false,
    }
}

/// Runs a program on a queue with these bounds.
#[track_caller]
pub(crate) fn run_queue(size: Option<usize>, backlog: Option<usize>, steps: &[Step]) {
    let mut builder = DeferredQueue::<Item>::builder();
    builder = size.map_or(builder.clone(), |size| builder.size(size));
    builder = backlog.map_or(builder.clone(), |backlog| builder.backlog(backlog));
    run(&builder.build(), model(false, size, backlog), steps);
}

/// Runs a program on a queue by priority.
#[track_caller]
pub(crate) fn run_priority_queue(steps: &[Step]) {
    run(&DeferredQueue::<Item, Priority<Item>>::default(), model(true, None, None), steps);
}
