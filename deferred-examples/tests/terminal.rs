//! What a terminal shows, and what a pipe gets instead.
#![cfg(target_os = "linux")]

#[path = "../examples/parallel-downloader/bars.rs"]
#[allow(dead_code, reason = "what is not tested is the program's")]
mod bars;
mod common;
#[path = "../examples/parallel-downloader/lines.rs"]
#[allow(dead_code, reason = "what is not tested is the program's")]
mod lines;
#[path = "../examples/downloader-picture/pty.rs"]
mod pty;

use std::process::Command;

use common::Scene;

/// Runs a command on a terminal; returns its exit code and all it wrote.
fn on_a_terminal(command: &mut Command) -> (Option<i32>, String) {
    let session = pty::run(command, 24, 100).expect("a terminal");
    let bytes: Vec<u8> = session.written.into_iter().flat_map(|(_, bytes)| bytes).collect();
    (session.code, String::from_utf8_lossy(&bytes).into_owned())
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
