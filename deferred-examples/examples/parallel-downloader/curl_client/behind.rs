//! What libcurl has not read yet, asked of libcurl: over TLS nobody else can tell bytes of a body from those of the
//! protocol, and part of them may lie in its own memory.

use std::ffi::c_long;

use curl::multi::Easy2Handle;
use curl_sys::{CURLE_AGAIN, CURLE_OK, CURLOPT_CONNECT_ONLY, CURLOPT_FORBID_REUSE};
use curl_sys::{CURLoption, curl_easy_recv, curl_easy_setopt};

use super::transfer::Transfer;

/// Returns true if bytes have come that libcurl has not passed on; one of them is taken then.
///
/// A connection that has not simply nothing to say is closed: when the transfer ends, or is taken out where it has.
/// To be asked before another transfer can have the connection, and in no callback: there the answer is always false.
pub(super) fn is_excess(transfer: &mut Easy2Handle<Transfer>) -> bool {
    let easy = transfer.raw();
    let set = |option: CURLoption, value: c_long| {
        // SAFETY: `easy` lives as long as `transfer`, and each option that is set here takes a `long`.
        unsafe { curl_easy_setopt(easy, option, value) };
    };
    let (mut byte, mut bytes) = (0_u8, 0);
    // `curl_easy_recv` works only with this option; left set, taking the transfer out closes its connection.
    set(CURLOPT_CONNECT_ONLY, 1);
    // SAFETY: `easy` lives as long as `transfer`, and there is room for the one byte that is asked for. libcurl may call
    // the `Transfer` to say what it does: `transfer` is borrowed mutably, so nobody else has a reference to that.
    let code = unsafe { curl_easy_recv(easy, (&raw mut byte).cast(), 1, &mut bytes) };
    if code == CURLE_AGAIN {
        set(CURLOPT_CONNECT_ONLY, 0);
    } else {
        set(CURLOPT_FORBID_REUSE, 1);
    }
    code == CURLE_OK && bytes > 0
}
