//! The steps that look for races, leaks and use after free: models, sanitizers, valgrind.

use crate::LIBRARIES;
use crate::sh::{Outcome, fail, need, read, run};

/// The crates with models, each in `tests/loom.rs`.
const MODELLED: &[&str] = &["deferred-core", "deferred-queue", "deferred-sync"];

/// Every interleaving of small models, within the bound that each names.
pub(crate) fn loom() -> Outcome {
    for library in MODELLED {
        run(&format!(
            "RUSTFLAGS=--cfg=loom cargo test --locked --release -p {library} --features=loom --test=loom \
             --target-dir=target/loom -- --nocapture"
        ))?;
    }
    Ok("")
}

/// The target is named so that build scripts are left alone.
const HOST: &str = "x86_64-unknown-linux-gnu";

/// Leaks are reported when a test binary has said that all is well; its exit status tells.
pub(crate) fn asan() -> Outcome {
    suites(
        &format!("RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address cargo test --target={HOST} --target-dir=target/asan"),
        // Counts instructions, under valgrind.
        &["cost"],
        |binary| {
            // Random programs may well make Deferreds that own one another.
            let leaks = u8::from(!binary.contains("/model-"));
            format!("ASAN_OPTIONS=detect_leaks={leaks} {binary} --quiet")
        },
    )
}

/// The release build, whose code is the one that runs in the end.
pub(crate) fn memcheck() -> Outcome {
    need("valgrind --version", "apt-get install valgrind")?;
    suites(
        "cargo test --release",
        // The point of these is time, or memory of their own, or to run long.
        &["allocations", "cost", "stack", "model", "threads", "timeouts"],
        |binary| {
            format!(
                "WATCHDOG_SECONDS=60 valgrind --quiet --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite --fair-sched=yes \
                 --error-exitcode=9 {binary} --test-threads=1 --quiet"
            )
        },
    )
}

/// Builds the tests of each library and runs those binaries that are not to be left out.
fn suites(cargo_test: &str, leave_out: &[&str], command: impl Fn(&str) -> String) -> Outcome {
    for library in LIBRARIES {
        let build = format!("{cargo_test} --locked -p {library} --lib --tests --no-run --message-format=json");
        let messages = read(&build)?;
        let mut count = 0;
        for binary in executables(&messages) {
            let name = binary.rsplit('/').next().unwrap_or_default();
            // The name of a test, a hyphen, and a hash.
            if leave_out.iter().all(|test| !name.strip_prefix(test).is_some_and(|rest| rest.starts_with('-'))) {
                run(&command(binary))?;
                count += 1;
            }
        }
        if count == 0 {
            return fail(format!("no tests: {build}"));
        }
    }
    Ok("")
}

/// The paths of test binaries in cargo's messages.
fn executables(messages: &str) -> impl Iterator<Item = &str> {
    messages.lines().filter_map(|line| line.split_once("\"executable\":\"")?.1.split('"').next())
}
