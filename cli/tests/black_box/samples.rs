//! Samples and commands by name: what each kind of sink begins with, what it is appended to, and what a line may call a
//! channel.

use crate::bench_set::{Folder, Segment, demo_rig, in_op, in_some_attempts, read_json};
use crate::program::{Program, zerocat};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::process::Command;
use zerocat_testkit::netns::in_private_netns;

/// The rig of the demonstration with outputs from standard input, and two inputs in a slow task of their own beside.
fn rig(interface: &str, inputs: Value, outputs: Value) -> Value {
    let mut rig = demo_rig(interface);
    rig["tasks"][1]["source"] = json!("stdin");
    for channel in rig["tasks"][1]["config"]["channels"].as_array_mut().unwrap() {
        channel.as_object_mut().unwrap().remove("waveform");
    }
    let channels = json!([
        { "device": "axis", "type": "automatic", "pdo": "position_actual", "unit": "inc" },
        { "device": "axis", "type": "automatic", "pdo": "status_word", "bit": 3, "name": "axis_fault" }
    ]);
    let slow = json!({ "type": "ethercat_read", "name": "slow", "sink": { "csv": "slow.csv" },
        "config": { "device": "demo_network", "sample_rate": 20, "stream_rate": 20, "channels": channels } });
    let channels = &mut rig["tasks"][0]["config"]["channels"];
    channels[1]["unit"] = json!("inc");
    channels[2].as_object_mut().unwrap().remove("channel");
    rig["tasks"][0]["sink"] = inputs;
    rig["tasks"][1]["sink"] = outputs;
    rig["tasks"].as_array_mut().unwrap().push(slow);
    rig
}

/// Runs a rig file for some cycles, from another folder than its own.
fn run_elsewhere(rig: &str, report: &str) -> String {
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zerocat"));
        command.current_dir("/").args(["run", rig, "--seconds", "0.5", "--report", report]);
        Program::start_command(command, "a run from another folder").end()
    };
    in_some_attempts(run).out
}

fn lines(path: &str) -> Vec<String> {
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

const JSON_LINES: &str = concat!(
    r#"{"task":"demo-inputs","kind":"channels","schema":"zerocat-lines/1","of":"samples","by":"name","rate_hz":100.0,"#,
    r#""channels":[{"name":"axis_status_word","number":100001,"subdevice":"axis","position":5,"entry":"0x6041:00","#,
    r#""bit":null,"type":"uint16","bits":16,"unit":null},{"name":"axis_position_actual","number":100002,"#,
    r#""subdevice":"axis","position":5,"entry":"0x6064:00","bit":null,"type":"int32","bits":32,"unit":"inc"},"#,
    r#"{"name":"axis_velocity_actual","number":null,"#,
);

/// Columns behind the values.
const TIMES: &str = ",stale,stale_channels,utc_ns,dc_time_ns,time_base";

#[test]
fn sinks_begin_with_what_they_hold_beside_the_rig_file_and_are_appended_to() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let folder = Folder::new();
        let inputs = json!([{ "jsonl": "inputs.jsonl" }, { "csv": "inputs.csv" }, { "jsonl": "-", "header": false }]);
        let outputs = json!([{ "csv": "outputs.csv" }, { "jsonl": "outputs.jsonl" }]);
        let rig_file = folder.json("rig.json", &rig(&veth.master, inputs, outputs));
        let report = folder.path("report.json");
        let out = run_elsewhere(&rig_file, &report);
        assert!(out.starts_with(r#"{"task":"demo-inputs","kind":"samples","index":["#), "{out}");
        run_elsewhere(&rig_file, &report);
        let inputs = lines(&folder.path("inputs.jsonl"));
        assert!(inputs[0].starts_with(JSON_LINES), "{}", inputs[0]);
        assert_eq!(inputs.iter().filter(|line| line.contains(r#""kind":"channels""#)).count(), 2);
        let names =
            "time_ns,axis_status_word,axis_position_actual,axis_velocity_actual,switches_input_1,sensors_value_1";
        assert_csv(&folder.path("inputs.csv"), &format!("{names}{TIMES}"));
        let states = "axis_control_word,axis_mode,axis_target_position,valves_output_1,setpoints_value_1";
        assert_csv(&folder.path("outputs.csv"), &format!("time_ns,{states}{TIMES}"));
        assert_csv(&folder.path("slow.csv"), &format!("time_ns,axis_position_actual,axis_fault{TIMES}"));
        let beside = read_json(folder.path("slow.csv.channels.json"));
        let fault = &beside["channels"][1];
        assert_eq!(
            (&beside["rate_hz"], &beside["of"], &beside["by"]),
            (&json!(20.0), &json!("samples"), &json!("name"))
        );
        assert_eq!((&fault["bit"], &fault["type"], &fault["bits"]), (&json!(3), &json!("bool"), &json!(1)));
        // By number where all have one for their state.
        let state: Value = serde_json::from_str(&lines(&folder.path("outputs.jsonl"))[1]).unwrap();
        let keys: Vec<_> = state["channels"].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["100110", "100111", "100112", "100113", "100114"]);
        let report = read_json(&report);
        assert_eq!(report["tasks"][2]["channels"], beside["channels"]);
        assert_eq!(report["tasks"][0]["sinks"][2], "standard output");
        every_line_follows_the_schema(&[inputs, lines(&folder.path("outputs.jsonl"))].concat());
    });
}

/// One line of names, and rows with as many fields and times that never fall.
fn assert_csv(path: &str, names: &str) {
    let lines = lines(path);
    assert_eq!(lines[0], names);
    let mut last = 0;
    for row in &lines[1..] {
        let fields: Vec<&str> = row.split(',').collect();
        assert_eq!(fields.len(), names.split(',').count(), "{row}");
        let time: u64 = fields[0].parse().unwrap();
        assert!(time >= last && ["0", "1"].contains(&fields[fields.len() - 5]), "{row}");
        assert!(fields[fields.len() - 3].parse::<u64>().is_ok() && fields[fields.len() - 1] == "1", "{row}");
        last = time;
    }
    assert!(lines.len() > 2, "{lines:?}");
}

fn every_line_follows_the_schema(lines: &[String]) {
    let schema = zerocat(&["schema", "lines"]).with_code(0).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for line in lines {
        let line: Value = serde_json::from_str(line).unwrap();
        let wrong: Vec<_> = validator.iter_errors(&line).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{wrong:#?} in {line}");
    }
}

#[test]
fn a_csv_with_other_columns_is_refused_before_the_link_is_opened() {
    let folder = Folder::new();
    let rig = folder.json("rig.json", &rig("nowhere0", json!({ "csv": "inputs.csv" }), json!(null)));
    let csv = folder.file("inputs.csv", "time_ns,valve,stale,stale_channels\n1,2,0\n");
    let said =
        ["task `demo-inputs`", &csv, "other columns", "`time_ns,valve,stale,stale_channels`", "name another file"];
    zerocat(&["run", &rig]).with_code(3).saying(&said);
    assert_eq!(lines(&csv).len(), 2);
    std::fs::remove_file(&csv).unwrap();
    std::fs::create_dir(format!("{csv}.channels.json")).unwrap();
    zerocat(&["run", &rig]).with_code(3).saying(&["inputs.csv.channels.json can't be opened for writing"]);
}

#[test]
fn a_csv_that_shares_standard_output_is_refused() {
    let folder = Folder::new();
    for other in [json!({ "csv": "-" }), json!({ "jsonl": "-" })] {
        let rig = folder.json("rig.json", &rig("nowhere0", json!({ "csv": "-" }), other));
        zerocat(&["check", &rig]).with_code(3).saying(&["standard output"]);
    }
}

#[test]
fn a_csv_on_standard_output_is_a_table_of_all_outputs() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let folder = Folder::new();
        let rig = folder.json("rig.json", &rig(&veth.master, json!(null), json!({ "csv": "-", "by": "name" })));
        let out = in_some_attempts(|| zerocat(&["run", &rig, "--seconds", "0.5"])).out;
        let names = "time_ns,axis_control_word,axis_mode,axis_target_position,valves_output_1,setpoints_value_1"
            .to_owned()
            + TIMES;
        assert_eq!(out.lines().next(), Some(&*names));
        let columns = names.split(',').count();
        assert!(out.lines().skip(1).all(|row| row.split(',').count() == columns) && out.lines().count() > 1, "{out}");
    });
}

#[test]
fn commands_call_channels_by_name_entry_and_number() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let folder = Folder::new();
        let rig = rig(&veth.master, json!(null), json!({ "jsonl": "-", "by": "name" }));
        let mut program = in_op(&folder, &rig, &[]);
        let mut input = program.input();
        let calls = ["axis_control_word", "axis.0x6040:00", "axis.0X6040:0", "axis.control_word", "100010"];
        for (value, call) in (1u64..).zip(calls) {
            input.line(&json!({ call: value }).to_string());
            await_value(&mut program, "axis_control_word", &json!(value));
        }
        for (value, call, word) in
            [(true, "axis.0x6040:00.3", 13), (false, "axis_control_word.0", 12), (true, "100010.0", 13)]
        {
            input.line(&json!({ call: value }).to_string());
            await_value(&mut program, "axis_control_word", &json!(word));
        }
        input.line(r#"{"axis_controlword": 6, "valves_output_1": true}"#);
        program.await_error(
            "`axis_controlword` is none of this task's enabled channels; did you mean `axis_control_word`",
        );
        await_value(&mut program, "valves_output_1", &json!(1));
        input.line(r#"{"axis_mode": 1000}"#);
        program.await_error("channel `axis_mode`: 1000 is out of range for int8");
        program.await_error("axis_control_word (sent) 13");
        program.stop(Signal::SIGTERM).with_code(0).saying(&["axis_position_actual 0 inc"]);
    });
}

fn await_value(program: &mut Program, channel: &str, value: &Value) {
    program.await_line(&format!("{channel} is {value}"), |line| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["channels"][channel].as_array().and_then(|values| values.last()) == Some(value)
    });
}
