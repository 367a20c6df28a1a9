//! What a figure does not say: does the contender do what the case takes for granted?
//!
//! Each probe runs in a process of its own, so that one which hangs or crashes is a verdict and not the end of the run.

mod gate;
mod queue;

use std::cell::RefCell;
use std::io;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::harness::Peer;

/// How long a probe may take before it counts as hanging; one that does not hang takes a millisecond.
const PATIENCE: Duration = Duration::from_secs(2);

/// One question, asked of every peer of a group.
pub struct Probe {
    /// The group of cases whose figures it is about.
    pub group: &'static str,
    pub title: &'static str,
    pub subjects: Vec<Subject>,
}

/// One peer, asked.
pub struct Subject {
    pub peer: Peer,
    /// Whether the peer does what is asked.
    pub ask: fn() -> bool,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Holds,
    Fails,
    Hangs,
    Crashes,
}

/// All probes, in the order of the report.
pub fn all() -> Vec<Probe> {
    [gate::semaphore_probes(), gate::lock_probes(), queue::probes()].into_iter().flatten().collect()
}

impl Probe {
    /// Asks in a process of its own: this program, called with `--probe`.
    pub fn run(&self, peer: &Peer) -> io::Result<Verdict> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--probe", self.group, self.title, peer.name])
            .stderr(Stdio::null())
            .spawn()?;
        let start = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(match status.code() {
                    Some(0) => Verdict::Holds,
                    Some(1) => Verdict::Fails,
                    _ => Verdict::Crashes,
                });
            }
            if start.elapsed() > PATIENCE {
                child.kill()?;
                child.wait()?;
                return Ok(Verdict::Hangs);
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The child's side of [`Probe::run`]: what it exits with.
pub fn answer(group: &str, title: &str, peer: &str) -> Option<bool> {
    let probe = all().into_iter().find(|probe| probe.group == group && probe.title == title)?;
    let subject = probe.subjects.into_iter().find(|subject| subject.peer.name == peer)?;
    Some((subject.ask)())
}

macro_rules! subjects {
    ($ask:ident: $($peer:ty);+ $(;)?) => {
        vec![$($crate::probes::Subject { peer: <$peer>::PEER, ask: $ask::<$peer> }),+]
    };
}
use subjects;

/// A waker that counts.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wakes {
    fn new() -> (Arc<Self>, Waker) {
        let wakes = Arc::new(Self::default());
        (wakes.clone(), Waker::from(wakes))
    }

    fn any(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

thread_local! {
    static REENTRY: RefCell<Option<Rc<dyn Fn()>>> = const { RefCell::new(None) };
}

/// A waker that calls `reenter` whenever it is woken, on this thread.
fn reentrant_waker(reenter: impl Fn() + 'static) -> Waker {
    struct Reenter;
    impl Wake for Reenter {
        fn wake(self: Arc<Self>) {
            if let Some(reenter) = REENTRY.with_borrow(Clone::clone) {
                reenter();
            }
        }
    }
    REENTRY.set(Some(Rc::new(reenter)));
    Waker::from(Arc::new(Reenter))
}
