//! A file while it grows: `.NAME.part`, and beside it a note that says of what it is a part.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::checksum::Checksum;
use crate::error::DownloadError;
use crate::fetch::Headers;
use crate::folder::{Place, create_anew, create_new, open_plain};
use crate::note::Note;

/// What a file is called while it grows, behind its name.
const PART: &str = "part";

/// A file that has grown this long is worth continuing even if this program is killed.
const WORTH_A_NOTE: u64 = 1024 * 1024;

/// What an earlier try left behind and a new one may go on from.
#[derive(Debug)]
pub(crate) struct Kept {
    /// The part, which nobody else may write now.
    file: File,
    /// How many bytes are there.
    pub(crate) len: u64,
    /// Of what.
    pub(crate) note: Note,
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
        let note = Note::read(place, begun).ok().filter(|note| note.is_of(url) && len > 0);
        Ok(note.map(|note| Self { file, len, note }))
    }

    /// Returns true if the place holds a part of something else than `url`.
    pub(crate) fn of_another(place: &Place, url: &str) -> bool {
        Note::read(place, None).is_ok_and(|note| !note.is_of(url))
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
    /// What another try needs to continue the file.
    note: Option<Note>,
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
                Note::remove(place);
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
            note: Note::new(url, headers),
            noted: false,
            published: false,
        })
    }

    /// Goes on with what an earlier try left.
    pub(crate) fn resume(place: &Place, kept: Kept) -> Self {
        let Kept { file, len, note } = kept;
        let note = Some(note);
        Self { place: place.clone(), path: place.beside(PART), file, len, note, noted: true, published: false }
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
            self.write_note();
        }
        Ok(())
    }

    /// Writes down what the file is a part of, so that another try can continue it.
    fn write_note(&mut self) {
        if let Some(note) = self.note.as_ref().filter(|_| !self.noted) {
            // Without a note the file cannot be continued later, and is none the worse.
            self.noted = note.write(&self.place).is_ok();
            if !self.noted {
                self.note = None;
            }
        }
    }

    /// Fails if the part is not there any more, or another one is: somebody took it away.
    ///
    /// Where files cannot be locked, another run may have.
    fn is_there(&self) -> Result<(), DownloadError> {
        if is_at(&self.file, &self.path) { Ok(()) } else { Err(DownloadError::Busy(self.path.clone())) }
    }

    /// Compares the file with the sum that is wanted, reading it once more.
    pub(crate) async fn verify(&self, wanted: Checksum) -> Result<(), DownloadError> {
        self.is_there()?;
        let file = open_plain(&self.path, OpenOptions::new().read(true));
        wanted.verify(file, &self.path).await
    }

    /// Takes the file away when this is dropped: it is not what it should be.
    pub(crate) fn discard(&mut self) {
        self.note = None;
    }

    /// Gives the file its final name, and returns the path and the length.
    ///
    /// It stays locked until it has the name, so that nobody takes it for a part on the way.
    pub(crate) fn publish(mut self) -> Result<(PathBuf, u64), DownloadError> {
        self.is_there()?;
        let path = self.place.publish(&self.path)?;
        self.published = true;
        if self.noted {
            Note::remove(&self.place);
        }
        Ok((path, self.len))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.published || self.is_there().is_err() {
            return;
        }
        if self.len > 0 {
            self.write_note();
        }
        if self.len == 0 || self.note.is_none() {
            let _ = fs::remove_file(&self.path);
            Note::remove(&self.place);
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
