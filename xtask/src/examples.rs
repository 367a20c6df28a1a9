//! Runs the examples as a person would, and looks at what they print and save.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::sh::{Outcome, Stop, fail, observe, run};

/// Where the examples put their temporary files.
const FOLDER: &str = "target/xtask";

/// Examples that save nothing: what to run, the exit code, and what is printed among other things.
const PLAIN: &[(&str, i32, &[&str])] = &[
    ("callbacks", 0, SIMULATED),
    ("async-await", 0, SIMULATED),
    ("worker-pool", 0, &["job 21 is refused", " left: 20 jobs"]),
    ("rate-limited-crawler", 0, &["24 of 30 pages and 288 links, never more than 3 at once"]),
    ("dining-philosophers", 0, &["each of 5 forks was used 200 times"]),
    ("parallel-downloader -- --nonsense", 2, &["error", "--nonsense"]),
    ("parallel-downloader -- -j 0 http://127.0.0.1/", 2, &["error"]),
    ("parallel-downloader -- -o target/xtask http://127.0.0.1:1/a", 1, &["failed http://127.0.0.1:1/a: "]),
];

/// What the examples print that only pretend to download.
const SIMULATED: &[&str] = &["fetched apple (5000 bytes)", "failed missing: ", "4 of 5 files saved, 24000 bytes"];

pub(crate) fn examples() -> Outcome {
    run("cargo build --locked -p deferred-examples --examples")?;
    for (example, code, words) in PLAIN {
        let (text, saved) = look(example, *code)?;
        if let Some(words) = words.iter().find(|words| !text.contains(**words)) {
            return fail(format!("{example}: does not print {words:?}"));
        }
        if !saved.is_empty() {
            return fail(format!("{example}: leaves {saved:?}"));
        }
    }
    downloads("parallel-downloader", 0, 0)?;
    downloads("parallel-downloader -- --faulty", 1, 4)
}

/// The downloader with files of its own, whose urls say `name?size=N`.
fn downloads(example: &str, code: i32, faults: usize) -> Outcome {
    let (text, saved) = look(example, code)?;
    let files = |event| text.lines().filter_map(move |line| line.strip_prefix(event)).map(promised);
    let [begun, fetched, failed] = ["fetch ", "fetched ", "failed "].map(|event| files(event).collect::<BTreeSet<_>>());
    let on_disk: BTreeSet<_> = saved.iter().filter_map(|path| on_disk(path)).collect();
    let folder = saved.first().and_then(|path| path.parent()).map(Path::to_string_lossy);
    for (holds, rule) in [
        (fetched.len() >= 12, "a dozen files are fetched"),
        (failed.len() == faults, "what is faulty fails, and nothing else"),
        (begun == &fetched | &failed, "each file that is begun is fetched or failed"),
        (on_disk == fetched, "the files saved are those fetched, whole and under their own names"),
        (folder.is_some_and(|folder| text.contains(&*folder)), "the folder that they are in is named"),
    ] {
        if !holds {
            return fail(format!("{example}: not so: {rule}\nfetched: {fetched:?}\nsaved: {on_disk:?}"));
        }
    }
    Ok("")
}

/// `apple.txt 900` from `http://127.0.0.1:4000/apple.txt?size=900&delay=20 (900 B)`.
fn promised(url: &str) -> String {
    let name = url.split(['?', ' ']).next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let size = url.split("size=").nth(1).and_then(|rest| rest.split(['&', ' ', ':']).next()).unwrap_or_default();
    format!("{name} {size}")
}

/// The same from a file.
fn on_disk(path: &Path) -> Option<String> {
    Some(format!("{} {}", path.file_name()?.to_str()?, fs::metadata(path).ok()?.len()))
}

/// Runs an example, whose exit code must be this one, with an empty folder for its temporary files.
///
/// Returns what it prints and which files it leaves there.
fn look(example: &str, code: i32) -> Result<(String, Vec<PathBuf>), Stop> {
    // The first time there is nothing to remove.
    let _ = fs::remove_dir_all(FOLDER);
    fs::create_dir_all(FOLDER).or_else(|error| fail(format!("{FOLDER}: {error}")))?;
    let line = format!("TMPDIR={FOLDER} cargo run --quiet --locked -p deferred-examples --example {example}");
    let (actual, text) = observe(&line)?;
    if actual != code {
        return fail(format!("{example}: exit code {actual}, where {code} is right"));
    }
    if text.contains("unhandled failure") {
        return fail(format!("{example}: a failure is left unhandled"));
    }
    let (mut files, mut folders) = (Vec::new(), vec![PathBuf::from(FOLDER)]);
    while let Some(entries) = folders.pop().map(fs::read_dir) {
        for path in entries.into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    Ok((text, files))
}
