//! Lays out the process image: sync managers to logical addresses, SubDevices to frames, expected working counters.
//!
//! The image holds, frame by frame, first the outputs and then the inputs of the SubDevices in that frame, both in
//! order of the SubDevices. Each sync manager starts on a byte. A SubDevice whose data one frame can carry is never
//! split. A frame carries SubDevices of one sync unit that have the same way of access ([`Access`]). SubDevices that
//! can't do LRW are in frames with an LWR over the outputs and an LRD over the inputs.
//!
//! A SubDevice with more data than that has frames to itself, whatever its way of access: LWRs over its outputs, then
//! LRDs over its inputs, in order of the logical addresses. A buffer of a sync manager is opened by its first byte and
//! closed by its last, so what is in several frames is one consistent set of data, if they come in order.
//!
//! Logical addresses follow the data of the frames without a gap. Where inputs overlap with outputs, a SubDevice's
//! inputs begin at the logical address of its outputs, and no other SubDevice maps any of those bytes, so its inputs
//! never replace the outputs of another. Bytes that no SubDevice replaces come back as they were sent. Outputs and
//! inputs of such a frame lie in the image as they do in the datagram, with gaps where one of the two is shorter.
//!
//! Not checked: whether physical addresses of sync managers overlap, or positions repeat.

use crate::bits::BitSpan;
use crate::entry::Pdo;
use crate::plan::{
    Access, Activation, DatagramPlan, Direction, FramePlan, LayoutError, OpOnly, PlacedEntry, Plan, SubDeviceLayout,
    SubDevicePlan, SyncManagerLayout,
};
use crate::unit::{SyncUnit, stagger};
use std::ops::Range;
use zerocat_wire::Command;
use zerocat_wire::datagram::{MAX_DATA_ALONE, OVERHEAD};
use zerocat_wire::fmmu::Fmmu;
use zerocat_wire::sync_manager::{SyncManager, activate};

/// Bytes that a frame with one datagram puts on the wire beside its data: preamble, Ethernet and EtherCAT header, the
/// datagram's own, check sequence, gap (IEEE 802.3, 3.1.1 and 4.4.2; ETG.1000.4, 5.3).
const FRAME_OVERHEAD: usize = 8 + 14 + 2 + OVERHEAD + 4 + 12;

/// Lays out the SubDevices. `units` are the sync units that they name. `room` is the bytes of process data that one
/// frame may carry in a single LRW: what is left of a frame after all other datagrams and the LRW's own header. More
/// than 1,486 counts as 1,486. A frame that needs both LWR and LRD has 12 bytes less for data, which is taken into
/// account.
///
/// # Errors
/// `NoRoom`, `TooLong`, `TooFewFmmus`, `ImageTooLarge`.
pub fn lay_out(subdevices: &[SubDeviceLayout], units: &[SyncUnit], room: usize) -> Result<Plan, LayoutError> {
    let room = room.min(MAX_DATA_ALONE);
    let sizes = subdevices.iter().map(|subdevice| Size::of(subdevice, room)).collect::<Vec<_>>();
    for (subdevice, size) in subdevices.iter().zip(&sizes) {
        admit(subdevice, *size, room)?;
    }
    let mut crews = crews(subdevices, &sizes, room);
    let turns = stagger(units, &load(&crews, &sizes, units.len(), room));
    let turn = |unit: usize| turns.get(unit).copied().unwrap_or_default();
    crews.sort_by_key(|crew| (turn(crew.unit).every(), crew.unit));

    let mut plan = Plan { image_len: 0, frames: Vec::new(), subdevices: Vec::new() };
    let mut placed: Vec<Option<SubDevicePlan>> = vec![None; subdevices.len()];
    let mut logical = 0;
    for crew in &crews {
        let frame = Frame::at(plan.image_len, logical, crew, &sizes);
        let number = plan.frames.len();
        let mut placing = Placing { outputs: frame.outputs.start, inputs: frame.inputs.start, number, frame: &frame };
        for member in &crew.members {
            placed[*member] = Some(placing.place(&subdevices[*member])?);
        }
        plan.image_len = frame.inputs.end;
        logical += frame.len();
        let planned = |datagrams| FramePlan { unit: crew.unit, turn: turn(crew.unit), datagrams };
        if crew.split {
            let pieces = crew.members.iter().map(|member| pieces(&frame, &subdevices[*member], room));
            let pieces = pieces.collect::<Result<Vec<_>, _>>()?;
            plan.frames.extend(pieces.into_iter().flatten().map(|piece| planned(vec![piece])));
        } else {
            plan.frames.push(planned(frame.datagrams()?));
        }
    }
    let placed = placed.into_iter().zip(subdevices);
    plan.subdevices = placed.map(|(done, subdevice)| done.unwrap_or_else(|| without_data(subdevice))).collect();
    Ok(plan)
}

/// How much of a frame a SubDevice takes.
#[derive(Debug, Clone, Copy)]
struct Size {
    outputs: usize,
    inputs: usize,
    access: Access,
    /// It is more than a frame carries.
    split: bool,
}

impl Size {
    fn of(subdevice: &SubDeviceLayout, room: usize) -> Self {
        let bytes = |direction| {
            let of_direction = subdevice.sync_managers.iter().filter(|manager| manager.direction == direction);
            of_direction.map(|manager| bits(manager).div_ceil(8)).sum()
        };
        let (outputs, inputs) = (bytes(Direction::Output), bytes(Direction::Input));
        let whole = Self { outputs, inputs, access: subdevice.access, split: false }.shared();
        if whole.cost() <= room {
            return whole;
        }
        Self { outputs, inputs, access: Access::LwrLrd, split: true }
    }

    /// With overlapping data outputs and inputs are as long as each other.
    fn shared(self) -> Self {
        let longer = self.outputs.max(self.inputs);
        match self.access {
            Access::LrwOverlapping => Self { outputs: longer, inputs: longer, ..self },
            Access::Lrw | Access::LwrLrd => self,
        }
    }

    /// Bytes of data in a frame.
    const fn data(self) -> usize {
        match self.access {
            Access::LrwOverlapping => self.outputs,
            Access::Lrw | Access::LwrLrd => self.outputs + self.inputs,
        }
    }

    /// Bytes of a frame's room: data, and the second datagram of a frame with LWR and LRD.
    fn cost(self) -> usize {
        let both = self.outputs > 0 && self.inputs > 0;
        self.data() + if both && self.access == Access::LwrLrd { OVERHEAD } else { 0 }
    }

    const fn with(self, other: Self) -> Self {
        Self { outputs: self.outputs + other.outputs, inputs: self.inputs + other.inputs, ..self }
    }
}

fn bits(manager: &SyncManagerLayout) -> usize {
    manager.pdos.iter().map(Pdo::bits).sum()
}

/// Whether it has data of a direction: in OP, or before.
fn has(subdevice: &SubDeviceLayout, direction: Direction, in_op: bool) -> bool {
    let counts = |manager: &&SyncManagerLayout| in_op || manager.activation != Activation::Op;
    let managers = subdevice.sync_managers.iter().filter(counts);
    managers.filter(|manager| manager.direction == direction).any(|manager| bits(manager) > 0)
}

fn admit(subdevice: &SubDeviceLayout, size: Size, room: usize) -> Result<(), LayoutError> {
    let position = subdevice.position;
    if room == 0 && size.data() > 0 {
        return Err(LayoutError::NoRoom { position, bytes: size.data() });
    }
    for manager in &subdevice.sync_managers {
        let bytes = bits(manager).div_ceil(8);
        if bytes > usize::from(u16::MAX) {
            return Err(LayoutError::TooLong { position, sync_manager: manager.number, bytes });
        }
    }
    let needed = subdevice.sync_managers.iter().filter(|manager| bits(manager) > 0).count();
    if needed > usize::from(subdevice.fmmus) {
        return Err(LayoutError::TooFewFmmus { position, needed, has: subdevice.fmmus });
    }
    Ok(())
}

/// The SubDevices of one frame.
#[derive(Debug)]
struct Crew {
    unit: usize,
    access: Access,
    /// Indices of the SubDevices.
    members: Vec<usize>,
    /// It has one member, with more data than a frame carries.
    split: bool,
    in_op: Takers,
    before_op: Takers,
}

/// How many SubDevices take part in a frame.
#[derive(Debug, Clone, Copy, Default)]
struct Takers {
    writers: usize,
    readers: usize,
}

impl Takers {
    fn add(&mut self, subdevice: &SubDeviceLayout, in_op: bool) {
        self.writers += usize::from(has(subdevice, Direction::Output, in_op));
        self.readers += usize::from(has(subdevice, Direction::Input, in_op));
    }
}

/// Fills frames in order, for each unit and way of access on its own.
fn crews(subdevices: &[SubDeviceLayout], sizes: &[Size], room: usize) -> Vec<Crew> {
    let mut order: Vec<_> = (0..subdevices.len()).filter(|n| sizes[*n].data() > 0).collect();
    order.sort_by_key(|n| (subdevices[*n].unit, sizes[*n].access));
    let mut crews: Vec<Crew> = Vec::new();
    let mut filled: Option<Size> = None;
    for n in order {
        let (subdevice, size) = (&subdevices[n], sizes[n]);
        let (unit, access) = (subdevice.unit, size.access);
        let together = filled.map_or(size, |filled| filled.with(size));
        let joins = |crew: &&mut Crew| {
            let same = (crew.unit, crew.access) == (unit, access) && !crew.split && !size.split;
            same && together.cost() <= room
        };
        let crew = if let Some(crew) = crews.last_mut().filter(joins) {
            filled = Some(together);
            crew
        } else {
            filled = Some(size);
            let (in_op, before_op) = (Takers::default(), Takers::default());
            crews.push(Crew { unit, access, members: Vec::new(), split: size.split, in_op, before_op });
            let Some(crew) = crews.last_mut() else { continue };
            crew
        };
        crew.members.push(n);
        crew.in_op.add(subdevice, true);
        crew.before_op.add(subdevice, false);
    }
    crews
}

/// Bytes on the wire of each unit.
fn load(crews: &[Crew], sizes: &[Size], units: usize, room: usize) -> Vec<usize> {
    let of_crew = |crew: &Crew| {
        let data = crew.members.iter().map(|n| sizes[*n].data()).sum::<usize>();
        data + FRAME_OVERHEAD * data.div_ceil(room.max(1))
    };
    (0..units).map(|unit| crews.iter().filter(|crew| crew.unit == unit).map(of_crew).sum()).collect()
}

/// A frame's place in the image and in the logical space.
struct Frame<'a> {
    outputs: Range<usize>,
    inputs: Range<usize>,
    logical: usize,
    crew: &'a Crew,
}

impl<'a> Frame<'a> {
    fn at(start: usize, logical: usize, crew: &'a Crew, sizes: &[Size]) -> Self {
        let sum = |part: fn(&Size) -> usize| crew.members.iter().filter_map(|n| sizes.get(*n)).map(part).sum::<usize>();
        let outputs_end = start + sum(|size| size.outputs);
        let inputs_end = outputs_end + sum(|size| size.inputs);
        Self { outputs: start..outputs_end, inputs: outputs_end..inputs_end, logical, crew }
    }

    /// Logical bytes.
    fn len(&self) -> usize {
        self.logical_inputs() - self.logical + self.inputs.len()
    }

    /// Logical address of the first input.
    fn logical_inputs(&self) -> usize {
        match self.crew.access {
            Access::LrwOverlapping => self.logical,
            Access::Lrw | Access::LwrLrd => self.logical + self.outputs.len(),
        }
    }

    fn datagrams(&self) -> Result<Vec<DatagramPlan>, LayoutError> {
        let Self { outputs, inputs, logical, crew } = self;
        let none = outputs.end..outputs.end;
        if crew.access != Access::LwrLrd {
            let parts = (outputs.clone(), inputs.clone());
            let counter = |takers: Takers| takers.writers * 2 + takers.readers;
            let counters = (counter(crew.in_op), counter(crew.before_op));
            return Ok(vec![datagram(Command::Lrw, *logical, self.len(), parts, counters)?]);
        }
        let writers = (crew.in_op.writers, crew.before_op.writers);
        let write = datagram(Command::Lwr, *logical, outputs.len(), (outputs.clone(), none.clone()), writers)?;
        let at = self.logical_inputs();
        let readers = (crew.in_op.readers, crew.before_op.readers);
        let read = datagram(Command::Lrd, at, inputs.len(), (none, inputs.clone()), readers)?;
        Ok([write, read].into_iter().filter(|datagram| datagram.len > 0).collect())
    }
}

/// The datagrams over the data of a SubDevice that one frame can't carry, each for a frame of its own.
fn pieces(frame: &Frame<'_>, subdevice: &SubDeviceLayout, room: usize) -> Result<Vec<DatagramPlan>, LayoutError> {
    let mut done = Vec::new();
    let sides =
        [(Direction::Output, &frame.outputs, frame.logical), (Direction::Input, &frame.inputs, frame.logical_inputs())];
    for (direction, side, logical) in sides {
        let early = before_op(subdevice, direction);
        for from in (0..side.len()).step_by(room.max(1)) {
            let part = from..(from + room).min(side.len());
            let image = side.start + part.start..side.start + part.end;
            let none = image.end..image.end;
            let counts = early.iter().any(|early| early.start < part.end && part.start < early.end);
            let counters = (1, usize::from(counts));
            let (command, parts) = match direction {
                Direction::Output => (Command::Lwr, (image, none)),
                Direction::Input => (Command::Lrd, (none, image)),
            };
            done.push(datagram(command, logical + part.start, part.len(), parts, counters)?);
        }
    }
    Ok(done)
}

/// The bytes of a SubDevice's outputs or inputs, counted from the first, that count before OP.
fn before_op(subdevice: &SubDeviceLayout, direction: Direction) -> Vec<Range<usize>> {
    let (mut at, mut early) = (0, Vec::new());
    for manager in subdevice.sync_managers.iter().filter(|manager| manager.direction == direction) {
        let end = at + bits(manager).div_ceil(8);
        if manager.activation != Activation::Op {
            early.push(at..end);
        }
        at = end;
    }
    early
}

/// `counters`: what is expected in OP, and before.
fn datagram(
    command: Command,
    start: usize,
    len: usize,
    (outputs, inputs): (Range<usize>, Range<usize>),
    counters: (usize, usize),
) -> Result<DatagramPlan, LayoutError> {
    let counter = |counter| u16::try_from(counter).unwrap_or(u16::MAX);
    let (expected_working_counter, expected_before_op) = (counter(counters.0), counter(counters.1));
    let logical = logical(start)?;
    Ok(DatagramPlan { command, logical, len, outputs, inputs, expected_working_counter, expected_before_op })
}

fn logical(byte: usize) -> Result<u32, LayoutError> {
    u32::try_from(byte).map_err(|_| LayoutError::ImageTooLarge { bytes: byte })
}

/// Where in the image the next outputs and inputs go.
struct Placing<'a> {
    outputs: usize,
    inputs: usize,
    number: usize,
    frame: &'a Frame<'a>,
}

impl Placing<'_> {
    fn place(&mut self, subdevice: &SubDeviceLayout) -> Result<SubDevicePlan, LayoutError> {
        let start = (self.outputs, self.inputs);
        let mut done = without_data(subdevice);
        done.frame = self.number;
        for direction in [Direction::Output, Direction::Input] {
            let mut seen = Vec::new();
            for manager in subdevice.sync_managers.iter().filter(|manager| manager.direction == direction) {
                let first = seen.len();
                seen.extend(manager.pdos.iter().map(|pdo| pdo.index));
                self.place_manager(manager, &nths(&seen, first), &mut done)?;
            }
        }
        done.outputs = start.0..self.outputs;
        done.inputs = start.1..self.inputs;
        if self.frame.crew.access == Access::LrwOverlapping {
            let longer = done.outputs.len().max(done.inputs.len());
            (self.outputs, self.inputs) = (start.0 + longer, start.1 + longer);
        }
        Ok(done)
    }

    /// Logical address of a byte of the image.
    fn logical(&self, direction: Direction, byte: usize) -> Result<u32, LayoutError> {
        logical(match direction {
            Direction::Output => self.frame.logical + byte - self.frame.outputs.start,
            Direction::Input => self.frame.logical_inputs() + byte - self.frame.inputs.start,
        })
    }

    /// `nths` says of each PDO which of its index it is.
    fn place_manager(
        &mut self,
        manager: &SyncManagerLayout,
        nths: &[u16],
        done: &mut SubDevicePlan,
    ) -> Result<(), LayoutError> {
        let output = manager.direction == Direction::Output;
        let cursor = if output { &mut self.outputs } else { &mut self.inputs };
        let start = *cursor;
        let length = length(manager);
        if length == 0 {
            return Ok(());
        }
        *cursor += usize::from(length);
        let logical = self.logical(manager.direction, start)?;
        let number = u8::try_from(done.fmmus.len()).unwrap_or(u8::MAX);
        done.fmmus.push((number, Fmmu::bytes(logical, length, manager.start, !output, output)));
        if manager.activation == Activation::Op {
            done.op_only.fmmus.push(number);
        }
        let mut offset = start * 8;
        let pdos = manager.pdos.iter().zip(nths);
        for (pdo, nth, entry) in pdos.flat_map(|(pdo, nth)| pdo.entries.iter().map(move |entry| (pdo, *nth, entry))) {
            let span = BitSpan::new(offset, entry.bit_length);
            offset = span.end();
            if entry.is_padding() {
                continue;
            }
            done.entries.push(PlacedEntry {
                direction: manager.direction,
                pdo: pdo.index,
                pdo_nth: nth,
                index: entry.index,
                subindex: entry.subindex,
                span,
            });
        }
        Ok(())
    }
}

/// Which of its index each PDO is from `first` on, 1 for the first.
fn nths(indexes: &[u16], first: usize) -> Vec<u16> {
    let nth = |n: usize| {
        let same = indexes.iter().take(n + 1).filter(|index| indexes.get(n) == Some(index)).count();
        u16::try_from(same).unwrap_or(u16::MAX)
    };
    (first..indexes.len()).map(nth).collect()
}

/// Bytes of a sync manager. They fit: [`admit`] has looked.
fn length(manager: &SyncManagerLayout) -> u16 {
    u16::try_from(bits(manager).div_ceil(8)).unwrap_or(u16::MAX)
}

/// A plan that programs the sync managers and nothing else.
fn without_data(subdevice: &SubDeviceLayout) -> SubDevicePlan {
    let program = |manager: &SyncManagerLayout| {
        let length = length(manager);
        let activate = if length > 0 { activate::ENABLE } else { 0 };
        let channel =
            SyncManager { start: manager.start, length, control: manager.control, activate, ..SyncManager::default() };
        (manager.number, channel)
    };
    let channels = || subdevice.sync_managers.iter().filter(|manager| manager.activation != Activation::Virtual);
    let late = channels().filter(|manager| manager.activation == Activation::Op && length(manager) > 0);
    SubDevicePlan {
        position: subdevice.position,
        op_only: OpOnly { sync_managers: late.map(|manager| manager.number).collect(), fmmus: Vec::new() },
        sync_managers: channels().map(program).collect(),
        fmmus: Vec::new(),
        outputs: 0..0,
        inputs: 0..0,
        frame: 0,
        entries: Vec::new(),
    }
}
