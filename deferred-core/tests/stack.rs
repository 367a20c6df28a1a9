//! A million links on 64 KiB of stack: firing, cancelling and dropping never recurse.
//!
//! The variations have a hundred thousand, which is more than there are bytes.

mod common;

use common::{reports, small_stack};
use deferred_core::{Deferred, Handle, Resolver};

const LINKS: u32 = if cfg!(miri) { 100 } else { 1_000_000 };
const FEWER: u32 = if cfg!(miri) { 100 } else { 100_000 };

type Chain = Deferred<u32, &'static str>;

/// Builds a chain of waits from the leaf up, each of which is established.
fn established(links: u32) -> (Resolver<u32, &'static str>, Chain) {
    let (leaf, mut d) = Chain::new();
    for _ in 0..links {
        let (resolver, outer) = Chain::new();
        d = outer.add_callback(move |_| d).add_callback(|n| Ok(n + 1));
        resolver.callback(0).unwrap();
    }
    (leaf, d)
}

/// Builds Deferreds whose callbacks own the next one and have not run.
fn nested(links: u32) -> (Vec<Resolver<u32, &'static str>>, Chain) {
    let mut resolvers = Vec::with_capacity(links as usize + 1);
    let (resolver, mut d) = Chain::new();
    resolvers.push(resolver);
    for _ in 0..links {
        let (resolver, outer) = Chain::new();
        resolvers.push(resolver);
        d = outer.add_callback(move |n| d.add_callback(move |m| Ok(n + m)));
    }
    (resolvers, d)
}

#[test]
fn a_million_waits_fire() {
    small_stack(|| {
        let (leaf, mut d) = established(LINKS);
        leaf.callback(0).unwrap();
        assert_eq!(d.try_take(), Some(Ok(LINKS)));
    });
}

#[test]
fn many_waits_fail() {
    small_stack(|| {
        let (leaf, mut d) = established(FEWER);
        leaf.errback("deep down").unwrap();
        assert_eq!(d.try_take(), Some(Err("deep down".into())));
    });
}

#[test]
fn a_million_waits_are_cancelled_from_their_end() {
    small_stack(|| {
        let (leaf, mut d) = established(LINKS);
        d.handle().cancel();
        assert!(leaf.is_cancelled());
        assert!(d.try_take().unwrap().unwrap_err().is_cancelled());
    });
}

#[test]
fn a_million_waits_are_dropped_unfired() {
    let ((), reported) = small_stack(|| {
        reports(|| {
            let (leaf, d) = established(LINKS);
            drop(d);
            assert!(leaf.is_cancelled());
        })
    });
    assert_eq!(reported, [""; 0]);
}

#[test]
fn many_waits_are_abandoned() {
    small_stack(|| {
        let (leaf, mut d) = established(FEWER);
        drop(leaf);
        assert!(d.try_take().unwrap().is_err());
    });
}

#[test]
fn many_waits_are_resumed() {
    small_stack(|| {
        let (leaf, mut d) = Chain::new();
        let paused = d.pause();
        leaf.callback(0).unwrap();
        for _ in 0..FEWER {
            let (resolver, outer) = Chain::new();
            d = outer.add_callback(move |_| d);
            resolver.callback(0).unwrap();
        }
        drop(paused);
        assert_eq!(d.try_take(), Some(Ok(0)));
    });
}

#[test]
fn many_callbacks_that_own_the_next_deferred_fire() {
    small_stack(|| {
        let (resolvers, mut d) = nested(FEWER);
        for resolver in resolvers {
            resolver.callback(1).unwrap();
        }
        assert_eq!(d.try_take(), Some(Ok(FEWER + 1)));
    });
}

#[test]
fn many_callbacks_that_own_the_next_deferred_fire_from_the_top() {
    small_stack(|| {
        let (mut resolvers, mut d) = nested(FEWER);
        while let Some(resolver) = resolvers.pop() {
            resolver.callback(1).unwrap();
        }
        assert_eq!(d.try_take(), Some(Ok(FEWER + 1)));
    });
}

#[test]
fn many_callbacks_that_own_the_next_deferred_are_cancelled() {
    small_stack(|| {
        let (resolvers, mut d) = nested(FEWER);
        let handle: Handle = d.handle();
        handle.cancel();
        assert!(resolvers.iter().all(Resolver::is_cancelled));
        assert!(d.try_take().unwrap().is_err());
    });
}

#[test]
fn a_million_callbacks_that_own_the_next_deferred_are_dropped() {
    small_stack(|| {
        let (resolvers, d) = nested(LINKS);
        drop(d);
        assert!(resolvers.iter().all(Resolver::is_cancelled));
    });
}

#[test]
fn many_callbacks_that_own_the_next_resolver_are_dropped() {
    small_stack(|| {
        let (last, mut end) = Chain::new();
        let mut next = last;
        for _ in 0..FEWER {
            let (resolver, d) = Chain::new();
            d.add_callback(move |n| next.callback(n).map_err(|_| "nobody".into())).add_errback(|_| Ok(())).detach();
            next = resolver;
        }
        drop(next);
        assert!(end.try_take().unwrap().is_err());
    });
}

#[test]
fn a_million_forwards_fire() {
    small_stack(|| {
        let (mut first, mut d) = Chain::new();
        for _ in 0..LINKS {
            let (resolver, inner) = Chain::new();
            first.forward(inner);
            first = resolver;
        }
        first.callback(7).unwrap();
        assert_eq!(d.try_take(), Some(Ok(7)));
    });
}

#[test]
fn many_forwards_are_cancelled_and_dropped() {
    for drop_it in [false, true] {
        small_stack(move || {
            let (mut last, mut d) = Chain::new();
            for _ in 0..FEWER {
                let (resolver, inner) = Chain::new();
                last.forward(inner);
                last = resolver;
            }
            if drop_it {
                drop(d);
            } else {
                d.handle().cancel();
                assert!(d.try_take().unwrap().unwrap_err().is_cancelled());
            }
            assert!(last.is_cancelled());
        });
    }
}

#[test]
fn a_million_callbacks_on_one_chain_run() {
    small_stack(|| {
        let (resolver, mut d) = Chain::new();
        for _ in 0..LINKS {
            d = d.add_callback(|n| Ok(n + 1));
        }
        resolver.callback(0).unwrap();
        assert_eq!(d.try_take(), Some(Ok(LINKS)));
    });
}

#[test]
fn many_callbacks_on_one_chain_are_dropped_and_cancelled() {
    for drop_it in [false, true] {
        small_stack(move || {
            let (resolver, mut d) = Chain::new();
            for _ in 0..FEWER {
                d = d.add_both(|outcome| outcome);
            }
            if drop_it {
                drop(d);
            } else {
                d.handle().cancel();
                drop(d.add_errback(|_| Ok(0)));
            }
            assert!(resolver.is_cancelled());
        });
    }
}

#[test]
fn many_ready_waits_in_a_row_run() {
    small_stack(|| {
        let (resolver, mut d) = Chain::new();
        for _ in 0..FEWER {
            d = d.add_callback(|n| Chain::succeed(n + 1));
        }
        resolver.callback(0).unwrap();
        assert_eq!(d.try_take(), Some(Ok(FEWER)));
    });
}

#[test]
fn many_pauses_and_handles_nest() {
    small_stack(|| {
        let (resolver, mut d) = Chain::new();
        let handle = d.handle();
        let tokens: Vec<_> = (0..FEWER).map(|_| handle.pause()).collect();
        resolver.callback(1).unwrap();
        assert_eq!(d.try_take(), None);
        drop(tokens);
        assert_eq!(d.try_take(), Some(Ok(1)));
    });
}

#[test]
fn many_pauses_that_own_the_next_one_end() {
    small_stack(|| {
        let mut token = None;
        for _ in 0..FEWER {
            let mut d = Chain::succeed(1);
            let (mine, before) = (d.pause(), token.take());
            let passed_by = move |_| {
                drop(before);
                Ok(0)
            };
            d.add_errback(passed_by).detach();
            token = Some(mine);
        }
        drop(token);
    });
}

/// Without `std` nothing catches a panic, but somebody further up may.
#[cfg(not(feature = "std"))]
#[test]
fn a_waker_that_unwinds_as_it_goes_leaves_the_next_one_in_place() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::{Context, Wake, Waker};

    struct Bomb;

    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {}
    }

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in the drop of a waker");
        }
    }

    let (resolver, mut d) = Chain::new();
    let bomb = Waker::from(Arc::new(Bomb));
    assert!(Pin::new(&mut d).poll(&mut Context::from_waker(&bomb)).is_pending());
    // The cell has the last one.
    drop(bomb);
    let (count, waker) = common::CountWaker::new();
    let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut d).poll(&mut Context::from_waker(&waker))));
    assert!(polled.is_err());
    drop(waker);
    assert_eq!(Arc::strong_count(&count), 2);
    resolver.callback(1).unwrap();
    assert_eq!(count.count(), 1);
}

/// Without `std` nothing catches a panic, but somebody further up may.
#[cfg(not(feature = "std"))]
#[test]
fn a_panic_that_unwinds_does_not_keep_what_was_put_off() {
    use deferred_core::Failure;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    struct OnDrop<F: FnMut()>(F);

    impl<F: FnMut()> Drop for OnDrop<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }

    /// Drops a value inside the crate; tells whether that unwinds.
    fn unwinds(f: impl FnMut() + 'static) -> bool {
        let (resolver, d) = Deferred::<_, &str>::new();
        assert!(resolver.callback(OnDrop(f)).is_ok());
        catch_unwind(AssertUnwindSafe(|| drop(d))).is_err()
    }

    assert!(unwinds(|| panic!("in a drop")));
    let (resolver, d) = Chain::new();
    let d = d.add_errback(|_| -> Result<u32, Failure<&str>> { panic!("in what was put off") });
    let mut resolver = Some(resolver);
    assert!(unwinds(move || drop(resolver.take())));
    drop(d);
    let (resolver, d) = Chain::new();
    let mut resolver = Some(resolver);
    assert!(!unwinds(move || drop(resolver.take())));
    assert!(d.is_fired());
}
