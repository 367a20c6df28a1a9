//! The bytes of the files served: made up, the same every time, cheap to make and to check.

use std::io::{self, Write};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

/// How many bytes are made up; a prime, so that no power of two is a period of a file.
const BLOCK: usize = 1_048_573;

/// The file of `size` bytes at some path, in some edition.
#[derive(Clone, Copy, Debug)]
pub struct Content {
    /// Where in the block the file starts.
    start: u64,
    /// How long the file is.
    size: u64,
}

impl Content {
    /// The file of `size` bytes at `path` in its first edition.
    pub fn new(path: &str, size: u64) -> Self {
        Self::edition(path, size, 0)
    }

    /// The file of `size` bytes at `path` in `edition`.
    pub fn edition(path: &str, size: u64, edition: u64) -> Self {
        // FNV-1a: any mixing will do, as long as it is the same everywhere.
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let bytes = path.bytes().chain(edition.to_le_bytes());
        let start = bytes.fold(0xcbf2_9ce4_8422_2325, mix) % BLOCK as u64;
        Self { start, size }
    }

    /// Returns the length of the file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the bytes from `offset`, as many as lie in one piece, at most `limit`.
    pub fn piece(&self, offset: u64, limit: u64) -> &'static [u8] {
        let left = self.size.saturating_sub(offset).min(limit);
        let at = ((self.start + offset) % BLOCK as u64) as usize;
        let piece = &block()[at..];
        &piece[..piece.len().min(usize::try_from(left).unwrap_or(usize::MAX))]
    }

    /// Writes the bytes from `from` to `to`.
    ///
    /// # Errors
    ///
    /// Whatever `out` fails with.
    pub fn write(&self, out: &mut impl Write, from: u64, to: u64) -> io::Result<()> {
        let mut at = from;
        while at < to.min(self.size) {
            let piece = self.piece(at, to - at);
            out.write_all(piece)?;
            at += piece.len() as u64;
        }
        Ok(())
    }

    /// Returns the whole file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A vector takes whatever it is given.
        drop(self.write(&mut bytes, 0, self.size));
        bytes
    }

    /// Returns the SHA-256 of the whole file in lowercase hexadecimal.
    pub fn sha256(&self) -> String {
        let mut hasher = Sha256::new();
        drop(self.write(&mut hasher, 0, self.size));
        crate::checksum::hex(&hasher.finalize())
    }
}

/// The made-up bytes.
fn block() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let mut random = fastrand::Rng::with_seed(7);
        let mut bytes = vec![0; BLOCK];
        random.fill(&mut bytes);
        bytes
    })
}
