//! How many allocations things cost, and that all of them are given back.

use std::sync::atomic::{AtomicIsize, Ordering};
use std::task::Poll;
use std::thread;

use crate::common::{allocations, held, poll_once as poll};
use deferred_core::{Compact, Deferred, Resolver, WaitQueue, catch_unhandled};

type D = Deferred<u32, u32>;

/// Attaches `n` small callbacks.
fn chain(mut d: D, n: usize) -> D {
    for i in 0..n as u32 {
        d = d.add_callback(move |value| Ok(value + i));
    }
    d
}

#[test]
fn ready_deferreds_cost_none() {
    assert_eq!(allocations(|| assert_eq!(D::succeed(1).try_take(), Some(Ok(1)))), 0);
    assert_eq!(allocations(|| assert_eq!(D::fail(1).try_take(), Some(Err(1.into())))), 0);
    assert_eq!(allocations(|| assert!(poll(&mut D::succeed(1)).is_ready())), 0);
    assert_eq!(allocations(|| assert_eq!(D::succeed(1).wait(), Ok(1))), 0);
    assert_eq!(allocations(|| drop(D::succeed(1))), 0);
}

#[test]
fn attaching_to_ready_deferreds_costs_none() {
    let cost = allocations(|| {
        let d = chain(D::succeed(0), 10).add_errback(|_| Ok(0)).add_both(|outcome| outcome).map_err(|e| e + 1);
        let mut d = d.add_callback(D::succeed).add_callbacks(Ok, Err);
        assert_eq!(d.try_take(), Some(Ok(45)));
    });
    assert_eq!(cost, 0);
}

#[test]
fn attaching_to_a_deferred_that_has_fired_costs_nothing_more() {
    let cost = allocations(|| {
        let (resolver, d) = D::new();
        resolver.callback(0).unwrap();
        assert_eq!(chain(d, 100).try_take(), Some(Ok(4950)));
    });
    assert_eq!(cost, 1);
}

#[test]
fn a_pending_deferred_costs_one() {
    let fired = || {
        let (resolver, mut d) = D::new();
        resolver.callback(1).unwrap();
        assert_eq!(d.try_take(), Some(Ok(1)));
    };
    let polled = || {
        let (resolver, mut d) = D::new();
        assert!(poll(&mut d).is_pending());
        resolver.callback(1).unwrap();
        assert!(poll(&mut d).is_ready());
    };
    assert_eq!(allocations(fired), 1);
    assert_eq!(allocations(polled), 1);
    assert_eq!(allocations(|| drop(D::new())), 1);
    assert_eq!(allocations(|| drop(D::with_canceller(|c| c.done()))), 1);
}

/// The end of a chain has other types than its start, which the cell was made with.
#[test]
fn a_cell_is_freed_as_what_it_was_made_as() {
    #[repr(align(64))]
    struct Aligned(u8);

    fn start() -> (Resolver<u8>, Deferred<u8>) {
        Deferred::new()
    }
    let taken = || {
        let (resolver, d) = start();
        let mut large = d.add_callback(|n| Ok([u64::from(n); 64]));
        resolver.callback(1).unwrap();
        assert_eq!(large.try_take(), Some(Ok([1; 64])));
        let (resolver, d) = start();
        let mut aligned = d.add_callback(|n| Ok(Aligned(n)));
        resolver.callback(2).unwrap();
        assert_eq!(aligned.try_take().unwrap().unwrap().0, 2);
        let (resolver, d) = Deferred::<[u64; 64]>::new();
        let mut small = d.add_callback(|all| Ok(all[0]));
        resolver.callback([3; 64]).unwrap();
        assert!(matches!(poll(&mut small), Poll::Ready(Ok(3))));
    };
    allocations(taken);
    let dropped = || {
        let (resolver, d) = start();
        let large = d.add_callback(|n| Ok([u64::from(n); 64]));
        resolver.callback(1).unwrap();
        drop(large);
        drop(start().1.add_callback(|n| Ok(Aligned(n))));
    };
    allocations(dropped);
    let inner = || {
        let ((outer, d), (resolver, inner)) = (start(), start());
        let mut d = d.add_callback(move |_| inner.add_callback(|n| Ok([u64::from(n); 64])));
        outer.callback(1).unwrap();
        resolver.callback(4).unwrap();
        assert_eq!(d.try_take(), Some(Ok([4; 64])));
    };
    allocations(inner);
}

#[test]
fn a_thread_uses_the_memory_of_its_cells_again() {
    // More often than a thread keeps pieces of one size.
    let cells = allocations(|| {
        for _ in 0..3000 {
            drop(D::new());
        }
    });
    assert_eq!(cells, if cfg!(unpooled) { 3000 } else { 1 });
    let chains = allocations(|| {
        for _ in 0..3000 {
            drop(chain(D::new().1, 3));
        }
    });
    assert_eq!(chains, if cfg!(unpooled) { 6000 } else { 2 });
}

#[test]
fn the_memory_of_a_cell_fits_the_next_one_whatever_its_size_and_alignment() {
    #[repr(align(64))]
    #[derive(Default)]
    struct Aligned;

    fn eight<T: Default + Send + 'static>() {
        let pairs = [(); 8].map(|()| Deferred::<T>::new());
        for (resolver, mut d) in pairs {
            assert!(resolver.callback(T::default()).is_ok());
            assert!(d.try_take().is_some());
        }
    }
    let sizes = || {
        eight::<[u64; 1]>();
        eight::<[u64; 4]>();
        eight::<[u64; 6]>();
        eight::<[u64; 8]>();
        eight::<[u64; 10]>();
        eight::<[u64; 12]>();
        eight::<[u64; 14]>();
        eight::<[u64; 16]>();
        eight::<[u64; 32]>();
        eight::<[u128; 1]>();
        eight::<[u128; 4]>();
        eight::<[u128; 16]>();
        eight::<Aligned>();
        eight::<[Aligned; 2]>();
    };
    allocations(sizes);
}

/// More than a thread keeps without need.
fn crowd() -> Vec<(D, Resolver<u32, u32>)> {
    (0..10_000).map(|_| pair()).collect()
}

/// What is dropped without a failure to report.
fn pair() -> (D, Resolver<u32, u32>) {
    let (resolver, d) = D::new();
    (d, resolver)
}

#[test]
fn a_crowd_that_comes_again_finds_the_memory_of_the_last() {
    let cost = allocations(|| {
        drop(crowd());
        drop(crowd());
    });
    let cells = if cfg!(unpooled) { 20_000 } else { 10_000 };
    assert_eq!(cost, cells + 2, "two crowds have two vectors");
}

#[test]
fn a_thread_that_frees_what_others_made_keeps_little() {
    let (crowd, made) = thread::spawn(|| {
        let before = held();
        (crowd(), held() - before)
    })
    .join()
    .unwrap();
    let freed = move || {
        let before = held();
        drop(crowd);
        before - held()
    };
    let freed = thread::spawn(freed).join().unwrap();
    assert!(freed >= made / 8 * 7, "{freed} of {made} bytes");
}

#[test]
fn what_a_crowd_leaves_goes_back_when_it_does_not_come_again() {
    let burst = || {
        let before = held();
        let crowd = crowd();
        let most = held() - before;
        drop(crowd);
        for _ in 0..300_000 {
            drop(pair());
        }
        (most, held() - before)
    };
    let (most, kept) = thread::spawn(burst).join().unwrap();
    assert!(kept <= most / 8, "{kept} of {most} bytes");
}

#[test]
fn a_thread_that_ends_gives_all_the_memory_of_its_cells_back() {
    static LEFT: AtomicIsize = AtomicIsize::new(0);

    /// Looks at what is held when it is dropped.
    struct Last;

    impl Drop for Last {
        fn drop(&mut self) {
            LEFT.store(held(), Ordering::SeqCst);
        }
    }
    thread_local!(static LAST: Last = const { Last });

    fn left_by(f: fn()) -> isize {
        let ends = move || {
            // What a thread uses first it drops last.
            LAST.with(|_| ());
            f();
        };
        thread::spawn(ends).join().unwrap();
        LEFT.load(Ordering::SeqCst)
    }
    let cells = || {
        drop([(); 10].map(|()| D::with_canceller(|c| c.fire(Ok(1)))));
        drop([(); 10].map(|()| Deferred::<[u64; 6]>::with_canceller(|c| c.fire(Ok([1; 6])))));
    };
    assert_eq!(left_by(cells), left_by(|| ()));
}

#[test]
fn a_cell_with_a_canceller_is_freed_with_its_own_size() {
    fn with_large_canceller() -> (Resolver<u32, u32>, D) {
        let large = [1; 100];
        D::with_canceller(move |c| c.fire(Ok(large.iter().sum())))
    }
    let taken = || {
        let (resolver, mut d) = with_large_canceller();
        resolver.callback(1).unwrap();
        assert_eq!(d.try_take(), Some(Ok(1)));
        let (resolver, mut d) = with_large_canceller();
        assert!(poll(&mut d).is_pending());
        resolver.callback(2).unwrap();
        assert!(poll(&mut d).is_ready());
        let (resolver, mut d) = with_large_canceller();
        d.handle().cancel();
        drop(resolver);
        assert_eq!(d.try_take(), Some(Ok(100)));
    };
    allocations(taken);
    allocations(|| drop(with_large_canceller()));
}

#[test]
fn a_canceller_lies_in_the_one_allocation() {
    let large = [7_u64; 30];
    let cost = allocations(|| {
        let (_resolver, mut d) = D::with_canceller(move |c| c.fire(Ok(large[29] as u32)));
        d.handle().cancel();
        assert_eq!(d.try_take(), Some(Ok(7)));
    });
    assert_eq!(cost, 2, "the other is the handle");
}

/// Beside the cell.
#[test]
fn chains_of_one_ten_and_a_hundred_cost_one_two_and_four() {
    for (n, limit) in [(1, 1), (3, 1), (10, 2), (100, 4)] {
        let fired = allocations(|| {
            let (resolver, d) = D::new();
            let mut d = chain(d, n);
            resolver.callback(0).unwrap();
            assert!(d.try_take().unwrap().is_ok());
        });
        assert_eq!(fired, 1 + limit, "for {n}");
        let dropped = allocations(|| drop(chain(D::new().1, n - 1).add_errback(|_| Ok(0))));
        assert_eq!(dropped, 1 + limit, "for an errback behind {}", n - 1);
    }
}

#[test]
fn waiting_for_a_returned_deferred_costs_no_more_than_the_two() {
    let cost = allocations(|| {
        let (inner_resolver, inner) = D::new();
        let (resolver, d) = D::new();
        let mut d = d.add_callback(move |_| inner);
        resolver.callback(0).unwrap();
        inner_resolver.callback(5).unwrap();
        assert_eq!(d.try_take(), Some(Ok(5)));
    });
    assert!(cost <= 3, "{cost}");
}

#[test]
fn forwarding_costs_nothing_more() {
    let cost = allocations(|| {
        let (first, mut d) = D::new();
        let (second, inner) = D::new();
        first.forward(inner);
        second.callback(5).unwrap();
        assert_eq!(d.try_take(), Some(Ok(5)));
    });
    assert_eq!(cost, 2);
}

#[test]
fn a_pause_of_a_pending_deferred_costs_nothing_more() {
    let cost = allocations(|| {
        let (resolver, mut d) = D::new();
        let paused = (d.pause(), d.pause());
        resolver.callback(5).unwrap();
        drop(paused);
        assert_eq!(d.try_take(), Some(Ok(5)));
    });
    assert_eq!(cost, 1);
}

#[test]
fn a_waiter_costs_one() {
    let queue = WaitQueue::<u32, u32>::new(());
    let popped = || {
        let mut d = queue.push(());
        queue.pop().unwrap().callback(1).unwrap();
        assert_eq!(d.try_take(), Some(Ok(1)));
    };
    assert_eq!(allocations(popped), 1);
    assert_eq!(allocations(|| drop(queue.push(()))), 1);
}

#[test]
fn whatever_happens_everything_is_given_back() {
    let scenarios: [fn(); 14] = [
        || drop(chain(D::new().1, 100)),
        || drop(chain(D::fail(1), 3).add_errback(|_| Ok(0))),
        || {
            let (resolver, mut d) = D::new();
            let handle = d.handle();
            let d = chain(d, 50);
            handle.cancel();
            assert_eq!(resolver.callback(1), Err(1));
            drop((d.add_errback(|_| Ok(0)), handle));
        },
        || {
            let (inner_resolver, inner) = D::new();
            let (resolver, d) = D::new();
            let d = chain(d.add_callback(move |_| chain(inner, 5)), 5);
            resolver.callback(1).unwrap();
            drop(d);
            drop(inner_resolver);
        },
        || {
            let (inner_resolver, inner) = D::new();
            let (resolver, d) = D::new();
            drop(chain(d, 5).add_callback(move |_| chain(inner, 5)));
            drop((resolver, inner_resolver));
        },
        || chain(D::new().1, 3).add_errback(|_| Ok(1)).detach(),
        || {
            let (resolver, d) = D::new();
            chain(d, 3).add_callback(|_| Err::<u32, _>(5.into())).detach();
            let ((), unhandled) = catch_unhandled(|| resolver.callback(1).unwrap());
            assert_eq!(unhandled.len(), 1);
        },
        || {
            let (resolver, mut d) = D::new();
            let paused = d.pause();
            let d = chain(d, 3);
            resolver.callback(1).unwrap();
            drop(d);
            drop(paused);
        },
        || {
            let (first, d) = D::new();
            let (second, inner) = D::new();
            first.forward(chain(inner, 3));
            drop(d);
            assert!(second.callback(1).is_err());
        },
        || {
            let (first, d) = D::new();
            let ((), unhandled) = catch_unhandled(|| first.forward(d));
            assert_eq!(unhandled.len(), 1, "a cycle");
        },
        || {
            let (d, driver) = D::from_future(async { Ok::<_, u32>(1) });
            drop(driver);
            drop(d.add_errback(|_| Ok(0)));
        },
        || {
            let (resolver, d) = D::new();
            let shared = d.shared();
            let subscribers = (shared.subscribe(), shared.subscribe(), shared.clone());
            resolver.callback(1).unwrap();
            drop((shared, subscribers));
        },
        || {
            let (mut resolver, d) = D::new();
            assert!(poll(&mut resolver.cancelled()).is_pending());
            drop((d, resolver));
        },
        || {
            let (resolver, d) = D::new();
            drop(Compact::from(d));
            assert_eq!(resolver.callback(1), Err(1));
            drop(Compact::from(D::succeed(1)));
        },
    ];
    for scenario in scenarios {
        allocations(scenario);
    }
}

#[test]
fn the_last_units_free_their_queue() {
    let cost = allocations(|| {
        let queue = WaitQueue::<()>::with_units((), 1).unwrap();
        let units = queue.try_take(1);
        drop(queue);
        drop(units);
    });
    assert_eq!(cost, 1);
}
