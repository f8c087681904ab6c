//! One frame of the cyclic lane: its bytes as they were built, and what its datagrams take from and give to the image.

use crate::cyclic::Admission;
use crate::reference::{Ask, ReferenceClock};
use crate::validity::{Ledger, RollCall, Verdict};
use std::ops::Range;
use zerocat_link::Slot;
use zerocat_pdi::{DatagramPlan, FramePlan, NOBODY, StatusPlan, Turn};
use zerocat_sched::Time;
use zerocat_wire::ethernet::{self, MacAddress};
use zerocat_wire::{Address, Command, Datagram, FrameBuilder, FrameView, WireError, datagram, frame, register};

/// Bytes of a frame's source address that carry the cycle.
const SOURCE_MARK: Range<usize> = 9..11;

/// The low bits of a cycle's number, as its frames carry them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark {
    /// In each datagram's index.
    index: u8,
    /// In the source address.
    source: [u8; 2],
}

impl Mark {
    pub(crate) const fn of(cycle: u64) -> Self {
        let [index, first, second, ..] = cycle.to_le_bytes();
        Self { index, source: [first, second] }
    }

    /// How many cycles before this one another is, of the last 2^24.
    const fn behind(self, other: Self) -> u32 {
        self.number().wrapping_sub(other.number()) & 0x00ff_ffff
    }

    const fn number(self) -> u32 {
        let Self { index, source: [first, second] } = self;
        u32::from_le_bytes([index, first, second, 0])
    }
}

/// What a datagram is for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Purpose {
    /// Process data: the parts of the image that the data begins with when it is sent, and ends with when it returns.
    Process { outputs: Range<usize>, inputs: Range<usize> },
    /// A byte of each SubDevice that maps one.
    Status,
    /// The AL status of all SubDevices.
    AlStatus,
    /// The reference clock's time.
    Clock,
    /// The host's time for the reference clock.
    HostTime,
    /// How far the clocks are from it, ORed.
    Difference,
}

#[derive(Debug)]
pub(crate) struct LaneDatagram {
    header: Datagram,
    /// Offset of the datagram in the frame.
    offset: usize,
    purpose: Purpose,
    /// Who adds what to its working counter; nothing where that isn't judged.
    pub(crate) ledger: Option<Ledger>,
    /// Working counter that it came back with when it was due last; `None` until the frame is back.
    pub(crate) got: Option<u16>,
}

#[derive(Debug)]
pub(crate) struct LaneFrame {
    pub(crate) template: Box<[u8]>,
    pub(crate) slot: Slot,
    pub(crate) turn: Turn,
    pub(crate) datagrams: Vec<LaneDatagram>,
    /// Who answered, where it has a status datagram.
    pub(crate) roll: Option<RollCall>,
    /// It belongs to the present cycle.
    pub(crate) due: bool,
    pub(crate) sent: bool,
    pub(crate) returned: bool,
    /// When it was sent last; `None` before the first time, and after a stall.
    pub(crate) sent_at: Option<Time>,
    /// The cycle in which it was sent last.
    pub(crate) sent_in: Option<u64>,
    /// It was sent since outputs were made safe.
    pub(crate) sent_safe: bool,
    /// It came back complete when it was due last.
    pub(crate) fresh: bool,
    /// All inputs that it brought when it was due last are good.
    pub(crate) good: bool,
}

impl LaneFrame {
    /// Begins the frame's part in a cycle. A turn that was missed since cycle `last` counts for this one.
    pub(crate) fn begin(&mut self, last: u64, cycle: u64) {
        self.due = self.turn.is_due(last, cycle);
        self.sent = false;
        if self.due {
            let lost = !std::mem::take(&mut self.returned);
            (self.fresh, self.good) = (false, false);
            if let Some(roll) = &mut self.roll {
                roll.begin();
            }
            for datagram in &mut self.datagrams {
                datagram.got = None;
                let Some(ledger) = &mut datagram.ledger else { continue };
                ledger.begin();
                if lost {
                    ledger.miss(cycle);
                }
            }
        }
    }

    /// Marks the frame in its slot with the cycle and writes the outputs.
    #[inline]
    pub(crate) fn write(&self, slot: &mut [u8], image: &[u8], mark: Mark) {
        if let Some(source) = slot.get_mut(SOURCE_MARK) {
            source.copy_from_slice(&mark.source);
        }
        self.datagrams.iter().for_each(|datagram| datagram.write(slot, image, mark.index));
    }

    /// Why a frame in this frame's name isn't taken, or `None` if it is.
    pub(crate) fn refuse(&self, received: FrameView<'_>, mark: Mark) -> Option<Admission> {
        let [_, _, _, first, second, _] = received.source().0;
        let payload = received.payload();
        let mut more = true;
        for sent in &self.datagrams {
            let Some(head) = sent.head(payload).filter(|head| more && sent.is_answered_by(*head)) else {
                return Some(Admission::Malformed);
            };
            let [_, index, ..] = head.to_le_bytes();
            let its = Mark { index, source: [first, second] };
            if its != mark {
                return Some(Admission::Late { cycles: mark.behind(its) });
            }
            more = head & Head::MORE != 0;
        }
        if self.returned || !self.sent { Some(Admission::Late { cycles: 0 }) } else { None }
    }
}

/// Where things are in the first eight bytes of a datagram, as a number (ETG.1000.4, 5.4.1).
struct Head;

impl Head {
    const LEN: usize = datagram::EVENTS;
    const ADDRESS: usize = 8 * datagram::ADDRESS;
    const LENGTH: usize = 8 * datagram::LENGTH;
    /// Another datagram follows.
    const MORE: u64 = 1 << 63;
    /// Command, length and a logical address.
    const LOGICAL: u64 = 0x07ff_ffff_ffff_00ff;
    /// The same with a register in place of the address: SubDevices count positions up.
    const PHYSICAL: u64 = 0x07ff_ffff_0000_00ff;
}

impl LaneDatagram {
    pub(crate) const fn is_al_status(&self) -> bool {
        matches!(self.purpose, Purpose::AlStatus)
    }

    pub(crate) const fn is_status(&self) -> bool {
        matches!(self.purpose, Purpose::Status)
    }

    pub(crate) const fn is_clock(&self) -> bool {
        matches!(self.purpose, Purpose::Clock)
    }

    pub(crate) const fn is_host_time(&self) -> bool {
        matches!(self.purpose, Purpose::HostTime)
    }

    pub(crate) const fn is_difference(&self) -> bool {
        matches!(self.purpose, Purpose::Difference)
    }

    /// Writes what the clock's datagram is to do into the slot.
    pub(crate) fn write_clock(&mut self, slot: &mut [u8], ask: Ask) {
        let (command, time) = match ask {
            Ask::Read => (Command::Fprd, 0),
            Ask::HandOn(time) => (Command::Frmw, time),
        };
        self.write_time(slot, command, time);
    }

    /// Writes what the reference clock is told into the slot; `None` tells it nothing.
    pub(crate) fn write_host_time(&mut self, slot: &mut [u8], told: Option<u64>) {
        let command = if told.is_some() { Command::Fpwr } else { Command::Fprd };
        self.write_time(slot, command, told.unwrap_or(0));
    }

    fn write_time(&mut self, slot: &mut [u8], command: Command, time: u64) {
        self.header.command = command;
        let Some(bytes) = slot.get_mut(self.offset..) else { return };
        if let Some(first) = bytes.first_mut() {
            *first = command.code();
        }
        let data = bytes.get_mut(datagram::HEADER_LEN..datagram::HEADER_LEN.saturating_add(self.header.len));
        if let (Some(data), Some(time)) = (data, time.to_le_bytes().get(..self.header.len)) {
            data.copy_from_slice(time);
        }
    }

    pub(crate) const fn is_process(&self) -> bool {
        matches!(self.purpose, Purpose::Process { .. })
    }

    pub(crate) const fn outputs(&self) -> Option<&Range<usize>> {
        match &self.purpose {
            Purpose::Process { outputs, .. } => Some(outputs),
            Purpose::Status | Purpose::AlStatus | Purpose::Clock | Purpose::HostTime | Purpose::Difference => None,
        }
    }

    /// Marks the datagram in the slot with `index` and writes its outputs.
    fn write(&self, slot: &mut [u8], image: &[u8], index: u8) {
        let Some(bytes) = slot.get_mut(self.offset..) else { return };
        if let Some(mark) = bytes.get_mut(datagram::INDEX) {
            *mark = index;
        }
        let Purpose::Process { outputs, .. } = &self.purpose else { return };
        let data = bytes.get_mut(datagram::HEADER_LEN..datagram::HEADER_LEN.saturating_add(outputs.len()));
        if let (Some(to), Some(new)) = (data, image.get(outputs.clone())) {
            to.copy_from_slice(new);
        }
    }

    /// The first bytes of what is in its place in the datagrams of a frame, if all of it is there.
    #[inline]
    fn head(&self, payload: &[u8]) -> Option<u64> {
        let place = payload.get(self.offset.checked_sub(frame::HEADER_LEN)?..)?.get(..self.header.total_len())?;
        place.first_chunk::<{ Head::LEN }>().map(|head| u64::from_le_bytes(*head))
    }

    /// Whether a datagram that begins like this has its command, length and address.
    #[inline]
    fn is_answered_by(&self, head: u64) -> bool {
        let Datagram { command, address, len, .. } = self.header;
        let sent = u64::from(command.code()) | u64::from(address.0) << Head::ADDRESS | (len as u64) << Head::LENGTH;
        let mask = if command.is_logical() { Head::LOGICAL } else { Head::PHYSICAL };
        (head ^ sent) & mask == 0
    }

    /// Its data and its working counter in a frame that came back and was not refused: it stands where it was sent.
    #[inline]
    pub(crate) fn returned<'f>(&self, frame: &'f [u8]) -> Option<(&'f [u8], u16)> {
        let (data, rest) =
            frame.get(self.offset.saturating_add(datagram::HEADER_LEN)..)?.split_at_checked(self.header.len)?;
        rest.first_chunk().map(|counter| (data, u16::from_le_bytes(*counter)))
    }

    /// The events of all SubDevices that it passed, in a frame that came back and was not refused.
    #[inline]
    pub(crate) fn events(&self, frame: &[u8]) -> u16 {
        let field = frame.get(self.offset.saturating_add(datagram::EVENTS)..);
        field.and_then(|field| field.first_chunk()).map_or(0, |events| u16::from_le_bytes(*events))
    }

    /// Copies the good inputs of the data that came back into the image.
    #[inline]
    pub(crate) fn read(&self, data: &[u8], image: &mut [u8]) {
        let (Purpose::Process { inputs, .. }, Some(ledger)) = (&self.purpose, &self.ledger) else { return };
        let Some(data) = data.len().checked_sub(inputs.len()).and_then(|from| data.get(from..)) else { return };
        match ledger.verdict() {
            Verdict::All => copy(data, inputs, inputs, image),
            Verdict::Some => ledger.good_inputs().for_each(|part| copy(data, inputs, part, image)),
            Verdict::Nobody => {}
        }
    }

    /// Whether it carries outputs of a range.
    pub(crate) fn carries(&self, range: &Range<usize>) -> bool {
        self.outputs().is_some_and(|outputs| overlap(outputs, range))
    }
}

/// Copies a part of the inputs, which `data` holds all of, into the image.
#[inline]
fn copy(data: &[u8], inputs: &Range<usize>, part: &Range<usize>, image: &mut [u8]) {
    let within = part.start.checked_sub(inputs.start).and_then(|from| data.get(from..from.saturating_add(part.len())));
    if let (Some(to), Some(new)) = (image.get_mut(part.clone()), within) {
        to.copy_from_slice(new);
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

/// A frame that is being built.
struct Build<'a> {
    builder: FrameBuilder<'a>,
    datagrams: Vec<LaneDatagram>,
}

impl Build<'_> {
    /// Adds a datagram, and gives the offset of its data.
    fn push(&mut self, header: Datagram, purpose: Purpose, ledger: Option<Ledger>) -> Result<usize, WireError> {
        let data = self.builder.push(header)?;
        let offset = data.saturating_sub(datagram::HEADER_LEN);
        self.datagrams.push(LaneDatagram { header, offset, purpose, ledger, got: None });
        Ok(data)
    }

    fn status(&mut self, status: &StatusPlan) -> Result<Range<usize>, WireError> {
        let header = Datagram::new(Command::Lrd, Address::logical(status.logical), 0, status.positions.len());
        let start = self.push(header, Purpose::Status, None)?;
        Ok(start..start.saturating_add(status.positions.len()))
    }

    fn process(&mut self, planned: &DatagramPlan, roll: Option<&RollCall>) -> Result<(), WireError> {
        let header = Datagram::new(planned.command, Address::logical(planned.logical), 0, planned.len);
        let purpose = Purpose::Process { outputs: planned.outputs.clone(), inputs: planned.inputs.clone() };
        self.push(header, purpose, Some(Ledger::of(planned, roll))).map(drop)
    }

    /// The first datagram of its frame.
    fn clock(&mut self, clock: &ReferenceClock) -> Result<(), WireError> {
        let address = Address::station(clock.station, register::DC_SYSTEM_TIME);
        let header = Datagram::new(Command::Fprd, address, 0, if clock.wide { 8 } else { 4 });
        self.push(header, Purpose::Clock, None).map(drop)
    }

    /// Behind the reading: a frame that reads what it has written itself would say nothing.
    fn host_time(&mut self, clock: &ReferenceClock) -> Result<(), WireError> {
        let address = Address::station(clock.station, register::DC_SYSTEM_TIME);
        let header = Datagram::new(Command::Fprd, address, 0, if clock.wide { 8 } else { 4 });
        self.push(header, Purpose::HostTime, None).map(drop)
    }

    /// Left out where it finds no room.
    fn difference(&mut self) {
        let header = Datagram::new(Command::Brd, Address::broadcast(register::DC_DIFFERENCE), 0, 4);
        let _no_room = self.push(header, Purpose::Difference, None);
    }

    fn al_status(&mut self, subdevices: u16) -> Result<(), WireError> {
        let header = Datagram::new(Command::Brd, Address::broadcast(register::AL_STATUS), 0, 2);
        self.push(header, Purpose::AlStatus, Some(Ledger::anonymous(subdevices))).map(drop)
    }
}

/// What a frame carries beside its part of the plan.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Besides {
    /// Number of SubDevices whose AL status it reads.
    pub(crate) al_status: Option<u16>,
    /// The clock that it reads.
    pub(crate) clock: Option<ReferenceClock>,
}

/// Builds a frame of the plan.
pub(crate) fn build(plan: &FramePlan, number: u8, slot: Slot, besides: Besides) -> Result<LaneFrame, WireError> {
    let mut buffer = vec![0; ethernet::MAX_FRAME];
    let mut build = Build { builder: FrameBuilder::new(&mut buffer, frame_source(number))?, datagrams: Vec::new() };
    if let Some(clock) = &besides.clock {
        build.clock(clock)?;
        if clock.host.is_some() {
            build.host_time(clock)?;
        }
    }
    // Before the process data, so that it is known who answered when their counters are judged.
    let status = plan.status.as_ref().map(|status| build.status(status)).transpose()?;
    let roll = plan.status.as_ref().map(RollCall::new);
    for planned in &plan.datagrams {
        build.process(planned, roll.as_ref())?;
    }
    if let Some(subdevices) = besides.al_status {
        build.al_status(subdevices)?;
    }
    if besides.clock.is_some_and(|clock| clock.watched > 0) {
        build.difference();
    }
    let Build { builder, datagrams } = build;
    let len = builder.finish()?;
    if let Some(bytes) = status.and_then(|status| buffer.get_mut(status)) {
        bytes.fill(NOBODY);
    }
    buffer.truncate(len);
    Ok(LaneFrame {
        template: buffer.into_boxed_slice(),
        slot,
        turn: plan.turn,
        datagrams,
        roll,
        due: false,
        sent: false,
        returned: false,
        sent_at: None,
        sent_in: None,
        sent_safe: false,
        fresh: false,
        good: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CYCLE: u64 = 0x0012_3456;

    /// A frame with a status datagram, one of process data and the AL status, as it was sent.
    fn sent() -> LaneFrame {
        let status = Some(StatusPlan { logical: 0x100, positions: vec![0, 1, 2] });
        let process = DatagramPlan {
            unit: 0,
            command: Command::Lrw,
            logical: 0x0001_0203,
            len: 5,
            outputs: 0..2,
            inputs: 2..5,
            expected_working_counter: 9,
            expected_before_op: 9,
            shares: Vec::new(),
        };
        let plan = FramePlan { turn: Turn::EVERY_TICK, status, datagrams: vec![process] };
        let besides = Besides { al_status: Some(3), clock: None };
        LaneFrame { sent: true, ..build(&plan, 0, Slot(0), besides).unwrap() }
    }

    /// The same by walking over the datagrams that came.
    fn refused_by_walking(frame: &LaneFrame, received: FrameView<'_>, mark: Mark) -> Option<Admission> {
        let [_, _, _, first, second, _] = received.source().0;
        let mut datagrams = received.datagrams();
        for sent in &frame.datagrams {
            let Some(Ok(Ok(header))) = datagrams.next().map(|view| view.map(|view| view.header())) else {
                return Some(Admission::Malformed);
            };
            let (came, went) = (header.address, sent.header.address);
            let same_address = came == went || (!header.command.is_logical() && came.ado() == went.ado());
            if header.command != sent.header.command || header.len != sent.header.len || !same_address {
                return Some(Admission::Malformed);
            }
            let its = Mark { index: header.index, source: [first, second] };
            if its != mark {
                return Some(Admission::Late { cycles: mark.behind(its) });
            }
        }
        None
    }

    #[test]
    fn a_frame_is_taken_or_refused_as_its_datagrams_parsed_one_by_one_say() {
        let (frame, mark) = (sent(), Mark::of(CYCLE));
        let mut bytes = frame.template.to_vec();
        frame.write(&mut bytes, &[0; 5], mark);
        assert_eq!(frame.refuse(FrameView::new_checked(&bytes).unwrap(), mark), None);
        let mut verdicts = [0; 3];
        for bit in 0..bytes.len() * 8 {
            let mut came = bytes.clone();
            came[bit / 8] ^= 1 << (bit % 8);
            let Ok(received) = FrameView::new_checked(&came) else { continue };
            let refused = frame.refuse(received, mark);
            assert_eq!(refused, refused_by_walking(&frame, received, mark), "bit {} of byte {}", bit % 8, bit / 8);
            verdicts[match refused {
                None => 0,
                Some(Admission::Late { .. }) => 1,
                Some(_) => 2,
            }] += 1;
        }
        assert!(verdicts.iter().all(|count| *count > 0), "{verdicts:?}");
    }
}
