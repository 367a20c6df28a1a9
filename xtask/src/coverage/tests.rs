//! What counts as run, and how it is told.

use super::*;

const LCOV: &str = "SF:/here/deferred-core/src/run.rs\nFN:1,f\nDA:1,5\nDA:2,0\nDA:3,0\nDA:5,0\nDA:7,1\nDA:8,0\nend_of_record\n\
    SF:/here/deferred-core/tests/run.rs\nDA:1,0\nSF:/elsewhere/src/lib.rs\nDA:1,0\n\
    SF:/here/deferred-list/src/list.rs\nDA:4,1\nDA:4,0\n";

#[test]
fn lines_of_the_libraries_count_and_their_unit_tests_do_not() {
    let text = |path: &str| if path.ends_with("run.rs") { "\n".repeat(7) + "#[cfg(test)]\n" } else { String::new() };
    let files = parse(LCOV, Path::new("/here"), text);
    assert_eq!(files.keys().collect::<Vec<_>>(), ["deferred-core/src/run.rs", "deferred-list/src/list.rs"]);
    let (text, percent) = report(&files);
    assert_eq!(
        text,
        "  40.00 % of    5  deferred-core/src/run.rs  not run: 2-3, 5\n 100.00 % of    1  deferred-list/src/list.rs\n  50.00 % of    6  together\n"
    );
    assert_eq!(percent, 50.0);
}

#[test]
fn nothing_measured_is_nothing_run() {
    assert_eq!(report(&Files::new()).1, 0.0);
}
