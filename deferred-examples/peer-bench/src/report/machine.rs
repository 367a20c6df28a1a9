//! Where and with what a report was made.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde::Serialize;

/// The machine, the day and the compiler.
#[derive(Debug, Serialize)]
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    pub date: String,
    pub rustc: String,
}

impl Machine {
    pub fn here() -> Self {
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cpu = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        Self {
            cpu: cpu.map_or("unknown", |(_, name)| name.trim()).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            date: said_by("date", &["-u", "+%Y-%m-%d"]),
            rustc: said_by("rustc", &["--version"]),
        }
    }
}

/// The versions of all packages, as locked.
pub(super) fn locked_versions() -> BTreeMap<&'static str, &'static str> {
    let quoted = |line: &'static str, key: &str| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"');
    include_str!("../../Cargo.lock")
        .split("[[package]]")
        .filter_map(|package| {
            let name = package.lines().find_map(|line| quoted(line, "name"))?;
            Some((name, package.lines().find_map(|line| quoted(line, "version"))?))
        })
        .collect()
}

fn said_by(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or("unknown".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
