//! A segment as a link in the same process: what is posted comes back processed, in order.
//!
//! Everything is allocated when it is made. Frames that find no room to be received are dropped and counted.

use std::fmt;
use std::time::Duration;

use zerocat_link::{Link, LinkCounters, LinkFault, MAX_FRAME, MIN_FRAME, Sizing, Slot};

use crate::segment::{Outcome, Segment};

/// Decides for each frame, by its number from 0, whether it is lost on the way.
pub type Loss = Box<dyn FnMut(u64) -> bool + Send>;

struct Buffer {
    bytes: [u8; MAX_FRAME],
    len: usize,
    posted: bool,
}

impl Buffer {
    fn many(count: u16) -> Vec<Self> {
        (0..count).map(|_| Self { bytes: [0; MAX_FRAME], len: 0, posted: false }).collect()
    }
}

/// A link whose other end is a segment. `T` tells the time, real or virtual.
pub struct SegmentLink<T> {
    segment: Segment,
    clock: T,
    slots: Vec<Buffer>,
    posted: Vec<u16>,
    returned: Vec<Buffer>,
    first: usize,
    waiting: usize,
    frames: u64,
    loss: Option<Loss>,
    counters: LinkCounters,
}

impl<T> fmt::Debug for SegmentLink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegmentLink")
            .field("segment", &self.segment)
            .field("waiting", &self.waiting)
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

impl<T: Fn() -> Duration> SegmentLink<T> {
    /// A link to `segment` with the buffers that `sizing` says (at least one of each).
    pub fn new(segment: Segment, sizing: Sizing, clock: T) -> Self {
        Self {
            segment,
            clock,
            slots: Buffer::many(sizing.slots.max(1)),
            posted: Vec::with_capacity(usize::from(sizing.slots.max(1))),
            returned: Buffer::many(sizing.receive.max(1)),
            first: 0,
            waiting: 0,
            frames: 0,
            loss: None,
            counters: LinkCounters::default(),
        }
    }

    /// The same with frames lost on the way out as `loss` decides.
    #[must_use]
    pub fn with_loss(mut self, loss: impl FnMut(u64) -> bool + Send + 'static) -> Self {
        self.loss = Some(Box::new(loss));
        self
    }

    /// The segment.
    pub const fn segment(&self) -> &Segment {
        &self.segment
    }

    /// The segment, to change.
    pub const fn segment_mut(&mut self) -> &mut Segment {
        &mut self.segment
    }

    fn buffer(&mut self, slot: Slot) -> Result<&mut Buffer, LinkFault> {
        let buffer = self.slots.get_mut(usize::from(slot.0)).ok_or(LinkFault::NoSuchSlot(slot))?;
        if buffer.posted { Err(LinkFault::Busy(slot)) } else { Ok(buffer) }
    }

    /// Sends one slot through the segment into the queue of returned frames.
    fn transmit(&mut self, n: u16) {
        let number = self.frames;
        self.frames += 1;
        let slot = &mut self.slots[usize::from(n)];
        slot.posted = false;
        self.counters.sent += 1;
        if self.loss.as_mut().is_some_and(|loss| loss(number)) {
            return;
        }
        if self.waiting == self.returned.len() {
            self.counters.dropped += 1;
            return;
        }
        let at = (self.first + self.waiting) % self.returned.len();
        let target = &mut self.returned[at];
        let len = slot.len;
        target.len = len.max(MIN_FRAME);
        target.bytes[..len].copy_from_slice(&slot.bytes[..len]);
        target.bytes[len..target.len].fill(0);
        if self.segment.process(&mut target.bytes[..target.len], (self.clock)()) == Outcome::Returned {
            self.waiting += 1;
        }
    }
}

impl<T: Fn() -> Duration> Link for SegmentLink<T> {
    fn slots(&self) -> u16 {
        u16::try_from(self.slots.len()).unwrap_or(u16::MAX)
    }

    fn slot(&self, slot: Slot) -> Result<&[u8], LinkFault> {
        self.slots.get(usize::from(slot.0)).map(|buffer| &buffer.bytes[..]).ok_or(LinkFault::NoSuchSlot(slot))
    }

    fn slot_mut(&mut self, slot: Slot) -> Result<&mut [u8], LinkFault> {
        self.buffer(slot).map(|buffer| &mut buffer.bytes[..])
    }

    fn post(&mut self, slot: Slot, len: usize) -> Result<(), LinkFault> {
        let buffer = self.buffer(slot)?;
        if !(zerocat_wire::ethernet::HEADER_LEN..=MAX_FRAME).contains(&len) {
            return Err(LinkFault::BadLength(len));
        }
        buffer.len = len;
        buffer.posted = true;
        self.posted.push(slot.0);
        Ok(())
    }

    fn kick(&mut self) -> Result<(), LinkFault> {
        self.counters.kicks += 1;
        for n in 0..self.posted.len() {
            self.transmit(self.posted[n]);
        }
        self.posted.clear();
        Ok(())
    }

    fn receive(&mut self) -> Result<Option<&[u8]>, LinkFault> {
        if self.waiting == 0 {
            return Ok(None);
        }
        let at = self.first;
        self.first = (self.first + 1) % self.returned.len();
        self.waiting -= 1;
        self.counters.received += 1;
        let buffer = &self.returned[at];
        Ok(Some(&buffer.bytes[..buffer.len]))
    }

    fn counters(&self) -> LinkCounters {
        self.counters
    }

    fn withdraw(&mut self) {
        for slot in self.posted.drain(..) {
            if let Some(buffer) = self.slots.get_mut(usize::from(slot)) {
                buffer.posted = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SegmentConfig;
    use zerocat_wire::ethernet::MacAddress;
    use zerocat_wire::{Address, Command, Datagram, FrameBuilder, FrameView};

    fn link() -> SegmentLink<impl Fn() -> Duration> {
        let segment = Segment::new(&SegmentConfig::example()).unwrap();
        SegmentLink::new(segment, Sizing { slots: 2, receive: 4 }, || Duration::ZERO)
    }

    fn write(link: &mut impl Link, slot: u16) -> usize {
        let bytes = link.slot_mut(Slot(slot)).unwrap();
        let mut builder = FrameBuilder::new(bytes, MacAddress::CYCLIC).unwrap();
        builder.push(Datagram::new(Command::Brd, Address::broadcast(0), 7, 1)).unwrap();
        builder.finish().unwrap()
    }

    #[test]
    fn posted_frames_come_back_processed_and_in_order() {
        let mut link = link();
        for slot in 0..2 {
            let len = write(&mut link, slot);
            link.slot_mut(Slot(slot)).unwrap()[17] = 40 + u8::try_from(slot).unwrap();
            link.post(Slot(slot), len).unwrap();
        }
        assert_eq!(link.slot_mut(Slot(0)).unwrap_err(), LinkFault::Busy(Slot(0)));
        link.kick().unwrap();
        for index in [40, 41] {
            let frame = FrameView::new_checked(link.receive().unwrap().unwrap()).unwrap();
            let datagram = frame.datagrams().next().unwrap().unwrap();
            assert_eq!((datagram.index(), datagram.working_counter()), (index, 6));
            assert_eq!(frame.source(), MacAddress::CYCLIC.returned());
        }
        assert!(link.receive().unwrap().is_none());
    }

    #[test]
    fn a_lost_frame_frees_its_slot_and_does_not_return() {
        let mut link = link().with_loss(|frame| frame == 0);
        let len = write(&mut link, 0);
        for _ in 0..2 {
            link.post(Slot(0), len).unwrap();
            link.kick().unwrap();
        }
        assert!(link.receive().unwrap().is_some());
        assert!(link.receive().unwrap().is_none());
        assert_eq!((link.counters().sent, link.counters().received), (2, 1));
    }

    #[test]
    fn refuses_what_is_no_slot_or_no_frame() {
        let mut link = link();
        assert_eq!(link.post(Slot(2), 60), Err(LinkFault::NoSuchSlot(Slot(2))));
        assert_eq!(link.post(Slot(0), 13), Err(LinkFault::BadLength(13)));
        assert_eq!(link.post(Slot(0), 1515), Err(LinkFault::BadLength(1515)));
    }

    #[test]
    fn more_frames_than_room_are_counted_as_dropped() {
        let mut link = link();
        let len = write(&mut link, 0);
        for _ in 0..6 {
            link.post(Slot(0), len).unwrap();
            link.kick().unwrap();
        }
        assert_eq!(link.counters().dropped, 2);
    }
}
