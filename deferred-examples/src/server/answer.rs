//! Writing an answer, well or badly, as its plan says.

use core::time::Duration;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::TcpStream;

use socket2::SockRef;

use super::content::Content;
use super::plan::{Break, Plan, Ranges};
use super::request::Request;
use super::{InProgress, Shared};

/// How much is written at once where the plan does not say.
const PIECE: u64 = 256 * 1024;

/// Longer than any client waits.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// Answers one request; returns true if the connection can take another.
///
/// The request stops counting just before the last bytes are written, so that a client which asks
/// for the next file when it has this one is never counted twice.
pub(crate) fn answer(
    mut stream: &TcpStream,
    shared: &Shared,
    request: &Request,
    earlier: usize,
    in_progress: InProgress<'_>,
) -> io::Result<bool> {
    let plan = Plan::of(request);
    shared.sleep(plan.delay);
    if let Some(status) = plan.refusal(earlier) {
        let head = format!("HTTP/1.1 {status} As Asked\r\ncontent-length: 0\r\n");
        drop(in_progress);
        stream.write_all(finish(head, &plan).as_bytes())?;
        return Ok(true);
    }

    let edition = shared.edition();
    let content = Content::edition(request.path(), plan.size, edition);
    let mut head = String::new();
    let from = match Range::asked(request, &plan, edition) {
        Range::Whole => {
            head.push_str("HTTP/1.1 200 OK\r\n");
            0
        }
        Range::From(start) => {
            let said = if plan.ranges == Ranges::Wrong { 0 } else { start };
            head.push_str("HTTP/1.1 206 Partial Content\r\n");
            let total = if plan.ranges == Ranges::Unknown { "*".to_owned() } else { plan.size.to_string() };
            line(&mut head, format_args!("content-range: bytes {said}-{}/{total}", plan.size - 1));
            said
        }
        Range::Beyond => {
            head.push_str("HTTP/1.1 416 Range Not Satisfiable\r\ncontent-length: 0\r\n");
            line(&mut head, format_args!("content-range: bytes */{}", plan.size));
            drop(in_progress);
            stream.write_all(finish(head, &plan).as_bytes())?;
            return Ok(true);
        }
    };
    if plan.etag && (from == 0 || plan.ranges != Ranges::Mute) {
        line(&mut head, format_args!("etag: {}", entity_tag(edition)));
    }
    if let Some(date) = &plan.modified {
        line(&mut head, format_args!("last-modified: {date}"));
    }
    let body = Body::of(&plan, content, from);
    let announced = plan.length.unwrap_or((!plan.chunked).then(|| body.len()));
    if let Some(length) = announced {
        line(&mut head, format_args!("content-length: {length}"));
    }
    if plan.chunked {
        head.push_str("transfer-encoding: chunked\r\n");
    }
    if plan.gzip {
        head.push_str("content-encoding: gzip\r\n");
    }
    let reusable = plan.chunked || announced == Some(body.len());
    if !reusable {
        head.push_str("connection: close\r\n");
    }
    stream.write_all(finish(head, &plan).as_bytes())?;
    let whole = send_body(stream, shared, &plan, &body, earlier, in_progress)?;
    Ok(whole && reusable)
}

/// Sends the body; returns false if the plan breaks it off.
fn send_body(
    mut stream: &TcpStream,
    shared: &Shared,
    plan: &Plan,
    body: &Body,
    earlier: usize,
    in_progress: InProgress<'_>,
) -> io::Result<bool> {
    let breaks = plan.breaks(earlier);
    let end = breaks.map_or(body.len(), |(_, at)| at.min(body.len()));
    let mut in_progress = Some(in_progress);
    let mut at = 0;
    while at < end && !shared.stopped() {
        if let Some(time) = plan.drip {
            shared.sleep(time);
        }
        let piece = body.piece(at, (end - at).min(plan.step).min(PIECE));
        at += piece.len() as u64;
        if at == end && breaks.is_none() && !plan.chunked {
            in_progress = None;
        }
        if plan.chunked {
            write!(stream, "{:x}\r\n", piece.len())?;
            stream.write_all(piece)?;
            stream.write_all(b"\r\n")?;
        } else if let (true, Some(extra)) = (at == end, &plan.extra) {
            // In one piece, so that whoever has the end of the body has what is beyond it, too.
            stream.write_all(&[piece, extra.as_bytes()].concat())?;
        } else {
            stream.write_all(piece)?;
        }
    }
    match breaks {
        None => {
            drop(in_progress);
            if plan.chunked {
                stream.write_all(b"0\r\n\r\n")?;
            }
        }
        Some((Break::Cut, _)) => {}
        Some((Break::Reset, _)) => {
            // A linger time of nothing turns the close into a reset.
            SockRef::from(stream).set_linger(Some(Duration::ZERO))?;
        }
        Some((Break::Stall, _)) => shared.sleep(FOR_EVER),
    }
    Ok(breaks.is_none())
}

/// What of the file is asked for.
enum Range {
    /// All of it.
    Whole,
    /// The bytes from here on.
    From(u64),
    /// Bytes that are not there.
    Beyond,
}

impl Range {
    /// Reads `Range` and `If-Range`.
    fn asked(request: &Request, plan: &Plan, edition: u64) -> Self {
        let Some(start) = request.range_start() else {
            return Self::Whole;
        };
        let tag = entity_tag(edition);
        let current = request
            .header("if-range")
            .is_none_or(|validator| (plan.etag && validator == tag) || plan.modified.as_deref() == Some(validator));
        if plan.ranges == Ranges::Ignored || (!matches!(plan.ranges, Ranges::Blind | Ranges::Mute) && !current) {
            Self::Whole
        } else if start >= plan.size {
            Self::Beyond
        } else {
            Self::From(start)
        }
    }
}

/// The body of an answer.
enum Body {
    /// A file from some offset on.
    File(Content, u64),
    /// Bytes made for this answer.
    Made(Vec<u8>),
}

impl Body {
    /// The body that `plan` asks for.
    fn of(plan: &Plan, content: Content, from: u64) -> Self {
        if plan.gzip { Self::Made(gzip(&content.bytes())) } else { Self::File(content, from) }
    }

    /// Its length.
    fn len(&self) -> u64 {
        match self {
            Self::File(content, from) => content.size() - from,
            Self::Made(bytes) => bytes.len() as u64,
        }
    }

    /// Some bytes from `at` on, at most `limit`, at least one where there is one.
    fn piece(&self, at: u64, limit: u64) -> &[u8] {
        match self {
            Self::File(content, from) => content.piece(from + at, limit),
            Self::Made(bytes) => {
                let rest = &bytes[usize::try_from(at).unwrap_or(bytes.len())..];
                &rest[..rest.len().min(usize::try_from(limit).unwrap_or(usize::MAX))]
            }
        }
    }
}

/// The entity tag of an edition.
fn entity_tag(edition: u64) -> String {
    format!("\"edition-{edition}\"")
}

/// Adds one header field.
fn line(head: &mut String, field: core::fmt::Arguments<'_>) {
    // A string takes whatever it is given.
    let _ = write!(head, "{field}\r\n");
}

/// Adds the fields that the plan wants verbatim, and the empty line.
fn finish(mut head: String, plan: &Plan) -> String {
    for field in &plan.fields {
        line(&mut head, format_args!("{field}"));
    }
    if plan.giant > 0 {
        line(&mut head, format_args!("giant: {}", "x".repeat(plan.giant)));
    }
    head.push_str("\r\n");
    head
}

/// Wraps bytes in gzip without compressing them (RFC 1951, 3.2.4; RFC 1952).
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    for block in bytes.chunks(0xffff) {
        let length = block.len() as u16;
        out.push(0);
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out.extend([1, 0, 0, 0xff, 0xff]);
    out.extend(crc32(bytes).to_le_bytes());
    out.extend((bytes.len() as u32).to_le_bytes());
    out
}

/// The check sum of gzip.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    };
    !bytes.iter().fold(!0, step)
}
