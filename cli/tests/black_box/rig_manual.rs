//! docs/rig-file.md says what a rig file may hold, and its examples are right.

use crate::bench_set::Folder;
use crate::program::zerocat;
use serde_json::Value;
use std::collections::BTreeSet;

const MANUAL: &str = include_str!("../../../docs/rig-file.md");

/// Names of keys, and of values that are words, in a JSON schema. Names of faults have a page of their own.
fn words(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(parts) => {
            let one = parts.get("const").into_iter();
            let all = one.chain(parts.get("enum").and_then(Value::as_array).into_iter().flatten());
            found.extend(all.filter_map(Value::as_str).map(str::to_owned));
            for (name, part) in parts {
                match part.as_object().filter(|_| name == "properties") {
                    Some(keys) => {
                        found.extend(keys.keys().cloned());
                        keys.values().for_each(|key| words(key, found));
                    }
                    None => words(part, found),
                }
            }
        }
        Value::Array(parts) => parts.iter().for_each(|part| words(part, found)),
        _ => {}
    }
}

#[test]
fn every_key_and_word_of_the_rig_file_is_explained() {
    let schema = zerocat(&["schema", "rig"]).with_code(0).json();
    let mut found = BTreeSet::new();
    words(&schema, &mut found);
    assert!(found.contains("pdo_nth") && found.contains("ethercat_read") && found.contains("at_least"), "{found:?}");
    // As code, alone, with a level before it, or as a word in quotes.
    let explained = |word: &&String| {
        let forms = [format!("`{word}`"), format!("`\"{word}\"`"), format!(".{word}`"), format!("\"{word}\":")];
        forms.iter().any(|form| MANUAL.contains(form.as_str()))
    };
    let missing: Vec<_> = found.iter().filter(|word| !explained(word)).collect();
    assert!(missing.is_empty(), "docs/rig-file.md doesn't explain {missing:?}");
}

#[test]
fn the_example_of_a_rig_file_is_right() {
    let example = MANUAL.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let folder = Folder::new();
    let file = folder.file("rig.yaml", example);
    zerocat(&["check", &file]).with_code(0);
}
