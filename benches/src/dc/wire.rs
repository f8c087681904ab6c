//! The link of the bench: a segment in this process, and frames that are lost on their way out or back.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use zerocat_link::{Link, LinkFault, Sizing, Slot};
use zerocat_sim::{Segment, SegmentLink};

type TrueTime = Box<dyn Fn() -> Duration>;

/// What becomes of the frames of a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// They come back.
    Return,
    /// They are lost before the first SubDevice.
    LostOut,
    /// They pass all SubDevices and are lost behind them.
    LostBack,
}

/// The link.
#[derive(Debug)]
pub(super) struct Wire {
    inner: SegmentLink<TrueTime>,
    fate: Fate,
    /// True time at which frames come into the segment, in ns.
    enters: Rc<Cell<u64>>,
}

impl Wire {
    pub(super) fn new(segment: Segment) -> Self {
        let enters = Rc::new(Cell::new(0));
        let now = Rc::clone(&enters);
        let clock: TrueTime = Box::new(move || Duration::from_nanos(now.get()));
        let inner = SegmentLink::new(segment, Sizing { slots: 8, receive: 8 }, clock);
        Self { inner, fate: Fate::Return, enters }
    }

    /// Frames that are posted from now on come into the segment at a true time, in ns, and this becomes of them.
    pub(super) fn set(&mut self, enters: u64, fate: Fate) {
        self.enters.set(enters);
        self.fate = fate;
    }

    pub(super) const fn segment(&self) -> &Segment {
        self.inner.segment()
    }

    pub(super) const fn segment_mut(&mut self) -> &mut Segment {
        self.inner.segment_mut()
    }
}

impl Link for Wire {
    zerocat_link::delegate_to!(inner: slots, slot, slot_mut, kick, counters, withdraw);

    fn post(&mut self, slot: Slot, len: usize) -> Result<(), LinkFault> {
        if self.fate == Fate::LostOut { Ok(()) } else { self.inner.post(slot, len) }
    }

    fn receive(&mut self) -> Result<Option<&[u8]>, LinkFault> {
        if self.fate == Fate::LostBack {
            while self.inner.receive()?.is_some() {}
            return Ok(None);
        }
        self.inner.receive()
    }
}
