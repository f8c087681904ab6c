//! A segment under a MainDevice in OP: `zerocat run` with the rig of the demonstration.

use crate::bench_set::{Folder, demo_rig, in_op};
use crate::program::Program;
use crate::running::{Running, parse};
use serde_json::{Value, json};
use zerocat_testkit::netns::in_private_netns;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/break.txt");

#[test]
fn the_script_of_the_manual_runs_to_its_end() {
    let text = include_str!("../../../examples/break.txt");
    assert!(include_str!("../../../docs/sim.md").contains(text), "the manual shows examples/break.txt");
    in_private_netns(|veth| {
        let mut sim = Program::start(&["sim", "--interface", &veth.peer, "--script", SCRIPT, "--seed", "7", "--json"]);
        sim.await_error("serving");
        let folder = Folder::new();
        // It is still running when the segment ends, and is killed with the test.
        let _maindevice = in_op(&folder, &demo_rig(&veth.master), &[]);
        let ended = sim.end().with_code(0);
        let lines: Vec<Value> = ended.out.lines().map(parse).collect();
        let commands: Vec<_> = lines.iter().filter(|line| line["event"] == "command").collect();
        assert!(commands.iter().all(|command| command["done"] == true), "{commands:?}");
        let done: Vec<_> = commands.iter().map(|command| command["command"].as_str().unwrap()).collect();
        assert_eq!(done, ["pull axis", "plug axis", "drop every 50", "faults off", "quit"]);
        let axis = lines.iter().filter(|line| line["event"] == "state" && line["name"] == "axis");
        let places: Vec<&Value> = axis.map(|line| &line["position"]).collect();
        let gone = places.iter().position(|place| place.is_null()).expect("it was gone");
        assert!(places[gone..].contains(&&json!(5)), "it came back: {places:?}");
        assert!(lines.last().unwrap()["faults"]["dropped"].as_u64() > Some(0));
    });
}

/// Waits until the MainDevice's samples show a value of a channel.
fn await_sample(maindevice: &mut Program, channel: &str, value: i64) {
    maindevice.await_line(&format!("channel {channel} is {value}"), |line| {
        let values = &parse(line)["channels"][channel];
        values.as_array().is_some_and(|values| values.last().and_then(Value::as_i64) == Some(value))
    });
}

#[test]
fn inputs_that_are_set_and_errors_that_are_raised_reach_a_maindevice_in_op() {
    in_private_netns(|veth| {
        let mut sim = Running::at(veth, &[]);
        let mut rig = demo_rig(&veth.master);
        rig["tasks"][0]["sink"] = json!({ "jsonl": "-" });
        let folder = Folder::new();
        let mut maindevice = in_op(&folder, &rig, &[]);
        for value in [1234, -1234] {
            sim.done(&format!("input sensors 1 {value}"));
            // The first value of the sensors.
            await_sample(&mut maindevice, "100005", value);
        }
        let problem = sim.command("input switches 1 on").unwrap();
        assert!(problem.contains("driven by a wire"), "{problem}");
        sim.done("emergency axis 0x8611");
        sim.done("al-error sensors 0x001b SAFE-OP");
        maindevice.await_error("working counter");
        let served = sim.served();
        let sensors = &served["subdevices"][3];
        assert_eq!(
            (&sensors["state"], &sensors["error"], &sensors["code"]),
            (&json!("SAFE-OP"), &json!(true), &json!(0x1b))
        );
        assert!(served["subdevices"][5]["mailbox_requests"].as_u64() > Some(0), "{served}");
    });
}
