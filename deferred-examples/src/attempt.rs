//! One try at one file: ask, follow, receive, check, give it its name.

use std::fs::File;
use std::path::PathBuf;
use std::time::SystemTime;

use url::Url;

use crate::download::Downloader;
use crate::error::DownloadError;
use crate::events::{Event, How, Saved};
use crate::fetch::{Fetch, Request, Response};
use crate::folder::{Place, Reserved};
use crate::job::Job;
use crate::name::SafeName;
use crate::note::Origin;
use crate::part::{Kept, Part};
use crate::range::ContentRange;
use crate::redirect::follow;
use crate::retry::retry_after;
use crate::transfer::{Idle, copy};

/// Where file names come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// The last segment of the url the user gave.
    #[default]
    Url,
    /// The `Content-Disposition` of the answer, and the url where there is none.
    Header,
}

/// What is known about a file across its tries.
#[derive(Debug)]
pub(crate) struct Target {
    /// Where it is asked for.
    pub(crate) url: Url,
    /// Where it will be; given out once.
    pub(crate) place: Option<Place>,
    /// How many tries there were before this one.
    pub(crate) attempt: u32,
    /// Once a try has written to its part: how many bytes were there before this run.
    pub(crate) before: Option<u64>,
}

impl Target {
    /// Where the file will be, once that is known.
    fn place(&self) -> Result<&Place, DownloadError> {
        self.place.as_ref().ok_or_else(|| DownloadError::Answer("no name was found".into()))
    }

    /// Goes to another place, since another run writes to this one; fails with `busy` if there is none.
    fn move_on(&mut self, busy: DownloadError) -> Result<(), DownloadError> {
        self.place = Some(self.place()?.next()?.ok_or(busy)?);
        Ok(())
    }
}

/// How a job begins.
pub(crate) enum Start {
    /// There is something to fetch.
    Fetch(Target),
    /// The file is there, and may be all right.
    Kept(PathBuf),
}

/// What a request came to.
enum Step<B> {
    /// Bytes are coming, to be appended to the part; the body will end with this length.
    Receive(Part, Response<B>, Option<u64>),
    /// The part was whole already.
    Whole(Part),
}

impl<F: Fetch> Downloader<F> {
    /// Looks at a job, and finds its place where its url names it.
    ///
    /// Done in the order of the jobs, so that equal names are numbered in that order every time.
    pub(crate) fn prepare(&self, job: &Job) -> Result<Start, DownloadError> {
        let mut target = Target { url: job.url()?, place: None, attempt: 0, before: None };
        if self.settings().naming == Naming::Url {
            match self.reserve(&SafeName::from_url(&target.url), job)? {
                Reserved::Place(place) => target.place = Some(place),
                Reserved::Skip(path) => return Ok(Start::Kept(path)),
            }
        }
        Ok(Start::Fetch(target))
    }

    /// Downloads a file once.
    pub(crate) async fn attempt(&self, job: &Job, target: &mut Target) -> Result<Saved, DownloadError> {
        let mut idle = self.watch();
        // Named by a header, a file has to be asked for before it is known what is there of it.
        let mut early = None;
        if target.place.is_none() {
            let response = self.ask(&target.url, None, &mut idle).await?;
            let response = accepted(response)?;
            let header = response.headers.get("content-disposition");
            let name = header.and_then(SafeName::from_disposition);
            let name = name.unwrap_or_else(|| SafeName::from_url(&target.url));
            match self.reserve(&name, job)? {
                Reserved::Place(place) => target.place = Some(place),
                Reserved::Skip(path) => return kept(path, job).await,
            }
            early = Some(response);
        }
        let step = self.begin(job, target, early, &mut idle).await?;
        let from = match &step {
            Step::Receive(part, ..) | Step::Whole(part) => part.len(),
        };
        let before = target.before.map_or(from, |before| before.min(from));
        target.before = Some(before);
        let mut part = match step {
            Step::Whole(part) => part,
            Step::Receive(mut part, mut response, rest) => {
                let (name, total) = (part.name(), rest.map(|rest| from + rest));
                self.tell(job, &Event::Answered { name, kept: from, total });
                let received = |n| self.tell(job, &Event::Received(n));
                let copied = copy(&mut response.body, &mut part, &mut idle, self.rate(), received).await;
                if let Err(DownloadError::Answer(_)) = copied {
                    // What came makes no sense, and will not when there is more of it.
                    part.discard();
                }
                let copied = copied?;
                match rest {
                    Some(announced) if announced != copied => {
                        part.discard();
                        return Err(DownloadError::Length { announced, received: copied });
                    }
                    _ => part,
                }
            }
        };
        if let Some(wanted) = job.checksum {
            if let Err(error) = part.verify(wanted).await {
                part.discard();
                return Err(error);
            }
        }
        let (path, bytes) = part.publish()?;
        let how = if before > 0 { How::Resumed(before) } else { How::Downloaded };
        Ok(Saved { path, bytes, how })
    }

    /// Comes to the point where bytes are received: those of the whole file, or of what is missing of it.
    ///
    /// `early` is the response, where it was needed to find the name.
    async fn begin(
        &self,
        job: &Job,
        target: &mut Target,
        early: Option<Response<F::Body>>,
        idle: &mut Idle<'_>,
    ) -> Result<Step<F::Body>, DownloadError> {
        let resume = self.settings().resume || target.before.is_some();
        let kept = match if resume { Kept::find(target.place()?, &job.text) } else { Ok(None) } {
            Err(busy @ DownloadError::Busy(_)) => target.move_on(busy).map(|()| None)?,
            kept => kept?,
        };
        // Dropped before another request is sent: there is one at a time.
        let early = early.filter(|_| kept.is_none());
        let response = match early {
            Some(response) => response,
            None => self.ask(&target.url, kept.as_ref(), idle).await?,
        };
        let Some(kept) = kept else {
            return receive_anew(target, job, accepted(response)?, None);
        };
        match response.status {
            status @ (206 | 416) if !kept.note.is_edition_of(status, &response.headers) => {}
            206 => {
                let range = ContentRange::of(&response.headers);
                let Some(range) = range.filter(|range| range.first() == Some(kept.len)) else {
                    return Err(DownloadError::Answer("the server sent another range than asked for".into()));
                };
                if let Some(rest) = range.to_the_end() {
                    return Ok(Step::Receive(Part::resume(target.place()?, kept), response, Some(rest)));
                }
            }
            416 => {
                let range = ContentRange::of(&response.headers);
                if range.is_some_and(|range| range.total == Some(kept.len)) {
                    return Ok(Step::Whole(Part::resume(target.place()?, kept)));
                }
            }
            _ => return receive_anew(target, job, accepted(response)?, Some(kept)),
        }
        // The part is of something else, or it would not be whole with what this answer brings, or not for certain.
        drop(response);
        let response = self.ask(&target.url, None, idle).await?;
        receive_anew(target, job, accepted(response)?, Some(kept))
    }

    /// Sends a request for a file, or for what is missing of it, and follows redirects.
    async fn ask(
        &self,
        url: &Url,
        found: Option<&Kept>,
        idle: &mut Idle<'_>,
    ) -> Result<Response<F::Body>, DownloadError> {
        let mut headers = self.settings().headers.clone();
        if let Some(found) = found {
            let is_ours = |name: &str| ["range", "if-range"].iter().any(|ours| ours.eq_ignore_ascii_case(name));
            headers.retain(|(name, _)| !is_ours(name));
            headers.push(("range".into(), format!("bytes={}-", found.len)));
            headers.push(("if-range".into(), found.note.validator().to_owned()));
        }
        let request = Request { url: url.clone(), headers };
        follow(self.fetch(), request, idle).await
    }

    /// Finds a name.
    ///
    /// When resuming, that of an earlier part of the same file goes first, and one whose part belongs to another url
    /// is left to that one.
    fn reserve(&self, name: &SafeName, job: &Job) -> Result<Reserved, DownloadError> {
        if !self.settings().resume {
            return self.folder().reserve(name, |_| true);
        }
        let begun = self.begun().get(&Origin::of(&job.text)).map_or(&[][..], Vec::as_slice);
        if let Some(place) = begun.iter().find_map(|begun| self.folder().reserve_begun(name, begun)) {
            return Ok(Reserved::Place(place));
        }
        self.folder().reserve(name, |place| !Kept::of_another(place, &job.text))
    }
}

/// Passes on a response that is the whole file.
fn accepted<B>(response: Response<B>) -> Result<Response<B>, DownloadError> {
    match response.status {
        200 | 203 => Ok(response),
        206 => Err(DownloadError::Answer("the server sent a part and was asked for all".into())),
        status => {
            let field = response.headers.get("retry-after");
            let retry_after = field.and_then(|field| retry_after(field, SystemTime::now()));
            Err(DownloadError::Status { status, retry_after })
        }
    }
}

/// Prepares to receive a whole file, in place of what was kept.
fn receive_anew<B>(
    target: &mut Target,
    job: &Job,
    response: Response<B>,
    mut kept: Option<Kept>,
) -> Result<Step<B>, DownloadError> {
    loop {
        let part = match Part::create(target.place()?, &job.text, &response.headers, kept.take()) {
            Err(busy @ DownloadError::Busy(_)) => {
                target.move_on(busy)?;
                continue;
            }
            part => part?,
        };
        let length = response.headers.content_length();
        return Ok(Step::Receive(part, response, length));
    }
}

/// What a file that was there comes to: it must have the sum that is wanted, and stays if it has another.
pub(crate) async fn kept(path: PathBuf, job: &Job) -> Result<Saved, DownloadError> {
    let data = path.metadata().map_err(DownloadError::save("look at", &path))?;
    if let Some(wanted) = job.checksum {
        wanted.verify(File::open(&path), &path).await?;
    }
    Ok(Saved { path, bytes: data.len(), how: How::Kept })
}
