//! What users of the published crates build them with: the oldest Rust, the oldest dependencies, the last release.

use std::fs;
use std::path::Path;

use crate::LIBRARIES;
use crate::sh::{Outcome, Stop, fail, need, read, run, works};

/// The sets of features for which the oldest Rust is tried. What models need may ask for a newer one.
const FEATURES: &[&str] =
    &["", "--no-default-features --features=critical-section,portable-atomic", "--features=portable-atomic"];

/// Each library builds with the Rust that Cargo.toml promises.
pub(crate) fn msrv() -> Outcome {
    let root = text("Cargo.toml")?;
    let Some(version) = rust_version(&root) else { return fail("Cargo.toml: there is no rust-version") };
    let (rustc, cargo) = oldest_rust(version)?;
    let actual = read(&format!("{rustc} --version"))?;
    if !actual.starts_with(&format!("rustc {version}.")) {
        return fail(format!("this is not Rust {version}: {actual}"));
    }
    let libraries = LIBRARIES.map(|library| format!("-p {library}")).join(" ");
    for features in FEATURES {
        run(&format!("{cargo} check --locked {libraries} {features} --target-dir=target/msrv"))?;
    }
    Ok("")
}

/// The version that a Cargo.toml promises.
pub(crate) fn rust_version(manifest: &str) -> Option<&str> {
    manifest.lines().find_map(|line| line.strip_prefix("rust-version = \"")?.strip_suffix('"'))
}

/// How to call rustc and cargo of this version: rustup's, or Debian's where `.ci/run` unpacks them.
fn oldest_rust(version: &str) -> Result<(String, String), Stop> {
    let rustup = format!("rustup run {version}");
    if works(&format!("{rustup} rustc --version")) {
        return Ok((format!("{rustup} rustc"), format!("{rustup} cargo")));
    }
    let here = std::env::current_dir().or_else(|error| fail(error.to_string()))?;
    let folder = here.join(format!("target/rust-{version}"));
    if !folder.join("usr/bin/cargo").exists() {
        let why = format!("Rust {version} is not installed");
        return Err(Stop::Skipped { why, install: "rustup toolchain install VERSION --profile minimal" });
    }
    let folder = folder.display();
    let libraries = format!("LD_LIBRARY_PATH={folder}/usr/lib/x86_64-linux-gnu:{folder}/lib/x86_64-linux-gnu");
    let rustc = format!("{folder}/usr/bin/rustc");
    Ok((format!("{libraries} {rustc}"), format!("{libraries} RUSTC={rustc} {folder}/usr/bin/cargo")))
}

/// Where the libraries are built apart from the rest of the workspace, which asks for newer dependencies.
const MINIMAL: &str = "target/minimal";

/// The libraries build and work with the oldest dependencies that their Cargo.tomls allow.
pub(crate) fn minimal() -> Outcome {
    copy_libraries().or_else(|error| fail(format!("{MINIMAL}: {error}")))?;
    let manifest = format!("--manifest-path={MINIMAL}/Cargo.toml");
    run(&format!("RUSTC_BOOTSTRAP=1 cargo update -Zdirect-minimal-versions {manifest}"))?;
    run(&format!("cargo check --locked {manifest} --workspace --all-features"))?;
    run(&format!("cargo test --locked {manifest} -p deferred-core --lib --test=suite"))
}

fn copy_libraries() -> std::io::Result<()> {
    fs::create_dir_all(MINIMAL)?;
    fs::write(Path::new(MINIMAL).join("Cargo.toml"), libraries_alone(&fs::read_to_string("Cargo.toml")?))?;
    for library in LIBRARIES {
        let copy = Path::new(MINIMAL).join(library);
        // The first time there is nothing to remove.
        let _ = fs::remove_dir_all(&copy);
        copy_folder(Path::new(library), &copy)?;
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() { copy_folder(&from, &to)? } else { fs::copy(&from, &to).map(drop)? }
    }
    Ok(())
}

/// The manifest of the workspace with no members but the libraries.
pub(crate) fn libraries_alone(manifest: &str) -> String {
    let (before, rest) = manifest.split_once("members = [").unwrap_or((manifest, ""));
    let after = rest.split_once(']').map_or("", |(_, after)| after);
    format!("{before}members = {LIBRARIES:?}{after}")
}

/// The published crates keep what the last release promised, or have a version that says that they do not.
///
/// Before the first release they are compared with the last commit, which shows little more than that the tool works.
pub(crate) fn semver() -> Outcome {
    need("cargo semver-checks --version", "cargo install --locked --debug cargo-semver-checks")?;
    let tags = read("git tag --list v* --sort=-v:refname")?;
    let release = tags.lines().next();
    let baseline = release.unwrap_or("HEAD");
    for library in LIBRARIES {
        run(&format!("cargo semver-checks check-release --baseline-rev={baseline} -p {library}"))?;
    }
    Ok(if release.is_some() { "" } else { "against the last commit, as there is no release" })
}

fn text(path: &str) -> Result<String, Stop> {
    fs::read_to_string(path).or_else(|error| fail(format!("{path}: {error}")))
}
