//! What happens when things go wrong: that file fails, with its url and its cause; the others are
//! kept; nothing partial has a final name; nothing is outside the output directory.

mod common;

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use common::{Run, Scene, program, run};

/// Downloads `path` between two files that are fine, and asserts that it alone fails, saying `why`.
#[track_caller]
fn assert_fails(scene: &Scene, options: &[&str], path: &str, why: &str) -> Run {
    let options = [&["--retries", "0"], options].concat();
    let run = scene.download(&options, &["/before?size=1000", path, "/after?size=2000"]);
    run.assert_code(1);
    run.assert_failed(&scene.server.url(path), why);
    assert!(run.stdout.contains("2 of 3 files saved, 1 failed"), "{run}");
    scene.assert_saved("before", "/before", 1000);
    scene.assert_saved("after", "/after", 2000);
    assert_eq!(scene.visible(), ["after", "before"], "{run}");
    run
}

#[test]
fn a_bad_url_fails_alone() {
    let scene = Scene::new();
    let good = scene.server.url("/good?size=5");
    let bad = ["nonsense", "ftp://example.org/x", "http://", "http://a b/", "file:///etc/passwd"];
    let run = run(scene.command().args(bad).arg(good));
    run.assert_code(1);
    for url in bad {
        run.assert_failed(url, "");
    }
    assert_eq!(scene.names(), ["good"]);
}

#[test]
fn a_file_in_place_of_the_directory_is_named() {
    let scene = Scene::new();
    fs::write(scene.output(), "in the way").expect("a file");
    let run = scene.download(&[], &["/a?size=5"]);
    run.assert_code(1);
    run.assert_failed("/a?size=5", "cannot create the directory");
    run.assert_failed("/a?size=5", &scene.output().display().to_string());
    assert_eq!(fs::read(scene.output()).expect("the file"), b"in the way");
}

/// Root may write anywhere but here: nothing can be created in `/proc`.
#[cfg(target_os = "linux")]
#[test]
fn an_unwritable_directory_is_named() {
    let scene = Scene::new();
    let run = run(Command::new(program()).args(["-o", "/proc/self"]).arg(scene.server.url("/a?size=5")));
    run.assert_code(1);
    run.assert_failed("/a?size=5", "cannot create /proc/self/.a.part");
}

#[test]
fn a_404_fails_alone() {
    let scene = Scene::new();
    assert_fails(&scene, &[], "/missing?status=404", "the server answered 404 Not Found");
}

#[test]
fn a_body_cut_short_fails_alone() {
    let scene = Scene::new();
    let why = "the connection broke after 40000 bytes: less came than was announced";
    assert_fails(&scene, &[], "/cut?size=100000&cut=40000", why);
}

#[test]
fn a_chunked_body_cut_short_fails_alone() {
    let scene = Scene::new();
    assert_fails(&scene, &[], "/cut?size=100000&cut=40000&chunked", "the connection broke");
}

#[test]
fn a_reset_connection_fails_alone() {
    let scene = Scene::new();
    let run = assert_fails(&scene, &[], "/reset?size=100000&reset=40000", "");
    assert!(run.stderr.contains("Connection reset by peer"), "{run}");
}

#[test]
fn a_stalled_body_fails_alone() {
    let scene = Scene::new();
    let options = ["--idle-timeout", "0.3"];
    assert_fails(&scene, &options, "/stall?size=100000&stall=40000", "nothing came for 0.3 s");
}

#[test]
fn a_head_that_never_comes_fails_alone() {
    let scene = Scene::new();
    let options = ["--idle-timeout", "0.3"];
    assert_fails(&scene, &options, "/late?size=1&delay=20000", "nothing came for 0.3 s");
}

#[test]
fn a_slow_body_is_no_stalled_one() {
    let scene = Scene::new();
    let options = ["--idle-timeout", "0.5"];
    scene.download(&options, &["/drip?size=10&step=1&drip=100"]).assert_code(0);
    scene.assert_saved("drip", "/drip", 10);
}

#[test]
fn a_slow_redirect_leaves_the_next_answer_its_time() {
    let scene = Scene::new();
    let options = ["--idle-timeout", "1.5"];
    let path = "/here?status=302&delay=1000&fields=location:+/there%3Fdelay%3D1000%26size%3D10";
    scene.download(&options, &[path]).assert_code(0);
    scene.assert_saved("here", "/there", 10);
}

#[test]
fn a_refused_connection_fails_alone() {
    let scene = Scene::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    drop(listener);
    let dead = format!("http://{address}/dead");
    let run = run(scene.command().arg(&dead).arg(scene.server.url("/good?size=5")));
    run.assert_code(1);
    run.assert_failed(&dead, "Could not connect to server");
    assert_eq!(scene.names(), ["good"]);
}
