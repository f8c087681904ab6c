//! docs/sim.md says what is there, and its examples work.

use crate::program::zerocat;
use serde_json::Value;
use std::collections::BTreeSet;
use zerocat_sim::SegmentConfig;

const MANUAL: &str = include_str!("../../../docs/sim.md");

#[test]
fn every_command_has_a_row() {
    let rows: Vec<&str> = MANUAL.lines().filter_map(|line| line.strip_prefix("| `")).collect();
    for (usage, _) in zerocat_sim::COMMANDS {
        let name = usage.split_whitespace().next().unwrap();
        let explained = rows.iter().any(|row| row.split(['`', ' ']).next() == Some(name));
        assert!(explained, "`{usage}` has no row in docs/sim.md");
    }
}

/// Names of keys, and of values that are words, in a JSON schema.
fn words(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(parts) => {
            if let Some(properties) = parts.get("properties").and_then(Value::as_object) {
                found.extend(properties.keys().cloned());
            }
            let one = parts.get("const").into_iter();
            let all = one.chain(parts.get("enum").and_then(Value::as_array).into_iter().flatten());
            found.extend(all.filter_map(Value::as_str).map(str::to_owned));
            parts.values().for_each(|part| words(part, found));
        }
        Value::Array(parts) => parts.iter().for_each(|part| words(part, found)),
        _ => {}
    }
}

#[test]
fn every_key_and_word_of_the_segment_file_is_explained() {
    let schema = zerocat(&["schema", "segment"]).with_code(0).json();
    let mut found = BTreeSet::new();
    words(&schema, &mut found);
    assert!(found.contains("boot_length") && found.contains("oversampling_in"), "{found:?}");
    let explained = |word: &&String| MANUAL.contains(&format!("`{word}`")) || MANUAL.contains(&format!("`\"{word}\"`"));
    // Where the text names AL states it needs no code marks.
    let states = ["INIT", "PRE-OP", "SAFE-OP", "OP"];
    let missing: Vec<_> =
        found.iter().filter(|word| !states.contains(&word.as_str())).filter(|word| !explained(word)).collect();
    assert!(missing.is_empty(), "docs/sim.md doesn't explain {missing:?}");
}

#[test]
fn every_example_of_a_segment_file_is_one() {
    let blocks = MANUAL.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    // Those that name a vendor's file need that file.
    let examples: Vec<&str> = blocks.filter(|block| !block.contains(".xml")).collect();
    assert!(examples.len() >= 5, "{}", examples.len());
    for example in examples {
        let config = SegmentConfig::from_json(example).unwrap_or_else(|error| panic!("{error}\n{example}"));
        zerocat_sim::Segment::new(&config).unwrap();
    }
}
