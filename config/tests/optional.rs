//! Optional SubDevices in a rig file: what must be known of them without the bus, and what may rely on them.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use serde_json::{Value, json};
use zerocat_config::{Rig, Rule};

fn rig(read: &Value, safe: &Value) -> Value {
    json!({
        "network": { "interface": "eth0" },
        "slaves": [{ "key": "gripper", "position": 1, "optional": true }, { "key": "axis", "position": 0 }],
        "tasks": [
            { "type": "ethercat_read", "name": "in", "sample_rate": 100, "channels": [read] },
            { "type": "ethercat_write", "name": "out", "channels": [
                { "entry": "axis.0x607a:00", "data_type": "int32", "safe": safe }] },
        ],
    })
}

fn problems(rig: &Value) -> Vec<(Rule, String)> {
    let found = Rig::from_json(&rig.to_string()).unwrap().problems();
    found.into_iter().map(|problem| (problem.rule, problem.path)).collect()
}

#[test]
fn its_channels_say_their_types() {
    assert_eq!(problems(&rig(&json!({ "entry": "gripper.0x6064:00", "data_type": "int32" }), &json!(0))), []);
    let found = problems(&rig(&json!("gripper.0x6064:00"), &json!(0)));
    assert_eq!(found, [(Rule::KeyMissing, "tasks[0].channels[0].data_type".to_owned())]);
}

#[test]
fn no_output_of_another_follows_its_inputs() {
    let read = json!({ "entry": "gripper.0x6064:00", "data_type": "int32" });
    let found = problems(&rig(&read, &json!({ "from": "gripper.0x6064:00" })));
    assert_eq!(found, [(Rule::Conflict, "tasks[1].channels[0].safe.from".to_owned())]);
}
