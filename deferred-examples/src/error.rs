//! Why a file was not saved.

use core::fmt;
use core::time::Duration;
use std::io;
use std::path::PathBuf;

use crate::checksum::Checksum;
use crate::fetch::FetchError;

/// Why a file was not saved; each a clause that follows "failed URL: ".
#[derive(Debug)]
#[non_exhaustive]
pub enum DownloadError {
    /// The text is not the address of something that can be downloaded.
    Address(String),
    /// There was no response.
    Fetch(FetchError),
    /// The server refused.
    Status {
        /// The status code, not one of success.
        status: u16,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// The redirects lead nowhere, or somewhere they must not.
    Redirect(String),
    /// The answer is not what was asked for.
    Answer(String),
    /// The connection broke in the body.
    Body {
        /// How many bytes of the body had come.
        received: u64,
        /// What the client says.
        source: io::Error,
    },
    /// The body ended, and was shorter or longer than announced.
    Length {
        /// What the server announced.
        announced: u64,
        /// What came.
        received: u64,
    },
    /// Nothing came for this long.
    Idle(Duration),
    /// The file was not there in this time.
    TimedOut(Duration),
    /// The file has another sum than wanted.
    Checksum {
        /// What the user wants.
        wanted: Checksum,
        /// What came.
        found: Checksum,
    },
    /// There is a file of that name already, and it is not to be touched.
    Exists(PathBuf),
    /// Another run is writing this part.
    Busy(PathBuf),
    /// The file could not be written.
    Save {
        /// What was tried, an infinitive.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl DownloadError {
    /// Returns true if another try may do better.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Fetch(error) => error.is_transient(),
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504),
            Self::Body { .. } | Self::Length { .. } | Self::Idle(_) | Self::TimedOut(_) => true,
            Self::Address(_)
            | Self::Redirect(_)
            | Self::Answer(_)
            | Self::Checksum { .. }
            | Self::Exists(_)
            | Self::Busy(_)
            | Self::Save { .. } => false,
        }
    }

    /// Returns how long the server asks to wait before another try.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Makes the error of a failed file operation.
    pub(crate) fn save(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Save { action, path, source }
    }
}

impl fmt::Display for DownloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(why) | Self::Redirect(why) | Self::Answer(why) => f.write_str(why),
            Self::Fetch(error) => write!(f, "{error}"),
            Self::Status { status, .. } => write!(f, "the server answered {}", Status(*status)),
            Self::Body { received, source } => {
                write!(f, "the connection broke after {received} bytes: {source}")
            }
            Self::Length { announced, received } => {
                write!(f, "{announced} bytes were announced and {received} came")
            }
            Self::Idle(time) => write!(f, "nothing came for {} s", time.as_secs_f64()),
            Self::TimedOut(time) => write!(f, "not finished in {} s", time.as_secs_f64()),
            Self::Checksum { wanted, found } => {
                write!(f, "the checksum is {found}, not {wanted}")
            }
            Self::Exists(path) => write!(f, "{} exists", path.display()),
            Self::Busy(path) => write!(f, "another run is writing {}", path.display()),
            Self::Save { action, path, source } => {
                write!(f, "cannot {action} {}: {source}", path.display())
            }
        }
    }
}

impl core::error::Error for DownloadError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Fetch(error) => Some(error),
            Self::Body { source, .. } | Self::Save { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<FetchError> for DownloadError {
    fn from(error: FetchError) -> Self {
        Self::Fetch(error)
    }
}

/// A status code with its name, where it is a common one.
struct Status(u16);

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            400 => " Bad Request",
            401 => " Unauthorized",
            403 => " Forbidden",
            404 => " Not Found",
            408 => " Request Timeout",
            410 => " Gone",
            416 => " Range Not Satisfiable",
            429 => " Too Many Requests",
            500 => " Internal Server Error",
            502 => " Bad Gateway",
            503 => " Service Unavailable",
            504 => " Gateway Timeout",
            _ => "",
        };
        write!(f, "{}{name}", self.0)
    }
}
