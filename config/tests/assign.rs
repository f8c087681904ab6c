//! PDO assignment in a rig file: its rules, and channels that must be among what is assigned.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use serde_json::{Value, json};
use zerocat_config::{Rig, Rule};

/// A rig of one slave that assigns this and reads this entry.
fn rig(assign: &Value, entry: &Value) -> Value {
    json!({
        "network": { "interface": "eth0" },
        "slaves": [{ "key": "axis", "position": 0, "assign": assign }],
        "tasks": [{ "type": "ethercat_read", "name": "in", "sample_rate": 100, "channels": [entry] }],
    })
}

fn problems(rig: &Value) -> Vec<(Rule, String)> {
    let found = Rig::from_json(&rig.to_string()).unwrap().problems();
    found.into_iter().map(|problem| (problem.rule, problem.path)).collect()
}

fn told(rule: Rule, path: &str) -> Vec<(Rule, String)> {
    vec![(rule, path.to_owned())]
}

fn status(data_type: &str) -> Value {
    json!({ "entry": "axis.0x6041:00", "data_type": data_type })
}

fn mapping() -> Value {
    let entries = json!([{ "object": "0x6041:00", "data_type": "uint16" }, { "bit_length": 8 }]);
    json!({ "inputs": [{ "index": "0x1a00", "entries": entries }] })
}

#[test]
fn pdos_by_index_and_pdos_with_entries_are_taken_and_written_again() {
    let assign = json!({ "inputs": ["0x1a00"], "outputs": [{ "index": "0x1600", "entries": [
        { "object": "0x6040:00", "bit_length": 16 }] }] });
    let rig = rig(&assign, &status("uint16"));
    assert_eq!(problems(&rig), []);
    let read = Rig::from_json(&rig.to_string()).unwrap();
    assert_eq!(Rig::from_json(&read.to_json().unwrap()).unwrap().slaves[0].assign, read.slaves[0].assign);
}

#[test]
fn a_pdo_of_the_other_direction_one_twice_and_an_entry_without_length_are_refused() {
    let one = |assign: Value| problems(&rig(&assign, &status("uint16")));
    assert_eq!(one(json!({ "inputs": ["0x1600"] })), told(Rule::OutOfRange, "slaves[0].assign.inputs[0]"));
    assert_eq!(one(json!({ "outputs": ["0x1600", "0x1600"] })), told(Rule::Duplicate, "slaves[0].assign.outputs[1]"));
    let entries = json!([{ "object": "0x6040:00" }]);
    let path = "slaves[0].assign.outputs[0].entries[0].bit_length";
    assert_eq!(one(json!({ "outputs": [{ "index": "0x1600", "entries": entries }] })), told(Rule::KeyMissing, path));
}

#[test]
fn a_channel_whose_entry_is_not_assigned_is_refused() {
    let torque = json!({ "entry": "axis.0x6077:00", "data_type": "int16" });
    let found = Rig::from_json(&rig(&mapping(), &torque).to_string()).unwrap().problems();
    let [problem] = &found[..] else { panic!("{found:?}") };
    assert_eq!(
        (problem.rule, problem.candidates.as_slice()),
        (Rule::UnknownReference, &["axis.0x6041:00".to_owned()][..])
    );
    assert!(problem.what.contains("0x6077:00 isn't mapped by what `axis` is to assign"), "{problem:?}");
    let elsewhere = json!({ "entry": "axis.0x6041:00", "data_type": "uint16", "pdo_index": "0x1a01" });
    let found = problems(&rig(&json!({ "inputs": ["0x1a00"] }), &elsewhere));
    assert_eq!(found, told(Rule::UnknownReference, "tasks[0].channels[0].pdo_index"));
}

#[test]
fn a_channel_of_another_length_than_is_mapped_is_refused() {
    assert_eq!(problems(&rig(&mapping(), &status("uint16"))), []);
    assert_eq!(problems(&rig(&mapping(), &status("uint32")))[0].0, Rule::TypeMismatch);
}

#[test]
fn what_the_file_does_not_say_is_left_to_the_bus() {
    let unknown = json!({ "inputs": ["0x1a00"] });
    assert_eq!(problems(&rig(&unknown, &json!({ "entry": "axis.0x6077:00", "data_type": "int16" }))), []);
    assert_eq!(problems(&rig(&json!({ "outputs": [] }), &status("uint32"))), []);
}

#[test]
fn startup_commands_do_not_assign_pdos_beside_it() {
    let mut rig = rig(&mapping(), &status("uint16"));
    rig["slaves"][0]["startup"] =
        json!([{ "transition": "PS", "object": "0x1c13:00", "data_type": "uint8", "value": 0 }]);
    assert_eq!(problems(&rig), told(Rule::Conflict, "slaves[0].startup[0].object"));
}
