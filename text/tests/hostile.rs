//! Whatever a text holds, it becomes a value or an error; never a panic, and never more memory than its length explains.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use proptest::prelude::*;
use std::collections::HashMap;
use zerocat_text::{Document, Format, Hints, TextError};

const BOTH: [Format; 2] = [Format::Json, Format::Yaml];

/// Reads a text as nested lists and objects of texts, which goes through all of its values.
fn judge(bytes: &[u8]) {
    for format in BOTH {
        match Document::parse(bytes, format) {
            Ok(document) => {
                let read: Result<HashMap<String, Vec<f64>>, TextError> = document.read(&Hints::default());
                assert!(read.is_ok() || !read.unwrap_err().what.is_empty());
            }
            Err(error) => assert!(!error.what.is_empty()),
        }
    }
}

fn said(text: &str, format: Format) -> String {
    Document::parse(text.as_bytes(), format).unwrap_err().to_string()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        judge(&bytes);
    }

    #[test]
    fn any_marks_are_judged(text in "[-\\[\\]{}:,\"'/*&!|>%@#\\\\ \\n\\ta0.e]{0,40}") {
        judge(text.as_bytes());
    }
}

#[test]
fn deep_nesting_is_refused_in_both_formats() {
    let deep = "[".repeat(100_000);
    assert!(said(&deep, Format::Json).contains("nested deeper than 64"));
    assert!(said(&deep, Format::Yaml).contains("nested too deep"));
    let block: String = (0..1000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert!(said(&block, Format::Yaml).contains("nested too deep"));
}

#[test]
fn aliases_can_neither_multiply_nor_deepen_without_bound() {
    let level = |n: usize| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n.saturating_sub(1)); 10].join(", "));
    let bomb: String = std::iter::once("a0: &a0 [x]\n".to_owned()).chain((1..40).map(level)).collect();
    assert!(said(&bomb, Format::Yaml).contains("stand for is too much"));
    let long = format!("- &a {}\n{}", "x".repeat(100_000), "- *a\n".repeat(10_000));
    assert!(said(&long, Format::Yaml).contains("stand for is too much"));
    let chain: String = std::iter::once("- &a0 [x]\n".to_owned())
        .chain((1..1000).map(|n| format!("- &a{n} [*a{}]\n", n - 1)))
        .collect();
    assert!(said(&chain, Format::Yaml).contains("nested deeper than 64"));
}

#[test]
fn merge_keys_add_what_an_object_does_not_have_itself() {
    let text = "usual: &usual { a: 1, b: 2 }\nown:\n  <<: *usual\n  b: 3\nall:\n  <<: [*usual, { c: 4 }]\n";
    let document = Document::parse(text.as_bytes(), Format::Yaml).unwrap();
    let read: HashMap<String, HashMap<String, u8>> = document.read(&Hints::default()).unwrap();
    assert_eq!((read["own"]["a"], read["own"]["b"], read["own"].len()), (1, 3, 2));
    assert_eq!((read["all"]["b"], read["all"]["c"], read["all"].len()), (2, 4, 3));
}

#[test]
fn whole_numbers_keep_their_64_bits_in_both_formats() {
    for format in BOTH {
        let document = Document::parse(b"[18446744073709551615, 9007199254740993]", format).unwrap();
        assert_eq!(document.read::<Vec<u64>>(&Hints::default()).unwrap(), [u64::MAX, 9_007_199_254_740_993]);
    }
}
