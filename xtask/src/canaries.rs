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

use crate::fuzz;
use crate::proof::{LEAN, asan_build, executables, loom_build, shuttle_build, tsan_build};
use crate::sh::{Outcome, Stop, fail, in_pairs, read};

use Build::{Asan, Fuzz, Loom, Plain, Shuttle, Tsan};

/// How the suite is built.
#[derive(Clone, Copy, Debug)]
enum Build {
    Plain,
    Loom,
    Shuttle,
    Asan,
    Tsan,
    /// Then the suite is a target of the fuzzer.
    Fuzz,
}

struct Canary {
    name: &'static str,
    bug: &'static str,
    /// What must catch it: a build, a package, and a test, perhaps with a filter behind it.
    suite: (Build, &'static str, &'static str),
}

const fn canary(name: &'static str, bug: &'static str, suite: (Build, &'static str, &'static str)) -> Canary {
    Canary { name, bug, suite }
}

const CORE: &str = "deferred-core";
const SYNC: &str = "deferred-sync";
const QUEUE: &str = "deferred-queue";

#[rustfmt::skip]
const CANARIES: &[Canary] = &[
    canary("lost_wakeup", "a waker that meets a fire is dropped", (Loom, CORE, "--test=loom fire_against_one_poll")),
    canary("stale_waker", "a second waker does not replace the first", (Plain, CORE, "--test=suite futures::")),
    canary("unseen", "a waker is replaced while it is read, and nobody notices", (Loom, CORE, "--test=loom fire_against_poll_with_two_wakers")),
    canary("relaxed_publish", "an entry is published without its closure", (Loom, CORE, "--test=loom fire_against_attach")),
    canary("relaxed_unlock", "what was written under a lock is not published", (Tsan, CORE, "--test=suite threads::a_queue_serves")),
    canary("callback_twice", "a callback is called twice", (Plain, CORE, "--test=suite chains::")),
    canary("double_fire", "what was cancelled can still be fired", (Plain, CORE, "--test=suite resolver::")),
    canary("not_busy", "a chain goes on while somebody reads what it waits for", (Loom, CORE, "--test=loom cancel_of_the_outer")),
    canary("lost_drop", "a drop misses what the chain goes on to wait for", (Loom, CORE, "--test=loom drop_against_going_on")),
    canary("recursion_in_drop", "drops nest", (Plain, CORE, "--test=stack")),
    canary("leak", "the last claim does not free the cell", (Loom, CORE, "--test=loom fire_against_drop")),
    canary("leak", "the last claim does not free the cell", (Asan, CORE, "--test=suite chains::")),
    canary("open_lock", "a lock that is held can be had again", (Plain, CORE, "--lib")),
    canary("lost_permit", "units of a waiter that was just cancelled are lost", (Loom, CORE, "--test=loom units_that_come_back")),
    canary("untold", "a waiter that leaves the front does not let the next one go", (Plain, SYNC, "--test=suite semaphore::")),
    canary("newcomer_overtakes", "free permits go to whoever comes, not to whoever waits", (Plain, SYNC, "--test=suite semaphore::")),
    canary("lost_item", "an item goes with the getter that was ready and dropped", (Plain, QUEUE, "--test=suite cancel::")),
    canary("off_by_one", "one more getter may wait than the backlog says", (Plain, QUEUE, "--test=suite queue::")),
    canary("wake_under_lock", "a getter is fired with the queue locked", (Plain, QUEUE, "--test=suite siege::")),
    canary("lost_wakeup", "a waker that meets a fire is dropped", (Shuttle, CORE, "--test=shuttle")),
    canary("open_lock", "a lock that is held can be had again", (Shuttle, SYNC, "--test=shuttle")),
    canary("untold", "a waiter that leaves the front does not let the next one go", (Shuttle, SYNC, "--test=shuttle")),
    canary("lost_item", "an item goes with the getter that was ready and dropped", (Shuttle, QUEUE, "--test=shuttle")),
    canary("callback_twice", "a callback is called twice", (Fuzz, "fuzz", "chains")),
    canary("leak", "the last claim does not free the cell", (Fuzz, "fuzz", "list")),
    canary("lost_item", "an item goes with the getter that was ready and dropped", (Fuzz, "fuzz", "queue")),
    canary("untold", "a waiter that leaves the front does not let the next one go", (Fuzz, "fuzz", "sync")),
];

/// A suite must end within this: one that only hangs, or is slow, has caught nothing.
const LIMIT: Duration = Duration::from_secs(180);

pub(crate) fn canaries() -> Outcome {
    // What thread sanitizing takes must be there.
    tsan_build()?;
    in_pairs(CANARIES, |canary| {
        let start = Instant::now();
        let (_, package, suite) = canary.suite;
        let name = canary.name;
        match catch(canary)? {
            Some(how) => {
                println!("{name:<20}caught by {package} {suite}: {how} ({:.0} s)", start.elapsed().as_secs_f64());
                Ok(())
            }
            None => fail(format!("{name}: NOT CAUGHT by {package} {suite}: {}", canary.bug)),
        }
    })
}

/// Builds a suite with a bug and runs it; tells how it was caught. A suite that does not build has caught nothing.
fn catch(canary: &Canary) -> Result<Option<String>, Stop> {
    let failed = |error: io::Error| Stop::Failed(format!("{}: {error}", canary.name));
    let (build, package, suite) = canary.suite;
    let (target, filter) = suite.split_once(' ').unwrap_or((suite, ""));
    let cargo_test = match build {
        Plain => format!("{LEAN} cargo test --target-dir=target/wrapped"),
        Loom => loom_build(),
        Shuttle => shuttle_build(),
        Asan => asan_build(),
        Tsan => tsan_build()?,
        Fuzz => return fuzz::find(canary.name, target).map(|found| found.then(|| "it is found".to_owned())),
    };
    // Most models fail in one of their first executions, so building them fast counts for more than running them fast.
    // Assertions that such a build has, and the step has not, would catch what the step does not.
    let quick = if let Loom | Shuttle = build { " -Copt-level=0 -Cdebug-assertions=off" } else { "" };
    let script = format!("{}-{build:?}", canary.name);
    let wrapper = wrapper(&script, &format!("--cfg 'canary=\"{}\"'{quick}", canary.name)).map_err(failed)?;
    let wrapper = format!("RUSTC_WORKSPACE_WRAPPER={}", wrapper.display());
    let messages =
        read(&format!("{wrapper} {cargo_test} --locked -p {package} {target} --no-run --message-format=json"))?;
    let Some((name, binary)) = executables(&messages).next() else {
        return fail(format!("{}: cargo names no test binary", canary.name));
    };
    let log = PathBuf::from(format!("target/wrapped/{}-{name}-{build:?}.log", canary.name));
    let status = run_within(Path::new(&binary), filter, &log).map_err(failed)?;
    let log = fs::read_to_string(log).map_err(failed)?;
    let failures: Vec<&str> = log.lines().filter_map(|line| line.strip_suffix(" ... FAILED")).collect();
    let summary = log.lines().find_map(|line| line.strip_prefix("SUMMARY: "));
    Ok(match (status, summary) {
        (None, _) => return fail(format!("{}: {package} {suite} does not end", canary.name)),
        (Some(status), _) if status.success() => None,
        (Some(_), Some(summary)) => Some(summary.to_owned()),
        (Some(_), None) if !failures.is_empty() => Some(failures.join(", ").replace("test ", "")),
        (Some(status), None) => Some(status.to_string()),
    })
}

/// Makes a script that calls rustc with more flags, for the crates of this workspace alone.
/// Its path is part of what cargo tells builds apart by.
pub(crate) fn wrapper(name: &str, flags: &str) -> io::Result<PathBuf> {
    let path = std::env::current_dir()?.join("target/wrapped/rustc").join(name);
    fs::create_dir_all(path.parent().unwrap_or(&path))?;
    // Written anew only when it differs: another thread may be running it.
    let script = format!("#!/bin/sh\nexec \"$@\" {flags}\n");
    if fs::read_to_string(&path).is_ok_and(|text| text == script) {
        return Ok(path);
    }
    fs::write(&path, script)?;
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
        .env("LOOM_LOG", "off")
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
