//! The cyclic lane: frames that are built once in transmit slots and keep their place for the life of the plan.
//!
//! A frame's number is in the last byte of its source address, its cycle's low 24 bits are in the index of each of its
//! datagrams (8) and in the two bytes before the number (16): a frame that a network held back for seconds and returns
//! in a burst is known as late. Outputs go from the image into the slot, inputs from the received frame into the image, and only from a
//! datagram whose working counter is as expected.

use std::ops::Range;
use zerocat_link::{Link, LinkFault, Slot};
use zerocat_pdi::{DatagramPlan, FramePlan, Plan};
use zerocat_wire::ethernet::{self, MacAddress};
use zerocat_wire::{Address, Command, Datagram, DatagramView, FrameBuilder, FrameView, WireError, datagram, register};

/// Bytes of process data that a frame carries beside a reference clock datagram (8 bytes) and an AL status datagram
/// (2 bytes).
pub const PROCESS_DATA_ROOM: usize =
    datagram::MAX_DATA_ALONE.saturating_sub(8 + datagram::OVERHEAD).saturating_sub(2 + datagram::OVERHEAD);
/// Bytes of a frame's source address that carry the cycle.
const SOURCE_MARK: Range<usize> = 9..11;
/// Frames that a plan may have: their number is one byte.
pub const MAX_FRAMES: usize = 256;

/// How the lane is built beside the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneOptions {
    /// First of the link's slots that are the lane's.
    pub first_slot: Slot,
    /// Number of SubDevices, to read the AL status of all of them in each cycle; `None` not to.
    pub al_status: Option<u16>,
}

/// Why a plan is no lane.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LaneError {
    /// More frames than can be numbered.
    #[error("the plan has {0} frames; {MAX_FRAMES} can be told apart")]
    TooManyFrames(usize),
    /// A frame's datagrams don't fit.
    #[error("frame {frame} of the plan does not fit into 1,514 bytes")]
    FrameTooLong {
        /// Number of the frame.
        frame: usize,
        /// What the builder said.
        source: WireError,
    },
}

/// What a datagram is for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Purpose {
    /// Process data: the parts of the image that are outputs and inputs.
    Process { outputs: Range<usize>, inputs: Range<usize>, start: usize },
    /// The AL status of all SubDevices.
    AlStatus,
}

#[derive(Debug)]
struct LaneDatagram {
    header: Datagram,
    /// Offset of the datagram in the frame.
    offset: usize,
    purpose: Purpose,
    expected: u16,
    got: Option<u16>,
}

#[derive(Debug)]
struct LaneFrame {
    template: Box<[u8]>,
    slot: Slot,
    datagrams: Vec<LaneDatagram>,
    sent: bool,
    returned: bool,
}

/// A datagram's working counter was not as expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) frame: u16,
    pub(crate) datagram: u16,
    pub(crate) expected: u16,
    pub(crate) got: u16,
}

/// What became of a frame that came in the lane's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is of this cycle and was taken.
    Taken,
    /// It is of an earlier cycle, or came twice.
    Late,
    /// It isn't what was sent.
    Malformed,
}

/// The AL status of all SubDevices as the last cycle read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct AlReading {
    pub(crate) ored: u16,
    pub(crate) responding: u16,
}

/// The cyclic frames and the process image.
#[derive(Debug)]
pub struct CyclicLane {
    frames: Vec<LaneFrame>,
    image: Box<[u8]>,
    mark: Mark,
    outstanding: usize,
    al_status: Option<AlReading>,
    clean: bool,
}

/// The low bits of a cycle's number, as its frames carry them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Mark {
    /// In each datagram's index.
    index: u8,
    /// In the source address.
    source: [u8; 2],
}

impl Mark {
    const fn of(cycle: u64) -> Self {
        let [index, first, second, ..] = cycle.to_le_bytes();
        Self { index, source: [first, second] }
    }
}

impl CyclicLane {
    /// Builds the frames of a plan.
    ///
    /// # Errors
    /// When a frame doesn't fit into 1,514 bytes, or there are more than 256 of them.
    pub fn new(plan: &Plan, options: LaneOptions) -> Result<Self, LaneError> {
        if plan.frames.len() > MAX_FRAMES {
            return Err(LaneError::TooManyFrames(plan.frames.len()));
        }
        let mut planned = plan.frames.clone();
        if planned.is_empty() && options.al_status.is_some() {
            planned.push(FramePlan { datagrams: Vec::new() });
        }
        let mut frames = Vec::with_capacity(planned.len());
        for (frame, number) in planned.iter().zip(0u8..=u8::MAX) {
            let slot = Slot(options.first_slot.0.saturating_add(number.into()));
            let al_status = options.al_status.filter(|_| number == 0);
            let built = build(frame, number, slot, al_status)
                .map_err(|source| LaneError::FrameTooLong { frame: number.into(), source })?;
            frames.push(built);
        }
        let image = vec![0; plan.image_len].into_boxed_slice();
        Ok(Self { frames, image, mark: Mark::default(), outstanding: 0, al_status: None, clean: false })
    }

    /// Number of frames.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.frames.len()
    }

    /// The process image.
    #[must_use]
    pub fn image(&self) -> &[u8] {
        &self.image
    }

    pub(crate) fn image_mut(&mut self) -> &mut [u8] {
        &mut self.image
    }

    /// Sets all outputs to zero, inputs stay.
    pub(crate) fn zero_outputs(&mut self) {
        let Self { frames, image, .. } = self;
        for outputs in frames.iter().flat_map(|frame| &frame.datagrams).filter_map(LaneDatagram::outputs) {
            if let Some(bytes) = image.get_mut(outputs.clone()) {
                bytes.fill(0);
            }
        }
    }

    /// Writes the frames into their slots as they were built.
    ///
    /// # Errors
    /// The first slot that isn't there or is with the network.
    pub(crate) fn stage<L: Link>(&self, link: &mut L) -> Result<(), LinkFault> {
        for frame in &self.frames {
            let bytes = link.slot_mut(frame.slot)?;
            if let Some(start) = bytes.get_mut(..frame.template.len()) {
                start.copy_from_slice(&frame.template);
            }
        }
        Ok(())
    }

    /// Marks all frames with the cycle and writes the outputs into the slots. Returns how many slots are with the
    /// network still and so can't go out in this cycle.
    pub(crate) fn prepare<L: Link>(&mut self, link: &mut L, cycle: u64) -> u64 {
        self.mark = Mark::of(cycle);
        self.outstanding = 0;
        self.al_status = None;
        self.clean = true;
        let mut busy = 0;
        for frame in &mut self.frames {
            frame.returned = false;
            frame.sent = match link.slot_mut(frame.slot) {
                Ok(bytes) => {
                    frame.write(bytes, &self.image, self.mark);
                    true
                }
                Err(_) => {
                    busy += 1;
                    false
                }
            };
            frame.datagrams.iter_mut().for_each(|datagram| datagram.got = None);
        }
        busy
    }

    /// Posts all prepared frames. Returns how many the link refused, and its last reason.
    pub(crate) fn post<L: Link>(&mut self, link: &mut L) -> (u64, Option<LinkFault>) {
        let (mut refused, mut fault) = (0, None);
        for frame in self.frames.iter_mut().filter(|frame| frame.sent) {
            match link.post(frame.slot, frame.template.len()) {
                Ok(()) => self.outstanding += 1,
                Err(why) => {
                    frame.sent = false;
                    refused += 1;
                    fault = Some(why);
                }
            }
        }
        (refused, fault)
    }

    /// Frames of this cycle that are still out.
    pub(crate) const fn outstanding(&self) -> usize {
        self.outstanding
    }

    /// Whether the source address is that of one of the lane's frames on its way back.
    #[inline]
    pub(crate) fn owns(source: MacAddress) -> bool {
        let ([a, b, c, ..], [x, y, z, ..]) = (source.0, MacAddress::CYCLIC.returned().0);
        (a, b, c) == (x, y, z)
    }

    /// Takes a frame that came back. `mismatch` is told of each wrong working counter.
    pub(crate) fn admit(&mut self, bytes: &[u8], source: MacAddress, mut mismatch: impl FnMut(Mismatch)) -> Admission {
        let number = usize::from(source.0[5]);
        let Self { frames, image, mark, outstanding, al_status, clean } = self;
        let Some(frame) = frames.get_mut(number) else { return Admission::Malformed };
        let Ok(received) = FrameView::new_checked(bytes) else { return Admission::Malformed };
        if let Some(admission) = frame.refuse(received, *mark) {
            return admission;
        }
        frame.returned = true;
        *outstanding = outstanding.saturating_sub(1);
        for ((datagram, view), position) in frame.datagrams.iter_mut().zip(received.datagrams()).zip(0u16..) {
            let Ok(view) = view else { return Admission::Malformed };
            let got = view.working_counter();
            datagram.got = Some(got);
            if matches!(datagram.purpose, Purpose::AlStatus) {
                *al_status = view
                    .data()
                    .first_chunk()
                    .map(|ored| AlReading { ored: u16::from_le_bytes(*ored), responding: got });
            }
            if got == datagram.expected {
                datagram.read(view, image);
            } else {
                *clean = false;
                let frame = u16::from(source.0[5]);
                mismatch(Mismatch { frame, datagram: position, expected: datagram.expected, got });
            }
        }
        Admission::Taken
    }

    /// Numbers of the frames that have not come back.
    pub(crate) fn missing(&self) -> impl Iterator<Item = u16> {
        self.frames.iter().zip(0u16..).filter(|(frame, _)| !frame.returned).map(|(_, number)| number)
    }

    /// What the AL status datagram of this cycle brought.
    pub(crate) const fn al_status(&self) -> Option<AlReading> {
        self.al_status
    }

    /// Sum of the working counters of this cycle and the sum expected, process data only.
    pub(crate) fn working_counters(&self) -> (u64, u64) {
        self.frames
            .iter()
            .flat_map(|frame| &frame.datagrams)
            .filter(|datagram| datagram.outputs().is_some())
            .fold((0, 0), |(got, expected), d| (got + u64::from(d.got.unwrap_or(0)), expected + u64::from(d.expected)))
    }

    /// Whether every frame came back with every counter as expected.
    pub(crate) const fn is_clean(&self) -> bool {
        self.clean && self.outstanding == 0
    }

    /// Whether bytes of the image are older than this cycle.
    pub(crate) fn is_stale(&self, range: &Range<usize>) -> bool {
        self.frames
            .iter()
            .flat_map(|frame| &frame.datagrams)
            .filter(|datagram| datagram.got != Some(datagram.expected))
            .any(|datagram| datagram.touches(range))
    }
}

impl LaneFrame {
    /// Marks the frame in its slot with the cycle and writes the outputs.
    fn write(&self, slot: &mut [u8], image: &[u8], mark: Mark) {
        if let Some(source) = slot.get_mut(SOURCE_MARK) {
            source.copy_from_slice(&mark.source);
        }
        self.datagrams.iter().for_each(|datagram| datagram.write(slot, image, mark.index));
    }

    /// Why a frame in this frame's name isn't taken, or `None` if it is.
    fn refuse(&self, received: FrameView<'_>, mark: Mark) -> Option<Admission> {
        let [_, _, _, first, second, _] = received.source().0;
        let mut datagrams = received.datagrams();
        for sent in &self.datagrams {
            let Some(Ok(view)) = datagrams.next() else { return Some(Admission::Malformed) };
            let Ok(header) = view.header() else { return Some(Admission::Malformed) };
            let same_address = header.address == sent.header.address
                || (!header.command.is_logical() && header.address.ado() == sent.header.address.ado());
            if header.command != sent.header.command || header.len != sent.header.len || !same_address {
                return Some(Admission::Malformed);
            }
            if header.index != mark.index || [first, second] != mark.source {
                return Some(Admission::Late);
            }
        }
        if self.returned || !self.sent { Some(Admission::Late) } else { None }
    }
}

impl LaneDatagram {
    const fn outputs(&self) -> Option<&Range<usize>> {
        match &self.purpose {
            Purpose::Process { outputs, .. } => Some(outputs),
            Purpose::AlStatus => None,
        }
    }

    /// Marks the datagram in the slot with `index` and writes its outputs.
    fn write(&self, slot: &mut [u8], image: &[u8], index: u8) {
        let Some(bytes) = slot.get_mut(self.offset..) else { return };
        if let Some(mark) = bytes.get_mut(datagram::INDEX) {
            *mark = index;
        }
        let Purpose::Process { outputs, start, .. } = &self.purpose else { return };
        let from = datagram::HEADER_LEN.saturating_add(outputs.start.saturating_sub(*start));
        let data = bytes.get_mut(from..from.saturating_add(outputs.len()));
        if let (Some(to), Some(new)) = (data, image.get(outputs.clone())) {
            to.copy_from_slice(new);
        }
    }

    /// Copies the inputs of a returned datagram into the image.
    fn read(&self, view: DatagramView<'_>, image: &mut [u8]) {
        let Purpose::Process { inputs, start, .. } = &self.purpose else { return };
        let from = inputs.start.saturating_sub(*start);
        let data = view.data().get(from..from.saturating_add(inputs.len()));
        if let (Some(to), Some(new)) = (image.get_mut(inputs.clone()), data) {
            to.copy_from_slice(new);
        }
    }

    fn touches(&self, range: &Range<usize>) -> bool {
        let Purpose::Process { outputs, inputs, .. } = &self.purpose else { return false };
        overlap(outputs, range) || overlap(inputs, range)
    }
}

const fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// Source address of the lane's frame `number`.
fn frame_source(number: u8) -> MacAddress {
    let mut source = MacAddress::CYCLIC;
    source.0[5] = number;
    source
}

fn build(plan: &FramePlan, number: u8, slot: Slot, al_status: Option<u16>) -> Result<LaneFrame, WireError> {
    let mut buffer = vec![0; ethernet::MAX_FRAME];
    let mut builder = FrameBuilder::new(&mut buffer, frame_source(number))?;
    let mut datagrams = Vec::new();
    let mut push = |header: Datagram, purpose, expected| -> Result<(), WireError> {
        let offset = builder.push(header)?.saturating_sub(datagram::HEADER_LEN);
        datagrams.push(LaneDatagram { header, offset, purpose, expected, got: None });
        Ok(())
    };
    for planned in &plan.datagrams {
        let header = Datagram::new(planned.command, Address::logical(planned.logical), 0, planned.image.len());
        push(header, process_data(planned), planned.expected_working_counter)?;
    }
    if let Some(subdevices) = al_status {
        let header = Datagram::new(Command::Brd, Address::broadcast(register::AL_STATUS), 0, 2);
        push(header, Purpose::AlStatus, subdevices)?;
    }
    let len = builder.finish()?;
    buffer.truncate(len);
    Ok(LaneFrame { template: buffer.into_boxed_slice(), slot, datagrams, sent: false, returned: false })
}

/// Outputs come first in a datagram, inputs behind them.
fn process_data(planned: &DatagramPlan) -> Purpose {
    let outputs_end = if planned.inputs.is_empty() { planned.image.end } else { planned.inputs.start };
    Purpose::Process {
        outputs: planned.image.start..outputs_end,
        inputs: planned.inputs.clone(),
        start: planned.image.start,
    }
}
