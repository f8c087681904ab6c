//! Tasks on standard input and output: commands in, samples out, each as JSON lines.

use crate::bench_set::{Folder, Segment, demo_rig, in_op};
use crate::program::Program;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use zerocat_link::testing::in_private_netns;

/// A digital output, and the digital input that it is wired to in the segment of the demonstration.
const OUTPUT: u32 = 100_013;
const STATE: u32 = 100_113;
const INPUT: u32 = 100_004;

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

/// Lines of `task` after the first `skip` lines in which `channel` ends with `value`.
fn shows(line: &str, task: &str, channel: u32, value: u64) -> bool {
    let line: Value = serde_json::from_str(line).unwrap();
    let last = line["channels"][channel.to_string()].as_array().and_then(|values| values.last());
    line["task"] == task && last.and_then(Value::as_u64) == Some(value)
}

/// Waits until a line after those that are there now shows the value.
fn await_value(program: &mut Program, task: &str, channel: u32, value: u64) {
    let so_far = program.output().lines().count();
    let counted = std::cell::Cell::new(0);
    let what = format!("{task}: channel {channel} = {value}");
    loop {
        // Each look begins anew.
        counted.set(0);
        program.await_line(&what, |_| {
            counted.set(counted.get() + 1);
            counted.get() > so_far
        });
        let text = program.output();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        if whole.lines().skip(so_far).any(|line| shows(line, task, channel, value)) {
            return;
        }
    }
}
