//! ESCs of several kinds, and what a MainDevice learns by asking for what they don't have.

#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::time::Duration;

use support::Rig;
use zerocat_sim::{EscModel, Millis, ProfileKind, RamConfig, SegmentConfig, SubDeviceConfig};
use zerocat_wire::{Address, Command};

fn with(esc: EscModel, profile: ProfileKind) -> SubDeviceConfig {
    SubDeviceConfig { esc: Some(esc), ..SubDeviceConfig::new(profile) }
}

fn rig(subdevices: Vec<SubDeviceConfig>) -> Rig {
    Rig::new(&SegmentConfig::line(subdevices))
}

/// Registers 0x0000 to 0x0009 and 0x0102, as `docs/sim.md` has them.
#[test]
fn each_kind_says_what_the_device_said() {
    let said = [
        (EscModel::Et1100, [0x11, 0, 3, 0, 8, 8, 8, 0xaa, 0xfc, 0x00], 0xc7),
        (EscModel::Ek1100, [0x11, 0, 3, 0, 8, 8, 8, 0x3b, 0xfc, 0x00], 0xc7),
        (EscModel::Et1200, [0x12, 1, 1, 0, 3, 4, 1, 0x4a, 0xfc, 0x01], 0xc7),
        (EscModel::Et1200Early, [0x12, 1, 1, 0, 3, 4, 1, 0x4a, 0xfc, 0x00], 0xc7),
        (EscModel::Akd, [0x04, 2, 0x43, 0, 3, 4, 4, 0x0f, 0x84, 0x01], 0x07),
        (EscModel::Lan9252, [0xc0, 2, 0, 0, 3, 4, 4, 0x1f, 0xcc, 0x01], 0x07),
    ];
    for (model, registers, fifo) in said {
        let mut rig = rig(vec![with(model, ProfileKind::DigitalIn)]);
        assert_eq!(rig.read(0, 0x0000, 10), registers, "{model:?}");
        assert_eq!(rig.read(0, 0x0102, 1), [fifo], "{model:?}");
    }
}

#[test]
fn profiles_are_what_the_device_that_they_play_is() {
    let mut rig = Rig::of(&[ProfileKind::Coupler, ProfileKind::DigitalIn, ProfileKind::DigitalOut]);
    assert_eq!(rig.read(0, 0x0000, 10), [0x11, 0, 3, 0, 8, 8, 8, 0x3b, 0xfc, 0x00]);
    assert_eq!(rig.read(1, 0x0000, 8), [0x12, 1, 1, 0, 3, 4, 1, 0x4a]);
    assert_eq!([1, 2].map(|n| rig.read_u16(n, 0x0008)), [0x01fc, 0x00fc]);
    assert_eq!([0, 1, 2].map(|n| rig.read_u16(n, 0x0502)), [0x0040, 0x0050, 0x0040]);
    assert_eq!([0, 1, 2].map(|n| rig.read_u16(n, 0x0140)), [0x0d00, 0x0104, 0x0104]);
}

#[test]
fn a_port_with_a_cable_in_it_is_there() {
    let branch =
        |port| SubDeviceConfig { parent: Some(0), port: Some(port), ..SubDeviceConfig::new(ProfileKind::DigitalIn) };
    let mut rig = rig(vec![SubDeviceConfig::new(ProfileKind::DigitalIn), branch(1), branch(2), branch(3)]);
    assert_eq!(rig.read(0, 0x0007, 1), [0xaa]);
    assert_eq!(rig.read(1, 0x0007, 1), [0x4a]);
}

#[test]
fn what_a_subdevice_needs_beyond_its_esc_is_there_all_the_same() {
    let mut rig = rig(vec![with(EscModel::Et1200, ProfileKind::Servo)]);
    let [fmmus, sync_managers, ram] = *rig.read(0, 0x0004, 3).first_chunk().unwrap();
    assert!(fmmus == 3 && sync_managers == 4 && ram >= 1, "{fmmus} {sync_managers} {ram}");
    rig.preop(0);
}

#[test]
fn registers_that_an_esc_does_not_have_are_not_counted() {
    let mut rig = Rig::of(&[ProfileKind::DigitalIn, ProfileKind::Servo]);
    for (register, counter) in
        [(0x0620, 2), (0x0630, 1), (0x0670, 1), (0x0680, 0), (0x0818, 2), (0x0820, 1), (0x0840, 0), (0x0700, 0)]
    {
        assert_eq!(rig.send(Command::Brd, Address::broadcast(register), &[0; 8]).1, counter, "{register:#06x}");
    }
    assert_eq!(rig.send(Command::Brd, Address::broadcast(0x0600), &[0; 256]).1, 2, "a part of it is there");
}

/// AL control is a mailbox where an application has to read it (ET1100 data sheet, section II, 0x0120).
#[test]
fn al_control_takes_no_other_write_before_the_application_has_read_the_first() {
    let slow = SubDeviceConfig {
        al_latency: Some(Millis(Duration::from_millis(3))),
        ..SubDeviceConfig::new(ProfileKind::Servo)
    };
    let mut rig =
        rig(vec![slow, SubDeviceConfig::new(ProfileKind::Servo), with(EscModel::Akd, ProfileKind::DigitalIn)]);
    let init = |rig: &mut Rig| rig.send(Command::Bwr, Address::broadcast(0x0120), &[0x11, 0]).1;
    assert_eq!([init(&mut rig), init(&mut rig)], [3, 2], "the others have read it, or nobody has to");
    rig.now += Duration::from_millis(3);
    assert_eq!(init(&mut rig), 3);
}

#[test]
fn an_application_that_takes_its_time_changes_its_state_later() {
    let mut rig = rig(vec![with(EscModel::Lan9252, ProfileKind::Servo)]);
    rig.sync_manager(0, 0, 0x1000, 128, 0x26);
    rig.sync_manager(0, 1, 0x1080, 128, 0x22);
    assert_eq!(rig.al(0, 2), (1, 0));
    assert_eq!(rig.read_u16(0, 0x0130), 2, "with the third frame");
    rig.write(0, 0x0120, &[1, 0]);
    rig.now += Duration::from_micros(4999);
    assert_eq!(rig.read_u16(0, 0x0130), 2);
    rig.now += Duration::from_micros(1);
    assert_eq!(rig.read_u16(0, 0x0130), 1, "with the time");
}

/// What gatorcat 0.4.7 counts everybody by: it stops when one is missing (`MainDevice.zig`, `Scanner.zig`).
#[test]
fn everybody_counts_writes_to_all_fmmus_and_sync_managers_at_once() {
    let kinds = [
        ProfileKind::Coupler,
        ProfileKind::DigitalIn,
        ProfileKind::DigitalOut,
        ProfileKind::Servo,
        ProfileKind::AnalogueIn,
    ];
    let mut rig = Rig::of(&kinds);
    for (register, data) in [
        (0x0100, vec![0x01, 0x00]),
        (0x0300, vec![0; 8]),
        (0x0600, vec![0; 256]),
        (0x0800, vec![0; 128]),
        (0x0103, vec![0]),
        (0x0120, vec![1, 0]),
        (0x0500, vec![2]),
        (0x0500, vec![0]),
    ] {
        assert_eq!(rig.send(Command::Bwr, Address::broadcast(register), &data).1, 5, "{register:#06x}");
    }
    for position in 0..5 {
        rig.write(position, 0x0600, &[0; 256]);
        rig.write(position, 0x0800, &[0; 128]);
    }
}

#[test]
fn old_bytes_of_the_memory_stand_behind_a_mail() {
    let ram = vec![RamConfig { address: 0x1080, bytes: "a5".repeat(128) }];
    let mut rig = rig(vec![SubDeviceConfig { ram, ..SubDeviceConfig::new(ProfileKind::Servo) }]);
    rig.preop(0);
    rig.post(0, 1, 3, &[0x00, 0x20, 0x40, 0x00, 0x10, 0, 0, 0, 0, 0]);
    let mail = rig.fetch(0).unwrap();
    assert_eq!((mail[0], &mail[16..]), (10, &[0xa5; 112][..]));
}

#[test]
fn the_application_ends_its_mails_with_what_it_happens_to_have() {
    let mut rig = rig(vec![SubDeviceConfig { mail_ends: "5a".into(), ..SubDeviceConfig::new(ProfileKind::Servo) }]);
    rig.preop(0);
    for (counter, end) in [(1, 0x5a), (2, 0x5a), (3, 0x5a)] {
        rig.post(0, counter, 3, &[0x00, 0x20, 0x40, 0x00, 0x10, 0, 0, 0, 0, 0]);
        assert_eq!(rig.fetch(0).unwrap()[126..], [0, end]);
    }
}

#[test]
fn keys_of_the_esc_are_checked() {
    let error = |keys: &str| {
        let text = format!(r#"{{"subdevices": [{{"profile": "servo", {keys}}}]}}"#);
        SegmentConfig::from_json(&text).unwrap_err().to_string()
    };
    let width = error(r#""sii_width": 6"#);
    assert_eq!(width, "subdevices[0].sii_width: 6 bytes at a time, an SII is read 4 or 8 at a time");
    assert!(error(r#""esc": "et1000""#).contains("et1100"), "names those that there are");
    let address = error(r#""ram": [{"address": 256, "bytes": "00"}]"#);
    assert_eq!(address, "subdevices[0].ram[0].address: the RAM begins at 4096, not at 256");
    let ends = error(r#""mail_ends": "0x""#);
    assert_eq!(ends, "subdevices[0].mail_ends: bytes are written as pairs of hexadecimal digits");
    let bytes = error(r#""ram": [{"address": 4096, "bytes": "0"}]"#);
    assert_eq!(bytes, "subdevices[0].ram[0].bytes: bytes are written as pairs of hexadecimal digits");
}
