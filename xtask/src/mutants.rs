//! Changes of the libraries, one at a time: each must make a test fail, or be listed with the reason why it cannot.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use crate::LIBRARIES;
use crate::sh::{Outcome, Stop, command, fail, need, read, words};

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
    if Path::new(FOLDER).exists() {
        fs::remove_dir_all(FOLDER).or_else(failed)?;
    }
    let mut table = String::from("library          mutants  do not build  caught  hang  survive\n");
    let mut missed = String::new();
    for library in LIBRARIES {
        let Tally { mutants, unviable, hang, missed: these } = tally(library, &listed)?;
        let [unviable, hang, survive] = [&unviable, &hang, &these].map(|lines| lines.lines().count());
        let caught = mutants.saturating_sub(unviable + hang + survive);
        table += &format!("{library:<15}  {mutants:>7}  {unviable:>12}  {caught:>6}  {hang:>4}  {survive:>7}\n");
        missed += &these;
    }
    print!("\n{table}");
    verdict(&count(&missed), &listed)
}

/// What became of the mutants of a library: how many there are, and the lines of those that no test fails with.
#[derive(Default)]
struct Tally {
    mutants: usize,
    unviable: String,
    /// As good as caught.
    hang: String,
    missed: String,
}

/// Tries the mutants of a library, those that are left each time, on more and more tests.
fn tally(library: &str, listed: &Listed) -> Result<Tally, Stop> {
    let output = format!("{FOLDER}/{library}");
    fs::create_dir_all(&output).or_else(failed)?;
    let outcome = |name: &str| text(&format!("{output}/mutants.out/{name}.txt"));
    let [quick, slow] = tests_of(library).or_else(failed)?;
    survive(library, &output, "", "", &format!("--lib{quick}"))?;
    let mut tally = Tally {
        unviable: outcome("unviable")?,
        hang: outcome("timeout")?,
        missed: outcome("missed")?,
        ..Tally::default()
    };
    tally.mutants = tally.unviable.lines().count()
        + tally.hang.lines().count()
        + tally.missed.lines().count()
        + outcome("caught")?.lines().count();

    // What is listed takes the most time of all to survive everything, so this much is enough for it.
    let settled = within(&tally.missed, listed);
    let mut passes = vec![(String::new(), slow)];
    if library == "deferred-core" {
        let dependents = LIBRARIES.iter().filter(|other| **other != library);
        passes.push((dependents.map(|other| format!(" --test-package={other}")).collect(), "--tests".to_owned()));
    }
    for (packages, tests) in passes {
        if tests.is_empty() || without(&tally.missed, &settled).is_empty() {
            continue;
        }
        let leave_out = format!("{}{settled}", tally.hang);
        survive(library, &output, &format!(" --iterate{packages}"), &leave_out, &tests)?;
        tally.hang += &outcome("timeout")?;
        tally.missed = outcome("missed")? + &settled;
    }
    Ok(tally)
}

/// Runs these tests on the mutants of a library that have not been caught, but for the lines that are left out.
fn survive(library: &str, output: &str, options: &str, leave_out: &str, tests: &str) -> Outcome {
    let line = format!(
        "CARGO_PROFILE_DEV_DEBUG=0 WATCHDOG_SECONDS=10 cargo mutants -p {library}{options} --jobs=2 --colors=never \
         --output={output} -- {tests}"
    );
    println!("$ {line}");
    let patterns = leave_out.lines().map(|line| format!("--exclude-re=^{}$", literally(line)));
    let mut words = words(&line);
    let behind = words.iter().position(|word| word == "--").unwrap_or(words.len());
    words.splice(behind..behind, patterns);
    match command(&words).status().map(|status| status.code()) {
        // Some are missed, or some hang.
        Ok(Some(0 | 2 | 3)) => Ok(""),
        Ok(code) => fail(format!("exit code {code:?}: {line}")),
        Err(error) => fail(format!("{error}: {line}")),
    }
}

/// A regular expression for this text alone.
fn literally(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_alphanumeric() || c == '_' { c.to_string() } else { format!("\\x{{{:x}}}", u32::from(c)) })
        .collect()
}

/// The options that choose the tests of a library in its first pass and in the second.
fn tests_of(library: &str) -> io::Result<[String; 2]> {
    let mut options = [const { String::new() }; 2];
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

/// The lines of mutants that are listed, as often as there are such lines.
fn within(lines: &str, listed: &Listed) -> String {
    let found = count(lines);
    let is_listed = |name: &String| listed.all.get(name).is_some_and(|times| *times >= found[name]);
    lines.lines().filter(|line| is_listed(&name(line))).map(|line| format!("{line}\n")).collect()
}

/// The name of a mutant in a line of cargo-mutants: without the place in the file, which changes all the time.
fn name(line: &str) -> String {
    match *line.splitn(4, ':').collect::<Vec<_>>() {
        [file, row, column, what] if [row, column].iter().all(|number| number.parse::<u32>().is_ok()) => {
            format!("{file}:{what}")
        }
        _ => line.to_owned(),
    }
}

/// Counts lines of cargo-mutants by the name of the mutant.
fn count(lines: &str) -> Mutants {
    let mut mutants = Mutants::new();
    for line in lines.lines() {
        *mutants.entry(name(line)).or_default() += 1;
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

fn failed<T>(error: io::Error) -> Result<T, Stop> {
    fail(format!("{FOLDER}: {error}"))
}
