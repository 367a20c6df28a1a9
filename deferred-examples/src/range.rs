//! The `Content-Range` field: which bytes of a file an answer holds.

use crate::fetch::Headers;

/// A `Content-Range` field, as far as it can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContentRange {
    /// The first byte sent and the last; nothing where none is.
    bytes: Option<(u64, u64)>,
    /// The length of the whole file, where the server knows it.
    pub(crate) total: Option<u64>,
}

impl ContentRange {
    /// Reads `bytes 5-9/10`, `bytes 5-9/*` or `bytes */10`.
    pub(crate) fn of(headers: &Headers) -> Option<Self> {
        let field = headers.get("content-range")?.strip_prefix("bytes ")?;
        let (range, total) = field.split_once('/')?;
        let number = |text: &str| text.trim().parse().ok();
        let bytes = range.split_once('-').and_then(|(first, last)| Some((number(first)?, number(last)?)));
        Some(Self { bytes, total: number(total) })
    }

    /// The first byte sent.
    pub(crate) fn first(self) -> Option<u64> {
        self.bytes.map(|(first, _)| first)
    }

    /// How many bytes are sent, if they are known to be all that there are of the file from the first on.
    pub(crate) fn to_the_end(self) -> Option<u64> {
        let ((first, last), total) = (self.bytes?, self.total?);
        (first <= last && last.checked_add(1) == Some(total)).then(|| total - first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(field: &str) -> Option<ContentRange> {
        ContentRange::of(&Headers::from_iter([("Content-Range".to_owned(), field.to_owned())]))
    }

    #[test]
    fn content_ranges_are_read() {
        let read = |field| range(field).map(|range| (range.bytes, range.total));
        assert_eq!(read("bytes 5-9/10"), Some((Some((5, 9)), Some(10))));
        assert_eq!(read("bytes 5-9/*"), Some((Some((5, 9)), None)));
        assert_eq!(read("bytes */10"), Some((None, Some(10))));
        assert_eq!(read("pages 1-2/3"), None);
        assert_eq!(read("bytes"), None);
    }

    #[test]
    fn a_range_goes_to_the_end_or_it_is_not_known_to() {
        let to_the_end = |field| range(field).and_then(ContentRange::to_the_end);
        assert_eq!(to_the_end("bytes 5-9/10"), Some(5));
        for field in ["bytes 5-8/10", "bytes 5-10/10", "bytes 5-9/*", "bytes */10", "bytes 9-5/6"] {
            assert_eq!(to_the_end(field), None, "{field}");
        }
        assert_eq!(to_the_end(&format!("bytes 5-{}/0", u64::MAX)), None);
    }
}
