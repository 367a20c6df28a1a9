//! Reading the head of a request.

use std::io::{self, BufRead, Read};

use url::form_urlencoded;

/// The most that the head of a request may take.
const MAX_HEAD: u64 = 64 * 1024;

/// The head of one request.
#[derive(Debug)]
pub(crate) struct Request {
    /// The request line and the header fields, as sent, without the empty line.
    head: String,
    /// The part of the target before the question mark.
    path: String,
    /// The part after it.
    query: String,
}

impl Request {
    /// Reads the next request, or `None` when the client has closed the connection.
    pub(crate) fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut head = String::new();
        let mut limited = reader.take(MAX_HEAD);
        loop {
            let before = head.len();
            if limited.read_line(&mut head)? == 0 {
                return Ok(None);
            }
            if matches!(&head[before..], "\r\n" | "\n") {
                head.truncate(before);
                break;
            }
        }
        let target = head.split_ascii_whitespace().nth(1).unwrap_or("/");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Ok(Some(Self { path: path.to_owned(), query: query.to_owned(), head }))
    }

    /// The request line and header fields as they were sent.
    pub(crate) fn head(&self) -> &str {
        &self.head
    }

    /// The path, still percent-encoded.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The decoded pairs of the query.
    pub(crate) fn query(&self) -> impl Iterator<Item = (String, String)> + '_ {
        form_urlencoded::parse(self.query.as_bytes()).into_owned()
    }

    /// The value of the header field `name`, in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The first byte asked for by a `Range: bytes=N-` field.
    pub(crate) fn range_start(&self) -> Option<u64> {
        let range = self.header("range")?.strip_prefix("bytes=")?;
        range.strip_suffix('-')?.parse().ok()
    }
}
