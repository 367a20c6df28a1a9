//! Which lines of the libraries their tests run.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::LIBRARIES;
use crate::canaries::wrapper;
use crate::proof::{LEAN, Pick, llvm_of, tests};
use crate::sh::{Outcome, Stop, fail, read, run, run_all, works};

#[cfg(test)]
mod tests;

/// What the libraries together must reach, in percent of their lines.
const LEAST: f64 = 95.0;

/// Where the counts go.
const FOLDER: &str = "target/coverage";

/// How often each line of a file was run, by the path of the file.
type Files = BTreeMap<String, BTreeMap<usize, u64>>;

/// Documentation tests are left out: they show what there is, and assert little.
pub(crate) fn coverage() -> Outcome {
    let [profdata, cov] = tools()?;
    let failed = |error: std::io::Error| Stop::Failed(format!("{FOLDER}: {error}"));
    if Path::new(FOLDER).exists() {
        fs::remove_dir_all(FOLDER).map_err(failed)?;
    }
    // Only what is ours is instrumented; the rest is shared with the canaries.
    let wrapper = wrapper("coverage", "-Cinstrument-coverage").map_err(failed)?;
    let cargo_test =
        format!("RUSTC_WORKSPACE_WRAPPER={} {LEAN} cargo test --target-dir=target/wrapped", wrapper.display());
    // What is left out counts instructions, or goes the same way a million times.
    let binaries = tests(&cargo_test, &Pick::AllBut(&["cost", "stack"]))?;
    let variables = format!("LLVM_PROFILE_FILE={FOLDER}/%m-%p.profraw");
    run_all(&binaries.iter().map(|(_, path)| format!("{variables} {path} --quiet")).collect::<Vec<_>>())?;
    run(&format!("{profdata} merge --sparse {FOLDER} --output={FOLDER}/all.profdata"))?;
    let objects: String = binaries.iter().map(|(_, path)| format!(" --object={path}")).collect();
    let lcov = read(&format!("{cov} export --format=lcov --instr-profile={FOLDER}/all.profdata{objects}"))?;
    let here = std::env::current_dir().map_err(failed)?;
    let (text, percent) = report(&parse(&lcov, &here, |path| fs::read_to_string(path).unwrap_or_default()));
    print!("{text}");
    if percent >= LEAST {
        Ok("")
    } else {
        fail(format!("tests run {percent:.2} % of the lines: {LEAST} % is the least"))
    }
}

/// llvm-profdata and llvm-cov, which must be of the compiler's own LLVM: rustup's, or the system's.
fn tools() -> Result<[String; 2], Stop> {
    let rustup = format!("{}/../bin/llvm-", read("rustc --print=target-libdir")?.trim());
    let llvm = llvm_of("rustc")?;
    let both = [
        ["profdata", "cov"].map(|tool| format!("{rustup}{tool}")),
        ["profdata", "cov"].map(|tool| format!("llvm-{tool}-{llvm}")),
    ];
    both.into_iter().find(|tools| tools.iter().all(|tool| works(&format!("{tool} --version")))).ok_or(Stop::Skipped {
        why: format!("llvm-profdata and llvm-cov of LLVM {llvm} are missing"),
        install: "rustup component add llvm-tools, or on Debian apt-get install llvm-22",
    })
}

/// Reads how often each line of the libraries was run, unit tests left out, which stand at the end of a file.
fn parse(lcov: &str, here: &Path, text: impl Fn(&str) -> String) -> Files {
    let mut files = Files::new();
    let mut current: Option<(String, usize)> = None;
    for line in lcov.lines() {
        if let Some(path) = line.strip_prefix("SF:") {
            let path = Path::new(path).strip_prefix(here).ok().and_then(Path::to_str);
            let ours = path.filter(|path| LIBRARIES.iter().any(|library| path.starts_with(&format!("{library}/src/"))));
            current = ours.map(|path| {
                let tests = text(path).lines().position(|line| line == "#[cfg(test)]");
                (path.to_owned(), tests.unwrap_or(usize::MAX))
            });
        } else if let (Some((path, tests)), Some(data)) = (&current, line.strip_prefix("DA:")) {
            let mut numbers = data.split(',').map(|number| number.parse::<u64>().unwrap_or_default());
            let (line, count) = (numbers.next().unwrap_or_default() as usize, numbers.next().unwrap_or_default());
            if line <= *tests {
                *files.entry(path.clone()).or_default().entry(line).or_default() += count;
            }
        }
    }
    files
}

/// A line for each file with those of its lines that no test runs, and how much of all is run, in percent.
fn report(files: &Files) -> (String, f64) {
    let percent = |run: usize, all: usize| if all == 0 { 0.0 } else { 100.0 * run as f64 / all as f64 };
    let (mut text, mut run, mut all) = (String::new(), 0, 0);
    for (path, lines) in files {
        let missed: Vec<usize> = lines.iter().filter(|(_, count)| **count == 0).map(|(line, _)| *line).collect();
        let covered = lines.len() - missed.len();
        let names = if missed.is_empty() { String::new() } else { format!("  not run: {}", ranges(&missed)) };
        text += &format!("{:>7.2} % of {:>4}  {path}{names}\n", percent(covered, lines.len()), lines.len());
        run += covered;
        all += lines.len();
    }
    text += &format!("{:>7.2} % of {all:>4}  together\n", percent(run, all));
    (text, percent(run, all))
}

/// Numbers in ascending order, those in a row as one range.
fn ranges(numbers: &[usize]) -> String {
    let rows = numbers.chunk_by(|a, b| a + 1 == *b);
    let name =
        |row: &[usize]| if row.len() == 1 { row[0].to_string() } else { format!("{}-{}", row[0], row[row.len() - 1]) };
    rows.map(name).collect::<Vec<_>>().join(", ")
}
