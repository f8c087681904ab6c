//! Channels with several samples in a cycle.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use serde_json::{Value, json};
use support::{names, parsed, sound};
use zerocat_config::{Rig, Task};

/// The sound rig with a task of its own that reads these channels as often as the network exchanges.
fn scope(sample_rate: u32, channels: &Value) -> Value {
    let mut rig = sound();
    let key = rig["slaves"][0]["key"].clone();
    let mut channels = channels.clone();
    for (n, channel) in (0..).zip(channels.as_array_mut().unwrap()) {
        channel["entry"] = json!(format!("{}.0x6000:{:02x}", key.as_str().unwrap(), n + 1));
    }
    let task = json!({ "type": "ethercat_read", "name": "scope", "sample_rate": sample_rate, "stream_rate": 10,
        "channels": channels });
    rig["tasks"].as_array_mut().unwrap().push(task);
    rig
}

fn current(samples: u32) -> Value {
    json!({ "name": format!("current_{samples}"), "data_type": "int16", "samples": samples })
}

fn path(rig: &Value, key: &str) -> String {
    format!("tasks[{}].{key}", rig["tasks"].as_array().unwrap().len() - 1)
}

#[test]
fn an_oversampled_channel_begins_with_the_first_entry_of_its_address() {
    let rig = scope(1000, &json!([current(10), { "name": "state", "data_type": "uint16" }]));
    let rig: Rig = parsed(&rig);
    assert_eq!(rig.problems(), []);
    let scope: &Task = rig.tasks.last().unwrap();
    let channels = rig.channels_of(scope);
    assert_eq!((channels[0].samples, channels[0].place.nth), (10, Some(1)));
    assert_eq!((channels[1].samples, channels[1].place.nth), (1, None));
    let written = Rig::from_json(&rig.to_json().unwrap()).unwrap();
    let again = written.channels_of(written.tasks.last().unwrap());
    let kept = |channel: &zerocat_config::ResolvedChannel| (channel.samples, channel.place);
    assert_eq!(again.iter().map(kept).collect::<Vec<_>>(), channels.iter().map(kept).collect::<Vec<_>>());
}

#[test]
fn refuses_numbers_of_samples_that_are_none() {
    for samples in [0, 1025] {
        let rig = scope(1000, &json!([current(samples)]));
        assert!(names(&rig, &path(&rig, "channels[0].samples"), "is not in 2 to 1024"), "{samples}");
    }
    let one = parsed(&scope(1000, &json!([current(1)])));
    assert_eq!(one.problems(), []);
}

#[test]
fn refuses_samples_of_a_bit_of_bytes_and_of_an_output() {
    let bit = json!({ "name": "bit", "data_type": "uint16", "bit": 3, "samples": 10 });
    let bytes = json!({ "name": "bytes", "data_type": "bytes", "bit_length": 16, "samples": 10 });
    for channel in [bit, bytes] {
        let rig = scope(1000, &json!([channel]));
        assert!(names(&rig, &path(&rig, "channels[0].samples"), "a sample is a number"), "{channel}");
    }
    let mut rig = sound();
    rig["tasks"][1]["config"]["channels"][0]["samples"] = json!(10);
    let refused = Rig::from_json(&rig.to_string()).unwrap_err().to_string();
    assert!(refused.contains("ethercat_write") && refused.contains("samples"), "{refused}");
}

#[test]
fn refuses_a_task_that_would_leave_samples_out() {
    let rig = scope(100, &json!([current(10)]));
    assert!(names(&rig, &path(&rig, "sample_rate"), "100 Hz leaves samples of oversampled channels out"));
    let mut rig = scope(1000, &json!([current(10)]));
    let key = rig["slaves"][0]["key"].clone();
    rig["engine"]["sync_units"] = json!([{ "name": "slow", "every": 10, "slaves": [key] }]);
    assert!(names(&rig, &path(&rig, "channels[0].samples"), "by its sync unit"));
}

#[test]
fn refuses_other_numbers_of_samples_in_one_task() {
    let rig = scope(1000, &json!([current(10), current(20)]));
    assert!(names(&rig, &path(&rig, "channels[1].samples"), "it takes 20 samples in a cycle"));
}
