//! Data types that a rig file leaves to the bus: what they become, and that values are held against them.

use crate::bench_set::{Folder, Segment, demo_rig, read_json, unless_starved};
use crate::program::{Ended, zerocat};
use serde_json::{Value, json};
use zerocat_testkit::netns::in_private_netns;

/// A rig of the demonstration's segment that gives no types; `control` is beside the control word.
fn rig(interface: &str, inputs: Value, control: Value) -> Value {
    let demo = demo_rig(interface);
    let mut command = json!({ "entry": "axis.0x6040:00", "name": "control" });
    command.as_object_mut().unwrap().extend(control.as_object().unwrap().clone());
    let follows = json!({ "entry": "axis.0x607a:00", "name": "target", "initial": { "from": "position" } });
    json!({
        "network": { "interface": interface, "rate": 200, "unknown": "ignore" },
        "engine": demo["engine"],
        "slaves": [{ "key": "switches", "position": 2 }, { "key": "axis", "position": 5 }],
        "tasks": [
            { "type": "ethercat_read", "name": "inputs", "sample_rate": 100, "channels": inputs },
            { "type": "ethercat_write", "name": "outputs", "channels": [command, follows] }
        ]
    })
}

fn inputs() -> Value {
    json!(["axis.0x6041:00", { "entry": "axis.0x6064:00", "name": "position" }, "switches.0x6000:01"])
}

fn short_run(folder: &Folder, rig: &Value) -> Ended {
    let (file, report) = (folder.json("rig.json", rig), folder.path("report.json"));
    unless_starved(|| zerocat(&["run", &file, "--seconds", "0.3", "--report", &report]))
}

#[test]
fn channels_have_the_types_that_the_bus_says() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let folder = Folder::new();
        let rig = rig(&veth.master, inputs(), json!({}));
        let file = folder.json("checked.json", &rig);
        let check = zerocat(&["check", &file]).with_code(0);
        assert!(check.out.contains("the bus says those of axis.0x6041:00, axis.0x6064:00, "), "{}", check.out);
        assert!(check.out.contains("`inputs`, 3 channels"), "{}", check.out);
        let check = zerocat(&["check", &file, "--json"]).with_code(0).json();
        assert_eq!(check["types_from_bus"].as_array().unwrap().len(), 5);
        short_run(&folder, &rig).with_code(0);
        let report = read_json(folder.path("report.json"));
        let types = |task: usize| -> Vec<Value> {
            let channels = report["tasks"][task]["channels"].as_array().unwrap();
            channels.iter().map(|channel| channel["type"].clone()).collect()
        };
        assert_eq!(
            (types(0), types(1)),
            (vec![json!("uint16"), json!("int32"), json!("bool")], vec![json!("uint16"), json!("int32")])
        );
    });
}

#[test]
fn a_value_that_does_not_fit_is_refused_before_op_in_the_words_of_check() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let folder = Folder::new();
        let wrong = json!({ "initial": 70000 });
        zerocat(&["check", &folder.json("open.json", &rig(&veth.master, inputs(), wrong))]).with_code(0);
        let ended = short_run(&folder, &rig(&veth.master, inputs(), json!({ "initial": 70000 }))).with_code(3);
        let typed = rig(&veth.master, inputs(), json!({ "initial": 70000, "data_type": "uint16" }));
        let check = zerocat(&["check", &folder.json("typed.json", &typed)]).with_code(3);
        let said = check.err.split("tasks[1]").nth(1).unwrap().split(" (line").next().unwrap().to_owned();
        assert!(said.contains("70000"), "{said}");
        ended.saying(&["with the data types that the bus says", &said]);
    });
}

#[test]
fn an_entry_that_is_not_mapped_is_named_with_what_is() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let folder = Folder::new();
        let rig = rig(&veth.master, json!(["switches.0x6000:01", "axis.0x6042:00"]), json!({}));
        let rig = {
            let mut rig = rig;
            rig["tasks"].as_array_mut().unwrap().truncate(1);
            rig
        };
        short_run(&folder, &rig).with_code(5).saying(&["does not map 0x6042:00", "0x6064:00"]);
    });
}
