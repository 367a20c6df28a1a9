//! Ctrl-C, and a stop for a while, with real signals.
#![cfg(unix)]

mod common;

use std::io::Read;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::{Run, Scene, finish, run};
use rustix::io::ioctl_fionread;
use rustix::process::{Pid, Signal, kill_process};

/// Starts the program on some paths of the server.
fn start(scene: &Scene, options: &[&str], paths: &[&str]) -> Child {
    let mut command = scene.command();
    command.args(options).args(paths.iter().map(|path| scene.server.url(path)));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs")
}

/// Presses Ctrl-C.
fn interrupt(child: &Child) {
    send(child, Signal::INT);
}

/// Sends a signal.
fn send(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process id");
    kill_process(id, signal).expect("a signal");
}

/// Waits until something is so.
#[track_caller]
fn wait_until(what: &str, so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !so() {
        assert!(begin.elapsed() < Duration::from_secs(30), "{what} never comes");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Waits for the end, which must come soon.
#[track_caller]
fn end(child: Child) -> Run {
    let begin = Instant::now();
    let run = finish(child.wait_with_output().expect("its end"));
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?} to end: {run}", begin.elapsed());
    run
}

#[test]
fn the_first_ends_everything_and_keeps_what_can_be_continued() {
    let scene = Scene::new();
    let slow = "/slow?size=100000&step=1000&drip=20";
    let lost = "/lost?size=100000&step=1000&drip=20&etag=off";
    let paths = ["/done?size=10", slow, lost, "/waiting?size=10"];
    let child = start(&scene, &[], &paths);
    let length = |name: &str| scene.output().join(name).metadata().map_or(0, |data| data.len());
    wait_until("some of both", || length(".slow.part") > 5000 && length(".lost.part") > 5000);
    interrupt(&child);
    let run = end(child);
    run.assert_code(130);
    assert_eq!(scene.names(), [".slow.part", ".slow.part.note", "done"], "{run}");
    assert!(run.stdout.contains("1 of 4 files saved, 3 interrupted"), "{run}");

    let there = length(".slow.part");
    scene.download(&["--resume"], &["/slow?size=100000&step=1000&drip=20"]).assert_code(0);
    scene.assert_saved("slow", "/slow", 100_000);
    let request = common::last_request(&scene.server, "/slow");
    assert!(request.contains(&format!("range:bytes={there}-")), "{request}");
}

/// What came meanwhile is looked at before any server is taken for idle.
#[test]
fn a_run_that_is_stopped_for_longer_than_a_server_may_be_idle_goes_on() {
    let scene = Scene::new();
    let paths = ["a", "b", "c", "d"].map(|name| format!("/{name}?size=1000&step=20&drip=40"));
    let child =
        start(&scene, &["--idle-timeout", "0.5", "--retries", "0", "-j", "4"], &paths.each_ref().map(String::as_str));
    let length = |name: &str| scene.output().join(name).metadata().map_or(0, |data| data.len());
    wait_until("some of all", || ["a", "b", "c", "d"].iter().all(|name| length(&format!(".{name}.part")) > 0));
    send(&child, Signal::STOP);
    thread::sleep(Duration::from_millis(1200));
    send(&child, Signal::CONT);
    end(child).assert_code(0);
    scene.assert_saved("d", "/d", 1000);
}

#[test]
fn pauses_and_silent_servers_are_interrupted_too() {
    let scene = Scene::new();
    let busy = "/busy?size=1&fail=1&fields=retry-after:+200";
    let child = start(&scene, &["--idle-timeout", "200"], &[busy, "/late?size=1&delay=200000"]);
    wait_until("both requests", || scene.server.requests() == 2);
    thread::sleep(Duration::from_millis(50));
    interrupt(&child);
    end(child).assert_code(130);
}

#[test]
fn a_list_that_is_still_being_read_is_interrupted_too() {
    let scene = Scene::new();
    let mut command = scene.command();
    command.args(["-i", "-", "/nonsense"]).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
    let mut first = [0];
    child.stdout.as_mut().expect("its output").read_exact(&mut first).expect("a line");
    interrupt(&child);
    // Its input stays open all the time.
    let input = child.stdin.take();
    end(child).assert_code(130);
    drop(input);
}

#[test]
fn the_second_kills() {
    let scene = Scene::new();
    // Nobody reads what is said, so that ending in good order hangs.
    let urls: Vec<String> = (0..3000).map(|n| format!("nonsense-{n}-{}", "x".repeat(100))).collect();
    let mut command = scene.command();
    let mut child = command.args(urls).stdout(Stdio::piped()).spawn().expect("the program runs");
    let output = child.stdout.take().expect("its output");
    wait_until("a pipe that is full", || ioctl_fionread(&output).is_ok_and(|waiting| waiting > 60_000));
    interrupt(&child);
    thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().expect("its state").is_none(), "it ended at the first");
    interrupt(&child);
    let begin = Instant::now();
    let status = child.wait().expect("its end");
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(status.code(), Some(130));
}

#[test]
fn a_run_that_is_not_interrupted_knows_nothing_of_it() {
    let scene = Scene::new();
    let run = run(scene.command().arg(scene.server.url("/a?size=1")));
    run.assert_code(0);
    assert!(!run.stdout.contains("interrupted"), "{run}");
}
