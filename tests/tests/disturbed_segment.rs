//! A segment that is disturbed at a given cycle while the whole network runs under virtual time: what the engine
//! notices, and which outputs the SubDevices have.

#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::time::Duration;

use zerocat_engine::Counters;
use zerocat_link::fault::{FaultInjector, FaultPlan, Rate};
use zerocat_sim::{Action, Segment, SegmentConfig, SubDeviceSnapshot};
use zerocat_testkit::virtual_network::{self, InProcessLink, VirtualNetwork};
use zerocat_wire::{AlState, AlStatusCode};

const PERIOD: Duration = Duration::from_millis(1);
/// Position in `SegmentConfig::mixed(6)`.
const SERVO: usize = 5;
const QUIET: FaultPlan = FaultPlan {
    drop: Rate::Never,
    corrupt: Rate::Never,
    duplicate: Rate::Never,
    delay: Rate::Never,
    late: zerocat_link::fault::Lateness::Polls(1),
};

type Network = VirtualNetwork<FaultInjector<InProcessLink>>;

fn network() -> Network {
    let segment = Segment::new(&SegmentConfig::mixed(6)).unwrap();
    let rig = virtual_network::rig(PERIOD);
    VirtualNetwork::bring_up_over(segment, rig, |link| FaultInjector::new(link, QUIET, QUIET, 1)).unwrap()
}

/// The segment, at the present time.
fn segment(network: &mut Network) -> &mut Segment {
    let now = Duration::from_nanos(network.now().0);
    let segment = network.engine_mut().link_mut().inner_mut().segment_mut();
    segment.step(now);
    segment
}

fn act(network: &mut Network, action: Action) {
    let now = Duration::from_nanos(network.now().0);
    segment(network).act(action, now).unwrap();
}

fn servo(network: &mut Network) -> SubDeviceSnapshot {
    segment(network).snapshot().subdevices[SERVO].clone()
}

/// Runs so many cycles and returns the counters.
fn cycles(network: &mut Network, count: u32) -> Counters {
    (0..count).for_each(|_| network.cycle());
    *network.engine().counters()
}

#[test]
fn an_al_error_shows_in_the_al_status_alone() {
    let mut network = network();
    cycles(&mut network, 10);
    act(&mut network, Action::AlError { subdevice: SERVO, state: None, code: 0x8001 });
    let after = cycles(&mut network, 100);
    assert_eq!((after.lost_frames, after.working_counter_faults), (0, 0));
    let servo = servo(&mut network);
    assert_eq!((servo.state, servo.error, servo.code), (AlState::Op, true, AlStatusCode(0x8001)));
}

#[test]
fn without_power_working_counters_are_wrong_and_outputs_gone() {
    let mut network = network();
    act(&mut network, Action::PowerOff { subdevice: SERVO });
    let after = cycles(&mut network, 10);
    assert_eq!((after.lost_frames, after.working_counter_faults), (0, 20), "process data and AL status");
    act(&mut network, Action::PowerOn { subdevice: SERVO });
    assert_eq!(cycles(&mut network, 10).working_counter_faults, 30, "in INIT it has no process data");
    assert_eq!(servo(&mut network).state, AlState::Init);
}

#[test]
fn frames_that_are_lost_on_the_way_out_cost_op_and_those_on_the_way_back_do_not() {
    let drop = FaultPlan { drop: Rate::Every(1), ..QUIET };
    let mut network = network();
    network.engine_mut().link_mut().set_plans(QUIET, drop);
    assert_eq!(cycles(&mut network, 200).lost_frames, 200);
    assert_eq!(servo(&mut network).state, AlState::Op);
    network.engine_mut().link_mut().set_plans(drop, QUIET);
    cycles(&mut network, 200);
    let servo = servo(&mut network);
    assert_eq!((servo.state, servo.code), (AlState::SafeOp, AlStatusCode::SYNC_MANAGER_WATCHDOG));
}

#[test]
fn what_is_commanded_is_on_the_wire_and_applied_in_the_same_cycle() {
    let mut network = network();
    segment(&mut network).record_outputs(16);
    let tasks = network.tasks_mut();
    let record = vec![0x01; tasks.commands.record_len()];
    tasks.command(&record).unwrap();
    network.cycle();
    let recorded = segment(&mut network).take_recorded_outputs();
    assert_eq!(recorded.len(), 3, "{recorded:?}");
    for one in recorded {
        assert!(one.applied && one.bytes.iter().all(|byte| *byte == 0x01), "{one:?}");
        assert_eq!(segment(&mut network).outputs(one.subdevice), Some(one.bytes));
    }
}
