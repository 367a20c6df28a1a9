//! Measures the parallel downloader beside curl, aria2c and wget2, where they are installed.
//!
//! ```text
//! cargo run --release -p deferred-examples --example downloader-bench
//! ```
//!
//! A server in a process of its own counts the requests in progress; each downloader runs in a process
//! of its own, whose wall time, CPU time and peak memory are printed.
//! Every file is compared with what it should be.
//! What the parallel downloader loses comes first.

mod measure;
mod ours;
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
    /// How often each is measured; the middle one by wall time counts.
    rounds: usize,
}

/// A workload at some concurrency, and how each tool did.
struct Case {
    /// The name of the workload.
    name: &'static str,
    /// How many files at once.
    jobs: u32,
    /// What each tool took, and the most requests in progress; ours first.
    results: Vec<(Figures, usize)>,
}

impl Case {
    /// Our wall time, in that of the fastest of the others; below one where there are none.
    fn ratio(&self) -> f64 {
        let mut walls = self.results.iter().map(|(figures, _)| figures.wall);
        let ours = walls.next().unwrap_or(0.0);
        ours / walls.fold(f64::INFINITY, f64::min)
    }

    /// Prints a line for each tool.
    fn print(&self, tools: &[Tool]) {
        let ratio = self.ratio();
        for (tool, (figures, most)) in tools.iter().zip(&self.results) {
            println!(
                "{:<34} {:>3}  {:<22} {:>8.3} {:>8.3} {:>8.1} {most:>5}",
                self.name, self.jobs, tool.name, figures.wall, figures.cpu, figures.megabytes
            );
        }
        let word = if ratio > NOISE { "LOST" } else { "ok" };
        println!("{:<34} {:>3}  {word} {ratio:.2}", self.name, self.jobs);
    }
}

/// What is measured, at each concurrency.
const WORKLOADS: [Workload; 3] = [
    Workload { name: "200 files of 64 KiB", files: 200, size: 65_536, delay: 0, rounds: 101 },
    Workload { name: "200 files of 64 KiB, 50 ms delay", files: 200, size: 65_536, delay: 50, rounds: 5 },
    Workload { name: "4 files of 200 MB", files: 4, size: 200_000_000, delay: 0, rounds: 5 },
];

/// How many files at once.
const CONCURRENCY: [u32; 3] = [2, 8, 32];

/// Above this ratio of wall times a case is lost; up to it, the next run may say otherwise.
const NOISE: f64 = 1.05;

/// Files smaller than this are kept until their workload is over.
const KEPT: u64 = 1_000_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        [] => compare(&WORKLOADS),
        ["small"] => compare(&WORKLOADS[..2]),
        ["large"] => compare(&WORKLOADS[2..]),
        ["serve"] => serve(),
        ["measure", command @ ..] => measure::report(command),
        _ => {
            let _ = writeln!(io::stderr(), "usage: downloader-bench [small|large]");
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
    let mut cases = Vec::new();
    for workload in workloads {
        // Small files stay until the end: file systems are slow to give out what was just freed.
        let mut directories = Vec::new();
        for jobs in CONCURRENCY {
            let mut rounds: Vec<Vec<Figures>> = tools.iter().map(|_| Vec::new()).collect();
            let mut most = vec![0; tools.len()];
            // In turns, so that whatever else the machine does meets all alike.
            for _ in 0..workload.rounds {
                for (index, tool) in tools.iter().enumerate() {
                    let directory = tempfile::tempdir()?;
                    rounds[index].push(once(workload, tool, jobs, &server.base, directory.path())?);
                    most[index] = most[index].max(server.peak()?);
                    if workload.size < KEPT {
                        directories.push(directory);
                    }
                }
            }
            let results = rounds.into_iter().map(middle).zip(most).collect();
            cases.push(Case { name: workload.name, jobs, results });
        }
    }
    cases.sort_by(|a, b| b.ratio().total_cmp(&a.ratio()));
    println!(
        "{:<34} {:>3}  {:<22} {:>8} {:>8} {:>8} {:>5}",
        "workload", "-j", "tool", "wall s", "CPU s", "peak MB", "most"
    );
    for case in &cases {
        case.print(&tools);
    }
    println!("LOST: more than 5 % slower than the fastest of the others, which is 1; the worst comes first");
    println!("most: the largest number of requests that the server had in progress at once");
    Ok(())
}

/// Measures a tool once, and checks what it saved.
fn once(workload: &Workload, tool: &Tool, jobs: u32, base: &str, directory: &Path) -> Result<Figures, Box<dyn Error>> {
    let output = directory.join("output");
    fs::create_dir(&output)?;
    let names: Vec<String> = (0..workload.files).map(|n| format!("{n}.bin")).collect();
    let query = format!("size={}&delay={}", workload.size, workload.delay);
    let url = |name: &String| (format!("{base}/{name}?{query}"), name.clone());
    let files: Vec<(String, String)> = names.iter().map(url).collect();
    let figures = measure(&tool.command(jobs, &files, directory, &output)?)?;
    for name in &names {
        check(&output.join(name), &format!("/{name}"), workload.size)
            .map_err(|error| format!("{}: {error}", tool.name))?;
    }
    Ok(figures)
}

/// The figures whose wall time is the middle one.
fn middle(mut rounds: Vec<Figures>) -> Figures {
    rounds.sort_by(|a, b| a.wall.total_cmp(&b.wall));
    rounds.swap_remove(rounds.len() / 2)
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
