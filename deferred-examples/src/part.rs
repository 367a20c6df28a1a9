//! A file while it grows: `.NAME.part`, and beside it a note that says of what it is a part.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::checksum::Checksum;
use crate::error::DownloadError;
use crate::fetch::Headers;
use crate::folder::{Place, create_anew, open_plain};

/// The most that a note is read of.
const MAX_NOTE: u64 = 16 * 1024;

/// A file that has grown this long is worth continuing even if this program is killed.
const WORTH_A_NOTE: u64 = 1024 * 1024;

/// How much is hashed at once.
const HASH_STEP: usize = 64 * 1024;

/// What an earlier try left behind and a new one may go on from.
#[derive(Debug)]
pub(crate) struct Kept {
    /// How many bytes are there.
    pub(crate) len: u64,
    /// What says which edition of the file they are of: an entity tag or a date.
    pub(crate) validator: String,
}

impl Kept {
    /// Finds a part of the file at `url` that can be continued.
    pub(crate) fn find(place: &Place, url: &str) -> Option<Self> {
        let (from, validator) = read_note(place).ok()?;
        let path = place.beside("part");
        let len = fs::symlink_metadata(path).ok().filter(|data| data.is_file())?.len();
        (from == url && len > 0).then_some(Self { len, validator })
    }

    /// Returns true if the place holds a part of something else than `url`.
    pub(crate) fn of_another(place: &Place, url: &str) -> bool {
        read_note(place).is_ok_and(|(from, _)| from != url)
    }
}

/// A file that is being written.
///
/// Dropped before it is published, it stays if another try can continue it, and goes otherwise.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    /// Where the file will be.
    place: &'a Place,
    /// Where it grows.
    path: PathBuf,
    /// The file; taken when it is closed.
    file: Option<File>,
    /// How many bytes it has.
    len: u64,
    /// What another try needs to continue the file: its url and its validator.
    origin: Option<(String, String)>,
    /// Set if there is a note that says so.
    noted: bool,
    /// Set once the file has its final name.
    published: bool,
}

impl<'a> Part<'a> {
    /// Starts a file anew; `headers` are those of the response it comes from.
    pub(crate) fn create(place: &'a Place, url: &str, headers: &Headers) -> Result<Self, DownloadError> {
        let path = place.beside("part");
        // A note of an earlier try is not about what is written now.
        remove_note(place);
        let file = create_anew(&path).map_err(DownloadError::save("create", &path))?;
        Ok(Self {
            place,
            path,
            file: Some(file),
            len: 0,
            origin: validator(headers).map(|validator| (url.to_owned(), validator.to_owned())),
            noted: false,
            published: false,
        })
    }

    /// Goes on with what an earlier try left.
    pub(crate) fn resume(place: &'a Place, url: &str, kept: &Kept) -> Result<Self, DownloadError> {
        let path = place.beside("part");
        let mut options = OpenOptions::new();
        let file = open_plain(&path, options.append(true)).map_err(DownloadError::save("continue", &path))?;
        let len = file.metadata().map_err(DownloadError::save("continue", &path))?.len();
        if len != kept.len {
            let changed = io::Error::new(ErrorKind::InvalidData, "it changed meanwhile");
            return Err(DownloadError::save("continue", &path)(changed));
        }
        Ok(Self {
            place,
            path,
            file: Some(file),
            len,
            origin: Some((url.to_owned(), kept.validator.clone())),
            noted: true,
            published: false,
        })
    }

    /// Returns how many bytes the file has.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Appends bytes.
    ///
    /// They go straight to the system's cache: no thread hop and no copy of ours in between.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.write_all(bytes).map_err(DownloadError::save("write", &self.path))?;
        self.len += bytes.len() as u64;
        if self.len >= WORTH_A_NOTE {
            self.note();
        }
        Ok(())
    }

    /// Writes down what the file is a part of, so that another try can continue it.
    fn note(&mut self) {
        if let Some((url, validator)) = self.origin.as_ref().filter(|_| !self.noted) {
            // Without a note the file cannot be continued later, and is none the worse.
            self.noted = write_note(self.place, url, validator).is_ok();
            if !self.noted {
                self.origin = None;
            }
        }
    }

    /// Compares the file with the sum that is wanted, reading it once more.
    pub(crate) async fn verify(&self, wanted: Checksum) -> Result<(), DownloadError> {
        let failed = || DownloadError::save("read", &self.path);
        let mut file = open_plain(&self.path, OpenOptions::new().read(true)).map_err(failed())?;
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
        let found = Checksum::new(hasher.finalize().into());
        if found == wanted { Ok(()) } else { Err(DownloadError::Checksum { wanted, found }) }
    }

    /// Takes the file away when this is dropped: it is not what it should be.
    pub(crate) fn discard(&mut self) {
        self.origin = None;
    }

    /// Closes the file and gives it its final name.
    pub(crate) fn publish(mut self) -> Result<u64, DownloadError> {
        drop(self.file.take());
        self.place.publish(&self.path)?;
        self.published = true;
        if self.noted {
            remove_note(self.place);
        }
        Ok(self.len)
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        drop(self.file.take());
        if self.published {
            return;
        }
        if self.len > 0 {
            self.note();
        }
        if self.len == 0 || self.origin.is_none() {
            let _ = fs::remove_file(&self.path);
            remove_note(self.place);
        }
    }
}

/// What tells this edition of a file from any other, byte for byte.
fn validator(headers: &Headers) -> Option<&str> {
    let tag = headers.get("etag").filter(|tag| tag.starts_with('"'));
    tag.or_else(|| headers.get("last-modified"))
}

/// Where the note of a place is.
fn note(place: &Place) -> PathBuf {
    place.beside("part.note")
}

/// Writes down of what the part is a part.
fn write_note(place: &Place, url: &str, validator: &str) -> io::Result<()> {
    create_anew(&note(place))?.write_all(format!("{url}\n{validator}\n").as_bytes())
}

/// Reads the url and the validator.
fn read_note(place: &Place) -> io::Result<(String, String)> {
    let file = open_plain(&note(place), OpenOptions::new().read(true))?;
    let mut text = String::new();
    file.take(MAX_NOTE).read_to_string(&mut text)?;
    match text.lines().collect::<Vec<_>>().as_slice() {
        [url, validator] => Ok(((*url).to_owned(), (*validator).to_owned())),
        _ => Err(ErrorKind::InvalidData.into()),
    }
}

/// Removes the note, if there is one.
fn remove_note(place: &Place) {
    let _ = fs::remove_file(note(place));
}
