//! The way of a response from libcurl's thread to the task that reads it: a head, bytes, an end.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::trouble::Trouble;

/// How many bytes are handed over at once.
pub(super) const CHUNK: usize = 64 * 1024;

/// With so many bytes waiting libcurl has to wait, too.
const FULL: usize = 2 * CHUNK;

/// The head of a response, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// The status code.
    pub(crate) status: u16,
    /// The header fields.
    pub(crate) fields: Vec<(String, String)>,
}

impl Head {
    /// How long the body is, where that is said and the bytes are those that are sent.
    pub(super) fn length(&self) -> Option<u64> {
        let get = |name| self.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
        match (get("transfer-encoding"), get("content-encoding"), get("content-length")) {
            (None, None, Some((_, length))) => length.parse().ok(),
            _ => None,
        }
    }
}

/// Written by libcurl's thread, read by one task.
#[derive(Debug, Default)]
pub(super) struct Pipe(Mutex<State>);

/// What is on the way.
#[derive(Debug, Default)]
struct State {
    /// The head, until it is taken.
    head: Option<Head>,
    /// Bytes that have come, in order.
    chunks: VecDeque<Vec<u8>>,
    /// How many they are.
    waiting: usize,
    /// A chunk that was read, to be filled again.
    spare: Vec<u8>,
    /// How it ended.
    end: Option<Result<(), Trouble>>,
    /// Set while libcurl waits for room.
    paused: bool,
    /// Whom to tell that there is something.
    reader: Option<Waker>,
}

/// What a reader finds.
pub(super) enum Found {
    /// Bytes; and libcurl has to be told to go on where this is true.
    Bytes(Vec<u8>, bool),
    /// The end.
    End,
}

impl Pipe {
    /// Puts the head in.
    pub(super) fn head(&self, head: Head) {
        self.state().head = Some(head);
    }

    /// Puts bytes in; returns false if there is no room for them yet.
    pub(super) fn write(&self, bytes: &[u8]) -> bool {
        let mut state = self.state();
        if state.waiting >= FULL {
            state.paused = true;
            return false;
        }
        state.waiting += bytes.len();
        match state.chunks.back_mut() {
            // The reader has not come to it: one hand-over is enough for both.
            Some(last) if last.len() + bytes.len() <= CHUNK => last.extend_from_slice(bytes),
            _ => {
                let mut chunk = mem::take(&mut state.spare);
                chunk.clear();
                chunk.reserve(CHUNK.max(bytes.len()));
                chunk.extend_from_slice(bytes);
                state.chunks.push_back(chunk);
            }
        }
        true
    }

    /// Puts the end in; what comes after it is nothing.
    pub(super) fn end(&self, how: Result<(), Trouble>) {
        self.state().end.get_or_insert(how);
    }

    /// Returns true once the end is in.
    pub(super) fn ended(&self) -> bool {
        self.state().end.is_some()
    }

    /// Tells the reader that there is something.
    pub(super) fn wake(&self) {
        let reader = self.state().reader.take();
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Waits for the head.
    pub(super) fn poll_head(&self, cx: &mut Context<'_>) -> Poll<Result<Head, Trouble>> {
        let mut state = self.state();
        if let Some(head) = state.head.take() {
            return Poll::Ready(Ok(head));
        }
        match &state.end {
            Some(Err(trouble)) => Poll::Ready(Err(trouble.clone())),
            Some(Ok(())) => Poll::Ready(Err(Trouble::answer("the server sent nothing"))),
            None => {
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Takes bytes out, or waits for them; `read` is a chunk that is no longer used.
    pub(super) fn poll_read(&self, read: &mut Vec<u8>, cx: &mut Context<'_>) -> Poll<Result<Found, Trouble>> {
        let mut state = self.state();
        if read.capacity() > state.spare.capacity() {
            state.spare = mem::take(read);
        }
        if let Some(chunk) = state.chunks.pop_front() {
            state.waiting -= chunk.len();
            let go_on = state.waiting < FULL && mem::take(&mut state.paused);
            return Poll::Ready(Ok(Found::Bytes(chunk, go_on)));
        }
        match &state.end {
            Some(Err(trouble)) => Poll::Ready(Err(trouble.clone())),
            Some(Ok(())) => Poll::Ready(Ok(Found::End)),
            None => {
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Locks the state, in which a panic leaves nothing half done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
