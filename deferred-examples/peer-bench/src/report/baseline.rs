//! The instruction-count ratios that a change must not make worse.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{InstructionRatio, instruction_ratio};
use crate::harness::{Plan, callgrind};

/// How much a ratio may grow.
const ALLOWED: f64 = 1.05;

/// Per case, our instruction count to the best fair peer's.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Baseline(BTreeMap<String, Entry>);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    ratio: f64,
    /// The best fair peer. Its version is locked, so it stays the best until the next baseline.
    peer: String,
}

impl Baseline {
    /// Counts now.
    pub fn measure(plan: &Plan, arguments: &[String]) -> io::Result<Self> {
        let mut counts = callgrind::count(plan, arguments)?.into_iter();
        let mut entries = BTreeMap::new();
        for run in plan.runs().filter(|run| run.is_countable()) {
            let counts: Vec<_> = counts.by_ref().take(run.contenders.len()).collect();
            let Some(InstructionRatio { ratio, peer }) = instruction_ratio(&run, &counts) else {
                let why = format!("{}: the fair peer to compare with does not take part", run.id());
                return Err(io::Error::other(why));
            };
            let ratio = (ratio * 1_000.0).round() / 1_000.0;
            entries.insert(run.id(), Entry { ratio, peer: peer.to_owned() });
        }
        Ok(Self(entries))
    }

    /// The best fair peer of each case.
    pub fn peers(self) -> BTreeMap<String, String> {
        self.0.into_iter().map(|(case, entry)| (case, entry.peer)).collect()
    }

    pub fn read(path: &Path) -> io::Result<Self> {
        Ok(serde_json::from_str(&fs::read_to_string(path)?)?)
    }

    pub fn write(&self, path: &Path) -> io::Result<()> {
        fs::write(path, serde_json::to_string_pretty(self)? + "\n")
    }
}

/// Prints what has changed; false if a ratio has grown by more than is allowed, or is not there any more.
pub fn check(now: &Baseline, before: &Baseline) -> bool {
    let mut grown = 0;
    for (case, Entry { ratio, .. }) in &now.0 {
        match before.0.get(case).map(|entry| entry.ratio) {
            Some(before) if *ratio > before * ALLOWED => {
                grown += 1;
                println!("GROWN  {case}: {before:.3} -> {ratio:.3} of the best fair peer's instructions");
            }
            Some(before) if *ratio * ALLOWED < before => {
                println!("better {case}: {before:.3} -> {ratio:.3}; `--write-baseline` keeps it");
            }
            Some(_) => {}
            None => println!("new    {case}: {ratio:.3}; `--write-baseline` adds it"),
        }
    }
    let gone: Vec<_> = before.0.keys().filter(|case| !now.0.contains_key(*case)).collect();
    for case in &gone {
        println!("GONE   {case}: `--write-baseline` takes it off");
    }
    println!(
        "{} cases by instruction count, {grown} grown by more than {:.0} %, {} gone",
        now.0.len(),
        (ALLOWED - 1.0) * 100.0,
        gone.len()
    );
    grown == 0 && gone.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline(ratio: f64) -> Baseline {
        let entry = Entry { ratio, peer: "peer".to_owned() };
        Baseline(BTreeMap::from([("case".to_owned(), entry)]))
    }

    #[test]
    fn a_ratio_may_grow_by_five_percent_and_no_more() {
        assert!(check(&baseline(0.52), &baseline(0.5)));
        assert!(!check(&baseline(0.53), &baseline(0.5)));
        assert!(check(&baseline(0.3), &baseline(0.5)));
    }

    #[test]
    fn a_new_case_is_no_regression_and_one_that_is_gone_is() {
        let none = Baseline(BTreeMap::new());
        assert!(check(&baseline(2.0), &none));
        assert!(!check(&none, &baseline(2.0)));
    }
}
