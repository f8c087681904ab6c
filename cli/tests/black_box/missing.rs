//! A SubDevice that drops out: its channels are stale, and those of the others are not.

use crate::bench_set::{Folder, Segment, demo_rig, in_op};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use zerocat_testkit::netns::in_private_netns;

/// The channels that have stale values in a line of samples.
fn stale(line: &str) -> Vec<String> {
    let line: Value = serde_json::from_str(line).unwrap();
    line["stale_channels"].as_object().into_iter().flatten().map(|(channel, _)| channel.clone()).collect()
}

fn only_the_axis_is_stale(link: &str) {
    in_private_netns(|veth| {
        let (mut segment, folder) = (Segment::demo(veth), Folder::new());
        let mut rig = demo_rig(&veth.master);
        rig["engine"]["link"] = json!(link);
        rig["tasks"][0]["sink"] = json!({ "jsonl": "-", "by": "name" });
        let mut program = in_op(&folder, &rig, &[]);
        segment.command("pull axis");
        let of_axis = |line: &str| {
            let stale = stale(line);
            !stale.is_empty() && stale.iter().all(|channel| channel.starts_with("axis_"))
        };
        for times in 1..=3 {
            program.await_line(&format!("the axis alone is stale, {times}"), of_axis);
        }
        program.stop(Signal::SIGTERM);
    });
}

#[test]
fn the_channels_of_a_subdevice_that_drops_out_are_stale_and_the_others_are_not_over_af_xdp() {
    only_the_axis_is_stale("xdp");
}

#[test]
fn the_channels_of_a_subdevice_that_drops_out_are_stale_and_the_others_are_not_over_af_packet() {
    only_the_axis_is_stale("packet");
}
