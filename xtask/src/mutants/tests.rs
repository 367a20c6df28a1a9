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
fn what_more_tests_find_is_no_longer_missed() {
    let tally = |unviable: &str, caught: &str, hang: &str, missed: &str| {
        let [unviable, caught, hang, missed] = [unviable, caught, hang, missed].map(str::to_owned);
        Tally { unviable, caught, hang, missed }
    };
    let first = || tally("u\n", "c\n", "h\n", "1\n2\n3\n4\n");
    assert_eq!(first().count(), 7);
    // 4 was not tried again; u, c and h were, though nobody asked.
    let second = first().with("1\n2\n3\n", &tally("u\n", "1\nc\n", "2\nh\n", "3\n")).unwrap();
    assert_eq!(second, tally("u\n", "c\n1\n", "h\n2\n", "3\n4\n"));
    assert_eq!(second.count(), 7);
    let err = |tried, later: Tally| first().with(tried, &later).unwrap_err();
    assert_eq!(err("1\n2\n", tally("u\n1\n", "", "", "2\n")), "these did build before:\n1\n");
    assert!(err("1\n2\n", tally("", "1\n", "", "")).ends_with("changed meanwhile?\n2\n"));
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
    let told = |missed: &str, list: &str| match verdict(&count(missed), &count(missed), &listed(list).unwrap()) {
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
    assert!(told(one, long).contains("a quick test fails with them"));
    let either = "# Why.\na.rs: x\n? a.rs: x\n";
    assert_eq!((told(one, either), told(two, either)), (String::new(), String::new()));
    assert!(told("", either).contains("a quick test fails with them"));
}

#[test]
fn the_list_of_this_workspace_can_be_read() {
    assert!(listed(include_str!("../../mutants.txt")).is_ok());
}
