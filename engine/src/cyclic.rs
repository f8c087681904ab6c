//! The cyclic lane: frames that are built once in transmit slots and keep their place for the life of the plan.
//!
//! A frame's number is in the last byte of its source address, its cycle's low 24 bits are in the index of each of its
//! datagrams (8) and in the two bytes before the number (16): a frame that a network held back for seconds and returns
//! in a burst is known as late. Outputs go from the image into the slot, inputs from the received frame into the image,
//! and only those of SubDevices of which the datagram's working counter says that they took part
//! ([`validity`](crate::validity)).
//!
//! Until it is told that all take part, and from when it is told that they no longer do, the lane expects of each datagram
//! the working counter of before OP at least, and at most that of OP: what is for OP only may take part already or not.
//!
//! The frame that is sent most often reads the reference clock, where there is one.
//!
//! A frame is sent on the ticks of its sync units and keeps its inputs, and whose are stale, until the next one.
//! A turn on a tick that was missed is taken on the next tick that isn't.

use crate::control::TakingPart;
use crate::frame::{Besides, LaneDatagram, LaneFrame, Mark, build};
use crate::mail::MailPort;
use crate::presence::Presence;
use crate::reference::{Ask, Reading, ReferenceClock};
use crate::safe::SafeOutputs;
use crate::validity::{Stale, Verdict};
use std::ops::Range;
use std::time::Duration;
use zerocat_link::{Link, LinkFault, Slot};
use zerocat_pdi::{CLOCK_ROOM, FramePlan, Plan, Turn};
use zerocat_sched::Time;
use zerocat_wire::ethernet::MacAddress;
use zerocat_wire::{FrameView, WireError, datagram};

/// A byte at 100 Mbit/s.
const BYTE: Duration = Duration::from_nanos(80);
/// Bytes of the shortest Ethernet frame without its checksum (IEEE 802.3, 3.2.8).
const LEAST_FRAME: usize = 60;
/// Bytes between two frames on the wire (IEEE 802.3, 4.4.2).
const GAP: usize = 12;
/// Bytes on the wire beside those of a frame: preamble (8), checksum (4) and gap.
const AROUND_FRAME: usize = 8 + 4 + GAP;
/// Ticks of which the longest is looked for.
const TICKS_LOOKED_AT: u64 = 1_000;

/// Bytes of process data and status that a frame carries beside the reference clock's datagram and an AL status datagram
/// (2 bytes).
pub const PROCESS_DATA_ROOM: usize =
    datagram::MAX_DATA_ALONE.saturating_sub(CLOCK_ROOM).saturating_sub(2 + datagram::OVERHEAD);
/// Bytes of [`PROCESS_DATA_ROOM`] that are taken where the reference clock is slewed to the host's.
pub const HOST_CLOCK_ROOM: usize = CLOCK_ROOM;
/// Frames that a plan may have: their number is one byte.
pub const MAX_FRAMES: usize = 256;

/// The difference 0x092C without its sign, of which documents say both ways what it means.
const MAGNITUDE: u32 = 0x7fff_ffff;

/// How the lane is built beside the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneOptions {
    /// First of the link's slots that are the lane's.
    pub first_slot: Slot,
    /// Number of SubDevices, to read the AL status of all of them as often as the fastest sync unit is sent; `None`
    /// not to.
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
    /// It is of a cycle so many before, or came twice.
    Late { cycles: u32 },
    /// It isn't what was sent.
    Malformed,
}

/// What a cycle came to, in one pass over its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sums {
    /// Sum of the working counters, process data only.
    pub(crate) working_counter: u64,
    /// The sum expected.
    pub(crate) expected: u64,
    /// Frames that were due and have not come back.
    pub(crate) missing: u64,
    pub(crate) result: CycleResult,
}

/// What became of the frames that were due in a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CycleResult {
    /// None was due.
    NothingDue,
    /// All came back with every working counter as expected.
    Complete,
    /// One didn't come back, or a working counter was wrong.
    Incomplete,
}

/// The AL status of all SubDevices as the last cycle read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct AlReading {
    pub(crate) ored: u16,
    pub(crate) responding: u16,
}

/// What the datagrams of a cycle told beside their data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Told {
    /// The events of all SubDevices, ORed.
    pub(crate) events: u16,
    /// Somebody has mail that had none.
    pub(crate) mail: bool,
}

/// What the clock's datagrams brought in a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ClockReading {
    pub(crate) time: Option<Reading>,
    /// How far the clocks are from the reference: the magnitudes ORed, where all that are watched answered.
    pub(crate) difference: Option<u32>,
}

/// The cyclic frames and the process image.
#[derive(Debug)]
pub struct CyclicLane {
    frames: Vec<LaneFrame>,
    image: Box<[u8]>,
    /// The cycle that is prepared.
    cycle: u64,
    /// The last one that was posted.
    posted: Option<u64>,
    outstanding: usize,
    al_status: Option<AlReading>,
    reference: Option<ReferenceClock>,
    clock: ClockReading,
    /// `None` until a frame of the cycle is back.
    told: Option<Told>,
    mail: MailPort,
    /// What is for OP only takes part.
    in_op: bool,
    /// Who contributes, as far as the bus thread knows.
    presence: Presence,
    stale: Stale,
}

impl CyclicLane {
    /// Builds the frames of a plan.
    ///
    /// # Errors
    /// When a frame doesn't fit into 1,514 bytes, or there are more than 256 of them.
    pub fn new(plan: &Plan, options: LaneOptions) -> Result<Self, LaneError> {
        Self::build(plan, options, None)
    }

    /// The same, and one frame reads the reference clock too. The plan may have no process data: then a frame is sent on every
    /// tick for the clock alone.
    ///
    /// # Errors
    /// As [`CyclicLane::new`].
    pub fn with_clock(plan: &Plan, options: LaneOptions, clock: ReferenceClock) -> Result<Self, LaneError> {
        Self::build(plan, options, Some(clock))
    }

    fn build(plan: &Plan, options: LaneOptions, reference: Option<ReferenceClock>) -> Result<Self, LaneError> {
        if plan.frames.len() > MAX_FRAMES {
            return Err(LaneError::TooManyFrames(plan.frames.len()));
        }
        let mut planned = plan.frames.clone();
        if planned.is_empty() && (options.al_status.is_some() || reference.is_some()) {
            planned.push(FramePlan { turn: Turn::EVERY_TICK, status: None, datagrams: Vec::new() });
        }
        let fastest = planned.iter().zip(0u8..=u8::MAX).min_by_key(|(frame, number)| (frame.turn.every(), *number));
        let fastest = fastest.map(|(_, number)| number);
        let mut frames = Vec::with_capacity(planned.len());
        for (frame, number) in planned.iter().zip(0u8..=u8::MAX) {
            let slot = Slot(options.first_slot.0.saturating_add(number.into()));
            let besides = match fastest == Some(number) {
                true => Besides { al_status: options.al_status, clock: reference },
                false => Besides::default(),
            };
            let built = build(frame, number, slot, besides)
                .map_err(|source| LaneError::FrameTooLong { frame: number.into(), source })?;
            frames.push(built);
        }
        let shares = plan.frames.iter().flat_map(|frame| &frame.datagrams).flat_map(|datagram| &datagram.shares);
        let positions = shares.map(|share| usize::from(share.position).saturating_add(1)).max().unwrap_or(0);
        Ok(Self {
            frames,
            image: vec![0; plan.image_len].into_boxed_slice(),
            cycle: 0,
            posted: None,
            outstanding: 0,
            al_status: None,
            reference,
            clock: ClockReading::default(),
            told: None,
            mail: MailPort::default(),
            in_op: false,
            presence: Presence::all(),
            stale: Stale::new(positions),
        })
    }

    /// Tells from now on whose mail waits.
    #[must_use]
    pub fn telling(self, mail: MailPort) -> Self {
        Self { mail, ..self }
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

    /// Makes all outputs safe, inputs stay. From here on it is counted anew which frames were sent.
    pub(crate) fn make_safe(&mut self, safe: &SafeOutputs) {
        let Self { frames, image, .. } = self;
        for frame in frames {
            frame.sent_safe = false;
            frame.datagrams.iter().filter_map(LaneDatagram::outputs).for_each(|outputs| safe.apply(outputs, image));
        }
    }

    /// Whether what is for OP only takes part as well, from now on.
    pub(crate) fn expect(&mut self, taking_part: TakingPart) {
        self.in_op = taking_part == TakingPart::All;
    }

    /// Takes in who contributes, as all were asked in cycle `as_of` or later. Returns whether that is anything new.
    pub(crate) fn tell(&mut self, presence: Presence, as_of: u64) -> bool {
        let before = std::mem::replace(&mut self.presence, presence);
        for frame in &mut self.frames {
            if let Some(roll) = &mut frame.roll {
                roll.forget(|position| before.is_missing(position) && !presence.is_missing(position));
            }
            for datagram in &mut frame.datagrams {
                let al_status = datagram.is_al_status();
                match &mut datagram.ledger {
                    Some(ledger) if al_status => ledger.tell_count(presence.missing()),
                    Some(ledger) => ledger.tell(as_of, |position| presence.is_missing(position)),
                    None => {}
                }
            }
        }
        before != presence
    }

    /// Cycles from one turn of the slowest sync unit to the next.
    pub(crate) fn longest_turn(&self) -> u64 {
        self.frames.iter().map(|frame| frame.turn.every().into()).max().unwrap_or(1)
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

    /// The longest time that the frames of a tick take on a line of 100 Mbit/s, from the first one's start to the last one's end.
    #[must_use]
    pub fn longest_on_the_wire(&self) -> Duration {
        let bytes = |tick: u64| {
            let due = |frame: &&LaneFrame| tick % u64::from(frame.turn.every()) == u64::from(frame.turn.phase());
            let each = self.frames.iter().filter(due).map(|frame| frame.template.len().max(LEAST_FRAME) + AROUND_FRAME);
            each.sum::<usize>().saturating_sub(GAP)
        };
        let longest = (0..self.longest_turn().min(TICKS_LOOKED_AT)).map(bytes).max().unwrap_or(0);
        BYTE.saturating_mul(u32::try_from(longest).unwrap_or(u32::MAX))
    }

    /// Marks the frames that are due with the cycle and writes their outputs into the slots. Returns how many slots are
    /// with the network still and so can't go out in this cycle.
    pub(crate) fn prepare<L: Link>(&mut self, link: &mut L, cycle: u64) -> u64 {
        self.cycle = cycle;
        self.outstanding = 0;
        (self.al_status, self.told, self.clock) = (None, None, ClockReading::default());
        let (last, mark) = (self.posted.unwrap_or(cycle.saturating_sub(1)), Mark::of(cycle));
        let mut busy = 0;
        for frame in &mut self.frames {
            frame.begin(last, cycle);
            if !frame.due {
                continue;
            }
            match link.slot_mut(frame.slot) {
                Ok(bytes) => {
                    frame.write(bytes, &self.image, mark);
                    frame.sent = true;
                }
                Err(_) => busy += 1,
            }
        }
        busy
    }

    /// Writes the outputs of the frames that are prepared once more.
    #[cold]
    pub(crate) fn rewrite<L: Link>(&mut self, link: &mut L) {
        let mark = Mark::of(self.cycle);
        for frame in self.frames.iter().filter(|frame| frame.sent) {
            // A slot that could be written a moment ago still can, for nothing was posted since.
            if let Ok(bytes) = link.slot_mut(frame.slot) {
                frame.write(bytes, &self.image, mark);
            }
        }
    }

    /// The longest time, at `now`, since one of the frames that are due was sent last.
    #[inline]
    pub(crate) fn longest_gap(&self, now: Time) -> Duration {
        let due = self.frames.iter().filter(|frame| frame.due);
        due.filter_map(|frame| frame.sent_at).min().map_or(Duration::ZERO, |earliest| now.since(earliest))
    }

    /// Forgets when frames were sent last.
    pub(crate) fn forget_sends(&mut self) {
        self.frames.iter_mut().for_each(|frame| frame.sent_at = None);
    }

    /// Notes that the link took the frames that were posted, and whether their outputs are the safe ones. Returns whether
    /// these are all that are due.
    #[inline]
    pub(crate) fn note_sent(&mut self, now: Time, safe: bool) -> bool {
        let mut all = true;
        for frame in self.frames.iter_mut().filter(|frame| frame.due) {
            all &= frame.sent;
            if frame.sent {
                frame.sent_at = Some(now);
                frame.sent_in = Some(self.cycle);
                frame.sent_safe = safe;
            }
        }
        all
    }

    /// Whether every frame was sent since outputs were made safe.
    pub(crate) fn is_sent_safe(&self) -> bool {
        self.frames.iter().all(|frame| frame.sent_safe)
    }

    /// Whether every frame with outputs of the ranges was sent in a cycle or later.
    pub(crate) fn is_sent_since(&self, cycle: u64, ranges: &[Range<usize>]) -> bool {
        let carries = |frame: &&LaneFrame| {
            frame.datagrams.iter().any(|datagram| ranges.iter().any(|range| datagram.carries(range)))
        };
        self.frames.iter().filter(carries).all(|frame| frame.sent_in >= Some(cycle))
    }

    /// The clock that is read.
    pub(crate) const fn reference(&self) -> Option<ReferenceClock> {
        self.reference
    }

    /// What the clock's datagrams of this cycle brought.
    pub(crate) const fn clock(&self) -> ClockReading {
        self.clock
    }

    /// Writes what the clock's datagrams are to do into their frame, if that is prepared: what is asked, and what the reference is
    /// told.
    pub(crate) fn ask_clock<L: Link>(&mut self, link: &mut L, ask: Ask, told: Option<u64>) {
        for frame in self.frames.iter_mut().filter(|frame| frame.sent) {
            let LaneFrame { datagrams, slot, .. } = frame;
            let Some(clock) = datagrams.first_mut().filter(|first| first.is_clock()) else { continue };
            // As in `rewrite`.
            if let Ok(bytes) = link.slot_mut(*slot) {
                clock.write_clock(bytes, ask);
                if let Some(host) = datagrams.get_mut(1).filter(|second| second.is_host_time()) {
                    host.write_host_time(bytes, told);
                }
            }
        }
    }

    /// Posts all prepared frames. Returns how many the link refused, and its last reason.
    pub(crate) fn post<L: Link>(&mut self, link: &mut L) -> (u64, Option<LinkFault>) {
        self.posted = Some(self.cycle);
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
        let Self { frames, image, cycle, outstanding, al_status, reference, clock, told, mail, in_op, .. } = self;
        let Some(frame) = frames.get_mut(number) else { return Admission::Malformed };
        let Ok(received) = FrameView::new_checked(bytes) else { return Admission::Malformed };
        if let Some(admission) = frame.refuse(received, Mark::of(*cycle)) {
            return admission;
        }
        frame.returned = true;
        *outstanding = outstanding.saturating_sub(1);
        let LaneFrame { datagrams, roll, fresh, good, .. } = frame;
        let (mut complete, mut all_good) = (true, true);
        let told = told.get_or_insert_default();
        for (datagram, position) in datagrams.iter_mut().zip(0u16..) {
            let Some((data, got)) = datagram.returned(bytes) else { return Admission::Malformed };
            datagram.got = Some(got);
            told.events |= datagram.events(bytes);
            if datagram.is_clock() {
                clock.time = Some(Reading { time: word(data), counter: got, is_there: false });
            }
            if let Some(time) = clock.time.as_mut().filter(|_| datagram.is_host_time()) {
                time.is_there = got == 1;
            }
            if datagram.is_difference() && reference.is_some_and(|reference| reference.watched == got) {
                clock.difference = data.first_chunk().map(|word| u32::from_le_bytes(*word) & MAGNITUDE);
            }
            if datagram.is_al_status() {
                *al_status =
                    data.first_chunk().map(|ored| AlReading { ored: u16::from_le_bytes(*ored), responding: got });
            }
            if let Some(roll) = roll.as_mut().filter(|_| datagram.is_status()) {
                roll.take(data, got);
                told.mail |= roll.changes(data) && mail.look(roll.positions(), data);
            }
            let Some(ledger) = &mut datagram.ledger else { continue };
            let expected = ledger.least(*in_op);
            if !ledger.judge(got, *cycle, *in_op, roll.as_ref()) {
                complete = false;
                mismatch(Mismatch { frame: u16::from(source.0[5]), datagram: position, expected, got });
            }
            all_good &= ledger.verdict() == Verdict::All || !datagram.is_process();
            datagram.read(data, image);
        }
        (*fresh, *good) = (complete, all_good);
        Admission::Taken
    }

    /// Numbers of the frames of this cycle that have not come back.
    pub(crate) fn missing(&self) -> impl Iterator<Item = u16> {
        self.frames.iter().zip(0u16..).filter(|(frame, _)| frame.due && !frame.returned).map(|(_, number)| number)
    }

    /// What this cycle came to.
    #[inline]
    pub(crate) fn sums(&self) -> Sums {
        let mut sums = Sums { working_counter: 0, expected: 0, missing: 0, result: CycleResult::NothingDue };
        for frame in self.frames.iter().filter(|frame| frame.due) {
            sums.missing += u64::from(!frame.returned);
            sums.result = if frame.fresh && sums.result != CycleResult::Incomplete {
                CycleResult::Complete
            } else {
                CycleResult::Incomplete
            };
            for datagram in frame.datagrams.iter().filter(|datagram| datagram.outputs().is_some()) {
                sums.working_counter += u64::from(datagram.got.unwrap_or(0));
                let least = datagram.ledger.as_ref().map_or(0, |ledger| ledger.least(self.in_op));
                sums.expected += u64::from(least);
            }
        }
        sums
    }

    /// Whether a frame had a turn after tick `last` up to and with tick `now`.
    pub(crate) fn had_turn(&self, last: u64, now: u64) -> bool {
        self.frames.iter().any(|frame| frame.turn.is_due(last, now))
    }

    /// What the AL status datagram of this cycle brought.
    pub(crate) const fn al_status(&self) -> Option<AlReading> {
        self.al_status
    }

    /// What the datagrams of this cycle told beside their data; `None` where none came back.
    pub(crate) const fn told(&self) -> Option<Told> {
        self.told
    }

    /// Works out whose bytes are older than the last turn that was theirs.
    #[inline]
    fn settle(&mut self) {
        let good = self.frames.iter().all(|frame| frame.good);
        if !good || self.stale.any() {
            self.mark_stale(good);
        }
    }

    fn mark_stale(&mut self, good: bool) {
        let Self { frames, stale, .. } = self;
        stale.begin(!good);
        let process = frames.iter().flat_map(|frame| &frame.datagrams).filter(|datagram| datagram.is_process());
        for ledger in process.filter_map(|datagram| datagram.ledger.as_ref()) {
            ledger.each_stale(|position, direction| stale.mark(position, direction));
        }
    }

    /// The process image, and whose bytes of it are stale.
    #[inline]
    pub(crate) fn settled(&mut self) -> (&[u8], &Stale) {
        self.settle();
        (&self.image, &self.stale)
    }
}

/// Up to eight bytes as a number.
fn word(data: &[u8]) -> u64 {
    data.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}
