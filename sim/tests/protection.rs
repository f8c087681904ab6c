//! Write protection of registers and of the whole ESC (ET1100 data sheet, section I, 17.3), and loop settings that hold
//! for a second (section II, 0x0100).

#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::time::Duration;

use support::Rig;
use zerocat_sim::{Outcome, ProfileKind};
use zerocat_wire::ethernet::MacAddress;
use zerocat_wire::{Address, Command, Datagram, FrameBuilder, FrameView};

/// Writes several registers in one frame and returns the working counters.
fn write_together(rig: &mut Rig, writes: &[(u16, &[u8])]) -> Vec<u16> {
    let mut buffer = vec![0u8; 1514];
    let mut builder = FrameBuilder::new(&mut buffer, MacAddress::ACYCLIC).unwrap();
    let mut places = Vec::new();
    for (register, data) in writes {
        let datagram = Datagram::new(Command::Apwr, Address::position(0, *register), 1, data.len());
        places.push((builder.push(datagram).unwrap(), *data));
    }
    let len = builder.finish().unwrap();
    for (at, data) in places {
        buffer[at..at + data.len()].copy_from_slice(data);
    }
    buffer.truncate(len);
    assert_eq!(rig.segment.process(&mut buffer, rig.now), Outcome::Returned);
    let view = FrameView::new_checked(&buffer).unwrap();
    view.datagrams().map(|datagram| datagram.unwrap().working_counter()).collect()
}

#[test]
fn protected_registers_take_writes_in_the_frame_that_enables_them() {
    let mut rig = Rig::of(&[ProfileKind::Servo]);
    rig.write(0, 0x0021, &[1]);
    assert_eq!(write_together(&mut rig, &[(0x0010, &[1, 0])]), [0]);
    assert_eq!(write_together(&mut rig, &[(0x0020, &[1]), (0x0010, &[1, 0])]), [1, 1]);
    assert_eq!(rig.read_u16(0, 0x0010), 1);
    assert_eq!(write_together(&mut rig, &[(0x0010, &[2, 0])]), [0], "another frame");
    assert_eq!(write_together(&mut rig, &[(0x0010, &[2, 0]), (0x0020, &[1])]), [0, 1], "too late");
    assert_eq!(write_together(&mut rig, &[(0x0f80, &[7]), (0x1000, &[7])]), [1, 1], "memory is free");
    assert_eq!(write_together(&mut rig, &[(0x0020, &[1, 0]), (0x0010, &[3, 0])]), [1, 1], "switched off");
    assert_eq!(write_together(&mut rig, &[(0x0010, &[4, 0])]), [1]);
}

#[test]
fn a_protected_esc_takes_no_write_at_all() {
    let mut rig = Rig::of(&[ProfileKind::Servo]);
    rig.write(0, 0x0031, &[1]);
    for address in [0x0010, 0x0f80, 0x1000] {
        assert_eq!(write_together(&mut rig, &[(address, &[1, 2])]), [0], "{address:#06x}");
        assert_eq!(write_together(&mut rig, &[(0x0030, &[1]), (address, &[1, 2])]), [1, 1], "{address:#06x}");
        assert_eq!(rig.read(0, address, 2), [1, 2]);
    }
    // A mapped area is memory as well.
    let fmmu = [0, 0, 0, 0, 2, 0, 0, 7, 0x00, 0x10, 0, 2, 1];
    assert_eq!(write_together(&mut rig, &[(0x0030, &[1]), (0x0600, &fmmu)]), [1, 1]);
    assert_eq!(rig.send(Command::Lwr, Address::logical(0), &[9, 9]).1, 0);
    assert_eq!(write_together(&mut rig, &[(0x0030, &[1]), (0x0031, &[0])]), [1, 1]);
    assert_eq!(rig.send(Command::Lwr, Address::logical(0), &[9, 9]).1, 1);
}

#[test]
fn both_protections_need_both_enables() {
    let mut rig = Rig::of(&[ProfileKind::Servo]);
    assert_eq!(write_together(&mut rig, &[(0x0031, &[1]), (0x0030, &[1]), (0x0021, &[1])]), [1, 1, 1]);
    assert_eq!(
        write_together(&mut rig, &[(0x0030, &[1]), (0x0010, &[1, 0]), (0x0020, &[1]), (0x0010, &[2, 0])]),
        [1, 0, 1, 1]
    );
    assert_eq!(rig.read_u16(0, 0x0010), 2);
}

#[test]
fn temporary_loop_settings_are_taken_back_after_a_second() {
    let mut rig = Rig::of(&[ProfileKind::Coupler, ProfileKind::DigitalIn, ProfileKind::DigitalIn]);
    let count = |rig: &mut Rig| rig.send(Command::Brd, Address::broadcast(0), &[0]).1;
    // Port 1 of the first is closed for a second.
    rig.write(0, 0x0100, &[0x03, 0x0c]);
    assert_eq!(count(&mut rig), 1);
    rig.now += Duration::from_millis(900);
    assert_eq!(count(&mut rig), 1);
    rig.now += Duration::from_millis(200);
    rig.segment.step(rig.now);
    assert_eq!(count(&mut rig), 3);
    assert_eq!(rig.read(0, 0x0100, 2), [0x01, 0x00], "the settings before");
    rig.write(0, 0x0100, &[0x01, 0x0c]);
    rig.now += Duration::from_secs(5);
    rig.segment.step(rig.now);
    assert_eq!(count(&mut rig), 1, "permanent");
}
