//! What the arguments mean, and what the closing table says.

use super::*;

fn names(args: &[&str]) -> Result<(bool, Vec<&'static str>), String> {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    parse(&args).map(|(strict, steps)| (strict, steps.iter().map(|step| step.name).collect()))
}

#[test]
fn arguments_choose_steps() {
    let all: Vec<_> = STEPS.iter().map(|step| step.name).collect();
    assert_eq!(names(&["ci"]), Ok((false, all.clone())));
    assert_eq!(names(&["ci", "--strict"]), Ok((true, all)));
    assert_eq!(names(&["ci", "test", "fmt"]), Ok((false, vec!["test", "fmt"])));
    assert_eq!(names(&["tidy"]), Ok((false, vec!["tidy"])));
}

#[test]
fn what_is_not_known_is_refused() {
    assert_eq!(names(&["ci", "nonsense"]), Err("unknown step nonsense".into()));
    assert_eq!(names(&["ci", "--fast"]), Err("unknown step --fast".into()));
    assert!(names(&[]).is_err());
}

#[test]
fn a_skip_is_shown_and_fails_only_when_strict() {
    let skip = || Err(Stop::Skipped { why: "no pudding".into(), install: "apt-get install pudding" });
    let rows = [("fmt", Ok(""), 0.04), ("deny", skip(), 1.0)];
    let (text, passed) = table(&rows, false);
    assert!(passed);
    assert!(text.contains("deny         skipped: no pudding (install: apt-get install pudding)"));
    assert!(text.ends_with("\n1 passed, 0 failed, 1 skipped\n"));
    let (text, passed) = table(&rows, true);
    assert!(!passed);
    assert!(text.contains("deny         FAILED: no pudding (install: "));
    assert!(text.ends_with("\n1 passed, 1 failed, 0 skipped\n"));
}

#[test]
fn a_failure_fails() {
    let (text, passed) = table(&[("fmt", Err(Stop::Failed("bad".into())), 2.0)], false);
    assert!(text.contains("fmt          FAILED"));
    assert!(text.ends_with("\n\nfmt: bad\n\n0 passed, 1 failed, 0 skipped\n"), "{text}");
    assert!(!passed);
}

#[test]
fn the_libraries_alone_are_left_of_the_workspace() {
    let manifest = "[workspace]\nmembers = [\n    \"deferred-core\",\n    \"xtask\",\n]\n\n[other]\nkey = [1]\n";
    let members = "[\"deferred-core\", \"deferred-list\", \"deferred-queue\", \"deferred-sync\"]";
    assert_eq!(supply::libraries_alone(manifest), format!("[workspace]\nmembers = {members}\n\n[other]\nkey = [1]\n"));
}

#[test]
fn a_quoted_word_keeps_its_spaces() {
    assert_eq!(sh::words("A='b c' d  e"), ["A=b c", "d", "e"]);
}

#[test]
fn of_many_commands_each_runs_and_each_failure_is_told() {
    let lines = ["true", "false", "true", "sh -c 'exit 3'"].map(str::to_owned);
    let Err(Stop::Failed(why)) = sh::run_all(&lines) else { panic!("two of them fail") };
    assert!(why.contains(": false") && why.contains("exit status: 3"), "{why}");
    assert!(sh::run_all(&lines[..1]).is_ok());
}
