//! Changes of the libraries, one at a time: each must make a test fail, or be listed with the reason why it cannot.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use crate::LIBRARIES;
use crate::sh::{Outcome, Stop, command, fail, need, read, run, words};

#[cfg(test)]
mod tests;

/// The mutants that no test tells from what was written, with reasons.
const SURVIVORS: &str = "xtask/mutants.txt";

/// Where the outcomes go, those of each library in a folder of its own.
const FOLDER: &str = "target/mutants";

/// What catches nearly all; only what survives these is tried on everything.
const QUICK: &str = "--cargo-arg=--lib --cargo-arg=--test=suite";

/// All but documentation tests.
const ALL: &str = "--cargo-arg=--tests";

/// Without what a debugger wants, and with patience, as there are several at a time.
const VARIABLES: &str = "CARGO_PROFILE_DEV_DEBUG=0 WATCHDOG_SECONDS=10";

/// Mutants by name, each with how often it occurs: one line of source may have several of one name.
type Mutants = BTreeMap<String, usize>;

/// What the list says.
#[derive(Debug, Default)]
struct Listed {
    /// All that may survive.
    all: Mutants,
    /// Those that must, the quick tests at least: the others depend on how threads meet.
    sure: Mutants,
}

pub(crate) fn mutants() -> Outcome {
    need("cargo mutants --version", "cargo install --locked --debug cargo-mutants")?;
    let listed = listed(&text(SURVIVORS)?).or_else(fail)?;
    let all = LIBRARIES
        .iter()
        .map(|library| read(&format!("cargo mutants --list --colors=never -p {library}")))
        .collect::<Result<Vec<_>, _>>()?;
    let unknown = beyond(&listed.all, &count(&all.concat()));
    if !unknown.is_empty() {
        return fail(format!("{SURVIVORS}: there are no such mutants:\n{}", unknown.join("\n")));
    }
    // A test that fails without a mutant would catch them all.
    let libraries = LIBRARIES.map(|library| format!(" -p {library}")).concat();
    run(&format!("{VARIABLES} cargo test --locked --tests{libraries}"))?;
    if Path::new(FOLDER).exists() {
        fs::remove_dir_all(FOLDER).or_else(failed)?;
    }
    let mut table = vec!["library          mutants  do not build  caught  hang  survive".to_owned()];
    let (mut quick, mut missed) = (String::new(), String::new());
    for (library, all) in LIBRARIES.iter().zip(all) {
        let mutants = all.lines().count();
        let tally = tally(library, mutants, &listed, &mut quick)?;
        let Tally { unviable, caught, hang, missed: these } = &tally;
        let [unviable, caught, hang, survive] = [unviable, caught, hang, these].map(|lines| lines.lines().count());
        table.push(format!("{library:<15}  {mutants:>7}  {unviable:>12}  {caught:>6}  {hang:>4}  {survive:>7}"));
        println!("\n{}\n", table.join("\n"));
        missed += these;
    }
    verdict(&count(&quick), &count(&missed), &listed)
}

/// The lines of a library's mutants, by what became of them.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    unviable: String,
    caught: String,
    /// As good as caught.
    hang: String,
    missed: String,
}

impl Tally {
    /// Reads what one run of cargo-mutants came to.
    fn read(output: &str) -> Result<Self, Stop> {
        let lines = |outcome: &str| text(&format!("{output}/mutants.out/{outcome}.txt"));
        Ok(Self {
            unviable: lines("unviable")?,
            caught: lines("caught")?,
            hang: lines("timeout")?,
            missed: lines("missed")?,
        })
    }

    fn count(&self) -> usize {
        let Self { unviable, caught, hang, missed } = self;
        [unviable, caught, hang, missed].map(|lines| lines.lines().count()).iter().sum()
    }

    /// What it is when some that were missed have been tried on more tests.
    ///
    /// A few others are tried with them, whatever was asked for: these stay what they were.
    fn with(self, tried: &str, later: &Self) -> Result<Self, String> {
        let Self { unviable, caught, hang, missed } = later;
        let new = without(unviable, &self.unviable);
        if !new.is_empty() {
            return Err(format!("these did build before:\n{new}"));
        }
        let lost = without(tried, &format!("{caught}{hang}{missed}"));
        if !lost.is_empty() {
            return Err(format!("these were not tried again; was the source changed meanwhile?\n{lost}"));
        }
        let (caught, hang) = (both(&self.missed, &later.caught), both(&self.missed, &later.hang));
        let missed = without(&self.missed, &format!("{caught}{hang}"));
        Ok(Self { unviable: self.unviable, caught: self.caught + &caught, hang: self.hang + &hang, missed })
    }
}

/// Tries the mutants of a library, of which there are so many, on quick tests, and what those miss, which is added to
/// `quick`, on all.
fn tally(library: &str, mutants: usize, listed: &Listed, quick: &mut String) -> Result<Tally, Stop> {
    let output = format!("{FOLDER}/{library}");
    fs::create_dir_all(&output).or_else(failed)?;
    attempt(&format!("-p {library} --output={output}"), "", QUICK)?;
    let tally = Tally::read(&output)?;
    if tally.count() != mutants {
        return fail(format!("{library}: {} of {mutants} mutants were tried", tally.count()));
    }
    *quick += &tally.missed;
    // What is listed takes the most time of all to survive everything, so the quick tests are enough for it.
    let left = without(&tally.missed, &within(&tally.missed, listed));
    if left.is_empty() {
        return Ok(tally);
    }
    let tested = if library == "deferred-core" { &LIBRARIES[..] } else { &[library] };
    let tested: String = tested.iter().map(|library| format!(" --test-package={library}")).collect();
    // Without a mutant they take a minute.
    attempt(&format!("-p {library} --output={output}{tested} --baseline=skip --timeout=900"), &left, ALL)?;
    tally.with(&left, &Tally::read(&output)?).or_else(fail)
}

/// Runs these tests on the mutants of these lines, or on all. They wait often enough to leave room for a third job.
fn attempt(options: &str, lines: &str, tests: &str) -> Outcome {
    let line = format!("{VARIABLES} cargo mutants {options} {tests} --jobs=3 --colors=never");
    match lines.lines().count() {
        0 => println!("$ {line}"),
        n => println!("$ {line}\n(and a --re= for each of the {n} that are left)"),
    }
    let mut words = words(&line);
    words.extend(lines.lines().map(|line| format!("--re=^{}$", literally(line))));
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

/// The lines that the others do not have.
fn without(lines: &str, others: &str) -> String {
    picked(lines, |line| !others.lines().any(|other| other == line))
}

/// The lines that the others have too.
fn both(lines: &str, others: &str) -> String {
    picked(lines, |line| others.lines().any(|other| other == line))
}

fn picked(lines: &str, pick: impl Fn(&str) -> bool) -> String {
    lines.lines().filter(|line| pick(line)).map(|line| format!("{line}\n")).collect()
}

/// The lines of mutants that are listed, as often as there are such lines.
fn within(lines: &str, listed: &Listed) -> String {
    let found = count(lines);
    let is_listed = |name: &String| listed.all.get(name).is_some_and(|times| *times >= found[name]);
    picked(lines, |line| is_listed(&name(line)))
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

/// Holds what quick tests missed, and what all of them did, against the list.
/// One that is longer than the truth hides the next gap as well as one that is shorter shows it.
fn verdict(quick: &Mutants, missed: &Mutants, listed: &Listed) -> Outcome {
    let (new, gone) = (beyond(missed, &listed.all), beyond(&listed.sure, quick));
    let mut why = String::new();
    if !new.is_empty() {
        why += &format!("no test fails with these, and {SURVIVORS} does not say why:\n{}\n", new.join("\n"));
    }
    if !gone.is_empty() {
        why += &format!("{SURVIVORS} lists these, but a quick test fails with them:\n{}\n", gone.join("\n"));
    }
    if why.is_empty() { Ok("") } else { fail(why) }
}

fn text(path: &str) -> Result<String, Stop> {
    fs::read_to_string(path).or_else(|error| fail(format!("{path}: {error}")))
}

fn failed<T>(error: io::Error) -> Result<T, Stop> {
    fail(format!("{FOLDER}: {error}"))
}
