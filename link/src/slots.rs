//! Transmit slots in ordinary memory, for links whose network copies a frame when it is sent.
//!
//! Guarantees: a slot keeps its bytes; between [`Slots::post`] and [`Slots::clear`] it can't be written, and it is
//! posted at most once. Not guaranteed: anything about the network.

use crate::{LinkFault, MAX_FRAME, MIN_FRAME, Slot};

/// Shortest frame that can be posted: an Ethernet header.
const HEADER_LEN: usize = 14;

/// One slot.
#[derive(Debug, Clone)]
struct Cell {
    bytes: [u8; MAX_FRAME],
    /// What is sent instead of `bytes` when the frame is shorter than [`MIN_FRAME`].
    padded: [u8; MIN_FRAME],
    /// Length as posted; `None` while the owner may write the slot.
    posted: Option<usize>,
}

/// Slots, and the order in which they were posted.
#[derive(Debug)]
pub(crate) struct Slots {
    cells: Box<[Cell]>,
    order: Vec<Slot>,
}

impl Slots {
    pub(crate) fn new(count: u16) -> Self {
        let cell = Cell { bytes: [0; MAX_FRAME], padded: [0; MIN_FRAME], posted: None };
        Self { cells: vec![cell; usize::from(count)].into_boxed_slice(), order: Vec::with_capacity(usize::from(count)) }
    }

    #[inline]
    pub(crate) fn slots(&self) -> u16 {
        u16::try_from(self.cells.len()).unwrap_or(u16::MAX)
    }

    #[inline]
    pub(crate) fn slot(&self, slot: Slot) -> Result<&[u8], LinkFault> {
        self.cells.get(usize::from(slot.0)).map(|cell| cell.bytes.as_slice()).ok_or(LinkFault::NoSuchSlot(slot))
    }

    #[inline]
    pub(crate) fn slot_mut(&mut self, slot: Slot) -> Result<&mut [u8], LinkFault> {
        let cell = self.own(slot)?;
        Ok(&mut cell.bytes)
    }

    /// Whether a frame may be posted from this slot now.
    pub(crate) fn admit(&mut self, slot: Slot, len: usize) -> Result<(), LinkFault> {
        self.own(slot)?;
        if (HEADER_LEN..=MAX_FRAME).contains(&len) { Ok(()) } else { Err(LinkFault::BadLength(len)) }
    }

    /// Posts the first `len` bytes and pads them where they are too few.
    #[inline]
    pub(crate) fn post(&mut self, slot: Slot, len: usize) -> Result<(), LinkFault> {
        self.admit(slot, len)?;
        let cell = self.own(slot)?;
        if len < MIN_FRAME {
            let (head, tail) = cell.padded.split_at_mut(len);
            head.copy_from_slice(&cell.bytes[..len]);
            tail.fill(0);
        }
        cell.posted = Some(len);
        self.order.push(slot);
        Ok(())
    }

    /// Number of posted frames.
    pub(crate) fn posted(&self) -> usize {
        self.order.len()
    }

    /// The `index`-th posted frame as it goes on the wire; empty behind the last.
    pub(crate) fn frame(&self, index: usize) -> &[u8] {
        let cell = self.order.get(index).and_then(|slot| self.cells.get(usize::from(slot.0)));
        match cell.and_then(|cell| cell.posted.map(|len| (cell, len))) {
            Some((cell, len)) if len < MIN_FRAME => &cell.padded,
            Some((cell, len)) => &cell.bytes[..len],
            None => &[],
        }
    }

    /// Gives every posted slot back to its owner.
    pub(crate) fn clear(&mut self) {
        for slot in self.order.drain(..) {
            if let Some(cell) = self.cells.get_mut(usize::from(slot.0)) {
                cell.posted = None;
            }
        }
    }

    fn own(&mut self, slot: Slot) -> Result<&mut Cell, LinkFault> {
        match self.cells.get_mut(usize::from(slot.0)) {
            None => Err(LinkFault::NoSuchSlot(slot)),
            Some(cell) if cell.posted.is_some() => Err(LinkFault::Busy(slot)),
            Some(cell) => Ok(cell),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_posted_slot_is_busy_until_cleared_and_keeps_its_bytes() {
        let mut slots = Slots::new(2);
        slots.slot_mut(Slot(1)).unwrap().fill(7);
        slots.post(Slot(1), 100).unwrap();
        assert_eq!(slots.slot_mut(Slot(1)).unwrap_err(), LinkFault::Busy(Slot(1)));
        assert_eq!(slots.post(Slot(1), 100), Err(LinkFault::Busy(Slot(1))));
        slots.clear();
        assert_eq!(slots.posted(), 0);
        assert_eq!(slots.slot_mut(Slot(1)).unwrap(), [7; MAX_FRAME].as_slice());
    }

    #[test]
    fn padding_is_zero_on_the_wire_and_leaves_the_slot_alone() {
        let mut slots = Slots::new(1);
        slots.slot_mut(Slot(0)).unwrap().fill(9);
        for len in [59, 14, 30] {
            slots.post(Slot(0), len).unwrap();
            let wire = slots.frame(0);
            assert_eq!(wire.len(), MIN_FRAME);
            assert!(wire[..len].iter().all(|byte| *byte == 9) && wire[len..].iter().all(|byte| *byte == 0));
            slots.clear();
        }
        assert!(slots.slot(Slot(0)).unwrap().iter().all(|byte| *byte == 9));
    }

    #[test]
    fn frames_are_given_in_the_order_of_posting() {
        let mut slots = Slots::new(3);
        for (slot, len) in [(2, 200), (0, 60), (1, 1514)] {
            slots.post(Slot(slot), len).unwrap();
        }
        assert_eq!([0, 1, 2, 3].map(|index| slots.frame(index).len()), [200, 60, 1514, 0]);
    }
}
