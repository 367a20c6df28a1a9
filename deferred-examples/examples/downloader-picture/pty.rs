//! Running a program on a terminal of one's own.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// What a program wrote to its terminal.
#[derive(Debug)]
pub(crate) struct Session {
    /// The exit code; nothing if a signal ended it.
    pub(crate) code: Option<i32>,
    /// Bytes as they came, and when.
    pub(crate) written: Vec<(Duration, Vec<u8>)>,
}

/// Runs `command` on a terminal of so many lines and columns.
pub(crate) fn run(command: &mut Command, lines: u16, columns: u16) -> io::Result<Session> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    tcsetwinsize(&master, Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 })?;
    let name = ptsname(&master, Vec::new())?.into_string().map_err(io::Error::other)?;
    let slave = OpenOptions::new().read(true).write(true).open(name)?;
    command.env("TERM", "xterm-256color");
    command.stdin(slave.try_clone()?).stdout(slave.try_clone()?).stderr(slave);
    let begin = Instant::now();
    let mut child = command.spawn()?;
    // The command keeps handles of the terminal, which would then never end.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());

    let mut written = Vec::new();
    let mut master = File::from(master);
    let mut buffer = [0; 4096];
    // A terminal whose other end is closed ends with an error.
    while let Ok(n @ 1..) = master.read(&mut buffer) {
        written.push((begin.elapsed(), buffer[..n].to_vec()));
    }
    Ok(Session { code: child.wait()?.code(), written })
}
