//! Downloads files over HTTP, two at a time unless told otherwise.
//!
//! ```text
//! cargo run --release -p deferred-examples --example parallel-downloader -- --help
//! ```
//!
//! The engine is the library of this package; this program joins it with an HTTP client (`surf`), an
//! executor (that of `async-std`, on the client's thread) and a command line.

mod args;
mod bars;
mod curl_client;
mod demo;
mod json;
mod lines;
mod list;
mod show;
mod surf_fetch;

use std::error::Error;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::process::{self, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use async_global_executor::GlobalExecutorConfig;
use clap::Parser;
use deferred_core::{Handle, ThreadClock};
use deferred_examples::server::Server;
use deferred_examples::{Downloader, Folder, Job};

use crate::args::Args;
use crate::curl_client::spawn;
use crate::lines::To;
use crate::list::List;
use crate::show::Show;
use crate::surf_fetch::SurfFetch;

/// The exit code of a command line that makes no sense.
const USAGE: u8 = 2;

/// The exit code after Ctrl-C.
const INTERRUPTED: u8 = 130;

/// Set by the first Ctrl-C.
static STOP: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(other) => return answer(&other),
    };
    curl_client::prepare();
    // What there is to do is done on the client's thread.
    let threads = GlobalExecutorConfig::default().with_min_threads(1).with_max_threads(1);
    async_global_executor::init_with_config(threads);
    match async_std::task::block_on(run(args)) {
        Ok(code) => code,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(1)
        }
    }
}

/// Writes the help, the version, or what is wrong with the command line.
fn answer(answer: &clap::Error) -> ExitCode {
    let printed = answer.print().and_then(|()| io::stdout().flush());
    match printed {
        _ if answer.use_stderr() => ExitCode::from(USAGE),
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            complain(&format!("cannot write to standard output: {error}"));
            ExitCode::from(1)
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Downloads what the arguments ask for, and says what came of it.
async fn run(args: Args) -> Result<ExitCode, Box<dyn Error>> {
    let begin = Instant::now();
    let server = args.demo().then(Server::start).transpose()?;
    let urls = match &server {
        Some(server) => demo::urls(server, args.faulty),
        None => args.urls.clone(),
    };
    let jobs = match jobs(&args, urls) {
        Ok(jobs) => jobs,
        Err(error) => {
            complain(&error);
            return Ok(ExitCode::from(USAGE));
        }
    };
    let directory = directory(&args)?;
    let show = Show::new(&args);
    let client = SurfFetch::new(args.connect_timeout)?;
    let clock = ThreadClock::new();
    let folder = Folder::new(&directory, args.collision());
    let downloader = Downloader::new(client, args.settings(), folder, show.clone(), spawn, clock);

    // Before anything is told: whoever reads that may press Ctrl-C at once.
    let handle = cancel_on_ctrl_c()?;
    let mut files = downloader.download_all(jobs)?;
    let files_handle = handle.get_or_init(|| files.handle());
    if STOP.load(Ordering::SeqCst) {
        files_handle.cancel();
    }
    files.finished().await;
    downloader.idle().await;

    let (tally, to) = show.finish();
    let stopped = STOP.load(Ordering::Relaxed);
    if args.json {
        json::summary(&tally, begin.elapsed());
    }
    for (url, why) in &tally.failures {
        complain(&format!("{url}: {why}"));
    }
    to.say(&format!("{} to {}", tally.summary(begin.elapsed()), directory.display()));
    let report = json::failure().map(|error| format!("the report is not whole: {error}"));
    let unsaid = report.or_else(|| lines::failure().map(|error| format!("cannot write to standard output: {error}")));
    if let Some(why) = &unsaid {
        complain(why);
    }
    Ok(match (stopped, tally.failures.is_empty() && unsaid.is_none() && !list::is_broken()) {
        (true, _) => ExitCode::from(INTERRUPTED),
        (false, true) => ExitCode::SUCCESS,
        (false, false) => ExitCode::from(1),
    })
}

/// The jobs of the command line, and then those of the list, which is read as it is needed.
fn jobs(args: &Args, urls: Vec<String>) -> Result<impl Iterator<Item = Job> + Send + use<>, String> {
    let count = urls.len();
    if args.checksum.len() > count {
        return Err("there are more checksums than urls".into());
    }
    let checksums = args.checksum.clone().into_iter().map(Some).chain(std::iter::repeat(None));
    let given = (0..).zip(urls).zip(checksums);
    let given = given.map(|((index, text), checksum)| Job { index, text, checksum });
    let listed = args.input.as_deref().map(|path| List::open(path, count)).transpose()?;
    Ok(given.chain(listed.into_iter().flatten()))
}

/// Where files go.
fn directory(args: &Args) -> io::Result<PathBuf> {
    match &args.output {
        Some(directory) => Ok(directory.clone()),
        None if args.demo() => {
            let directory = tempfile::Builder::new().prefix("parallel-downloader-").tempdir()?;
            Ok(directory.keep())
        }
        None => Ok(".".into()),
    }
}

/// Lets the first Ctrl-C cancel every file, and the second end the program.
///
/// What there is to cancel is put into what this returns.
fn cancel_on_ctrl_c() -> Result<Arc<OnceLock<Handle>>, ctrlc::Error> {
    let handle = Arc::new(OnceLock::<Handle>::new());
    let files = Arc::clone(&handle);
    ctrlc::set_handler(move || {
        if STOP.swap(true, Ordering::SeqCst) {
            process::exit(INTERRUPTED.into());
        }
        // Not here: what is told meanwhile may block, and a second Ctrl-C must not.
        // The executor has one thread, so no task goes on before all are cancelled, and nothing begins in place of
        // what has ended.
        if let Some(files) = files.get().cloned() {
            spawn(Box::pin(async move { files.cancel() }));
        }
    })?;
    Ok(handle)
}

/// Says on standard error what went wrong.
fn complain(what: &str) {
    To::Err.say(&format!("parallel-downloader: {what}"));
}
