//! The engine's HTTP client: surf, on libcurl.

use std::cell::Cell;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use deferred_examples::fetch::{Fetch, FetchError, Headers, Request, Response};
use futures_lite::FutureExt;
use futures_lite::io::AsyncRead;
use http_client::isahc::IsahcClient;
use isahc::config::Configurable;

/// The longest that any transfer may take.
///
/// It is there because without one the client never gives up on a request that nobody waits for
/// any more; the engine has its own, shorter timeouts.
const WHOLE_TRANSFER: Duration = Duration::from_secs(30 * 24 * 3600);

/// surf with the guards that a downloader needs around it.
#[derive(Clone, Debug)]
pub(crate) struct SurfFetch {
    /// One client for all files: connections are kept and used again.
    client: surf::Client,
    /// How long it waits for a connection.
    connect_timeout: Duration,
}

impl SurfFetch {
    /// Makes a client that gives up on a connection after `connect_timeout`.
    ///
    /// # Errors
    ///
    /// When libcurl cannot be set up.
    pub(crate) fn new(connect_timeout: Duration) -> Result<Self, FetchError> {
        silence_guarded_panics();
        // surf's own configuration has no timeout for connections, so its backend is made by hand.
        let backend = isahc::HttpClient::builder()
            .timeout(WHOLE_TRANSFER)
            .connect_timeout(connect_timeout)
            .build()
            .map_err(|error| FetchError::permanent(format!("no HTTP client: {error}")))?;
        let client = surf::Client::with_http_client(IsahcClient::from_client(backend));
        Ok(Self { client, connect_timeout })
    }
}

impl Fetch for SurfFetch {
    type Body = Body;

    async fn get(&self, request: Request) -> Result<Response<Body>, FetchError> {
        let sending = async {
            let mut builder = surf::get(request.url)
                // Bytes as they are stored: a length then means what it says, and a range can follow.
                .header("accept-encoding", "identity")
                .header("user-agent", concat!("parallel-downloader/", env!("CARGO_PKG_VERSION")));
            for (name, value) in &request.headers {
                builder = builder.header(name.as_str(), value.as_str());
            }
            self.client.send(builder).await
        };
        // The client panics on some answers: status 520 or 599, a header byte above 0x7F.
        // It stays usable.
        let sending = AssertUnwindSafe(Guarded(Box::pin(sending))).catch_unwind();
        match sending.await {
            Ok(Ok(response)) => Ok(read_head(response)),
            Ok(Err(error)) => {
                let text = error.to_string();
                if text.starts_with("Timeout") {
                    let seconds = self.connect_timeout.as_secs_f64();
                    return Err(FetchError::transient(format!("no connection in {seconds} s")));
                }
                Err(explain(&text))
            }
            Err(_panic) => Err(FetchError::permanent(
                "the HTTP client cannot read the answer: an unknown status code or a header field that is not ASCII",
            )),
        }
    }
}

/// Takes the head of a response apart.
fn read_head(mut response: surf::Response) -> Response<Body> {
    let fields = response
        .iter()
        .flat_map(|(name, values)| values.iter().map(|value| (name.as_str().to_owned(), value.as_str().to_owned())));
    Response {
        status: response.status().into(),
        headers: fields.collect::<Headers>(),
        body: Body(response.take_body()),
    }
}

/// The body of a response, with errors in our own words.
#[derive(Debug)]
pub(crate) struct Body(surf::Body);

impl AsyncRead for Body {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let reworded = |error: io::Error| io::Error::new(error.kind(), explain(&error.to_string()));
        Pin::new(&mut self.0).poll_read(cx, buffer).map_err(reworded)
    }
}

/// Turns an error of the client, written `Kind(details): sentence`, into a clause.
fn explain(text: &str) -> FetchError {
    /// Kinds that the same request would meet again.
    const PERMANENT: [&str; 6] = [
        "BadClientCertificate",
        "BadServerCertificate",
        "InvalidContentEncoding",
        "InvalidHttpFormat",
        "InvalidUtf8",
        "SSLEngineError",
    ];
    if text.starts_with("ResponseBodyError") {
        return FetchError::transient("less came than was announced");
    }
    let (kind, sentence) = match text.split_once("): ") {
        Some(parts) => parts,
        None => text.split_once(": ").unwrap_or((text, text)),
    };
    let mut clause = sentence.trim_end_matches('.').to_owned();
    if let Some(first) = clause.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    if PERMANENT.iter().any(|permanent| kind.starts_with(permanent)) {
        FetchError::permanent(clause)
    } else {
        FetchError::transient(clause)
    }
}

thread_local! {
    /// Set while this thread runs code whose panics are caught and told in our own words.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// A future whose panics are not printed.
struct Guarded<F>(F);

impl<F: Future + Unpin> Future for Guarded<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        /// Clears the sign, also when the poll unwinds.
        struct Reset;
        impl Drop for Reset {
            fn drop(&mut self) {
                GUARDED.set(false);
            }
        }
        GUARDED.set(true);
        let _reset = Reset;
        Pin::new(&mut self.0).poll(cx)
    }
}

/// Keeps the panics that are caught here from printing a message of their own.
fn silence_guarded_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                usual(info);
            }
        }));
    });
}
