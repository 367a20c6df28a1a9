//! Five philosophers, five forks, threads that block, and no deadlock.
//!
//! ```text
//! cargo run -p deferred-examples --example dining-philosophers
//! ```

use std::thread;

use deferred_sync::DeferredLock;

/// A fork counts how often it was used; only who holds it can.
#[derive(Debug, Default)]
struct Fork {
    used: usize,
}

const MEALS: usize = 100;

fn main() {
    let names = ["Aspasia", "Diotima", "Hypatia", "Thales", "Zeno"];
    let forks: Vec<DeferredLock<Fork>> = names.iter().map(|_| DeferredLock::default()).collect();

    let philosophers = names.into_iter().enumerate().map(|(place, name)| {
        let (left, right) = (place, (place + 1) % names.len());
        // Everybody takes the lower fork first, so nobody waits in a circle.
        let (first, second) = (forks[left.min(right)].clone(), forks[left.max(right)].clone());
        thread::spawn(move || {
            for _ in 0..MEALS {
                let mut first = first.acquire().wait().expect("nobody cancels it");
                let mut second = second.acquire().wait().expect("nobody cancels it");
                first.used += 1;
                second.used += 1;
                thread::yield_now();
            }
            println!("{name} has eaten {MEALS} times");
        })
    });
    for philosopher in philosophers.collect::<Vec<_>>() {
        philosopher.join().expect("a philosopher does not panic");
    }

    let used: Vec<usize> =
        forks.into_iter().map(|fork| fork.into_inner().expect("nobody holds it any more").used).collect();
    assert!(used.iter().all(|used| *used == 2 * MEALS), "{used:?}");
    println!("each of {} forks was used {} times", used.len(), 2 * MEALS);
}
