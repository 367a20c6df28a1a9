//! The steps that are one or a few commands.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::LIBRARIES;
use crate::bare_metal::{self, TARGET};
use crate::sh::{Outcome, need, run, works};

/// Each workspace in this repository: a package that must not share features or dependencies has one of its own.
const WORKSPACES: [&str; 5] = [
    "Cargo.toml",
    "deferred-examples/bare-metal/Cargo.toml",
    "deferred-examples/peer-bench/Cargo.toml",
    "xtask/fuzz/Cargo.toml",
    "xtask/no-std-probe/Cargo.toml",
];

pub(crate) fn fmt() -> Outcome {
    need("cargo fmt --version", "rustup component add rustfmt")?;
    for manifest in WORKSPACES {
        run(&format!("cargo fmt --all --check --manifest-path={manifest}"))?;
    }
    Ok("")
}

/// Clippy reports the compiler's warnings too, tests and examples included.
/// That they are errors is said behind `--`, since RUSTFLAGS would build every dependency again.
pub(crate) fn clippy() -> Outcome {
    need("cargo clippy --version", "rustup component add clippy")?;
    run("cargo clippy --locked --workspace --all-targets -- -D warnings")?;
    // Without libFuzzer there is nothing to build but the targets themselves.
    run("cargo clippy --locked --manifest-path=xtask/fuzz/Cargo.toml --no-default-features --features=std \
         --target-dir=target/fuzz-clippy -- -D warnings")
}

/// The sets of features worth a look: each alone, and together with those that it meets in use.
const FEATURES: &[&str] = &[
    "--no-default-features",
    "--no-default-features --features=std",
    "--no-default-features --features=critical-section",
    "--no-default-features --features=portable-atomic",
    "--no-default-features --features=critical-section,portable-atomic",
    "--features=portable-atomic",
    "--all-features",
];

/// A library at a time: in the workspace as a whole, deferred-examples turns `std` on for all.
pub(crate) fn features() -> Outcome {
    need("cargo clippy --version", "rustup component add clippy")?;
    for library in LIBRARIES {
        for features in FEATURES {
            run(&format!("cargo clippy --locked -p {library} {features} -- -D warnings"))?;
        }
    }
    Ok("")
}

/// A program with its own panic handler links only while nothing that it uses brings std.
pub(crate) fn no_std() -> Outcome {
    run("cargo run --locked --release --manifest-path=xtask/no-std-probe/Cargo.toml --target-dir=target/no-std-probe")?;
    if !bare_metal::is_installed()? {
        return Ok("on the host alone, since the target thumbv7m-none-eabi is not installed");
    }
    for library in LIBRARIES {
        for features in ["", "critical-section"] {
            run(&format!(
                "cargo build --locked -p {library} --no-default-features --features={features} --target={TARGET}"
            ))?;
        }
    }
    Ok("")
}

/// Without `std` there is one list for all threads of what must not nest, so these tests run one at a time.
pub(crate) fn test() -> Outcome {
    run("cargo test --locked --workspace")?;
    for library in LIBRARIES {
        run(&format!("cargo test --locked -p {library} --no-default-features --test=stack -- --test-threads=1"))?;
    }
    Ok("")
}

pub(crate) fn doc() -> Outcome {
    run("RUSTDOCFLAGS=-Dwarnings cargo doc --locked --workspace --no-deps --all-features")
}

/// The published crates must be clean without the exceptions that deny.toml makes for deferred-examples.
pub(crate) fn deny() -> Outcome {
    need("cargo deny --version", "cargo install --locked cargo-deny")?;
    const WORKSPACE: &str = "cargo deny --locked --workspace check";
    const PUBLISHED: &str = "cargo deny --locked --exclude deferred-examples --exclude xtask check \
        -A unmatched-skip-root -A license-not-encountered -A license-exception-not-encountered \
        -A advisory-not-detected -D advisory-ignored";
    for graph in [WORKSPACE, PUBLISHED] {
        run(&format!("{graph} -D warnings bans licenses sources"))?;
    }
    if !works("cargo deny fetch db") {
        return Ok("but advisories unchecked: `cargo deny fetch db` does not reach their database");
    }
    for graph in [WORKSPACE, PUBLISHED] {
        run(&format!("{graph} advisories"))?;
    }
    Ok("")
}

/// Cargo builds each package from the packages of those before it, though none is on crates.io yet.
///
/// In another folder each time: what cargo has once unpacked of a version from one folder it does not look at again.
pub(crate) fn package() -> Outcome {
    const FOLDER: &str = "target/packages";
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let packed = run(&format!(
        "cargo package --locked --workspace --exclude deferred-examples --exclude xtask --allow-dirty \
         --target-dir={FOLDER}/{now}"
    ));
    // It is small, and a later run does not need it to be gone.
    let _ = fs::remove_dir_all(FOLDER);
    packed
}
