//! Who has which chunk of the UMEM, and the only two functions that admit a descriptor from the kernel.
//!
//! Chunks `0..slots` are transmit slots, chunks `slots..slots + receive` are receive buffers. This module is pure: it
//! has no memory and calls no kernel. A descriptor is a claim. It is checked here, in release builds too, before
//! anything it names is read.
//!
//! Guarantees: a chunk is in exactly one place. It is ours and in this table, or the kernel has it, or one
//! [`OwnedSlot`] or [`OwnedBuffer`] names it; those move and can't be copied. Not guaranteed: that a value from one
//! table isn't passed to another table. A link has one UMEM, and a UMEM has one table.

use std::marker::PhantomData;
use zerocat_link::{LinkFault, Slot};

/// How a UMEM is divided into chunks.
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

/// A transmit slot, whoever has it. The kernel only reads slots, so we may read one at any time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ReadableSlot(usize);

/// A transmit slot that is ours as long as its table is borrowed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BorrowedSlot<'a>(usize, PhantomData<&'a mut Chunks>);

/// A transmit slot that is ours and out of its table, on its way to the kernel.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a slot that is dropped is lost for good"]
pub(crate) struct OwnedSlot(usize);

/// A receive buffer that is ours.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a buffer that is dropped is lost for good"]
pub(crate) struct OwnedBuffer(usize);

/// A slot or a buffer that a ring of the kernel took.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the table has to know"]
pub(crate) struct GivenChunk(usize);

impl ReadableSlot {
    pub(crate) const fn index(&self) -> usize {
        self.0
    }
}

impl BorrowedSlot<'_> {
    pub(crate) const fn index(&self) -> usize {
        self.0
    }
}

impl OwnedSlot {
    pub(crate) const fn index(&self) -> usize {
        self.0
    }

    /// A ring of the kernel has taken it.
    pub(crate) const fn given(self) -> GivenChunk {
        GivenChunk(self.0)
    }
}

impl OwnedBuffer {
    pub(crate) const fn index(&self) -> usize {
        self.0
    }

    /// A ring of the kernel has taken it.
    pub(crate) const fn given(self) -> GivenChunk {
        GivenChunk(self.0)
    }
}

/// A transmission that is complete, its slot ours again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Completed {
    /// The slot.
    pub(crate) slot: Slot,
    /// The byte that was overwritten when the slot's frame was withdrawn.
    pub(crate) overwritten: Option<u8>,
}

/// Where a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Ours, here in the table.
    Here,
    /// Ours, in an [`OwnedSlot`] or [`OwnedBuffer`].
    Moving,
    /// With the kernel.
    Kernel,
    /// With the kernel, its frame withdrawn by overwriting this byte.
    Withdrawn(u8),
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

/// Places of all chunks.
#[derive(Debug)]
pub(crate) struct Chunks {
    layout: Layout,
    places: Box<[Place]>,
}

impl Chunks {
    /// All chunks ours.
    pub(crate) fn new(layout: Layout) -> Self {
        Self { layout, places: vec![Place::Here; layout.chunks() as usize].into() }
    }

    /// Admits a received descriptor and takes its buffer back: it must lie within one receive buffer, be whole, and
    /// name a buffer that the kernel has.
    #[inline]
    pub(crate) fn admit_received(&mut self, claim: Claim) -> Result<OwnedBuffer, LinkFault> {
        let refused = LinkFault::BadDescriptor(claim.address as u64);
        let size = self.layout.chunk_size as usize;
        let index = claim.address / size;
        let fits = claim.len > 0 && claim.len <= size - claim.address % size;
        if index < usize::from(self.layout.slots) || !fits || claim.options != 0 {
            return Err(refused);
        }
        match self.places.get_mut(index) {
            Some(place @ Place::Kernel) => {
                *place = Place::Moving;
                Ok(OwnedBuffer(index))
            }
            _ => Err(refused),
        }
    }

    /// Admits a completion and takes its slot back: it must name a slot that the kernel has.
    #[inline]
    pub(crate) fn admit_completed(&mut self, address: usize) -> Result<Completed, LinkFault> {
        let refused = LinkFault::BadDescriptor(address as u64);
        let index = address / self.layout.chunk_size as usize;
        let slot = u16::try_from(index).ok().filter(|&slot| slot < self.layout.slots).map(Slot).ok_or(refused)?;
        let place = self.places.get_mut(index).ok_or(refused)?;
        let overwritten = match *place {
            Place::Kernel => None,
            Place::Withdrawn(byte) => Some(byte),
            Place::Here | Place::Moving => return Err(refused),
        };
        *place = Place::Here;
        Ok(Completed { slot, overwritten })
    }

    /// A slot that is there, to read.
    #[inline]
    pub(crate) fn slot(&self, slot: Slot) -> Result<ReadableSlot, LinkFault> {
        if slot.0 < self.layout.slots {
            Ok(ReadableSlot(usize::from(slot.0)))
        } else {
            Err(LinkFault::NoSuchSlot(slot))
        }
    }

    /// A slot that is there and ours, to write.
    #[inline]
    pub(crate) fn borrow_slot(&mut self, slot: Slot) -> Result<BorrowedSlot<'_>, LinkFault> {
        let index = self.own(slot)?;
        Ok(BorrowedSlot(index, PhantomData))
    }

    /// A slot that is there and ours, out of the table.
    #[inline]
    pub(crate) fn take_slot(&mut self, slot: Slot) -> Result<OwnedSlot, LinkFault> {
        let index = self.own(slot)?;
        self.places[index] = Place::Moving;
        Ok(OwnedSlot(index))
    }

    /// Whether a slot is there and ours.
    #[inline]
    pub(crate) fn has(&self, slot: Slot) -> bool {
        self.own(slot).is_ok()
    }

    #[inline]
    fn own(&self, slot: Slot) -> Result<usize, LinkFault> {
        let ReadableSlot(index) = self.slot(slot)?;
        match self.places.get(index) {
            Some(Place::Here) => Ok(index),
            _ => Err(LinkFault::Busy(slot)),
        }
    }

    /// Takes a slot that no ring took into the table again.
    #[inline]
    pub(crate) fn put_back(&mut self, slot: OwnedSlot) {
        self.places[slot.0] = Place::Here;
    }

    /// Notes that the kernel has a chunk now.
    #[inline]
    pub(crate) fn note_given(&mut self, chunk: GivenChunk) {
        self.places[chunk.0] = Place::Kernel;
    }

    /// Withdraws the frames of the slots that the kernel has: `overwrite` gets the number of each such chunk and returns
    /// the byte that it replaced. A frame that was withdrawn already is left alone.
    pub(crate) fn withdraw(&mut self, mut overwrite: impl FnMut(usize) -> u8) {
        let slots = self.places.iter_mut().take(self.layout.slots.into()).enumerate();
        for (index, place) in slots.filter(|(_, place)| **place == Place::Kernel) {
            *place = Place::Withdrawn(overwrite(index));
        }
    }

    /// Takes all receive buffers that are here out of the table.
    pub(crate) fn take_buffers(&mut self) -> Vec<OwnedBuffer> {
        let buffers = self.places.iter_mut().enumerate().skip(self.layout.slots.into());
        let here = buffers.filter(|(_, place)| **place == Place::Here);
        here.map(|(index, place)| {
            *place = Place::Moving;
            OwnedBuffer(index)
        })
        .collect()
    }
}

#[cfg(test)]
mod tests;
