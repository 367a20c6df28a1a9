//! The checks of this workspace: `cargo xtask --help` lists them.

mod bare_metal;
mod bench;
mod canaries;
mod coverage;
mod examples;
mod fuzz;
mod mutants;
mod proof;
mod sh;
mod steps;
mod supply;
mod tidy;

#[cfg(test)]
mod tests;

use std::process::ExitCode;
use std::time::Instant;

use sh::{Outcome, Stop};

/// The crates that are published, in the order in which they depend on one another.
const LIBRARIES: [&str; 4] = ["deferred-core", "deferred-list", "deferred-queue", "deferred-sync"];

/// One line of `--help`, of the closing table, and of what `ci` does.
struct Step {
    name: &'static str,
    about: &'static str,
    run: fn() -> Outcome,
}

/// The steps of `ci`, in the order in which it runs them.
#[rustfmt::skip]
const STEPS: &[Step] = &[
    Step { name: "tidy", about: "dependency rule, files of each crate, first lines, versions, Rust's version, file sizes, named tests", run: tidy::tidy },
    Step { name: "fmt", about: "formatting", run: steps::fmt },
    Step { name: "clippy", about: "lints and warnings, in every target of the workspace", run: steps::clippy },
    Step { name: "features", about: "lints and warnings of each library, with each set of its features", run: steps::features },
    Step { name: "no-std", about: "each library without std, linked into a program and built for bare metal", run: steps::no_std },
    Step { name: "bare-metal", about: "every primitive on a Cortex-M3 under QEMU, between a main loop and an interrupt", run: bare_metal::bare_metal },
    Step { name: "test", about: "unit, integration and documentation tests", run: steps::test },
    Step { name: "doc", about: "documentation, with every feature", run: steps::doc },
    Step { name: "deny", about: "licences, duplicates, sources and advisories of the dependencies", run: steps::deny },
    Step { name: "package", about: "the published crates, packed and built from their packages", run: steps::package },
    Step { name: "msrv", about: "the libraries build with the Rust that Cargo.toml promises", run: supply::msrv },
    Step { name: "minimal", about: "the libraries build and work with the oldest dependencies that they allow", run: supply::minimal },
    Step { name: "loom", about: "every interleaving of small models of what is lock-free", run: proof::loom },
    Step { name: "shuttle", about: "thousands of schedules of models with four to eight tasks", run: proof::shuttle },
    Step { name: "fuzz", about: "programs that coverage leads, beside plain models, a minute for each of four targets", run: fuzz::minutes },
    Step { name: "asan", about: "use after free and leaks in the libraries' tests", run: proof::asan },
    Step { name: "tsan", about: "data races in those with threads", run: proof::tsan },
    Step { name: "memcheck", about: "use after free and leaks in the release build, by valgrind", run: proof::memcheck },
    Step { name: "coverage", about: "95 % of the libraries' lines are run by tests; the rest is named", run: coverage::coverage },
    Step { name: "canaries", about: "planted bugs: each must be caught by the suite that is there for it", run: canaries::canaries },
    Step { name: "bench-check", about: "instruction counts against the best peers' have not grown", run: bench::check },
    Step { name: "examples", about: "the examples: exit codes, what they print, what they save", run: examples::examples },
];

/// The steps that take longer: `long` runs them, and `ci` does not.
#[rustfmt::skip]
const LONG: &[Step] = &[
    Step { name: "semver", about: "the published crates keep what the last release promised", run: supply::semver },
    Step { name: "loom-deep", about: "the models with four preemptions wherever there is a lower bound, ten minutes for each at most", run: proof::loom_deep },
    Step { name: "fuzz-deep", about: "as fuzz, 15 minutes for each target, or FUZZ_MINUTES", run: fuzz::deep },
    Step { name: "mutants", about: "changes of the libraries, one at a time: a test fails with each, or it is listed with the reason", run: mutants::mutants },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("bench", rest)) = args.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return bench::bench(rest);
    }
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        print!("{}", help());
        return ExitCode::SUCCESS;
    }
    let (strict, steps) = match parse(&args) {
        Ok(request) => request,
        Err(why) => {
            eprintln!("{why}\n\n{}", help());
            return ExitCode::from(2);
        }
    };
    // Commands are written as a person types them at the top of the workspace.
    std::env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .expect("the workspace that xtask was built in is still there");

    let mut rows = Vec::new();
    for step in steps {
        println!("\n== {}: {}", step.name, step.about);
        let start = Instant::now();
        let outcome = (step.run)();
        if let Err(Stop::Failed(why)) = &outcome {
            println!("{why}");
        }
        rows.push((step.name, outcome, start.elapsed().as_secs_f64()));
    }
    let (table, passed) = table(&rows, strict);
    print!("\n{table}");
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn help() -> String {
    let mut text = String::from(
        "cargo xtask ci [--strict] [STEP]...   run these steps, or all of them\n\
         cargo xtask long [--strict]           run the longer steps\n\
         cargo xtask STEP                      the same for one step\n\
         cargo xtask bench [OPTION]...         measure us beside our peers; --help says how\n\
         cargo xtask bench downloader [SET]    measure the downloader beside curl, aria2c and wget2\n\n\
         --strict makes a step that was skipped a failure.\n\
         Exit codes: 0 all passed, 1 a step failed, 2 wrong usage.\n\nSteps:\n",
    );
    let list =
        |steps: &[Step]| steps.iter().map(|step| format!("  {:<13}{}\n", step.name, step.about)).collect::<String>();
    text += &list(STEPS);
    text += "\nLonger steps:\n";
    text += &list(LONG);
    text
}

/// What the arguments ask for: whether to be strict, and the steps to run.
fn parse(args: &[String]) -> Result<(bool, Vec<&'static Step>), String> {
    let (strict, words): (Vec<&str>, Vec<&str>) = args.iter().map(String::as_str).partition(|arg| *arg == "--strict");
    let find = |name: &&str| {
        STEPS.iter().chain(LONG).find(|step| step.name == *name).ok_or_else(|| format!("unknown step {name}"))
    };
    let steps = match words[..] {
        [] => Err("nothing to do".to_owned()),
        ["ci"] => Ok(STEPS.iter().collect()),
        ["long"] => Ok(LONG.iter().collect()),
        ["ci", ref steps @ ..] | ref steps => steps.iter().map(find).collect(),
    };
    Ok((!strict.is_empty(), steps?))
}

/// The closing table, with what was wrong below it, where the end of a long log shows it; and whether it is a pass.
fn table(rows: &[(&str, Outcome, f64)], strict: bool) -> (String, bool) {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    let mut lines = vec![("step", "result".to_owned(), "seconds".to_owned())];
    let mut reasons = String::new();
    for (name, outcome, seconds) in rows {
        let (count, result) = match outcome {
            Ok("") => (&mut passed, "ok".to_owned()),
            Ok(remark) => (&mut passed, format!("ok ({remark})")),
            Err(Stop::Failed(why)) => {
                reasons += &format!("\n{name}: {}\n", why.trim_end());
                (&mut failed, "FAILED".to_owned())
            }
            Err(Stop::Skipped { why, install }) if strict => {
                (&mut failed, format!("FAILED: {why} (install: {install})"))
            }
            Err(Stop::Skipped { why, install }) => (&mut skipped, format!("skipped: {why} (install: {install})")),
        };
        *count += 1;
        lines.push((name, result, format!("{seconds:.1}")));
    }
    let width = lines.iter().map(|(_, result, _)| result.len()).max().unwrap_or_default();
    let mut text = String::new();
    for (name, result, seconds) in lines {
        text += &format!("{name:<13}{result:<width$}  {seconds:>7}\n");
    }
    text += &format!("{reasons}\n{passed} passed, {failed} failed, {skipped} skipped\n");
    (text, failed == 0)
}
