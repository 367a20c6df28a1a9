//! Each rule passes on a sound tree and names what is wrong with an unsound one.

use super::*;

/// A tree that breaks no rule.
fn sound() -> Tree {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let mut put = |path: &str, text: &str| files.insert(path.to_owned(), text.to_owned());
    put(
        "Cargo.toml",
        "[workspace.package]\nversion = \"1.2.3\"\nrust-version = \"1.85\"\ndeferred-core = { version = \"1.2.3\", path = \"deferred-core\" }\n",
    );
    put("README.md", "You need Rust 1.85 or newer, and rust.\n");
    put("LICENSE-APACHE", "apache");
    put("LICENSE-MIT", "mit");
    for library in LIBRARIES {
        put(&format!("{library}/Cargo.toml"), "version.workspace = true\nrust-version.workspace = true\n");
        put(&format!("{library}/LICENSE-APACHE"), "apache");
        put(&format!("{library}/LICENSE-MIT"), "mit");
        put(&format!("{library}/README.md"), &format!("{library} = \"1.2\"\n"));
        put(&format!("{library}/CHANGELOG.md"), "# Changelog\n\n## Unreleased\n\n## 1.2.3\n");
        put(&format!("{library}/src/lib.rs"), "//! Docs.\n#![no_std]\n#![forbid(unsafe_code)]\n");
    }
    put(
        "deferred-core/docs/twisted.md",
        "| rule | `a` | tests |\n|---|---|---|\n| 1 | `b` | `tests/a.rs::one`, `src/b.rs::tests::two` |\n",
    );
    put("deferred-core/tests/a.rs", "#[test]\n#[should_panic]\nfn one() {}\n");
    put("deferred-core/tests/suite/main.rs", "mod c;\n#[cfg(not(memcheck))]\nmod threads;\n");
    put("deferred-core/tests/suite/threads.rs", "#[test]\nfn four() {}\n");
    put("deferred-core/tests/suite/c.rs", "#[test]\nfn three() {}\n");
    put("deferred-core/src/b.rs", "mod tests {\n    #[test]\n    // Why.\n    fn two() {}\n    fn helper() {}\n}\n");
    let mut direct: BTreeMap<_, _> = LIBRARIES.map(|library| (library, ["deferred-core".to_owned()].into())).into();
    direct.insert("deferred-core", CORE_STANDS_ON.iter().map(|&name| name.to_owned()).collect());
    Tree { files, direct, below: [("-e no-dev", ["futures-core".to_owned()].into())].into() }
}

/// Applies every rule to a sound tree in which one file was replaced.
fn problems_with(path: &str, text: &str) -> Vec<String> {
    let mut tree = sound();
    tree.files.insert(path.to_owned(), text.to_owned());
    problems(&tree)
}

/// This text at this path breaks one rule, and what is said begins with the path.
fn assert_broken(path: &str, text: &str) {
    let found = problems_with(path, text);
    assert!(found.len() == 1 && found[0].starts_with(&format!("{path}: ")), "{found:?}");
}

#[test]
fn a_sound_tree_has_no_problems() {
    assert_eq!(problems(&sound()), Vec::<String>::new());
}

#[test]
fn a_second_dependency_of_a_sibling_is_found() {
    let mut tree = sound();
    tree.direct.insert("deferred-sync", ["deferred-core".into(), "parking_lot".into()].into());
    assert!(problems(&tree)[0].starts_with("deferred-sync: depends on"));
}

#[test]
fn surf_outside_the_examples_is_found() {
    let mut tree = sound();
    tree.below.insert("-e no-dev", ["surf".into()].into());
    assert!(problems(&tree)[0].starts_with("surf: "));
}

#[test]
fn a_licence_that_is_missing_or_differs_is_found() {
    assert_broken("deferred-list/LICENSE-MIT", "other");
    assert_broken("deferred-list/LICENSE-APACHE", "");
    assert_eq!(problems_with("LICENSE-MIT", "").len(), LIBRARIES.len());
}

#[test]
fn a_missing_readme_is_found() {
    assert_broken("deferred-sync/README.md", "");
}

#[test]
fn a_changelog_without_unreleased_on_top_is_found() {
    assert_broken("deferred-core/CHANGELOG.md", "# Changelog\n\n## 1.2.3\n\n## Unreleased\n");
}

#[test]
fn a_conditional_no_std_is_found() {
    let text = "#![cfg_attr(not(feature = \"std\"), no_std)]\n#![forbid(unsafe_code)]\n";
    assert_broken("deferred-queue/src/lib.rs", text);
}

#[test]
fn a_sibling_that_allows_unsafe_code_is_found_and_core_is_not() {
    assert_broken("deferred-queue/src/lib.rs", "#![no_std]\n");
    assert_eq!(problems_with("deferred-core/src/lib.rs", "#![no_std]\n"), Vec::<String>::new());
}

#[test]
fn a_version_that_lags_behind_is_found() {
    let root = "version = \"1.3.0\"\nrust-version = \"1.85\"\ndeferred-core = { version = \"1.2.3\" }\n";
    let found = problems_with("Cargo.toml", root);
    assert_eq!(found.len(), 1 + LIBRARIES.len(), "{found:?}");
    assert_broken("deferred-core/Cargo.toml", "version = \"1.2.3\"\nrust-version.workspace = true\n");
}

#[test]
fn another_rust_than_that_of_the_workspace_is_found() {
    assert_broken("README.md", "You need Rust 1.86 or newer.\n");
    assert_broken("README.md", "You need Rust.\n");
    assert_broken("deferred-list/README.md", "deferred-list = \"1.2\"\nRust 1.84 or newer\n");
    assert_broken("deferred-list/Cargo.toml", "version.workspace = true\nrust-version = \"1.80\"\n");
}

#[test]
fn a_file_of_501_lines_is_found() {
    assert_eq!(problems_with("xtask/src/a.rs", &"\n".repeat(500)), Vec::<String>::new());
    assert_broken("xtask/src/a.rs", &"\n".repeat(501));
}

#[test]
fn unfinished_code_is_found() {
    for text in [concat!("to", "do!()"), concat!("unimple", "mented!()"), concat!("#[", "ignore = \"x\"]")] {
        assert_broken("xtask/src/a.rs", text);
    }
}

#[test]
fn a_named_test_that_is_not_there_is_found() {
    for name in ["tests/a.rs::gone", "tests/gone.rs::one", "src/b.rs::tests::helper"] {
        let table = format!("| 1 | `{name}` |\n");
        assert_eq!(
            problems_with("deferred-core/docs/twisted.md", &table),
            [format!("deferred-core/docs/twisted.md: there is no test `{name}`")]
        );
    }
}

#[test]
fn a_file_of_a_suite_is_one_of_its_modules() {
    assert_broken("deferred-core/tests/suite/d.rs", "#[test]\nfn never_run() {}\n");
}

#[test]
fn the_threads_of_a_suite_are_for_thread_sanitizer() {
    assert_broken("deferred-core/tests/suite/main.rs", "mod c;\n#[cfg(not(tsan))]\nmod threads;\n");
}
