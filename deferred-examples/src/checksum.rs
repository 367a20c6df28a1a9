//! SHA-256 sums: those that are wanted, and those that were found.

use core::fmt;
use core::str::FromStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::DownloadError;

/// How much is hashed at once.
const HASH_STEP: usize = 64 * 1024;

/// A SHA-256 sum, written `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Checksum([u8; 32]);

impl Checksum {
    /// Compares a file, which is at `path`, with this sum; other tasks go on meanwhile.
    ///
    /// # Errors
    ///
    /// When it has another sum, or cannot be opened or read.
    pub(crate) async fn verify(self, file: io::Result<File>, path: &Path) -> Result<(), DownloadError> {
        let failed = || DownloadError::save("read", path);
        let mut file = file.map_err(failed())?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; HASH_STEP];
        loop {
            let n = file.read(&mut buffer).map_err(failed())?;
            if n == 0 {
                break;
            }
            hasher.update(&buffer[..n]);
            futures_lite::future::yield_now().await;
        }
        let found = Self(hasher.finalize().into());
        if found == self { Ok(()) } else { Err(DownloadError::Checksum { wanted: self, found }) }
    }
}

impl FromStr for Checksum {
    type Err = ParseChecksumError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("sha256:").ok_or(ParseChecksumError)?;
        if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ParseChecksumError);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let pair = core::str::from_utf8(pair).map_err(|_| ParseChecksumError)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| ParseChecksumError)?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex(&self.0))
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The text is not `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseChecksumError;

impl fmt::Display for ParseChecksumError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a checksum is `sha256:` and 64 hexadecimal digits")
    }
}

impl core::error::Error for ParseChecksumError {}

/// Writes bytes as lowercase hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
