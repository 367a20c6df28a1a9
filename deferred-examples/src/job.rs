//! What the user asks for: a line of text, and what it means.

use core::fmt;

use url::Url;

use crate::checksum::{Checksum, ParseChecksumError};
use crate::error::DownloadError;

/// One file to download, as the user wrote it.
///
/// Text that makes no sense is that file's failure, not the program's.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its place in the order given, from zero.
    pub index: usize,
    /// The url, not yet looked at.
    pub text: String,
    /// The sum the file must have.
    pub checksum: Option<Checksum>,
}

impl Job {
    /// Reads a url, or a line with a url, white space and `sha256:HEX`.
    ///
    /// Returns `None` for an empty line and for a comment, which starts with `#`.
    pub fn from_line(index: usize, line: &str) -> Option<Self> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let (text, checksum) = match line.rsplit_once(char::is_whitespace) {
            Some((text, sum)) => match sum.parse() {
                Ok(sum) => (text.trim_end(), Some(sum)),
                Err(_) => (line, None),
            },
            None => (line, None),
        };
        Some(Self { index, text: text.to_owned(), checksum })
    }

    /// Makes sense of the url.
    ///
    /// # Errors
    ///
    /// When it is not a url, or not one of `http` or `https`.
    pub fn url(&self) -> Result<Url, DownloadError> {
        let refuse = |why: &str| Err(DownloadError::Address(why.to_owned()));
        if let Some((_, last)) = self.text.rsplit_once(char::is_whitespace) {
            if last.get(..7).is_some_and(|kind| kind.eq_ignore_ascii_case("sha256:")) {
                return refuse(&ParseChecksumError.to_string());
            }
        }
        if self.text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return refuse("not a url: there is white space in it");
        }
        match Url::parse(&self.text) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") => refuse("only http and https can be downloaded"),
            Ok(url) => Ok(url),
            Err(error) => refuse(&format!("not a url: {error}")),
        }
    }
}

impl fmt::Display for Job {
    /// Writes the url as it may be shown: without a password, in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Url::parse(&self.text) {
            Ok(mut url) if url.password().is_some() => {
                // It can have a password, so it can have another.
                let _ = url.set_password(Some("***"));
                write!(f, "{url}")
            }
            Ok(url) if url.has_host() && !self.text.contains(char::is_control) => f.write_str(&self.text),
            // What cannot be made sense of may hold a password all the same.
            _ => match (masked(&self.text), self.text.contains(char::is_control)) {
                (text, true) => write!(f, "{text:?}"),
                (text, false) => f.write_str(&text),
            },
        }
    }
}

/// Leaves out what is before an `@` in the place of the host.
fn masked(text: &str) -> String {
    // Some are written with a slash or a colon too few.
    let scheme = text.find(['/', '?', '#', '@']).unwrap_or(0);
    let slashes = text[scheme..].len() - text[scheme..].trim_start_matches('/').len();
    let begins = slashes > 1 || slashes == 1 && (scheme == 0 || text[..scheme].ends_with(':'));
    let host = if begins { scheme + slashes } else { 0 };
    let end = text[host..].find(['/', '?', '#']).map_or(text.len(), |at| host + at);
    match text[host..end].rfind('@') {
        Some(at) => format!("{}***{}", &text[..host], &text[host + at..]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_urls_with_or_without_a_checksum() {
        let sum = format!("sha256:{}", "0f".repeat(32));
        let job = Job::from_line(3, &format!(" http://a/b \t{sum}\r\n")).expect("a job");
        assert_eq!((job.index, job.text.as_str()), (3, "http://a/b"));
        assert_eq!(job.checksum.map(|sum| sum.to_string()), Some(sum));
        assert!(Job::from_line(0, "  # a comment").is_none());
        assert!(Job::from_line(0, "").is_none());
    }

    #[test]
    fn nonsense_is_refused_when_it_is_looked_at() {
        for text in ["", "x", "ftp://a/b", "http://", "http://a/b sha256:zz", "/etc/passwd"] {
            let job = Job { index: 0, text: text.to_owned(), checksum: None };
            assert!(job.url().is_err(), "{text}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        let job = Job::from_line(0, "http://me:secret@a/b").expect("a job");
        assert_eq!(job.to_string(), "http://me:***@a/b");
        for (text, shown) in [
            ("http://me:secret@a:99999/b@c", "http://***@a:99999/b@c"),
            ("me@home:secret@a", "***@a"),
            ("http://me:secret@a/\u{7}b", "http://me:***@a/%07b"),
            ("http://me:secret@ /\u{7}", "\"http://***@ /\\u{7}\""),
            ("a/b@c", "a/b@c"),
            ("me:secret@a/b", "***@a/b"),
            ("//me:secret@a/b", "//***@a/b"),
            ("https//me:secret@a/b", "https//***@a/b"),
            ("htp:/me:secret@a/b", "htp:/***@a/b"),
            ("me:secret:@a/b", "***@a/b"),
            ("a_b:secret@h/?u=http://y", "***@h/?u=http://y"),
        ] {
            assert_eq!(Job { index: 0, text: text.to_owned(), checksum: None }.to_string(), shown);
        }
    }
}
