//! One test for each option that is not about failing or resuming.

mod common;

use std::io::Write;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use common::{Run, Scene, finish, run};
use deferred_examples::server::content::Content;

/// The lines of a JSON report.
fn report(run: &Run) -> Vec<serde_json::Value> {
    run.stdout.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

#[test]
fn a_list_is_read_from_a_file() {
    let scene = Scene::new();
    let list = scene.outside().join("elsewhere");
    let sum = Content::new("/b", 20).sha256();
    let (a, b) = (scene.server.url("/a?size=10"), scene.server.url("/b?size=20"));
    std::fs::write(&list, format!("# two files\n\n{a}\n  {b} \t sha256:{sum}\r\n")).expect("a list");
    run(scene.command().arg("-i").arg(&list)).assert_code(0);
    assert_eq!(scene.names(), ["a", "b"]);
}

#[test]
fn a_list_that_is_not_there_is_named() {
    let scene = Scene::new();
    let run = run(scene.command().args(["-i", "/no/such/list"]));
    assert_eq!(run.code, Some(2), "{run}");
    assert!(run.stderr.contains("cannot read /no/such/list"), "{run}");
}

#[test]
fn a_list_that_cannot_be_read_is_no_success() {
    let scene = Scene::new();
    let here = scene.outside().display().to_string();
    let directory = run(scene.command().args(["-i", &here]));
    assert_eq!(directory.code, Some(2), "{directory}");
    assert!(directory.stderr.contains(&format!("cannot read {here}: is a directory")), "{directory}");
}

/// Reading the memory of a process at its very beginning fails, for everybody.
#[cfg(target_os = "linux")]
#[test]
fn a_list_that_breaks_off_is_no_success() {
    let scene = Scene::new();
    let run = run(scene.command().args(["-i", "/proc/self/mem"]).arg(scene.server.url("/a?size=10")));
    run.assert_code(1);
    assert!(run.stderr.contains("the list ends here: "), "{run}");
    assert_eq!(scene.names(), ["a"]);
}

#[test]
fn lines_that_make_no_sense_fail_alone() {
    let scene = Scene::new();
    let list = scene.outside().join("elsewhere");
    let (a, b) = (scene.server.url("/a?size=10"), scene.server.url("/b?size=20"));
    let long = "x".repeat(1_000_000);
    let sum = b"http://localhost/a sha256:0f".as_slice();
    // It begins with what some editors write there.
    let first = [b"\xef\xbb\xbf", a.as_bytes()].concat();
    let lines = [&first, b"\xff\xfe\x00".as_slice(), long.as_bytes(), sum, b.as_bytes()].join(&b'\n');
    std::fs::write(&list, lines).expect("a list");
    let run = run(scene.command().arg("-i").arg(&list));
    run.assert_code(1);
    run.assert_failed("xxx", "white space");
    run.assert_failed("sha256:0f", "64 hexadecimal digits");
    assert!(run.stdout.contains("2 of 5 files saved, 3 failed"), "{run}");
    assert!(run.stderr.len() < 1000, "{run}");
    assert_eq!(scene.names(), ["a", "b"]);
}

#[test]
fn a_list_on_standard_input_is_used_as_it_comes() {
    let scene = Scene::new();
    let mut child = scene
        .command()
        .args(["-i", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut input = child.stdin.take().expect("its input");
    writeln!(input, "{}", scene.server.url("/first?size=10")).expect("a line");
    // The second line is written only when the first file is there.
    let begin = Instant::now();
    while scene.visible() != ["first"] {
        assert!(begin.elapsed() < Duration::from_secs(20), "the first file does not come");
        thread::sleep(Duration::from_millis(5));
    }
    writeln!(input, "{}", scene.server.url("/second?size=20")).expect("a line");
    drop(input);
    finish(child.wait_with_output().expect("its end")).assert_code(0);
    assert_eq!(scene.names(), ["first", "second"]);
}

#[test]
fn so_many_from_one_host_and_others_meanwhile() {
    let (scene, other) = (Scene::new(), Scene::new());
    let mut command = scene.command();
    command.args(["-j", "8", "--per-host", "2"]);
    command.args((0..6).map(|n| scene.server.url(&format!("/{n}?size=1&delay=100"))));
    command.args((6..12).map(|n| other.server.url(&format!("/{n}?size=1&delay=100"))));
    run(&mut command).assert_code(0);
    assert_eq!((scene.server.peak(), other.server.peak()), (2, 2));
    assert_eq!(scene.names().len(), 12);
}

#[test]
fn a_busy_server_is_tried_again() {
    let scene = Scene::new();
    let options = ["--retries", "3", "--retry-pause", "0.05"];
    let run = scene.download(&options, &["/a?size=10&fail=3", "/b?size=10&fail=4", "/c?status=404"]);
    run.assert_code(1);
    assert_eq!(scene.names(), ["a"]);
    run.assert_failed("/b", "503 Service Unavailable");
    assert_eq!(scene.server.requests_for("/a"), 4);
    assert_eq!(scene.server.requests_for("/b"), 4);
    assert_eq!(scene.server.requests_for("/c"), 1);
    assert!(run.stdout.contains("retry "), "{run}");
}

#[test]
fn retry_after_is_honoured_and_the_slot_given_up_meanwhile() {
    let scene = Scene::new();
    let begin = Instant::now();
    let options = ["-j", "1", "--retries", "1", "--retry-pause", "0.01"];
    let paths = ["/busy?size=1&fail=1&fields=retry-after:+1", "/next?size=1"];
    let run = scene.download(&options, &paths);
    run.assert_code(0);
    assert!(begin.elapsed() >= Duration::from_secs(1));
    let at = |what: &str| run.stdout.find(what).unwrap_or_else(|| panic!("no {what}: {run}"));
    let fetched = |path: &str| at(&format!("fetched {}", scene.server.url(path)));
    assert!(fetched(paths[1]) < fetched(paths[0]), "{run}");
    assert_eq!(scene.server.peak(), 1);
}

#[test]
fn a_server_that_asks_for_too_much_patience_is_not_waited_for() {
    let scene = Scene::new();
    let begin = Instant::now();
    let run = scene.download(&["--retries", "1"], &["/busy?size=1&fail=1&fields=retry-after:+86400"]);
    run.assert_code(1);
    assert!(begin.elapsed() < Duration::from_secs(30));
}

#[test]
fn the_timeout_is_for_each_try_and_frees_the_slot() {
    let scene = Scene::new();
    let options = ["-j", "1", "--retries", "1", "--retry-pause", "0.1", "--timeout", "0.3"];
    let run = scene.download(&options, &["/late?size=1&delay=20000", "/next?size=1"]);
    run.assert_code(1);
    run.assert_failed("/late", "not finished in 0.3 s");
    assert_eq!(scene.names(), ["next"]);
    assert_eq!(scene.server.requests_for("/late"), 2);
}

#[test]
fn checksums_are_compared() {
    let scene = Scene::new();
    let right = format!("sha256:{}", Content::new("/a", 1000).sha256());
    let wrong = format!("sha256:{}", "0".repeat(64));
    let options = ["--checksum", &right, "--checksum", &wrong];
    let run = scene.download(&options, &["/a?size=1000", "/b?size=1000", "/c?size=1000"]);
    run.assert_code(1);
    run.assert_failed("/b", "the checksum is sha256:");
    assert_eq!(scene.names(), ["a", "c"]);
}

#[test]
fn names_come_from_headers_when_asked_for() {
    let scene = Scene::new();
    let path = "/x?size=5&fields=content-disposition:+attachment;filename%3D%22real+name.txt%22";
    scene.download(&["--name-from", "header"], &[path, "/plain?size=5"]).assert_code(0);
    assert_eq!(scene.names(), ["plain", "real name.txt"]);
    assert_eq!(scene.server.requests(), 2);
}

#[test]
fn taken_names_are_treated_as_told() {
    for (rule, code, names, first) in [
        ("number", 0, &["a", "a.1"][..], &b"mine"[..]),
        ("skip", 0, &["a"], b"mine"),
        ("fail", 1, &["a"], b"mine"),
        ("overwrite", 0, &["a"], &Content::new("/a", 10).bytes()),
    ] {
        let scene = Scene::new();
        scene.write("a", b"mine");
        let run = scene.download(&["--on-collision", rule], &["/a?size=10"]);
        run.assert_code(code);
        assert_eq!(scene.names(), names, "{rule}");
        assert_eq!(scene.read("a"), first, "{rule}");
        if code == 1 {
            run.assert_failed("/a", "exists");
        }
    }
}

#[test]
fn two_files_of_one_run_never_share_a_name() {
    for rule in ["number", "skip", "overwrite"] {
        let scene = Scene::new();
        scene.download(&["--on-collision", rule], &["/x/a?size=10", "/y/a?size=20"]).assert_code(0);
        scene.assert_saved("a", "/x/a", 10);
        scene.assert_saved("a.1", "/y/a", 20);
    }
    let scene = Scene::new();
    let run = scene.download(&["--on-collision", "fail"], &["/x/a?size=10", "/y/a?size=20"]);
    run.assert_code(1);
    scene.assert_saved("a", "/x/a", 10);
    assert_eq!(scene.names(), ["a"]);
}

#[test]
fn the_rate_is_limited_for_all_files_together() {
    let scene = Scene::new();
    let begin = Instant::now();
    scene.download(&["--limit-rate", "100k"], &["/a?size=51200", "/b?size=51200"]).assert_code(0);
    let time = begin.elapsed();
    assert!(time >= Duration::from_millis(950), "{time:?}");
    scene.assert_saved("a", "/a", 51_200);
}

#[test]
fn headers_are_sent() {
    let scene = Scene::new();
    scene.download(&["-H", "X-One: 1", "--header", "X-Two:2"], &["/a?size=1"]).assert_code(0);
    let request = common::last_request(&scene.server, "/a");
    assert!(request.contains("x-one:1\r\n") && request.contains("x-two:2\r\n"), "{request}");
}

#[test]
fn a_header_may_be_given_twice_and_takes_the_place_of_ours() {
    let scene = Scene::new();
    let options = ["-H", "Cookie: a=1", "-H", "cookie: b=2", "-H", "User-Agent: me"];
    scene.download(&options, &["/a?size=1"]).assert_code(0);
    let request = common::last_request(&scene.server, "/a");
    assert!(request.contains("cookie:a=1\r\n") && request.contains("cookie:b=2\r\n"), "{request}");
    assert!(request.contains("user-agent:me\r\n") && !request.contains("parallel-downloader"), "{request}");
}

#[test]
fn the_report_is_json_and_nothing_else() {
    let scene = Scene::new();
    scene.write("kept", b"mine");
    let options = ["--json", "-j", "1", "--on-collision", "skip"];
    let run = scene.download(&options, &["/a?size=10", "/kept?size=10", "/gone?status=404"]);
    run.assert_code(1);
    let lines = report(&run);
    assert_eq!(lines.len(), 4, "{run}");
    let of = |name: &str| {
        let mut found = lines.iter().filter(|line| line["url"].as_str().is_some_and(|url| url.contains(name)));
        found.next().expect("a line for it").clone()
    };
    assert_eq!(of("/a?")["status"], "saved");
    assert_eq!(of("/a?")["bytes"], 10);
    assert_eq!(of("/a?")["path"], scene.output().join("a").display().to_string());
    assert_eq!(of("/kept")["status"], "kept");
    assert_eq!(of("/gone")["status"], "failed");
    assert_eq!(of("/gone")["error"], "the server answered 404 Not Found");
    assert_eq!(lines[3]["summary"]["saved"], 1);
    assert_eq!(lines[3]["summary"]["failed"], 1);
    assert!(run.stderr.contains("fetched "), "{run}");
}

#[test]
fn what_came_in_two_tries_is_counted_whole() {
    let scene = Scene::new();
    let path = "/a?size=100000&cut=60000&once";
    let run = scene.download(&["--json", "--retries", "1", "--retry-pause", "0.1"], &[path]);
    run.assert_code(0);
    let lines = report(&run);
    assert_eq!(lines[0]["resumed_from"], 0);
    assert_eq!(lines[1]["summary"]["bytes"], 100_000);
    assert!(common::last_request(&scene.server, "/a").contains("range:bytes=60000-"));
}

#[test]
#[cfg(target_os = "linux")]
fn a_report_that_cannot_be_written_is_an_error_and_the_files_are_saved() {
    let scene = Scene::new();
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a device that takes nothing");
    let mut command = scene.command();
    command.args(["--json", &scene.server.url("/a?size=10")]).stdout(full);
    let run = finish(command.output().expect("the program runs"));
    run.assert_code(1);
    assert!(run.stderr.contains("the report is not whole: No space left on device"), "{run}");
    scene.assert_saved("a", "/a", 10);
}

#[test]
fn a_report_whose_reader_has_gone_away_is_an_error_and_lines_and_help_are_not() {
    for (option, code) in [("--json", 1), ("--verbose", 0), ("--help", 0)] {
        let scene = Scene::new();
        let mut command = scene.command();
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        command.args([option, &scene.server.url("/a?size=10")]).stdout(writer);
        let run = finish(command.output().expect("the program runs"));
        run.assert_code(code);
        assert_eq!(run.stderr.contains("the report is not whole"), code == 1, "{run}");
        assert_eq!(run.stderr.is_empty(), code == 0, "{run}");
        if option != "--help" {
            scene.assert_saved("a", "/a", 10);
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn lines_and_help_that_cannot_be_written_are_an_error() {
    let scene = Scene::new();
    for argument in [scene.server.url("/a?size=10"), "--help".into(), "--version".into()] {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("a device that takes nothing");
        let mut command = scene.command();
        let run = finish(command.arg(argument).stdout(full).output().expect("the program runs"));
        run.assert_code(1);
        assert!(run.stderr.contains("cannot write to standard output: No space left on device"), "{run}");
    }
    scene.assert_saved("a", "/a", 10);
}

#[test]
fn quiet_says_what_went_wrong_and_verbose_says_more() {
    let scene = Scene::new();
    let paths = ["/a?size=10", "/gone?status=404"];
    let quiet = scene.download(&["-q"], &paths);
    quiet.assert_code(1);
    assert_eq!(quiet.stdout, "");
    assert_eq!(quiet.stderr.lines().count(), 1, "{quiet}");
    assert!(quiet.stderr.contains("404 Not Found"), "{quiet}");
    let verbose = scene.download(&["-v"], &["/b?size=10", "/c?size=10&length=none"]);
    verbose.assert_code(0);
    assert!(verbose.stdout.contains("(b, 10 B)"), "{verbose}");
    assert!(verbose.stdout.contains("(c, of unknown size)"), "{verbose}");
}

#[test]
fn a_reader_who_goes_away_stops_nothing() {
    let scene = Scene::new();
    let mut command = scene.command();
    command.args((0..50).map(|n| scene.server.url(&format!("/{n}?size=1"))));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
    drop(child.stdout.take());
    finish(child.wait_with_output().expect("its end")).assert_code(0);
    assert_eq!(scene.names().len(), 50);
}
