//! Lays out the process image: sync managers to logical addresses, SubDevices to frames, expected working counters.
//!
//! The image holds, frame by frame, first the outputs and then the inputs of the SubDevices in that frame, both in
//! order of the SubDevices. Each sync manager starts on a byte. A SubDevice is never split: all its data is in one
//! frame. A frame carries SubDevices of one sync unit that have the same way of access ([`Access`]). SubDevices that
//! can't do LRW are in frames with an LWR over the outputs and an LRD over the inputs.
//!
//! Logical addresses follow the data of the frames without a gap. Where inputs overlap with outputs, a SubDevice's
//! inputs begin at the logical address of its outputs, and no other SubDevice maps any of those bytes, so its inputs
//! never replace the outputs of another. Bytes that no SubDevice replaces come back as they were sent. Outputs and
//! inputs of such a frame lie in the image as they do in the datagram, with gaps where one of the two is shorter.
//!
//! Not checked: whether physical addresses of sync managers overlap, or positions repeat.

use crate::bits::BitSpan;
use crate::plan::{
    Access, DatagramPlan, Direction, FramePlan, LayoutError, PlacedEntry, Plan, SubDeviceLayout, SubDevicePlan,
    SyncManagerLayout,
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
/// `TooLarge`, `TooFewFmmus`, `ImageTooLarge`.
pub fn lay_out(subdevices: &[SubDeviceLayout], units: &[SyncUnit], room: usize) -> Result<Plan, LayoutError> {
    let room = room.min(MAX_DATA_ALONE);
    let sizes = subdevices.iter().map(Size::of).collect::<Vec<_>>();
    for (subdevice, size) in subdevices.iter().zip(&sizes) {
        admit(subdevice, *size, room)?;
    }
    let mut crews = crews(subdevices, &sizes, room);
    let turns = stagger(units, &load(&crews, &sizes, units.len()));
    let turn = |unit: usize| turns.get(unit).copied().unwrap_or_default();
    crews.sort_by_key(|crew| (turn(crew.unit).every(), crew.unit));

    let mut plan = Plan { image_len: 0, frames: Vec::new(), subdevices: Vec::new() };
    let mut placed: Vec<Option<SubDevicePlan>> = vec![None; subdevices.len()];
    let mut logical = 0;
    for (number, crew) in crews.iter().enumerate() {
        let frame = Frame::at(plan.image_len, logical, crew, &sizes);
        let mut placing = Placing { outputs: frame.outputs.start, inputs: frame.inputs.start, number, frame: &frame };
        for member in &crew.members {
            placed[*member] = Some(placing.place(&subdevices[*member])?);
        }
        plan.image_len = frame.inputs.end;
        logical += frame.len();
        plan.frames.push(FramePlan { unit: crew.unit, turn: turn(crew.unit), datagrams: frame.datagrams()? });
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
}

impl Size {
    fn of(subdevice: &SubDeviceLayout) -> Self {
        let bytes = |direction| {
            let of_direction = subdevice.sync_managers.iter().filter(|manager| manager.direction == direction);
            of_direction.map(|manager| bits(manager).div_ceil(8)).sum()
        };
        Self { outputs: bytes(Direction::Output), inputs: bytes(Direction::Input), access: subdevice.access }.shared()
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
        Self { outputs: self.outputs + other.outputs, inputs: self.inputs + other.inputs, access: self.access }
    }
}

fn bits(manager: &SyncManagerLayout) -> usize {
    manager.pdos.iter().flat_map(|pdo| &pdo.entries).map(|entry| usize::from(entry.bit_length)).sum()
}

fn has(subdevice: &SubDeviceLayout, direction: Direction) -> bool {
    subdevice.sync_managers.iter().any(|manager| manager.direction == direction && bits(manager) > 0)
}

fn admit(subdevice: &SubDeviceLayout, size: Size, room: usize) -> Result<(), LayoutError> {
    let position = subdevice.position;
    if size.cost() > room {
        let room = room.saturating_sub(size.cost() - size.data());
        return Err(LayoutError::TooLarge { position, bytes: size.data(), room });
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
    writers: usize,
    readers: usize,
}

/// Fills frames in order, for each unit and way of access on its own.
fn crews(subdevices: &[SubDeviceLayout], sizes: &[Size], room: usize) -> Vec<Crew> {
    let mut order: Vec<_> = (0..subdevices.len()).filter(|n| sizes[*n].data() > 0).collect();
    order.sort_by_key(|n| (subdevices[*n].unit, subdevices[*n].access));
    let mut crews: Vec<Crew> = Vec::new();
    let mut filled: Option<Size> = None;
    for n in order {
        let (subdevice, size) = (&subdevices[n], sizes[n]);
        let (unit, access) = (subdevice.unit, subdevice.access);
        let together = filled.map_or(size, |filled| filled.with(size));
        let same = |crew: &&mut Crew| (crew.unit, crew.access) == (unit, access) && together.cost() <= room;
        let crew = if let Some(crew) = crews.last_mut().filter(same) {
            filled = Some(together);
            crew
        } else {
            filled = Some(size);
            crews.push(Crew { unit, access, members: Vec::new(), writers: 0, readers: 0 });
            let Some(crew) = crews.last_mut() else { continue };
            crew
        };
        crew.members.push(n);
        crew.writers += usize::from(has(subdevice, Direction::Output));
        crew.readers += usize::from(has(subdevice, Direction::Input));
    }
    crews
}

/// Bytes on the wire of each unit.
fn load(crews: &[Crew], sizes: &[Size], units: usize) -> Vec<usize> {
    let of_crew = |crew: &Crew| FRAME_OVERHEAD + crew.members.iter().map(|n| sizes[*n].data()).sum::<usize>();
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
            let counter = crew.writers * 2 + crew.readers;
            let parts = (outputs.clone(), inputs.clone());
            return Ok(vec![datagram(Command::Lrw, *logical, self.len(), parts, counter)?]);
        }
        let write = datagram(Command::Lwr, *logical, outputs.len(), (outputs.clone(), none.clone()), crew.writers)?;
        let at = self.logical_inputs();
        let read = datagram(Command::Lrd, at, inputs.len(), (none, inputs.clone()), crew.readers)?;
        Ok([write, read].into_iter().filter(|datagram| datagram.len > 0).collect())
    }
}

fn datagram(
    command: Command,
    start: usize,
    len: usize,
    (outputs, inputs): (Range<usize>, Range<usize>),
    counter: usize,
) -> Result<DatagramPlan, LayoutError> {
    let expected_working_counter = u16::try_from(counter).unwrap_or(u16::MAX);
    Ok(DatagramPlan { command, logical: logical(start)?, len, outputs, inputs, expected_working_counter })
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
        if subdevice.access == Access::LrwOverlapping {
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

/// Bytes of a sync manager. They fit, as no SubDevice has more than a frame carries.
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
    SubDevicePlan {
        position: subdevice.position,
        sync_managers: subdevice.sync_managers.iter().map(program).collect(),
        fmmus: Vec::new(),
        outputs: 0..0,
        inputs: 0..0,
        frame: 0,
        entries: Vec::new(),
    }
}
