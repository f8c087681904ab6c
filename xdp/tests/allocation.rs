//! An open link doesn't allocate. A process of its own, because the allocator is the process's. Needs root, and fails
//! without.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use support::{frame, options};
use zerocat_link::{Link, LinkFault, MAX_FRAME, Slot};
use zerocat_testkit::netns::in_private_netns;
use zerocat_xdp::{Mode, Reflector, XdpLink};

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// Counts what a watched thread allocates, frees or resizes.
struct Counting;

fn count() {
    if WATCHED.get() {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
    }
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as the caller promised.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One cycle: all slots out, all frames back, and the faults that a user can cause.
fn cycle(link: &mut XdpLink, len: usize) -> Result<u16, LinkFault> {
    for slot in 0..link.slots() {
        link.slot_mut(Slot(slot))?[20] = 1;
        link.post(Slot(slot), len)?;
    }
    link.kick()?;
    let mut got = 0;
    for _ in 0..1_000_000 {
        if link.receive()?.is_some() {
            got += 1;
        }
        if got == link.slots() {
            break;
        }
    }
    link.post(Slot(0), len)?;
    link.withdraw();
    link.kick()?;
    assert_eq!(link.post(Slot(u16::MAX), len), Err(LinkFault::NoSuchSlot(Slot(u16::MAX))));
    assert_eq!(link.post(Slot(1), 3), Err(LinkFault::BadLength(3)));
    Ok(got)
}

#[test]
fn ten_thousand_cycles_allocate_nothing() {
    in_private_netns(|veth| {
        let mut link = XdpLink::open(&options(&veth.master, Mode::NativeCopy)).unwrap();
        let _reflector = Reflector::attach(&veth.peer, Mode::NativeCopy).unwrap();
        let bytes = frame(&[0x88, 0xa4], MAX_FRAME);
        for slot in 0..link.slots() {
            link.slot_mut(Slot(slot)).unwrap().copy_from_slice(&bytes);
        }
        let mut received = 0;
        WATCHED.set(true);
        for number in 0..10_000 {
            received += u32::from(cycle(&mut link, if number % 2 == 0 { 14 } else { MAX_FRAME }).unwrap());
        }
        WATCHED.set(false);
        assert_eq!(received, 10_000 * u32::from(link.slots()));
        assert_eq!(ALLOCATIONS.get(), 0);
        // The counter counts, else this test says nothing.
        WATCHED.set(true);
        drop(vec![0_u8; 1]);
        WATCHED.set(false);
        assert_eq!(ALLOCATIONS.get(), 2);
    });
}
