//! The instruction-count ratios that a change must not make worse.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::instruction_ratio;
use crate::harness::{Plan, callgrind};

/// How much a ratio may grow.
const ALLOWED: f64 = 1.05;

/// Per case, our instruction count to the best fair peer's.
#[derive(Debug, PartialEq)]
pub struct Baseline(BTreeMap<String, f64>);

impl Baseline {
    /// Counts now.
    pub fn measure(plan: &Plan, arguments: &[String]) -> io::Result<Self> {
        let mut counts = callgrind::count(plan, arguments)?.into_iter();
        let mut ratios = BTreeMap::new();
        for run in plan.runs().filter(|run| run.is_countable()) {
            let counts: Vec<_> = counts.by_ref().take(run.contenders.len()).collect();
            if let Some(ratio) = instruction_ratio(&run, &counts) {
                ratios.insert(run.id(), (ratio * 1_000.0).round() / 1_000.0);
            }
        }
        Ok(Self(ratios))
    }

    pub fn read(path: &Path) -> io::Result<Self> {
        Ok(Self(serde_json::from_str(&fs::read_to_string(path)?)?))
    }

    pub fn write(&self, path: &Path) -> io::Result<()> {
        fs::write(path, serde_json::to_string_pretty(&self.0)? + "\n")
    }
}

/// Prints what has changed; false if a ratio has grown by more than is allowed.
pub fn check(now: &Baseline, before: &Baseline) -> bool {
    let mut grown = 0;
    for (case, ratio) in &now.0 {
        match before.0.get(case) {
            Some(before) if *ratio > before * ALLOWED => {
                grown += 1;
                println!("GROWN  {case}: {before:.3} -> {ratio:.3} of the best fair peer's instructions");
            }
            Some(before) if *ratio * ALLOWED < *before => {
                println!("better {case}: {before:.3} -> {ratio:.3}; `--write-baseline` keeps it");
            }
            Some(_) => {}
            None => println!("new    {case}: {ratio:.3}; `--write-baseline` adds it"),
        }
    }
    println!("{} cases by instruction count, {grown} grown by more than {:.0} %", now.0.len(), (ALLOWED - 1.0) * 100.0);
    grown == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline(ratio: f64) -> Baseline {
        Baseline(BTreeMap::from([("case".to_owned(), ratio)]))
    }

    #[test]
    fn a_ratio_may_grow_by_five_percent_and_no_more() {
        assert!(check(&baseline(0.52), &baseline(0.5)));
        assert!(!check(&baseline(0.53), &baseline(0.5)));
        assert!(check(&baseline(0.3), &baseline(0.5)));
    }

    #[test]
    fn a_new_case_is_no_regression() {
        assert!(check(&baseline(2.0), &Baseline(BTreeMap::new())));
    }
}
