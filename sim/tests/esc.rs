//! Registers, sync managers, FMMUs, SII, ports and watchdog of an ESC (ETG.1000.4, 6).

mod support;

use std::time::Duration;

use proptest::prelude::*;
use support::Rig;
use zerocat_sim::{Action, Millis, Outcome, ProfileKind, Segment, SegmentConfig, SubDeviceConfig};
use zerocat_wire::{Address, Command};

fn servo() -> Rig {
    Rig::of(&[ProfileKind::Servo])
}

fn read_sii(rig: &mut Rig, word: u32) -> Vec<u8> {
    let [a, b, c, d] = word.to_le_bytes();
    rig.write(0, 0x0502, &[0x00, 0x01, a, b, c, d]);
    rig.read(0, 0x0502, 14)
}

#[test]
fn information_registers_are_those_of_the_profile() {
    assert_eq!(servo().read(0, 0x0000, 10), [0x11, 0, 3, 0, 8, 8, 8, 0xaa, 0xfc, 0]);
}

/// ET1100 data sheet, section II, 0x0040.
#[test]
fn an_esc_is_reset_by_three_letters() {
    let mut rig = servo();
    rig.preop(0);
    for (letter, progress) in [(b'R', 1), (b'S', 0), (b'R', 1), (b'E', 2)] {
        rig.write(0, 0x0040, &[letter]);
        assert_eq!((rig.read(0, 0x0040, 1), rig.read_u16(0, 0x0130)), (vec![progress], 2));
    }
    rig.write(0, 0x0040, b"S");
    assert_eq!((rig.read(0, 0x0040, 1), rig.read_u16(0, 0x0130), rig.read(0, 0x0800, 7)), (vec![0], 1, vec![0; 7]));
    assert_eq!(rig.read_u16(0, 0x0110), 0x5613);
}

#[test]
fn read_only_registers_take_no_write() {
    let mut rig = servo();
    for register in [0x0000, 0x0004, 0x0008, 0x0110, 0x0130, 0x0134, 0x0440, 0x0805, 0x0807, 0x0918, 0x092c, 0x3000] {
        assert_eq!(rig.send(Command::Apwr, Address::position(0, register), &[0xff]).1, 0, "{register:#06x}");
    }
}

#[test]
fn memory_ends_where_the_ram_does() {
    let mut rig = servo();
    rig.write(0, 0x2fff, &[0x5a]);
    assert_eq!(rig.read(0, 0x2fff, 2), [0x5a, 0]);
    assert_eq!(rig.send(Command::Aprd, Address::position(0, 0x3000), &[1]), (vec![1], 0));
    assert_eq!(rig.send(Command::Aprd, Address::position(0, 0xffff), &[1, 1]).1, 0);
}

#[test]
fn identity_is_read_eight_bytes_at_a_time() {
    let mut rig = servo();
    let data = read_sii(&mut rig, 8);
    assert_eq!(data[0..2], [0x40, 0x00], "reads 8 bytes, not busy, no error");
    assert_eq!(data[6..14], [0x63, 0x7a, 0, 0, 0x02, 0x04, 0, 0]);
}

#[test]
fn an_sii_may_be_read_four_bytes_at_a_time() {
    let narrow = SubDeviceConfig { sii_width: Some(4), ..SubDeviceConfig::new(ProfileKind::DigitalOut) };
    let mut rig = Rig::new(&SegmentConfig::line(vec![narrow]));
    let data = read_sii(&mut rig, 10);
    assert_eq!((data[0], &data[6..14]), (0x00, &[0x52, 0x30, 0xd4, 0x07, 0, 0, 0, 0][..]));
}

#[test]
fn an_sii_interface_that_is_silent_is_not_counted_and_the_rest_of_the_esc_is() {
    let silent = SubDeviceConfig { sii_silent: true, ..SubDeviceConfig::new(ProfileKind::DigitalOut) };
    let mut rig = Rig::new(&SegmentConfig::line(vec![silent, SubDeviceConfig::new(ProfileKind::DigitalOut)]));
    let mut counted = |command, register, data: &[u8]| rig.send(command, Address::broadcast(register), data).1;
    assert_eq!([counted(Command::Bwr, 0x0500, &[0]), counted(Command::Brd, 0x0500, &[0; 16])], [1, 1]);
    assert_eq!(counted(Command::Bwr, 0x0502, &[0, 1, 8, 0, 0, 0]), 1);
    assert_eq!([counted(Command::Brd, 0x0000, &[0]), counted(Command::Brd, 0x0130, &[0; 2])], [2, 2]);
}

#[test]
fn an_sii_command_takes_its_time() {
    let slow =
        SubDeviceConfig { sii_delay: Millis(Duration::from_millis(2)), ..SubDeviceConfig::new(ProfileKind::Servo) };
    let mut rig = Rig::new(&SegmentConfig::line(vec![slow]));
    assert_eq!(read_sii(&mut rig, 8)[1], 0x81, "busy with a read");
    assert_eq!(rig.send(Command::Apwr, Address::position(0, 0x0504), &[9]).1, 0, "busy");
    rig.now += Duration::from_millis(2);
    assert_eq!(rig.read(0, 0x0502, 2), [0x40, 0]);
}

#[test]
fn an_sii_write_needs_its_enable_bit_and_an_alias_comes_with_power() {
    let mut rig = servo();
    rig.write(0, 0x0508, &[0x34, 0x12]);
    rig.write(0, 0x0502, &[0x00, 0x02, 4, 0, 0, 0]);
    assert_eq!(rig.read(0, 0x0503, 1)[0] & 0x60, 0x60, "command and write enable error");
    rig.write(0, 0x0502, &[0x01, 0x02, 4, 0, 0, 0]);
    assert_eq!(rig.read(0, 0x0503, 1), [0]);
    assert_eq!(read_sii(&mut rig, 4)[6..8], [0x34, 0x12]);
    rig.write(0, 0x0502, &[0x00, 0x04]);
    assert_eq!(rig.read(0, 0x0503, 1)[0], 0x18, "the checksum no longer holds, nothing was loaded");
    assert_eq!(rig.read_u16(0, 0x0110) & 1, 0, "the PDI is not operational");
    assert_eq!(rig.read_u16(0, 0x0012), 0);
    // The checksum of the first words with the new alias; a reload leaves the alias register alone.
    let words = [&read_sii(&mut rig, 0)[6..14], &read_sii(&mut rig, 4)[6..14], &[0; 112]].concat();
    rig.write(0, 0x0508, &[zerocat_wire::sii::fixed::checksum(&words).unwrap(), 0]);
    rig.write(0, 0x0502, &[0x01, 0x02, 7, 0, 0, 0]);
    rig.write(0, 0x0502, &[0x00, 0x04]);
    assert_eq!((rig.read(0, 0x0503, 1)[0], rig.read_u16(0, 0x0110) & 1), (0, 1), "the checksum holds");
    assert_eq!(rig.read_u16(0, 0x0012), 0);
    for action in [Action::PowerOff { subdevice: 0 }, Action::PowerOn { subdevice: 0 }] {
        rig.segment.act(action, rig.now).unwrap();
    }
    assert_eq!(rig.read_u16(0, 0x0012), 0x1234);
}

#[test]
fn the_sii_belongs_to_the_application_when_it_is_given_away() {
    let mut rig = servo();
    rig.write(0, 0x0500, &[1]);
    assert_eq!(rig.send(Command::Apwr, Address::position(0, 0x0502), &[0, 1, 8, 0, 0, 0]).1, 0);
}

#[test]
fn a_mailbox_is_written_once_and_read_once() {
    // With an application the mailboxes would be closed in INIT.
    let emulated = SubDeviceConfig { device_emulation: Some(true), ..SubDeviceConfig::new(ProfileKind::Servo) };
    let mut rig = Rig::new(&SegmentConfig::line(vec![emulated]));
    rig.sync_manager(0, 0, 0x1000, 128, 0x26);
    rig.sync_manager(0, 1, 0x1080, 128, 0x22);
    let mut to = |command, address, len: usize| rig.send(command, Address::position(0, address), &vec![1; len]).1;
    assert_eq!(to(Command::Aprd, 0x1080, 128), 0, "empty");
    assert_eq!(to(Command::Apwr, 0x1080, 128), 0, "wrong direction");
    assert_eq!(to(Command::Aprd, 0x1000, 128), 0, "wrong direction");
    assert_eq!(to(Command::Apwr, 0x1004, 4), 0, "not from the first byte on");
    assert_eq!(to(Command::Apwr, 0x1000, 10), 1, "opens it");
    assert_eq!(to(Command::Apwr, 0x107f, 1), 1, "the last byte fills it");
    assert_eq!(to(Command::Apwr, 0x1000, 128), 0, "full");
    assert_eq!(rig.read(0, 0x0805, 1), [0x08]);
}

#[test]
fn a_sync_manager_that_is_on_keeps_its_area() {
    let mut rig = servo();
    rig.sync_manager(0, 0, 0x1000, 128, 0x26);
    rig.write(0, 0x0800, &[0x00, 0x20, 1, 0, 0, 0, 1, 0]);
    assert_eq!(rig.read(0, 0x0800, 5), [0x00, 0x10, 128, 0, 0x26]);
    rig.write(0, 0x0806, &[0]);
    rig.write(0, 0x0800, &[0x00, 0x20, 1, 0, 0]);
    assert_eq!(rig.read(0, 0x0800, 5), [0x00, 0x20, 1, 0, 0]);
}

#[test]
fn memory_without_a_sync_manager_is_plain() {
    let mut rig = servo();
    rig.write(0, 0x1004, &[1, 2, 3]);
    assert_eq!(rig.read(0, 0x1003, 5), [0, 1, 2, 3, 0]);
}

#[test]
fn inputs_cannot_be_read_before_they_are_valid() {
    let mut rig = servo();
    rig.preop(0);
    rig.sync_manager(0, 2, 0x1100, 8, 0x64);
    rig.sync_manager(0, 3, 0x1180, 12, 0x20);
    assert_eq!(rig.send(Command::Aprd, Address::position(0, 0x1180), &[0; 12]).1, 0);
    assert_eq!(rig.read(0, 0x081d, 1), [0x30], "no buffer written");
    assert_eq!(rig.al(0, 4), (4, 0));
    assert_eq!(rig.send(Command::Aprd, Address::position(0, 0x1180), &[0; 12]).1, 1);
}

#[test]
fn a_buffer_does_not_change_while_it_is_read() {
    let mut rig = Rig::of(&[ProfileKind::AnalogueIn]);
    rig.preop(0);
    rig.sync_manager(0, 3, 0x1180, 8, 0x20);
    assert_eq!(rig.al(0, 4), (4, 0));
    let whole = rig.read(0, 0x1180, 8);
    let first = rig.read(0, 0x1180, 2);
    rig.now += Duration::from_millis(100);
    let rest = rig.read(0, 0x1182, 6);
    assert_eq!([first, rest].concat(), whole);
    assert_ne!(rig.read(0, 0x1180, 8), whole, "the next read has the newest");
}

#[test]
fn fmmus_map_single_bits_in_both_directions() {
    let mut rig = Rig::new(&wired());
    // Outputs 1 to 4 at logical bits 5 to 8, inputs 1 to 4 at bits 9 to 12 of address 0x10000.
    rig.sync_manager(0, 0, 0x0f00, 1, 0x44);
    rig.sync_manager(1, 0, 0x1000, 1, 0x00);
    rig.fmmu(0, 0, [0, 0, 1, 0, 2, 0, 5, 0, 0x00, 0x0f, 0, 2, 1]);
    rig.fmmu(1, 0, [1, 0, 1, 0, 1, 0, 1, 4, 0x00, 0x10, 0, 1, 1]);
    for n in 0..2 {
        for state in [2, 4, 8] {
            rig.al(n, state);
        }
    }
    // Outputs 1, 3, 4: bits 5, 7, 8. All other bits set must not get through.
    assert_eq!(rig.send(Command::Lwr, Address::logical(0x1_0000), &[0xbf, 0xff]).1, 1);
    assert_eq!(rig.read(1, 0x1000, 1), [0x0d]);
    assert_eq!(rig.send(Command::Lrd, Address::logical(0x1_0000), &[0xff, 0xe1]), (vec![0xff, 0xfb], 1));
    assert_eq!(rig.send(Command::Lrw, Address::logical(0x1_0000), &[0x40, 0x00]), (vec![0x40, 0x1a], 3));
    assert_eq!(rig.read(1, 0x1000, 1), [0x02]);
    assert_eq!(rig.send(Command::Lrw, Address::logical(0x2_0000), &[0, 0]).1, 0);
}

fn wired() -> SegmentConfig {
    let mut config = SegmentConfig::example();
    config.subdevices.remove(0);
    config.subdevices.truncate(2);
    config.wires.truncate(4);
    config
}

#[test]
fn logical_counters_are_per_subdevice_not_per_fmmu() {
    let mut rig = servo();
    rig.fmmu(0, 0, [0, 0, 0, 0, 2, 0, 0, 7, 0x00, 0x12, 0, 2, 1]);
    rig.fmmu(0, 1, [2, 0, 0, 0, 2, 0, 0, 7, 0x10, 0x12, 0, 2, 1]);
    rig.fmmu(0, 2, [0, 0, 0, 0, 4, 0, 0, 7, 0x00, 0x14, 0, 1, 1]);
    rig.write(0, 0x1400, &[9, 8, 7, 6]);
    assert_eq!(rig.send(Command::Lwr, Address::logical(0), &[1, 2, 3, 4]).1, 1);
    assert_eq!(rig.send(Command::Lrw, Address::logical(0), &[1, 2, 3, 4]), (vec![9, 8, 7, 6], 3));
    assert_eq!((rig.read(0, 0x1200, 2), rig.read(0, 0x1210, 2)), (vec![1, 2], vec![3, 4]));
    assert_eq!(rig.send(Command::Lrd, Address::logical(1), &[0; 8]), (vec![8, 7, 6, 0, 0, 0, 0, 0], 1));
}

#[test]
fn a_subdevice_without_lrw_lets_it_pass() {
    let plain = SubDeviceConfig { lrw: false, ..SubDeviceConfig::new(ProfileKind::Servo) };
    let mut rig = Rig::new(&SegmentConfig::line(vec![plain]));
    assert_eq!(rig.read_u16(0, 0x0008) & 0x0200, 0x0200);
    rig.fmmu(0, 0, [0, 0, 0, 0, 2, 0, 0, 7, 0x00, 0x14, 0, 3, 1]);
    assert_eq!(rig.send(Command::Lrw, Address::logical(0), &[1, 2]).1, 0);
    assert_eq!(rig.send(Command::Lwr, Address::logical(0), &[1, 2]).1, 1);
    assert_eq!(rig.send(Command::Lrd, Address::logical(0), &[0, 0]), (vec![1, 2], 1));
}

#[test]
fn a_register_can_be_mapped_to_the_process_image() {
    let mut rig = servo();
    rig.fmmu(0, 0, [0, 0, 0, 0, 2, 0, 0, 7, 0x30, 0x01, 0, 1, 1]);
    assert_eq!(rig.send(Command::Lrd, Address::logical(0), &[0, 0]), (vec![1, 0], 1));
}

#[test]
fn ports_show_a_line_and_a_star() {
    let mut line = Rig::of(&[ProfileKind::Coupler; 3]);
    let status: Vec<u16> = (0..3).map(|n| line.read_u16(n, 0x0110)).collect();
    // Ports 0 and 1 with link and open; the last one's port 1 closed.
    assert_eq!(status, [0x5a31, 0x5a31, 0x5611]);

    let on = |parent, port| SubDeviceConfig {
        parent: Some(parent),
        port: Some(port),
        ..SubDeviceConfig::new(ProfileKind::Coupler)
    };
    let star = vec![SubDeviceConfig::new(ProfileKind::Coupler), on(0, 1), on(0, 2), on(0, 3)];
    let mut star = Rig::new(&SegmentConfig::line(star));
    assert_eq!(star.read_u16(0, 0x0110), 0xaaf1);
    let order: Vec<Option<u16>> = star.segment.snapshot().subdevices.iter().map(|s| s.position).collect();
    assert_eq!(order, [Some(0), Some(2), Some(3), Some(1)]);
}

#[test]
fn a_port_closed_by_command_cuts_the_rest_off() {
    let mut rig = Rig::of(&[ProfileKind::Coupler; 3]);
    rig.write(1, 0x0101, &[0x0c]);
    assert_eq!(rig.send(Command::Brd, Address::broadcast(0), &[0]).1, 2);
    rig.write(1, 0x0101, &[0x00]);
    assert_eq!(rig.send(Command::Brd, Address::broadcast(0), &[0]).1, 3);
}

#[test]
fn error_counters_count_and_are_cleared_by_a_write() {
    let mut rig = servo();
    let mut broken = [0u8; 60];
    broken[12..16].copy_from_slice(&[0x88, 0xa4, 0xff, 0x10]);
    assert_eq!(rig.segment.process(&mut broken, rig.now), Outcome::Lost);
    assert_eq!(rig.read(0, 0x030c, 1), [1]);
    rig.write(0, 0x030c, &[0]);
    assert_eq!(rig.read(0, 0x030c, 1), [0]);
}

proptest! {
    #[test]
    fn no_frame_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut segment = Segment::new(&SegmentConfig::example()).unwrap();
        let _ = segment.process(&mut bytes.clone(), Duration::ZERO);
    }

    /// Well-formed datagrams with any command, address and data, aimed at where things are.
    #[test]
    fn no_sequence_of_datagrams_panics(
        datagrams in prop::collection::vec(
            (0u8..16, any::<u16>(), register(), prop::collection::vec(any::<u8>(), 0..140), 0u64..200),
            1..60,
        )
    ) {
        let mut rig = Rig::new(&SegmentConfig::example());
        for n in 3..6 {
            rig.preop(n);
        }
        for (command, adp, ado, data, wait) in datagrams {
            rig.now += Duration::from_millis(wait);
            let Ok(command) = Command::from_code(command) else { continue };
            let adp = if adp & 1 == 0 { 0u16.wrapping_sub(adp >> 1 & 7) } else { adp };
            // A frame gets lost where a port was closed on its way.
            let _ = rig.attempt(command, Address::parts(adp, ado), &data);
        }
    }
}

fn register() -> impl Strategy<Value = u16> {
    prop_oneof![
        any::<u16>(),
        Just(0x0120u16),
        Just(0x1000),
        Just(0x1080),
        0x0500u16..0x0510,
        0x0600u16..0x0640,
        0x0800u16..0x0820,
        0x1000u16..0x1300,
    ]
}
