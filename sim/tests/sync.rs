//! What an application asks of the cyclic unit on its way to OP (ETG.1020, AL status codes), with the modes of operation
//! of a device description (ETG.2000).

#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::path::Path;
use std::time::Duration;

use support::Rig;
use support::from_sii::FromSii;
use zerocat_sim::{ProfileKind, SegmentConfig, SubDeviceConfig};

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
