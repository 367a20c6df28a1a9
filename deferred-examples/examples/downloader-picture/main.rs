//! Draws the recording of the progress bars that the README of this package shows.
//!
//! ```text
//! cargo run --release -p deferred-examples --example downloader-picture
//! ```

#[cfg(unix)]
#[path = "../downloader-bench/ours.rs"]
mod ours;
#[cfg(unix)]
mod pty;
#[cfg(unix)]
mod svg;

#[cfg(unix)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    unix::draw()
}

#[cfg(not(unix))]
fn main() {
    println!("this needs a Unix terminal");
}

#[cfg(unix)]
mod unix {
    use std::error::Error;
    use std::fs;
    use std::process::Command;

    use deferred_examples::server::Server;

    use crate::ours::ours;
    use crate::{pty, svg};

    /// Where the picture goes.
    const PICTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/progress.svg");

    /// The lines and columns of the terminal.
    const SIZE: (u16, u16) = (14, 112);

    /// What is downloaded, slowly enough to be seen.
    const PATHS: [&str; 8] = [
        "/apple.iso?size=24000000&step=400000&drip=30",
        "/blackberry.tar.gz?size=9000000&step=250000&drip=40",
        "/cherry.mp4?size=16000000&step=400000&drip=40&length=none",
        "/damson.zip?size=6000000&step=100000&drip=20",
        "/elderberry.txt?status=404",
        "/fig.pdf?size=4000000&fail=1",
        "/grape.jpg?size=300000&delay=300",
        "/hawthorn.iso?size=20000000&step=500000&drip=30",
    ];

    /// Runs the downloader beside this program, on a terminal, and draws what it shows.
    pub(crate) fn draw() -> Result<(), Box<dyn Error>> {
        let server = Server::start()?;
        let output = tempfile::tempdir()?;
        let mut command = Command::new(ours()?);
        command.args(["-j", "3", "--retry-pause", "0.5", "-o", "Downloads"]).current_dir(output.path());
        command.args(PATHS.map(|path| server.url(path)));
        let session = pty::run(&mut command, SIZE.0, SIZE.1)?;

        // Paths say to the server what to do; to a reader they are noise.
        let host = server.url("");
        let tidy = |line: &str| {
            let mut line = line.replace(&host, "http://example.org");
            while let Some(start) = line.find('?') {
                let end = line[start..].find([' ', ':']).map_or(line.len(), |end| start + end);
                line.replace_range(start..end, "");
            }
            line
        };
        fs::write(PICTURE, svg::recording(&session.written, SIZE, tidy))?;
        println!("{PICTURE}: the exit code was {:?}", session.code);
        Ok(())
    }
}
