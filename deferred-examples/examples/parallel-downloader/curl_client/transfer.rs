//! One transfer, as libcurl sees it: what to do with what comes.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;

use curl::easy::{Handler, InfoType, WriteError};
use curl::multi::Socket;
use surf::Url;

use super::pipe::{Head, Pipe};
use super::sockets;
use super::trouble::Trouble;

thread_local! {
    /// The pipes of this thread into which something was put since their readers were told.
    static TOUCHED: RefCell<Vec<Arc<Pipe>>> = const { RefCell::new(Vec::new()) };
}

/// Tells the readers of all pipes into which something was put: once each, however much it was.
pub(super) fn tell_readers() {
    for pipe in TOUCHED.take() {
        pipe.wake();
    }
}

/// A transfer under way.
#[derive(Debug)]
pub(super) struct Transfer {
    /// Where what comes goes to.
    pipe: Arc<Pipe>,
    /// The head that is coming; taken when it is complete.
    head: Option<Head>,
    /// How many bytes of the body are to come, where that is known.
    left: Option<u64>,
    /// Set if more came than was announced.
    excess: bool,
    /// Whether it is known if more came than was announced.
    look: Look,
    /// Set if one connection carries one response after another: before HTTP/2, which has lengths of its own.
    in_sequence: bool,
    /// The local port of its connection, or zero as long as that is not known.
    port: u16,
    /// The sockets that were opened for it.
    opened: Vec<Socket>,
    /// Why no socket could be opened.
    refused: Option<io::Error>,
    /// The server, where its sockets tell what has not been read: that of plain HTTP, on Linux.
    origin: Option<String>,
}

/// A look behind the end of a body.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Look {
    /// The end has not come.
    Ahead,
    /// The end is held back until libcurl has been asked.
    Wanted,
    /// It has been taken.
    Taken,
}

impl Transfer {
    /// From `url` into `pipe`.
    pub(super) fn new(url: &Url, pipe: Arc<Pipe>) -> Self {
        Self {
            pipe,
            head: Some(Head { status: 0, fields: Vec::new() }),
            left: None,
            excess: false,
            look: Look::Ahead,
            in_sequence: false,
            port: 0,
            opened: Vec::new(),
            refused: None,
            origin: (cfg!(target_os = "linux") && url.scheme() == "http").then(|| url.origin().ascii_serialization()),
        }
    }

    /// The server, if its sockets tell what has not been read.
    pub(super) fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// Where what comes goes to.
    pub(super) fn pipe(&self) -> Arc<Pipe> {
        Arc::clone(&self.pipe)
    }

    /// Returns true if it is not known which connection it uses.
    pub(super) fn has_no_port(&self) -> bool {
        self.port == 0
    }

    /// Says which connection it uses.
    pub(super) fn set_port(&mut self, port: u16) {
        self.port = port;
    }

    /// Returns true if it has seen the end of the body and looked behind it.
    pub(super) fn has_looked(&self) -> bool {
        self.look == Look::Taken
    }

    /// Returns true if the end of its body waits until it is known what is behind.
    pub(super) fn wants_look(&self) -> bool {
        self.look == Look::Wanted
    }

    /// Takes note of a look: whether more came than was announced.
    pub(super) fn set_excess(&mut self, excess: bool) {
        self.look = Look::Taken;
        self.excess |= excess;
    }

    /// Returns true if these bytes are to wait: they end the body, and no socket tells what is behind them.
    fn holds_back(&mut self, bytes: usize) -> bool {
        let ends = self.left.is_some_and(|left| left <= bytes as u64);
        if self.needs_look() && ends {
            self.look = Look::Wanted;
        }
        self.wants_look()
    }

    /// Returns true if it is not known yet what is behind its body, and no socket will tell.
    pub(super) fn needs_look(&self) -> bool {
        self.look == Look::Ahead && self.origin.is_none() && self.in_sequence
    }

    /// Hands the head over, once.
    fn flush_head(&mut self) {
        if let Some(head) = self.head.take() {
            self.left = head.length();
            self.pipe.head(head);
        }
    }

    /// Counts bytes of the body, and looks behind the last one.
    ///
    /// Later would be too late where the connection is not kept: libcurl clears it before it closes it.
    fn count(&mut self, bytes: usize) {
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(bytes as u64);
            if let (0, Some(origin)) = (*left, &self.origin) {
                let excess = sockets::is_excess(self.port, &self.opened, origin);
                if let Some(excess) = excess {
                    self.set_excess(excess);
                }
            }
        }
    }

    /// Takes note of the end.
    ///
    /// `excess` is set if there is more to read than was announced.
    pub(super) fn end(&mut self, how: Result<(), Trouble>, excess: bool) {
        let how = match how {
            _ if self.excess || excess => Err(Trouble::answer("more came than was announced")),
            Err(_) if self.refused.is_some() && self.opened.is_empty() => {
                self.refused.take().map_or(how, |error| Err(Trouble::no_socket(&error)))
            }
            how => how,
        };
        if how.is_ok() {
            self.flush_head();
        }
        self.pipe.end(how);
        self.touch();
    }

    /// Remembers that the reader has to be told.
    fn touch(&self) {
        TOUCHED.with_borrow_mut(|touched| {
            if !touched.iter().any(|pipe| Arc::ptr_eq(pipe, &self.pipe)) {
                touched.push(Arc::clone(&self.pipe));
            }
        });
    }
}

impl Handler for Transfer {
    fn header(&mut self, line: &[u8]) -> bool {
        // What comes after the body has begun is a trailer.
        let Some(head) = &mut self.head else { return true };
        let line = text(line);
        if let Some(rest) = line.strip_prefix("HTTP/") {
            // Each answer on the way (100 Continue, that of a proxy) is forgotten when the next begins.
            let status = rest.split_ascii_whitespace().nth(1).and_then(|status| status.parse().ok());
            *head = Head { status: status.unwrap_or(0), fields: Vec::new() };
            self.in_sequence = rest.starts_with("1.");
        } else if let Some((name, value)) = line.split_once(':') {
            head.fields.push((name.trim().to_owned(), value.trim().to_owned()));
        }
        true
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, WriteError> {
        self.flush_head();
        self.touch();
        if self.excess {
            // Fewer than given makes libcurl fail the transfer.
            return Ok(0);
        }
        if self.holds_back(bytes.len()) || !self.pipe.write(bytes) {
            return Err(WriteError::Pause);
        }
        self.count(bytes.len());
        Ok(bytes.len())
    }

    #[cfg(target_os = "linux")]
    fn open_socket(&mut self, domain: i32, kind: i32, protocol: i32) -> Option<Socket> {
        // Perhaps in place of a connection that turned out to be gone.
        self.port = 0;
        match sockets::open(domain, kind, protocol) {
            Ok(socket) => {
                self.opened.push(socket);
                Some(socket)
            }
            Err(error) => {
                self.refused = Some(error);
                None
            }
        }
    }

    fn debug(&mut self, kind: InfoType, line: &[u8]) {
        // libcurl leaves out what is beyond the length announced, or the last chunk, and says so here alone.
        let says = |what: &[u8]| matches!(kind, InfoType::Text) && line.starts_with(what);
        if says(b"Excess found") || says(b"Leftovers after chunking") {
            self.excess = true;
        }
    }
}

/// Reads a line as UTF-8, or else as Latin-1, in which every byte is a character.
fn text(line: &[u8]) -> String {
    match std::str::from_utf8(line) {
        Ok(text) => text.to_owned(),
        Err(_) => line.iter().copied().map(char::from).collect(),
    }
}
