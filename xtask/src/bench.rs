//! The benchmark beside the peers: a package of its own, so that nothing else builds them.

use std::process::{Command, ExitCode};

use crate::sh::{self, Outcome};

/// Where the package is, wherever xtask is called from: a file that `--json` names belongs to the caller's folder.
const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deferred-examples/peer-bench/Cargo.toml");

/// Where the downloader is.
const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deferred-examples/Cargo.toml");

/// The step of `ci`: no instruction count has grown against the best peer's since the committed baseline.
pub(crate) fn check() -> Outcome {
    sh::need("valgrind --version", "apt-get install valgrind")?;
    sh::need("objdump --version", "apt-get install binutils")?;
    let manifest = "deferred-examples/peer-bench/Cargo.toml";
    sh::run(&format!("cargo run --release --locked --manifest-path {manifest} -- --check"))
}

/// `cargo xtask bench ARGUMENTS`: builds both binaries and hands the arguments on; `bench downloader ARGUMENTS` measures
/// the downloader beside other tools instead.
pub(crate) fn bench(arguments: &[String]) -> ExitCode {
    let cargo = |verb: &str, manifest: &str, rest: &[&str]| {
        let mut command = Command::new("cargo");
        command.args([verb, "--release", "--locked", "--manifest-path", manifest]).args(rest);
        command
    };
    let passed = |mut command: Command| {
        println!("$ {command:?}");
        command.status().is_ok_and(|status| status.success())
    };
    let passed = match arguments.split_first() {
        Some((first, rest)) if first == "downloader" => {
            let mut run = cargo("run", EXAMPLES, &["--quiet", "--example", "downloader-bench", "--"]);
            run.args(rest);
            passed(cargo("build", EXAMPLES, &["--examples"])) && passed(run)
        }
        _ => {
            let mut run = cargo("run", MANIFEST, &["--quiet", "--"]);
            run.args(arguments);
            passed(cargo("build", MANIFEST, &["--bins"])) && passed(run)
        }
    };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
