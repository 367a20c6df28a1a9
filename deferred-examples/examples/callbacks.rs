//! Two downloads at a time, with callbacks alone: no `async`, no executor.
//!
//! ```text
//! cargo run -p deferred-examples --example callbacks
//! ```

use std::thread;
use std::time::Duration;

use deferred_core::Deferred;
use deferred_list::DeferredList;
use deferred_sync::DeferredSemaphore;

/// Why a download fails here.
#[derive(Debug)]
struct NotFound;

/// Stands for any work that ends on another thread: it says how long the file is.
fn download(name: &'static str) -> Deferred<usize, NotFound> {
    let (resolver, size) = Deferred::new();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(20 * name.len() as u64));
        let outcome = if name == "missing" { Err(NotFound.into()) } else { Ok(name.len() * 1000) };
        // Nobody may want it any more; then it is dropped here.
        drop(resolver.fire(outcome));
    });
    size
}

/// Acquires, downloads, releases whatever happened, and tells.
fn fetch_one_file(semaphore: &DeferredSemaphore, name: &'static str) -> Deferred<usize, NotFound> {
    semaphore
        .run(move || {
            println!("fetch {name}");
            download(name)
        })
        .add_callbacks(
            move |size| {
                println!("fetched {name} ({size} bytes)");
                Ok(size)
            },
            move |failure| {
                println!("failed {name}: {failure:?}");
                Err(failure)
            },
        )
}

fn main() {
    let semaphore = DeferredSemaphore::new(2);
    let names = ["apple", "blackberry", "missing", "cherry", "fig"];
    let downloads = names.map(|name| fetch_one_file(&semaphore, name));
    let summary = DeferredList::new(downloads).into_deferred().add_callback(move |outcomes| {
        let sizes: Vec<usize> = outcomes.into_iter().flatten().collect();
        Ok(format!("{} of {} files saved, {} bytes", sizes.len(), names.len(), sizes.iter().sum::<usize>()))
    });
    // Everything has been said; this thread only waits for the end.
    match summary.wait() {
        Ok(line) => println!("{line}"),
        Err(failure) => println!("failed: {failure}"),
    }
}
