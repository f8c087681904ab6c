//! An output that follows an input, from the rig file to the simulated segment.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::ops::Range;
use zerocat::config::Rig;
use zerocat_engine::{CommandSet, Others};
use zerocat_pdi::{BitSpan, SubDevicePlan};
use zerocat_sim::{Segment, SegmentConfig};
use zerocat_testkit::virtual_network::VirtualNetwork;

/// An analogue input that moves by itself, and the analogue output that follows it.
const INPUT: u32 = 100_005;
const OUTPUT: u32 = 100_014;

/// The rig of the demonstration, whose first analogue output follows the first analogue input.
fn rig() -> Rig {
    let text = include_str!("../../examples/demo-rig.json");
    let channel = format!(r#""channel": {OUTPUT},"#);
    assert!(text.contains(&channel));
    let follows = format!(r#"{channel} "initial": {{ "from": {INPUT} }},"#);
    Rig::from_json(&text.replace(&channel, &follows)).unwrap()
}

/// A channel's place in the record of all inputs, or of all outputs.
fn in_record(network: &VirtualNetwork, channel: u32, of: impl Fn(&SubDevicePlan) -> Range<usize>) -> BitSpan {
    let planned = network.planned();
    let span = planned.bindings.iter().flatten().find(|placed| placed.channel.channel == channel).unwrap().span;
    let mut before = 0;
    for range in planned.plan.subdevices.iter().map(of) {
        if range.contains(&(span.offset / 8)) {
            return BitSpan::new(span.offset - 8 * range.start + 8 * before, span.len);
        }
        before += range.len();
    }
    panic!("channel {channel} has no place");
}

/// What input and output are in each of some cycles.
fn pairs(network: &mut VirtualNetwork, cycles: usize) -> Vec<(u64, u64)> {
    let input = in_record(network, INPUT, |subdevice| subdevice.inputs.clone());
    let output = in_record(network, OUTPUT, |subdevice| subdevice.outputs.clone());
    let mut pairs = Vec::new();
    for _ in 0..cycles {
        network.cycle();
        let tasks = network.tasks_mut();
        let mut inputs = vec![0; tasks.samples.record_len()];
        let mut outputs = vec![0; tasks.states.record_len()];
        while tasks.samples.pop(&mut inputs).is_some() && tasks.states.pop(&mut outputs).is_some() {
            pairs.push((input.extract(&inputs).unwrap(), output.extract(&outputs).unwrap()));
        }
    }
    pairs
}

fn follows(pairs: &[(u64, u64)]) -> bool {
    pairs.windows(2).all(|two| two[1].1 == two[0].0)
}

#[test]
fn an_output_has_its_inputs_value_of_the_cycle_before_until_it_is_commanded() {
    let segment = Segment::new(&SegmentConfig::demo()).unwrap();
    let mut network = VirtualNetwork::bring_up_rig(segment, rig()).unwrap();
    let at_first = pairs(&mut network, 200);
    assert!(at_first.len() >= 200 && follows(&at_first), "{at_first:?}");
    assert!(at_first[0].0 != at_first[100].0, "the input moves");

    let output = in_record(&network, OUTPUT, |subdevice| subdevice.outputs.clone());
    let (epoch, len) = (network.tasks_mut().commands.epoch(), network.tasks_mut().commands.record_len());
    let (mut record, mut commanded) = (vec![0; len], vec![0xff; len]);
    assert!(output.fill(&mut commanded, false));
    let push = |network: &mut VirtualNetwork, record: &[u8], commanded: &[u8]| {
        let set = CommandSet { record, commanded, others: Others::Stay };
        network.tasks_mut().commands.push_set(set, epoch).unwrap();
    };
    push(&mut network, &record, &commanded);
    let others_commanded = pairs(&mut network, 50);
    assert!(follows(&others_commanded), "{others_commanded:?}");

    assert!(output.insert(&mut record, 1234) && output.fill(&mut commanded, true));
    push(&mut network, &record, &commanded);
    assert!(pairs(&mut network, 50).iter().all(|(_, output)| *output == 1234));
    assert_eq!(network.take_down().len(), 0);
}
