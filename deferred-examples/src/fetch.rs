//! The one thing the engine asks of an HTTP client.

use core::fmt;
use core::future::Future;

use futures_lite::io::AsyncBufRead;
use url::Url;

/// An HTTP client, as far as a downloader needs one: a single GET, without following redirects.
///
/// The engine does everything else itself, the same way for every client: redirects, status codes,
/// timeouts, retries, lengths and names.
/// The example implements it with `surf`; the tests also with an in-memory stand-in.
pub trait Fetch: Send + Sync + 'static {
    /// The bytes of a response, as they arrive.
    ///
    /// It ends with an error, never quietly, when fewer bytes came than were announced, and with
    /// [`InvalidData`](std::io::ErrorKind::InvalidData) when what came makes no sense.
    type Body: AsyncBufRead + Send + Unpin + 'static;

    /// Sends one GET request and waits for the head of its response.
    ///
    /// Dropping the future, or the body it came to, aborts the request.
    ///
    /// # Errors
    ///
    /// When there is no response: the name does not resolve, nobody listens, the connection breaks,
    /// or what came back is not HTTP.
    fn get(&self, request: Request) -> impl Future<Output = Result<Response<Self::Body>, FetchError>> + Send;
}

/// What to ask for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The address, `http` or `https`.
    pub url: Url,
    /// Header fields to send, names in any case.
    pub headers: Vec<(String, String)>,
}

/// The head of a response, and its body still to be read.
#[derive(Debug)]
pub struct Response<B> {
    /// The status code, as sent.
    pub status: u16,
    /// Header fields, names in lower case.
    pub headers: Headers,
    /// The rest.
    pub body: B,
}

/// The header fields of a response.
#[derive(Clone, Debug, Default)]
pub struct Headers {
    /// In the order received, names in lower case.
    fields: Vec<(String, String)>,
}

impl Headers {
    /// Returns the first value of the field called `name`, which is given in lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.trim())
    }

    /// Returns the length announced for the body as it will be read.
    ///
    /// `None` when there is none, and when the body is encoded: the length is then that of other
    /// bytes than the client hands on.
    pub fn content_length(&self) -> Option<u64> {
        if self.is_encoded() { None } else { self.get("content-length")?.parse().ok() }
    }

    /// Returns true if the bytes that are read are not those that were sent.
    pub fn is_encoded(&self) -> bool {
        !matches!(self.get("content-encoding"), None | Some("" | "identity"))
    }
}

impl FromIterator<(String, String)> for Headers {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(fields: I) -> Self {
        let lower = |(mut name, value): (String, String)| {
            name.make_ascii_lowercase();
            (name, value)
        };
        Self { fields: fields.into_iter().map(lower).collect() }
    }
}

/// Why there was no response, in the client's own words.
#[derive(Clone, Debug)]
pub struct FetchError {
    /// A lowercase clause.
    message: String,
    /// Whether the same request may do better a little later.
    transient: bool,
}

impl FetchError {
    /// An error that another try may not meet: a refused or broken connection.
    pub fn transient(message: impl Into<String>) -> Self {
        Self { message: message.into(), transient: true }
    }

    /// An error that will come again: an answer that is not HTTP, a certificate that is not valid.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self { message: message.into(), transient: false }
    }

    /// Returns true if the same request may do better a little later.
    pub fn is_transient(&self) -> bool {
        self.transient
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for FetchError {}
