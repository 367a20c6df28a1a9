//! Changes of the libraries, one at a time: each must make a test fail, or be listed with the reason why it cannot.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::LIBRARIES;
use crate::sh::{Outcome, Stop, fail, need, parse, read};

#[cfg(test)]
mod tests;

/// The mutants that no test tells from what was written, with reasons.
const SURVIVORS: &str = "xtask/mutants.txt";

/// Where the outcomes go, those of each library in a folder of its own.
const FOLDER: &str = "target/mutants";

/// What sees little that the others miss and takes long: only what survives those is tried on these.
const SLOW: &[&str] = &["cost", "model", "stack"];

/// There is nothing in these without the cfg that they are for.
const EMPTY: &[&str] = &["loom", "shuttle"];

/// Mutants by name, each with how often it occurs: one line of source may have several of one name.
type Mutants = BTreeMap<String, usize>;

/// What the list says.
#[derive(Debug, Default)]
struct Listed {
    /// All that may survive.
    all: Mutants,
    /// Those that must: the others depend on how threads meet.
    sure: Mutants,
}

pub(crate) fn mutants() -> Outcome {
    need("cargo mutants --version", "cargo install --locked --debug cargo-mutants")?;
    let listed = listed(&text(SURVIVORS)?).or_else(fail)?;
    let packages: String = LIBRARIES.iter().map(|library| format!(" -p {library}")).collect();
    let all = count(&read(&format!("cargo mutants --list --colors=never{packages}"))?);
    let unknown = beyond(&listed.all, &all);
    if !unknown.is_empty() {
        return fail(format!("{SURVIVORS}: there are no such mutants:\n{}", unknown.join("\n")));
    }
    let failed = |error: std::io::Error| Stop::Failed(format!("{FOLDER}: {error}"));
    if Path::new(FOLDER).exists() {
        fs::remove_dir_all(FOLDER).map_err(failed)?;
    }
    let mut missed = String::new();
    for library in LIBRARIES {
        let output = format!("{FOLDER}/{library}");
        fs::create_dir_all(&output).map_err(failed)?;
        let [quick, slow] = tests_of(library).map_err(failed)?;
        // Those that are caught already are left out of the later passes; those that hang are tried again.
        let mut hang = survive(library, &output, "", &format!("--lib{quick}"))?;
        hang += &survive(library, &output, " --iterate", &slow)?;
        if library == "deferred-core" {
            let dependents: String = LIBRARIES
                .iter()
                .filter(|other| **other != library)
                .map(|other| format!(" --test-package={other}"))
                .collect();
            hang += &survive(library, &output, &format!(" --iterate{dependents}"), "--tests")?;
        }
        missed += &without(&text(&format!("{output}/mutants.out/missed.txt"))?, &hang);
    }
    verdict(&count(&missed), &listed)
}

/// Runs these tests on the mutants of a library that are left, and returns those that hang, which is as good as a failure.
fn survive(library: &str, output: &str, options: &str, tests: &str) -> Result<String, Stop> {
    let line = format!(
        "CARGO_PROFILE_DEV_DEBUG=0 WATCHDOG_SECONDS=10 cargo mutants -p {library}{options} --jobs=2 --colors=never \
         --output={output} -- {tests}"
    );
    println!("$ {line}");
    match parse(&line).status().map(|status| status.code()) {
        // Some are missed, or some hang.
        Ok(Some(0 | 2 | 3)) => text(&format!("{output}/mutants.out/timeout.txt")),
        Ok(code) => fail(format!("exit code {code:?}: {line}")),
        Err(error) => fail(format!("{error}: {line}")),
    }
}

/// The options that choose the tests of a library in its first pass and in the second.
fn tests_of(library: &str) -> std::io::Result<[String; 2]> {
    let mut options = [String::new(), String::new()];
    for entry in fs::read_dir(format!("{library}/tests"))? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if path.is_file() && !EMPTY.contains(&name) {
            options[usize::from(SLOW.contains(&name))] += &format!(" --test={name}");
        }
    }
    Ok(options)
}

/// The lines that the others do not have.
fn without(lines: &str, others: &str) -> String {
    lines.lines().filter(|line| !others.lines().any(|other| other == *line)).map(|line| format!("{line}\n")).collect()
}

/// Counts lines of cargo-mutants by the name of the mutant, without the place in the file, which changes all the time.
fn count(lines: &str) -> Mutants {
    let mut mutants = Mutants::new();
    for line in lines.lines() {
        let name = match *line.splitn(4, ':').collect::<Vec<_>>() {
            [file, row, column, what] if [row, column].iter().all(|number| number.parse::<u32>().is_ok()) => {
                format!("{file}:{what}")
            }
            _ => line.to_owned(),
        };
        *mutants.entry(name).or_default() += 1;
    }
    mutants
}

/// Reads the list: paragraphs of mutants, one a line, below the comment that says why they survive.
/// One that is caught when threads happen to meet has `? ` before it.
fn listed(text: &str) -> Result<Listed, String> {
    let mut listed = Listed::default();
    for paragraph in text.split("\n\n") {
        let (reasons, names): (Vec<_>, Vec<_>) =
            paragraph.lines().filter(|line| !line.is_empty()).partition(|line| line.starts_with('#'));
        if let (Some(name), []) = (names.first(), &reasons[..]) {
            return Err(format!("{SURVIVORS}: there is no reason above {name}"));
        }
        for line in names {
            let name = line.strip_prefix("? ").unwrap_or(line);
            *listed.all.entry(name.to_owned()).or_default() += 1;
            if name == line {
                *listed.sure.entry(name.to_owned()).or_default() += 1;
            }
        }
    }
    Ok(listed)
}

/// The names of which `these` has more than `those`.
fn beyond(these: &Mutants, those: &Mutants) -> Vec<String> {
    let more = |(name, n): &(&String, &usize)| **n > those.get(*name).copied().unwrap_or_default();
    these
        .iter()
        .filter(more)
        .map(|(name, n)| format!("  {name} ({n} instead of {})", those.get(name).unwrap_or(&0)))
        .collect()
}

/// A list that is longer than the truth hides the next gap as well as one that is shorter shows it.
fn verdict(missed: &Mutants, listed: &Listed) -> Outcome {
    let (new, gone) = (beyond(missed, &listed.all), beyond(&listed.sure, missed));
    let mut why = String::new();
    if !new.is_empty() {
        why += &format!("no test fails with these, and {SURVIVORS} does not say why:\n{}\n", new.join("\n"));
    }
    if !gone.is_empty() {
        why += &format!("{SURVIVORS} lists these, but a test fails with them:\n{}\n", gone.join("\n"));
    }
    if why.is_empty() { Ok("") } else { fail(why) }
}

fn text(path: &str) -> Result<String, Stop> {
    fs::read_to_string(path).or_else(|error| fail(format!("{path}: {error}")))
}
