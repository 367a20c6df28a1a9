//! What the downloader saves when all goes well, how fast, and how many at a time.

mod common;

use std::time::{Duration, Instant};

use common::{Scene, run};

#[test]
fn every_file_is_saved_under_its_name() {
    let scene = Scene::new();
    let run = scene.download(&[], &["/a.bin?size=100000", "/b/c%20d.txt?size=0", "/?size=7&chunked"]);
    run.assert_code(0);
    assert_eq!(scene.names(), ["a.bin", "c d.txt", "index.html"]);
    scene.assert_saved("a.bin", "/a.bin", 100_000);
    scene.assert_saved("c d.txt", "/b/c%20d.txt", 0);
    scene.assert_saved("index.html", "/", 7);
    let url = scene.server.url("/a.bin?size=100000");
    assert!(run.stdout.contains(&format!("fetch {url}\n")), "{run}");
    assert!(run.stdout.contains(&format!("fetched {url} (97.7 KiB)\n")), "{run}");
    assert!(run.stdout.contains("3 of 3 files saved"), "{run}");
    assert_eq!(run.stderr, "");
}

#[test]
fn bodies_come_in_every_framing() {
    let scene = Scene::new();
    let paths = ["/chunks?size=300000&chunked", "/close?size=300000&length=none", "/pack?size=300000&gzip"];
    scene.download(&[], &paths).assert_code(0);
    scene.assert_saved("chunks", "/chunks", 300_000);
    scene.assert_saved("close", "/close", 300_000);
    scene.assert_saved("pack", "/pack", 300_000);
}

/// The reduced form of the measurement that `--example downloader-bench` makes at full size.
#[test]
fn as_many_at_once_as_asked_for_and_never_more() {
    for (jobs, files, delay) in [(1, 3, 150), (2, 12, 150), (8, 48, 150)] {
        let scene = Scene::new();
        let paths: Vec<String> = (0..files).map(|n| format!("/{n}.bin?size=65536&delay={delay}")).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let begin = Instant::now();
        let run = scene.download(&["-j", &jobs.to_string()], &paths);
        let time = begin.elapsed();
        run.assert_code(0);
        assert_eq!(scene.server.peak(), jobs);
        assert_eq!(scene.server.requests(), files);
        for n in 0..files {
            scene.assert_saved(&format!("{n}.bin"), &format!("/{n}.bin"), 65_536);
        }
        // Every slot is busy with its share of the delays. The machine may be busy too, so the upper
        // bound only tells parallel from serial: each round may take twice its time.
        let least = Duration::from_millis(delay) * (files as u32) / (jobs as u32);
        assert!(time >= least, "{time:?} for at least {least:?}");
        assert!(jobs == 1 || time < least * jobs as u32, "{time:?} is no faster than one at a time");
    }
}

#[test]
fn two_files_of_one_name_are_both_kept() {
    let scene = Scene::new();
    scene.write("a", b"mine");
    scene.download(&[], &["/x/a?size=10", "/y/a?size=20", "/z/a?size=30"]).assert_code(0);
    assert_eq!(scene.names(), ["a", "a.1", "a.2", "a.3"]);
    assert_eq!(scene.read("a"), b"mine");
    scene.assert_saved("a.1", "/x/a", 10);
    scene.assert_saved("a.2", "/y/a", 20);
    scene.assert_saved("a.3", "/z/a", 30);
}

#[test]
fn without_urls_it_downloads_from_a_server_of_its_own() {
    let scene = Scene::new();
    let run = run(&mut scene.command());
    run.assert_code(0);
    assert_eq!(scene.names().len(), 12);
    assert!(run.stdout.contains("12 of 12 files saved"), "{run}");
}

#[test]
fn the_faulty_demonstration_fails_in_four_ways() {
    let scene = Scene::new();
    let run = run(scene.command().args(["--faulty", "--idle-timeout", "0.5"]));
    run.assert_code(1);
    assert_eq!(scene.names().len(), 12, "{:?}", scene.names());
    assert!(run.stdout.contains("12 of 16 files saved, 4 failed"), "{run}");
    assert!(!run.stdout.contains("retry "), "{run}");
}

#[test]
fn the_demonstration_tries_again_when_asked_to() {
    let scene = Scene::new();
    let options = ["--faulty", "--idle-timeout", "0.5", "--retries", "1", "--retry-pause", "0.1"];
    let run = run(scene.command().args(options));
    run.assert_code(1);
    let again = run.stdout.lines().filter(|line| line.starts_with("retry "));
    assert_eq!(again.count(), 3, "all that fail but the missing one: {run}");
}
