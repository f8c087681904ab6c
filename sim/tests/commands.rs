//! Commands, addresses and working counters, frame by frame (ETG.1000.4, 5.4).

mod support;

use std::time::Duration;

use support::Rig;
use zerocat_sim::{Action, Millis, Outcome, ProfileKind, Segment, SegmentConfig, SubDeviceConfig};
use zerocat_wire::ethernet::MacAddress;
use zerocat_wire::{Address, Command, Datagram, FrameBuilder, FrameView};

const THREE: [ProfileKind; 3] = [ProfileKind::Coupler, ProfileKind::DigitalIn, ProfileKind::Servo];

fn rig() -> Rig {
    let mut rig = Rig::of(&THREE);
    for n in 0..3 {
        rig.write(n, 0x0010, &support::station(n).to_le_bytes());
    }
    rig
}

#[test]
fn a_broadcast_read_returns_the_literal_frame() {
    let mut segment = Segment::new(&SegmentConfig::example()).unwrap();
    #[rustfmt::skip]
    let mut frame = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x88, 0xa4,
        0x0e, 0x10,
        0x07, 0x2a, 0x00, 0x00, 0x30, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0xde, 0xad, 0xbe, 0xef,
    ];
    let mut expected = frame;
    expected[6] = 0x12;
    expected[18] = 6; // position: counted up by each SubDevice
    expected[26] = 1; // INIT
    expected[28] = 6; // working counter
    assert_eq!(segment.process(&mut frame, Duration::ZERO), Outcome::Returned);
    assert_eq!(frame, expected, "padding, index and events as sent");
}

#[test]
fn auto_increment_reaches_the_position_and_counts_every_visit() {
    let mut rig = rig();
    let (data, counter, address) = rig.exchange(Command::Aprd, Address::position(1, 0x0010), &[0; 2]);
    assert_eq!((data.as_slice(), counter), (&[0x01, 0x10][..], 1));
    assert_eq!(address.adp(), 2, "-1 + 3");
    let (data, counter) = rig.send(Command::Aprd, Address::position(3, 0x0010), &[7, 7]);
    assert_eq!((data.as_slice(), counter), (&[7, 7][..], 0));
}

#[test]
fn configured_addresses_reach_one_and_are_not_changed() {
    let mut rig = rig();
    let (_, counter, address) = rig.exchange(Command::Fpwr, Address::station(0x1002, 0x0420), &[5, 0]);
    assert_eq!((counter, address.adp()), (1, 0x1002));
    assert_eq!(rig.send(Command::Fprd, Address::station(0x1002, 0x0420), &[0; 2]), (vec![5, 0], 1));
    assert_eq!(rig.send(Command::Fprd, Address::station(0x1003, 0x0420), &[0; 2]).1, 0);
}

#[test]
fn a_station_address_counts_from_the_next_frame_on() {
    let mut rig = rig();
    assert_eq!(rig.send(Command::Fpwr, Address::station(0x1002, 0x0010), &[0x77, 0]).1, 1);
    assert_eq!(rig.send(Command::Fprd, Address::station(0x1002, 0x0010), &[0; 2]).1, 0);
    assert_eq!(rig.send(Command::Fprd, Address::station(0x0077, 0x0010), &[0; 2]).1, 1);
}

#[test]
fn an_alias_is_an_address_only_when_switched_on() {
    let servo = SubDeviceConfig { alias: 0x0300, ..SubDeviceConfig::new(ProfileKind::Servo) };
    let mut rig = Rig::new(&SegmentConfig::line(vec![servo]));
    assert_eq!(rig.read_u16(0, 0x0012), 0x0300);
    assert_eq!(rig.send(Command::Fprd, Address::station(0x0300, 0), &[0]).1, 0);
    rig.write(0, 0x0103, &[1]);
    assert_eq!(rig.send(Command::Fprd, Address::station(0x0300, 0), &[0]).1, 1);
}

#[test]
fn reading_and_writing_counts_three() {
    let mut rig = rig();
    rig.write(2, 0x0420, &[0x34, 0x12]);
    for (command, address) in
        [(Command::Aprw, Address::position(2, 0x0420)), (Command::Fprw, Address::station(0x1002, 0x0420))]
    {
        let before = rig.read(2, 0x0420, 2);
        assert_eq!(rig.send(command, address, &[9, 9]), (before, 3), "{command:?}");
        assert_eq!(rig.read(2, 0x0420, 2), [9, 9]);
    }
    assert_eq!(rig.send(Command::Fprw, Address::station(0x1002, 0x0000), &[9]).1, 1, "type is read-only");
}

#[test]
fn broadcasts_or_what_they_read() {
    let mut rig = rig();
    for (n, byte) in [(0, 0x01), (1, 0x04), (2, 0x10)] {
        rig.write(n, 0x0420, &[byte, 0]);
    }
    assert_eq!(rig.send(Command::Brd, Address::broadcast(0x0420), &[0x80, 0]), (vec![0x95, 0], 3));
    assert_eq!(rig.send(Command::Brw, Address::broadcast(0x0420), &[0, 0]), (vec![0x15, 0], 9));
    assert_eq!(rig.send(Command::Bwr, Address::broadcast(0x0420), &[3, 0]).1, 3);
    assert_eq!(rig.send(Command::Brd, Address::broadcast(0x0420), &[0, 0]), (vec![3, 0], 3));
}

#[test]
fn read_multiple_write_hands_one_value_to_all_behind() {
    for (command, address) in
        [(Command::Armw, Address::position(1, 0x0420)), (Command::Frmw, Address::station(0x1001, 0x0420))]
    {
        let mut rig = rig();
        for n in 0..3 {
            rig.write(n, 0x0420, &[n.to_le_bytes()[0] + 1, 0]);
        }
        assert_eq!(rig.send(command, address, &[0xaa, 0]), (vec![2, 0], 3), "{command:?}");
        let now: Vec<u8> = (0..3).map(|n| rig.read(n, 0x0420, 1)[0]).collect();
        assert_eq!(now, [0xaa, 2, 2], "before: what was sent; behind: what was read");
    }
}

#[test]
fn nop_and_unknown_commands_pass_untouched() {
    let mut rig = rig();
    assert_eq!(rig.exchange(Command::Nop, Address(0x1234_5678), &[1, 2]), (vec![1, 2], 0, Address(0x1234_5678)));
    let mut frame = [0u8; 60];
    frame[12..16].copy_from_slice(&[0x88, 0xa4, 0x0d, 0x10]);
    frame[16..28].copy_from_slice(&[99, 1, 0, 0, 0x10, 0, 1, 0, 0, 0, 7, 0]);
    let mut expected = frame;
    expected[6] = 2;
    assert_eq!(rig.segment.process(&mut frame, rig.now), Outcome::Returned);
    assert_eq!(frame, expected);
}

#[test]
fn several_datagrams_of_a_frame_are_done_in_order() {
    let mut rig = rig();
    let mut frame = [0u8; 60];
    frame[12..16].copy_from_slice(&[0x88, 0xa4, 28, 0x10]);
    // BWR of the watchdog time, then BRD of it.
    frame[16..30].copy_from_slice(&[8, 1, 0, 0, 0x20, 0x04, 2, 0x80, 0, 0, 0x2a, 0, 0, 0]);
    frame[30..44].copy_from_slice(&[7, 1, 0, 0, 0x20, 0x04, 2, 0x00, 0, 0, 0, 0, 0, 0]);
    assert_eq!(rig.segment.process(&mut frame, rig.now), Outcome::Returned);
    assert_eq!(frame[26..30], [0x2a, 0, 3, 0]);
    assert_eq!(frame[40..44], [0x2a, 0, 3, 0]);
    assert_eq!(rig.segment.totals().datagrams, 3 + 2);
}

#[test]
fn what_is_not_ethercat_or_broken_is_lost_untouched() {
    let mut rig = rig();
    let mut good = [0u8; 60];
    good[12..16].copy_from_slice(&[0x88, 0xa4, 14, 0x10]);
    good[16..30].copy_from_slice(&[7, 1, 0, 0, 0x30, 0x01, 2, 0, 0, 0, 0, 0, 0, 0]);
    type Damage = fn(&mut [u8; 60]);
    let damages: [Damage; 5] = [|f| f[13] = 0x00, |f| f[15] = 0x40, |f| f[14] = 60, |f| f[22] = 3, |f| f[23] = 0x80];
    for (n, damage) in damages.into_iter().enumerate() {
        let mut frame = good;
        damage(&mut frame);
        let before = frame;
        assert_eq!(rig.segment.process(&mut frame, rig.now), Outcome::Lost, "damage {n}");
        assert_eq!(frame, before);
    }
    for len in 0..30 {
        assert_eq!(rig.segment.process(&mut good[..len].to_vec(), rig.now), Outcome::Lost, "{len} bytes");
    }
}

#[test]
fn a_vlan_tag_hides_nothing() {
    let mut rig = rig();
    let mut frame = [0u8; 64];
    frame[12..20].copy_from_slice(&[0x81, 0x00, 0x00, 0x01, 0x88, 0xa4, 14, 0x10]);
    frame[20..34].copy_from_slice(&[7, 1, 0, 0, 0x30, 0x01, 2, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(rig.segment.process(&mut frame, rig.now), Outcome::Returned);
    assert_eq!(frame[30..34], [1, 0, 3, 0]);
}

#[test]
fn a_changed_link_shows_in_passing_datagrams_until_the_dl_status_is_read() {
    let mut rig = rig();
    rig.write(1, 0x0200, &[0x04, 0]);
    rig.read(1, 0x0110, 2);
    let mut frame = [0u8; 60];
    frame[12..16].copy_from_slice(&[0x88, 0xa4, 14, 0x10]);
    frame[16..30].copy_from_slice(&[4, 1, 0x99, 0x99, 0x30, 0x01, 2, 0, 0, 0, 0, 0, 0, 0]);
    let mut shown = |rig: &mut Rig| {
        frame[24..26].fill(0);
        assert_eq!(rig.segment.process(&mut frame, rig.now), Outcome::Returned);
        frame[24]
    };
    assert_eq!(shown(&mut rig), 0);
    rig.segment.act(Action::PullCable { child: 2 }, rig.now).unwrap();
    assert_eq!([shown(&mut rig), shown(&mut rig)], [0x04; 2]);
    rig.read(1, 0x0110, 2);
    assert_eq!(shown(&mut rig), 0);
}

#[test]
fn asked_for_events_show_in_passing_datagrams() {
    let mut rig = rig();
    rig.write(2, 0x0200, &[0x08, 0]);
    rig.preop(2);
    let mut frame = [0u8; 60];
    frame[12..16].copy_from_slice(&[0x88, 0xa4, 14, 0x10]);
    frame[16..30].copy_from_slice(&[4, 1, 0x99, 0x99, 0x30, 0x01, 2, 0, 0, 0, 0, 0, 0, 0]);
    rig.write(2, 0x0120, &[1, 0]);
    assert_eq!(rig.segment.process(&mut frame, rig.now), Outcome::Returned);
    assert_eq!(frame[24..26], [0x08, 0], "AL status changed and was not read since");
    rig.read(2, 0x0130, 2);
    frame[24] = 0;
    assert_eq!(rig.segment.process(&mut frame, rig.now), Outcome::Returned);
    assert_eq!(frame[24..26], [0, 0]);
}

#[test]
fn an_event_that_comes_between_two_frames_shows_in_the_next() {
    let slow = SubDeviceConfig {
        transition_delay: Millis(Duration::from_millis(5)),
        ..SubDeviceConfig::new(ProfileKind::Servo)
    };
    let mut rig = Rig::new(&SegmentConfig::line(vec![SubDeviceConfig::new(ProfileKind::Coupler), slow]));
    rig.write(1, 0x0200, &[0x0c, 0]);
    rig.read(1, 0x0130, 2);
    rig.read(1, 0x0110, 2);
    rig.write(1, 0x0120, &[2, 0]);
    let mut shown = |ms| {
        rig.now += Duration::from_millis(ms);
        let (outcome, frame) = rig.attempt(Command::Aprd, Address::position(0, 0x0000), &[0]);
        assert_eq!(outcome, Outcome::Returned);
        frame[24]
    };
    assert_eq!([shown(1), shown(5), shown(0)], [0, 0x08, 0x08], "AL status follows by itself");
}

#[test]
fn an_fmmu_that_a_frame_configures_maps_for_the_next_datagram_of_it() {
    let mut rig = rig();
    rig.write(1, 0x1100, &[0xa5]);
    let mut buffer = [0u8; 1514];
    let mut builder = FrameBuilder::new(&mut buffer, MacAddress::ACYCLIC).unwrap();
    let fmmu = [0, 0, 1, 0, 1, 0, 0, 7, 0x00, 0x11, 0, 1, 1];
    let at = builder.push(Datagram::new(Command::Apwr, Address::position(1, 0x0600), 0, fmmu.len())).unwrap();
    builder.push(Datagram::new(Command::Lrd, Address::logical(0x0001_0000), 0, 1)).unwrap();
    let len = builder.finish().unwrap();
    buffer[at..at + fmmu.len()].copy_from_slice(&fmmu);
    assert_eq!(rig.segment.process(&mut buffer[..len], rig.now), Outcome::Returned);
    let frame = FrameView::new_checked(&buffer[..len]).unwrap();
    let mapped = frame.datagrams().last().unwrap().unwrap();
    assert_eq!((mapped.data(), mapped.working_counter()), (&[0xa5][..], 1));
}
