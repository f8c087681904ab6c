//! Cables, power and the two ends of a line (ETG.1000.4, 4.3, 5.4.1 and 6.2; ET1100 data sheet, section I, 3).

#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use support::Rig;
use zerocat_sim::{Action, ActionError, End, ProfileKind, SecondEndConfig, SegmentConfig, SubDeviceConfig};
use zerocat_wire::ethernet::MacAddress;
use zerocat_wire::{Address, AlState, Command, Datagram, FrameBuilder, FrameView};

fn ring(count: usize) -> Rig {
    let mut config = SegmentConfig::line(vec![SubDeviceConfig::new(ProfileKind::Coupler); count]);
    let last = u16::try_from(count - 1).unwrap();
    config.second_end = Some(SecondEndConfig { subdevice: last, port: None });
    Rig::new(&config)
}

/// What comes out of a segment: where, working counter of the first datagram, whether marked and circulated.
type Out = Option<(End, u16, bool, bool)>;

fn broadcast(circulating: bool) -> Vec<u8> {
    let mut buffer = vec![0u8; 60];
    let mut builder = FrameBuilder::new(&mut buffer, MacAddress::ACYCLIC).unwrap();
    builder.push(Datagram::new(Command::Brd, Address::broadcast(0), 1, 1)).unwrap();
    builder.finish().unwrap();
    buffer[16 + 7] |= u8::from(circulating) << 6;
    buffer
}

fn through(rig: &mut Rig, end: End, frame: &mut [u8]) -> Out {
    let exit = rig.segment.process_at(end, frame, rig.now)?;
    let view = FrameView::new_checked(frame).unwrap();
    let datagram = view.datagrams().next().unwrap().unwrap();
    let marked = view.source() == MacAddress::ACYCLIC.returned();
    Some((exit, datagram.working_counter(), marked, datagram.circulating()))
}

fn send(rig: &mut Rig, end: End) -> Out {
    through(rig, end, &mut broadcast(false))
}

fn count(rig: &mut Rig) -> u16 {
    rig.send(Command::Brd, Address::broadcast(0), &[0]).1
}

fn act(rig: &mut Rig, action: Action) {
    rig.segment.act(action, rig.now).unwrap();
}

#[test]
fn a_frame_runs_a_whole_ring_once_in_each_direction() {
    let mut rig = ring(4);
    assert_eq!(send(&mut rig, End::First), Some((End::Second, 4, true, false)));
    assert_eq!(send(&mut rig, End::Second), Some((End::First, 0, false, false)), "back through, untouched");
    assert_eq!(rig.segment.process(&mut broadcast(false), rig.now), zerocat_sim::Outcome::Lost);
}

#[test]
fn at_a_broken_ring_the_two_frames_reach_all_subdevices_together() {
    let mut rig = ring(4);
    act(&mut rig, Action::PullCable { child: 1 });
    assert_eq!(send(&mut rig, End::First), Some((End::First, 1, true, false)));
    assert_eq!(send(&mut rig, End::Second), Some((End::Second, 3, true, true)));
    act(&mut rig, Action::PlugCable { child: 1 });
    assert_eq!(send(&mut rig, End::First), Some((End::Second, 4, true, false)));
}

#[test]
fn a_frame_that_has_circulated_is_destroyed_at_a_port_0_without_link() {
    let mut rig = ring(3);
    assert_eq!(through(&mut rig, End::First, &mut broadcast(true)), Some((End::Second, 3, true, true)));
    act(&mut rig, Action::PullEnd(End::First));
    let mut frame = broadcast(false);
    assert_eq!(through(&mut rig, End::Second, &mut frame), Some((End::Second, 3, true, true)));
    assert_eq!(through(&mut rig, End::Second, &mut frame), None, "second pass");
    assert_eq!(send(&mut rig, End::First), None);
}

#[test]
fn a_pulled_cable_closes_the_loops_at_both_ends_and_counts_a_lost_link() {
    let mut rig = Rig::of(&[ProfileKind::Coupler; 3]);
    act(&mut rig, Action::PullCable { child: 1 });
    act(&mut rig, Action::PullCable { child: 1 });
    assert_eq!(count(&mut rig), 1);
    assert_eq!(rig.read_u16(0, 0x0110), 0x5611);
    assert_eq!(rig.read(0, 0x0310, 4), [0, 1, 0, 0]);
    act(&mut rig, Action::PlugCable { child: 1 });
    assert_eq!(count(&mut rig), 3);
    assert_eq!(rig.read(1, 0x0310, 4), [1, 0, 0, 0]);
    rig.write(1, 0x0310, &[0]);
    assert_eq!(rig.read(1, 0x0310, 4), [0; 4]);
}

#[test]
fn a_loop_on_auto_close_opens_only_when_told_to() {
    let mut rig = Rig::of(&[ProfileKind::Coupler; 2]);
    rig.write(0, 0x0101, &[0x04]);
    assert_eq!(count(&mut rig), 2);
    act(&mut rig, Action::PullCable { child: 1 });
    act(&mut rig, Action::PlugCable { child: 1 });
    assert_eq!((count(&mut rig), rig.read_u16(0, 0x0110)), (1, 0x5e31), "link, but closed");
    rig.write(0, 0x0101, &[0x04]);
    assert_eq!(count(&mut rig), 2);
}

#[test]
fn frames_are_lost_behind_an_open_loop_without_a_link() {
    let mut rig = Rig::of(&[ProfileKind::Coupler; 2]);
    rig.write(0, 0x0101, &[0x08]);
    assert_eq!(count(&mut rig), 2);
    act(&mut rig, Action::PullCable { child: 1 });
    assert_eq!(send(&mut rig, End::First), None);
    act(&mut rig, Action::PlugCable { child: 1 });
    assert_eq!(count(&mut rig), 2);
}

#[test]
fn a_subdevice_without_power_cuts_off_what_is_behind_it() {
    let mut rig = Rig::of(&[ProfileKind::Coupler, ProfileKind::Servo, ProfileKind::Servo]);
    rig.write(1, 0x0010, &[0x34, 0x12]);
    rig.preop(1);
    act(&mut rig, Action::PowerOff { subdevice: 1 });
    assert_eq!((count(&mut rig), rig.read(0, 0x0310, 2)), (1, vec![0, 1]));
    let snapshot = rig.segment.snapshot();
    assert_eq!((snapshot.subdevices[1].powered, snapshot.subdevices[1].position), (false, None));
    let refused = rig.segment.act(Action::AlError { subdevice: 1, state: None, code: 1 }, rig.now);
    assert_eq!(refused, Err(ActionError::NoPower(1)));
    act(&mut rig, Action::PowerOn { subdevice: 1 });
    assert_eq!(count(&mut rig), 3);
    assert_eq!((rig.read_u16(1, 0x0010), rig.read_u16(1, 0x0130), rig.read(1, 0x0800, 7)), (0, 1, vec![0; 7]));
    assert_eq!(rig.read(2, 0x0310, 1), [1], "it lost its link, not its power");
}

#[test]
fn the_sii_outlives_a_loss_of_power() {
    let mut rig = Rig::of(&[ProfileKind::Servo]);
    rig.write(0, 0x0508, &[0x34, 0x12]);
    rig.write(0, 0x0502, &[0x01, 0x02, 0x10, 0, 0, 0]);
    act(&mut rig, Action::PowerOff { subdevice: 0 });
    assert_eq!(send(&mut rig, End::First), None, "nobody is there");
    act(&mut rig, Action::PowerOn { subdevice: 0 });
    rig.write(0, 0x0502, &[0x00, 0x01, 0x10, 0, 0, 0]);
    assert_eq!(rig.read(0, 0x0508, 2), [0x34, 0x12]);
}

#[test]
fn wires_hold_over_a_loss_of_power() {
    let mut rig = Rig::new(&SegmentConfig::example());
    act(&mut rig, Action::PowerOff { subdevice: 2 });
    act(&mut rig, Action::PowerOn { subdevice: 2 });
    rig.sync_manager(2, 0, 0x1000, 1, 0x00);
    for state in [2, 4] {
        rig.al(2, state);
    }
    rig.now += std::time::Duration::from_secs(1);
    let _ = count(&mut rig);
    assert_eq!(rig.read(2, 0x1000, 1), [0], "still the valves', not a signal");
}

#[test]
fn a_damaged_frame_has_no_effect_behind_the_cable_and_is_counted_at_each_port() {
    let mut rig = Rig::of(&[ProfileKind::Coupler; 3]);
    act(&mut rig, Action::DamageFrames { child: 1, frames: 1 });
    let mut frame = [0u8; 60];
    let mut builder = FrameBuilder::new(&mut frame, MacAddress::ACYCLIC).unwrap();
    let at = builder.push(Datagram::new(Command::Bwr, Address::broadcast(0x0010), 1, 2)).unwrap();
    builder.finish().unwrap();
    frame[at] = 9;
    assert_eq!(rig.segment.process_at(End::First, &mut frame, rig.now), None);
    assert_eq!([0, 1, 2].map(|n| rig.read_u16(n, 0x0010)), [9, 0, 0]);
    assert_eq!(rig.read(1, 0x0300, 12), [1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0], "damaged at port 0, forwarded at 1");
    assert_eq!(rig.read(2, 0x0300, 12), [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(rig.read(0, 0x0300, 12), [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0]);
}

#[test]
fn an_al_error_falls_back_and_waits_for_its_acknowledgement() {
    let mut rig = Rig::of(&[ProfileKind::Servo]);
    rig.preop(0);
    act(&mut rig, Action::AlError { subdevice: 0, state: None, code: 0x1234 });
    assert_eq!((rig.read_u16(0, 0x0130), rig.read_u16(0, 0x0134)), (0x12, 0x1234));
    act(&mut rig, Action::AlError { subdevice: 0, state: Some(AlState::Init), code: 0x0017 });
    assert_eq!((rig.read_u16(0, 0x0130), rig.read_u16(0, 0x0134)), (0x11, 0x17));
    assert_eq!(rig.al(0, 0x11), (1, 0));
    let up = rig.segment.act(Action::AlError { subdevice: 0, state: Some(AlState::Op), code: 1 }, rig.now);
    assert_eq!(up.unwrap_err().to_string(), "SubDevice 0 can't fall back to OP from INIT");
}

#[test]
fn an_input_that_is_set_shows_its_value_and_keeps_it() {
    let mut rig = Rig::of(&[ProfileKind::DigitalIn]);
    rig.sync_manager(0, 0, 0x1000, 1, 0x00);
    for state in [2, 4] {
        rig.al(0, state);
    }
    let channels = |rig: &mut Rig, value| {
        for channel in 1..=4 {
            act(rig, Action::SetInput { subdevice: 0, channel, value });
        }
    };
    channels(&mut rig, 1);
    assert_eq!(rig.read(0, 0x1000, 1), [0x0f]);
    channels(&mut rig, 0);
    rig.now += std::time::Duration::from_secs(5);
    rig.segment.step(rig.now);
    assert_eq!(rig.read(0, 0x1000, 1), [0]);
}

#[test]
fn an_input_takes_what_its_entry_can_hold_and_no_more() {
    let kinds = [ProfileKind::DigitalIn, ProfileKind::AnalogueIn, ProfileKind::Encoder, ProfileKind::OversamplingIn];
    let mut rig = Rig::of(&kinds);
    let mut set = |subdevice, value: i64| {
        let set = Action::SetInput { subdevice, channel: 1, value: value.cast_unsigned() };
        rig.segment.act(set, rig.now).map_err(|error| error.to_string())
    };
    for (subdevice, low, high) in
        [(0, 0, 1), (1, -0x8000, 0x7fff), (2, -0x8000_0000, 0x7fff_ffff), (3, -0x8000, 0x7fff)]
    {
        assert_eq!((set(subdevice, low), set(subdevice, high)), (Ok(()), Ok(())));
        for wrong in [low - 1, high + 1, 99_999_999_999] {
            let said = format!("input channel 1 of SubDevice {subdevice} takes {low} to {high}, not {wrong}");
            assert_eq!(set(subdevice, wrong), Err(said));
        }
    }
}

#[test]
fn actions_on_what_is_not_there_are_refused_with_the_numbers() {
    let mut rig = Rig::new(&SegmentConfig::example());
    let mut error = |action| rig.segment.act(action, rig.now).unwrap_err().to_string();
    assert_eq!(error(Action::PullCable { child: 6 }), "no SubDevice 6, the segment has 0 to 5");
    assert_eq!(error(Action::PullEnd(End::Second)), "the segment has no second end");
    let set = |channel| Action::SetInput { subdevice: 2, channel, value: 1 };
    assert_eq!(error(set(5)), "SubDevice 2 has 4 input channels, none with number 5");
    assert_eq!(error(set(1)), "input channel 1 of SubDevice 2 is driven by a wire");
    let al = Action::AlError { subdevice: 1, state: None, code: 1 };
    assert_eq!(error(al), "SubDevice 1 has no application that could raise an AL error");
}
