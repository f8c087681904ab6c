//! Entries that share index and subindex, bits of an entry, and bytes.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use serde_json::{Value, json};
use support::{names, parsed, refused, set, sound};
use zerocat_config::{Place, Rig, Task};
use zerocat_pdi::DataType;

const INPUTS: &str = "/slaves/0/properties/pdos/inputs";
const READ: &str = "/tasks/0/config/channels";
const WRITE: &str = "/tasks/1/config/channels";

fn sample(name: &str, keys: &Value) -> Value {
    let mut entry = json!({ "name": name, "index": "0x6000", "subindex": 2, "bit_length": 16, "data_type": "int16" });
    entry.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    entry
}

/// A terminal that maps one object three times, with the channels of a read task.
fn scope(entries: [Value; 3], channels: &Value) -> Value {
    let mut rig = sound();
    set(&mut rig, INPUTS, json!(entries));
    set(&mut rig, READ, channels.clone());
    rig
}

fn by_name(name: &str, channel: u32) -> Value {
    json!({ "device": "dev", "type": "automatic", "pdo": name, "channel": channel })
}

fn by_index(keys: &Value) -> Value {
    let mut channel = json!({ "device": "dev", "type": "manual", "index": "0x6000", "subindex": 2, "bit_length": 16,
        "data_type": "int16", "channel": 1 });
    channel.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    channel
}

fn told_apart() -> [Value; 3] {
    let over = sample("over", &json!({ "pdo_index": "0x1a00" }));
    let nth = |name: &str, nth: u16| sample(name, &json!({ "pdo_index": "0x1a01", "nth": nth }));
    [over, nth("first", 1), nth("second", 2)]
}

#[test]
fn entries_with_keys_of_their_own_are_told_apart_and_survive_writing() {
    let rig = scope(told_apart(), &json!([by_name("over", 1), by_name("second", 2)]));
    let rig = parsed(&rig);
    assert_eq!(rig.problems(), []);
    let places: Vec<Place> = rig.channels_of(&rig.tasks[0]).iter().map(|channel| channel.place).collect();
    let place = |pdo_index, nth| Place { pdo_index: Some(pdo_index), pdo_nth: None, nth };
    assert_eq!(places, [place(0x1a00, None), place(0x1a01, Some(2))]);
    survives_writing(&rig);
}

#[test]
fn an_entry_that_stands_several_times_is_refused_with_the_candidates() {
    let plain = ["a", "b", "c"].map(|name| sample(name, &json!({})));
    let rig = scope(plain.clone(), &json!([by_name("b", 1)]));
    let path = "tasks[0].config.channels[0].pdo";
    assert!(names(&rig, path, "0x6000:02 of 16 bits stands 3 times in the `pdos` of `dev`"));
    assert!(names(&rig, path, "write beside its `index` one of: \"nth\": 1 (`a`); \"nth\": 2 (`b`); \"nth\": 3 (`c`)"));
    let rig = scope(told_apart(), &json!([by_index(&json!({}))]));
    let path = "tasks[0].config.channels[0].index";
    assert!(names(
        &rig,
        path,
        "one of: \"pdo_index\": \"0x1a00\" (`over`); \"pdo_index\": \"0x1a01\", \"nth\": 1 (`first`)"
    ));
    let rig = scope(told_apart(), &json!([by_index(&json!({ "pdo_index": 0x1a01, "nth": 2 }))]));
    assert_eq!(parsed(&rig).problems(), []);
    // Nobody refers to them.
    let mut lone = plain;
    set(&mut lone[0], "/index", json!("0x6001"));
    assert_eq!(parsed(&scope(lone, &json!([by_name("a", 1)]))).problems(), []);
}

#[test]
fn a_length_of_its_own_tells_an_entry_apart() {
    let mut entries = ["a", "b", "c"].map(|name| sample(name, &json!({})));
    set(&mut entries[0], "/bit_length", json!(1));
    set(&mut entries[0], "/data_type", json!("bool"));
    assert_eq!(parsed(&scope(entries, &json!([by_name("a", 1)]))).problems(), []);
}

#[test]
fn keys_that_can_mean_nothing_are_refused() {
    let rig = scope(told_apart(), &json!([by_index(&json!({ "pdo_nth": 1 })), by_name("over", 2)]));
    assert!(names(&rig, "tasks[0].config.channels[0].pdo_nth", "it stands alone"));
    let rig = scope(told_apart(), &json!([by_index(&json!({ "pdo_index": 0x1a01, "nth": 0 }))]));
    assert!(names(&rig, "tasks[0].config.channels[0].nth", "it is 0; count from 1"));
    let mut channel = by_name("over", 1);
    set(&mut channel, "/nth", json!(1));
    assert!(names(
        &scope(told_apart(), &json!([channel])),
        "tasks[0].config.channels[0].nth",
        "does not take this key"
    ));
}

/// The schema takes what was written, and the parser reads it as it was.
fn survives_writing(rig: &Rig) {
    let text = rig.to_json().unwrap();
    assert_eq!(Rig::from_json(&text).unwrap(), *rig);
    let schema = jsonschema::validator_for(&Rig::schema()).unwrap();
    let written = serde_json::from_str(&text).unwrap();
    let errors: Vec<String> = schema.iter_errors(&written).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

/// The sound rig with bits of its output `relays` as write channels.
fn relays(bits: &[Value]) -> Value {
    let channel = |(n, bit): (usize, &Value)| json!({ "device": "dev", "type": "automatic", "pdo": "relays", "bit": bit, "channel": 100 + n });
    let mut rig = sound();
    set(&mut rig, WRITE, json!(bits.iter().enumerate().map(channel).collect::<Vec<_>>()));
    rig
}

#[test]
fn a_bit_of_an_entry_is_a_channel_of_type_bool() {
    let rig = parsed(&relays(&[json!(0), json!(15), json!("0x3")]));
    assert_eq!(rig.problems(), []);
    let channels = rig.channels_of(&rig.tasks[1]);
    assert!(channels.iter().all(|channel| channel.value_type() == DataType::Bool && channel.bit_length == 16));
    assert_eq!(channels.iter().map(|channel| channel.label()).next().unwrap(), "dev relays bit 0");
    survives_writing(&rig);
}

#[test]
fn a_bit_is_written_once_and_not_together_with_its_entry() {
    let path = "tasks[1].config.channels[1]";
    let taken = "of `dev` is written by tasks[1].config.channels[0] already";
    for bits in [[json!(3), json!(3)], [Value::Null, json!(3)], [json!(3), Value::Null]] {
        assert!(names(&relays(&bits), path, taken));
    }
    assert!(names(
        &relays(&[json!(16)]),
        "tasks[1].config.channels[0].bit",
        "the entry has 16 bits, and bit 16 is none"
    ));
}

#[test]
fn a_bit_is_safe_as_a_bool_is() {
    let mut rig = relays(&[json!(3)]);
    set(&mut rig, "/tasks/1/config/channels/0/safe", json!(1));
    assert_eq!(parsed(&rig).problems(), []);
    set(&mut rig, "/tasks/1/config/channels/0/safe", json!(2));
    assert!(names(&rig, "tasks[1].config.channels[0].safe", "2 is out of range for bool of 1 bits"));
}

/// The sound rig with an output of 80 bits.
fn text(keys: &[(&str, Value)]) -> Value {
    let mut rig = sound();
    let entry =
        json!({ "name": "text", "index": "0x7000", "subindex": 1, "bit_length": 80, "data_type": "OCTET_STRING(10)" });
    set(&mut rig, "/slaves/0/properties/pdos/outputs/0", entry);
    set(&mut rig, "/tasks/1/config/channels/0/pdo", json!("text"));
    for (key, value) in keys {
        set(&mut rig, &format!("/tasks/1/config/channels/0/{key}"), value.clone());
        if *key == "waveform" {
            set(&mut rig, "/tasks/1/source", json!("waveform"));
        }
    }
    rig
}

#[test]
fn bytes_are_safe_and_stepped_as_hexadecimal_text_and_no_number() {
    let (hex, other) = (json!("00112233445566778899"), json!("ff112233445566778899"));
    let steps = |values: &[&Value]| json!({ "shape": "steps", "values": values, "dwell": "1ms" });
    let rig = parsed(&text(&[("safe", hex.clone()), ("waveform", steps(&[&hex, &other]))]));
    assert_eq!(rig.problems(), []);
    survives_writing(&rig);
    let Task::Write(task) = &rig.tasks[1] else { panic!("{rig:?}") };
    assert_eq!(serde_json::to_value(&task.config.channels[0].safe).unwrap(), hex);
    let at = "tasks[1].config.channels[0]";
    let safe = format!("{at}.safe");
    assert!(names(&text(&[("safe", json!(5))]), &safe, "5 is a number, bytes of 80 bits need 10 bytes as hexadecimal"));
    assert!(names(&text(&[("safe", json!("0011"))]), &safe, "0011 is 2 bytes"));
    assert!(refused(&text(&[("safe", json!("001"))])).contains("bytes as hexadecimal text"));
    let step = format!("{at}.waveform.values[1]");
    assert!(names(&text(&[("waveform", steps(&[&hex, &json!(7)]))]), &step, "7 is a number"));
    let sine = json!({ "shape": "sine", "amplitude": 1, "frequency": 1 });
    assert!(names(
        &text(&[("waveform", sine)]),
        &format!("{at}.waveform.shape"),
        "it makes numbers, and the entry is bytes"
    ));
}
