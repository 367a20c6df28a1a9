//! File names from urls and headers, made safe.

use core::fmt;

use percent_encoding::percent_decode_str;
use url::Url;

/// The most bytes a name may have: room is left for `.NAME.part`, for a number, and for the 255
/// bytes that file systems allow.
const MAX_LEN: usize = 200;

/// The most bytes of an extension that is kept when a name is shortened.
const MAX_EXTENSION: usize = 20;

/// What a url that ends in a slash is saved as.
const NAMELESS: &str = "index.html";

/// A file name that is one component of a path, visible, and free of surprises.
///
/// It has no separators, no control or direction-changing characters, no leading dot or dash, and is
/// not a device of any system.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SafeName(String);

impl SafeName {
    /// Makes a name from the last segment of a url's path.
    pub(crate) fn from_url(url: &Url) -> Self {
        let segment = url.path_segments().and_then(|mut path| path.next_back());
        let decoded = percent_decode_str(segment.unwrap_or_default()).decode_utf8_lossy();
        Self::from_text(&decoded)
    }

    /// Makes a name from a `Content-Disposition` field, if it has one.
    pub(crate) fn from_disposition(field: &str) -> Option<Self> {
        let mut plain = None;
        let mut extended = None;
        for (name, value) in parameters(field) {
            match name.as_str() {
                "filename" => plain = Some(value),
                "filename*" => extended = decode_extended(&value),
                _ => {}
            }
        }
        extended.or(plain).as_deref().map(Self::from_text)
    }

    /// Makes a name from whatever somebody else calls the file.
    pub(crate) fn from_text(text: &str) -> Self {
        let base = text.rsplit(['/', '\\']).next().unwrap_or_default();
        let visible = base.chars().filter(|c| !is_invisible(*c));
        let plain: String = visible.map(|c| if is_special(c) { '_' } else { c }).collect();
        let trimmed = plain
            .trim_start_matches(|c: char| c == '.' || c.is_whitespace())
            .trim_end_matches(|c: char| c == '.' || c.is_whitespace());
        let mut name = match trimmed {
            "" => NAMELESS.to_owned(),
            dash if dash.starts_with('-') => format!("_{}", &dash[1..]),
            device if is_device(device) => format!("_{device}"),
            other => other.to_owned(),
        };
        shorten(&mut name);
        Self(name)
    }

    /// Returns the name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name with a number behind it.
    pub(crate) fn numbered(&self, number: u64) -> Self {
        Self(format!("{}.{number}", self.0))
    }

    /// Returns `name` if it is this one, or this one with a number put behind it.
    pub(crate) fn variant(&self, name: &str) -> Option<Self> {
        let behind = name.strip_prefix(&self.0)?;
        let numbered = |number: u64| self.numbered(number).0 == name;
        let is_number = || behind.strip_prefix('.').and_then(|number| number.parse().ok()).is_some_and(numbered);
        (behind.is_empty() || is_number()).then(|| Self(name.to_owned()))
    }
}

impl fmt::Display for SafeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Control characters, and those that change the direction or the look of what follows.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Characters that mean something to some file system.
fn is_special(c: char) -> bool {
    matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*')
}

/// Names that some system takes for a device, with any extension.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let stem = stem.to_ascii_uppercase();
    let numbered = |kind| stem.strip_prefix(kind).is_some_and(|n| matches!(n.as_bytes(), [b'0'..=b'9']));
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT")
}

/// Cuts a name to the length allowed, keeping its extension.
fn shorten(name: &mut String) {
    if name.len() <= MAX_LEN {
        return;
    }
    let extension = match name.rsplit_once('.') {
        Some((_, extension)) if extension.len() <= MAX_EXTENSION => format!(".{extension}"),
        _ => String::new(),
    };
    let mut end = MAX_LEN - extension.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name.push_str(&extension);
}

/// Splits a field like `attachment; filename="a;b"` into its parameters, names in lower case.
fn parameters(field: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = field.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, value)) = rest.split_once('=') {
        let name = name.trim_matches(|c: char| c == ';' || c.is_whitespace());
        let (value, after) = match value.trim_start().strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let (token, after) = value.split_once(';').unwrap_or((value, ""));
                (token.trim().to_owned(), after)
            }
        };
        found.push((name.to_ascii_lowercase(), value));
        rest = after;
    }
    found
}

/// Reads up to the closing quote, undoing backslashes; returns that and what follows.
fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

/// Decodes `UTF-8''na%C3%AFve` (RFC 8187).
fn decode_extended(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let charset = parts.next()?;
    let text = parts.nth(1)?;
    let utf8 = charset.eq_ignore_ascii_case("utf-8");
    utf8.then(|| percent_decode_str(text).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(input: &str) -> String {
        SafeName::from_text(input).0
    }

    fn url(input: &str) -> String {
        let url = Url::parse(input).expect("a url written here");
        SafeName::from_url(&url).0
    }

    fn disposition(field: &str) -> Option<String> {
        SafeName::from_disposition(field).map(|name| name.0)
    }

    #[test]
    fn plain_names_stay() {
        assert_eq!(url("http://h/a/b.tar.gz?x=1#y"), "b.tar.gz");
        assert_eq!(url("http://h/na%C3%AFve%20file.txt"), "naïve file.txt");
    }

    #[test]
    fn a_url_without_a_name_is_an_index() {
        assert_eq!(url("http://h"), "index.html");
        assert_eq!(url("http://h/a/"), "index.html");
        assert_eq!(url("http://h/a/%2e%2e"), "index.html");
    }

    #[test]
    fn nothing_climbs_out_of_the_directory() {
        for attack in ["../../evil", "..\\..\\evil", "/etc/evil", "C:\\evil", "a/../evil", "....//evil"] {
            assert_eq!(text(attack), "evil", "{attack}");
        }
        assert_eq!(url("http://h/..%2f..%2fevil"), "evil");
        assert_eq!(text(".."), "index.html");
        assert_eq!(text("."), "index.html");
    }

    #[test]
    fn names_are_visible_and_harmless() {
        assert_eq!(text(".bashrc"), "bashrc");
        assert_eq!(text("-rf"), "_rf");
        assert_eq!(text("a\0b\nc\u{1b}[31m"), "abc[31m");
        assert_eq!(text("gpj.\u{202e}exe"), "gpj.exe");
        assert_eq!(text("a\u{61c}b\u{2060}c\u{ad}d"), "abcd");
        assert_eq!(text("a:b*c?"), "a_b_c_");
        assert_eq!(text("con.txt"), "_con.txt");
        assert_eq!(text("LPT1"), "_LPT1");
        assert_eq!(text("console"), "console");
    }

    #[test]
    fn long_names_keep_their_extension() {
        let name = text(&format!("{}.tar", "ä".repeat(300)));
        assert!(name.len() <= MAX_LEN && name.ends_with("ä.tar"), "{name}");
    }

    #[test]
    fn dispositions_are_understood() {
        assert_eq!(disposition("attachment; filename=a.txt"), Some("a.txt".into()));
        assert_eq!(disposition("attachment; filename=\"a;\\\"b.txt\"; x=y"), Some("a;_b.txt".into()));
        assert_eq!(disposition("attachment; filename=x; filename*=UTF-8''na%C3%AFve"), Some("naïve".into()));
        assert_eq!(disposition("attachment; filename=\"../../evil\""), Some("evil".into()));
        assert_eq!(disposition("inline"), None);
        assert_eq!(disposition("attachment; filename=\""), Some("index.html".into()));
    }
}
