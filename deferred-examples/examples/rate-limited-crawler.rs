//! Three sites are crawled side by side, two pages at a time each, and three in all; progress is shown meanwhile.
//!
//! ```text
//! cargo run -p deferred-examples --example rate-limited-crawler
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use deferred_core::Deferred;
use deferred_list::{DeferredList, parallel};
use deferred_sync::DeferredSemaphore;

/// Why a fetch fails here.
#[derive(Debug)]
struct NotFound;

/// How many fetches run, and how many ran at most.
#[derive(Default)]
struct Load {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// Stands for a request: it says how many links are on the page. Every fifth page is missing.
fn fetch(load: Arc<Load>, page: usize) -> Deferred<usize, NotFound> {
    let now = load.now.fetch_add(1, Ordering::SeqCst) + 1;
    load.most.fetch_max(now, Ordering::SeqCst);
    let (resolver, links) = Deferred::new();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(5 + page as u64 % 4 * 5));
        load.now.fetch_sub(1, Ordering::SeqCst);
        let outcome = if page % 5 == 4 { Err(NotFound.into()) } else { Ok(page * 3) };
        // Nobody may want it any more; then it is dropped here.
        drop(resolver.fire(outcome));
    });
    links
}

fn main() {
    let in_all = DeferredSemaphore::new(3);
    let load = Arc::<Load>::default();

    let sites = ["apple.example", "cherry.example", "fig.example"].map(|site| {
        let (in_all, load) = (in_all.clone(), load.clone());
        // The site's own limit; a page that has a place here still waits for one of the semaphore's.
        let pages = parallel(2, 0..10, move |page| {
            let load = load.clone();
            in_all.run(move || fetch(load, page))
        });
        pages.add_callback(move |pages| {
            let found = pages.iter().flatten().count();
            let links: usize = pages.into_iter().flatten().sum();
            println!("{site}: {found} of 10 pages, {links} links");
            Ok((found, links))
        })
    });

    let crawl = DeferredList::new(sites);
    let progress = crawl.progress();
    let mut crawl = crawl.into_deferred();
    let sites = loop {
        match crawl.wait_timeout(Duration::from_millis(30)) {
            Ok(sites) => break sites.expect("nobody cancels it"),
            Err(pending) => crawl = pending,
        }
        let (done, total) = progress.get();
        println!("{done} of {total} sites, {} pages wait", in_all.waiting());
    };

    let (found, links) = sites.into_iter().flatten().fold((0, 0), |sum, site| (sum.0 + site.0, sum.1 + site.1));
    assert!(load.most.load(Ordering::SeqCst) <= 3);
    println!("{found} of 30 pages and {links} links, never more than 3 at once");
}
