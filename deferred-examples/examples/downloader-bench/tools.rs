//! The downloaders that are compared, and how each is told the same thing.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::ours::ours;

/// A downloader.
#[derive(Debug)]
pub(crate) struct Tool {
    /// What to call it.
    pub(crate) name: String,
    /// How to run it.
    program: String,
    /// Which command line it understands.
    kind: Kind,
}

/// The command lines there are.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// The one measured.
    Ours,
    /// `curl -Z`.
    Curl,
    /// `aria2c`.
    Aria2,
    /// `wget2`.
    Wget2,
}

/// Finds ours, built afresh, and those of the others that are installed.
pub(crate) fn installed() -> Result<Vec<Tool>, Box<dyn Error>> {
    let mut tools =
        vec![Tool { name: "parallel-downloader".into(), program: ours()?.display().to_string(), kind: Kind::Ours }];
    for (program, kind) in [("curl", Kind::Curl), ("aria2c", Kind::Aria2), ("wget2", Kind::Wget2)] {
        let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if found.is_ok_and(|status| status.success()) {
            tools.push(Tool { name: program.into(), program: program.into(), kind });
        } else {
            println!("{program} is not installed");
        }
    }
    Ok(tools)
}

impl Tool {
    /// The command that downloads `files`, urls and names, to `output`; lists go to `scratch`.
    pub(crate) fn command(
        &self,
        jobs: u32,
        files: &[(String, String)],
        scratch: &Path,
        output: &Path,
    ) -> Result<Vec<String>, Box<dyn Error>> {
        let list = scratch.join("list").display().to_string();
        let output = output.display().to_string();
        let jobs = jobs.to_string();
        let (text, arguments): (String, Vec<&str>) = match self.kind {
            Kind::Ours => {
                let urls = files.iter().map(|(url, _)| url.clone()).collect::<Vec<_>>().join("\n");
                (urls, vec!["-q", "-j", &jobs, "-o", &output, "-i", &list])
            }
            Kind::Curl => {
                let entry = |(url, name): &(String, String)| format!("url = \"{url}\"\noutput = \"{output}/{name}\"\n");
                let entries = files.iter().map(entry).collect();
                (entries, vec!["--no-progress-meter", "-f", "-Z", "--parallel-max", &jobs, "-K", &list])
            }
            Kind::Aria2 => {
                let entry = |(url, name): &(String, String)| format!("{url}\n  out={name}\n");
                let entries = files.iter().map(entry).collect();
                (entries, vec!["-q", "-j", &jobs, "-d", &output, "-i", &list, "--file-allocation=none"])
            }
            Kind::Wget2 => {
                let urls = files.iter().map(|(url, _)| url.clone()).collect::<Vec<_>>().join("\n");
                let threads = vec!["-q", "--cut-file-get-vars", "--max-threads", &jobs, "-P", &output, "-i", &list];
                (urls, threads)
            }
        };
        fs::write(&list, text)?;
        let arguments = arguments.into_iter().map(str::to_owned);
        Ok([self.program.clone()].into_iter().chain(arguments).collect())
    }
}
