//! A file while it grows: `.NAME.part`, and beside it a note that says of what it is a part.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::checksum::Checksum;
use crate::error::DownloadError;
use crate::fetch::Headers;
use crate::folder::{Place, create_anew, create_new, open_plain};

/// What a file is called while it grows, behind its name.
const PART: &str = "part";

/// The most that a note is read of.
const MAX_NOTE: u64 = 16 * 1024;

/// A file that has grown this long is worth continuing even if this program is killed.
const WORTH_A_NOTE: u64 = 1024 * 1024;

/// How much is hashed at once.
const HASH_STEP: usize = 64 * 1024;

/// What an earlier try left behind and a new one may go on from.
#[derive(Debug)]
pub(crate) struct Kept {
    /// The part, which nobody else may write now.
    file: File,
    /// How many bytes are there.
    pub(crate) len: u64,
    /// What says which edition of the file they are of: an entity tag or a date.
    pub(crate) validator: String,
}

impl Kept {
    /// Finds a part of the file at `url` that can be continued, and takes it.
    ///
    /// # Errors
    ///
    /// When somebody else is writing it.
    pub(crate) fn find(place: &Place, url: &str) -> Result<Option<Self>, DownloadError> {
        let Some(file) = take(&place.beside(PART))? else { return Ok(None) };
        let data = file.metadata().ok();
        let len = data.as_ref().map_or(0, fs::Metadata::len);
        // A note that is older than the part was left by another one, which somebody took away.
        let begun = data.and_then(|data| data.created().ok());
        let noted = read_note(place, begun).ok().filter(|(from, _)| from == url && len > 0);
        Ok(noted.map(|(_, validator)| Self { file, len, validator }))
    }

    /// Returns true if the place holds a part of something else than `url`.
    pub(crate) fn of_another(place: &Place, url: &str) -> bool {
        read_note(place, None).is_ok_and(|(from, _)| from != url)
    }
}

/// A file that is being written, by nobody else.
///
/// Dropped before it is published, it stays if another try can continue it, and goes otherwise.
#[derive(Debug)]
pub(crate) struct Part {
    /// Where the file will be.
    place: Place,
    /// Where it grows.
    path: PathBuf,
    /// The file, locked as long as it is open.
    file: File,
    /// How many bytes it has.
    len: u64,
    /// What another try needs to continue the file: its url and its validator.
    origin: Option<(String, String)>,
    /// Set if there is a note that says so.
    noted: bool,
    /// Set once the file has its final name.
    published: bool,
}

impl Part {
    /// Starts a file anew, in place of what was kept; `headers` are those of the response it comes from.
    ///
    /// # Errors
    ///
    /// When it cannot be created, or somebody else is writing it.
    pub(crate) fn create(
        place: &Place,
        url: &str,
        headers: &Headers,
        kept: Option<Kept>,
    ) -> Result<Self, DownloadError> {
        let path = place.beside(PART);
        let file = match create_new(&path) {
            // Whatever is there, a link perhaps, is taken away and not written to; but not from under another run.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let _before = match kept {
                    Some(kept) => Some(kept.file),
                    None => take(&path)?,
                };
                // Its note is not about what is written now.
                remove_note(place);
                create_anew(&path)
            }
            // Seldom is there anything to look at.
            created => created,
        };
        let file = file.map_err(DownloadError::save("create", &path))?;
        if !lock(&file) || !is_at(&file, &path) {
            return Err(DownloadError::Busy(path));
        }
        Ok(Self {
            place: place.clone(),
            path,
            file,
            len: 0,
            origin: validator(headers).map(|validator| (url.to_owned(), validator.to_owned())),
            noted: false,
            published: false,
        })
    }

    /// Goes on with what an earlier try left.
    pub(crate) fn resume(place: &Place, url: &str, kept: Kept) -> Self {
        let Kept { file, len, validator } = kept;
        let origin = Some((url.to_owned(), validator));
        Self { place: place.clone(), path: place.beside(PART), file, len, origin, noted: true, published: false }
    }

    /// Returns the name that the file will have.
    pub(crate) fn name(&self) -> &str {
        self.place.name().as_str()
    }

    /// Returns how many bytes the file has.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Appends bytes.
    ///
    /// They go straight to the system's cache: no thread hop and no copy of ours in between.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        self.file.write_all(bytes).map_err(DownloadError::save("write", &self.path))?;
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
            self.noted = write_note(&self.place, url, validator).is_ok();
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

    /// Gives the file its final name, and returns the path and the length.
    ///
    /// It stays locked until it has the name, so that nobody takes it for a part on the way.
    pub(crate) fn publish(mut self) -> Result<(PathBuf, u64), DownloadError> {
        let path = self.place.publish(&self.path)?;
        self.published = true;
        if self.noted {
            remove_note(&self.place);
        }
        Ok((path, self.len))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.published {
            return;
        }
        if self.len > 0 {
            self.note();
        }
        if self.len == 0 || self.origin.is_none() {
            let _ = fs::remove_file(&self.path);
            remove_note(&self.place);
        }
    }
}

/// Opens the part at `path` for appending and locks it; nothing if there is none, or something else.
fn take(path: &Path) -> Result<Option<File>, DownloadError> {
    loop {
        let Ok(file) = open_plain(path, OpenOptions::new().append(true)) else { return Ok(None) };
        if !lock(&file) {
            return Err(DownloadError::Busy(path.to_owned()));
        }
        // Between opening and locking, its writer may have finished it.
        if is_at(&file, path) {
            return Ok(Some(file));
        }
    }
}

/// Locks a file until it is closed; returns false if another run has it locked.
fn lock(file: &File) -> bool {
    #[cfg(unix)]
    {
        use rustix::fs::{FlockOperation, flock};
        // A file system without locks has to do without.
        !matches!(flock(file, FlockOperation::NonBlockingLockExclusive), Err(rustix::io::Errno::WOULDBLOCK))
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        true
    }
}

/// Returns true if `path` leads to this very file.
fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let id = |data: fs::Metadata| (data.dev(), data.ino());
        file.metadata().map(id).ok() == fs::symlink_metadata(path).map(id).ok()
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        path.exists()
    }
}

/// What tells this edition of a file from any other, byte for byte.
///
/// Of a body that came encoded there is none: a range would be one of other bytes than those saved.
fn validator(headers: &Headers) -> Option<&str> {
    if headers.is_encoded() {
        return None;
    }
    let tag = headers.get("etag").filter(|tag| tag.starts_with('"'));
    tag.or_else(|| headers.get("last-modified")).filter(|validator| is_plain(validator))
}

/// Returns true if `validator` can be sent back as it is.
fn is_plain(validator: &str) -> bool {
    validator.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// Where the note of a place is.
fn note(place: &Place) -> PathBuf {
    place.beside("part.note")
}

/// Writes down of what the part is a part.
fn write_note(place: &Place, url: &str, validator: &str) -> io::Result<()> {
    create_anew(&note(place))?.write_all(format!("{url}\n{validator}\n").as_bytes())
}

/// Reads the url and the validator, unless they were written before `begun`.
fn read_note(place: &Place, begun: Option<SystemTime>) -> io::Result<(String, String)> {
    let file = open_plain(&note(place), OpenOptions::new().read(true))?;
    if begun.is_some_and(|begun| file.metadata().and_then(|data| data.modified()).is_ok_and(|noted| noted < begun)) {
        return Err(ErrorKind::NotFound.into());
    }
    let mut text = String::new();
    file.take(MAX_NOTE).read_to_string(&mut text)?;
    match text.lines().collect::<Vec<_>>().as_slice() {
        [url, validator] if is_plain(validator) => Ok(((*url).to_owned(), (*validator).to_owned())),
        _ => Err(ErrorKind::InvalidData.into()),
    }
}

/// Removes the note, if there is one.
fn remove_note(place: &Place) {
    let _ = fs::remove_file(note(place));
}
