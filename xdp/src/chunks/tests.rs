use super::*;

const SIZE: usize = 2048;
const LAYOUT: Layout = Layout { chunk_size: 2048, slots: 2, receive: 2 };

/// Two slots, two receive buffers; the kernel has slot 1 and both buffers.
fn chunks() -> Chunks {
    let mut chunks = Chunks::new(LAYOUT);
    let slot = chunks.take_slot(Slot(1)).unwrap();
    chunks.note_given(slot.given());
    for buffer in chunks.take_buffers() {
        chunks.note_given(buffer.given());
    }
    chunks
}

fn claim(address: usize, len: usize) -> Claim {
    Claim { address, len, options: 0 }
}

fn refused(address: usize) -> Result<OwnedBuffer, LinkFault> {
    Err(LinkFault::BadDescriptor(address as u64))
}

#[test]
fn admits_a_frame_behind_the_headroom() {
    assert_eq!(chunks().admit_received(claim(2 * SIZE + 256, 1514)), Ok(OwnedBuffer(2)));
    assert_eq!(chunks().admit_received(claim(3 * SIZE, SIZE)), Ok(OwnedBuffer(3)));
}

#[test]
fn refuses_a_descriptor_across_two_frames() {
    assert_eq!(chunks().admit_received(claim(2 * SIZE + 1000, 1049)), refused(2 * SIZE + 1000));
    assert_eq!(chunks().admit_received(claim(2 * SIZE + 1000, 1048)), Ok(OwnedBuffer(2)));
}

#[test]
fn refuses_a_descriptor_outside_the_umem() {
    for address in [4 * SIZE, 4 * SIZE + 256, usize::MAX, usize::MAX - 2047] {
        assert_eq!(chunks().admit_received(claim(address, 60)), refused(address));
    }
}

#[test]
fn refuses_to_receive_into_a_transmit_slot() {
    assert_eq!(chunks().admit_received(claim(SIZE + 256, 60)), refused(SIZE + 256));
}

#[test]
fn refuses_a_buffer_that_the_kernel_gave_already() {
    let mut chunks = chunks();
    let buffer = chunks.admit_received(claim(2 * SIZE, 60)).unwrap();
    assert_eq!(chunks.admit_received(claim(2 * SIZE, 60)), refused(2 * SIZE));
    chunks.note_given(buffer.given());
    assert_eq!(chunks.admit_received(claim(2 * SIZE, 60)), Ok(OwnedBuffer(2)));
}

#[test]
fn refuses_empty_frames_overflowing_lengths_and_parts_of_frames() {
    let address = 2 * SIZE + 256;
    assert_eq!(chunks().admit_received(claim(address, 0)), refused(address));
    assert_eq!(chunks().admit_received(claim(address, usize::MAX)), refused(address));
    assert_eq!(chunks().admit_received(Claim { address, len: 60, options: 1 }), refused(address));
}

#[test]
fn a_completion_frees_its_slot_once() {
    let mut chunks = chunks();
    let busy = Err(LinkFault::Busy(Slot(1)));
    assert_eq!(chunks.borrow_slot(Slot(1)).map(drop), busy);
    let completed = Completed { slot: Slot(1), overwritten: None };
    assert_eq!(chunks.admit_completed(SIZE + 256), Ok(completed));
    assert_eq!(chunks.borrow_slot(Slot(1)).map(|slot| slot.index()), Ok(1));
    assert_eq!(chunks.admit_completed(SIZE + 256), Err(LinkFault::BadDescriptor(SIZE as u64 + 256)));
}

#[test]
fn refuses_the_completion_of_a_receive_buffer() {
    let address = 2 * SIZE + 256;
    assert_eq!(chunks().admit_completed(address), Err(LinkFault::BadDescriptor(address as u64)));
    assert_eq!(chunks().admit_completed(usize::MAX), Err(LinkFault::BadDescriptor(u64::MAX)));
}

#[test]
fn a_slot_on_its_way_is_nobody_elses_and_comes_back_where_no_ring_takes_it() {
    let mut chunks = Chunks::new(LAYOUT);
    let slot = chunks.take_slot(Slot(0)).unwrap();
    assert_eq!(chunks.take_slot(Slot(0)), Err(LinkFault::Busy(Slot(0))));
    assert_eq!(chunks.borrow_slot(Slot(0)).map(drop), Err(LinkFault::Busy(Slot(0))));
    assert_eq!(chunks.admit_completed(0), Err(LinkFault::BadDescriptor(0)));
    chunks.put_back(slot);
    assert_eq!(chunks.take_slot(Slot(0)).map(|slot| slot.index()), Ok(0));
}

#[test]
fn only_what_the_kernel_has_is_withdrawn_and_only_once() {
    let mut chunks = chunks();
    let mut withdrawn = Vec::new();
    for _ in 0..2 {
        chunks.withdraw(|index| {
            withdrawn.push(index);
            7
        });
    }
    assert_eq!(withdrawn, [1]);
    assert_eq!(chunks.borrow_slot(Slot(1)).map(drop), Err(LinkFault::Busy(Slot(1))));
    let completed = Completed { slot: Slot(1), overwritten: Some(7) };
    assert_eq!(chunks.admit_completed(SIZE), Ok(completed));
    assert_eq!(chunks.admit_completed(SIZE), Err(LinkFault::BadDescriptor(SIZE as u64)));
}

#[test]
fn a_slot_that_is_not_there_is_named() {
    let mut chunks = chunks();
    assert_eq!(chunks.slot(Slot(2)), Err(LinkFault::NoSuchSlot(Slot(2))));
    assert_eq!(chunks.take_slot(Slot(u16::MAX)), Err(LinkFault::NoSuchSlot(Slot(u16::MAX))));
}
