//! Tasks on standard input and output: commands in, samples out, each as JSON lines.

use crate::bench_set::{Folder, Segment, demo_rig, in_op, read_json};
use crate::program::Program;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use zerocat_testkit::netns::in_private_netns;

/// A digital output, and the digital input that it is wired to in the segment of the demonstration.
const OUTPUT: u32 = 100_013;
const STATE: u32 = 100_113;
const INPUT: u32 = 100_004;
/// An analogue output.
const SETPOINT: u32 = 100_014;

/// The rig of the demonstration with commands from standard input and both tasks' lines on standard output.
fn piped_rig(interface: &str) -> Value {
    let mut rig = demo_rig(interface);
    rig["tasks"][0]["sink"] = json!({ "jsonl": "-" });
    rig["tasks"][1]["sink"] = json!({ "jsonl": "-" });
    rig["tasks"][1]["source"] = json!("stdin");
    for channel in rig["tasks"][1]["config"]["channels"].as_array_mut().unwrap() {
        channel.as_object_mut().unwrap().remove("waveform");
    }
    rig
}

/// Waits until a new line of a task shows a value of a channel.
fn await_value(program: &mut Program, task: &str, channel: u32, value: u64) {
    program.await_line(&format!("{task}: channel {channel} is {value}"), |line| {
        let line: Value = serde_json::from_str(line).unwrap();
        let last = line["channels"][channel.to_string()].as_array().and_then(|values| values.last());
        line["task"] == task && last.and_then(Value::as_u64) == Some(value)
    });
}

#[test]
fn commands_on_standard_input_drive_an_output_and_the_wired_input_shows_it() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let folder = Folder::new();
        let mut program = in_op(&folder, &piped_rig(&veth.master), &[]);
        let mut input = program.input();
        await_value(&mut program, "demo-inputs", INPUT, 0);
        for value in [1, 0, 1] {
            input.line(&json!({ OUTPUT.to_string(): value }).to_string());
            await_value(&mut program, "demo-inputs", INPUT, value);
            await_value(&mut program, "demo-outputs", STATE, value);
        }
        let ended = program.stop(Signal::SIGTERM).with_code(0);
        assert_lines(&ended.out);
        ended.saying(&["cycles", "working counter faults", "demo-outputs"]);
    });
}

#[test]
fn lines_that_are_no_commands_are_counted_by_kind_and_the_next_one_counts() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let folder = Folder::new();
        let report = folder.path("report.json");
        let mut program = in_op(&folder, &piped_rig(&veth.master), &["--report", &report]);
        let mut input = program.input();
        input.line("nonsense");
        program.await_error("a line of commands was refused");
        input.line(r#"{"999999": 1}"#);
        program.await_error("999999");
        for line in [r#"{"valve": 1}"#, r#"{"100013": "on"}"#, r#"{"100013": 2}"#, r#"{"100012": 1e300}"#, "", "[1]"] {
            input.line(line);
        }
        input.line(&"9".repeat(2 << 20));
        input.line(&json!({ OUTPUT.to_string(): [0, 1] }).to_string());
        await_value(&mut program, "demo-inputs", INPUT, 1);
        let said =
            ["fault=command_malformed", "fault=command_channel_unknown", "of task `demo-outputs`, command_too_long: "];
        program.stop(Signal::SIGTERM).with_code(0).saying(&said);
        let report = read_json(&report);
        let refused = report["tasks"][1]["refused"].as_array().unwrap();
        let count = |name: &str| refused.iter().find(|kind| kind["fault"] == name).map(|kind| kind["count"].clone());
        let kinds = ["malformed", "too_long", "channel_unknown"].map(|kind| count(&format!("command_{kind}")));
        assert_eq!(kinds, [Some(json!(2)), Some(json!(1)), Some(json!(2))], "{refused:?}");
        assert!(count("command_value_wrong").is_some() && count("command_out_of_range").is_some(), "{refused:?}");
        assert!(refused.iter().all(|kind| report["faults"][kind["fault"].as_str().unwrap()] == kind["count"]));
    });
}

#[test]
fn outputs_are_safe_when_standard_input_ends() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let folder = Folder::new();
        let report = folder.path("report.json");
        let mut program = in_op(&folder, &piped_rig(&veth.master), &["--report", &report]);
        let mut input = program.input();
        input.line(&json!({ OUTPUT.to_string(): true }).to_string());
        await_value(&mut program, "demo-inputs", INPUT, 1);
        drop(input);
        program.await_error("task `demo-outputs`: the source has ended: its outputs are safe");
        await_value(&mut program, "demo-outputs", STATE, 0);
        await_value(&mut program, "demo-inputs", INPUT, 0);
        program.stop(Signal::SIGINT).with_code(0);
        let source = &read_json(&report)["tasks"][1]["source"];
        assert_eq!((&source["ended"], &source["silent"], &source["live"]), (&json!(true), &json!(0), &json!(1)));
    });
}

#[test]
fn a_source_that_falls_silent_leaves_safe_outputs_and_is_obeyed_again() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let folder = Folder::new();
        let report = folder.path("report.json");
        let mut rig = piped_rig(&veth.master);
        rig["tasks"][1]["source"] = json!({ "type": "stdin", "timeout": "1s" });
        let mut program = in_op(&folder, &rig, &["--report", &report]);
        let mut input = program.input();
        input.line(&json!({ OUTPUT.to_string(): true, SETPOINT.to_string(): 500 }).to_string());
        await_value(&mut program, "demo-inputs", INPUT, 1);
        program.await_error("the source has said nothing for 1.");
        await_value(&mut program, "demo-inputs", INPUT, 0);
        input.line(&json!({ OUTPUT.to_string(): true }).to_string());
        await_value(&mut program, "demo-inputs", INPUT, 1);
        program.await_error("the source is heard again after");
        program.stop(Signal::SIGINT).with_code(0);
        let source = &read_json(&report)["tasks"][1]["source"];
        assert!(source["silent"].as_u64() >= Some(1) && source["heard_again"].as_u64() >= Some(1), "{source}");
        assert_eq!(source["ended"], false);
    });
}

#[test]
fn lines_that_are_written_at_once_are_sent_in_turn() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let folder = Folder::new();
        let mut rig = piped_rig(&veth.master);
        rig["tasks"][1]["source"] = json!({ "type": "stdin", "commands": "in_turn" });
        // What was sent is told of every cycle.
        rig["tasks"][1]["config"]["state_rate"] = rig["network"]["properties"]["rate"].clone();
        let mut program = in_op(&folder, &rig, &[]);
        let mut input = program.input();
        let lines: Vec<_> = (1..=30).map(|value| json!({ "100010": value }).to_string()).collect();
        input.line(&lines.join("\n"));
        await_value(&mut program, "demo-outputs", 100_110, 30);
        let ended = program.stop(Signal::SIGTERM).with_code(0);
        let lines = ended.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut sent: Vec<_> = lines.filter_map(|line| line["channels"]["100110"][0].as_u64()).collect();
        sent.dedup();
        sent.retain(|value| *value > 0);
        assert_eq!(sent, (1..=30).collect::<Vec<u64>>(), "each was sent, none overtook another");
    });
}

/// Standard output holds nothing but whole lines of the two tasks.
fn assert_lines(out: &str) {
    for line in out.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        if line["kind"] == "channels" {
            continue;
        }
        let samples = line["index"].as_array().unwrap();
        assert!(samples.iter().all(Value::is_u64) && samples.is_sorted_by_key(Value::as_u64), "{line}");
        for values in line["channels"].as_object().unwrap().values() {
            assert_eq!(values.as_array().unwrap().len(), samples.len(), "{line}");
        }
        assert!(line["stale"].is_array() && line["missing"].is_u64(), "{line}");
        assert!(["samples", "state"].contains(&line["kind"].as_str().unwrap()), "{line}");
    }
}
