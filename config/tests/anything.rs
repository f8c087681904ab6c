//! Whatever the file holds, loading and checking it end in a rig, in problems or in an error; never in a panic.

mod support;

use proptest::prelude::*;
use serde_json::{Value, json};
use support::sound;
use zerocat_config::Rig;

/// Every JSON pointer into a value.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| pointers(inner, &format!("{at}/{key}"), all)),
        Value::Array(list) => list.iter().enumerate().for_each(|(i, inner)| pointers(inner, &format!("{at}/{i}"), all)),
        _ => {}
    }
}

/// The sound rig with an engine section and a waveform, so that mutations reach those too.
fn full() -> Value {
    let mut rig = sound();
    support::set(&mut rig, "/engine", json!(zerocat_config::EngineSection::default()));
    let steps = json!({ "shape": "steps", "values": [6, 7], "dwell": "10ms" });
    support::set(&mut rig, "/tasks/1/config/channels/0/waveform", steps);
    support::set(&mut rig, "/tasks/1/source", json!("waveform"));
    rig
}

fn leaf() -> impl Strategy<Value = Value> {
    let numbers = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![0.0, -0.0, 1e-308, 1e308, 0.1, 1e9]).prop_map(Value::from),
    ];
    let words = prop::sample::select(vec![
        "",
        "-",
        "0x",
        "0xffffffffffffffffff",
        "eth0",
        "net",
        "dev",
        "status",
        "steps",
        "automatic",
        "manual",
        "waveform",
        "99999999999999999999s",
        "1ns",
        "ethercat_write",
        "float64",
        "off",
    ]);
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        numbers,
        words.prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{}, 1, "x"])),
    ]
}

fn judge(text: &str) {
    for outcome in [Rig::from_json(text), Rig::from_yaml(text)] {
        match outcome {
            Ok(rig) => {
                let _ = (rig.period(), rig.warnings(), rig.problems().len());
                for task in &rig.tasks {
                    let _ = rig.channels_of(task);
                }
                if let Err(error) = rig.validate() {
                    assert!(!error.to_string().is_empty());
                }
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_rigs_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), leaf()), 1..5)) {
        let mut rig = full();
        for (place, value) in changes {
            let mut all = Vec::new();
            pointers(&rig, "", &mut all);
            if let Some(target) = rig.pointer_mut(&all[place.index(all.len())]) {
                *target = value;
            }
        }
        judge(&rig.to_string());
    }

    #[test]
    fn cut_and_spliced_text_never_panics(cut in any::<prop::sample::Index>(), splice in ".{0,8}") {
        let text = full().to_string();
        let at = cut.index(text.len());
        judge(&text[..at]);
        judge(&format!("{}{splice}{}", &text[..at], &text[at..]));
    }
}
