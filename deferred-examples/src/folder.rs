//! The directory where files are saved: who has which name, and how a finished file gets it.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::DownloadError;
use crate::name::SafeName;
use crate::note::Note;

/// What to do when the name of a file is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Collision {
    /// Put a number behind the name.
    #[default]
    Number,
    /// Keep the file that is there and download nothing; fail if what is there is no file.
    Skip,
    /// Replace the file that is there.
    Overwrite,
    /// Keep the file that is there and fail.
    Fail,
}

/// A directory in which files appear complete or not at all.
///
/// A file grows as `.NAME.part` beside its final name, so the last step is a rename within one file
/// system. No symbolic link in the directory is ever written through.
#[derive(Debug)]
pub struct Folder {
    /// What its places share with it.
    shared: Arc<Shared>,
}

/// The directory and the names in it.
#[derive(Debug)]
struct Shared {
    /// The directory.
    root: PathBuf,
    /// What to do when a name is taken by a file that was there before.
    collision: Collision,
    /// The names given out by this folder; never two files for one.
    names: Mutex<Names>,
}

/// Names given out.
#[derive(Debug, Default)]
struct Names {
    /// As they are compared on this system.
    taken: HashSet<String>,
    /// Which number to try next for a name, so that a million equal names take linear time.
    next: HashMap<String, u64>,
}

/// A name in a folder that one file alone may use.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The name asked for, to which numbers are added.
    wanted: SafeName,
    /// The name.
    name: SafeName,
    /// The file's final path.
    path: PathBuf,
    /// The directory, for another name when this one is taken by another run meanwhile.
    shared: Arc<Shared>,
}

/// What became of the wish for a name.
#[derive(Debug)]
pub(crate) enum Reserved {
    /// The name is ours.
    Place(Place),
    /// A file of that name is there and is kept.
    Skip(PathBuf),
}

impl Folder {
    /// Uses the directory `root`, which is created for the first file if it is missing then.
    pub fn new(root: impl Into<PathBuf>, collision: Collision) -> Self {
        Self { shared: Arc::new(Shared { root: root.into(), collision, names: Mutex::default() }) }
    }

    /// Returns the directory.
    pub fn root(&self) -> &Path {
        &self.shared.root
    }

    /// Gives out `wanted`, or what the collision rule makes of it.
    ///
    /// Two files of one run never share a name: the second gets a number whatever the rule, except
    /// under [`Collision::Fail`].
    /// `usable` may refuse a name for reasons of its own; numbering then goes on.
    ///
    /// # Errors
    ///
    /// When the name is taken and the rule says so, or the directory cannot be created or read.
    pub(crate) fn reserve(
        &self,
        wanted: &SafeName,
        usable: impl Fn(&Place) -> bool,
    ) -> Result<Reserved, DownloadError> {
        self.shared.reserve(wanted, usable)
    }

    /// Gives out `name`, under which a file was begun, if it is `wanted` or that with a number, and is free or to be
    /// replaced; unless the collision rule is to fail.
    pub(crate) fn reserve_begun(&self, wanted: &SafeName, name: &str) -> Option<Place> {
        let name = wanted.variant(name)?;
        let path = self.root().join(name.as_str());
        let place = Place { wanted: wanted.clone(), name, path, shared: Arc::clone(&self.shared) };
        let is_ours = match self.shared.collision {
            Collision::Number | Collision::Skip => place.is_taken().is_ok_and(|taken| !taken),
            Collision::Overwrite => true,
            Collision::Fail => false,
        };
        (is_ours && self.shared.names().taken.insert(key(&place.name))).then_some(place)
    }
}

impl Shared {
    /// Gives out a name.
    fn reserve(
        self: &Arc<Self>,
        wanted: &SafeName,
        usable: impl Fn(&Place) -> bool,
    ) -> Result<Reserved, DownloadError> {
        let mut names = self.names();
        if names.taken.is_empty() {
            fs::create_dir_all(&self.root).map_err(DownloadError::save("create the directory", &self.root))?;
        }
        let mut replaces = self.collision == Collision::Overwrite;
        let mut name = wanted.clone();
        loop {
            let path = self.root.join(name.as_str());
            if names.taken.insert(key(&name)) {
                let place = Place { wanted: wanted.clone(), name: name.clone(), path, shared: Arc::clone(self) };
                let is_free = !place.is_taken()?;
                if is_free || replaces {
                    if usable(&place) {
                        return if is_free { Ok(place) } else { place.replaceable() }.map(Reserved::Place);
                    }
                    // Somebody else's, who may still ask for it; what else has a number was not asked for.
                    names.taken.remove(&key(&name));
                    replaces = false;
                } else if self.collision == Collision::Skip && place.path.is_file() {
                    // What a link leads to is a file as well.
                    return Ok(Reserved::Skip(place.path));
                } else if matches!(self.collision, Collision::Skip | Collision::Fail) {
                    return Err(DownloadError::Exists(place.path));
                }
            } else if self.collision == Collision::Fail {
                return Err(DownloadError::Exists(path));
            }
            let number = names.next.entry(wanted.as_str().to_owned()).or_insert(1);
            name = wanted.numbered(*number);
            *number += 1;
        }
    }

    /// Locks the names; a panic elsewhere leaves nothing half done in them.
    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Returns the name.
    pub(crate) fn name(&self) -> &SafeName {
        &self.name
    }

    /// Returns the path of a companion, `.NAME.SUFFIX`.
    pub(crate) fn beside(&self, suffix: &str) -> PathBuf {
        self.path.with_file_name(format!(".{}.{suffix}", self.name))
    }

    /// Returns another place for the same file, where the rule is to number.
    pub(crate) fn next(&self) -> Result<Option<Self>, DownloadError> {
        if self.shared.collision != Collision::Number {
            return Ok(None);
        }
        // What was begun by others is not looked into, and left to them.
        match self.shared.reserve(&self.wanted, |place| !Note::is_beside(place))? {
            Reserved::Place(place) => Ok(Some(place)),
            Reserved::Skip(_) => Ok(None),
        }
    }

    /// Gives the file at `part` the final name, and returns the path.
    ///
    /// A file that appeared there meanwhile is replaced under [`Collision::Overwrite`] alone, and
    /// under [`Collision::Number`] the next free name is taken.
    pub(crate) fn publish(&self, part: &Path) -> Result<PathBuf, DownloadError> {
        let mut place = self.clone();
        if self.shared.collision == Collision::Overwrite {
            place = place.replaceable()?;
            fs::rename(part, &place.path).map_err(place.unnamed())?;
            return Ok(place.path);
        }
        loop {
            match rename_to_new(part, &place.path) {
                Ok(()) => return Ok(place.path),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    let exists = DownloadError::Exists(place.path.clone());
                    place = place.next()?.ok_or(exists)?;
                }
                Err(error) => return Err(place.unnamed()(error)),
            }
        }
    }

    /// Makes the error of a file that cannot get its name.
    fn unnamed(&self) -> impl FnOnce(io::Error) -> DownloadError + use<> {
        let path = self.path.clone();
        DownloadError::save("rename the finished file to", path)
    }

    /// Returns the place, unless there is a file that its owner wants to stay as it is.
    fn replaceable(self) -> Result<Self, DownloadError> {
        match fs::symlink_metadata(&self.path) {
            Ok(data) if data.is_file() && data.permissions().readonly() => {
                let why = io::Error::new(ErrorKind::PermissionDenied, "it is read-only");
                Err(DownloadError::save("replace", &self.path)(why))
            }
            _ => Ok(self),
        }
    }

    /// Returns true if something has the final name, be it a link that leads nowhere.
    fn is_taken(&self) -> Result<bool, DownloadError> {
        match fs::symlink_metadata(&self.path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(DownloadError::save("look at", &self.path)(error)),
        }
    }
}

/// Creates a file that was not there.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Creates a file that was not there, taking away what was.
pub(crate) fn create_anew(path: &Path) -> io::Result<File> {
    match create_new(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            create_new(path)
        }
        done => done,
    }
}

/// Opens a file that is there, unless it is a symbolic link or no plain file.
pub(crate) fn open_plain(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // Without O_NONBLOCK, opening a named pipe that somebody left there would hang.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.custom_flags(flags.bits() as i32);
    }
    let is_plain = |file: &File| file.metadata().map(|data| data.is_file());
    let is_link = fs::symlink_metadata(path)?.is_symlink();
    let file = options.open(path)?;
    if is_link || !is_plain(&file)? {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a plain file"));
    }
    Ok(file)
}

/// Renames `from` to `to`, which must not exist.
fn rename_to_new(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // Not every file system can do it.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            done => return done.map_err(Into::into),
        }
    }
    match fs::hard_link(from, to) {
        Ok(()) => {
            // The file is in place; a second name that cannot be removed does it no harm.
            let _ = fs::remove_file(from);
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
        // Neither hard links: look, then rename.
        Err(_) => match fs::symlink_metadata(to) {
            Ok(_) => Err(ErrorKind::AlreadyExists.into()),
            Err(_) => fs::rename(from, to),
        },
    }
}

/// The form in which names are compared: file systems of some systems ignore case.
fn key(name: &SafeName) -> String {
    if cfg!(any(windows, target_vendor = "apple")) { name.as_str().to_lowercase() } else { name.as_str().to_owned() }
}
