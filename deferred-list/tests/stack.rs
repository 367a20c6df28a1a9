//! Joins of very many Deferreds on 64 KiB of stack.

#[path = "../../deferred-core/tests/common/mod.rs"]
mod common;

use common::{Drops, small_stack};
use deferred_core::Deferred;
use deferred_list::{DeferredList, as_completed, race};
use futures_lite::{StreamExt, future};

const MANY: usize = 100_000;

#[test]
fn a_list_of_very_many_fires_in_any_order() {
    small_stack(|| {
        let (resolvers, children): (Vec<_>, Vec<_>) = (0..MANY).map(|_| Deferred::<usize>::new()).unzip();
        let mut list = DeferredList::new(children).into_deferred();
        for (n, resolver) in resolvers.into_iter().enumerate().rev() {
            resolver.callback(n).unwrap();
        }
        assert!(list.try_take().unwrap().unwrap().into_iter().map(Result::unwrap).eq(0..MANY));
    });
}

#[test]
fn very_many_losers_are_cancelled() {
    small_stack(|| {
        let (mut resolvers, children): (Vec<_>, Vec<_>) = (0..MANY).map(|_| Deferred::<usize>::new()).unzip();
        let mut d = race(children);
        resolvers.pop().unwrap().callback(1).unwrap();
        assert_eq!(d.try_take(), Some(Ok((MANY - 1, 1))));
        assert!(resolvers.iter().all(|resolver| resolver.is_cancelled()));
    });
}

#[test]
fn very_many_that_were_not_read_are_dropped() {
    small_stack(|| {
        let drops = Drops::new();
        let (resolvers, children): (Vec<_>, Vec<_>) = (0..MANY).map(|_| Deferred::new()).unzip();
        let mut stream = as_completed::<_, ()>(children);
        for resolver in resolvers {
            resolver.callback(drops.value()).unwrap_or_else(|_| panic!("it is wanted"));
        }
        assert!(future::block_on(stream.next()).is_some());
        assert_eq!(drops.count(), 1);
        drop(stream);
        assert_eq!(drops.count(), MANY);
    });
}
