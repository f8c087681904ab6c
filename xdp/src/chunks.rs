//! Which chunk of the UMEM is whose, and the only two functions through which a descriptor of the kernel gets in.
//!
//! Chunks `0..slots` are transmit slots, chunks `slots..slots + receive` receive. Pure: no memory, no kernel. A
//! descriptor is a claim; it is admitted here, in release builds too, or nothing behind it is read.

use zerocat_link::{LinkFault, Slot};

/// How a UMEM is cut up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Bytes of a chunk, a power of two.
    pub(crate) chunk_size: u32,
    /// Chunks that are transmit slots.
    pub(crate) slots: u16,
    /// Chunks that receive.
    pub(crate) receive: u16,
}

impl Layout {
    /// Chunks in use.
    pub(crate) fn chunks(self) -> u32 {
        u32::from(self.slots) + u32::from(self.receive)
    }
}

/// Number of a chunk, admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chunk(usize);

impl Chunk {
    pub(crate) const fn index(self) -> usize {
        self.0
    }
}

/// Whose a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Us,
    Kernel,
}

/// A descriptor as the receive ring gave it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim {
    /// Offset of the frame's first byte in the UMEM.
    pub(crate) address: usize,
    /// Bytes of the frame.
    pub(crate) len: usize,
    /// Flags; 0 for a frame that is whole.
    pub(crate) options: u32,
}

/// Owners of all chunks.
#[derive(Debug)]
pub(crate) struct Chunks {
    layout: Layout,
    owners: Box<[Owner]>,
}

impl Chunks {
    /// All chunks ours.
    pub(crate) fn new(layout: Layout) -> Self {
        Self { layout, owners: vec![Owner::Us; layout.chunks() as usize].into() }
    }

    /// Admits a received descriptor and takes its chunk back: it must lie within one receive chunk, be whole, and
    /// name a chunk that the kernel has.
    #[inline]
    pub(crate) fn admit_received(&mut self, claim: Claim) -> Result<Chunk, LinkFault> {
        let refused = LinkFault::BadDescriptor(claim.address as u64);
        let size = self.layout.chunk_size as usize;
        let index = claim.address / size;
        let fits = claim.len > 0 && claim.len <= size - claim.address % size;
        if index < usize::from(self.layout.slots) || !fits || claim.options != 0 {
            return Err(refused);
        }
        self.take(index).ok_or(refused)
    }

    /// Admits a completion and takes its slot back: it must name a slot that the kernel has.
    #[inline]
    pub(crate) fn admit_completed(&mut self, address: usize) -> Result<Slot, LinkFault> {
        let refused = LinkFault::BadDescriptor(address as u64);
        let index = address / self.layout.chunk_size as usize;
        let slot = u16::try_from(index).ok().filter(|&slot| slot < self.layout.slots).ok_or(refused)?;
        self.take(index).map(|_| Slot(slot)).ok_or(refused)
    }

    #[inline]
    fn take(&mut self, index: usize) -> Option<Chunk> {
        let owner = self.owners.get_mut(index).filter(|owner| **owner == Owner::Kernel)?;
        *owner = Owner::Us;
        Some(Chunk(index))
    }

    /// A slot that is there, whoever owns it.
    #[inline]
    pub(crate) fn slot(&self, slot: Slot) -> Result<Chunk, LinkFault> {
        if slot.0 < self.layout.slots { Ok(Chunk(usize::from(slot.0))) } else { Err(LinkFault::NoSuchSlot(slot)) }
    }

    /// A slot that is there and ours.
    #[inline]
    pub(crate) fn own_slot(&self, slot: Slot) -> Result<Chunk, LinkFault> {
        let chunk = self.slot(slot)?;
        match self.owners.get(chunk.0) {
            Some(Owner::Us) => Ok(chunk),
            _ => Err(LinkFault::Busy(slot)),
        }
    }

    /// Notes that the kernel has a chunk now.
    #[inline]
    pub(crate) fn give(&mut self, chunk: Chunk) {
        if let Some(owner) = self.owners.get_mut(chunk.0) {
            *owner = Owner::Kernel;
        }
    }

    /// The chunks that receive.
    pub(crate) fn receiving(&self) -> impl Iterator<Item = Chunk> + use<> {
        (usize::from(self.layout.slots)..self.owners.len()).map(Chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 2048;

    /// Two slots, two receive chunks; the kernel has slot 1 and both receive chunks.
    fn chunks() -> Chunks {
        let mut chunks = Chunks::new(Layout { chunk_size: 2048, slots: 2, receive: 2 });
        chunks.give(Chunk(1));
        for chunk in chunks.receiving() {
            chunks.give(chunk);
        }
        chunks
    }

    fn claim(address: usize, len: usize) -> Claim {
        Claim { address, len, options: 0 }
    }

    fn refused(address: usize) -> Result<Chunk, LinkFault> {
        Err(LinkFault::BadDescriptor(address as u64))
    }

    #[test]
    fn admits_a_frame_behind_the_headroom() {
        assert_eq!(chunks().admit_received(claim(2 * SIZE + 256, 1514)), Ok(Chunk(2)));
        assert_eq!(chunks().admit_received(claim(3 * SIZE, SIZE)), Ok(Chunk(3)));
    }

    #[test]
    fn refuses_a_descriptor_across_two_frames() {
        assert_eq!(chunks().admit_received(claim(2 * SIZE + 1000, 1049)), refused(2 * SIZE + 1000));
        assert_eq!(chunks().admit_received(claim(2 * SIZE + 1000, 1048)), Ok(Chunk(2)));
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
    fn refuses_a_chunk_that_the_kernel_gave_already() {
        let mut chunks = chunks();
        assert_eq!(chunks.admit_received(claim(2 * SIZE, 60)), Ok(Chunk(2)));
        assert_eq!(chunks.admit_received(claim(2 * SIZE, 60)), refused(2 * SIZE));
        chunks.give(Chunk(2));
        assert_eq!(chunks.admit_received(claim(2 * SIZE, 60)), Ok(Chunk(2)));
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
        assert_eq!(chunks.own_slot(Slot(1)), Err(LinkFault::Busy(Slot(1))));
        assert_eq!(chunks.admit_completed(SIZE + 256), Ok(Slot(1)));
        assert_eq!(chunks.own_slot(Slot(1)), Ok(Chunk(1)));
        assert_eq!(chunks.admit_completed(SIZE + 256), Err(LinkFault::BadDescriptor(SIZE as u64 + 256)));
    }

    #[test]
    fn refuses_the_completion_of_a_receive_chunk() {
        let address = 2 * SIZE + 256;
        assert_eq!(chunks().admit_completed(address), Err(LinkFault::BadDescriptor(address as u64)));
        assert_eq!(chunks().admit_completed(usize::MAX), Err(LinkFault::BadDescriptor(u64::MAX)));
    }

    #[test]
    fn a_slot_that_is_not_there_is_named() {
        assert_eq!(chunks().slot(Slot(2)), Err(LinkFault::NoSuchSlot(Slot(2))));
        assert_eq!(chunks().own_slot(Slot(u16::MAX)), Err(LinkFault::NoSuchSlot(Slot(u16::MAX))));
    }
}
