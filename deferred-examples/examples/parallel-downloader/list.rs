//! The list of urls, read line by line as there is room for more.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use deferred_examples::Job;

use crate::complain;

/// The most that a line may have.
const LONGEST: u64 = 64 * 1024;

/// The byte order mark of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// How much of a line is shown that has more.
const SHOWN: usize = 80;

/// Set if a list could not be read to its end.
static BROKEN: AtomicBool = AtomicBool::new(false);

/// Returns true if a list could not be read to its end.
pub(crate) fn is_broken() -> bool {
    BROKEN.load(Ordering::Relaxed)
}

/// A list that is being read.
pub(crate) struct List {
    /// Where the rest of it is.
    reader: Box<dyn BufRead + Send>,
    /// The number of the next job.
    index: usize,
    /// Whether a line was read.
    begun: bool,
}

impl List {
    /// Opens a file, or standard input if it is called `-`; its first job has the number `index`.
    ///
    /// # Errors
    ///
    /// When it is nothing that can be read.
    pub(crate) fn open(path: &Path, index: usize) -> Result<Self, String> {
        let reader: Box<dyn BufRead + Send> = if path == Path::new("-") {
            Box::new(BufReader::new(io::stdin()))
        } else {
            let refuse = |error: io::Error| format!("cannot read {}: {error}", path.display());
            let file = File::open(path).map_err(refuse)?;
            if file.metadata().map_err(refuse)?.is_dir() {
                return Err(refuse(ErrorKind::IsADirectory.into()));
            }
            Box::new(BufReader::new(file))
        };
        Ok(Self { reader, index, begun: false })
    }

    /// Reads a line; nothing at the end.
    ///
    /// One that makes no sense is read like any other, as a job that will fail.
    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        if self.reader.by_ref().take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        // What some editors put at the beginning of a file is none of its text.
        let bytes = if self.begun { &line[..] } else { line.strip_prefix(MARK).unwrap_or(&line) };
        self.begun = true;
        let text = String::from_utf8_lossy(bytes).into_owned();
        if line.len() as u64 == LONGEST && !line.ends_with(b"\n") {
            self.skip_line()?;
            return Ok(Some(format!("{} ... (this line is too long)", text.chars().take(SHOWN).collect::<String>())));
        }
        Ok(Some(text))
    }

    /// Reads to the end of the line and forgets it.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let bytes = self.reader.fill_buf()?;
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let (length, last) = (bytes.len(), bytes.is_empty());
            self.reader.consume(end.map_or(length, |end| end + 1));
            if last || end.is_some() {
                return Ok(());
            }
        }
    }
}

impl Iterator for List {
    type Item = Job;

    fn next(&mut self) -> Option<Job> {
        loop {
            match self.line() {
                Ok(line) => {
                    if let Some(job) = Job::from_line(self.index, &line?) {
                        self.index += 1;
                        return Some(job);
                    }
                }
                Err(error) => {
                    BROKEN.store(true, Ordering::Relaxed);
                    complain(&format!("the list ends here: {error}"));
                    return None;
                }
            }
        }
    }
}
