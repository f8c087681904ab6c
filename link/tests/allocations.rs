//! An open link allocates nothing: not over AF_PACKET, not in process, and not behind a tap or a fault injector.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use zerocat_link::datagram::DatagramLink;
use zerocat_link::fault::{FaultInjector, FaultPlan, Lateness, Rate, SPARE};
use zerocat_link::packet::PacketLink;
use zerocat_link::pair::pair;
use zerocat_link::tap::Tap;
use zerocat_link::{Link, LinkFault, Sizing, Slot};
use zerocat_testkit::Folder;
use zerocat_testkit::netns::in_private_netns;
use zerocat_testkit::reflect::{Mirror, Reflector};

const SIZING: Sizing = Sizing { slots: 20 + SPARE, receive: 64 };

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, with a count for each thread.
struct Counting;

// SAFETY: every call goes to the system's allocator as it came; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps GlobalAlloc's contract, which is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps GlobalAlloc's contract, which is the system allocator's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Cycles of one to all slots, also with frames that are refused. Returns what came back.
fn cycles(link: &mut impl Link, peer: &mut impl Reflector) -> u64 {
    let before = link.counters().received;
    for cycle in 0..500 {
        for slot in (0..=cycle % link.slots()).map(Slot) {
            if let Ok(bytes) = link.slot_mut(slot) {
                bytes[..6].fill(0xff);
                bytes[12..14].copy_from_slice(&[0x88, 0xa4]);
            }
            let _ = link.post(slot, 40 + usize::from(slot.0) * 60);
        }
        assert_eq!(link.post(Slot(u16::MAX), 60), Err(LinkFault::NoSuchSlot(Slot(u16::MAX))));
        let _ = link.kick();
        let _ = link.post(Slot(0), 60);
        link.withdraw();
        peer.pump();
        while let Ok(Some(_)) = link.receive() {}
    }
    link.counters().received - before
}

#[track_caller]
fn assert_allocates_nothing(mut link: impl Link, mut peer: impl Reflector) {
    let before = ALLOCATIONS.get();
    let received = cycles(&mut link, &mut peer);
    let allocations = ALLOCATIONS.get() - before;
    assert!(received > 1_000, "{received} frames came back");
    assert_eq!(allocations, 0, "allocations and releases in 500 cycles");
}

#[test]
fn the_pair_allocates_nothing() {
    let (link, peer) = pair(SIZING);
    assert_allocates_nothing(link, Mirror::new(peer));
}

#[test]
fn the_packet_link_allocates_nothing() {
    in_private_netns(|veth| {
        let link = PacketLink::open(&veth.master, SIZING).expect("needs CAP_NET_RAW");
        let peer = PacketLink::open(&veth.peer, SIZING).expect("needs CAP_NET_RAW");
        assert_allocates_nothing(link, Mirror::new(peer));
    });
}

#[test]
fn the_datagram_link_allocates_nothing() {
    let folder = Folder::new();
    let (near, far) = (folder.path("near"), folder.path("far"));
    let link = DatagramLink::open(&near, &far, SIZING).expect("a free path");
    let peer = DatagramLink::open(&far, &near, SIZING).expect("a free path");
    assert_allocates_nothing(link, Mirror::new(peer));
}

#[test]
fn a_tap_allocates_nothing_with_and_without_room() {
    let (link, peer) = pair(SIZING);
    let (tap, reader) = Tap::new(link, 5_000);
    assert_allocates_nothing(tap, Mirror::new(peer));
    assert!(reader.missed() > 0);
}

#[test]
fn a_fault_injector_allocates_nothing() {
    let (link, peer) = pair(SIZING);
    let plan = FaultPlan {
        drop: Rate::Every(7),
        corrupt: Rate::PerMillion(100_000),
        duplicate: Rate::Every(5),
        delay: Rate::PerMillion(50_000),
        late: Lateness::Polls(3),
    };
    assert_allocates_nothing(FaultInjector::new(link, plan, plan, 1), Mirror::new(peer));
}

#[test]
fn a_pair_without_its_peer_allocates_nothing() {
    let (mut link, peer) = pair(SIZING);
    drop(peer);
    let before = ALLOCATIONS.get();
    cycles(&mut link, &mut || {});
    assert_eq!(ALLOCATIONS.get() - before, 0);
    assert_eq!(link.receive(), Err(LinkFault::Down));
}
