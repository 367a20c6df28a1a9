//! What a terminal shows, and what a pipe gets instead.
#![cfg(target_os = "linux")]

mod common;

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;

use common::Scene;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Runs a command on a terminal of 24 lines and 100 columns; returns its exit code and all it wrote.
fn on_a_terminal(command: &mut Command) -> (Option<i32>, String) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&master).expect("access to it");
    unlockpt(&master).expect("an unlocked one");
    let size = Winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&master, size).expect("a size");
    let name = ptsname(&master, Vec::new()).expect("its name").into_string().expect("a plain name");
    let slave = OpenOptions::new().read(true).write(true).open(name).expect("its other end");
    let end = || Stdio::from(slave.try_clone().expect("another handle"));
    let mut child = command
        .env("TERM", "xterm-256color")
        .stdin(end())
        .stdout(end())
        .stderr(end())
        .spawn()
        .expect("the program runs");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    drop(slave);
    let reading = thread::spawn(move || {
        let mut text = Vec::new();
        // A terminal whose other end is closed ends with an error.
        let _ = File::from(master).read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let status = child.wait().expect("its end");
    (status.code(), reading.join().expect("the reader"))
}

#[test]
fn a_terminal_shows_bars_for_files_and_for_all() {
    let scene = Scene::new();
    let mut command = scene.command();
    for path in [
        "/known.bin?size=200000&step=10000&drip=50",
        "/unknown.bin?size=200000&length=none&step=10000&drip=50",
        "/gone?status=404",
    ] {
        command.arg(scene.server.url(path));
    }
    let (code, text) = on_a_terminal(&mut command);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("known.bin") && text.contains(" of 195.31 KiB"), "{text}");
    assert!(text.contains("of unknown size"), "{text}");
    assert!(text.contains("[=") && text.contains("left"), "{text}");
    assert!(text.contains("1 of 2 files") || text.contains("1 of 3 files"), "{text}");
    assert!(text.contains("fetched http") && text.contains("failed http"), "{text}");
    let end = text.rfind("2 of 3 files saved, 1 failed").expect("a summary");
    let bar = text.rfind("[=").expect("a bar");
    assert!(bar < end, "bars are drawn after the summary: {text}");
    scene.assert_saved("known.bin", "/known.bin", 200_000);
}

#[test]
fn quiet_and_json_draw_no_bars() {
    let scene = Scene::new();
    for option in ["-q", "--json"] {
        let url = scene.server.url(&format!("/{option}?size=1000&step=100&drip=20"));
        let (code, text) = on_a_terminal(scene.command().args([option, &url]));
        assert_eq!(code, Some(0), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}

#[test]
fn a_pipe_gets_plain_lines() {
    let scene = Scene::new();
    let run = scene.download(&[], &["/a?size=1000&step=100&drip=20"]);
    run.assert_code(0);
    assert!(!run.to_string().contains('\u{1b}') && !run.to_string().contains('\r'), "{run}");
    assert_eq!(run.stdout.lines().count(), 3, "{run}");
}
