//! What each command does, as frames on the cable show it.

use crate::program::Program;
use crate::raw::{APWR, BRD, BWR, Bus, Datagram};
use crate::running::Running;
use zerocat_link::packet::PacketLink;
use zerocat_testkit::netns::in_private_netns;

/// Registers (ETG.1000.4, clause 6; ET1100 data sheet, section II).
const STATION: u16 = 0x0010;
const AL_CONTROL: u16 = 0x0120;
const AL_STATUS: u16 = 0x0130;
const AL_STATUS_CODE: u16 = 0x0134;
const RX_ERRORS: u16 = 0x0300;
const FORWARDED_ERRORS: u16 = 0x0308;
const LOST_LINKS: u16 = 0x0310;
const RECEIVE_TIME: u16 = 0x0900;
const UNIT_TIME: u16 = 0x0918;

/// Of the segment of the demonstration.
const VALVES: u16 = 1;
const SENSORS: u16 = 3;
const AXIS: u16 = 5;

/// The segment of the demonstration and a MainDevice without a mind of its own.
fn with_demo(test: impl FnOnce(&mut Running, &mut Bus<PacketLink>) + Send) {
    in_private_netns(|veth| {
        let mut sim = Running::at(veth, &["--seed", "7"]);
        let mut bus = Bus::at(&veth.master);
        test(&mut sim, &mut bus);
    });
}

/// Sends so many broadcast reads one after the other, and gives what came back, in that order.
fn burst(bus: &mut Bus<PacketLink>, count: u8) -> Vec<Datagram> {
    for _ in 0..count {
        bus.send(BRD, (0, AL_STATUS), &[0, 0]);
    }
    std::iter::from_fn(|| bus.next()).collect()
}

fn indexes(datagrams: &[Datagram]) -> Vec<u8> {
    datagrams.iter().map(|datagram| datagram.index).collect()
}

#[test]
fn a_pulled_cable_takes_what_is_behind_it_off_the_bus_and_counts_a_lost_link() {
    with_demo(|sim, bus| {
        sim.done("pull sensors");
        assert_eq!((bus.count(), bus.read(SENSORS - 1, LOST_LINKS + 1, 1)), (3, vec![1]));
        sim.done("plug sensors");
        assert_eq!(bus.count(), 6);
        sim.done("pull 0");
        bus.send(BRD, (0, AL_STATUS), &[0, 0]);
        assert_eq!(bus.next(), None, "the MainDevice's own cable");
        sim.done("plug 0");
        assert_eq!(bus.count(), 6);
    });
}

#[test]
fn damaged_frames_are_lost_and_counted_where_they_came_in() {
    with_demo(|sim, bus| {
        sim.done("damage switches 2");
        assert_eq!(indexes(&burst(bus, 4)), [2, 3]);
        assert_eq!(bus.read(2, RX_ERRORS, 2), [2, 2], "invalid frames and physical errors at port 0");
        assert_eq!((bus.read(VALVES, RX_ERRORS, 2), bus.read(SENSORS, FORWARDED_ERRORS, 1)), (vec![0, 0], vec![2]));
    });
}

#[test]
fn a_subdevice_that_was_off_has_forgotten_what_it_was_told() {
    with_demo(|sim, bus| {
        bus.write(AXIS, STATION, &[0x34, 0x12]);
        sim.done("power off axis");
        assert_eq!(bus.count(), 5);
        sim.done("power on axis");
        assert_eq!((bus.count(), bus.read(AXIS, STATION, 2)), (6, vec![0, 0]));
    });
}

#[test]
fn frames_are_dropped_on_the_way_back_or_on_the_way_out() {
    with_demo(|sim, bus| {
        sim.done("drop every 3");
        assert_eq!(indexes(&burst(bus, 6)), [0, 1, 3, 4]);
        sim.done("drop every 1");
        bus.send(APWR, (0, STATION), &[0x34, 0x12]);
        assert_eq!(bus.next(), None);
        sim.done("drop off");
        assert_eq!(bus.read(0, STATION, 2), [0x34, 0x12], "lost on the way back");
        sim.done("drop every 1 out");
        bus.send(APWR, (0, STATION), &[0x78, 0x56]);
        assert_eq!(bus.next(), None);
        sim.done("faults off");
        assert_eq!(bus.read(0, STATION, 2), [0x34, 0x12], "lost on the way out");
        sim.done("drop 100%");
        assert_eq!(burst(bus, 3), []);
    });
}

#[test]
fn delayed_frames_come_after_later_ones_and_doubled_ones_twice() {
    with_demo(|sim, bus| {
        sim.done("delay 2 frames every 4");
        assert_eq!(indexes(&burst(bus, 7)), [0, 1, 2, 4, 5, 3, 6]);
        sim.done("delay off");
        sim.done("duplicate every 2");
        assert_eq!(indexes(&burst(bus, 4)), [7, 7, 8, 9, 9, 10], "counted from the first frame");
        sim.done("duplicate off");
        assert_eq!(indexes(&burst(bus, 2)), [11, 12]);
    });
}

#[test]
fn a_corrupted_frame_differs_in_one_bit_behind_its_ethernet_header() {
    with_demo(|sim, bus| {
        let answer = |bus: &mut Bus<PacketLink>| {
            bus.send(BRD, (0, AL_STATUS), &[0, 0]);
            bus.next_frame().unwrap()
        };
        let mut whole = answer(bus);
        sim.done("corrupt every 1");
        let corrupted = answer(bus);
        // The index counts on.
        whole[17] += 1;
        let flipped: Vec<_> = whole.iter().zip(&corrupted).map(|(a, b)| (a ^ b).count_ones()).collect();
        assert_eq!((flipped[..14].iter().sum::<u32>(), flipped[14..].iter().sum::<u32>()), (0, 1));
        sim.done("corrupt off");
        whole[17] += 1;
        assert_eq!(answer(bus), whole);
    });
}

#[test]
fn an_al_error_shows_in_status_and_code_until_it_is_acknowledged() {
    with_demo(|sim, bus| {
        sim.done("al-error axis 0x001b");
        assert_eq!((bus.read(AXIS, AL_STATUS, 2), bus.read(AXIS, AL_STATUS_CODE, 2)), (vec![0x11, 0], vec![0x1b, 0]));
        bus.write(AXIS, AL_CONTROL, &[0x11, 0]);
        assert_eq!((bus.read(AXIS, AL_STATUS, 2), bus.read(AXIS, AL_STATUS_CODE, 2)), (vec![0x01, 0], vec![0, 0]));
        let problem = sim.command("al-error axis 0x001b OP").unwrap();
        assert!(problem.contains("can't fall back to OP from INIT"), "{problem}");
        let problem = sim.command("al-error valves 0x001b").unwrap();
        assert!(problem.contains("no application"), "{problem}");
    });
}

/// Takes a SubDevice with mailboxes of 128 bytes at 0x1000 and 0x1080 to PRE-OP.
fn preop(bus: &mut Bus<PacketLink>, position: u16) {
    bus.write(position, 0x0800, &[0x00, 0x10, 128, 0, 0x26, 0, 1, 0]);
    bus.write(position, 0x0808, &[0x80, 0x10, 128, 0, 0x22, 0, 1, 0]);
    bus.write(position, AL_CONTROL, &[2, 0]);
    assert_eq!(bus.read(position, AL_STATUS, 2), [2, 0]);
}

/// Asks for the vendor in object 0x1018 (ETG.1000.6, 5.6.2).
fn ask(bus: &mut Bus<PacketLink>, position: u16, counter: u8) {
    let mut mail = vec![0; 128];
    mail[..12].copy_from_slice(&[10, 0, 0, 0, 0, 3 | counter << 4, 0, 0x20, 0x40, 0x18, 0x10, 1]);
    bus.write(position, 0x1000, &mail);
}

/// The mail that waits, without its header.
fn fetch(bus: &mut Bus<PacketLink>, position: u16) -> Option<Vec<u8>> {
    let full = bus.read(position, 0x080d, 1)[0] & 8 != 0;
    full.then(|| {
        let mail = bus.read(position, 0x1080, 128);
        let len = usize::from(u16::from_le_bytes([mail[0], mail[1]]));
        mail[6..6 + len].to_vec()
    })
}

#[test]
fn a_frozen_mailbox_takes_requests_and_answers_when_it_has_thawed() {
    with_demo(|sim, bus| {
        preop(bus, AXIS);
        ask(bus, AXIS, 1);
        let answer = fetch(bus, AXIS).unwrap();
        assert_eq!(answer[6..], [0x63, 0x7a, 0, 0]);
        sim.done("freeze axis");
        ask(bus, AXIS, 2);
        assert_eq!(fetch(bus, AXIS), None);
        sim.done("thaw axis");
        ask(bus, AXIS, 3);
        assert_eq!(fetch(bus, AXIS), Some(answer));
        let problem = sim.command("freeze valves").unwrap();
        assert!(problem.contains("no mailbox"), "{problem}");
    });
}

#[test]
fn an_emergency_is_sent_with_its_code_register_and_data() {
    with_demo(|sim, bus| {
        preop(bus, AXIS);
        sim.done("emergency axis 0x8611 0x21 1 2");
        // CoE header of service 1, emergency (ETG.1000.6, 5.6.4).
        assert_eq!(fetch(bus, AXIS), Some(vec![0, 0x10, 0x11, 0x86, 0x21, 1, 2, 0, 0, 0]));
        sim.done("emergency axis 0");
        let gone = fetch(bus, AXIS).unwrap();
        assert_eq!(gone[..4], [0, 0x10, 0, 0]);
    });
}

#[test]
fn a_crystal_drifts_by_as_much_as_was_said() {
    with_demo(|sim, bus| {
        // Local times of coupler and axis when one frame passed both.
        let both = |bus: &mut Bus<PacketLink>| {
            bus.exchange(BWR, (0, RECEIVE_TIME), &[0; 4]);
            [0, AXIS].map(|position| u64::from_le_bytes(bus.read(position, UNIT_TIME, 8).try_into().unwrap()))
        };
        let passed = |before: [u64; 2], after: [u64; 2]| [after[0] - before[0], after[1] - before[1]];
        let off = |[coupler, axis]: [u64; 2]| axis.cast_signed() - coupler.cast_signed();
        for (command, ppm) in [("drift axis 1000ppm", 1000), ("drift axis -500ppm", -500), ("drift axis 0ppm", 0)] {
            sim.done(command);
            let before = both(bus);
            burst(bus, 1);
            let went = passed(before, both(bus));
            let expected = went[0].cast_signed() * ppm / 1_000_000;
            assert!((off(went) - expected).abs() <= 2, "{command}: {} ns instead of {expected}", off(went));
        }
        let problem = sim.command("drift valves 1ppm").unwrap();
        assert!(problem.contains("no clock"), "{problem}");
    });
}

#[test]
fn show_and_help_list_subdevices_and_commands() {
    in_private_netns(|veth| {
        let mut program = Program::start(&["sim", "--interface", &veth.peer]);
        program.await_error("serving");
        let mut input = program.input();
        input.line("show");
        input.line("help");
        input.line("quit");
        let ended = program.end().with_code(0);
        ended.saying(&["ZC-SERVO", "watchdog", "pull WHO", "drift WHO PPM", "page [N|auto]"]);
    });
}
