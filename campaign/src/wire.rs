//! The link of a life: the segment in the same process, with frames that are lost, late or held back, and a record of the
//! outputs that reached the segment.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;
use zerocat_link::{Link, LinkCounters, LinkFault, MAX_FRAME, Slot};
use zerocat_pdi::Plan;
use zerocat_sim::{Segment, SegmentLink};
use zerocat_wire::ethernet::{self, MacAddress};
use zerocat_wire::{Command, FrameView};

/// The clock of the segment.
pub(crate) type SegmentClock = Box<dyn Fn() -> Duration + Send>;

/// What the link does to frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Weather {
    pub(crate) lose_all: bool,
    pub(crate) lose_answers: bool,
    /// One frame in so many is lost.
    pub(crate) lose_one_in: Option<u32>,
    pub(crate) late: bool,
    pub(crate) down: bool,
    /// Nothing is received.
    pub(crate) deaf: bool,
}

impl Weather {
    /// Whether all frames come back in time.
    pub(crate) fn is_calm(self) -> bool {
        self == Self::default()
    }
}

/// Outputs as a cyclic frame brought them to the segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivered {
    /// Where they are in the process image.
    pub(crate) image: Range<usize>,
    pub(crate) bytes: Vec<u8>,
    /// The interface has kept the frame since an earlier cycle.
    pub(crate) kept: bool,
}

/// The link.
pub(crate) struct Wire {
    inner: SegmentLink<SegmentClock>,
    pub(crate) weather: Weather,
    rng: fastrand::Rng,
    /// Slots that were posted and not kicked yet, with their lengths.
    posted: Vec<(Slot, usize)>,
    /// Frames that the interface took while it was down.
    held: Vec<(Slot, usize)>,
    /// Frames on their way back, late, with the cycle that they were received in.
    late: VecDeque<(u64, Vec<u8>)>,
    /// The present cycle.
    cycle: u64,
    lent: Box<[u8; MAX_FRAME]>,
    /// Outputs by logical address: start, and their bytes in the image.
    outputs: Vec<(u32, Range<usize>)>,
    delivered: Vec<Delivered>,
    /// The clock of the segment.
    clock: SegmentClock,
    truth: Truth,
}

/// The inputs of each SubDevice, by position, as the last cyclic frame found them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Truth {
    /// The cycle of that frame.
    pub(crate) cycle: u64,
    pub(crate) inputs: Vec<Vec<u8>>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").field("weather", &self.weather).finish_non_exhaustive()
    }
}

impl Wire {
    pub(crate) fn new(inner: SegmentLink<SegmentClock>, clock: SegmentClock, seed: u64) -> Self {
        Self {
            inner,
            weather: Weather::default(),
            rng: fastrand::Rng::with_seed(seed),
            posted: Vec::new(),
            held: Vec::new(),
            late: VecDeque::new(),
            cycle: 0,
            lent: Box::new([0; MAX_FRAME]),
            outputs: Vec::new(),
            delivered: Vec::new(),
            clock,
            truth: Truth::default(),
        }
    }

    /// What the last cyclic frame found.
    pub(crate) const fn truth(&self) -> &Truth {
        &self.truth
    }

    /// Notes what a cyclic frame will find that goes out now.
    fn note_truth(&mut self, slot: Slot) {
        let source = self.inner.slot(slot).ok().and_then(|bytes| ethernet::source(bytes).ok());
        if source.is_none_or(|source| source.0[..3] != MacAddress::CYCLIC.0[..3]) {
            return;
        }
        let now = (self.clock)();
        let segment = self.inner.segment_mut();
        segment.step(now);
        let inputs = (0..segment.len()).map(|n| segment.inputs(n).unwrap_or_default()).collect();
        self.truth = Truth { cycle: self.cycle, inputs };
    }

    /// Says which logical addresses hold outputs.
    pub(crate) fn know(&mut self, plan: &Plan) {
        let datagrams = plan.frames.iter().flat_map(|frame| &frame.datagrams);
        let writes = datagrams.filter(|datagram| datagram.command != Command::Lrd && !datagram.outputs.is_empty());
        self.outputs = writes.map(|datagram| (datagram.logical, datagram.outputs.clone())).collect();
    }

    /// A cycle begins.
    pub(crate) const fn begin_cycle(&mut self, cycle: u64) {
        self.cycle = cycle;
    }

    /// What reached the segment since the last call.
    pub(crate) fn take_delivered(&mut self) -> Vec<Delivered> {
        std::mem::take(&mut self.delivered)
    }

    pub(crate) const fn segment(&self) -> &Segment {
        self.inner.segment()
    }

    pub(crate) const fn segment_mut(&mut self) -> &mut Segment {
        self.inner.segment_mut()
    }

    /// The interface goes down, or up: then it sends what it held at the next kick.
    pub(crate) const fn set_down(&mut self, down: bool) {
        self.weather.down = down;
    }

    /// Passes a posted frame on to the segment.
    fn transmit(&mut self, slot: Slot, len: usize, kept: bool) {
        let lost = self.weather.lose_all || self.weather.lose_one_in.is_some_and(|n| self.rng.u32(0..n) == 0);
        if lost {
            return;
        }
        let outputs =
            self.inner.slot(slot).ok().and_then(|bytes| bytes.get(..len)).map(|bytes| self.outputs_of(bytes, kept));
        if self.inner.post(slot, len).is_ok() {
            self.delivered.extend(outputs.into_iter().flatten());
        }
    }

    fn outputs_of(&self, bytes: &[u8], kept: bool) -> Vec<Delivered> {
        let cyclic = ethernet::source(bytes).is_ok_and(|source| source.0[..3] == MacAddress::CYCLIC.0[..3]);
        let Some(frame) = FrameView::new_checked(bytes).ok().filter(|_| cyclic) else { return Vec::new() };
        let mut found = Vec::new();
        for datagram in frame.datagrams().flatten() {
            let logical = datagram.address().0;
            let written = matches!(datagram.command(), Ok(Command::Lrw | Command::Lwr));
            if let Some((_, image)) = self.outputs.iter().find(|(start, _)| written && *start == logical) {
                let data = datagram.data().get(..image.len()).unwrap_or_default();
                found.push(Delivered { image: image.clone(), bytes: data.to_vec(), kept });
            }
        }
        found
    }
}

impl Link for Wire {
    fn slots(&self) -> u16 {
        self.inner.slots()
    }

    fn slot(&self, slot: Slot) -> Result<&[u8], LinkFault> {
        self.inner.slot(slot)
    }

    fn slot_mut(&mut self, slot: Slot) -> Result<&mut [u8], LinkFault> {
        let busy = self.posted.iter().chain(&self.held).any(|(posted, _)| *posted == slot);
        if busy { Err(LinkFault::Busy(slot)) } else { self.inner.slot_mut(slot) }
    }

    fn post(&mut self, slot: Slot, len: usize) -> Result<(), LinkFault> {
        self.slot_mut(slot)?;
        self.posted.push((slot, len));
        Ok(())
    }

    fn kick(&mut self) -> Result<(), LinkFault> {
        let kept = self.held.len();
        self.held.append(&mut self.posted);
        if !self.weather.down {
            for (n, (slot, len)) in std::mem::take(&mut self.held).into_iter().enumerate() {
                self.note_truth(slot);
                self.transmit(slot, len, n < kept);
            }
        }
        self.inner.kick()
    }

    fn receive(&mut self) -> Result<Option<&[u8]>, LinkFault> {
        while let Some(bytes) = self.inner.receive()? {
            if self.weather.lose_answers || self.weather.down || self.weather.deaf {
                continue;
            }
            // In order: what arrives behind a late frame waits for it.
            let at = if self.weather.late { self.cycle + 1 } else { self.cycle };
            self.late.push_back((at, bytes.to_vec()));
        }
        if self.late.front().is_none_or(|(at, _)| *at > self.cycle) {
            return Ok(None);
        }
        let Some((_, bytes)) = self.late.pop_front() else { return Ok(None) };
        let lent = self.lent.get_mut(..bytes.len()).ok_or(LinkFault::BadLength(bytes.len()))?;
        lent.copy_from_slice(&bytes);
        Ok(Some(lent))
    }

    fn counters(&self) -> LinkCounters {
        self.inner.counters()
    }

    fn withdraw(&mut self) {
        self.posted.clear();
        self.held.clear();
        self.inner.withdraw();
    }
}
