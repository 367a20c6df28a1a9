//! The engine's HTTP client: surf, on libcurl.

use std::io;
use std::time::Duration;

use deferred_examples::fetch::{Fetch, FetchError, Headers, Request, Response};
use surf::http::Method;

use crate::curl_client::{CurlClient, Head, Trouble};

/// surf, as far as a downloader needs it.
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
    /// When its thread cannot be started.
    pub(crate) fn new(connect_timeout: Duration) -> io::Result<Self> {
        let client = surf::Client::with_http_client(CurlClient::new(connect_timeout)?);
        Ok(Self { client, connect_timeout })
    }
}

impl Fetch for SurfFetch {
    type Body = surf::Body;

    async fn get(&self, request: Request) -> Result<Response<surf::Body>, FetchError> {
        let mut asked = surf::Request::new(Method::Get, request.url);
        // Bytes as they are stored: a length then means what it says, and a range can follow.
        asked.insert_header("accept-encoding", "identity");
        asked.insert_header("user-agent", concat!("parallel-downloader/", env!("CARGO_PKG_VERSION")));
        for (n, (name, value)) in request.headers.iter().enumerate() {
            // The first takes the place of ours, and the others stand beside it.
            if request.headers[..n].iter().any(|(before, _)| before.eq_ignore_ascii_case(name)) {
                asked.append_header(name.as_str(), value.as_str());
            } else {
                asked.insert_header(name.as_str(), value.as_str());
            }
        }
        let mut response = self.client.send(asked).await.map_err(|error| self.explain(&error))?;
        let head = response.ext::<Head>().cloned();
        let head = head.ok_or_else(|| FetchError::permanent("the response has no head"))?;
        let headers = head.fields.into_iter().collect::<Headers>();
        Ok(Response { status: head.status, headers, body: response.take_body() })
    }
}

impl SurfFetch {
    /// Says why there is no response.
    fn explain(&self, error: &surf::Error) -> FetchError {
        match error.downcast_ref::<Trouble>() {
            Some(trouble) if trouble.is_timeout() => {
                FetchError::transient(format!("no connection in {} s", self.connect_timeout.as_secs_f64()))
            }
            Some(trouble) if trouble.is_transient() => FetchError::transient(trouble.to_string()),
            _ => FetchError::permanent(error.to_string()),
        }
    }
}
