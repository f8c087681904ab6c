//! Latch inputs and acknowledged SYNC signals (ET1100 data sheet, section I, 9.2, and section II, 0x0982 to 0x09CF).

#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::time::Duration;

use support::Rig;
use zerocat_sim::{Action, ActionError, LatchInput, ProfileKind};

fn edge(rig: &mut Rig, input: LatchInput, high: bool) {
    rig.segment.act(Action::SetLatchInput { subdevice: 0, input, high }, rig.now).unwrap();
}

fn u64_at(rig: &mut Rig, register: u16) -> u64 {
    u64::from_le_bytes(rig.read(0, register, 8).try_into().unwrap())
}

#[test]
fn edges_latch_the_system_time_and_show_the_pin() {
    let mut rig = Rig::of(&[ProfileKind::Servo]);
    rig.write(0, 0x0920, &1_000_000u64.to_le_bytes());
    for (ms, high) in [(10, true), (20, false), (30, true)] {
        rig.now = Duration::from_millis(ms);
        edge(&mut rig, LatchInput::Latch1, high);
    }
    assert_eq!((u64_at(&mut rig, 0x09C0), u64_at(&mut rig, 0x09C8)), (31_000_000, 21_000_000), "the last of each");
    assert_eq!(rig.read(0, 0x09AE, 2), [0, 4], "high, and no events outside of the single event mode");
    assert_eq!((u64_at(&mut rig, 0x09B0), u64_at(&mut rig, 0x09B8)), (0, 0), "the other input");
}

#[test]
fn a_single_event_holds_until_its_time_is_read() {
    let mut rig = Rig::of(&[ProfileKind::Servo]);
    rig.write(0, 0x09A8, &[0x03]);
    for (ms, high) in [(10, true), (20, false), (30, true), (40, false)] {
        rig.now = Duration::from_millis(ms);
        edge(&mut rig, LatchInput::Latch0, high);
    }
    assert_eq!(rig.read(0, 0x09AE, 1), [0x03], "both edges, low");
    assert_eq!(rig.read(0, 0x0210, 1)[0] & 1, 1, "event");
    assert_eq!(u64_at(&mut rig, 0x09B0), 10_000_000, "the first");
    assert_eq!(rig.read(0, 0x09AE, 1), [0x02], "acknowledged");
    assert_eq!(rig.read(0, 0x0210, 1)[0] & 1, 1, "the other edge");
    assert_eq!(u64_at(&mut rig, 0x09B8), 20_000_000);
    assert_eq!((rig.read(0, 0x09AE, 1)[0], rig.read(0, 0x0210, 1)[0] & 1), (0, 0));
    rig.now = Duration::from_millis(50);
    edge(&mut rig, LatchInput::Latch0, true);
    assert_eq!((rig.read(0, 0x09AE, 1)[0], u64_at(&mut rig, 0x09B0)), (0x05, 50_000_000), "armed again");
}

#[test]
fn a_latch_unit_that_was_given_to_the_application_is_not_touched() {
    use zerocat_wire::{Address, Command};
    let mut rig = Rig::of(&[ProfileKind::Servo]);
    rig.write(0, 0x09A8, &[0x01]);
    rig.write(0, 0x0980, &[0x10]);
    assert_eq!(rig.send(Command::Apwr, Address::position(0, 0x09A8), &[0]).1, 0);
    edge(&mut rig, LatchInput::Latch0, true);
    u64_at(&mut rig, 0x09B0);
    assert_eq!(rig.read(0, 0x09AE, 1), [0x05], "a read from the network acknowledges nothing");
    assert_eq!(rig.send(Command::Apwr, Address::position(0, 0x09A9), &[1]).1, 1, "the other unit");
}

#[test]
fn without_a_clock_there_is_nothing_to_latch() {
    let mut rig = Rig::of(&[ProfileKind::DigitalIn]);
    let action = Action::SetLatchInput { subdevice: 0, input: LatchInput::Latch0, high: true };
    assert_eq!(rig.segment.act(action, rig.now), Err(ActionError::NoClock(0)));
}

#[test]
fn a_start_time_of_32_bits_is_extended() {
    let mut rig = Rig::of(&[ProfileKind::Servo]);
    rig.write(0, 0x0920, &0x1_ffff_0000u64.to_le_bytes());
    rig.write(0, 0x09A0, &1_000_000u32.to_le_bytes());
    rig.write(0, 0x0981, &[0x10]);
    rig.write(0, 0x0990, &0x0000_1000u32.to_le_bytes());
    rig.write(0, 0x0981, &[0x13]);
    assert_eq!(u64_at(&mut rig, 0x0990), 0x2_0000_1000, "the next time that ends so");
}

#[test]
fn a_signal_without_a_length_waits_where_nobody_acknowledges_it() {
    for (kind, waiting) in [(ProfileKind::Coupler, [1, 0]), (ProfileKind::Servo, [0, 0])] {
        let mut rig = Rig::of(&[kind]);
        assert_eq!(rig.read(0, 0x0982, 2), [0, 0], "acknowledged mode");
        rig.write(0, 0x09A0, &1_000_000u32.to_le_bytes());
        rig.write(0, 0x0990, &5_000_000u64.to_le_bytes());
        rig.write(0, 0x0981, &[0x03]);
        assert_eq!(rig.read(0, 0x098E, 2), [0, 0]);
        rig.now += Duration::from_millis(6);
        assert_eq!(rig.read(0, 0x098E, 2), waiting, "{kind:?}");
    }
}
