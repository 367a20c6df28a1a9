//! The note beside a part: of which url it is a part, and of which edition.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::checksum::hex;
use crate::fetch::Headers;
use crate::folder::{Place, create_anew, open_plain};

/// What a note is called, behind the name of the file.
const NOTE: &str = "part.note";

/// The most that a note is read of.
const MAX_NOTE: u64 = 16 * 1024;

/// How long ago a file must have changed for its date to tell it from every other edition: dates count seconds.
const SURE: Duration = Duration::from_secs(1);

/// What another try needs to continue a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    /// Which url it is from.
    origin: Origin,
    /// What says which edition of the file it is of: an entity tag or a date.
    validator: String,
}

/// Which url a part is from: its sum, since a url may hold a password, and a note stays on the disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin(String);

impl Origin {
    /// That of `url`.
    pub(crate) fn of(url: &str) -> Self {
        Self(hex(&Sha256::digest(url)))
    }
}

impl Note {
    /// The note of a part from `url`, if the head of the answer says of which edition it is.
    pub(crate) fn new(url: &str, headers: &Headers) -> Option<Self> {
        Some(Self { origin: Origin::of(url), validator: validator(headers)?.to_owned() })
    }

    /// What says which edition the part is of.
    pub(crate) fn validator(&self) -> &str {
        &self.validator
    }

    /// Returns true if the part is from this url.
    pub(crate) fn is_of(&self, url: &str) -> bool {
        self.origin == Origin::of(url)
    }

    /// Returns false if an answer may be of another edition, or came encoded.
    ///
    /// A server may look at `Range` and not at `If-Range`. One that sends a range has to name the entity tag, and need
    /// not repeat a date (RFC 9110, 15.3.7).
    pub(crate) fn is_edition_of(&self, status: u16, headers: &Headers) -> bool {
        let is_tag = self.validator.starts_with('"');
        let said = headers.get(if is_tag { "etag" } else { "last-modified" });
        let is_same = said.map_or(status != 206 || !is_tag, |validator| validator == self.validator);
        is_same && !headers.is_encoded()
    }

    /// Writes it down.
    pub(crate) fn write(&self, place: &Place) -> io::Result<()> {
        let text = format!("{}\n{}\n", self.origin.0, self.validator);
        create_anew(&place.beside(NOTE))?.write_all(text.as_bytes())
    }

    /// Reads that of a place, unless it was written before `begun`.
    pub(crate) fn read(place: &Place, begun: Option<SystemTime>) -> io::Result<Self> {
        read(&place.beside(NOTE), begun)
    }

    /// Returns true if a place has one, whatever it says.
    pub(crate) fn is_beside(place: &Place) -> bool {
        fs::symlink_metadata(place.beside(NOTE)).is_ok()
    }

    /// Removes that of a place, if there is one.
    pub(crate) fn remove(place: &Place) {
        let _ = fs::remove_file(place.beside(NOTE));
    }
}

/// The names of all files in a directory that were begun, by where they come from.
pub(crate) fn begun(directory: &Path) -> HashMap<Origin, Vec<String>> {
    let mut found = HashMap::<_, Vec<_>>::new();
    // Where nothing can be read, there is nothing to go on with.
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_str().and_then(|name| name.strip_prefix('.')?.strip_suffix(NOTE)?.strip_suffix('.'));
        if let (Some(name), Ok(note)) = (name, read(&path, None)) {
            found.entry(note.origin).or_default().push(name.to_owned());
        }
    }
    found
}

fn read(path: &Path, begun: Option<SystemTime>) -> io::Result<Note> {
    let file = open_plain(path, OpenOptions::new().read(true))?;
    if begun.is_some_and(|begun| file.metadata().and_then(|data| data.modified()).is_ok_and(|noted| noted < begun)) {
        return Err(ErrorKind::NotFound.into());
    }
    let mut text = String::new();
    file.take(MAX_NOTE).read_to_string(&mut text)?;
    match text.lines().collect::<Vec<_>>().as_slice() {
        [origin, validator] if is_plain(validator) => {
            Ok(Note { origin: Origin((*origin).to_owned()), validator: (*validator).to_owned() })
        }
        _ => Err(ErrorKind::InvalidData.into()),
    }
}

/// What tells this edition of a file from any other, byte for byte: a strong entity tag, or where there is none at
/// all, a date that is old enough (RFC 9110, 8.8.2.2 and 13.1.5).
///
/// Of a body that came encoded there is none: a range would be one of other bytes than those saved.
fn validator(headers: &Headers) -> Option<&str> {
    if headers.is_encoded() {
        return None;
    }
    let validator = match headers.get("etag") {
        Some(tag) => Some(tag).filter(|tag| tag.starts_with('"')),
        None => headers.get("last-modified").filter(|date| is_sure(date, headers.get("date"))),
    };
    validator.filter(|validator| is_plain(validator))
}

/// Returns true if a file that changed at this date had not changed again when the server answered.
fn is_sure(changed: &str, answered: Option<&str>) -> bool {
    let answered = answered.and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or_else(SystemTime::now);
    httpdate::parse_http_date(changed).is_ok_and(|changed| changed + SURE <= answered)
}

/// Returns true if `validator` can be sent back as it is.
fn is_plain(validator: &str) -> bool {
    validator.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const NEXT: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    fn of(fields: &[(&str, &str)]) -> Option<Note> {
        Note::new("http://a/b", &fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn an_edition_is_told_by_a_strong_tag_or_by_an_old_date_alone() {
        let validator = |fields: &[_]| of(fields).map(|note| note.validator);
        let date = ("last-modified", CHANGED);
        assert_eq!(validator(&[("etag", "\"1\""), date]).as_deref(), Some("\"1\""));
        assert_eq!(validator(&[("etag", "W/\"1\""), date]), None);
        assert_eq!(validator(&[date]).as_deref(), Some(CHANGED));
        assert_eq!(validator(&[date, ("date", NEXT)]).as_deref(), Some(CHANGED));
        assert_eq!(validator(&[date, ("date", CHANGED)]), None);
        assert_eq!(validator(&[("last-modified", "yesterday")]), None);
        assert_eq!(validator(&[("etag", "\"1\""), ("content-encoding", "gzip")]), None);
        assert_eq!(validator(&[]), None);
    }

    #[test]
    fn an_answer_of_another_edition_is_known_by_what_the_note_says() {
        let headers = |name: &str, value: &str| Headers::from_iter([(name.to_owned(), value.to_owned())]);
        let note = of(&[("etag", "\"1\"")]).expect("a note");
        let none = headers("last-modified", "today");
        assert!(note.is_edition_of(206, &headers("etag", "\"1\"")));
        assert!(!note.is_edition_of(206, &headers("etag", "\"2\"")));
        assert!(!note.is_edition_of(416, &headers("etag", "\"2\"")));
        assert!(!note.is_edition_of(206, &none) && note.is_edition_of(416, &none));
        assert!(!note.is_edition_of(416, &headers("content-encoding", "gzip")));
        let note = of(&[("last-modified", CHANGED)]).expect("a note");
        assert!(note.is_edition_of(206, &headers("etag", "\"1\"")));
        assert!(!note.is_edition_of(206, &headers("last-modified", NEXT)));
    }

    #[test]
    fn a_url_is_known_again_and_not_told() {
        let note = of(&[("etag", "\"1\"")]).expect("a note");
        assert!(note.is_of("http://a/b") && !note.is_of("http://a/c"));
        assert!(!format!("{note:?}").contains("http"));
    }
}
