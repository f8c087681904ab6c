//! With `--json` standard output is JSON, also where a command fails: one document, whose `error` names the fault.

use crate::bench_set::{Folder, Segment, demo_rig, read_json, run};
use crate::program::{Ended, zerocat};
use serde_json::{Value, json};
use zerocat_sim::{AlErrorConfig, SegmentConfig, TargetState};
use zerocat_testkit::netns::in_private_netns;

/// The `error` of what a command printed, which ended with this code.
#[track_caller]
fn error(ended: &Ended, code: i32) -> Value {
    assert_eq!(ended.code, Some(code), "{}\n{}", ended.err, ended.out);
    let error = ended.json()["error"].clone();
    assert_eq!(error["exit_code"], code, "{}", ended.out);
    let message = error["message"].as_str().unwrap();
    assert!(!message.is_empty() && ended.err.contains(message), "{message} is not in:\n{}", ended.err);
    error
}

#[test]
fn every_command_that_fails_with_json_prints_a_failure_by_its_name() {
    let folder = Folder::new();
    let (nothing, empty) = (folder.path("nothing.json"), folder.path(""));
    let nothing = nothing.as_str();
    let cases: [(&[&str], i32, &str); 25] = [
        (&["run", nothing], 3, "file_not_readable"),
        (&["run", "--seconds"], 2, "wrong_arguments"),
        (&["check", nothing], 3, "file_not_readable"),
        (&["scan", "--interface", "nope0"], 4, "no_such_interface"),
        (&["scan", "--interface", "nope0", "--link", "xdp"], 4, "no_such_interface"),
        (&["scan", "--nonsense"], 2, "wrong_arguments"),
        (&["doctor", nothing], 3, "file_not_readable"),
        (&["demo"], 2, "wrong_arguments"),
        (&["demo", "--in-process", "--seconds=-1"], 2, "wrong_arguments"),
        (&["campaign", "--minutes=-1"], 2, "wrong_arguments"),
        (&["sweep", &empty], 3, "device_description_wrong"),
        (&["import", nothing], 3, "network_description_wrong"),
        (&["sim", "--interface", "nope0"], 4, "no_such_interface"),
        (&["sim", "--config", nothing, "--interface", "nope0"], 3, "segment_file_wrong"),
        (&["sim", "--esi", nothing], 3, "device_description_wrong"),
        (&["tune", "--interface", "nope0"], 4, "no_such_interface"),
        (&["tune", "--interface", "nope0", "--restore", "--state", nothing], 3, "state_file_wrong"),
        (&["faults", "nonsense"], 2, "wrong_arguments"),
        (&["bench", "rtt", "--interface", "nope0", "--cycles", "1", "--rounds", "1"], 4, "no_such_interface"),
        (&["bench", "wakeup", "--rate", "0"], 2, "wrong_arguments"),
        (&["bench", "dc", "--seconds", "0"], 2, "wrong_arguments"),
        (&["bench", "mailbox", "--transactions", "0"], 2, "wrong_arguments"),
        (&["bench", "audit", "--interface", "nope0", "--rig", nothing], 3, "file_not_readable"),
        (&["bench", "sync", "--interface", "nope0", "--segment", "nope1", "--seconds", "0"], 2, "wrong_arguments"),
        (&["bench", "sync", "--interface", "nope0", "--segment", "nope1"], 4, "no_such_interface"),
    ];
    let schema = zerocat(&["schema", "error"]).with_code(0).json();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let verdict = zerocat(&["schema", "check"]).with_code(0).json();
    let verdict = jsonschema::validator_for(&verdict).unwrap();
    for (arguments, code, name) in cases {
        let ended = zerocat(&[arguments, &["--json"]].concat());
        let error = error(&ended, code);
        assert_eq!(error["name"], name, "{arguments:?}: {}", ended.err);
        if arguments[0] == "check" {
            assert!(verdict.is_valid(&ended.json()), "{arguments:?}: {}", ended.out);
        } else {
            assert_eq!(ended.json()["schema"], "zerocat-error/1", "{arguments:?}");
            assert!(schema.is_valid(&ended.json()), "{arguments:?}: {}", ended.out);
            assert_eq!(ended.out.lines().count(), 1, "{arguments:?}");
        }
        let plain = zerocat(arguments);
        assert_eq!((plain.code, plain.out.as_str()), (Some(code), ""), "{arguments:?} without --json");
    }
}

#[test]
fn each_problem_of_a_rig_file_is_an_object_with_its_key() {
    let folder = Folder::new();
    let mut rig = demo_rig("nope0");
    rig["engine"]["priority"] = json!(99);
    rig["tasks"][0]["config"]["sample_rate"] = json!(3);
    let file = folder.json("rig.json", &rig);
    for command in ["check", "run"] {
        let error = error(&zerocat(&[command, &file, "--json"]), 3);
        assert_eq!((&error["name"], &error["category"]), (&json!("rules_broken"), &json!("config")));
        let problems = error["problems"].as_array().unwrap();
        let of = |path: &str| problems.iter().find(|problem| problem["path"] == path);
        assert!(of("engine.priority").is_some() && of("tasks[0].config.sample_rate").is_some(), "{problems:?}");
        assert!(problems.iter().all(|problem| problem["fix"].is_string() && problem["message"].is_string()));
        assert!(problems.iter().all(|problem| problem["line"].is_u64() && problem["rule"].is_string()), "{problems:?}");
    }
}

#[test]
fn a_gateway_at_an_address_of_another_machine_ends_a_run_before_its_link_is_opened() {
    let folder = Folder::new();
    let file = folder.json("rig.json", &demo_rig("nope0"));
    let error = error(&zerocat(&["run", &file, "--json", "--mailbox-gateway=192.0.2.1"]), 3);
    assert_eq!(error["name"], "gateway_cannot_listen");
    assert!(error["message"].as_str().unwrap().contains("192.0.2.1:34980"), "{error}");
}

#[test]
fn the_report_of_a_run_that_fails_has_the_fault_and_is_all_that_is_printed() {
    in_private_netns(|veth| {
        let folder = Folder::new();
        let report = folder.path("report.json");
        let ended = run(&demo_rig(&veth.master), &["--link", "packet", "--json", "--report", &report]);
        let error = error(&ended, 5);
        assert_eq!((&error["name"], &error["category"]), (&json!("no_subdevice_answers"), &json!("network")));
        let printed = ended.json();
        assert_eq!((&printed["schema"], &printed["outcome"]["name"]), (&json!("zerocat-report/1"), &error["name"]));
        assert_eq!(printed["faults"]["no_subdevice_answers"], 1);
        let written = read_json(&report);
        assert_eq!((&written["error"], &written["outcome"]), (&printed["error"], &printed["outcome"]));
    });
}

#[test]
fn a_limit_of_the_rig_file_that_is_broken_has_an_exit_code_and_those_that_are_held_are_in_the_report() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let mut rig = demo_rig(&veth.master);
        rig["limits"] = json!({ "outages": 0, "round_trip": { "p50": "1ns" }, "faults": { "bus_driven": 0 } });
        let ended = run(&rig, &["--seconds", "0.2", "--json"]);
        let error = error(&ended, 10);
        assert_eq!((&error["name"], &error["category"]), (&json!("limit_broken"), &json!("master")));
        assert_eq!(error["problems"][0]["path"], "limits.round_trip.p50", "{error}");
        let report = ended.saying(&["round_trip.p50 is ", ", the limit is 1ns"]).json();
        let of = |key: &str| report["limits"].as_array().unwrap().iter().find(|limit| limit["key"] == key).cloned();
        assert_eq!(of("outages").unwrap()["held"], true, "{report}");
        assert_eq!(of("faults.bus_driven").unwrap()["value"], 0, "{report}");
        assert_eq!(of("round_trip.p50").unwrap()["held"], false, "{report}");
        assert_eq!(report["outcome"]["exit_code"], 10);
    });
}

#[test]
fn a_limit_of_a_fault_that_does_not_exist_is_refused_with_the_name_that_is_near() {
    let folder = Folder::new();
    let mut rig = demo_rig("nope0");
    rig["limits"] = json!({ "faults": { "outage_silense": 0 } });
    let error = error(&zerocat(&["check", &folder.json("rig.json", &rig), "--json"]), 3);
    let problem = &error["problems"][0];
    assert_eq!(problem["path"], "limits.faults.outage_silense", "{error}");
    assert_eq!((&problem["rule"], &problem["candidates"][0]), (&json!("unknown_reference"), &json!("outage_silence")));
}

#[test]
fn a_state_that_is_refused_often_and_reached_is_told_counted_and_in_the_report() {
    in_private_netns(|veth| {
        let mut config = SegmentConfig::demo();
        config.subdevices.last_mut().unwrap().al_error =
            Some(AlErrorConfig { on: TargetState::Op, code: 0x001b, times: 3 });
        let _segment = Segment::of(veth, &config);
        let ended = run(&demo_rig(&veth.master), &["--seconds", "0.2", "--json"]).with_code(0);
        let ended = ended.saying(&["refused OP 3 times before it got there: 0x001b: ", "fault=state_retried"]);
        let report = ended.json();
        let retried = &report["retried"][0];
        assert_eq!((&retried["times"], &retried["codes"]), (&json!(3), &json!([0x1b])), "{report}");
        assert_eq!(report["faults"]["state_retried"], 1, "{report}");
    });
}
