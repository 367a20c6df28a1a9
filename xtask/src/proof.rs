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
    for library in LIBRARIES {
        run(&format!(
            "RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address ASAN_OPTIONS=detect_leaks=1 \
             cargo test --locked -p {library} --lib --tests --target={HOST} --target-dir=target/asan"
        ))?;
    }
    Ok("")
}

/// The tests whose point is time or memory of their own, which is not the same under valgrind.
const NOT_UNDER_VALGRIND: &[&str] = &["allocations", "cost", "stack", "model", "threads"];

/// The release build, whose code is the one that runs in the end.
pub(crate) fn memcheck() -> Outcome {
    need("valgrind --version", "apt-get install valgrind")?;
    for library in LIBRARIES {
        let build = format!("cargo test --locked --release -p {library} --lib --tests --no-run --message-format=json");
        let messages = read(&build)?;
        let binaries = executables(&messages);
        if binaries.is_empty() {
            return fail(format!("no test binaries: {build}"));
        }
        for binary in binaries {
            let name = binary.rsplit('/').next().unwrap_or_default();
            if NOT_UNDER_VALGRIND.iter().any(|test| name.strip_prefix(test).is_some_and(|rest| rest.starts_with('-'))) {
                continue;
            }
            run(&format!(
                "valgrind --quiet --leak-check=full --errors-for-leak-kinds=definite --fair-sched=yes \
                 --error-exitcode=9 {binary} --test-threads=1 --quiet"
            ))?;
        }
    }
    Ok("")
}

/// The paths of test binaries in cargo's messages.
fn executables(messages: &str) -> Vec<&str> {
    messages.lines().filter_map(|line| line.split_once("\"executable\":\"")?.1.split('"').next()).collect()
}
