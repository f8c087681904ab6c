//! A small rig that has no problems, and ways to change it.
#![allow(dead_code, clippy::unwrap_used, reason = "each test binary uses a part; test support may panic")]

use serde_json::{Value, json};
use zerocat_config::{ConfigError, Rig};

/// A rig with one slave, a read task and a write task.
pub(crate) fn sound() -> Value {
    json!({
        "network": {
            "key": "net", "name": "Network", "make": "EtherCAT", "model": "Network",
            "properties": { "interface": "eth0", "rate": 1000 }
        },
        "slaves": [{
            "key": "dev", "name": "Device", "make": "Make", "model": "Model",
            "properties": {
                "serial": 1, "vendor_id": 2, "product_code": 3, "revision": 4, "name": "Device", "position": 0,
                "pdos": {
                    "inputs": [
                        { "name": "status", "index": 24576, "subindex": 1, "bit_length": 16, "data_type": "uint16" },
                        { "name": "volts", "index": 24576, "subindex": 2, "bit_length": 32, "data_type": "float32" }
                    ],
                    "outputs": [
                        { "name": "relays", "index": 28672, "subindex": 1, "bit_length": 16, "data_type": "uint16" },
                        { "name": "lamp", "index": 28672, "subindex": 2, "bit_length": 1, "data_type": "bool" }
                    ]
                }
            }
        }],
        "tasks": [
            {
                "type": "ethercat_read", "name": "in",
                "config": {
                    "device": "net", "sample_rate": 100, "stream_rate": 20,
                    "channels": [
                        { "device": "dev", "type": "automatic", "pdo": "status", "channel": 1 },
                        { "device": "dev", "type": "manual", "index": 24576, "subindex": 2, "bit_length": 32,
                          "data_type": "float32", "channel": 2 }
                    ]
                }
            },
            {
                "type": "ethercat_write", "name": "out",
                "config": {
                    "device": "net", "state_rate": 10,
                    "channels": [
                        { "device": "dev", "type": "automatic", "pdo": "relays", "channel": 10, "state_channel": 11 },
                        { "device": "dev", "type": "automatic", "pdo": "lamp", "channel": 12, "enabled": false }
                    ]
                }
            }
        ]
    })
}

/// The sound rig with the value at a JSON pointer replaced or added.
pub(crate) fn with(pointer: &str, value: Value) -> Value {
    let mut rig = sound();
    set(&mut rig, pointer, value);
    rig
}

/// Replaces or adds the value at a JSON pointer; `-` at its end appends to a list.
pub(crate) fn set(rig: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match rig.pointer_mut(parent).unwrap() {
        Value::Object(map) => {
            map.insert(key.to_owned(), value);
        }
        Value::Array(list) if key == "-" => list.push(value),
        Value::Array(list) => list[key.parse::<usize>().unwrap()] = value,
        other => panic!("{parent} is {other}"),
    }
}

/// The sound rig without the key at a JSON pointer.
pub(crate) fn without(pointer: &str) -> Value {
    let mut rig = sound();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    rig.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
    rig
}

/// Parses a rig that must parse.
pub(crate) fn parsed(rig: &Value) -> Rig {
    Rig::from_json(&rig.to_string()).unwrap()
}

/// The error of a rig that must not parse, as text.
pub(crate) fn refused(rig: &Value) -> String {
    Rig::from_json(&rig.to_string()).map(|_| ()).unwrap_err().to_string()
}

/// Whether a parsed rig or its error names `path` with a problem that holds `text`.
pub(crate) fn names(rig: &Value, path: &str, text: &str) -> bool {
    let problems = match Rig::from_json(&rig.to_string()) {
        Ok(rig) => rig.problems(),
        Err(ConfigError::Problems { problems }) => problems,
        Err(other) => panic!("{other}"),
    };
    let hit = problems.iter().any(|p| p.path == path && p.to_string().contains(text));
    assert!(hit, "no problem at {path} with {text:?} among {problems:#?}");
    hit
}
