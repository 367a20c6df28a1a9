//! The program for bare metal: built for a Cortex-M3, and run on one that QEMU plays.

use std::path::Path;

use crate::sh::{Outcome, Stop, fail, need, observe, read, run};

/// The target of the program, and of the libraries' builds for bare metal.
pub(crate) const TARGET: &str = "thumbv7m-none-eabi";

const MANIFEST: &str = "deferred-examples/bare-metal/Cargo.toml";
const FOLDER: &str = "target/bare-metal";

/// Programs that use one crate more, each, than the one before.
const SIZES: &[&str] = &["size-0-nothing", "size-1-core", "size-2-list", "size-3-queue", "size-4-sync"];

/// What the program must have printed for each crate, beside the line at the end.
const CHECKED: &[&str] = &["ok core: ", "ok list: ", "ok queue: ", "ok sync: "];

pub(crate) fn bare_metal() -> Outcome {
    need("qemu-system-arm --version", "apt-get install qemu-system-arm")?;
    need("size --version", "apt-get install binutils")?;
    let cargo_build = cargo_build()?;
    run(&format!("{cargo_build} --locked --release --manifest-path={MANIFEST} --target-dir={FOLDER}"))?;
    let folder = format!("{FOLDER}/{TARGET}/release");
    sizes(&folder)?;
    // Time is counted in instructions, 64 ns each, so that interrupts come at the same places in each run.
    let (code, text) = observe(&format!(
        "qemu-system-arm -cpu cortex-m3 -machine lm3s6965evb -nographic -icount shift=6,sleep=off \
         -semihosting-config enable=on,target=native -kernel {folder}/bare-metal"
    ))?;
    if code != 0 {
        return fail(format!("exit code {code}"));
    }
    let passed = text.lines().filter(|line| line.starts_with("ok ")).count();
    let last = format!("all {passed} checks passed");
    match CHECKED.iter().chain([&&*last]).find(|words| !text.contains(**words)) {
        Some(words) => fail(format!("it does not print {words:?}")),
        None => Ok(""),
    }
}

/// Whether the target's libraries are there, with those of the toolchain that runs this.
pub(crate) fn is_installed() -> Result<bool, Stop> {
    let folder = read(&format!("rustc --print target-libdir --target {TARGET}"))?;
    Ok(Path::new(folder.trim()).exists())
}

/// How to build for the target: its libraries are installed, or built from source by the compiler that they belong to.
fn cargo_build() -> Result<String, Stop> {
    if is_installed()? {
        return Ok(format!("cargo build --target={TARGET}"));
    }
    let sysroot = read("rustc --print sysroot")?;
    let sysroot = sysroot.trim();
    let has_source = |sysroot: &str| Path::new(sysroot).join("lib/rustlib/src/rust/library/Cargo.lock").exists();
    let build = format!("build -Zbuild-std=core,alloc --target={TARGET}");
    if has_source(sysroot) {
        return Ok(format!("RUSTC_BOOTSTRAP=1 cargo {build}"));
    }
    // Debian's Rust beside rustup's; only the latter brings a linker for the target.
    let linker = format!("{sysroot}/lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld");
    if has_source("/usr") && ["/usr/bin/cargo", "/usr/bin/rustc", &linker].iter().all(|path| Path::new(path).exists()) {
        return Ok(format!(
            "RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc CARGO_TARGET_THUMBV7M_NONE_EABI_LINKER={linker} /usr/bin/cargo {build}"
        ));
    }
    Err(Stop::Skipped {
        why: format!("{TARGET} is not installed"),
        install: "rustup target add thumbv7m-none-eabi, or apt-get install rustc-web cargo-web rust-web-src",
    })
}

/// Prints how many bytes of code and constants, and of initialised data, each crate adds.
fn sizes(folder: &str) -> Result<(), Stop> {
    let files: Vec<String> = SIZES.iter().map(|name| format!("{folder}/{name}")).collect();
    let table = read(&format!("size {}", files.join(" ")))?;
    let rows: Vec<Vec<usize>> =
        table.lines().skip(1).map(|row| row.split_whitespace().map_while(|word| word.parse().ok()).collect()).collect();
    println!("{:<16}{:>8}{:>8}{:>16}", "program", "text", "data", "text added");
    let mut before = None;
    for (name, row) in SIZES.iter().zip(&rows) {
        let &[text, data, ..] = row.as_slice() else { return fail(format!("no sizes of {name} in\n{table}")) };
        let added = text.abs_diff(before.unwrap_or(text));
        println!("{name:<16}{text:>8}{data:>8}{added:>16}");
        before = Some(text);
    }
    if rows.len() == SIZES.len() { Ok(()) } else { fail(format!("sizes are missing in\n{table}")) }
}
