//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use deferred_examples::checksum::Checksum;
use deferred_examples::{Collision, Naming, Retry, Settings};

use crate::curl_client::MOST_TRANSFERS;

/// What a user types.
const EXAMPLES: &str = "\
Examples:
  Two files, two at a time, into the current directory:
    parallel-downloader https://example.org/a.iso https://example.org/b.iso
  A list, eight at a time but two from one host, going on where an earlier run ended:
    parallel-downloader -j 8 --per-host 2 --resume -o Downloads -i urls.txt
  A list from another program, a report for a third:
    generate-urls | parallel-downloader -i - --json > report.jsonl
  A file that must be this one:
    parallel-downloader https://example.org/a.iso --checksum sha256:0f3a...
  A dozen files from a small server of its own, and four that fail:
    parallel-downloader --faulty

A line of the list is a url, perhaps with white space and sha256:HEX behind it, or a comment if it starts with #.
An unfinished file is .NAME.part until it is complete.

Exit codes: 0 all saved, 1 some failed or the output could not be written, 2 wrong usage, 130 interrupted.";

/// Downloads files over HTTP, several at a time, each complete or not at all.
#[derive(Debug, Parser)]
#[command(name = "parallel-downloader", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// What to download; without any, a small server on this machine is started and asked
    #[arg(value_name = "URL")]
    pub(crate) urls: Vec<String>,

    /// Read more urls from a file, one a line; `-` is standard input
    #[arg(short, long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,

    /// Where to save the files [default: the current directory]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,

    /// How many files to download at once
    #[arg(short, long, value_name = "N", default_value = "2", value_parser = jobs)]
    pub(crate) jobs: NonZeroUsize,

    /// How many of them from one host and port, going by the urls [default: any number]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) per_host: Option<NonZeroUsize>,

    /// How often to try again when a connection breaks or a server is busy [default: 2]
    #[arg(long, value_name = "N")]
    pub(crate) retries: Option<u32>,

    /// The longest pause before the first retry; it doubles each time, up to 300 s. A server that asks for more is
    /// given up
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub(crate) retry_pause: Duration,

    /// Give up on a connection that is not there in so many seconds, or in those of --idle-timeout
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) connect_timeout: Duration,

    /// Give up on a try when nothing comes for so many seconds [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) idle_timeout: Option<Duration>,

    /// Give up on a try after so many seconds [default: never]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,

    /// Go on with what an earlier run left, and keep files that are there already
    #[arg(long)]
    pub(crate) resume: bool,

    /// What a file must have: the first is for the first url, and so on
    #[arg(long, value_name = "sha256:HEX")]
    pub(crate) checksum: Vec<Checksum>,

    /// Where file names come from
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = NameFrom::Url)]
    pub(crate) name_from: NameFrom,

    /// What to do when there is a file of that name [default: number, with --resume skip]
    #[arg(long, value_name = "WHAT", value_enum)]
    pub(crate) on_collision: Option<OnCollision>,

    /// How many bytes a second all files together may take; k, M and G are understood
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub(crate) limit_rate: Option<u64>,

    /// Send a header field with each request; Authorization, Cookie, Host and Proxy-Authorization go to no other host
    #[arg(short = 'H', long, value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) header: Vec<(String, String)>,

    /// Report on standard output in JSON, a line for each file and one for all; the rest goes to standard error
    #[arg(long)]
    pub(crate) json: bool,

    /// Say nothing but what went wrong
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Say more
    #[arg(short, long)]
    pub(crate) verbose: bool,

    /// Let the server of one's own also fail in four ways
    #[arg(long, conflicts_with_all = ["urls", "input"])]
    pub(crate) faulty: bool,
}

/// `--name-from`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum NameFrom {
    /// The last part of the url
    Url,
    /// What the server calls the file, and the url where it does not say
    Header,
}

/// `--on-collision`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum OnCollision {
    /// Put a number behind the new name
    Number,
    /// Keep the file that is there
    Skip,
    /// Replace the file that is there
    Overwrite,
    /// Keep the file that is there and fail
    Fail,
}

impl Args {
    /// Returns true if there is nothing to download but what a server of one's own has.
    pub(crate) fn demo(&self) -> bool {
        self.urls.is_empty() && self.input.is_none()
    }

    /// What the engine is told.
    pub(crate) fn settings(&self) -> Settings {
        // A server of one's own stalls on purpose, and nobody wants to wait long for that.
        let (idle, retries) = if self.demo() { (2, 0) } else { (30, 2) };
        Settings {
            jobs: self.jobs,
            per_host: self.per_host,
            retry: Retry { retries: self.retries.unwrap_or(retries), base: self.retry_pause },
            idle_timeout: self.idle_timeout.unwrap_or(Duration::from_secs(idle)),
            timeout: self.timeout,
            resume: self.resume,
            naming: self.naming(),
            limit_rate: self.limit_rate,
            headers: self.header.clone(),
        }
    }

    /// Where names come from.
    fn naming(&self) -> Naming {
        match self.name_from {
            NameFrom::Url => Naming::Url,
            NameFrom::Header => Naming::Header,
        }
    }

    /// What to do when a name is taken.
    pub(crate) fn collision(&self) -> Collision {
        match self.on_collision {
            Some(OnCollision::Number) => Collision::Number,
            Some(OnCollision::Skip) => Collision::Skip,
            Some(OnCollision::Overwrite) => Collision::Overwrite,
            Some(OnCollision::Fail) => Collision::Fail,
            None if self.resume => Collision::Skip,
            None => Collision::Number,
        }
    }
}

/// Reads how many files to download at once.
fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    let jobs = at_least_one(text)?;
    if jobs.get() <= MOST_TRANSFERS { Ok(jobs) } else { Err(format!("it must be at most {MOST_TRANSFERS}")) }
}

/// Reads a number that is not zero.
fn at_least_one(text: &str) -> Result<NonZeroUsize, String> {
    let number: usize = text.parse().map_err(|_| "it must be a number")?;
    NonZeroUsize::new(number).ok_or_else(|| "it must be at least 1".into())
}

/// Reads a time in seconds, with or without a fraction.
fn seconds(text: &str) -> Result<Duration, String> {
    let time = text.parse().ok().and_then(|time| Duration::try_from_secs_f64(time).ok());
    let time = time.filter(|time| !time.is_zero());
    time.ok_or_else(|| "it must be a number of seconds above 0".into())
}

/// Reads a number of bytes, with or without a unit of 1024 bytes or its powers.
fn bytes(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (&text[..at], 1 << 10),
        Some((at, 'm' | 'M')) => (&text[..at], 1 << 20),
        Some((at, 'g' | 'G')) => (&text[..at], 1 << 30),
        _ => (text, 1_u64),
    };
    let number: Option<u64> = digits.parse().ok();
    let bytes = number.and_then(|number| number.checked_mul(unit)).filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| "it must be a number of bytes above 0, perhaps with k, M or G".into())
}

/// Reads a header field that can be sent as it is.
fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("it must be `NAME: VALUE`")?;
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let plain = |byte: u8| byte == b'\t' || (b' '..=b'~').contains(&byte);
    if name.is_empty() || !name.bytes().all(token) || !value.bytes().all(plain) {
        return Err("it must be `NAME: VALUE` in plain ASCII".into());
    }
    Ok((name.to_owned(), value.trim().to_owned()))
}
