//! AL states, watchdog, mailbox and process data of the SubDevices' applications (ETG.1000.6).

#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::time::Duration;

use support::Rig;
use zerocat_sim::{AlErrorConfig, Millis, ProfileKind, SegmentConfig, SubDeviceConfig, TargetState, WireConfig};
use zerocat_wire::{Address, Command};

const MS: Duration = Duration::from_millis(1);

fn servo() -> Rig {
    Rig::of(&[ProfileKind::Servo])
}

/// Sync managers of a servo's process data.
fn servo_process_data(rig: &mut Rig) {
    rig.sync_manager(0, 2, 0x1100, 8, 0x64);
    rig.sync_manager(0, 3, 0x1180, 12, 0x20);
}

fn outputs(rig: &mut Rig, control: u8, target: i32) -> u16 {
    let [a, b, c, d] = target.to_le_bytes();
    rig.send(Command::Apwr, Address::position(0, 0x1100), &[control, 0, a, b, c, d, 8, 0]).1
}

fn servo_in_op() -> Rig {
    let mut rig = servo();
    rig.preop(0);
    servo_process_data(&mut rig);
    assert_eq!(rig.al(0, 4), (4, 0));
    assert_eq!(outputs(&mut rig, 0, 0), 1);
    assert_eq!(rig.al(0, 8), (8, 0));
    rig
}

#[test]
fn a_subdevice_goes_all_the_way_and_back() {
    let mut rig = servo_in_op();
    assert_eq!(rig.al(0, 4), (4, 0));
    assert_eq!(rig.al(0, 2), (2, 0));
    assert_eq!(rig.al(0, 1), (1, 0));
}

#[test]
fn a_jump_is_refused_and_must_be_acknowledged() {
    let mut rig = servo();
    assert_eq!(rig.al(0, 8), (0x11, 0x0011));
    assert_eq!(rig.al(0, 2), (0x11, 0x0011), "not acknowledged");
    assert_eq!(rig.al(0, 0x11), (0x01, 0));
    assert_eq!(rig.al(0, 5), (0x11, 0x0012));
    assert_eq!(rig.al(0, 0x13), (0x11, 0x0013));
}

#[test]
fn preop_needs_its_mailboxes() {
    let mut rig = servo();
    assert_eq!(rig.al(0, 2), (0x11, 0x0016), "none");
    rig.sync_manager(0, 0, 0x1000, 128, 0x26);
    rig.sync_manager(0, 1, 0x1040, 128, 0x22);
    assert_eq!(rig.al(0, 0x12), (0x11, 0x0016), "they overlap");
    rig.write(0, 0x080e, &[0]);
    rig.sync_manager(0, 1, 0x1080, 128, 0x20);
    assert_eq!(rig.al(0, 0x12), (0x11, 0x0016), "buffered");
}

#[test]
fn safeop_needs_sync_managers_that_fit_the_pdos() {
    let mut rig = servo();
    rig.preop(0);
    assert_eq!(rig.al(0, 4), (0x12, 0x001d));
    rig.sync_manager(0, 2, 0x1100, 8, 0x64);
    assert_eq!(rig.al(0, 0x14), (0x12, 0x001e));
    rig.sync_manager(0, 3, 0x1180, 11, 0x20);
    assert_eq!(rig.al(0, 0x14), (0x12, 0x001e));
    rig.write(0, 0x081e, &[0]);
    rig.sync_manager(0, 3, 0x1180, 12, 0x20);
    assert_eq!(rig.al(0, 0x14), (0x04, 0));
}

#[test]
fn op_waits_for_outputs_and_gives_up() {
    let mut rig = servo();
    rig.preop(0);
    servo_process_data(&mut rig);
    rig.al(0, 4);
    assert_eq!(rig.al(0, 8), (4, 0));
    rig.now += MS * 50;
    outputs(&mut rig, 0, 0);
    assert_eq!(rig.read_u16(0, 0x0130), 8);

    let mut rig = servo();
    rig.preop(0);
    servo_process_data(&mut rig);
    rig.al(0, 4);
    rig.al(0, 8);
    rig.now += MS * 101;
    assert_eq!((rig.read_u16(0, 0x0130), rig.read_u16(0, 0x0134)), (0x14, 0x0019));
}

#[test]
fn a_silent_maindevice_costs_op_and_the_outputs() {
    let mut rig = servo_in_op();
    assert_eq!(rig.read_u16(0, 0x0440), 1);
    rig.now += MS * 99;
    assert_eq!(rig.read_u16(0, 0x0130), 8);
    rig.now += MS * 2;
    assert_eq!((rig.read_u16(0, 0x0130), rig.read_u16(0, 0x0134)), (0x14, 0x001b));
    assert_eq!((rig.read_u16(0, 0x0440), rig.read(0, 0x0442, 1)), (0, vec![1]));
    assert_eq!(rig.segment.snapshot().subdevices[0].watchdog_expiries, 1);
    assert_eq!(rig.al(0, 0x18), (0x04, 0), "no outputs since");
    outputs(&mut rig, 0, 0);
    assert_eq!(rig.read_u16(0, 0x0130), 8);
    rig.write(0, 0x0442, &[0]);
    assert_eq!(rig.read(0, 0x0442, 1), [0]);
}

#[test]
fn the_watchdog_time_is_what_the_registers_say() {
    let mut rig = servo_in_op();
    rig.write(0, 0x0420, &[0, 0]);
    outputs(&mut rig, 0, 0);
    rig.now += MS * 10_000;
    assert_eq!(rig.read_u16(0, 0x0130), 8, "switched off");
    // 10 ticks of 40 ns * (4998 + 2): 2 ms.
    rig.write(0, 0x0400, &4998u16.to_le_bytes());
    rig.write(0, 0x0420, &[10, 0]);
    outputs(&mut rig, 0, 0);
    rig.now += MS * 2;
    assert_eq!(rig.read_u16(0, 0x0130), 0x14);
}

#[test]
fn digital_outputs_drop_when_the_watchdog_expires_and_the_esc_stays_in_op() {
    let mut config = SegmentConfig::line(vec![
        SubDeviceConfig::new(ProfileKind::DigitalOut),
        SubDeviceConfig::new(ProfileKind::DigitalIn),
    ]);
    config.wires = vec![WireConfig { from: "0.out.2".into(), to: "1.in.3".into() }];
    let mut rig = Rig::new(&config);
    rig.sync_manager(0, 0, 0x0f00, 1, 0x44);
    rig.sync_manager(1, 0, 0x1000, 1, 0x00);
    for state in [2, 4, 8] {
        assert_eq!(rig.al(0, state), (u16::from(state), 0));
    }
    rig.write(0, 0x0f00, &[0x02]);
    assert_eq!(rig.read(1, 0x1000, 1)[0] & 0x04, 0x04);
    rig.now += MS * 101;
    assert_eq!(rig.read(1, 0x1000, 1)[0] & 0x04, 0);
    assert_eq!(rig.read_u16(0, 0x0130), 8);
    assert_eq!(rig.al(0, 0x14), (0x14, 0), "an ESC without application shows the acknowledge bit as error bit");
}

#[test]
fn outputs_act_in_op_only() {
    let mut config = SegmentConfig::line(vec![
        SubDeviceConfig::new(ProfileKind::DigitalOut),
        SubDeviceConfig::new(ProfileKind::DigitalIn),
    ]);
    config.wires = vec![WireConfig { from: "0.out.1".into(), to: "1.in.1".into() }];
    let mut rig = Rig::new(&config);
    rig.sync_manager(0, 0, 0x0f00, 1, 0x44);
    rig.sync_manager(1, 0, 0x1000, 1, 0x00);
    let mut shown = Vec::new();
    for state in [2, 4, 8, 4] {
        rig.al(0, state);
        rig.write(0, 0x0f00, &[0x01]);
        shown.push(rig.read(1, 0x1000, 1)[0] & 1);
    }
    assert_eq!(shown, [0, 0, 1, 0]);
}

#[test]
fn a_transition_may_take_its_time() {
    let slow = SubDeviceConfig { transition_delay: Millis(MS * 20), ..SubDeviceConfig::new(ProfileKind::Servo) };
    let mut rig = Rig::new(&SegmentConfig::line(vec![slow]));
    rig.sync_manager(0, 0, 0x1000, 128, 0x26);
    rig.sync_manager(0, 1, 0x1080, 128, 0x22);
    assert_eq!(rig.al(0, 2), (1, 0));
    rig.now += MS * 20;
    assert_eq!(rig.read_u16(0, 0x0130), 2);
}

#[test]
fn a_transition_that_is_asked_for_again_goes_on_and_one_that_is_taken_back_ends() {
    let slow = SubDeviceConfig { transition_delay: Millis(MS * 20), ..SubDeviceConfig::new(ProfileKind::Servo) };
    let mut rig = Rig::new(&SegmentConfig::line(vec![slow]));
    rig.sync_manager(0, 0, 0x1000, 128, 0x26);
    rig.sync_manager(0, 1, 0x1080, 128, 0x22);
    for at in [0, 9, 18] {
        rig.now = MS * at;
        assert_eq!(rig.al(0, 2), (1, 0));
    }
    rig.now = MS * 20;
    assert_eq!(rig.read_u16(0, 0x0130), 2, "20 ms after it was asked for first");

    assert_eq!(rig.al(0, 1), (2, 0));
    assert_eq!(rig.al(0, 2), (2, 0), "INIT is taken back");
    rig.now += MS * 100;
    assert_eq!(rig.al(0, 2), (2, 0));
}

#[test]
fn op_that_is_taken_back_before_outputs_come_is_not_entered_with_them() {
    let mut rig = servo();
    rig.preop(0);
    servo_process_data(&mut rig);
    rig.al(0, 4);
    assert_eq!(rig.al(0, 8), (4, 0), "waits for outputs");
    assert_eq!(rig.al(0, 4), (4, 0));
    outputs(&mut rig, 0, 0);
    assert_eq!((rig.read_u16(0, 0x0130), rig.read_u16(0, 0x0134)), (4, 0));
    rig.now += MS * 101;
    assert_ne!(rig.read_u16(0, 0x0134), 0x0019, "nor does it fail for the lack of outputs");
}

#[test]
fn an_error_on_purpose_comes_once() {
    let error = AlErrorConfig { on: TargetState::SafeOp, code: 29, times: 1 };
    let bad = SubDeviceConfig { al_error: Some(error), ..SubDeviceConfig::new(ProfileKind::Servo) };
    let mut rig = Rig::new(&SegmentConfig::line(vec![bad]));
    rig.preop(0);
    servo_process_data(&mut rig);
    assert_eq!(rig.al(0, 4), (0x12, 29));
    assert_eq!(rig.al(0, 0x14), (4, 0));
}

#[test]
fn an_expedited_upload_is_literal() {
    let mut rig = servo();
    rig.preop(0);
    let reply = rig.coe(0, 1, &[0x00, 0x20, 0x40, 0x18, 0x10, 0x01, 0, 0, 0, 0]).unwrap();
    assert_eq!(reply, [0x00, 0x30, 0x43, 0x18, 0x10, 0x01, 0x63, 0x7a, 0, 0]);
}

#[test]
fn a_text_longer_than_four_bytes_comes_as_a_normal_upload() {
    let mut rig = Rig::new(&SegmentConfig::line(vec![SubDeviceConfig::new(ProfileKind::Servo).named("axis 1")]));
    rig.preop(0);
    let reply = rig.coe(0, 1, &[0x00, 0x20, 0x40, 0x08, 0x10, 0x00, 0, 0, 0, 0]).unwrap();
    assert_eq!(reply, [&[0x00, 0x30, 0x41, 0x08, 0x10, 0x00, 6, 0, 0, 0][..], b"axis 1"].concat());
}

#[test]
fn a_long_value_goes_up_and_down_in_segments() {
    let mut rig = servo();
    rig.preop(0);
    let note: Vec<u8> = (0..324u32).map(|n| n.to_le_bytes()[0]).collect();
    // Mailbox 128: 112 bytes with the first mail, then 119 in each segment.
    let mut body = vec![0x00, 0x20, 0x21, 0x00, 0x20, 0x00, 0x44, 0x01, 0, 0];
    body.extend(&note[..112]);
    assert_eq!(rig.coe(0, 1, &body).unwrap()[..6], [0x00, 0x30, 0x60, 0x00, 0x20, 0x00]);
    let first = [&[0x00, 0x20, 0x00][..], &note[112..231]].concat();
    assert_eq!(rig.coe(0, 2, &first).unwrap()[..3], [0x00, 0x30, 0x20]);
    let last = [&[0x00, 0x20, 0x11][..], &note[231..]].concat();
    assert_eq!(rig.coe(0, 3, &last).unwrap()[..3], [0x00, 0x30, 0x30]);

    let start = rig.coe(0, 4, &[0x00, 0x20, 0x40, 0x00, 0x20, 0x00, 0, 0, 0, 0]).unwrap();
    assert_eq!(start[..10], [0x00, 0x30, 0x41, 0x00, 0x20, 0x00, 0x44, 0x01, 0, 0]);
    let middle = rig.coe(0, 5, &[0x00, 0x20, 0x60, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    assert_eq!(middle[..3], [0x00, 0x30, 0x00]);
    let end = rig.coe(0, 6, &[0x00, 0x20, 0x70, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    assert_eq!(end[..3], [0x00, 0x30, 0x11]);
    assert_eq!([&start[10..], &middle[3..], &end[3..]].concat(), note);
}

#[test]
fn a_wrong_toggle_ends_the_transfer() {
    let mut rig = servo();
    rig.preop(0);
    rig.coe(0, 1, &[0x00, 0x20, 0x40, 0x00, 0x20, 0x00, 0, 0, 0, 0]).unwrap();
    let reply = rig.coe(0, 2, &[0x00, 0x20, 0x70, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    assert_eq!(reply, [0x00, 0x20, 0x80, 0x00, 0x20, 0x00, 0x00, 0x00, 0x03, 0x05]);
}

/// Abort code of an expedited download of `data` (up to 4 bytes), or 0.
fn download(rig: &mut Rig, counter: u8, index: u16, subindex: u8, data: &[u8]) -> u32 {
    let [i0, i1] = index.to_le_bytes();
    let unused = u8::try_from(4 - data.len()).unwrap();
    let mut body = vec![0x00, 0x20, 0x23 | unused << 2, i0, i1, subindex];
    body.extend(data);
    body.resize(10, 0);
    let reply = rig.coe(0, counter, &body).unwrap();
    match reply[2] {
        0x60 => 0,
        0x80 => u32::from_le_bytes(reply[6..10].try_into().unwrap()),
        other => panic!("command {other:#x}"),
    }
}

#[test]
fn aborts_say_why() {
    let mut rig = servo();
    rig.preop(0);
    let mut asked = 0u8;
    let mut try_download = |index, subindex, data: &[u8]| {
        asked = asked % 7 + 1;
        download(&mut rig, asked, index, subindex, data)
    };
    assert_eq!(try_download(0x5555, 0, &[0]), 0x0602_0000);
    assert_eq!(try_download(0x1018, 1, &[0; 4]), 0x0601_0002);
    assert_eq!(try_download(0x60c2, 3, &[0]), 0x0609_0011);
    assert_eq!(try_download(0x60c2, 1, &[0, 0]), 0x0607_0012);
    assert_eq!(try_download(0x607a, 0, &[0, 0]), 0x0607_0013);
    assert_eq!(try_download(0x1c12, 1, &[0x00, 0x16]), 0x0601_0003, "count is not 0");
    assert_eq!(try_download(0x1c12, 0, &[0]), 0);
    assert_eq!(try_download(0x1c12, 1, &[0x00, 0x1a]), 0x0604_0041);
    assert_eq!(try_download(0x1c12, 0, &[9]), 0x0604_0042);
    assert_eq!(try_download(0x1c12, 1, &[0x00, 0x16]), 0);
    assert_eq!(try_download(0x1c12, 0, &[1]), 0);
}

#[test]
fn an_assignment_is_changed_in_preop_only_and_changes_the_length() {
    let mut rig = Rig::of(&[ProfileKind::AnalogueIn]);
    rig.preop(0);
    // Compact PDOs of both channels by complete access: count, padding, 0x1a01, 0x1a03.
    let body = [0x00, 0x20, 0x31, 0x13, 0x1c, 0x00, 6, 0, 0, 0, 2, 0, 0x01, 0x1a, 0x03, 0x1a];
    assert_eq!(rig.coe(0, 1, &body).unwrap()[2], 0x70);
    let reply = rig.coe(0, 2, &[0x00, 0x20, 0x50, 0x13, 0x1c, 0x00, 0, 0, 0, 0]).unwrap();
    assert_eq!(reply, [0x00, 0x30, 0x51, 0x13, 0x1c, 0x00, 6, 0, 0, 0, 2, 0, 0x01, 0x1a, 0x03, 0x1a]);
    rig.sync_manager(0, 3, 0x1180, 8, 0x20);
    assert_eq!(rig.al(0, 4), (0x12, 0x001e));
    rig.write(0, 0x081e, &[0]);
    rig.sync_manager(0, 3, 0x1180, 4, 0x20);
    assert_eq!(rig.al(0, 0x14), (4, 0));
    // Emergencies of the failed transition, and of its end.
    assert_eq!(rig.fetch(0).unwrap()[6..16], [0x00, 0x10, 0x00, 0xa0, 0x10, 0x1e, 0, 0, 0, 0]);
    assert_eq!(rig.fetch(0).unwrap()[6..16], [0x00, 0x10, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(download(&mut rig, 3, 0x1c13, 0, &[0]), 0x0800_0022);
}

#[test]
fn no_request_is_taken_while_a_reply_waits() {
    let mut rig = servo();
    rig.preop(0);
    let upload = [0x00, 0x20, 0x40, 0x18, 0x10, 0x01, 0, 0, 0, 0];
    assert_eq!(rig.post(0, 1, 3, &upload), 1);
    assert_eq!(rig.post(0, 2, 3, &upload), 1, "waits in the mailbox");
    assert_eq!(rig.post(0, 3, 3, &upload), 0, "is still full");
    let counters = [rig.fetch(0), rig.fetch(0), rig.fetch(0)].map(|mail| mail.map(|mail| mail[5] >> 4));
    assert_eq!(counters, [Some(1), Some(2), None]);
    assert_eq!(rig.segment.snapshot().subdevices[0].mailbox_requests, 2);
}

#[test]
fn a_repeated_request_is_dropped_and_a_lost_reply_comes_again() {
    let mut rig = servo();
    rig.preop(0);
    let upload = [0x00, 0x20, 0x40, 0x18, 0x10, 0x01, 0, 0, 0, 0];
    let first = rig.coe(0, 5, &upload).unwrap();
    assert_eq!(rig.coe(0, 5, &upload), None, "same counter");
    // Repeat request: toggled in the activate byte of sync manager 1, acknowledged in its PDI control.
    rig.write(0, 0x080e, &[0x03]);
    assert_eq!(rig.read(0, 0x080f, 1), [0x02]);
    assert_eq!(rig.fetch(0).unwrap()[6..16], first);
    assert!(rig.coe(0, 6, &upload).is_some());
}

#[test]
fn other_protocols_get_an_error_reply() {
    let mut rig = servo();
    rig.preop(0);
    assert_eq!(rig.post(0, 1, 4, &[0; 8]), 1);
    assert_eq!(rig.fetch(0).unwrap()[..10], [4, 0, 0, 0, 0, 0x10, 1, 0, 2, 0]);
}

#[test]
fn a_servo_follows_its_target_and_says_so() {
    let mut rig = servo_in_op();
    for control in [0x06, 0x07, 0x0f, 0x0f] {
        outputs(&mut rig, control, 1_000);
        rig.now += MS * 20;
    }
    rig.now += MS * 20;
    let inputs = rig.read(0, 0x1180, 12);
    assert_eq!(inputs[..2], [0x37, 0x12]);
    assert_eq!(i32::from_le_bytes(inputs[2..6].try_into().unwrap()), 1_000);
    assert_eq!(inputs[10], 8);
    // The same by SDO.
    let reply = rig.coe(0, 1, &[0x00, 0x20, 0x40, 0x64, 0x60, 0x00, 0, 0, 0, 0]).unwrap();
    assert_eq!(reply[6..10], 1_000i32.to_le_bytes());
}

#[test]
fn an_analogue_wire_carries_the_value() {
    let mut config = SegmentConfig::line(vec![
        SubDeviceConfig::new(ProfileKind::AnalogueOut),
        SubDeviceConfig::new(ProfileKind::AnalogueIn),
    ]);
    config.wires = vec![WireConfig { from: "0.out.2".into(), to: "1.in.1".into() }];
    let mut rig = Rig::new(&config);
    for n in 0..2 {
        rig.preop(n);
    }
    rig.sync_manager(0, 2, 0x1100, 4, 0x64);
    rig.sync_manager(1, 3, 0x1180, 8, 0x20);
    assert_eq!((rig.al(0, 4), rig.al(1, 4)), ((4, 0), (4, 0)));
    rig.write(0, 0x1100, &[0, 0, 0, 0]);
    assert_eq!(rig.al(0, 8), (8, 0));
    rig.write(0, 0x1100, &[0, 0, 0x34, 0x12]);
    assert_eq!(rig.read(1, 0x1180, 8)[2..4], [0x34, 0x12]);
}

#[test]
fn the_same_frames_at_the_same_times_give_the_same_bytes() {
    let run = || {
        let mut rig = Rig::new(&SegmentConfig::demo());
        let mut seen = Vec::new();
        for n in 0..200u32 {
            rig.now += Duration::from_micros(u64::from(n) * 37);
            let register = [0x1000, 0x0130, 0x1180][n as usize % 3];
            seen.push(rig.send(Command::Brd, Address::broadcast(register), &[0; 8]));
        }
        seen
    };
    assert_eq!(run(), run());
}
