//! Fuzzing: programs that coverage leads, beside the plain models that the tests have too.

use std::fs::{self, File};
use std::process::{Child, Stdio};

use crate::proof::{HOST, LEAN_RELEASE};
use crate::sh::{Outcome, Stop, fail, need, parse, run, tail};

/// Each a file in `xtask/fuzz/fuzz_targets`, with its corpus in `xtask/fuzz/corpus`.
const TARGETS: [&str; 4] = ["chains", "list", "queue", "sync"];

/// Builds the targets with libFuzzer and AddressSanitizer.
const BUILD: &str = "RUSTC_BOOTSTRAP=1 cargo build --locked --release --config=xtask/fuzz/config.toml \
    --manifest-path=xtask/fuzz/Cargo.toml";

/// A minute for each target, on the same way through the programs each time, so that it tells of a change.
pub(crate) fn minutes() -> Outcome {
    fuzz("-max_total_time=60 -seed=1")
}

/// A quarter of an hour for each target, or as many minutes as `FUZZ_MINUTES` says, on another way each time.
pub(crate) fn deep() -> Outcome {
    let minutes = std::env::var("FUZZ_MINUTES").unwrap_or_else(|_| "15".to_owned());
    match minutes.parse::<u32>() {
        Ok(minutes @ 1..=10_000) => fuzz(&format!("-max_total_time={}", 60 * minutes)),
        _ => fail(format!("FUZZ_MINUTES is {minutes}, not the number of minutes for each target, 1 to 10000")),
    }
}

/// Runs the targets, two at a time.
fn fuzz(extent: &str) -> Outcome {
    need("c++ --version", "apt-get install g++")?;
    run(&format!("{BUILD} --target-dir=target/fuzz"))?;
    let mut found = Vec::new();
    for pair in TARGETS.chunks(2) {
        let running: Vec<_> = pair.iter().map(|target| start(target, extent)).collect();
        for (target, child) in pair.iter().zip(running) {
            let status = child.and_then(|mut child| child.wait());
            let log = fs::read_to_string(log(target)).unwrap_or_default();
            let runs = log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units: "));
            let runs: u32 = runs.and_then(|runs| runs.trim().parse().ok()).unwrap_or_default();
            if status.is_ok_and(|status| status.success()) && runs > 1000 {
                println!("{target}: {}", log.lines().rfind(|line| line.contains("DONE")).unwrap_or_default());
            } else {
                found.push(format!("{target}:\n{}", tail(&log)));
            }
        }
    }
    if found.is_empty() { Ok("") } else { fail(format!("{}target/fuzz/NAME-* reproduces it", found.concat())) }
}

fn log(target: &str) -> String {
    format!("target/fuzz/{target}.log")
}

/// What it finds on the way is kept in `target/fuzz/corpus`, beside the corpus that is committed.
fn start(target: &str, extent: &str) -> std::io::Result<Child> {
    let found = format!("target/fuzz/corpus/{target}");
    fs::create_dir_all(&found)?;
    // Leaks are counted by the targets, as Deferreds that own one another stay.
    let line = format!(
        "ASAN_OPTIONS=detect_leaks=0 {} {found} xtask/fuzz/corpus/{target} {extent} -max_len=400 \
         -timeout=60 -artifact_prefix=target/fuzz/{target}- -print_final_stats=1",
        binary("target/fuzz", target)
    );
    println!("$ {line}");
    let out = File::create(log(target))?;
    parse(&line).stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out).spawn()
}

fn binary(folder: &str, target: &str) -> String {
    format!("{folder}/{HOST}/release/{target}")
}

/// Builds a target with a planted bug, and returns whether it is found within a minute, without a corpus.
pub(crate) fn find(canary: &str, target: &str) -> Result<bool, Stop> {
    // With other flags cargo builds everything anew, of which libFuzzer would take the most time.
    run(&format!("{BUILD} --target-dir=target/fuzz"))?;
    let Some(libfuzzer) = libfuzzer() else { return fail("libFuzzer is not where its build script puts it") };
    // Each in a folder of its own, so that the builds with a bug do not wait for one another.
    let folder = format!("target/fuzz-canaries/{canary}");
    run(&format!(
        "CUSTOM_LIBFUZZER_PATH={libfuzzer} {LEAN_RELEASE} {BUILD} --target-dir={folder} --bin={target} \
         '--config=build.rustflags=[\"--cfg=canary=\\\"{canary}\\\"\"]'"
    ))?;
    let file = File::create(format!("{folder}/{target}.log")).map_err(|error| Stop::Failed(error.to_string()))?;
    let line = format!(
        "ASAN_OPTIONS=detect_leaks=0 {} -max_total_time=60 -max_len=400 -timeout=60 -artifact_prefix={folder}/",
        binary(&folder, target)
    );
    let mut command = parse(&line);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file).status();
    status.map(|status| !status.success()).map_err(|error| Stop::Failed(format!("{error}: {line}")))
}

/// Where libFuzzer was built.
fn libfuzzer() -> Option<String> {
    let builds = format!("target/fuzz/{HOST}/release/build");
    let mut paths = fs::read_dir(builds).ok()?.filter_map(|entry| Some(entry.ok()?.path().join("out/libfuzzer.a")));
    let path = paths.find(|path| path.is_file())?.canonicalize().ok()?;
    path.to_str().map(str::to_owned)
}
