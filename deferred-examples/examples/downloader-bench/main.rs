//! Measures the parallel downloader beside curl, aria2c and wget2, where they are installed.
//!
//! ```text
//! cargo run --release -p deferred-examples --example downloader-bench
//! ```
//!
//! A server in a process of its own counts the requests in progress; each downloader runs in a process
//! of its own, whose wall time, CPU time and peak memory are printed.
//! Every file is compared with what it should be.

mod measure;
mod tools;

use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::{env, fs};

use deferred_examples::server::Server;
use deferred_examples::server::content::Content;

use crate::measure::{Figures, measure};
use crate::tools::{Tool, installed};

/// Files to download: a name for them, how many, how large, and how long the server waits.
struct Workload {
    /// What to call it.
    name: &'static str,
    /// How many files.
    files: u32,
    /// How many bytes each.
    size: u64,
    /// Milliseconds before each answer.
    delay: u32,
}

/// What is measured, at each concurrency.
const WORKLOADS: [Workload; 3] = [
    Workload { name: "200 files of 64 KiB", files: 200, size: 65_536, delay: 0 },
    Workload { name: "200 files of 64 KiB, 50 ms delay", files: 200, size: 65_536, delay: 50 },
    Workload { name: "4 files of 200 MB", files: 4, size: 200_000_000, delay: 0 },
];

/// How many files at once.
const CONCURRENCY: [u32; 3] = [2, 8, 32];

/// How often each is measured; the median by wall time counts.
const ROUNDS: usize = 3;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        [] => compare(&WORKLOADS),
        ["files"] => compare(&WORKLOADS[..2]),
        ["serve"] => serve(),
        ["measure", command @ ..] => measure::report(command),
        _ => {
            let _ = writeln!(io::stderr(), "usage: downloader-bench [files]");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "downloader-bench: {error}");
            ExitCode::from(1)
        }
    }
}

/// Runs every tool on every workload.
fn compare(workloads: &[Workload]) -> Result<(), Box<dyn Error>> {
    let tools = installed()?;
    let mut server = Serving::start()?;
    println!(
        "{:<34} {:>3}  {:<22} {:>8} {:>8} {:>8} {:>5}",
        "workload", "-j", "tool", "wall s", "CPU s", "peak MB", "most"
    );
    for workload in workloads {
        for jobs in CONCURRENCY {
            for tool in &tools {
                let (figures, most) = median(workload, tool, jobs, &mut server)?;
                println!(
                    "{:<34} {jobs:>3}  {:<22} {:>8.3} {:>8.3} {:>8.1} {most:>5}",
                    workload.name, tool.name, figures.wall, figures.cpu, figures.megabytes
                );
            }
        }
    }
    println!("most: the largest number of requests that the server had in progress at once");
    Ok(())
}

/// Measures a tool several times; returns the middle one, and the most requests ever at once.
fn median(
    workload: &Workload,
    tool: &Tool,
    jobs: u32,
    server: &mut Serving,
) -> Result<(Figures, usize), Box<dyn Error>> {
    let mut rounds = Vec::new();
    let mut most = 0;
    for _ in 0..ROUNDS {
        let directory = tempfile::tempdir()?;
        let output = directory.path().join("output");
        fs::create_dir(&output)?;
        let names: Vec<String> = (0..workload.files).map(|n| format!("{n}.bin")).collect();
        let query = format!("size={}&delay={}", workload.size, workload.delay);
        let url = |name: &String| (format!("{}/{name}?{query}", server.base), name.clone());
        let files: Vec<(String, String)> = names.iter().map(url).collect();
        let command = tool.command(jobs, &files, directory.path(), &output)?;
        rounds.push(measure(&command)?);
        most = most.max(server.peak()?);
        for name in &names {
            check(&output.join(name), &format!("/{name}"), workload.size)
                .map_err(|error| format!("{}: {error}", tool.name))?;
        }
    }
    rounds.sort_by(|a, b| a.wall.total_cmp(&b.wall));
    let middle = rounds.swap_remove(ROUNDS / 2);
    Ok((middle, most))
}

/// Compares a file with what the server has at `path`.
fn check(file: &Path, path: &str, size: u64) -> Result<(), Box<dyn Error>> {
    let mut reader = BufReader::with_capacity(1 << 20, fs::File::open(file)?);
    let content = Content::new(path, size);
    let mut at = 0;
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            break;
        }
        let wanted = content.piece(at, bytes.len() as u64);
        if wanted.is_empty() || bytes.get(..wanted.len()) != Some(wanted) {
            return Err(format!("{} is wrong after {at} bytes", file.display()).into());
        }
        let length = wanted.len();
        reader.consume(length);
        at += length as u64;
    }
    if at == size { Ok(()) } else { Err(format!("{} has {at} bytes", file.display()).into()) }
}

/// Serves until standard input ends; says where, and for each line on it the most requests since.
fn serve() -> Result<(), Box<dyn Error>> {
    let server = Server::start()?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}", server.url(""))?;
    out.flush()?;
    for line in io::stdin().lines() {
        line?;
        writeln!(out, "{}", server.peak())?;
        out.flush()?;
        server.reset_peak();
    }
    Ok(())
}

/// The server in its process.
struct Serving {
    /// Where it is, without a slash at the end.
    base: String,
    /// The process.
    child: Child,
    /// For questions.
    questions: Option<ChildStdin>,
    /// For answers.
    answers: BufReader<ChildStdout>,
}

impl Serving {
    /// Starts the process.
    fn start() -> Result<Self, Box<dyn Error>> {
        let mut child =
            Command::new(env::current_exe()?).arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let questions = child.stdin.take();
        let mut answers = BufReader::new(child.stdout.take().ok_or("the server has no output")?);
        let mut base = String::new();
        answers.read_line(&mut base)?;
        Ok(Self { base: base.trim_end().to_owned(), child, questions, answers })
    }

    /// Asks for the most requests in progress since the last question.
    fn peak(&mut self) -> Result<usize, Box<dyn Error>> {
        let questions = self.questions.as_mut().ok_or("the server has no input")?;
        writeln!(questions, "peak")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim().parse()?)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.questions.take());
        let _ = self.child.wait();
    }
}
