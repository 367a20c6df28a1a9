//! Two runs at the same time in one directory: neither takes what the other one has.
#![cfg(unix)]

mod common;

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use common::{Scene, finish};

/// Slow enough to be met by another run.
const SLOW: &str = "/a?size=100000&step=2000&drip=20";

/// Begins to download `path`, and waits until there are more than `bytes` of its part.
#[track_caller]
fn begin(scene: &Scene, options: &[&str], path: &str, bytes: u64) -> Child {
    let mut command = scene.command();
    command.args(options).arg(scene.server.url(path));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
    wait_for(scene, ".a.part", bytes);
    child
}

/// Waits until there are more than `bytes` of a part.
#[track_caller]
fn wait_for(scene: &Scene, part: &str, bytes: u64) {
    let begin = Instant::now();
    while fs::metadata(scene.output().join(part)).map_or(0, |data| data.len()) <= bytes {
        assert!(begin.elapsed() < Duration::from_secs(30), "the part never comes");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_name_that_another_run_is_writing_is_numbered() {
    let scene = Scene::new();
    let first = begin(&scene, &[], SLOW, 0);
    scene.download(&[], &["/a?size=500"]).assert_code(0);
    scene.assert_saved("a.1", "/a", 500);
    finish(first.wait_with_output().expect("its end")).assert_code(0);
    scene.assert_saved("a", "/a", 100_000);
    assert_eq!(scene.names(), ["a", "a.1"]);
}

#[test]
fn where_names_are_not_numbered_the_second_run_fails() {
    let scene = Scene::new();
    let first = begin(&scene, &[], SLOW, 0);
    for options in [&["--on-collision", "overwrite"][..], &["--on-collision", "skip"], &["--resume"]] {
        let run = scene.download(options, &["/a?size=500"]);
        run.assert_code(1);
        run.assert_failed("/a", "another run is writing");
    }
    finish(first.wait_with_output().expect("its end")).assert_code(0);
    scene.assert_saved("a", "/a", 100_000);
    assert_eq!(scene.names(), ["a"]);
}

#[test]
fn a_name_that_is_taken_meanwhile_is_treated_as_told() {
    for (rule, code, names) in [("number", 0, &["a", "a.1"][..]), ("fail", 1, &["a"]), ("skip", 1, &["a"])] {
        let scene = Scene::new();
        let child = begin(&scene, &["--on-collision", rule], "/a?size=30000&step=2000&drip=20&etag=off", 0);
        scene.write("a", b"mine");
        let run = finish(child.wait_with_output().expect("its end"));
        run.assert_code(code);
        assert_eq!(scene.read("a"), b"mine");
        assert_eq!(scene.names(), names, "{rule}");
        if code == 0 {
            scene.assert_saved("a.1", "/a", 30_000);
        } else {
            run.assert_failed("/a", "exists");
        }
    }
}

#[test]
fn a_name_that_is_left_to_another_url_is_not_what_comes_next() {
    let scene = Scene::new();
    scene.download(&["--retries", "0"], &["/a?size=100000&cut=60000&once"]).assert_code(1);
    let options = ["--resume", "--on-collision", "number"];
    let child = begin(&scene, &options, "/other/a?size=30000&step=2000&drip=20&etag=off", 0);
    wait_for(&scene, ".a.1.part", 0);
    scene.write("a.1", b"mine");
    finish(child.wait_with_output().expect("its end")).assert_code(0);
    assert_eq!(scene.names(), [".a.part", ".a.part.note", "a.1", "a.2"]);
    scene.assert_saved("a.2", "/other/a", 30_000);
}

#[test]
fn what_a_killed_run_left_is_continued() {
    let scene = Scene::new();
    let path = "/a?size=3000000&stall=2000000&once";
    let mut child = begin(&scene, &[], path, 1_900_000);
    child.kill().expect("a signal");
    child.wait().expect("its end");
    assert_eq!(scene.names(), [".a.part", ".a.part.note"]);
    let there = scene.read(".a.part").len();
    scene.download(&["--resume"], &[path]).assert_code(0);
    scene.assert_saved("a", "/a", 3_000_000);
    let request = common::last_request(&scene.server, "/a");
    assert!(request.contains(&format!("range:bytes={there}-")), "{request}");
}

#[test]
fn a_part_that_was_taken_away_is_not_finished_with_another() {
    let scene = Scene::new();
    let child = begin(&scene, &[], "/a?size=30000&step=2000&drip=20", 0);
    fs::remove_file(scene.output().join(".a.part")).expect("the part");
    scene.write(".a.part", b"another");
    let run = finish(child.wait_with_output().expect("its end"));
    run.assert_code(1);
    run.assert_failed("/a", "another run is writing");
    assert_eq!(scene.names(), [".a.part"]);
    assert_eq!(scene.read(".a.part"), b"another");
}
