//! One SubDevice that drops out takes nothing from the others: whose inputs are good is told for each of them.
//!
//! The production code brings the simulated segment up; nobody supervises it, so what the frames themselves tell is all
//! that is known.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;
use zerocat_sim::{Action, ProfileKind, Segment, SegmentConfig, SubDeviceConfig};
use zerocat_testkit::virtual_network::VirtualNetwork;
use zerocat_wire::AlState;

const PERIOD: Duration = Duration::from_millis(1);

/// Three encoders that turn, each at its own speed: their inputs differ from cycle to cycle.
fn encoders() -> VirtualNetwork {
    let encoder = |speed| SubDeviceConfig { speed: Some(speed), ..SubDeviceConfig::new(ProfileKind::Encoder) };
    let segment = Segment::new(&SegmentConfig::line([20_000, 30_000, 40_000].map(encoder).into())).unwrap();
    let mut network = VirtualNetwork::bring_up(segment, PERIOD).unwrap();
    assert!(sample(&mut network).1.is_empty(), "all are good");
    network
}

/// The inputs of each SubDevice after one more cycle, and whose are stale.
fn sample(network: &mut VirtualNetwork) -> (Vec<Vec<u8>>, Vec<usize>) {
    network.cycle();
    let inputs: Vec<_> = network.planned().plan.subdevices.iter().map(|one| one.inputs.len()).collect();
    let samples = &mut network.tasks_mut().samples;
    let mut record = vec![0; samples.record_len()];
    let mut taken = 0;
    while samples.pop(&mut record).is_some() {
        taken += 1;
    }
    assert!(taken > 0);
    let stale = (0..inputs.len()).filter(|n| samples.is_stale(*n)).collect();
    let mut rest = record.as_slice();
    let parts = inputs.into_iter().map(|len| rest.split_off(..len).unwrap().to_vec()).collect();
    (parts, stale)
}

fn act(network: &mut VirtualNetwork, action: Action) {
    let now = Duration::from_nanos(network.now().0);
    network.engine_mut().link_mut().segment_mut().act(action, now).unwrap();
}

#[test]
fn a_subdevice_that_drops_out_is_flagged_from_the_very_cycle_and_the_others_stay_good() {
    let mut network = encoders();
    let (before, _) = sample(&mut network);
    act(&mut network, Action::PullCable { child: 2 });
    let mut last = before.clone();
    for _ in 0..20 {
        let (inputs, stale) = sample(&mut network);
        assert_eq!((stale, &inputs[2]), (vec![2], &before[2]));
        assert!(inputs[0] != last[0] && inputs[1] != last[1], "they go on");
        last = inputs;
    }
    act(&mut network, Action::PlugCable { child: 2 });
    let (inputs, stale) = sample(&mut network);
    assert!(stale.is_empty() && inputs[2] != before[2], "it kept its state and is good at once");
}

#[test]
fn all_behind_a_cable_that_is_out_are_flagged_and_those_before_it_stay_good() {
    let mut network = encoders();
    act(&mut network, Action::PullCable { child: 1 });
    for _ in 0..5 {
        assert_eq!(sample(&mut network).1, [1, 2]);
    }
}

#[test]
fn one_that_answers_and_gives_no_inputs_leaves_nobody_good() {
    let mut network = encoders();
    let (before, _) = sample(&mut network);
    act(&mut network, Action::AlError { subdevice: 1, state: Some(AlState::PreOp), code: 0x0011 });
    for _ in 0..5 {
        let (inputs, stale) = sample(&mut network);
        assert_eq!((stale, &inputs), (vec![0, 1, 2], &before), "which of them it is the frames don't tell");
    }
}

#[test]
fn every_subdevice_of_a_zoo_with_an_fmmu_to_spare_tells_in_the_frame_of_its_process_data() {
    let network = VirtualNetwork::bring_up(Segment::new(&SegmentConfig::zoo()).unwrap(), PERIOD).unwrap();
    let plan = &network.planned().plan;
    for (planned, subdevice) in plan.subdevices.iter().zip(network.planned().network.subdevices()) {
        let spare = planned.fmmus.len() < usize::from(subdevice.esc.fmmus);
        assert_eq!(planned.status.is_some(), spare, "{}", subdevice.name);
        if let Some((_, fmmu)) = planned.status.filter(|_| !planned.fmmus.is_empty()) {
            assert_eq!(fmmu.physical_start, if subdevice.mailbox.is_some() { 0x080d } else { 0x0130 });
            let status = plan.frames[planned.frame].status.as_ref().unwrap();
            assert!(status.positions.contains(&planned.position));
        }
    }
    assert_eq!(network.engine().counters().working_counter_faults, 0);
}
