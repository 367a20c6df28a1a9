//! How many allocations a join costs, and that all of them are given back.

use crate::common::allocations;
use deferred_core::{Deferred, Failure};
use deferred_list::{DeferredList, as_completed, first_fired, gather_results, parallel, race};

fn ready(n: usize) -> impl Iterator<Item = Deferred<usize>> {
    (0..n).map(Deferred::succeed)
}

#[test]
fn a_list_of_what_is_ready_costs_two_allocations_at_most() {
    for n in [1, 10, 1000] {
        assert!(allocations(|| drop(DeferredList::new(ready(n)))) <= 2);
        assert!(allocations(|| drop(gather_results(ready(n)).wait())) <= 2);
        assert!(allocations(|| drop(race(ready(n)).wait())) <= 2);
        assert!(allocations(|| drop(first_fired(ready(n)).wait())) <= 2);
    }
}

/// What is allocated beside the children themselves.
fn pending(n: usize, join: impl Fn(Vec<Deferred<usize>>) + Sync) -> usize {
    let children = || {
        let mut resolvers = Vec::with_capacity(n);
        let mut children = Vec::with_capacity(n);
        for _ in 0..n {
            let (resolver, d) = Deferred::new();
            resolvers.push(resolver);
            children.push(d);
        }
        (resolvers, children)
    };
    let bare = allocations(|| drop(children()));
    let joined = allocations(|| {
        let (resolvers, children) = children();
        join(children);
        drop(resolvers);
    });
    joined - bare
}

#[test]
fn a_list_allocates_the_same_however_many_children_it_has() {
    let few = pending(2, |children| drop(DeferredList::new(children)));
    assert_eq!(pending(1000, |children| drop(DeferredList::new(children))), few);
    let few = pending(2, |children| drop(race(children)));
    assert_eq!(pending(1000, |children| drop(race(children))), few);
    assert!(few <= 5, "{few}");
}

#[test]
fn nothing_is_leaked_by_any_way_of_joining() {
    let joins = || {
        let (resolver, d) = Deferred::<String, String>::new();
        let list = DeferredList::new([d, Deferred::succeed("a".to_string())]);
        drop(resolver.callback("b".to_string()));
        drop(list.into_deferred().wait());
        let (resolver, d) = Deferred::<String, String>::new();
        drop(as_completed([d, Deferred::succeed("a".to_string())]));
        drop(resolver.callback("late".to_string()));
        let (resolver, d) = Deferred::<String, String>::new();
        let mut work = parallel(1, [1, 2], {
            let mut d = Some(d);
            move |_| d.take().unwrap_or_else(|| Deferred::fail(Failure::from("no more".to_string())))
        });
        drop(resolver.callback("done".to_string()));
        assert!(work.try_take().is_some());
    };
    allocations(joins);
}
