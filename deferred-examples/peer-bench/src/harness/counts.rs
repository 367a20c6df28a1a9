//! Counting in child processes: allocations under a counting allocator, instructions under callgrind.

use std::io;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::{Mode, Plan, warm_up_and_count};
use crate::cases::sizes::Size;

/// What one contender asked of the allocator, per figure of the case.
#[derive(Debug, Serialize, Deserialize)]
pub struct Allocations {
    pub calls: f64,
    pub bytes: f64,
}

/// All that the counting binary says; `allocations` has one entry a contender of each countable run, in the plan's order.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Counts {
    pub allocations: Vec<Allocations>,
    pub sizes: Vec<Size>,
}

/// The counting binary's side: runs the plan and counts.
pub fn count(plan: &Plan) -> Counts {
    let mut allocations = Vec::new();
    for run in plan.runs().filter(|run| run.is_countable()) {
        let load = run.counted_load();
        let ops = run.case.ops(load);
        for contender in &run.contenders {
            let count = warm_up_and_count(contender, load, Mode::Allocations).allocations;
            allocations.push(Allocations { calls: count.calls as f64 / ops, bytes: count.bytes as f64 / ops });
        }
    }
    Counts { allocations, sizes: crate::cases::sizes::all(plan) }
}

/// Asks the counting binary, which lies beside this one.
pub fn ask(arguments: &[String]) -> io::Result<Counts> {
    let path = std::env::current_exe()?.with_file_name("peer-bench-count");
    let output = Command::new(path).args(arguments).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("the counting run ended with {}", output.status)));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
