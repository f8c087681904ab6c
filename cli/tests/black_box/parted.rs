//! A cable within the network is out for a second while a run goes on: an output terminal behind it, which stays in OP, has
//! safe outputs until it is commanded again.

use crate::bench_set::{Folder, Segment, demo_rig, in_op, read_json};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::time::Duration;
use zerocat_testkit::netns::in_private_netns;

/// An output of the terminal `valves`, and its feedback.
const OUTPUT: &str = "100013";
const STATE: &str = "100113";
/// Longer than the watchdog.
const WATCHDOG: Duration = Duration::from_millis(300);
const VOID: &str = "SubDevice 1 (EL2004) `valves` was out: what was commanded of it before is void";

/// The rig of the demonstration with commands from standard input, and what was sent on standard output.
fn rig(interface: &str, link: &str) -> Value {
    let mut rig = demo_rig(interface);
    rig["engine"]["link"] = json!(link);
    rig["engine"]["watchdog"] = json!("200ms");
    let task = &mut rig["tasks"][1];
    task["source"] = json!("stdin");
    task["sink"] = json!({ "jsonl": "-" });
    task.as_object_mut().unwrap().remove("after_outage");
    for channel in task["config"]["channels"].as_array_mut().unwrap() {
        channel.as_object_mut().unwrap().remove("waveform");
    }
    rig
}

/// The state of the output that a line tells, if it does.
fn sent(line: &str) -> Option<bool> {
    let line: Value = serde_json::from_str(line).ok()?;
    let value = line["channels"][STATE].as_array()?.first()?;
    value.as_bool().or_else(|| value.as_u64().map(|value| value != 0))
}

fn is_safe_until_commanded_again(link: &str) {
    in_private_netns(|veth| {
        let mut segment = Segment::demo(veth);
        let folder = Folder::new();
        let report = folder.path("report.json");
        let mut program = in_op(&folder, &rig(&veth.master, link), &["--report", &report]);
        let mut input = program.input();
        input.line(&json!({ OUTPUT: 1 }).to_string());
        program.await_line("the output on", |line| sent(line) == Some(true));
        segment.command("pull valves");
        program.await_error("SubDevice 1 (EL2004) `valves` doesn't answer");
        program.await_line("the output safe", |line| sent(line) == Some(false));
        // The drive behind the cable leaves OP, as it does by itself.
        std::thread::sleep(WATCHDOG);
        let before = program.output().lines().count();
        segment.command("plug valves");
        program.await_error(VOID);
        program.await_line("some more states", |line| sent(line).is_some());
        let states: Vec<_> = program.output().lines().skip(before).filter_map(sent).collect();
        assert!(states.iter().all(|on| !on), "{states:?}");
        input.line(&json!({ OUTPUT: 1 }).to_string());
        program.await_line("the output on again", |line| sent(line) == Some(true));
        program.await_error("SubDevice 1 (EL2004) `valves` is commanded again");
        program.stop(Signal::SIGINT).with_code(8);
        let report = read_json(&report);
        let void = &report["commands_void"][0];
        assert_eq!((&void["key"], &void["times"], &void["waits"]), (&json!("valves"), &json!(1), &json!(false)));
        assert!(report["faults"]["commands_void"].as_u64() >= Some(1), "{report}");
        segment.end();
    });
}

#[test]
fn a_terminal_behind_a_cable_that_was_out_is_safe_until_it_is_commanded_again_over_af_xdp() {
    is_safe_until_commanded_again("xdp");
}

#[test]
fn a_terminal_behind_a_cable_that_was_out_is_safe_until_it_is_commanded_again_over_af_packet() {
    is_safe_until_commanded_again("packet");
}
