//! A link comes and goes without a trace, however its process ends, and lives through its interface's troubles. Needs
//! root, and fails without.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::{SIZING, frame, options, send_raw};
use zerocat_link::packet::PacketLink;
use zerocat_link::{Link, LinkFault, MAX_FRAME, Slot};
use zerocat_testkit::cpus::pin;
use zerocat_testkit::netns::{cable_with_queues, in_private_netns, ip};
use zerocat_xdp::{AttachedProgram, FloorFault, FloorPing, Mode, Passthrough, Reflector, XdpLink};

const PATIENCE: Duration = Duration::from_secs(2);
const ETHERCAT: [u8; 2] = [0x88, 0xa4];

/// The next frame, copied.
fn receive(link: &mut XdpLink) -> Option<Vec<u8>> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(frame) = link.receive().expect("no fault") {
            return Some(frame.to_vec());
        }
        std::thread::yield_now();
    }
    None
}

fn write(link: &mut XdpLink, bytes: &[u8]) {
    link.slot_mut(Slot(0)).expect("the slot is ours")[..bytes.len()].copy_from_slice(bytes);
}

#[test]
fn opens_and_closes_twenty_times_in_every_mode() {
    in_private_netns(|veth| {
        for mode in [Mode::NativeCopy, Mode::Generic] {
            let _reflector = Reflector::attach(&veth.peer, mode).unwrap();
            for _ in 0..20 {
                let mut link = XdpLink::open(&options(&veth.master, mode)).unwrap();
                write(&mut link, &frame(&ETHERCAT, 60));
                link.post(Slot(0), 60).unwrap();
                link.kick().unwrap();
                assert!(receive(&mut link).is_some());
                drop(link);
                assert_eq!(AttachedProgram::of_interface(&veth.master).unwrap(), None);
            }
        }
    });
}

/// Says that a link is open, in the process that is to be killed.
const HOLD: &str = "ZEROCAT_TEST_HOLD_LINK";
const IS_OPEN: &str = "the link is open";

#[test]
fn a_killed_process_leaves_no_program_behind() {
    if let Ok(interface) = std::env::var(HOLD) {
        let _link = XdpLink::open(&options(&interface, Mode::NativeCopy)).unwrap();
        println!("{IS_OPEN}");
        std::thread::sleep(Duration::from_secs(600));
        panic!("nobody killed this process");
    }
    in_private_netns(|veth| {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_killed_process_leaves_no_program_behind", "--nocapture"])
            .env(HOLD, &veth.master)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let opened = lines.map_while(Result::ok).any(|line| line.contains(IS_OPEN));
        let resident = AttachedProgram::of_interface(&veth.master).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(opened, "the child opened its link");
        assert_eq!(resident.unwrap().name.as_deref(), Some("zerocat_xdp"));
        // Whoever lists links just then (another test) keeps this one for that long.
        let deadline = Instant::now() + PATIENCE;
        while let Some(left) = AttachedProgram::of_interface(&veth.master).unwrap() {
            assert!(Instant::now() < deadline, "left behind: {left}");
        }
        XdpLink::open(&options(&veth.master, Mode::NativeCopy)).unwrap();
    });
}

#[test]
fn an_interface_that_goes_down_is_a_fault_and_its_slots_come_back_when_it_is_up() {
    in_private_netns(|veth| {
        let mut link = XdpLink::open(&options(&veth.master, Mode::NativeCopy)).unwrap();
        let _reflector = Reflector::attach(&veth.peer, Mode::NativeCopy).unwrap();
        ip("link set zc-master down");
        write(&mut link, &frame(&ETHERCAT, 60));
        link.post(Slot(0), 60).unwrap();
        assert_eq!(link.kick(), Err(LinkFault::Down));
        assert_eq!((link.counters().sent, link.counters().send_errors), (0, 1));
        assert_eq!(link.slot_mut(Slot(0)).err(), Some(LinkFault::Busy(Slot(0))));
        ip("link set zc-master up");
        let deadline = Instant::now() + PATIENCE;
        while link.slot_mut(Slot(0)).is_err() {
            assert!(Instant::now() < deadline, "the slot did not come back");
            link.kick().unwrap();
            std::thread::sleep(Duration::from_millis(5));
        }
        while receive(&mut link).is_none() {
            assert!(Instant::now() < deadline + PATIENCE, "the link did not come back");
            link.post(Slot(0), 60).unwrap();
            link.kick().unwrap();
        }
    });
}

/// What the peer hears of frames that were posted while the interface was down, once it is up again.
fn heard_after_an_outage(mode: Mode, withdraw: bool) -> Vec<Vec<u8>> {
    in_private_netns(|veth| {
        let mut link = XdpLink::open(&options(&veth.master, mode)).unwrap();
        let old = frame(&OUTPUTS, 60);
        ip("link set zc-master down");
        for slot in (0..3).map(Slot) {
            link.slot_mut(slot).unwrap()[..60].copy_from_slice(&old);
            link.post(slot, 60).unwrap();
            assert_eq!(link.kick(), Err(LinkFault::Down));
        }
        if withdraw {
            link.withdraw();
        }
        ip("link set zc-master up");
        let mut peer = PacketLink::open(&veth.peer, SIZING).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while (0..3).any(|slot| link.slot_mut(Slot(slot)).is_err()) {
            assert!(Instant::now() < deadline, "a slot did not come back");
            let _ = link.kick();
            std::thread::yield_now();
        }
        let slots = (0..3).all(|slot| link.slot(Slot(slot)).unwrap()[..60] == old);
        assert!(slots, "the slots are as they were written");
        // A last frame says that all before it have arrived.
        write(&mut link, &frame(&[0x88, 0xa4, 0x0c, 0x10], 60));
        link.post(Slot(0), 60).unwrap();
        link.kick().unwrap();
        let mut heard = Vec::new();
        while heard.last().is_none_or(|last: &Vec<u8>| last[..] == old) {
            assert!(Instant::now() < deadline, "the last frame did not arrive");
            heard.extend(peer.receive().unwrap().map(<[u8]>::to_vec));
        }
        heard.pop();
        heard
    })
}

/// One LWR of four bytes that switch something on.
const OUTPUTS: [u8; 18] = [0x88, 0xa4, 0x10, 0x10, 11, 7, 0, 0, 0, 0, 4, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];

#[test]
fn frames_of_before_an_outage_command_nothing_after_it_once_they_are_withdrawn() {
    for mode in [Mode::NativeCopy, Mode::Generic] {
        let old = frame(&OUTPUTS, 60);
        assert_eq!(heard_after_an_outage(mode, false), vec![old; 3], "{mode}: without, they go out as they are");
        assert_eq!(heard_after_an_outage(mode, true), Vec::<Vec<u8>>::new(), "{mode}: withdrawn");
    }
}

#[test]
fn a_lost_carrier_is_counted_and_takes_no_slot() {
    in_private_netns(|veth| {
        let mut link = XdpLink::open(&options(&veth.master, Mode::NativeCopy)).unwrap();
        ip("link set zc-peer down");
        for slot in 0..link.slots() {
            link.post(Slot(slot), 60).unwrap();
        }
        link.kick().unwrap();
        assert_eq!(link.counters().send_errors, u64::from(link.slots()));
        for slot in 0..link.slots() {
            assert!(link.slot_mut(Slot(slot)).is_ok(), "slot {slot} did not come back");
        }
    });
}

#[test]
fn an_interface_that_is_removed_is_a_fault_and_no_crash() {
    in_private_netns(|veth| {
        let mut link = XdpLink::open(&options(&veth.master, Mode::NativeCopy)).unwrap();
        ip("link del zc-master");
        link.post(Slot(0), 60).unwrap();
        assert_eq!(link.kick(), Err(LinkFault::Os(libc::ENXIO)));
        assert_eq!(link.receive(), Ok(None));
    });
}

#[test]
fn a_frame_with_a_vlan_tag_is_lent_as_it_arrived() {
    for mode in [Mode::NativeCopy, Mode::Generic] {
        in_private_netns(|veth| {
            let mut link = XdpLink::open(&options(&veth.master, mode)).unwrap();
            let tagged = frame(&[0x81, 0x00, 0x00, 0x05, 0x88, 0xa4, 0x0e, 0x10], 64);
            send_raw(&veth.peer, &tagged);
            assert_eq!(receive(&mut link), Some(tagged));
        });
    }
}

#[test]
fn a_frame_longer_than_a_slot_is_dropped_and_counted_and_costs_no_buffer() {
    in_private_netns(|veth| {
        ip("link set zc-master mtu 1600");
        ip("link set zc-peer mtu 1600");
        let mut link = XdpLink::open(&options(&veth.master, Mode::NativeCopy)).unwrap();
        for _ in 0..200 {
            send_raw(&veth.peer, &frame(&ETHERCAT, MAX_FRAME + 1));
            let deadline = Instant::now() + PATIENCE;
            let dropped = link.counters().dropped;
            while link.counters().dropped == dropped {
                assert_eq!(link.receive(), Ok(None));
                assert!(Instant::now() < deadline, "the frame did not arrive");
            }
        }
        assert_eq!(link.counters().dropped, 200);
        let longest = frame(&ETHERCAT, MAX_FRAME);
        send_raw(&veth.peer, &longest);
        assert_eq!(receive(&mut link), Some(longest));
    });
}

#[test]
fn a_reflector_and_a_passthrough_leave_their_interface_when_dropped() {
    in_private_netns(|veth| {
        for mode in [Mode::NativeCopy, Mode::Generic] {
            let reflector = Reflector::attach(&veth.peer, mode).unwrap();
            let passthrough = Passthrough::attach(&veth.master, mode).unwrap();
            let there = |interface| AttachedProgram::of_interface(interface).unwrap().map(|resident| resident.attached);
            assert_eq!(there(&veth.peer), Some(reflector.attached()));
            assert_eq!(there(&veth.master), Some(passthrough.attached()));
            drop((reflector, passthrough));
            assert_eq!((there(&veth.peer), there(&veth.master)), (None, None));
        }
    });
}

#[test]
fn a_reflected_frame_has_its_mac_bit_set_and_its_counter_raised() {
    in_private_netns(|veth| {
        let mut link = XdpLink::open(&options(&veth.master, Mode::NativeCopy)).unwrap();
        let _reflector = Reflector::attach(&veth.peer, Mode::NativeCopy).unwrap();
        // One LRW of 4 bytes at logical address 0.
        let sent = frame(&[0x88, 0xa4, 0x10, 0x10, 12, 7, 0, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4, 0, 0], 60);
        write(&mut link, &sent);
        link.post(Slot(0), 60).unwrap();
        link.kick().unwrap();
        let mut expected = sent;
        expected[6] |= 2;
        expected[30] = 3;
        assert_eq!(receive(&mut link), Some(expected));
    });
}

#[test]
fn the_floor_counts_round_trips_and_notices_a_lost_frame() {
    in_private_netns(|veth| {
        let options = options(&veth.master, Mode::NativeCopy);
        let mut floor = FloorPing::open(&options, &frame(&ETHERCAT, 60), 1, Duration::from_millis(200)).unwrap();
        assert_eq!(floor.round_trip(), Err(FloorFault::Lost));
        let reflector = Reflector::attach(&veth.peer, Mode::NativeCopy).unwrap();
        floor.drain();
        for _ in 0..10_000 {
            assert!(floor.round_trip().unwrap() > 0);
        }
        drop(reflector);
        assert_eq!(floor.round_trip(), Err(FloorFault::Lost));
    });
}

#[test]
fn a_link_on_the_second_queue_gets_what_arrives_there_and_nothing_else() {
    in_private_netns(|_| {
        let _ = cable_with_queues("zc-two", "zc-far", 2);
        let mut options = options("zc-two", Mode::NativeCopy);
        options.queue = 1;
        let mut link = XdpLink::open(&options).unwrap();
        assert_eq!((link.report().queue, link.report().queues), (1, Some(2)));
        let _reflector = Reflector::attach("zc-far", Mode::NativeCopy).unwrap();
        write(&mut link, &frame(&ETHERCAT, 60));
        // veth returns what XDP_TX sends to the queue of the core that runs it (veth_select_rxq).
        for (core, arrives) in [(1, true), (0, false), (1, true)] {
            pin(&[core]);
            link.post(Slot(0), 60).unwrap();
            link.kick().unwrap();
            assert_eq!(receive(&mut link).is_some(), arrives, "returned to queue {core}");
        }
    });
}
