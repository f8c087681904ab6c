//! The conformance table names tests that exist.

#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Files under a folder with this ending.
fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
}

/// Functions that a test runner would call: the first behind a `#[test]`, or those named `test_…` in Python.
fn tests_in(text: &str) -> BTreeSet<String> {
    let mut marked = false;
    let mut found = BTreeSet::new();
    for line in text.lines().map(str::trim_start) {
        marked |= line == "#[test]";
        let name = match (line.strip_prefix("fn "), line.strip_prefix("def ")) {
            (Some(name), _) if std::mem::take(&mut marked) => name,
            (_, Some(name)) if name.starts_with("test_") => name,
            _ => continue,
        };
        found.extend(name.split('(').next().map(str::to_owned));
    }
    found
}

/// Names in backticks in the last column of the table.
fn named(table: &str) -> Vec<String> {
    let rows = table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Behaviour"));
    rows.flat_map(|row| {
        let shown_by = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let names: Vec<String> = shown_by.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        assert!(!names.is_empty(), "no test in row {row}");
        names
    })
    .collect()
}

#[test]
fn every_test_in_the_conformance_table_exists() {
    let mut sources = Vec::new();
    for folder in ["esi/src", "esi/tests", "sim/src", "sim/tests", "tests/tests"] {
        files(&root().join(folder), "rs", &mut sources);
    }
    files(&root().join("tests/foreign"), "py", &mut sources);
    let known: BTreeSet<String> =
        sources.iter().flat_map(|path| tests_in(&fs::read_to_string(path).unwrap())).collect();
    let named = named(&fs::read_to_string(root().join("docs/conformance.md")).unwrap());
    assert!(named.len() > 100, "{} names", named.len());
    let missing: Vec<&String> = named.iter().filter(|name| !known.contains(*name)).collect();
    assert!(missing.is_empty(), "in docs/conformance.md, but no test: {missing:?}");
}

#[test]
fn a_function_that_is_no_test_does_not_count() {
    let text = "#[test]\nfn one() {}\nfn helper() {}\ndef test_two(bus):\ndef held():\n";
    assert_eq!(tests_in(text).into_iter().collect::<Vec<_>>(), ["one", "test_two"]);
}
