//! Instructions and locked operations, from callgrind.
//!
//! The program runs itself under callgrind, which collects only below `peer_bench_section` and writes one file of
//! counts per instruction address between two calls of `peer_bench_boundary`.
//! Those addresses that objdump shows as a `lock` prefix, or an `xchg` with memory, are the locked operations.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Mode, Plan, warm_up_and_count};

/// What one contender executed, per figure of the case.
#[derive(Clone, Copy, Debug, Default)]
pub struct Instructions {
    pub all: f64,
    pub locked: f64,
}

/// Whether callgrind and objdump are there.
pub fn is_installed() -> bool {
    ["valgrind", "objdump"]
        .iter()
        .all(|tool| Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok())
}

/// The child's side: runs the plan, a boundary behind every contender.
pub fn run_under(plan: &Plan) {
    for run in plan.runs().filter(|run| run.is_countable()) {
        let load = run.counted_load();
        for contender in &run.contenders {
            warm_up_and_count(contender, load, Mode::Instructions);
            peer_bench_boundary();
        }
    }
}

/// Counts for every contender of each countable run, in the plan's order.
pub fn count(plan: &Plan, arguments: &[String]) -> io::Result<Vec<Instructions>> {
    let folder = std::env::temp_dir().join(format!("peer-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let counts = count_in(&folder, plan, arguments);
    fs::remove_dir_all(&folder)?;
    counts
}

fn count_in(folder: &Path, plan: &Plan, arguments: &[String]) -> io::Result<Vec<Instructions>> {
    let out = folder.join("out");
    let status = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet", "--collect-atstart=no", "--toggle-collect=peer_bench_section"])
        .args(["--dump-before=peer_bench_boundary", "--combine-dumps=no", "--dump-line=no", "--dump-instr=yes"])
        .args(["--compress-pos=no", "--compress-strings=no"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe()?)
        .args(arguments)
        .arg("--under-callgrind")
        .status()?;
    if !status.success() {
        return Err(io::Error::other(format!("callgrind ended with {status}")));
    }
    let mut locked = Locked::default();
    let mut counts = Vec::new();
    for run in plan.runs().filter(|run| run.is_countable()) {
        let ops = run.case.ops(run.counted_load());
        for _ in &run.contenders {
            let profile = fs::read_to_string(format!("{}.{}", out.display(), counts.len() + 1))?;
            counts.push(locked.count(&profile, ops)?);
        }
    }
    Ok(counts)
}

/// The addresses of the locked instructions of each object that has been seen.
#[derive(Default)]
struct Locked(HashMap<String, HashSet<u64>>);

impl Locked {
    /// Adds up one profile.
    fn count(&mut self, profile: &str, ops: f64) -> io::Result<Instructions> {
        for object in profile.lines().filter_map(|line| line.strip_prefix("ob=")) {
            if !self.0.contains_key(object) {
                self.0.insert(object.to_owned(), disassemble(object)?);
            }
        }
        let mut sum = Instructions::default();
        let mut locked = &HashSet::new();
        let mut is_call = false;
        for line in profile.lines() {
            if let Some(object) = line.strip_prefix("ob=") {
                locked = &self.0[object];
            } else if line.starts_with("calls=") {
                is_call = true;
            } else if let Some((address, count)) = cost_line(line) {
                // The line behind `calls=` is what the callee cost, which is counted where it was spent.
                if !std::mem::take(&mut is_call) {
                    sum.all += count as f64 / ops;
                    if locked.contains(&address) {
                        sum.locked += count as f64 / ops;
                    }
                }
            }
        }
        Ok(sum)
    }
}

/// Reads `0xADDRESS COUNT`.
fn cost_line(line: &str) -> Option<(u64, u64)> {
    let (address, count) = line.strip_prefix("0x")?.split_once(' ')?;
    Some((u64::from_str_radix(address, 16).ok()?, count.rsplit(' ').next()?.parse().ok()?))
}

fn disassemble(object: &str) -> io::Result<HashSet<u64>> {
    if !Path::new(object).exists() {
        return Ok(HashSet::new());
    }
    let output = Command::new("objdump").args(["-d", "--no-show-raw-insn", object]).output()?;
    let listing = String::from_utf8_lossy(&output.stdout);
    Ok(listing.lines().filter_map(locked_address).collect())
}

/// The address of a line like `  401136:\tlock cmpxchg %ecx,(%rdi)`.
fn locked_address(line: &str) -> Option<u64> {
    let (address, instruction) = line.split_once(":\t")?;
    let is_locked = instruction.starts_with("lock ") || (instruction.starts_with("xchg ") && instruction.contains('('));
    is_locked.then(|| u64::from_str_radix(address.trim(), 16).ok())?
}

/// Callgrind writes its counts out before this runs (`--dump-before`).
#[inline(never)]
#[unsafe(no_mangle)]
fn peer_bench_boundary() {
    std::hint::black_box(());
}
