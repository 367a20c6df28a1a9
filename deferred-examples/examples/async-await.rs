//! Two downloads at a time, in `async` code; any executor will do, here `async-std`'s.
//!
//! ```text
//! cargo run -p deferred-examples --example async-await
//! ```

use std::time::Duration;

use async_std::task;
use deferred_core::{Deferred, Outcome};
use deferred_list::DeferredList;
use deferred_sync::DeferredSemaphore;

/// Why a download fails here.
#[derive(Debug)]
struct NotFound;

/// Stands for any `async` work: it says how long the file is.
async fn download(name: &'static str) -> Result<usize, NotFound> {
    task::sleep(Duration::from_millis(20 * name.len() as u64)).await;
    if name == "missing" { Err(NotFound) } else { Ok(name.len() * 1000) }
}

/// Acquires, downloads, releases whatever happened, and tells.
async fn fetch_one_file(semaphore: DeferredSemaphore, name: &'static str) -> Outcome<usize, NotFound> {
    let permit = semaphore.acquire().widen::<NotFound>().await?;
    println!("fetch {name}");
    let result = download(name).await;
    drop(permit);
    match &result {
        Ok(size) => println!("fetched {name} ({size} bytes)"),
        Err(error) => println!("failed {name}: {error:?}"),
    }
    Ok(result?)
}

/// Starts a future as a task of its own, and returns its result as a Deferred.
fn spawn<T: Send + 'static, E: std::fmt::Debug + Send + 'static>(
    future: impl Future<Output = Outcome<T, E>> + Send + 'static,
) -> Deferred<T, E> {
    let (result, driver) = Deferred::from_future(future);
    drop(task::spawn(driver));
    result
}

fn main() {
    let semaphore = DeferredSemaphore::new(2);
    let names = ["apple", "blackberry", "missing", "cherry", "fig"];
    let downloads = names.map(|name| spawn(fetch_one_file(semaphore.clone(), name)));
    let outcomes = task::block_on(DeferredList::new(downloads).into_future());
    let sizes: Vec<usize> = outcomes.into_iter().flatten().collect();
    println!("{} of {} files saved, {} bytes", sizes.len(), names.len(), sizes.iter().sum::<usize>());
}
