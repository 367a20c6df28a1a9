//! Planted bugs: each suite must fail when it should.
//!
//! A canary is one or two lines of a library behind `--cfg canary="NAME"`, which no feature and no dependent can set.
//! Only the crates of this workspace are built anew for it: a wrapper around rustc adds the flag.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::sh::{Outcome, Stop, fail};

struct Canary {
    name: &'static str,
    bug: &'static str,
    /// What must catch it: the package, and arguments of `cargo test`.
    suite: (&'static str, &'static str),
}

const fn canary(name: &'static str, bug: &'static str, suite: (&'static str, &'static str)) -> Canary {
    Canary { name, bug, suite }
}

const CORE: &str = "deferred-core";
const SYNC: &str = "deferred-sync";
const QUEUE: &str = "deferred-queue";

#[rustfmt::skip]
const CANARIES: &[Canary] = &[
    canary("lost_wakeup", "a waker that meets a fire is dropped", (CORE, "--test=loom -- fire_against_one_poll")),
    canary("stale_waker", "a second waker does not replace the first", (CORE, "--test=futures")),
    canary("unseen", "a waker is replaced while it is read, and nobody notices", (CORE, "--test=loom -- fire_against_poll_with_two_wakers")),
    canary("relaxed_publish", "an entry is published without its closure", (CORE, "--test=loom -- fire_against_attach")),
    canary("callback_twice", "a callback is called twice", (CORE, "--test=chains")),
    canary("double_fire", "what was cancelled can still be fired", (CORE, "--test=resolver")),
    canary("not_busy", "a chain goes on while somebody reads what it waits for", (CORE, "--test=loom -- cancel_of_the_outer")),
    canary("lost_drop", "a drop misses what the chain goes on to wait for", (CORE, "--test=loom -- drop_against_going_on")),
    canary("recursion_in_drop", "drops nest", (CORE, "--test=stack")),
    canary("leak", "the last claim does not free the cell", (CORE, "--test=loom -- fire_against_drop")),
    canary("open_lock", "a lock that is held can be had again", (CORE, "--lib")),
    canary("lost_permit", "units of a waiter that was just cancelled are lost", (CORE, "--test=loom -- units_that_come_back")),
    canary("untold", "a waiter that leaves the front does not let the next one go", (SYNC, "--test=semaphore")),
    canary("newcomer_overtakes", "free permits go to whoever comes, not to whoever waits", (SYNC, "--test=semaphore")),
    canary("lost_item", "an item goes with the getter that was ready and dropped", (QUEUE, "--test=cancel")),
    canary("off_by_one", "one more getter may wait than the backlog says", (QUEUE, "--test=queue")),
    canary("wake_under_lock", "a getter is fired with the queue locked", (QUEUE, "--test=hostile")),
];

/// A suite that takes longer than this hangs, which is how some bugs show.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn canaries() -> Outcome {
    let mut alive = Vec::new();
    for canary in CANARIES {
        let start = Instant::now();
        let caught = catch(canary).map_err(|error| Stop::Failed(format!("{}: {error}", canary.name)))?;
        let seconds = start.elapsed().as_secs_f64();
        let (package, suite) = canary.suite;
        match caught {
            Some(how) => println!("{:<20}caught by {package} {suite}: {how} ({seconds:.0} s)", canary.name),
            None => {
                println!("{:<20}NOT CAUGHT by {package} {suite}: {}", canary.name, canary.bug);
                alive.push(canary.name);
            }
        }
    }
    if alive.is_empty() { Ok("") } else { fail(format!("not caught: {}", alive.join(", "))) }
}

/// Builds a suite with a bug and runs it; tells how it was caught.
fn catch(canary: &Canary) -> io::Result<Option<String>> {
    let wrapper = wrapper(canary.name)?;
    let (package, suite) = canary.suite;
    let (build, filter) = suite.split_once(" -- ").unwrap_or((suite, ""));
    let mut arguments = vec!["test", "--locked", "-p", package, build];
    let mut flags = String::new();
    let mut target = "target/canaries";
    if build.contains("loom") {
        arguments.extend(["--release", "--features=loom"]);
        flags.push_str("--cfg=loom");
        target = "target/loom";
    }
    let mut command = Command::new("cargo");
    command.args(&arguments).arg("--no-run").arg(format!("--target-dir={target}"));
    command.env("RUSTFLAGS", &flags).env("RUSTC_WORKSPACE_WRAPPER", &wrapper).env("LOOM_LOG", "off");
    // A suite that does not build has caught nothing.
    let built = command.stderr(Stdio::piped()).output()?;
    let text = String::from_utf8_lossy(&built.stderr);
    if !built.status.success() {
        return Err(io::Error::other(format!("the suite does not build\n{text}")));
    }
    let binary = text.lines().rev().find_map(|line| line.split_once('(')?.1.strip_suffix(')'));
    let Some(binary) = binary.map(|path| Path::new(".").join(path)) else {
        return Err(io::Error::other(format!("cargo names no test binary\n{text}")));
    };
    let log = PathBuf::from("target/canaries").join(canary.name).with_extension("log");
    let status = run_within(&binary, filter, &log)?;
    let log = fs::read_to_string(log)?;
    let failed: Vec<&str> = log.lines().filter_map(|line| line.strip_suffix(" ... FAILED")).collect();
    Ok(match status {
        None => Some(format!("hangs in {}", log.lines().last().unwrap_or_default())),
        Some(status) if status.success() => None,
        Some(_) if !failed.is_empty() => Some(failed.join(", ").replace("test ", "")),
        Some(status) => Some(status.to_string()),
    })
}

/// Makes a script that calls rustc with the flag. Its path is part of what cargo tells builds apart by.
fn wrapper(name: &str) -> io::Result<PathBuf> {
    let path = std::env::current_dir()?.join("target/canaries").join(name);
    fs::create_dir_all(path.parent().unwrap_or(&path))?;
    fs::write(&path, format!("#!/bin/sh\nexec \"$@\" --cfg 'canary=\"{name}\"'\n"))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

/// Runs a test binary; `None` when it does not end in time.
fn run_within(binary: &Path, filter: &str, log: &Path) -> io::Result<Option<ExitStatus>> {
    let out = File::create(log)?;
    let mut child = Command::new(binary)
        .args(filter.split_whitespace())
        .stdout(out.try_clone()?)
        .stderr(out)
        .stdin(Stdio::null())
        .spawn()?;
    let start = Instant::now();
    while start.elapsed() < LIMIT {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}
