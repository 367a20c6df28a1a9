//! Disks that are full, directories and files that must not be written: each has its own words.
#![cfg(unix)]

mod common;

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use common::{Scene, program, run};

/// A user without rights.
const NOBODY: u32 = 65534;

/// Sets the mode of a file or directory.
fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

/// The program as somebody whom modes bind: root drops its rights, anybody else has none to drop.
///
/// It is put where everybody may run it.
fn as_nobody(scene: &Scene) -> Command {
    let here = scene.outside().join("elsewhere");
    // Not by this process: another test's child would have the copy open for a moment, and so nobody could run it.
    let copied = Command::new("cp").arg(program()).arg(&here).status().expect("cp runs");
    assert!(copied.success(), "a copy of the program");
    set_mode(&here, 0o755);
    set_mode(scene.outside(), 0o755);
    let mut command = Command::new(here);
    command.arg("-o").arg(scene.output()).args(["--retries", "0"]);
    if rustix::process::getuid().is_root() {
        chown(scene.output(), Some(NOBODY), Some(NOBODY)).expect("another owner");
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

#[test]
fn a_directory_that_must_not_be_written_is_named() {
    let scene = Scene::new();
    fs::create_dir(scene.output()).expect("a directory");
    let mut command = as_nobody(&scene);
    command.arg(scene.server.url("/a?size=5"));
    set_mode(&scene.output(), 0o555);
    let refused = run(&mut command);
    refused.assert_code(1);
    refused.assert_failed("/a?size=5", &format!("cannot create {}", scene.output().join(".a.part").display()));
    refused.assert_failed("/a?size=5", "Permission denied");
    set_mode(&scene.output(), 0o755);
    assert!(scene.names().is_empty());
    run(&mut command).assert_code(0);
    scene.assert_saved("a", "/a", 5);
}

#[test]
fn a_directory_that_must_not_be_looked_into_is_named() {
    let scene = Scene::new();
    fs::create_dir(scene.output()).expect("a directory");
    let mut command = as_nobody(&scene);
    command.arg(scene.server.url("/a?size=5"));
    set_mode(&scene.output(), 0o000);
    let refused = run(&mut command);
    set_mode(&scene.output(), 0o755);
    refused.assert_code(1);
    refused.assert_failed("/a?size=5", &format!("cannot look at {}", scene.output().join("a").display()));
}

#[test]
fn a_file_that_must_not_be_written_is_not_replaced() {
    let scene = Scene::new();
    scene.write("a", b"mine");
    let file = scene.output().join("a");
    set_mode(&file, 0o444);
    let options = ["--on-collision", "overwrite"];
    let run = scene.download(&options, &["/a?size=5", "/b?size=5"]);
    run.assert_code(1);
    run.assert_failed("/a?size=5", &format!("cannot replace {}: it is read-only", file.display()));
    assert_eq!(scene.read("a"), b"mine");
    assert_eq!(scene.names(), ["a", "b"]);
    assert_eq!(scene.server.requests_for("/a"), 0);
    set_mode(&file, 0o644);
    scene.download(&options, &["/a?size=5"]).assert_code(0);
    scene.assert_saved("a", "/a", 5);
}

#[test]
fn a_part_that_must_not_be_written_is_started_anew() {
    let scene = Scene::new();
    scene.write(".a.part", b"old");
    scene.write(".a.part.note", b"nonsense");
    let mut command = as_nobody(&scene);
    command.arg("--resume").arg(scene.server.url("/a?size=5"));
    set_mode(&scene.output().join(".a.part"), 0o444);
    run(&mut command).assert_code(0);
    assert_eq!(scene.names(), ["a"]);
    scene.assert_saved("a", "/a", 5);
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_larger_than_allowed_is_named() {
    // `ulimit -f` needs no rights: the system refuses to let a file grow.
    let scene = Scene::new();
    let script = format!(
        "trap '' XFSZ; ulimit -f 100; exec {} --retries 0 -o {} '{}' '{}'",
        program().display(),
        scene.output().display(),
        scene.server.url("/large?size=1000000&etag=off"),
        scene.server.url("/small?size=1000"),
    );
    let run = run(Command::new("sh").args(["-c", &script]));
    run.assert_code(1);
    run.assert_failed("/large", "cannot write");
    run.assert_failed("/large", "File too large");
    assert_eq!(scene.names(), ["small"]);
}

/// A small disk of its own, where the system lets a user have one.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named() {
    let scene = Scene::new();
    fs::create_dir(scene.output()).expect("a directory");
    let output = scene.output().display().to_string();
    let mounted = |rest: &str| {
        let script = format!("mount -t tmpfs -o size=400k none {output} && {rest}");
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]);
        command
    };
    if !mounted("true").output().is_ok_and(|output| output.status.success()) {
        // `a_file_larger_than_allowed_is_named` is the same way through the program.
        println!("this system lets nobody mount a disk");
        return;
    }
    let program = program().display().to_string();
    let urls = [scene.server.url("/large?size=1000000"), scene.server.url("/small?size=1000")];
    let run = run(&mut mounted(&format!(
        "{program} -j 1 --retries 0 -o {output} '{}' '{}'; code=$?; ls -A {output}; exit $code",
        urls[0], urls[1]
    )));
    run.assert_code(1);
    run.assert_failed("/large", "cannot write");
    run.assert_failed("/large", "No space left on device");
    // There is no room for the note either, without which the part cannot be continued: it makes room.
    let listed: Vec<&str> =
        run.stdout.lines().skip_while(|line| !line.contains("1 of 2 files saved, 1 failed")).collect();
    assert_eq!(listed.get(1..), Some(&["small"][..]), "{run}");
}
