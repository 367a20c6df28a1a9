//! Commands, written as one types them: words between spaces, `NAME=VALUE` words first, spaces within single quotes.

use std::fs::{self, File};
use std::io;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What a step came to: a remark for the closing table, mostly empty, or why it did not pass.
pub(crate) type Outcome = Result<&'static str, Stop>;

/// Why a step stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Something is wrong with the workspace.
    Failed(String),
    /// Something is missing on this machine, and `install` is how to get it.
    Skipped { why: String, install: &'static str },
}

/// A failure with this reason.
pub(crate) fn fail<T>(why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Failed(why.into()))
}

/// Runs a command, which must succeed.
pub(crate) fn run(line: &str) -> Outcome {
    succeed(line, Stdio::inherit()).map(|_| "")
}

/// Runs commands, all of which must succeed, two at a time.
pub(crate) fn run_all(lines: &[String]) -> Outcome {
    in_pairs(lines, |line| run(line).map(drop))
}

/// Does something with each item, two at a time, and fails with all that failed.
pub(crate) fn in_pairs<T: Sync>(items: &[T], work: impl Fn(&T) -> Result<(), Stop> + Sync) -> Outcome {
    let next = AtomicUsize::new(0);
    let work = || items.get(next.fetch_add(1, Ordering::Relaxed)).map(&work);
    let worker = || std::iter::from_fn(work).filter_map(Result::err).collect::<Vec<_>>();
    let stops: Vec<Stop> = thread::scope(|scope| {
        let second = scope.spawn(worker);
        worker().into_iter().chain(second.join().expect("running a command does not panic")).collect()
    });
    let why = stops.iter().map(|stop| match stop {
        Stop::Failed(why) | Stop::Skipped { why, .. } => why.as_str(),
    });
    let why = why.collect::<Vec<_>>().join("\n");
    if why.is_empty() { Ok("") } else { fail(why) }
}

/// Runs a command, which must succeed, and returns what it prints on standard output.
pub(crate) fn read(line: &str) -> Result<String, Stop> {
    succeed(line, Stdio::piped())
}

fn succeed(line: &str, stdout: Stdio) -> Result<String, Stop> {
    println!("$ {line}");
    match parse(line).stdout(stdout).stderr(Stdio::inherit()).output() {
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(output) => fail(format!("{}: {line}", output.status)),
        Err(error) => fail(format!("{error}: {line}")),
    }
}

/// Runs a command that must end within two minutes, whatever its exit code.
///
/// Returns the exit code, and what it printed on standard output and then on standard error, which is shown too.
pub(crate) fn observe(line: &str) -> Result<(i32, String), Stop> {
    println!("$ {line}");
    let logs = ["target/xtask.stdout", "target/xtask.stderr"];
    let code = code_within(line, logs, Duration::from_secs(120));
    let text = logs.map(|log| fs::read_to_string(log).unwrap_or_default()).join("");
    print!("{text}");
    match code {
        Ok(Some(code)) => Ok((code, text)),
        Ok(None) => fail(format!("killed, or not done after two minutes: {line}")),
        Err(error) => fail(format!("{error}: {line}")),
    }
}

/// Files take what is printed, since a pipe would have to be emptied all the time.
fn code_within(line: &str, [out, err]: [&str; 2], limit: Duration) -> io::Result<Option<i32>> {
    let mut command = parse(line);
    let mut child = command.stdin(Stdio::null()).stdout(File::create(out)?).stderr(File::create(err)?).spawn()?;
    let start = Instant::now();
    while start.elapsed() < limit {
        if let Some(status) = child.try_wait()? {
            return Ok(status.code());
        }
        thread::sleep(Duration::from_millis(10));
    }
    child.kill()?;
    child.wait().map(|_| None)
}

/// Runs a command with a file for what it prints; returns whether it succeeded, and what it printed.
pub(crate) fn record(line: &str, log: &str) -> Result<(bool, String), Stop> {
    println!("$ {line}");
    let status = File::create(log)
        .and_then(|file| parse(line).stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).status())
        .or_else(|error| fail(format!("{error}: {line}")))?;
    let printed = fs::read(log).or_else(|error| fail(format!("{log}: {error}")))?;
    Ok((status.success(), String::from_utf8_lossy(&printed).into_owned()))
}

/// The last lines of something long, for a failure.
pub(crate) fn tail(text: &str) -> String {
    let from = text.lines().count().saturating_sub(60);
    text.lines().skip(from).map(|line| format!("{line}\n")).collect()
}

/// Whether a command can be run and succeeds, quietly.
pub(crate) fn works(line: &str) -> bool {
    let status = parse(line).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Skips the step unless this command works.
pub(crate) fn need(line: &str, install: &'static str) -> Result<(), Stop> {
    if works(line) { Ok(()) } else { Err(Stop::Skipped { why: format!("`{line}` does not work"), install }) }
}

/// The command that is written so.
pub(crate) fn parse(line: &str) -> Command {
    command(&words(line))
}

/// A command of these words.
pub(crate) fn command(words: &[String]) -> Command {
    let (variables, rest) = words.split_at(words.iter().take_while(|word| word.contains('=')).count());
    let mut command = Command::new(rest.first().map_or("", String::as_str));
    // Tests panic on purpose, some of them thousands of times.
    command
        .args(rest.iter().skip(1))
        .env("RUST_BACKTRACE", "0")
        .envs(variables.iter().filter_map(|word| word.split_once('=')));
    command
}

/// The words of a command, without the quotes.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().expect("there is one from the start").push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
