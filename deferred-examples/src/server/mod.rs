//! A small HTTP server on loopback, for demonstrations, tests and measurements.
//!
//! What it answers is written in the url, so that whoever asks decides: `/a.bin?size=1000&delay=50`
//! is a thousand bytes after 50 ms, and `&cut=10` breaks the connection after ten of them.
//! `src/server/plan.rs` lists every such word.
//! It counts the requests it has in progress, and remembers the most there ever were.
//!
//! Each connection has a plain blocking thread: the server shares nothing with the executor of the
//! client it measures.

mod answer;
pub mod content;
mod plan;
mod request;

use core::fmt;
use core::time::Duration;
use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use request::Request;

/// A running server; dropping it stops it.
pub struct Server {
    /// Where it listens.
    address: SocketAddr,
    /// What it shares with the threads of its connections.
    shared: Arc<Shared>,
}

/// The state that every connection sees.
#[derive(Default)]
pub(crate) struct Shared {
    /// Counts, versions and the sign to stop.
    state: Mutex<State>,
    /// Notified when `stopped` is set.
    stop: Condvar,
}

/// What the lock guards.
#[derive(Default)]
struct State {
    /// Requests read whose answer is not yet fully written.
    in_progress: usize,
    /// The largest `in_progress` ever.
    peak: usize,
    /// Requests read so far, by path.
    requests: HashMap<String, usize>,
    /// The last request of each path as it was sent.
    last: HashMap<String, String>,
    /// Which edition of every file is served; part of the entity tag and of the content.
    edition: u64,
    /// Set once, when the server is dropped.
    stopped: bool,
}

impl Server {
    /// Starts a server on a free port of `127.0.0.1`.
    ///
    /// # Errors
    ///
    /// When no port can be opened or no thread started.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        thread::Builder::new().name("loopback-accept".into()).spawn(move || accept(&listener, &accepting))?;
        Ok(Self { address, shared })
    }

    /// Returns the address of `path`, which starts with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Returns how many requests have been answered or are being answered.
    pub fn requests(&self) -> usize {
        self.shared.lock().requests.values().sum()
    }

    /// Returns how many requests there were for `path`, without its query.
    pub fn requests_for(&self, path: &str) -> usize {
        self.shared.lock().requests.get(path).copied().unwrap_or(0)
    }

    /// Returns the head of the last request for `path`, without its query.
    pub fn last_request(&self, path: &str) -> Option<String> {
        self.shared.lock().last.get(path).cloned()
    }

    /// Returns how many requests are in progress.
    pub fn in_progress(&self) -> usize {
        self.shared.lock().in_progress
    }

    /// Returns the largest number of requests that were ever in progress at the same time.
    pub fn peak(&self) -> usize {
        self.shared.lock().peak
    }

    /// Forgets the largest number seen so far.
    pub fn reset_peak(&self) {
        let mut state = self.shared.lock();
        state.peak = state.in_progress;
    }

    /// Replaces every file by another edition: other bytes, another entity tag.
    pub fn publish_new_edition(&self) {
        self.shared.lock().edition += 1;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.stop.notify_all();
        // The accepting thread looks at the sign only when somebody connects.
        drop(TcpStream::connect(self.address));
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .field("in_progress", &self.in_progress())
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Locks the state; a panic of another connection's thread does not matter to it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for `time`, or less when the server stops.
    fn sleep(&self, time: Duration) {
        let state = self.lock();
        drop(self.stop.wait_timeout_while(state, time, |state| !state.stopped));
    }

    /// Returns true once the server is being dropped.
    fn stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Returns which edition of the files is served.
    fn edition(&self) -> u64 {
        self.lock().edition
    }

    /// Counts a request, and returns how many there were for its path before it.
    fn begin(&self, request: &Request) -> usize {
        let mut state = self.lock();
        state.in_progress += 1;
        state.peak = state.peak.max(state.in_progress);
        let path = request.path().to_owned();
        state.last.insert(path.clone(), request.head().to_owned());
        let count = state.requests.entry(path).or_default();
        *count += 1;
        *count - 1
    }
}

/// One request in progress; counted until this is dropped.
pub(crate) struct InProgress<'a>(&'a Shared);

impl Drop for InProgress<'_> {
    fn drop(&mut self) {
        self.0.lock().in_progress -= 1;
    }
}

/// Takes connections until the server stops.
fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopped() {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        // Without a thread for it the connection closes, as on any overloaded server.
        drop(
            thread::Builder::new()
                .name("loopback-connection".into())
                .stack_size(256 * 1024)
                .spawn(move || drop(converse(stream, &shared))),
        );
    }
}

/// Answers the requests of one connection, one after the other.
fn converse(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = io::BufReader::new(stream.try_clone()?);
    while !shared.stopped() {
        let Some(request) = Request::read(&mut reader)? else {
            break;
        };
        let earlier = shared.begin(&request);
        let in_progress = InProgress(shared);
        if !answer::answer(&stream, shared, &request, earlier, in_progress)? {
            break;
        }
    }
    Ok(())
}
