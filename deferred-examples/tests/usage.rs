//! The command line: help, versions, and what is refused.

mod common;

use std::process::Command;

use common::{program, run};

#[test]
fn help_shows_examples() {
    let run = run(Command::new(program()).arg("--help"));
    run.assert_code(0);
    assert!(run.stdout.contains("Examples:"), "{run}");
}

#[test]
fn wrong_usage_is_code_2() {
    for options in [&["-j", "0"][..], &["-j", "501"], &["-j", "x"], &["--what"], &["--idle-timeout", "-1"], &["-o"]] {
        let run = run(Command::new(program()).args(options));
        run.assert_code(2);
        assert_eq!(run.stdout, "");
        assert!(run.stderr.contains("error"), "{run}");
    }
}
