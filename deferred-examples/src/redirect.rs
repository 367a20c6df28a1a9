//! Following redirects, by rules of our own.

use url::Url;

use crate::error::DownloadError;
use crate::fetch::{Fetch, Request, Response};
use crate::transfer::Idle;

/// The most redirects that are followed.
const MAX_REDIRECTS: usize = 10;

/// Fields that are for the host the user named and for no other.
const PRIVATE: [&str; 4] = ["authorization", "cookie", "host", "proxy-authorization"];

/// Sends `request`, and follows where the answers point, to `http` and `https` alone and never from
/// `https` to `http`. `idle` watches over each answer.
pub(crate) async fn follow<F: Fetch>(
    fetch: &F,
    mut request: Request,
    idle: &mut Idle<'_>,
) -> Result<Response<F::Body>, DownloadError> {
    for _ in 0..=MAX_REDIRECTS {
        let response = idle.watch(fetch.get(request.clone())).await??;
        let (301 | 302 | 303 | 307 | 308) = response.status else {
            return Ok(response);
        };
        let location = response.headers.get("location");
        let next = target(&request.url, location)?;
        if next.origin() != request.url.origin() {
            request.headers.retain(|(name, _)| !PRIVATE.contains(&name.to_ascii_lowercase().as_str()));
        }
        request.url = next;
    }
    let why = format!("more than {MAX_REDIRECTS} redirects");
    Err(DownloadError::Redirect(why))
}

/// Where a redirect from `from` leads.
fn target(from: &Url, location: Option<&str>) -> Result<Url, DownloadError> {
    let refuse = |why: String| Err(DownloadError::Redirect(why));
    let Some(location) = location else {
        return refuse("the server redirects and does not say where".into());
    };
    let mut next = match from.join(location) {
        Ok(next) => next,
        Err(error) => return refuse(format!("the server redirects to {location:?}: {error}")),
    };
    let (user, password) = (from.username(), from.password());
    if next.origin() == from.origin() && next.username().is_empty() && next.password().is_none() {
        // An address with a host, which both take.
        let _ = next.set_username(user).and(next.set_password(password));
    }
    match (from.scheme(), next.scheme()) {
        ("https", "http") => refuse(format!("the server redirects from https to {next}")),
        (_, "http" | "https") => Ok(next),
        (_, scheme) => refuse(format!("the server redirects to another scheme, {scheme}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(from: &str, location: Option<&str>) -> Result<String, String> {
        let from = Url::parse(from).expect("a url written here");
        target(&from, location).map(String::from).map_err(|error| error.to_string())
    }

    #[test]
    fn relative_targets_stay_on_the_host() {
        assert_eq!(lead("http://a/b/c", Some("d")), Ok("http://a/b/d".into()));
        assert_eq!(lead("http://a/b/c", Some("/d")), Ok("http://a/d".into()));
        assert_eq!(lead("http://a/b/c", Some("//d/e")), Ok("http://d/e".into()));
    }

    #[test]
    fn a_password_goes_along_on_the_host_and_nowhere_else() {
        assert_eq!(lead("http://me:p%40w@a/b", Some("/c")), Ok("http://me:p%40w@a/c".into()));
        assert_eq!(lead("http://me:p%40w@a/b", Some("http://a/c")), Ok("http://me:p%40w@a/c".into()));
        assert_eq!(lead("http://me:p%40w@a/b", Some("http://you@a/c")), Ok("http://you@a/c".into()));
        assert_eq!(lead("http://me:p%40w@a/b", Some("http://c/")), Ok("http://c/".into()));
        assert_eq!(lead("http://me:p%40w@a/b", Some("http://a:81/")), Ok("http://a:81/".into()));
    }

    #[test]
    fn other_schemes_are_refused() {
        assert!(lead("https://a/", Some("http://a/")).is_err());
        assert!(lead("http://a/", Some("https://a/")).is_ok());
        assert!(lead("http://a/", Some("file:///etc/passwd")).is_err());
        assert!(lead("http://a/", Some("javascript:1")).is_err());
        assert!(lead("http://a/", None).is_err());
    }
}
