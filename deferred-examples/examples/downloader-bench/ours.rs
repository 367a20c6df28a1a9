//! The downloader that the other programs of this package run.

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

/// Builds the parallel downloader and returns its path, which is beside this program's.
pub(crate) fn ours() -> Result<PathBuf, Box<dyn Error>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--locked", "--profile", profile, "-p", "deferred-examples"])
        .args(["--example", "parallel-downloader", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .status()?;
    let path = env::current_exe()?.with_file_name(format!("parallel-downloader{}", env::consts::EXE_SUFFIX));
    if !built.success() || !path.exists() {
        return Err(format!("{} is missing", path.display()).into());
    }
    Ok(path)
}
