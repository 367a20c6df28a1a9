//! Going on with what an earlier try left, and never joining two editions of a file.

mod common;

use std::time::Duration;
use std::{fs, thread};

use common::Scene;
use deferred_examples::server::content::Content;

/// Leaves a part of the first 60000 bytes of `/a`, whose other words are `words`.
fn leave_a_part(scene: &Scene, words: &str) -> String {
    let path = format!("/a?size=100000&cut=60000&once{words}");
    scene.download(&["--retries", "0"], &[&path]).assert_code(1);
    path
}

#[test]
fn a_part_is_continued() {
    let scene = Scene::new();
    let path = leave_a_part(&scene, "");
    assert_eq!(scene.names(), [".a.part", ".a.part.note"]);
    let run = scene.download(&["--resume"], &[&path]);
    run.assert_code(0);
    assert_eq!(scene.names(), ["a"]);
    scene.assert_saved("a", "/a", 100_000);
    let request = common::last_request(&scene.server, "/a");
    assert!(request.contains("range:bytes=60000-"), "{request}");
    assert!(request.contains("if-range:\"edition-0\""), "{request}");
    assert!(run.stdout.contains("58.6 KiB of it earlier"), "{run}");
}

#[test]
fn a_range_that_the_user_asks_for_gives_way_to_that_of_the_rest() {
    let scene = Scene::new();
    let path = leave_a_part(&scene, "");
    scene.download(&["--resume", "-H", "Range: bytes=0-5", "-H", "if-range: x"], &[&path]).assert_code(0);
    scene.assert_saved("a", "/a", 100_000);
    let request = common::last_request(&scene.server, "/a");
    assert!(request.contains("\r\nrange:bytes=60000-\r\n") && !request.contains("bytes=0-5"), "{request}");
    assert!(request.contains("if-range:\"edition-0\"") && !request.contains("if-range:x"), "{request}");
}

#[test]
fn a_part_is_continued_by_its_date() {
    let scene = Scene::new();
    let path = leave_a_part(&scene, "&etag=off&modified=Sun,+06+Nov+1994+08:49:37+GMT");
    scene.download(&["--resume"], &[&path]).assert_code(0);
    scene.assert_saved("a", "/a", 100_000);
    let request = common::last_request(&scene.server, "/a");
    assert!(request.contains("if-range:sun, 06 nov 1994 08:49:37 gmt"), "{request}");
}

#[test]
fn a_retry_continues_too() {
    let scene = Scene::new();
    let path = "/a?size=100000&cut=60000&once";
    scene.download(&["--retries", "1", "--retry-pause", "0.1"], &[path]).assert_code(0);
    scene.assert_saved("a", "/a", 100_000);
    let request = common::last_request(&scene.server, "/a");
    assert!(request.contains("range:bytes=60000-"), "{request}");
}

#[test]
fn without_resume_a_part_is_started_anew() {
    let scene = Scene::new();
    let path = leave_a_part(&scene, "");
    scene.download(&[], &[&path]).assert_code(0);
    scene.assert_saved("a", "/a", 100_000);
    let request = common::last_request(&scene.server, "/a");
    assert!(!request.contains("range:"), "{request}");
}

#[test]
fn without_a_validator_nothing_is_kept() {
    let scene = Scene::new();
    leave_a_part(&scene, "&etag=off");
    assert!(scene.names().is_empty(), "{:?}", scene.names());
}

#[test]
fn an_edition_that_changed_is_started_anew() {
    let scene = Scene::new();
    let path = leave_a_part(&scene, "");
    scene.server.publish_new_edition();
    scene.download(&["--resume"], &[&path]).assert_code(0);
    assert!(scene.read("a") == Content::edition("/a", 100_000, 1).bytes());
    assert_eq!(scene.names(), ["a"]);
}

/// Whether or not it says in its answer of which edition that is.
#[test]
fn a_server_that_does_not_look_at_the_edition_asked_for_does_not_get_two_joined() {
    for ranges in ["blind", "mute"] {
        let scene = Scene::new();
        let path = leave_a_part(&scene, &format!("&ranges={ranges}"));
        scene.server.publish_new_edition();
        scene.download(&["--resume"], &[&path]).assert_code(0);
        assert!(scene.read("a") == Content::edition("/a", 100_000, 1).bytes(), "{ranges}");
        assert_eq!(scene.names(), ["a"]);
    }
}

#[test]
fn a_range_that_may_not_go_to_the_end_is_not_trusted() {
    let scene = Scene::new();
    let path = leave_a_part(&scene, "&ranges=unknown");
    let run = scene.download(&["--resume"], &[&path]);
    run.assert_code(0);
    scene.assert_saved("a", "/a", 100_000);
    assert!(!run.stdout.contains("earlier"), "{run}");
}

#[test]
fn a_server_without_ranges_sends_it_all() {
    let scene = Scene::new();
    let path = leave_a_part(&scene, "&ranges=off");
    scene.download(&["--resume"], &[&path]).assert_code(0);
    scene.assert_saved("a", "/a", 100_000);
}

#[test]
fn another_range_than_asked_for_is_refused() {
    let scene = Scene::new();
    let path = leave_a_part(&scene, "&ranges=wrong");
    let run = scene.download(&["--resume"], &[&path]);
    run.assert_code(1);
    run.assert_failed("/a", "another range than asked for");
    assert!(scene.visible().is_empty());
}

#[test]
fn a_part_that_is_whole_already_is_published() {
    let scene = Scene::new();
    // Everything came, and then the connection broke instead of ending.
    let path = "/a?size=100000&length=none&chunked&cut=100000&once";
    scene.download(&["--retries", "0"], &[path]).assert_code(1);
    assert_eq!(scene.names(), [".a.part", ".a.part.note"]);
    scene.download(&["--resume"], &[path]).assert_code(0);
    scene.assert_saved("a", "/a", 100_000);
}

#[test]
fn a_part_longer_than_the_file_is_started_anew() {
    let scene = Scene::new();
    let path = leave_a_part(&scene, "");
    let mut part = scene.read(".a.part");
    part.resize(200_000, 0);
    scene.write(".a.part", &part);
    scene.download(&["--resume"], &[&path]).assert_code(0);
    scene.assert_saved("a", "/a", 100_000);
}

#[test]
fn a_damaged_part_is_found_by_its_checksum_and_taken_away() {
    let scene = Scene::new();
    let path = leave_a_part(&scene, "");
    let mut part = scene.read(".a.part");
    part[7] ^= 1;
    scene.write(".a.part", &part);
    let sum = format!("sha256:{}", Content::new("/a", 100_000).sha256());
    let run = scene.download(&["--resume", "--checksum", &sum], &[&path]);
    run.assert_code(1);
    run.assert_failed("/a", "the checksum is sha256:");
    assert!(scene.names().is_empty(), "{:?}", scene.names());
    scene.download(&["--resume", "--checksum", &sum], &[&path]).assert_code(0);
    scene.assert_saved("a", "/a", 100_000);
}

#[test]
fn a_note_that_is_nonsense_is_ignored() {
    let scene = Scene::new();
    let path = leave_a_part(&scene, "");
    scene.write(".a.part.note", b"\xff\xfe nonsense");
    scene.download(&["--resume"], &[&path]).assert_code(0);
    scene.assert_saved("a", "/a", 100_000);
}

#[test]
fn a_note_that_is_older_than_the_part_is_ignored() {
    let scene = Scene::new();
    let path = leave_a_part(&scene, "");
    let part = scene.output().join(".a.part");
    fs::remove_file(&part).expect("the part");
    // Longer than a tick of the clock that files get their times from.
    thread::sleep(Duration::from_millis(50));
    scene.write(".a.part", b"of another edition");
    if fs::metadata(&part).expect("the part").created().is_err() {
        eprintln!("skipped: this file system does not tell when a file was made");
        return;
    }
    scene.download(&["--resume"], &[&path]).assert_code(0);
    assert_eq!(scene.names(), ["a"]);
    scene.assert_saved("a", "/a", 100_000);
}

#[test]
fn a_part_of_another_url_is_left_to_that_one() {
    let scene = Scene::new();
    let path = leave_a_part(&scene, "");
    scene.download(&["--resume"], &["/other/a?size=50"]).assert_code(0);
    assert_eq!(scene.names(), [".a.part", ".a.part.note", "a.1"]);
    scene.assert_saved("a.1", "/other/a", 50);
    scene.download(&["--resume"], &[&path]).assert_code(0);
    scene.assert_saved("a", "/a", 100_000);
}

#[test]
fn a_part_of_another_url_is_left_to_that_one_in_the_same_run_too() {
    let scene = Scene::new();
    let path = leave_a_part(&scene, "");
    let run = scene.download(&["--resume"], &["/other/a?size=50", &path, "/third/a?size=70"]);
    run.assert_code(0);
    assert_eq!(scene.names(), ["a", "a.1", "a.2"]);
    scene.assert_saved("a", "/a", 100_000);
    scene.assert_saved("a.1", "/other/a", 50);
    scene.assert_saved("a.2", "/third/a", 70);
    assert!(run.stdout.contains("58.6 KiB of it earlier"), "{run}");
}

#[test]
fn a_part_of_another_url_is_left_to_that_one_too_where_files_are_replaced() {
    let scene = Scene::new();
    let path = leave_a_part(&scene, "");
    scene.write("a", b"mine");
    scene.download(&["--resume", "--on-collision", "overwrite"], &["/other/a?size=50"]).assert_code(0);
    assert_eq!(scene.names(), [".a.part", ".a.part.note", "a", "a.1"]);
    scene.assert_saved("a.1", "/other/a", 50);
    scene.download(&["--resume", "--on-collision", "overwrite"], &[&path]).assert_code(0);
    assert_eq!(scene.names(), ["a", "a.1"]);
    scene.assert_saved("a", "/a", 100_000);
}

#[test]
fn where_files_are_replaced_a_part_is_continued_under_its_name_and_nothing_else_with_a_number_goes() {
    let scene = Scene::new();
    leave_a_part(&scene, "");
    let other = "/other/a?size=100000&cut=60000&once";
    scene.write("a.1", b"mine");
    let options = ["--resume", "--on-collision", "overwrite", "--retries", "0"];
    scene.download(&options, &[other]).assert_code(1);
    assert_eq!(scene.names(), [".a.2.part", ".a.2.part.note", ".a.part", ".a.part.note", "a.1"]);
    scene.write("a", b"of the other");
    scene.download(&options, &[other]).assert_code(0);
    assert_eq!(scene.names(), [".a.part", ".a.part.note", "a", "a.1", "a.2"]);
    scene.assert_saved("a.2", "/other/a", 100_000);
    assert_eq!((scene.read("a"), scene.read("a.1")), (b"of the other".to_vec(), b"mine".to_vec()));
}

#[test]
fn what_is_there_already_is_kept() {
    let scene = Scene::new();
    let paths = ["/x/a?size=10", "/y/a?size=20", "/b?size=30"];
    scene.download(&[], &paths).assert_code(0);
    let requests = scene.server.requests();
    let run = scene.download(&["--resume"], &paths);
    run.assert_code(0);
    assert_eq!(scene.names(), ["a", "a.1", "b"]);
    assert_eq!(scene.server.requests(), requests);
    assert!(run.stdout.contains("0 of 3 files saved, 3 already there"), "{run}");
}

#[test]
fn what_is_there_already_must_have_the_sum_that_is_wanted() {
    let scene = Scene::new();
    let sum = format!("sha256:{}", Content::new("/a", 100).sha256());
    scene.download(&[], &["/a?size=100"]).assert_code(0);
    scene.download(&["--resume", "--checksum", &sum], &["/a?size=100"]).assert_code(0);
    scene.write("a", b"mine");
    for options in [["--resume", "--checksum", &sum].as_slice(), &["--on-collision=skip", "--checksum", &sum]] {
        let run = scene.download(options, &["/a?size=100"]);
        run.assert_code(1);
        run.assert_failed("/a", "the checksum is sha256:");
        assert_eq!(scene.read("a"), b"mine");
    }
}

#[test]
fn what_is_there_and_is_no_file_is_not_kept_as_one() {
    let scene = Scene::new();
    fs::create_dir_all(scene.output().join("a")).expect("a directory");
    let run = scene.download(&["--resume"], &["/a?size=100"]);
    run.assert_code(1);
    run.assert_failed("/a", "exists");
}

#[test]
fn a_part_beside_a_file_of_its_name_is_continued() {
    let scene = Scene::new();
    scene.write("a", b"mine");
    let path = leave_a_part(&scene, "");
    assert_eq!(scene.names(), [".a.1.part", ".a.1.part.note", "a"]);
    scene.download(&["--resume"], &[&path]).assert_code(0);
    assert_eq!(scene.names(), ["a", "a.1"]);
    scene.assert_saved("a.1", "/a", 100_000);
    assert_eq!(scene.read("a"), b"mine");
}

#[test]
fn files_that_one_name_was_given_to_are_continued_in_any_order() {
    let scene = Scene::new();
    let named = "fields=content-disposition:+attachment;filename%3Da";
    let [x, y] = [format!("/x?size=100000&cut=60000&once&{named}"), format!("/y?size=100&{named}")];
    scene.download(&["-j1", "--retries=0", "--name-from=header"], &[&y, &x]).assert_code(1);
    assert_eq!(scene.names(), [".a.1.part", ".a.1.part.note", "a"]);
    scene.download(&["-j1", "--resume", "--name-from=header"], &[&x, &y]).assert_code(0);
    assert_eq!(scene.names(), ["a", "a.1"]);
    scene.assert_saved("a", "/y", 100);
    scene.assert_saved("a.1", "/x", 100_000);
}

#[test]
fn no_password_stays_on_the_disk() {
    let scene = Scene::new();
    let url = scene.server.url("/a?size=100000&cut=60000&once").replace("://", "://me:secret@");
    let run = |options: &[&str]| {
        let mut command = scene.command();
        common::finish(command.args(options).arg(&url).output().expect("the program runs"))
    };
    run(&["--retries", "0"]).assert_code(1);
    assert_eq!(scene.names(), [".a.part", ".a.part.note"]);
    let note = String::from_utf8(scene.read(".a.part.note")).expect("text");
    assert!(!note.contains("secret"), "{note}");
    run(&["--resume"]).assert_code(0);
    let request = common::last_request(&scene.server, "/a");
    assert!(request.contains("range:bytes=60000-"), "{request}");
    scene.assert_saved("a", "/a", 100_000);
}

#[test]
fn names_from_headers_are_continued_too() {
    let scene = Scene::new();
    let path = "/x?size=100000&cut=60000&once&fields=content-disposition:+attachment;filename%3Da";
    scene.download(&["--retries", "0", "--name-from", "header"], &[path]).assert_code(1);
    assert_eq!(scene.names(), [".a.part", ".a.part.note"]);
    scene.download(&["--resume", "--name-from", "header"], &[path]).assert_code(0);
    scene.assert_saved("a", "/x", 100_000);
    let request = common::last_request(&scene.server, "/x");
    assert!(request.contains("range:bytes=60000-"), "{request}");
}

/// A range would be one of the bytes that were sent, and others were saved.
#[test]
fn a_part_that_came_encoded_is_not_kept() {
    let scene = Scene::new();
    leave_a_part(&scene, "&gzip");
    assert!(scene.names().is_empty(), "{:?}", scene.names());
}

#[test]
fn a_validator_that_cannot_be_sent_back_is_none() {
    let scene = Scene::new();
    leave_a_part(&scene, "&etag=off&fields=etag:+%22%C3%AF%22");
    assert!(scene.names().is_empty(), "{:?}", scene.names());
}
