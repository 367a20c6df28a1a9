//! What the end-to-end tests share: the program, a server for it to ask, a directory to look into.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use deferred_examples::server::Server;
use deferred_examples::server::content::Content;
use tempfile::TempDir;

/// A server and a directory for one test.
#[derive(Debug)]
pub(crate) struct Scene {
    /// Who is asked.
    pub(crate) server: Server,
    /// Holds the output directory, and a file outside of it.
    root: TempDir,
}

/// How the program ended and what it said.
#[derive(Debug)]
pub(crate) struct Run {
    /// The exit code; nothing if a signal ended it.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Scene {
    /// Starts a server and makes a directory.
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary directory");
        Self { server: Server::start().expect("a server on loopback"), root }
    }

    /// The directory that files are saved to.
    pub(crate) fn output(&self) -> PathBuf {
        self.root.path().join("output")
    }

    /// The directory around it, where nothing must ever be written.
    pub(crate) fn outside(&self) -> &Path {
        self.root.path()
    }

    /// The program, told to save into the output directory.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(program());
        command.arg("-o").arg(self.output()).stdin(Stdio::null());
        command
    }

    /// Runs the program on some paths of the server, with options.
    pub(crate) fn download(&self, options: &[&str], paths: &[&str]) -> Run {
        let mut command = self.command();
        command.args(options).args(paths.iter().map(|path| self.server.url(path)));
        let run = run(&mut command);
        self.assert_nothing_outside();
        run
    }

    /// The names in the output directory, without those of parts.
    pub(crate) fn visible(&self) -> Vec<String> {
        self.names().into_iter().filter(|name| !name.starts_with('.')).collect()
    }

    /// The names in the output directory.
    pub(crate) fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.output()) else {
            return Vec::new();
        };
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let sorted: BTreeSet<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
        sorted.into_iter().collect()
    }

    /// The bytes of a file in the output directory.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.output().join(name)).expect("a file that was saved")
    }

    /// Puts a file into the output directory.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::create_dir_all(self.output()).expect("an output directory");
        fs::write(self.output().join(name), bytes).expect("a file to begin with");
    }

    /// Asserts that a saved file is what the server has at `path`, with this size.
    #[track_caller]
    pub(crate) fn assert_saved(&self, name: &str, path: &str, size: u64) {
        let wanted = Content::new(path, size).bytes();
        assert!(self.read(name) == wanted, "{name} is not what the server has at {path}");
    }

    /// Asserts that the directory around the output has nothing else in it.
    #[track_caller]
    fn assert_nothing_outside(&self) {
        for entry in fs::read_dir(self.outside()).expect("the directory around the output") {
            let name = entry.expect("an entry").file_name();
            assert!(name == "output" || name == "elsewhere", "{name:?} was written outside");
        }
    }
}

impl Run {
    /// Asserts the exit code, showing what was said if it is another.
    #[track_caller]
    pub(crate) fn assert_code(&self, code: i32) {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
    }

    /// Asserts that a line says that `path` failed, and why.
    #[track_caller]
    pub(crate) fn assert_failed(&self, path: &str, why: &str) {
        let says = |line: &str| line.starts_with("failed ") && line.contains(path) && line.contains(why);
        assert!(self.stdout.lines().any(says), "{path} did not fail with {why:?}: {self}");
        let ends = |line: &str| line.contains(path) && line.contains(why);
        assert!(self.stderr.lines().any(ends), "the last lines do not say it: {self}");
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}\n{}{}", self.code, self.stdout, self.stderr)
    }
}

/// The head of the last request for a path, in lower case and without spaces after colons.
#[track_caller]
pub(crate) fn last_request(server: &Server, path: &str) -> String {
    let head = server.last_request(path).expect("a request");
    head.to_lowercase().replace(": ", ":")
}

/// Runs a command to its end, which must come within a minute.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Run {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("the program runs");
    let id = child.id();
    let (ended, end) = mpsc::channel();
    thread::spawn(move || ended.send(child.wait_with_output()));
    match end.recv_timeout(Duration::from_secs(60)) {
        Ok(output) => finish(output.expect("its end")),
        Err(_) => {
            // It has nothing to lose, and the next test shall not find it.
            let _ = Command::new("kill").args(["-9", &id.to_string()]).status();
            panic!("it does not end: {command:?}");
        }
    }
}

/// Reads what a command that has ended said.
pub(crate) fn finish(output: Output) -> Run {
    Run {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The example `parallel-downloader`, which `cargo test` builds beside the tests.
pub(crate) fn program() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let profile = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/TEST");
    let program = profile.join("examples").join(format!("parallel-downloader{}", std::env::consts::EXE_SUFFIX));
    assert!(
        program.exists(),
        "{} is missing: cargo build -p deferred-examples --example parallel-downloader",
        program.display()
    );
    program
}
