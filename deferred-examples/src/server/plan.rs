//! What a url asks the server to do.

use core::str::FromStr;
use core::time::Duration;

use super::request::Request;

/// One answer, as the words in the query of its url describe it.
#[derive(Debug)]
pub(crate) struct Plan {
    /// `size=N`: how many bytes the file has.
    pub(crate) size: u64,
    /// `delay=MS`: how long to wait before the head.
    pub(crate) delay: Duration,
    /// `drip=MS`: how long to wait before each `step` bytes of the body.
    pub(crate) drip: Option<Duration>,
    /// `step=N`: how many bytes are written at once.
    pub(crate) step: u64,
    /// `status=N`: the status code instead of 200 or 206.
    pub(crate) status: Option<u16>,
    /// `fail=N`: the first N requests for the path get `status`, or 503, and the later ones the file.
    pub(crate) fail: Option<usize>,
    /// `cut=N`: the connection is closed after N bytes of the body.
    pub(crate) cut: Option<u64>,
    /// `reset=N`: the connection is reset after N bytes of the body.
    pub(crate) reset: Option<u64>,
    /// `stall=N`: nothing more comes after N bytes of the body.
    pub(crate) stall: Option<u64>,
    /// `once`: `cut`, `reset` and `stall` are for the first request for the path only.
    pub(crate) once: bool,
    /// `length=N`: announce this length, whatever comes; `length=none`: announce none.
    pub(crate) length: Option<Option<u64>>,
    /// `extra=TEXT`: send this right behind the body, beyond the length announced.
    pub(crate) extra: Option<String>,
    /// `chunked`: send the body in chunks.
    pub(crate) chunked: bool,
    /// `gzip`: send the body in a gzip wrapper, and say so.
    pub(crate) gzip: bool,
    /// `ranges=off|wrong|blind|mute|unknown`: ignore `Range`, answer it with another range than the one asked for, ignore
    /// `If-Range`, the same without an entity tag, or do not say how long the whole file is.
    pub(crate) ranges: Ranges,
    /// `etag=off`: send no entity tag.
    pub(crate) etag: bool,
    /// `modified=DATE`: send this `Last-Modified`, and accept it in `If-Range`.
    pub(crate) modified: Option<String>,
    /// `fields=LINE`: more header fields, sent byte for byte.
    pub(crate) fields: Vec<String>,
    /// `giant=N`: one more header field of N bytes.
    pub(crate) giant: usize,
}

/// What becomes of a `Range` in the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ranges {
    /// It is honoured.
    Honoured,
    /// It is ignored.
    Ignored,
    /// It is answered with a range that starts at the beginning.
    Wrong,
    /// It is honoured for any edition.
    Blind,
    /// It is honoured for any edition, and the answer does not say of which.
    Mute,
    /// It is honoured, and the answer does not say how long the whole file is.
    Unknown,
}

impl Plan {
    /// Reads the query of `request`; words it does not know mean nothing.
    pub(crate) fn of(request: &Request) -> Self {
        let mut plan = Self {
            size: 0,
            delay: Duration::ZERO,
            drip: None,
            step: u64::MAX,
            status: None,
            fail: None,
            cut: None,
            reset: None,
            stall: None,
            once: false,
            length: None,
            extra: None,
            chunked: false,
            gzip: false,
            ranges: Ranges::Honoured,
            etag: true,
            modified: None,
            fields: Vec::new(),
            giant: 0,
        };
        for (word, value) in request.query() {
            plan.take(&word, value);
        }
        plan
    }

    /// Notes one word and its value.
    fn take(&mut self, word: &str, value: String) {
        match word {
            "size" => self.size = number(&value).unwrap_or(0),
            "delay" => self.delay = millis(&value).unwrap_or_default(),
            "drip" => self.drip = millis(&value),
            "step" => self.step = number(&value).unwrap_or(1).max(1),
            "status" => self.status = number(&value),
            "fail" => self.fail = number(&value),
            "cut" => self.cut = number(&value),
            "reset" => self.reset = number(&value),
            "stall" => self.stall = number(&value),
            "once" => self.once = true,
            "length" => self.length = Some(number(&value)),
            "extra" => self.extra = Some(value),
            "chunked" => self.chunked = true,
            "gzip" => self.gzip = true,
            "ranges" if value == "off" => self.ranges = Ranges::Ignored,
            "ranges" if value == "wrong" => self.ranges = Ranges::Wrong,
            "ranges" if value == "blind" => self.ranges = Ranges::Blind,
            "ranges" if value == "mute" => self.ranges = Ranges::Mute,
            "ranges" if value == "unknown" => self.ranges = Ranges::Unknown,
            "etag" => self.etag = value != "off",
            "modified" => self.modified = Some(value),
            "fields" => self.fields.push(value),
            "giant" => self.giant = number(&value).unwrap_or(0),
            _ => {}
        }
    }

    /// The status that a request after `earlier` others for its path gets instead of the file.
    pub(crate) fn refusal(&self, earlier: usize) -> Option<u16> {
        match self.fail {
            Some(first) if earlier < first => Some(self.status.unwrap_or(503)),
            Some(_) => None,
            None => self.status,
        }
    }

    /// After how many bytes of the body the answer to a request after `earlier` others breaks off.
    pub(crate) fn breaks(&self, earlier: usize) -> Option<(Break, u64)> {
        if self.once && earlier > 0 {
            return None;
        }
        let given = [(Break::Cut, self.cut), (Break::Reset, self.reset), (Break::Stall, self.stall)];
        given.into_iter().find_map(|(kind, at)| Some((kind, at?)))
    }
}

/// How a body breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    /// The connection is closed in good order.
    Cut,
    /// The connection is reset.
    Reset,
    /// The connection stays open and silent.
    Stall,
}

/// A number, or nothing.
fn number<N: FromStr>(value: &str) -> Option<N> {
    value.parse().ok()
}

/// A number of milliseconds, or nothing.
fn millis(value: &str) -> Option<Duration> {
    number(value).map(Duration::from_millis)
}
