//! What went wrong with a transfer, in words for people.

use std::{fmt, io};

/// The codes of libcurl after which the same request would end the same way.
const LASTING: [u32; 9] = [
    1,  // the scheme is not supported
    3,  // the url is malformed
    8,  // the answer is not HTTP
    58, // a certificate of our own is not usable
    60, // the server's certificate is not valid
    61, // the encoding of the content is not known
    66, // the TLS engine
    77, // the file of certificates
    TOO_LARGE,
];

/// The code of libcurl for a time that was too long.
const TIMED_OUT: u32 = 28;

/// The code of libcurl for a connection that could not be made.
const NO_CONNECTION: u32 = 7;

/// The code of libcurl for a body that ended early.
const PARTIAL: u32 = 18;

/// The code of libcurl for a header field that was too large.
const TOO_LARGE: u32 = 100;

/// Why a transfer failed.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    /// A clause.
    clause: String,
    /// The code of libcurl, where it is libcurl that failed.
    code: Option<u32>,
}

impl Trouble {
    /// What libcurl says; `details` is what it says about this transfer alone.
    pub(super) fn new(error: &curl::Error, details: Option<String>) -> Self {
        let code = error.code();
        let mut clause = match details {
            _ if code == PARTIAL => "less came than was announced".into(),
            _ if code == TOO_LARGE => "a header field is too large".into(),
            Some(details) if !details.trim().is_empty() => details.trim().trim_end_matches('.').to_owned(),
            _ => error.description().to_owned(),
        };
        let second = clause.chars().nth(1);
        if let (Some(first), true) = (clause.get_mut(..1), second.is_some_and(char::is_lowercase)) {
            first.make_ascii_lowercase();
        }
        Self { clause, code: Some(code) }
    }

    /// An answer that makes no sense, and will make none.
    pub(super) fn answer(clause: &str) -> Self {
        Self { clause: clause.into(), code: None }
    }

    /// What the system says when it gives libcurl no socket.
    pub(super) fn no_socket(error: &io::Error) -> Self {
        Self { clause: format!("cannot open a socket: {error}"), code: Some(NO_CONNECTION) }
    }

    /// Returns true if the same request may do better a little later.
    pub(crate) fn is_transient(&self) -> bool {
        self.code.is_some_and(|code| !LASTING.contains(&code))
    }

    /// Returns true if something took too long.
    pub(crate) fn is_timeout(&self) -> bool {
        self.code == Some(TIMED_OUT)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.clause)
    }
}

impl std::error::Error for Trouble {}

impl From<Trouble> for io::Error {
    /// What will not change is invalid data.
    fn from(trouble: Trouble) -> Self {
        let kind = if trouble.is_transient() { io::ErrorKind::ConnectionAborted } else { io::ErrorKind::InvalidData };
        Self::new(kind, trouble)
    }
}
