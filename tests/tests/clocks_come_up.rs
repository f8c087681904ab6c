//! What bring-up does with distributed clocks, against simulated ones, under virtual time.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::time::Duration;
use zerocat::SubDeviceDc;
use zerocat::config::Rig;
use zerocat::config::dc::Use;
use zerocat::{Fault, StartError};
use zerocat_bus::clock::refusal::where_to_look;
use zerocat_engine::ClockState;
use zerocat_sim::{
    AlErrorConfig, ClockConfig, Millis, ProfileKind, Segment, SegmentConfig, SubDeviceConfig, TargetState,
};
use zerocat_testkit::virtual_network::{VirtualNetwork, rig};
use zerocat_wire::al::AlStatusCode;

const PERIOD: Duration = Duration::from_millis(1);
/// Position of the drive.
const DRIVE: u16 = 2;

/// A coupler, a digital input and a drive; crystals are off in their own ways.
fn segment(drive: ClockConfig) -> SegmentConfig {
    let clock = |drift_ppm, seconds| ClockConfig {
        drift_ppm,
        offset: Millis(Duration::from_secs(seconds)),
        ..ClockConfig::default()
    };
    let coupler = SubDeviceConfig { clock: clock(40.0, 3), ..SubDeviceConfig::new(ProfileKind::Coupler) };
    let input = SubDeviceConfig::new(ProfileKind::DigitalIn);
    let drive = SubDeviceConfig {
        clock: ClockConfig { drift_ppm: -60.0, offset: Millis(Duration::from_secs(7)), ..drive },
        ..SubDeviceConfig::new(ProfileKind::Servo)
    };
    SegmentConfig::line(vec![coupler, input, drive])
}

fn using(usage: Use) -> Rig {
    let mut rig = rig(PERIOD);
    rig.engine.dc.usage = usage;
    rig
}

/// The same with a drive that asks for SYNC.
fn with_sync(dc: SubDeviceDc) -> Rig {
    let text = r#"{
        "network": { "interface": "in-process", "unknown": "ignore", "properties": { "rate": 1000 } },
        "slaves": [{ "key": "drive", "properties": { "position": 2 } }]
    }"#;
    let mut rig = Rig::from_json(text).unwrap();
    rig.slaves[0].dc = Some(dc);
    rig
}

fn up(config: &SegmentConfig, rig: Rig) -> Result<VirtualNetwork, StartError> {
    VirtualNetwork::bring_up_over(Segment::new(config).unwrap(), rig, |link| link)
}

#[test]
fn auto_sets_clocks_and_gives_their_time_without_steering() {
    let mut network = up(&segment(ClockConfig::default()), using(Use::Auto)).unwrap();
    for _ in 0..2_000 {
        network.cycle();
    }
    let clocks = network.planned().clocks.as_ref().unwrap();
    assert_eq!((clocks.list.len(), clocks.reference().who.position, &clocks.oddities[..]), (2, 0, &[][..]));
    let clock = network.counters().read().clock();
    assert_eq!((clock.state, clock.moved, clock.difference_unknown), (ClockState::Following, 0, 0));
    assert!(clock.difference < 1_000, "{clock:?}");
}

#[test]
fn without_clocks_nothing_is_different() {
    let mut config = segment(ClockConfig::default());
    for subdevice in &mut config.subdevices {
        subdevice.clock = ClockConfig { bits: Some(0), receive_times: false, ..ClockConfig::default() };
    }
    let network = |usage| up(&config, using(usage)).unwrap().counters().read();
    let (auto, off) = (network(Use::Auto), network(Use::Off));
    assert_eq!((auto.clock().state, auto.cycles, auto.acyclic_sent), (ClockState::Off, off.cycles, off.acyclic_sent));
}

#[test]
fn off_asks_nobody() {
    let network = up(&segment(ClockConfig::default()), using(Use::Off)).unwrap();
    assert_eq!((network.counters().read().clock().state, &network.planned().clocks), (ClockState::Off, &None));
}

#[test]
fn on_needs_a_clock() {
    let mut config = segment(ClockConfig::default());
    for subdevice in &mut config.subdevices {
        subdevice.clock.bits = Some(0);
    }
    let error = up(&config, using(Use::On)).unwrap_err();
    assert_eq!(error.fault(), Fault::NoReferenceClock, "{error}");
}

#[test]
fn a_drive_that_insists_on_sync0_comes_to_op_with_frames_at_their_phase() {
    let drive = ClockConfig { needs_sync: true, ..ClockConfig::default() };
    let mut network = up(&segment(drive), with_sync(SubDeviceDc::activate(0x0300).shift_ns(20_000))).unwrap();
    for _ in 0..500 {
        network.cycle();
    }
    let clock = network.counters().read().clock();
    assert_eq!((clock.state, clock.times_lost), (ClockState::Locked, 0));
    let now = Duration::from_nanos(network.now().0);
    let (_, pulses) = (clock.time, network.engine().link().segment().clock(usize::from(DRIVE), now).unwrap());
    let (next, _) = pulses.next.unwrap();
    assert_eq!(next % 1_000_000, 20_000);
    assert!(network.take_down().is_empty());
}

#[test]
fn a_drive_without_the_sync_that_it_insists_on_is_refused_with_what_to_look_at() {
    let drive = ClockConfig { needs_sync: true, ..ClockConfig::default() };
    let error = up(&segment(drive), using(Use::Auto)).unwrap_err();
    assert!(error.to_string().contains("0x0030"), "{error}");
}

#[test]
fn a_refusal_of_safe_op_says_the_code_in_words_and_where_to_look() {
    for code in [0x001a, 0x002c, 0x002d, 0x0030, 0x0032, 0x0035, 0x0036, 0x0037] {
        let mut config = segment(ClockConfig::default());
        config.subdevices[2].al_error = Some(AlErrorConfig { on: TargetState::SafeOp, code, times: 1_000 });
        let error = up(&config, with_sync(SubDeviceDc::activate(0x0300))).unwrap_err();
        assert_eq!(error.fault(), Fault::StateRefused);
        let (text, code) = (error.to_string(), AlStatusCode(code));
        let hint = where_to_look(code).unwrap();
        assert!(text.contains(&code.to_string()) && text.contains(hint), "{text}");
    }
}

#[test]
fn a_start_that_was_missed_is_tried_again() {
    let drive = ClockConfig { needs_sync: true, missed_starts: 1, ..ClockConfig::default() };
    up(&segment(drive), with_sync(SubDeviceDc::activate(0x0300))).unwrap();
}

#[test]
fn a_subdevice_that_never_gives_sync0_is_told_by_name_with_what_its_registers_say() {
    let drive = ClockConfig { missed_starts: 1_000, ..ClockConfig::default() };
    let error = up(&segment(drive), with_sync(SubDeviceDc::activate(0x0300))).unwrap_err();
    assert_eq!(error.fault(), Fault::SyncNotStarted);
    assert!(error.to_string().contains("SubDevice 2") && error.to_string().contains("0x0981"), "{error}");
}

#[test]
fn a_clock_that_does_not_follow_is_an_error_by_name_where_sync_is_asked_for_and_else_is_none() {
    let drive = ClockConfig { follows: false, ..ClockConfig::default() };
    let error = up(&segment(drive), with_sync(SubDeviceDc::activate(0x0300))).unwrap_err();
    assert_eq!(error.fault(), Fault::ClocksNotConverged);
    assert!(error.to_string().contains("`drive`") && error.to_string().contains("ns off"), "{error}");
    up(&segment(drive), using(Use::Auto)).unwrap();
}

#[test]
fn sync_of_a_subdevice_without_a_clock_is_refused_by_name() {
    let error =
        up(&segment(ClockConfig { bits: Some(0), ..ClockConfig::default() }), with_sync(SubDeviceDc::activate(0x0300)));
    let error = error.unwrap_err();
    assert_eq!(error.fault(), Fault::SyncImpossible);
    assert!(error.to_string().contains("`drive`"), "{error}");
}
