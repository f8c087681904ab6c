//! What an application asks of the cyclic unit on its way to OP (ETG.1020, AL status codes), with the modes of operation
//! of a device description (ETG.2000).

#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::path::Path;
use std::time::Duration;

use support::Rig;
use support::from_sii::FromSii;
use zerocat_sim::{Action, ClockConfig, Outcome, ProfileKind, SegmentConfig, SubDeviceConfig, SyncErrors};
use zerocat_wire::ethernet::MacAddress;
use zerocat_wire::{Address, AlState, AlStatusCode, Command, Datagram, FrameBuilder};

const MS: u64 = 1_000_000;

/// The drive of the catalogue in PRE-OP: modes without and with SYNC0, with SYNC0 of 250 us, and with both signals.
fn drive() -> (Rig, FromSii) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../esi/tests/samples/catalogue.xml");
    preop(SubDeviceConfig::from_esi(&file, "AXD200", None).unwrap())
}

fn preop(config: SubDeviceConfig) -> (Rig, FromSii) {
    let mut rig = Rig::new(&SegmentConfig::line(vec![config]));
    let from_sii = FromSii::read(&mut rig, 0, 0);
    from_sii.preop(&mut rig);
    (rig, from_sii)
}

fn set(rig: &mut Rig, activation: u8, start: u64, cycle: u32) {
    rig.write(0, 0x0981, &[0]);
    rig.write(0, 0x09A0, &cycle.to_le_bytes());
    rig.write(0, 0x0990, &start.to_le_bytes());
    rig.write(0, 0x0981, &[activation]);
}

#[test]
fn safeop_needs_a_cyclic_unit_that_is_off_or_as_a_mode_wants_it() {
    for (activation, cycle, expected) in [
        (0x00, 0, (4, 0)),
        (0x03, 1_000_000, (4, 0)),
        (0x07, 1_000_000, (4, 0)),
        (0x05, 1_000_000, (0x12, 0x30)),
        (0x01, 1_000_000, (0x12, 0x30)),
        (0x03, 0, (0x12, 0x36)),
    ] {
        let (mut rig, drive) = drive();
        set(&mut rig, activation, MS, cycle);
        assert_eq!(drive.safeop(&mut rig), expected, "{activation:#04x}, {cycle} ns");
    }
}

#[test]
fn without_a_list_of_modes_sync0_is_right_and_sync1_alone_is_not() {
    for (activation, expected) in [(0x03, (4, 0)), (0x07, (4, 0)), (0x05, (0x12, 0x30))] {
        let (mut rig, servo) = preop(SubDeviceConfig::new(ProfileKind::Servo));
        set(&mut rig, activation, MS, 1_000_000);
        assert_eq!(servo.safeop(&mut rig), expected, "{activation:#04x}");
    }
}

/// A servo in SAFE-OP with SYNC0 from `start` on, asked for OP, with outputs.
fn asked_for_op(start: u64) -> Rig {
    let (mut rig, servo) = preop(SubDeviceConfig::new(ProfileKind::Servo));
    set(&mut rig, 0x03, start, 1_000_000);
    assert_eq!(servo.safeop(&mut rig), (4, 0));
    rig.write(0, 0x0120, &[8, 0]);
    rig.write(0, 0x1100, &[0; 8]);
    rig
}

#[test]
fn op_waits_for_the_first_sync0() {
    let mut rig = asked_for_op(150 * MS);
    assert_eq!(rig.read_u16(0, 0x0130), 4);
    for ms in [50, 110, 140, 160] {
        rig.now = Duration::from_millis(ms);
        rig.write(0, 0x1100, &[0; 8]);
        rig.segment.step(rig.now);
        assert_eq!(rig.read_u16(0, 0x0130), if ms > 150 { 8 } else { 4 }, "after {ms} ms");
    }
}

#[test]
fn a_sync0_that_never_comes_is_an_error() {
    let mut rig = asked_for_op(1 << 60);
    for tenth in 1..30 {
        rig.now = Duration::from_millis(99 * tenth);
        rig.write(0, 0x1100, &[0; 8]);
        rig.segment.step(rig.now);
    }
    assert_eq!((rig.read_u16(0, 0x0130), rig.read_u16(0, 0x0134)), (0x14, 0x2d));
}

#[test]
fn a_cyclic_unit_that_is_switched_off_in_op_costs_op() {
    let mut rig = asked_for_op(MS);
    rig.now = Duration::from_millis(2);
    rig.segment.step(rig.now);
    assert_eq!(rig.read_u16(0, 0x0130), 8);
    rig.write(0, 0x0981, &[0]);
    rig.now = Duration::from_millis(3);
    rig.segment.step(rig.now);
    assert_eq!((rig.read_u16(0, 0x0130), rig.read_u16(0, 0x0134)), (0x14, 0x2c));
}

#[test]
fn a_drive_that_needs_sync0_refuses_safeop_without_it() {
    for (activation, expected) in [(0x00, (0x12, 0x30)), (0x03, (4, 0))] {
        let mut config = SubDeviceConfig::new(ProfileKind::Servo);
        config.clock.needs_sync = true;
        let (mut rig, servo) = preop(config);
        set(&mut rig, activation, MS, 1_000_000);
        assert_eq!(servo.safeop(&mut rig), expected, "{activation:#04x}");
    }
}

const CYCLE: u64 = MS;

/// A servo that insists on SYNC0, in SAFE-OP, with SYNC0 from 10 ms on.
fn strict(change: impl FnOnce(&mut ClockConfig)) -> (Rig, FromSii) {
    let mut config = SubDeviceConfig::new(ProfileKind::Servo);
    config.clock.needs_sync = true;
    change(&mut config.clock);
    let (mut rig, servo) = preop(config);
    set(&mut rig, 0x03, 10 * MS, 1_000_000);
    assert_eq!(servo.safeop(&mut rig), (4, 0));
    (rig, servo)
}

/// Exchanges in these cycles, each with its frame `lead` ns before SYNC0 as the frame comes to the servo.
fn cycles(rig: &mut Rig, cycles: std::ops::Range<u64>, lead: u64) {
    for cycle in cycles {
        // The cable to the first SubDevice takes 100 ns.
        rig.now = Duration::from_nanos((cycle + 1) * CYCLE - lead - 100);
        rig.write(0, 0x1100, &[0; 8]);
    }
}

/// AL status and code as they are now, without a frame in time.
fn al(rig: &Rig) -> (u16, u16) {
    let snapshot = rig.segment.snapshot().subdevices.remove(0);
    (snapshot.state as u16 | u16::from(snapshot.error) << 4, snapshot.code.0)
}

fn errors(rig: &Rig) -> (u16, u16, u16) {
    let SyncErrors { missed, exceeded, short, .. } = rig.segment.snapshot().subdevices[0].sync_errors;
    (missed, exceeded, short)
}

/// The same in OP, after cycles with 300 us of lead.
fn in_op() -> Rig {
    let (mut rig, _) = strict(|_| ());
    cycles(&mut rig, 10..20, 300_000);
    rig.write(0, 0x0120, &[8, 0]);
    cycles(&mut rig, 20..40, 300_000);
    assert_eq!((al(&rig), errors(&rig)), ((8, 0), (0, 0, 0)));
    rig
}

#[test]
fn a_strict_drive_runs_with_outputs_in_time_before_each_sync0() {
    let mut rig = in_op();
    cycles(&mut rig, 40..1000, 300_000);
    assert_eq!((al(&rig), errors(&rig)), ((8, 0), (0, 0, 0)));
}

#[test]
fn a_strict_drive_in_op_bears_one_hole_and_not_two() {
    let mut rig = in_op();
    cycles(&mut rig, 41..60, 300_000);
    assert_eq!((al(&rig), errors(&rig)), ((8, 0), (1, 0, 0)));
    assert_eq!(rig.segment.sync_lost(0), None);
    cycles(&mut rig, 62..63, 300_000);
    assert_eq!((al(&rig), errors(&rig)), ((0x14, 0x1a), (3, 0, 0)));
    assert_eq!(rig.segment.sync_lost(0), Some((rig.now, AlStatusCode(0x1a))));
}

#[test]
fn without_frames_a_strict_drive_loses_synchronization_before_its_watchdog() {
    let mut rig = in_op();
    rig.now += Duration::from_millis(4);
    rig.segment.step(rig.now);
    assert_eq!(al(&rig), (0x14, 0x1a));
}

#[test]
fn how_many_errors_are_borne_is_an_object() {
    let (mut rig, mut servo) = strict(|_| ());
    assert_eq!(servo.upload(&mut rig, 0x10f1, 2), Ok(vec![4, 0]));
    servo.download(&mut rig, 0x10f1, 2, &[9, 0]).unwrap();
    cycles(&mut rig, 10..20, 300_000);
    rig.write(0, 0x0120, &[8, 0]);
    cycles(&mut rig, 20..40, 300_000);
    cycles(&mut rig, 43..60, 300_000);
    assert_eq!((al(&rig), errors(&rig)), ((8, 0), (3, 0, 0)));
}

#[test]
fn sync0_in_the_frame_or_before_its_outputs_are_copied_costs_op() {
    // A frame of 60 bytes takes 5.76 us, and copying takes 20 us.
    for (lead, lost) in [(0, false), (1, true), (3_000, true), (5_760, true), (25_000, true), (26_000, false)] {
        let mut rig = in_op();
        cycles(&mut rig, 40..60, lead);
        let expected = if lost { (0x14, 0x1a) } else { (8, 0) };
        assert_eq!(al(&rig), expected, "{lead} ns");
        assert_eq!(errors(&rig).2 > 0, lost, "{lead} ns: {:?}", errors(&rig));
    }
}

#[test]
fn a_longer_frame_is_in_later() {
    for (len, lost) in [(8, false), (1_000, true)] {
        let mut rig = in_op();
        for cycle in 40..60 {
            rig.now = Duration::from_nanos((cycle + 1) * CYCLE - 90_000);
            let mut buffer = vec![0u8; 1514];
            let mut builder = FrameBuilder::new(&mut buffer, MacAddress::ACYCLIC).unwrap();
            builder.push(Datagram::new(Command::Apwr, Address::position(0, 0x1100), 0, 8)).unwrap();
            builder.push(Datagram::new(Command::Nop, Address(0), 0, len)).unwrap();
            let end = builder.finish().unwrap();
            assert_eq!(rig.segment.process(&mut buffer[..end], rig.now), Outcome::Returned);
        }
        assert_eq!(al(&rig) != (8, 0), lost, "{len} bytes more");
    }
}

#[test]
fn two_frames_between_two_pulses_are_counted() {
    let mut rig = in_op();
    cycles(&mut rig, 40..41, 300_000);
    cycles(&mut rig, 40..41, 200_000);
    assert_eq!((al(&rig), errors(&rig)), ((8, 0), (0, 1, 0)));
}

#[test]
fn a_strict_drive_that_never_gets_outputs_in_time_refuses_op() {
    let (mut rig, _) = strict(|_| ());
    rig.write(0, 0x0120, &[8, 0]);
    cycles(&mut rig, 10..2_500, 10_000);
    assert_eq!(al(&rig), (0x14, 0x32));
}

#[test]
fn a_start_time_that_is_missed_gives_no_sync0() {
    let (mut rig, _) = strict(|clock| clock.missed_starts = 1);
    assert_eq!(rig.read(0, 0x0984, 1), [1]);
    let first = rig.read(0, 0x0990, 8);
    rig.write(0, 0x0120, &[8, 0]);
    cycles(&mut rig, 10..2_500, 300_000);
    assert_eq!(al(&rig), (0x14, 0x2d));
    assert_eq!(rig.read(0, 0x0990, 8), first, "it doesn't go on");
    set(&mut rig, 0x03, 2_600 * MS, 1_000_000);
    rig.now = Duration::from_millis(2_650);
    assert_ne!(rig.read(0, 0x0990, 8), first, "the next start is as it should be");
    rig.segment.act(Action::MissStart { subdevice: 0, times: 1 }, rig.now).unwrap();
    set(&mut rig, 0x03, 2_700 * MS, 1_000_000);
    rig.now = Duration::from_secs(3);
    assert_eq!(rig.read(0, 0x0984, 1), [1]);
}

#[test]
fn sync0_that_vanishes_costs_op() {
    let mut rig = in_op();
    // The system time goes back by a second.
    rig.write(0, 0x0920, &(-1_000_000_000i64).to_le_bytes());
    cycles(&mut rig, 40..60, 300_000);
    assert_eq!(al(&rig), (0x14, 0x2c));
}

#[test]
fn the_objects_of_synchronization_show_what_is_so() {
    let mut rig = in_op();
    let mut servo = FromSii::read(&mut rig, 0, 0);
    cycles(&mut rig, 41..50, 300_000);
    for (subindex, value) in
        [(1, vec![2, 0]), (2, vec![0x40, 0x42, 0x0f, 0]), (5, vec![0x24, 0xf4, 0, 0]), (6, vec![0x20, 0x4e, 0, 0])]
    {
        assert_eq!(servo.upload(&mut rig, 0x1c32, subindex).unwrap(), value, "{subindex}");
    }
    for (subindex, value) in [(0x0b, vec![1, 0]), (0x0c, vec![0, 0]), (0x0d, vec![0, 0]), (0x20, vec![0])] {
        assert_eq!(servo.upload(&mut rig, 0x1c32, subindex).unwrap(), value, "{subindex}");
    }
    assert_eq!(servo.upload(&mut rig, 0x1c33, 1).unwrap(), [2, 0]);
    cycles(&mut rig, 53..54, 300_000);
    assert!(rig.fetch(0).is_some(), "the emergency");
    assert_eq!(servo.upload(&mut rig, 0x1c32, 0x20).unwrap(), [1]);
}

#[test]
fn without_sync0_the_objects_say_that_frames_are_followed() {
    let (mut rig, mut servo) = preop(SubDeviceConfig::new(ProfileKind::Servo));
    assert_eq!(servo.upload(&mut rig, 0x1c32, 1).unwrap(), [1, 0]);
    assert_eq!(servo.upload(&mut rig, 0x1c33, 1).unwrap(), [0x22, 0]);
}

#[test]
fn a_cycle_below_the_shortest_is_refused() {
    for (cycle, expected) in [(62_500, (4, 0)), (62_499, (0x12, 0x36))] {
        let (mut rig, servo) = preop(SubDeviceConfig::new(ProfileKind::Servo));
        set(&mut rig, 0x03, MS, cycle);
        assert_eq!(servo.safeop(&mut rig), expected, "{cycle} ns");
    }
}

#[test]
fn a_state_is_refused_with_the_code_that_was_asked_for() {
    let (mut rig, servo) = preop(SubDeviceConfig::new(ProfileKind::Servo));
    let refuse = Action::RefuseState { subdevice: 0, state: AlState::SafeOp, code: 0x32, times: 2 };
    rig.segment.act(refuse, rig.now).unwrap();
    for expected in [(0x12, 0x32), (0x12, 0x32), (4, 0)] {
        assert_eq!(servo.safeop(&mut rig), expected);
        rig.al(0, 0x12);
    }
}
