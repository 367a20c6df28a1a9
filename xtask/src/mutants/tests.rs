//! What is read from cargo-mutants and from the list, and what comes of it.

use super::*;

const MISSED: &str = "\
core/src/a.rs:7:9: replace a -> bool with true
core/src/a.rs:9:12: replace && with || in b::<C>
core/src/a.rs:9:20: replace && with || in b::<C>
";

#[test]
fn mutants_are_told_apart_by_name_and_not_by_place() {
    let mutants = count(MISSED);
    assert_eq!(mutants["core/src/a.rs: replace a -> bool with true"], 1);
    assert_eq!(mutants["core/src/a.rs: replace && with || in b::<C>"], 2);
}

#[test]
fn what_hung_in_an_earlier_pass_is_not_missed() {
    let hang = "core/src/a.rs:9:12: replace && with || in b::<C>\n";
    let left = count(&without(MISSED, hang));
    assert_eq!((left.len(), left["core/src/a.rs: replace && with || in b::<C>"]), (2, 1));
}

#[test]
fn what_is_listed_needs_no_slow_tests_unless_there_is_more_of_its_name() {
    let listed = |times: usize| {
        let name = "core/src/a.rs: replace && with || in b::<C>\n";
        listed(&format!("# Why.\n{}", name.repeat(times))).unwrap()
    };
    assert_eq!(within(MISSED, &listed(0)), "");
    assert_eq!(within(MISSED, &listed(1)), "");
    assert_eq!(within(MISSED, &listed(2)), MISSED.split_inclusive('\n').skip(1).collect::<String>());
}

#[test]
fn a_line_as_a_pattern_has_nothing_special_in_it() {
    assert_eq!(literally("a_1: |é"), r"a_1\x{3a}\x{20}\x{7c}é");
}

#[test]
fn what_is_listed_has_a_reason() {
    let list = "# What the file is.\n\n# It is the same.\nx\n? x\n\n# So is this.\ny\n";
    let Listed { all, sure } = listed(list).unwrap();
    assert_eq!((all["x"], all["y"], all.len()), (2, 1, 2));
    assert_eq!((sure["x"], sure["y"], sure.len()), (1, 1, 2));
    assert!(listed("# A reason.\nx\n\ny\n").unwrap_err().ends_with("there is no reason above y"));
}

#[test]
fn the_list_is_neither_too_short_nor_too_long() {
    let told = |missed: &str, list: &str| match verdict(&count(missed), &listed(list).unwrap()) {
        Ok(_) => String::new(),
        Err(Stop::Failed(why)) => why,
        Err(other) => panic!("{other:?}"),
    };
    let (short, long) = ("# Why.\na.rs: x\n", "# Why.\na.rs: x\na.rs: x\n");
    let (one, two) = ("a.rs:1:2: x\n", "a.rs:1:2: x\na.rs:3:4: x\n");
    assert_eq!((told(one, short), told(two, long)), (String::new(), String::new()));
    assert!(
        told(two, short).contains("no test fails with these") && told(two, short).contains("a.rs: x (2 instead of 1)")
    );
    assert!(told(one, long).contains("a test fails with them"));
    let either = "# Why.\na.rs: x\n? a.rs: x\n";
    assert_eq!((told(one, either), told(two, either)), (String::new(), String::new()));
    assert!(told("", either).contains("a test fails with them"));
}

#[test]
fn the_list_of_this_workspace_can_be_read() {
    assert!(listed(include_str!("../../mutants.txt")).is_ok());
}
