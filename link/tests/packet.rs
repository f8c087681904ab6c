//! The AF_PACKET link keeps the contract over a veth pair. These tests need root, and fail without it.

use std::time::{Duration, Instant};
use zerocat_link::packet::{PacketError, PacketLink};
use zerocat_link::watch::{AttachmentState, Watch};
use zerocat_link::{Link, LinkFault, MAX_FRAME, Sizing, Slot};
use zerocat_testkit::contract;
use zerocat_testkit::netns::{OtherNetns, Veth, in_private_netns, ip};
use zerocat_testkit::reflect::{Mirror, Reflector};

const SIZING: Sizing = Sizing { slots: 40, receive: 64 };

fn open(veth: &Veth, sizing: Sizing) -> (PacketLink, PacketLink) {
    let open = |name: &str| PacketLink::open(name, sizing).unwrap_or_else(|error| panic!("needs CAP_NET_RAW: {error}"));
    (open(&veth.master), open(&veth.peer))
}

/// A broadcast EtherCAT frame without valid datagrams.
fn write_frame(link: &mut PacketLink, slot: Slot, mark: u8) {
    let bytes = link.slot_mut(slot).expect("a free slot");
    bytes.fill(mark);
    bytes[..6].fill(0xff);
    bytes[6..12].copy_from_slice(&[0x10, 0x7a, 0x63, 0, 0, 1]);
    bytes[12..14].copy_from_slice(&[0x88, 0xa4]);
}

fn drain(link: &mut PacketLink) -> usize {
    std::iter::from_fn(|| link.receive().expect("an interface that is up").map(drop)).count()
}

#[test]
fn keeps_the_contract_with_a_pumped_peer() {
    in_private_netns(|veth| {
        let (mut link, peer) = open(veth, SIZING);
        contract::check_all(&mut link, Mirror::new(peer));
    });
}

#[test]
fn keeps_the_contract_with_one_slot_and_a_peer_on_another_thread() {
    in_private_netns(|veth| {
        let (mut link, peer) = open(veth, Sizing { slots: 1, receive: 1 });
        Mirror::new(peer).on_a_thread(|| contract::check_all(&mut link, std::thread::yield_now));
    });
}

#[test]
fn a_link_that_was_asked_to_says_how_long_a_frame_has_waited() {
    in_private_netns(|veth| {
        let (mut link, mut peer) = open(veth, SIZING);
        let mut send = |mark| {
            write_frame(&mut link, Slot(0), mark);
            link.post(Slot(0), 60).unwrap();
            link.kick().unwrap();
        };
        send(1);
        assert_eq!(drain(&mut peer), 1);
        assert_eq!(peer.waited(), None, "nobody asked");
        peer.stamp_arrivals().unwrap();
        // The kernel begins to stamp some time after it was asked.
        let held = Duration::from_millis(20);
        let stamped = (0..100).any(|_| {
            send(2);
            std::thread::sleep(held);
            assert_eq!(drain(&mut peer), 1);
            peer.waited().unwrap() >= held
        });
        assert!(stamped);
    });
}

#[test]
fn a_burst_beyond_the_receive_memory_is_counted_to_the_frame() {
    in_private_netns(|veth| {
        let (mut link, mut peer) = open(veth, Sizing { slots: 16, receive: 8 });
        for _ in 0..200 {
            for slot in (0..16).map(Slot) {
                write_frame(&mut link, slot, 1);
                link.post(slot, MAX_FRAME).unwrap();
            }
            link.kick().unwrap();
        }
        assert_eq!(link.counters().sent, 3_200);
        let received = drain(&mut peer) as u64;
        let counters = peer.counters();
        assert!(received < 3_200, "the burst was to be longer than the receive memory");
        assert_eq!((counters.received, counters.received + counters.dropped), (received, 3_200));
        write_frame(&mut link, Slot(0), 2);
        link.post(Slot(0), 60).unwrap();
        link.kick().unwrap();
        assert_eq!(drain(&mut peer), 1);
    });
}

#[test]
fn a_batch_goes_out_with_one_system_call_and_more_with_few() {
    in_private_netns(|veth| {
        let (mut link, mut peer) = open(veth, SIZING);
        for (frames, calls) in [(0, 0), (1, 1), (2, 1), (16, 1), (17, 2), (40, 3)] {
            let before = link.counters();
            for slot in (0..frames).map(Slot) {
                write_frame(&mut link, slot, 3);
                link.post(slot, 60).unwrap();
            }
            link.kick().unwrap();
            let after = link.counters();
            assert_eq!(after.sent - before.sent, u64::from(frames));
            assert_eq!(after.kicks - before.kicks, calls, "system calls for {frames} frames");
            assert_eq!(drain(&mut peer), usize::from(frames));
        }
    });
}

#[test]
fn other_traffic_and_own_frames_do_not_arrive() {
    in_private_netns(|veth| {
        let (mut link, mut peer) = open(veth, SIZING);
        write_frame(&mut link, Slot(0), 4);
        link.slot_mut(Slot(0)).unwrap()[12..14].copy_from_slice(&[0x08, 0x00]);
        link.post(Slot(0), 60).unwrap();
        write_frame(&mut link, Slot(1), 4);
        link.post(Slot(1), 60).unwrap();
        link.kick().unwrap();
        assert_eq!(drain(&mut peer), 1, "only the EtherCAT frame");
        assert_eq!(drain(&mut link), 0, "a frame of our own");
    });
}

#[test]
fn frames_with_a_foreign_source_and_from_inside_a_vlan_tag_arrive() {
    in_private_netns(|veth| {
        let (link, mut peer) = open(veth, SIZING);
        // The kernel sends a tag as it finds it and takes it off at the other end.
        let mut link = link;
        write_frame(&mut link, Slot(0), 5);
        let bytes = link.slot_mut(Slot(0)).unwrap();
        bytes[6] |= 2;
        bytes[12..18].copy_from_slice(&[0x81, 0x00, 0x00, 0x07, 0x88, 0xa4]);
        link.post(Slot(0), 64).unwrap();
        link.kick().unwrap();
        let frame = peer.receive().unwrap().expect("the tagged frame").to_vec();
        assert_eq!((frame.len(), &frame[6..16]), (60, [0x12, 0x7a, 0x63, 0, 0, 1, 0x88, 0xa4, 5, 5].as_slice()));
    });
}

#[test]
fn a_frame_longer_than_a_buffer_is_dropped_and_counted() {
    in_private_netns(|veth| {
        for name in [&veth.master, &veth.peer] {
            ip(&format!("link set {name} mtu 3000"));
        }
        let (_link, mut peer) = open(veth, SIZING);
        let giant = {
            let mut frame = vec![0xff; 6];
            frame.extend([2, 0, 0, 0, 0, 1, 0x88, 0xa4]);
            frame.resize(2_000, 6);
            frame
        };
        send_raw(&veth.master, &giant);
        assert_eq!(peer.receive(), Ok(None));
        assert_eq!((peer.counters().received, peer.counters().dropped), (0, 1));
    });
}

/// Sends one frame of any length without the link.
fn send_raw(interface: &str, frame: &[u8]) {
    use nix::sys::socket::{AddressFamily, LinkAddr, MsgFlags, SockFlag, SockType, SockaddrLike, sendto, socket};
    use std::os::fd::AsRawFd;
    let fd = socket(AddressFamily::Packet, SockType::Raw, SockFlag::empty(), None).expect("needs CAP_NET_RAW");
    let index = nix::net::if_::if_nametoindex(interface).expect("the interface");
    let raw = libc::sockaddr_ll {
        sll_family: u16::try_from(libc::AF_PACKET).expect("17"),
        sll_protocol: 0x88a4_u16.to_be(),
        sll_ifindex: i32::try_from(index).expect("a small number"),
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 6,
        sll_addr: [0xff; 8],
    };
    // SAFETY: raw is a sockaddr_ll that outlives the call; the length is taken from its family.
    let address = unsafe { LinkAddr::from_raw((&raw const raw).cast(), None) }.expect("a link address");
    assert_eq!(sendto(fd.as_raw_fd(), frame, &address, MsgFlags::empty()), Ok(frame.len()));
}

#[test]
fn an_interface_that_goes_down_is_a_fault_and_comes_back() {
    in_private_netns(|veth| {
        let (mut link, peer) = open(veth, SIZING);
        let mut mirror = Mirror::new(peer);
        ip(&format!("link set {} down", veth.master));
        write_frame(&mut link, Slot(0), 7);
        link.post(Slot(0), 60).unwrap();
        assert_eq!(link.kick(), Err(LinkFault::Down));
        assert_eq!(link.counters().send_errors, 1);
        assert!(link.slot_mut(Slot(0)).is_ok(), "the slot comes back");
        ip(&format!("link set {} up", veth.master));
        let _ = (link.receive(), mirror.reflect_one());
        link.post(Slot(0), 60).unwrap();
        link.kick().unwrap();
        mirror.pump();
        assert_eq!(drain(&mut link), 1);
    });
}

/// The kernel keeps none of them: it refuses a frame for an interface that is down, and where the carrier is gone the
/// driver is not even asked, because the queueing discipline, which would keep it, is passed by.
#[test]
fn nothing_that_was_sent_during_an_outage_waits_for_its_end() {
    in_private_netns(|veth| {
        for (taken_down, kicked) in [(&veth.master, true), (&veth.peer, true), (&veth.master, false)] {
            let (mut link, _) = open(veth, SIZING);
            ip(&format!("link set {taken_down} down"));
            for slot in (0..3).map(Slot) {
                write_frame(&mut link, slot, 7);
                link.post(slot, 60).unwrap();
                if kicked {
                    assert!(link.kick().is_err());
                }
            }
            link.withdraw();
            ip(&format!("link set {taken_down} up"));
            let (_, mut peer) = open(veth, SIZING);
            write_frame(&mut link, Slot(0), 8);
            let deadline = Instant::now() + Duration::from_secs(5);
            let mut heard = Vec::new();
            while heard.is_empty() {
                assert!(Instant::now() < deadline, "the last frame did not arrive");
                link.post(Slot(0), 60).unwrap();
                // Down until the carrier is back, which takes a moment.
                let _ = link.kick();
                heard.extend(peer.receive().unwrap().map(|frame| frame[20]));
            }
            assert_eq!(heard, [8], "{taken_down} was down");
        }
    });
}

#[test]
fn a_watch_tells_an_interface_that_is_gone_from_one_that_is_down() {
    in_private_netns(|veth| {
        let (mut link, mut peer) = open(veth, SIZING);
        let (watch, peers) = (link.take_watch().unwrap(), peer.take_watch().unwrap());
        assert!(link.take_watch().is_none());
        for step in ["down", "up", "name zc-renamed"] {
            ip(&format!("link set {} down", veth.master));
            ip(&format!("link set {} {step}", veth.master));
            assert_eq!(watch.state(), AttachmentState::Attached, "{step}");
        }
        let other = OtherNetns::new();
        other.take(&veth.peer);
        assert_eq!((watch.state(), peers.state()), (AttachmentState::Attached, AttachmentState::InterfaceGone));
        other.give_back(&veth.peer);
        assert_eq!(peers.state(), AttachmentState::InterfaceGone, "the socket doesn't come back with it");
        ip("link del zc-renamed");
        assert_eq!(watch.state(), AttachmentState::InterfaceGone);
        ip("link add zc-master type veth peer name zc-peer2");
        assert_eq!(watch.state(), AttachmentState::InterfaceGone, "this is another one");
    });
}

#[test]
fn a_lost_carrier_is_down_and_not_full() {
    in_private_netns(|veth| {
        let (mut link, _peer) = open(veth, SIZING);
        ip(&format!("link set {} down", veth.peer));
        // The kernel shows it a moment after it has happened; until then it is a queue that takes nothing.
        let deadline = Instant::now() + Duration::from_secs(5);
        while link.has_carrier() {
            assert!(Instant::now() < deadline, "the carrier stays");
            std::thread::sleep(Duration::from_millis(1));
        }
        for slot in (0..3).map(Slot) {
            write_frame(&mut link, slot, 8);
            link.post(slot, 60).unwrap();
        }
        assert_eq!(link.kick(), Err(LinkFault::Down));
        assert_eq!((link.counters().sent, link.counters().send_errors), (0, 3));
    });
}

#[test]
fn a_link_cannot_be_opened_on_nothing_and_says_what_there_is() {
    in_private_netns(|veth| {
        for name in ["zc-none", "", "a-name-longer-than-fifteen", "nul\0inside"] {
            let error = PacketLink::open(name, SIZING).unwrap_err();
            let PacketError::NoSuchInterface { interface, existing } = &error else { panic!("{error}") };
            assert_eq!(interface, name);
            assert!(existing.contains(&veth.master) && existing.contains(&veth.peer), "{existing}");
        }
    });
}

#[test]
fn a_link_cannot_be_opened_on_an_interface_that_is_down() {
    in_private_netns(|veth| {
        ip(&format!("link set {} down", veth.master));
        let error = PacketLink::open(&veth.master, SIZING).unwrap_err();
        assert!(error.to_string().contains("`ip link set zc-master up`"), "{error}");
    });
}

#[test]
fn a_link_cannot_be_opened_without_the_capability() {
    in_private_netns(|veth| {
        // The capability is dropped by this thread only, which ends with the test.
        // SAFETY: setresuid takes no pointers; by system call it changes only the calling thread.
        let dropped = unsafe { libc::syscall(libc::SYS_setresuid, 65_534, 65_534, 65_534) };
        assert_eq!(dropped, 0, "needs CAP_SETUID");
        let error = PacketLink::open(&veth.master, SIZING).unwrap_err();
        assert!(matches!(error, PacketError::NoPermission { .. }), "{error}");
        assert!(error.to_string().contains("zc-master") && error.to_string().contains("CAP_NET_RAW"), "{error}");
    });
}
