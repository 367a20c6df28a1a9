//! Counting instructions with callgrind, where it is there.

use std::process::{Command, Stdio};
use std::{env, fs, process};

/// Set for the process whose instructions are counted.
const CHILD: &str = "DEFERRED_COUNTED";

/// Runs `work` under callgrind, in a process of its own that runs this one test, and returns how many instructions each
/// of `functions` took with all that they call. They must not be generic, and be called by `work` alone.
///
/// `None` in that process itself, and where there is no valgrind.
pub(crate) fn instructions(test: &str, functions: &[&str], work: impl FnOnce()) -> Option<Vec<u64>> {
    if env::var_os(CHILD).is_some() {
        work();
        return None;
    }
    let there = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        eprintln!("skipped: {test}: needs valgrind (install: apt-get install valgrind)");
        return None;
    }
    let file = env::temp_dir().join(format!("deferred-{test}-{}", process::id()));
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--compress-strings=no", "--compress-pos=no"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(env::current_exe().expect("a test has a path"))
        .args(["--exact", test, "--test-threads=1"])
        .env(CHILD, "1")
        .output()
        .expect("valgrind can be started");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let profile = fs::read_to_string(&file).expect("callgrind writes its profile");
    fs::remove_file(&file).expect("the profile was just read");
    Some(functions.iter().map(|function| inclusive(&profile, function)).collect())
}

/// Adds up what the calls of a function cost: the line behind `calls=` has the position and that.
fn inclusive(profile: &str, function: &str) -> u64 {
    let (mut lines, mut sum) = (profile.lines(), 0);
    while let Some(line) = lines.next() {
        if line.strip_prefix("cfn=").is_some_and(|name| name.contains(function)) {
            let cost = lines.by_ref().find(|line| !line.starts_with("calls=") && !line.starts_with('c'));
            let cost = cost.and_then(|line| line.split(' ').nth(1)).and_then(|n| n.parse::<u64>().ok());
            sum += cost.expect("a call has a cost");
        }
    }
    assert!(sum > 0, "{function} is not in the profile");
    sum
}

/// Asserts that counts that should be the same are, but for what an allocator may do.
#[track_caller]
pub(crate) fn assert_same(counts: &[u64]) {
    let (least, most) = (counts.iter().min(), counts.iter().max());
    let (Some(&least), Some(&most)) = (least, most) else { panic!("nothing to compare") };
    assert!(most <= least + least / 4, "{counts:?}");
}
