//! What no compiler checks: rules about the files of the workspace and who depends on whom.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::LIBRARIES;
use crate::sh::{Outcome, Stop, fail, read};
use crate::supply::rust_version;

#[cfg(test)]
mod tests;

/// Every rule; each adds what breaks it to a list.
const RULES: &[fn(&Tree, &mut Vec<String>)] = &[
    direct_dependencies,
    examples_only_dependencies,
    library_files,
    versions,
    oldest_rust,
    sources,
    suites,
    named_tests,
];

/// All that deferred-core may depend on.
const CORE_STANDS_ON: &[&str] = &[
    "critical-section",
    "event-listener",
    "futures-core",
    "loom",
    "pin-project-lite",
    "portable-atomic",
    "portable-atomic-util",
    "shuttle",
];

pub(crate) fn tidy() -> Outcome {
    let problems = problems(&Tree::load()?);
    if problems.is_empty() { Ok("") } else { fail(problems.join("\n")) }
}

fn problems(tree: &Tree) -> Vec<String> {
    let mut problems = Vec::new();
    for rule in RULES {
        rule(tree, &mut problems);
    }
    problems
}

/// All that the rules look at.
struct Tree {
    /// The text of each regular file that is committed or could be, by its path.
    files: BTreeMap<String, String>,
    /// The direct normal dependencies of each library, with every feature.
    direct: BTreeMap<&'static str, BTreeSet<String>>,
    /// Every package below a part of the workspace, by the words that select that part.
    below: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Tree {
    fn load() -> Result<Tree, Stop> {
        let mut files = BTreeMap::new();
        for path in read("git ls-files --cached --others --exclude-standard")?.lines() {
            let regular = fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file());
            if let (true, Ok(text)) = (regular, fs::read_to_string(path)) {
                files.insert(path.to_owned(), text);
            }
        }
        let mut direct = BTreeMap::new();
        for library in LIBRARIES {
            let mut names = packages(&format!("-p {library} -e normal --depth=1"))?;
            names.remove(library);
            direct.insert(library, names);
        }
        let mut below = BTreeMap::new();
        for part in ["--workspace -e no-dev", "--workspace --exclude deferred-examples"] {
            below.insert(part, packages(part)?);
        }
        Ok(Tree { files, direct, below })
    }

    /// The text of a file, empty where there is none.
    fn text(&self, path: &str) -> &str {
        self.files.get(path).map_or("", String::as_str)
    }

    /// The files whose path ends so.
    fn ending(&self, end: &'static str) -> impl Iterator<Item = (&String, &String)> {
        self.files.iter().filter(move |(path, _)| path.ends_with(end))
    }
}

/// The names of the packages that `cargo tree` shows.
fn packages(selection: &str) -> Result<BTreeSet<String>, Stop> {
    let tree = read(&format!("cargo tree --locked --all-features --target=all --prefix=none {selection}"))?;
    let packages = tree.lines().filter(|line| !line.is_empty() && !line.starts_with('['));
    Ok(packages.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}

fn direct_dependencies(tree: &Tree, problems: &mut Vec<String>) {
    for (library, actual) in &tree.direct {
        let allowed = if *library == "deferred-core" { CORE_STANDS_ON } else { &["deferred-core"] };
        if actual.is_empty() || !actual.iter().all(|name| allowed.contains(&name.as_str())) {
            problems.push(format!("{library}: depends on {actual:?}, where the rule is {allowed:?}"));
        }
    }
}

fn examples_only_dependencies(tree: &Tree, problems: &mut Vec<String>) {
    for (part, names) in &tree.below {
        for name in ["async-std", "surf"].iter().filter(|name| names.contains(**name)) {
            problems.push(format!("{name}: not a dev-dependency of deferred-examples alone, see `cargo tree {part}`"));
        }
    }
}

/// What belongs to each library, and what its files say.
fn library_files(tree: &Tree, problems: &mut Vec<String>) {
    let has_line = |text: &str, line| text.lines().any(|other| other == line);
    let first_section = |text: &str| text.lines().find(|line| line.starts_with("## ")).unwrap_or_default().to_owned();
    for library in LIBRARIES {
        let mut check = |file: &str, rule: &str, obeys: &dyn Fn(&str) -> bool| {
            let path = format!("{library}/{file}");
            if !obeys(tree.text(&path)) {
                problems.push(format!("{path}: {rule}"));
            }
        };
        for file in ["LICENSE-APACHE", "LICENSE-MIT"] {
            let top = tree.text(file);
            check(file, "must be the text of the one at the top, not a link", &|text| text == top && !top.is_empty());
        }
        check("README.md", "must be there", &|text| !text.is_empty());
        check("CHANGELOG.md", "must begin with `## Unreleased`", &|text| first_section(text) == "## Unreleased");
        check("Cargo.toml", "must say `version.workspace = true`", &|text| has_line(text, "version.workspace = true"));
        check("src/lib.rs", "must say `#![no_std]`", &|text| has_line(text, "#![no_std]"));
        if library != "deferred-core" {
            check("src/lib.rs", "must forbid unsafe code", &|text| has_line(text, "#![forbid(unsafe_code)]"));
        }
    }
}

/// The version of the workspace is what its members ask of one another, and what the READMEs tell to write.
fn versions(tree: &Tree, problems: &mut Vec<String>) {
    let quoted = |line: &str| line.split('"').nth(1).unwrap_or_default().to_owned();
    let root = tree.text("Cargo.toml");
    let version = root.lines().find(|line| line.starts_with("version = ")).map(quoted);
    let version = version.unwrap_or_default();
    let asking = |line: &&str| line.starts_with("deferred-") && line.contains(" = ");
    for line in root.lines().filter(asking) {
        if quoted(line) != version {
            problems.push(format!("Cargo.toml: `{line}`, but the version is {version}"));
        }
    }
    for (path, text) in tree.ending("README.md") {
        for line in text.lines().filter(asking) {
            if !version.starts_with(&quoted(line)) {
                problems.push(format!("{path}: `{line}`, but the version is {version}"));
            }
        }
    }
}

/// The oldest Rust stands in Cargo.toml alone; what a README says of it must be the same.
fn oldest_rust(tree: &Tree, problems: &mut Vec<String>) {
    let version = rust_version(tree.text("Cargo.toml")).unwrap_or_default();
    if rust_numbers(tree.text("README.md")).next().is_none() {
        problems.push(format!("README.md: does not say `Rust {version} or newer`"));
    }
    for (path, text) in tree.ending("README.md") {
        for said in rust_numbers(text).filter(|said| *said != version) {
            problems.push(format!("{path}: says Rust {said}, but Cargo.toml says {version}"));
        }
    }
    for library in LIBRARIES {
        let path = format!("{library}/Cargo.toml");
        if !tree.text(&path).lines().any(|line| line == "rust-version.workspace = true") {
            problems.push(format!("{path}: must say `rust-version.workspace = true`"));
        }
    }
}

/// The numbers in `Rust 1.2 or newer`.
fn rust_numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split("Rust ")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(" or newer")?.0))
        .filter(|said| said.starts_with(|c: char| c.is_ascii_digit()) && !said.contains(char::is_whitespace))
}

/// No file is long, and none is unfinished.
fn sources(tree: &Tree, problems: &mut Vec<String>) {
    // In two halves, so that this file does not contain them.
    let unfinished = [concat!("to", "do!"), concat!("unimple", "mented!"), concat!("#[", "ignore")];
    for (path, text) in tree.ending(".rs") {
        if text.lines().count() > 500 {
            problems.push(format!("{path}: longer than 500 lines"));
        }
        for word in unfinished.iter().filter(|word| text.contains(**word)) {
            problems.push(format!("{path}: contains `{word}`"));
        }
    }
}

/// Each file of a suite is a module of it, as cargo finds none of them by itself; and `threads` is for ThreadSanitizer.
fn suites(tree: &Tree, problems: &mut Vec<String>) {
    for (path, _) in tree.ending(".rs") {
        let Some((folder, name)) = path.trim_end_matches(".rs").split_once("/tests/suite/") else { continue };
        let main = format!("{folder}/tests/suite/main.rs");
        let lines: Vec<&str> = tree.text(&main).lines().collect();
        match lines.iter().position(|line| *line == format!("mod {name};")) {
            None if name != "main" => problems.push(format!("{path}: {main} must say `mod {name};`")),
            Some(at) if name == "threads" && lines[..at].last().is_some_and(|line| line.contains("tsan")) => {
                problems.push(format!("{main}: ThreadSanitizer must have `mod {name};`"));
            }
            _ => {}
        }
    }
}

/// Each `path::test` in the last column of a table in `docs/twisted.md` is a test of that crate.
fn named_tests(tree: &Tree, problems: &mut Vec<String>) {
    for (path, text) in tree.ending("/docs/twisted.md") {
        let folder = path.trim_end_matches("docs/twisted.md");
        for row in text.lines().filter(|line| line.starts_with('|')) {
            let cells = row.trim_end().trim_end_matches('|');
            let last = cells.rsplit('|').next().unwrap_or_default();
            for name in last.split('`').skip(1).step_by(2) {
                let (file, test) = name.split_once("::").unwrap_or((name, ""));
                let test = test.rsplit("::").next().unwrap_or_default();
                if !has_test(tree.text(&format!("{folder}{file}")), test) {
                    problems.push(format!("{path}: there is no test `{name}`"));
                }
            }
        }
    }
}

/// Whether a function of this name stands below `#[test]`, with only attributes and comments between.
fn has_test(source: &str, name: &str) -> bool {
    let start = format!("fn {name}(");
    let mut is_test = false;
    for line in source.lines().map(str::trim_start) {
        if is_test && line.starts_with(&start) {
            return true;
        }
        is_test = line == "#[test]" || is_test && (line.starts_with("#[") || line.starts_with("//"));
    }
    false
}
