//! A queue, several workers, and closing time: nothing that was put in is lost.
//!
//! ```text
//! cargo run -p deferred-examples --example worker-pool
//! ```

use std::thread;
use std::time::Duration;

use deferred_queue::DeferredQueue;

/// Stands for real work.
fn work(worker: usize, job: u64) {
    println!("worker {worker} does job {job}");
    thread::sleep(Duration::from_millis(job % 3 * 5));
}

fn main() {
    const JOBS: u64 = 20;
    // At most four jobs wait; then whoever brings one has to wait, too.
    let queue = DeferredQueue::builder().size(4).build();

    let workers: Vec<_> = (1..=3)
        .map(|worker| {
            let queue = queue.clone();
            thread::spawn(move || {
                let mut done = 0;
                // `get` fails when the queue is closed and empty.
                while let Ok(job) = queue.get().wait() {
                    work(worker, job);
                    done += 1;
                }
                done
            })
        })
        .collect();

    for job in 1..=JOBS {
        queue.put_when_room(job).wait().expect("the queue is open");
    }

    // Closing time: no new jobs, and what nobody has begun is not begun any more.
    queue.close();
    let left = queue.drain();
    let refused = queue.put(JOBS + 1).expect_err("the queue is closed").into_inner();
    println!("job {refused} is refused");

    let done: usize = workers.into_iter().map(|worker| worker.join().expect("a worker does not panic")).sum();
    println!("{done} done and {} left: {} jobs", left.len(), done + left.len());
}
