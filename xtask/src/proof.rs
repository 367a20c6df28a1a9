//! The steps that look for races, leaks and use after free: models, sanitizers, valgrind.

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io};

use crate::LIBRARIES;
use crate::sh::{Outcome, Stop, fail, need, read, record, run, run_all, tail, works};

#[cfg(test)]
mod tests;

/// Every interleaving of small models, each library's in its `tests/loom.rs`, within the bound that each names.
pub(crate) fn loom() -> Outcome {
    for library in LIBRARIES {
        run(&models("", library))?;
    }
    Ok("")
}

/// The same with the bounds of those that are bounded raised, and ten minutes for each: a few would take many hours.
///
/// What each model came to is printed when those of its library are done, however that ended.
pub(crate) fn loom_deep() -> Outcome {
    let mut cut = false;
    for library in LIBRARIES {
        let line = models("LOOM_MAX_PREEMPTIONS=4 LOOM_MAX_DURATION=600 ", library);
        let (passed, printed) = record(&line, &format!("target/loom-{library}.log"))?;
        let models = results(&printed);
        println!("{}", models.iter().map(|model| format!("{library}: {model}\n")).collect::<String>());
        if !passed || models.is_empty() {
            return fail(format!("{}see target/loom-{library}.log: {line}", tail(&printed)));
        }
        cut |= models.iter().any(|model| model.contains(CUT));
    }
    Ok(if cut { "but the time of some models was up, as said above" } else { "" })
}

/// What a model says that did not come to its end.
const CUT: &str = "its time was up";

/// The lines in which models say what they came to. With one thread, libtest leaves the name of the test before them.
fn results(printed: &str) -> Vec<&str> {
    printed.lines().filter_map(|line| Some(&line[line.find("model ")?..])).collect()
}

fn models(variables: &str, library: &str) -> String {
    format!("{variables}{} --locked -p {library} --test=loom -- --nocapture", loom_build())
}

/// The start of a `cargo test` of models.
pub(crate) fn loom_build() -> String {
    format!("RUSTFLAGS=--cfg=loom {LEAN_RELEASE} cargo test --release --features=loom --target-dir=target/loom")
}

/// Larger models, of four to eight tasks: schedules by the thousand, not all of them.
pub(crate) fn shuttle() -> Outcome {
    let packages: String = LIBRARIES.iter().map(|library| format!(" -p {library}")).collect();
    run(&format!("{} --locked{packages} --test=shuttle -- --nocapture", shuttle_build()))
}

/// The start of a `cargo test` of larger models.
pub(crate) fn shuttle_build() -> String {
    format!(
        "RUSTFLAGS=--cfg=shuttle {LEAN_RELEASE} cargo test --release --features=shuttle --target-dir=target/shuttle"
    )
}

/// The target is named so that build scripts are left alone.
pub(crate) const HOST: &str = "x86_64-unknown-linux-gnu";

/// For tests that are built once: without what makes the next build faster, and without debug information.
pub(crate) const LEAN: &str = "CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=none";

/// The same where reports name lines.
const LEAN_WITH_LINES: &str = "CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=line-tables-only";

/// For what is built for release to be fast, not to be looked at: without inlining across codegen units, which takes
/// `ci` more time than it saves, and without debug information.
pub(crate) const LEAN_RELEASE: &str = "CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_DEBUG=none";

/// What is watched so closely is slow, and not hung yet after the two seconds that it has elsewhere.
const PATIENT: &str = "WATCHDOG_SECONDS=60";

/// Memory of cells that is used again would hide that it is used after it was freed.
const UNPOOLED: &str = "--cfg=unpooled";

/// The same without the files of suites that are not about threads, in which there is next to nothing to race.
const THREADED: &str = "--cfg=unpooled --cfg=tsan";

/// The same without those whose point is types, time or memory of their own, or that run long.
const PLAIN: &str = "--cfg=unpooled --cfg=memcheck";

/// Leaks are reported when a test binary has said that all is well; its exit status tells.
pub(crate) fn asan() -> Outcome {
    // What is left out counts instructions, under valgrind.
    run_tests(&asan_build(), &Pick::AllBut(&["cost"]), |test, binary| {
        // Random programs may well make Deferreds that own one another.
        let leaks = u8::from(test != "model");
        format!("ASAN_OPTIONS=detect_leaks={leaks} {PATIENT} {binary} --quiet")
    })
}

/// The start of a `cargo test` under AddressSanitizer.
pub(crate) fn asan_build() -> String {
    format!(
        "RUSTC_BOOTSTRAP=1 RUSTFLAGS='-Zsanitizer=address {UNPOOLED}' {LEAN_WITH_LINES} cargo test --target={HOST} \
         --target-dir=target/asan"
    )
}

/// The release build, whose code is the one that runs in the end.
pub(crate) fn memcheck() -> Outcome {
    need("valgrind --version", "apt-get install valgrind")?;
    let build = format!("RUSTFLAGS='{PLAIN}' cargo test --release --target-dir=target/memcheck");
    run_tests(&build, &Pick::AllBut(&["cost", "model", "stack"]), |_, binary| {
        format!(
            "{PATIENT} valgrind --quiet --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite --fair-sched=yes \
             --error-exitcode=9 {binary} --test-threads=1 --quiet"
        )
    })
}

/// Data races, as far as the suites provoke them. A long loop on one thread takes minutes here and shows nothing.
pub(crate) fn tsan() -> Outcome {
    run_tests(&tsan_build()?, &Pick::Only(&["suite"]), |_, binary| {
        format!("{PATIENT} {binary} --quiet --skip=takes_no_stack")
    })
}

/// The start of a `cargo test` under ThreadSanitizer, which must see into the standard library, too: it is built anew.
///
/// That takes a nightly toolchain, or Debian's, which comes without the runtime: clang's is linked whole instead.
pub(crate) fn tsan_build() -> Result<String, Stop> {
    const SOURCES: &str = "lib/rustlib/src/rust/library/std/Cargo.toml";
    const BUILD: &str = "cargo test -Zbuild-std=std,test -Zbuild-std-features=panic-unwind --target-dir=target/tsan";
    let nightly = "rustup run nightly rustc --print=sysroot";
    if works(nightly) && Path::new(read(nightly)?.trim()).join(SOURCES).exists() {
        return Ok(format!(
            "RUSTFLAGS='-Zsanitizer=thread {THREADED}' {LEAN_WITH_LINES} rustup run nightly {BUILD} --target={HOST}"
        ));
    }
    let missing = |what: String| Stop::Skipped {
        why: format!("{what} is missing"),
        install: "rustup toolchain install nightly --component rust-src, or on Debian apt-get install \
            cargo-web libclang-rt-22-dev rust-web-src rustc-web",
    };
    if !Path::new("/usr").join(SOURCES).exists() || !works("/usr/bin/cargo --version") {
        return Err(missing("a nightly toolchain with rust-src".to_owned()));
    }
    let llvm = llvm_of("/usr/bin/rustc")?;
    let runtime = format!("/usr/lib/llvm-{llvm}/lib/clang/{llvm}/lib/linux/libclang_rt.tsan-x86_64.a");
    if !Path::new(&runtime).exists() {
        return Err(missing(runtime));
    }
    let link = ["-Wl,--whole-archive", &runtime, "-Wl,--no-whole-archive"].map(|arg| format!(" -Zpre-link-arg={arg}"));
    Ok(format!(
        "RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS='-Zsanitizer=thread -Zexternal-clangrt {THREADED}{}' \
         {LEAN_WITH_LINES} /usr/bin/{BUILD} --target={HOST}",
        link.concat()
    ))
}

/// The major version of the LLVM in this rustc.
pub(crate) fn llvm_of(rustc: &str) -> Result<String, Stop> {
    let version = read(&format!("{rustc} -vV"))?;
    let llvm = version.lines().find_map(|line| line.strip_prefix("LLVM version: ")?.split('.').next());
    llvm.map_or_else(|| fail(format!("{rustc} does not name its LLVM")), |llvm| Ok(llvm.to_owned()))
}

/// Builds tests and runs them, each by the command that its name and the path of its binary make.
fn run_tests(cargo_test: &str, pick: &Pick, command: impl Fn(&str, &str) -> String) -> Outcome {
    let tests = tests(cargo_test, pick)?;
    run_all(&tests.iter().map(|(name, path)| command(name, path)).collect::<Vec<_>>())
}

/// Which of the libraries' tests to build, by the names of their files or folders. Unit tests are always among them.
pub(crate) enum Pick {
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

/// Builds tests of all libraries; returns, for each binary, the name of its file, or of its crate, and its path.
pub(crate) fn tests(cargo_test: &str, pick: &Pick) -> Result<Vec<(String, String)>, Stop> {
    let all = test_files().map_err(|error| Stop::Failed(format!("the tests of the libraries: {error}")))?;
    let (Pick::Only(named) | Pick::AllBut(named)) = pick;
    if let Some(unknown) = named.iter().find(|name| !all.contains(**name)) {
        return fail(format!("no library has a test {unknown}"));
    }
    let keep = matches!(pick, Pick::Only(_));
    let picked = all.iter().filter(|name| named.contains(&name.as_str()) == keep);
    let targets: String = picked.map(|name| format!(" --test={name}")).collect();
    let libraries = LIBRARIES.map(|library| format!(" -p {library}")).concat();
    let messages = read(&format!("{cargo_test} --locked{libraries} --lib{targets} --no-run --message-format=json"))?;
    Ok(executables(&messages).collect())
}

/// The names and paths of test binaries in cargo's messages.
pub(crate) fn executables(messages: &str) -> impl Iterator<Item = (String, String)> {
    messages.lines().filter_map(|line| {
        let path = line.split_once("\"executable\":\"")?.1.split('"').next()?;
        // The name of a test, a hyphen, and a hash.
        let (name, _) = Path::new(path).file_name()?.to_str()?.rsplit_once('-')?;
        Some((name.to_owned(), path.to_owned()))
    })
}

/// The names of the files, or folders, of tests, all libraries together. The models are not tests of this kind.
fn test_files() -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for library in LIBRARIES {
        for entry in fs::read_dir(Path::new(library).join("tests"))? {
            let path = entry?.path();
            if path.join("main.rs").exists() || path.extension().is_some_and(|extension| extension == "rs") {
                names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
            }
        }
    }
    names.remove("loom");
    Ok(names)
}
