//! Names are stable, and the page says what the code says.

use std::collections::BTreeSet;
use zerocat_faults::{Fault, page};

/// Names of version 1. One may be added; a line that is there stays.
const VERSION_1: &str = include_str!("names-1.txt");

#[test]
fn the_names_of_version_1_are_those_that_were_published() {
    let published: BTreeSet<&str> = VERSION_1.lines().collect();
    let present: BTreeSet<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
    assert_eq!(present, published);
}

#[test]
fn a_name_is_snake_case_unique_and_found_again() {
    let mut seen = BTreeSet::new();
    for fault in Fault::ALL {
        let name = fault.name();
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        assert!(seen.insert(name), "{name} is there twice");
        assert_eq!(Fault::named(name), Some(fault));
    }
    assert_eq!(Fault::named("nonsense"), None);
}

#[test]
fn every_fault_says_what_it_means_and_what_to_do() {
    for fault in Fault::ALL {
        for text in [fault.meaning(), fault.what_to_do()] {
            assert!(text.len() > 5 && !text.ends_with('.') && !text.contains('|'), "{fault}: {text}");
        }
    }
}

#[test]
fn the_page_lists_what_the_code_knows() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/faults.md");
    if std::env::var_os("ZEROCAT_BLESS").is_some() {
        std::fs::write(path, page()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), page(), "ZEROCAT_BLESS=1 writes the page anew");
}
