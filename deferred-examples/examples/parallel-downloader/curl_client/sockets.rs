//! The sockets of libcurl, to see whether more came than was announced.
//!
//! libcurl reads no further than a body is said to go, and takes an idle connection again within a
//! second without looking at it: what is beyond would be the beginning of the next response.
//! So each socket is known here by a second descriptor, which tells what has not been read.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{IntoRawFd, RawFd};
use std::path::PathBuf;

use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Protocol, Socket, Type};

/// The first number for descriptors of our own.
const HIGH: RawFd = 1024;

/// How many descriptors are enough for as many connections as libcurl can have.
const MANY: u64 = 4096;

thread_local! {
    /// The sockets of this thread, which are those of one libcurl.
    static SOCKETS: RefCell<Sockets> = RefCell::default();
}

/// Sockets, and what is known of their servers.
#[derive(Debug, Default)]
struct Sockets {
    /// Open, as far as is known.
    watched: Vec<Watched>,
    /// Servers that have once sent more than they announced, as scheme, host and port.
    distrusted: HashSet<String>,
}

/// A socket of libcurl.
#[derive(Debug)]
struct Watched {
    /// A descriptor of our own.
    socket: Socket,
    /// libcurl's descriptor.
    number: RawFd,
    /// Where to see what that is.
    entry: PathBuf,
    /// What it is as long as libcurl has it open.
    link: PathBuf,
    /// The port on this side, once it is known; it stays the same.
    port: Cell<u16>,
    /// The server that was last asked over it.
    origin: Option<String>,
}

/// Opens a socket for libcurl.
pub(super) fn open(domain: i32, kind: i32, protocol: i32) -> io::Result<RawFd> {
    let socket = Socket::new(Domain::from(domain), Type::from(kind), Some(Protocol::from(protocol)))?;
    // The low numbers are left to libcurl, which can wait for no others.
    let twin = fcntl_dupfd_cloexec(&socket, HIGH).map(Socket::from);
    let number = socket.into_raw_fd();
    let entry = PathBuf::from(format!("/proc/self/fd/{number}"));
    if let (Ok(socket), Ok(link)) = (twin, fs::read_link(&entry)) {
        sweep();
        SOCKETS.with_borrow_mut(|sockets| {
            sockets.watched.push(Watched { socket, number, entry, link, port: Cell::new(0), origin: None });
        });
    }
    Ok(number)
}

/// Lets this process have as many descriptors as it may: each connection takes two.
///
/// To be called before there is a second thread: the system makes its table of descriptors larger at
/// once as long as there is one, and after that in ten milliseconds or more.
pub(super) fn allow_many() {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.maximum.map(|maximum| maximum.min(MANY));
    if limit.current < current {
        // Without them, some sockets go unwatched.
        let _ = setrlimit(Resource::Nofile, Rlimit { current, ..limit });
    }
    // The table stays as large as this makes it.
    drop(fcntl_dupfd_cloexec(io::stderr(), HIGH));
}

/// Returns whether bytes wait at the socket of a transfer, where it is known which one that is: the one
/// with this local port, or one that was opened for it.
///
/// Connections to several servers may have one local port: then it is that which was last used for this server, or
/// opened for it.
pub(super) fn is_excess(port: u16, opened: &[RawFd], origin: &str) -> Option<bool> {
    SOCKETS.with_borrow_mut(|sockets| {
        let is_opened = |watched: &Watched| opened.contains(&watched.number);
        let is_at_port = |watched: &Watched| if port == 0 { is_opened(watched) } else { watched.port() == port };
        let is_alone = sockets.watched.iter().filter(|watched| is_at_port(watched)).count() == 1;
        let is_its = |watched: &&mut Watched| {
            let is_known = is_opened(watched) || watched.origin.as_deref() == Some(origin);
            is_at_port(watched) && (is_alone || is_known)
        };
        let mut excess = None;
        for watched in sockets.watched.iter_mut().filter(is_its) {
            watched.origin = Some(origin.to_owned());
            excess = Some(excess == Some(true) || watched.has_input());
        }
        if excess == Some(true) {
            sockets.distrusted.insert(origin.to_owned());
        }
        excess
    })
}

/// Closes what libcurl has closed.
///
/// Where a transfer has ended well, its connection is seldom closed, so it is enough to look before the
/// next one is opened and when there is nothing else to do.
pub(super) fn sweep() {
    SOCKETS.with_borrow_mut(|sockets| sockets.watched.retain(Watched::is_open));
}

/// Closes what libcurl has closed of the sockets of a transfer that broke off, which had this local port.
pub(super) fn release(port: u16) {
    // Those without a port may be of a connection that was given up before it was one.
    let is_another = |watched: &Watched| ![0, port].contains(&watched.port());
    SOCKETS.with_borrow_mut(|sockets| sockets.watched.retain(|watched| is_another(watched) || watched.is_open()));
}

/// Returns true if the server needs a new connection for each request: it has sent more than it
/// announced, perhaps only since the last transfer ended. `busy` are the local ports in use.
pub(super) fn is_distrusted(origin: &str, busy: &[u16]) -> bool {
    SOCKETS.with_borrow_mut(|sockets| {
        let idle = |watched: &&Watched| {
            watched.origin.as_deref() == Some(origin) && !busy.contains(&watched.port()) && watched.has_input()
        };
        if sockets.watched.iter().any(|watched| idle(&watched)) {
            sockets.distrusted.insert(origin.to_owned());
        }
        sockets.distrusted.contains(origin)
    })
}

impl Watched {
    /// The port on this side, or zero.
    fn port(&self) -> u16 {
        if self.port.get() == 0 {
            let address = self.socket.local_addr().ok().and_then(|address| address.as_socket());
            self.port.set(address.map_or(0, |address| address.port()));
        }
        self.port.get()
    }

    /// Returns true if there are bytes that have not been read.
    fn has_input(&self) -> bool {
        // libcurl has made the socket one that does not block.
        matches!(self.socket.peek(&mut [MaybeUninit::uninit(); 1]), Ok(1..))
    }

    /// Returns true as long as libcurl has the socket open.
    fn is_open(&self) -> bool {
        fs::read_link(&self.entry).is_ok_and(|link| link == self.link)
    }
}
