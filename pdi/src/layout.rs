//! Lays out the process image: sync managers to logical addresses, SubDevices to frames, expected working counters.
//!
//! The image holds, datagram by datagram, first the outputs and then the inputs of the SubDevices in that datagram, both
//! in order of the SubDevices. Each sync manager starts on a byte. A datagram carries SubDevices of one sync unit that
//! have the same way of access ([`Access`]), and units with the same turn share frames. SubDevices that can't do LRW are
//! in an LWR over the outputs and an LRD over the inputs.
//!
//! A SubDevice with more data than a frame carries has frames to itself, whatever its way of access: LWRs over its
//! outputs, then LRDs over its inputs, in order of the logical addresses. A buffer of a sync manager is opened by its
//! first byte and closed by its last, so what is in several frames is one consistent set of data, if they come in order.
//!
//! Logical addresses follow the data of the frames without a gap; behind them come the status bytes. Where inputs overlap
//! with outputs, a SubDevice's inputs begin at the logical address of its outputs, and no other SubDevice maps any of
//! those bytes, so its inputs never replace the outputs of another. Bytes that no SubDevice replaces come back as they
//! were sent. Outputs and inputs of such a datagram lie in the image as they do in its data, with gaps where one of the
//! two is shorter.
//!
//! Not checked: whether physical addresses of sync managers overlap, or positions repeat.

use crate::bits::BitSpan;
use crate::crew::{Crew, Load, Size, bits, crews, fmmus_needed, load, pack};
use crate::plan::{
    Access, Activation, DatagramPlan, Direction, FramePlan, LayoutError, OpOnly, PlacedEntry, Plan, Share,
    SubDeviceLayout, SubDevicePlan, SyncManagerLayout,
};
use crate::status;
use crate::unit::{SyncUnit, stagger};
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use zerocat_wire::Command;
use zerocat_wire::datagram::MAX_DATA_ALONE;
use zerocat_wire::fmmu::Fmmu;
use zerocat_wire::sync_manager::{SyncManager, activate};

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
    let crews = crews(subdevices, &sizes, room);
    let turns = stagger(units, &load(&crews, units.len(), room));
    let loads = pack(crews, |unit| turns.get(unit).copied().unwrap_or_default(), room);

    let mut building = Building::new(subdevices, &sizes, room);
    for load in &loads {
        building.add(load)?;
    }
    let logical = building.logical;
    let mut plan = building.finish();
    status::add(&mut plan, subdevices, &sizes, room, logical)?;
    Ok(plan)
}

/// A plan while frame after frame is added.
struct Building<'a> {
    subdevices: &'a [SubDeviceLayout],
    sizes: &'a [Size],
    room: usize,
    image_len: usize,
    /// Next logical address.
    logical: usize,
    frames: Vec<FramePlan>,
    placed: Vec<Option<SubDevicePlan>>,
}

impl<'a> Building<'a> {
    fn new(subdevices: &'a [SubDeviceLayout], sizes: &'a [Size], room: usize) -> Self {
        let placed = vec![None; subdevices.len()];
        Self { subdevices, sizes, room, image_len: 0, logical: 0, frames: Vec::new(), placed }
    }

    fn add(&mut self, load: &'a Load) -> Result<(), LayoutError> {
        let (turn, room) = (load.turn, self.room);
        let mut datagrams = Vec::new();
        for crew in &load.crews {
            let block = self.place(crew)?;
            let members = crew.members.iter().map(|n| (&self.subdevices[*n], self.placed[*n].as_ref()));
            let members: Vec<_> = members.filter_map(|(layout, planned)| Some((layout, planned?))).collect();
            match members.as_slice() {
                [(layout, _)] if crew.split => {
                    let pieces = pieces(&block, layout, room)?.into_iter();
                    self.frames.extend(pieces.map(|piece| FramePlan { turn, status: None, datagrams: vec![piece] }));
                }
                _ => datagrams.extend(block.datagrams(&members)?),
            }
        }
        if !datagrams.is_empty() {
            self.frames.push(FramePlan { turn, status: None, datagrams });
        }
        Ok(())
    }

    /// Gives the members of a crew their places.
    fn place(&mut self, crew: &'a Crew) -> Result<Block<'a>, LayoutError> {
        let block = Block::at(self.image_len, self.logical, crew, self.sizes);
        let (outputs, inputs) = (block.outputs.start, block.inputs.start);
        let mut placing = Placing { outputs, inputs, number: self.frames.len(), block: &block };
        for member in &crew.members {
            self.placed[*member] = Some(placing.place(&self.subdevices[*member])?);
        }
        self.image_len = block.inputs.end;
        self.logical += block.len();
        Ok(block)
    }

    fn finish(self) -> Plan {
        let placed = self.placed.into_iter().zip(self.subdevices);
        let subdevices = placed.map(|(done, subdevice)| done.unwrap_or_else(|| without_data(subdevice))).collect();
        Plan { image_len: self.image_len, frames: self.frames, subdevices }
    }
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
    let needed = fmmus_needed(subdevice);
    if needed > usize::from(subdevice.fmmus) {
        return Err(LayoutError::TooFewFmmus { position, needed, has: subdevice.fmmus });
    }
    Ok(())
}

/// The place of a crew's data in the image and in the logical space.
struct Block<'a> {
    outputs: Range<usize>,
    inputs: Range<usize>,
    logical: usize,
    crew: &'a Crew,
}

impl<'a> Block<'a> {
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

    fn datagrams(&self, members: &[(&SubDeviceLayout, &SubDevicePlan)]) -> Result<Vec<DatagramPlan>, LayoutError> {
        let Self { outputs, inputs, logical, crew } = self;
        let none = outputs.end..outputs.end;
        let shares = |command| members.iter().filter_map(|(layout, plan)| share(command, layout, plan)).collect();
        let make = |command, at, len, parts| datagram(crew.unit, command, (at, len), parts, shares(command));
        if crew.access != Access::LwrLrd {
            return Ok(vec![make(Command::Lrw, *logical, self.len(), (outputs.clone(), inputs.clone()))?]);
        }
        let write = make(Command::Lwr, *logical, outputs.len(), (outputs.clone(), none.clone()))?;
        let read = make(Command::Lrd, self.logical_inputs(), inputs.len(), (none, inputs.clone()))?;
        Ok([write, read].into_iter().filter(|datagram| datagram.len > 0).collect())
    }
}

/// What a SubDevice has in a datagram over all of its data; none where it takes no part.
fn share(command: Command, layout: &SubDeviceLayout, plan: &SubDevicePlan) -> Option<Share> {
    let (writes, reads) = (command != Command::Lrd, command != Command::Lwr);
    let counter = |in_op| {
        let written = u16::from(writes && has(layout, Direction::Output, in_op));
        let read = u16::from(reads && has(layout, Direction::Input, in_op));
        if command == Command::Lrw { 2 * written + read } else { written + read }
    };
    let part = |of: &Range<usize>, taken: bool| if taken { of.clone() } else { of.end..of.end };
    let share = Share {
        position: layout.position,
        outputs: part(&plan.outputs, writes),
        inputs: part(&plan.inputs, reads),
        working_counter: counter(true),
        before_op: counter(false),
    };
    (share.working_counter > 0).then_some(share)
}

/// The datagrams over the data of a SubDevice that one frame can't carry, each for a frame of its own.
fn pieces(block: &Block<'_>, subdevice: &SubDeviceLayout, room: usize) -> Result<Vec<DatagramPlan>, LayoutError> {
    let mut done = Vec::new();
    let sides =
        [(Direction::Output, &block.outputs, block.logical), (Direction::Input, &block.inputs, block.logical_inputs())];
    for (direction, side, logical) in sides {
        let early = before_op(subdevice, direction);
        for from in (0..side.len()).step_by(room.max(1)) {
            let part = from..(from + room).min(side.len());
            let image = side.start + part.start..side.start + part.end;
            let none = image.end..image.end;
            let counts = early.iter().any(|early| early.start < part.end && part.start < early.end);
            let (command, outputs, inputs) = match direction {
                Direction::Output => (Command::Lwr, image, none),
                Direction::Input => (Command::Lrd, none, image),
            };
            let share = Share {
                position: subdevice.position,
                outputs: outputs.clone(),
                inputs: inputs.clone(),
                working_counter: 1,
                before_op: u16::from(counts),
            };
            let at = (logical + part.start, part.len());
            done.push(datagram(block.crew.unit, command, at, (outputs, inputs), vec![share])?);
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

/// A datagram of so many bytes at a logical address.
fn datagram(
    unit: usize,
    command: Command,
    (start, len): (usize, usize),
    (outputs, inputs): (Range<usize>, Range<usize>),
    shares: Vec<Share>,
) -> Result<DatagramPlan, LayoutError> {
    let sum = |counter: fn(&Share) -> u16| shares.iter().map(counter).fold(0, u16::saturating_add);
    let (expected_working_counter, expected_before_op) =
        (sum(|share| share.working_counter), sum(|share| share.before_op));
    let logical = logical(start)?;
    Ok(DatagramPlan {
        unit,
        command,
        logical,
        len,
        outputs,
        inputs,
        expected_working_counter,
        expected_before_op,
        shares,
    })
}

fn logical(byte: usize) -> Result<u32, LayoutError> {
    u32::try_from(byte).map_err(|_| LayoutError::ImageTooLarge { bytes: byte })
}

/// Where in the image the next outputs and inputs go.
struct Placing<'a> {
    outputs: usize,
    inputs: usize,
    number: usize,
    block: &'a Block<'a>,
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
        if self.block.crew.access == Access::LrwOverlapping {
            let longer = done.outputs.len().max(done.inputs.len());
            (self.outputs, self.inputs) = (start.0 + longer, start.1 + longer);
        }
        Ok(done)
    }

    /// Logical address of a byte of the image.
    fn logical(&self, direction: Direction, byte: usize) -> Result<u32, LayoutError> {
        logical(match direction {
            Direction::Output => self.block.logical + byte - self.block.outputs.start,
            Direction::Input => self.block.logical_inputs() + byte - self.block.inputs.start,
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
        status: None,
        outputs: 0..0,
        inputs: 0..0,
        frame: 0,
        entries: Vec::new(),
    }
}
