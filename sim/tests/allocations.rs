//! No allocation on the cyclic path: `Segment::process` with process data of many SubDevices in OP.

#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::time::Duration;

use support::operating;
use zerocat_sched::{CountingAllocator, forbid_allocations, thread_allocations};
use zerocat_sim::Outcome;
use zerocat_wire::{Address, Command};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const CYCLES: u32 = 2000;

fn working_counter(frame: &[u8], image: usize) -> u16 {
    u16::from_le_bytes([frame[26 + image], frame[27 + image]])
}

#[test]
fn cyclic_frames_of_a_hundred_subdevices_allocate_nothing() {
    let mut line = operating::mixed(100);
    let [sent] = line.frames().try_into().unwrap();
    let mut frame = sent.clone();
    let (mut wrong, mut lost) = (0, 0);
    // An allocation in here ends the process.
    forbid_allocations(|| {
        for cycle in 0..CYCLES {
            frame.copy_from_slice(&sent);
            frame[26..26 + line.image].fill(cycle.to_le_bytes()[0]);
            line.rig.now += Duration::from_millis(1);
            lost += u32::from(line.rig.segment.process(&mut frame, line.rig.now) == Outcome::Lost);
            wrong += u32::from(working_counter(&frame, line.image) != line.counter);
        }
    });
    assert_eq!((lost, wrong), (0, 0), "of {CYCLES}");
}

#[test]
fn two_hundred_and_fifty_six_subdevices_fit_in_one_segment() {
    let mut line = operating::mixed(256);
    let (state, counter) = line.rig.send(Command::Brd, Address::broadcast(0x0130), &[0, 0]);
    assert_eq!((state.as_slice(), counter), (&[8, 0][..], 256), "all in OP and nothing else");
}

#[test]
fn the_counter_of_allocations_counts() {
    let before = thread_allocations();
    drop(std::hint::black_box(vec![1u8; 100]));
    assert_eq!(thread_allocations().since(&before).total(), 2, "one taken, one given back");
}
