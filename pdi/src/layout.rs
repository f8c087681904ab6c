//! Lays SubDevices out: sync managers to logical addresses, SubDevices to frames, expected working counters.
//!
//! The image holds, frame by frame, first the outputs and then the inputs of the SubDevices in that frame, both in
//! order of the SubDevices. Each sync manager starts on a byte. Image offset and logical address are the same number.
//! A SubDevice is never cut: all its data is in one frame. SubDevices that can't do LRW are kept apart, in frames
//! that hold an LWR over the outputs and an LRD over the inputs; these come behind the frames with LRW.
//!
//! Not looked at: whether physical addresses of sync managers overlap, or positions repeat.

use crate::bits::BitSpan;
use crate::plan::{
    DatagramPlan, Direction, FramePlan, LayoutError, PlacedEntry, Plan, SubDeviceLayout, SubDevicePlan,
    SyncManagerLayout,
};
use std::ops::Range;
use zerocat_wire::Command;
use zerocat_wire::datagram::{MAX_DATA_ALONE, OVERHEAD};
use zerocat_wire::fmmu::Fmmu;
use zerocat_wire::sync_manager::{SyncManager, activate};

/// Lays out the SubDevices. `room` is the bytes of process data that one frame may carry in a single LRW: what is
/// left of a frame when all other datagrams and the LRW's own header are taken off. More than 1,486 counts as 1,486.
/// A frame that carries LWR and LRD has 12 bytes less for data where it needs both; that is reckoned here.
///
/// # Errors
/// `TooLarge`, `TooFewFmmus`, `ImageTooLarge`.
pub fn lay_out(subdevices: &[SubDeviceLayout], room: usize) -> Result<Plan, LayoutError> {
    let room = room.min(MAX_DATA_ALONE);
    let sizes = subdevices.iter().map(Size::of).collect::<Vec<_>>();
    for (subdevice, size) in subdevices.iter().zip(&sizes) {
        admit(subdevice, *size, room)?;
    }
    let mut frames = fill_frames(&sizes, room, true);
    frames.extend(fill_frames(&sizes, room, false));

    let mut plan = Plan { image_len: 0, frames: Vec::new(), subdevices: Vec::new() };
    let mut placed: Vec<Option<SubDevicePlan>> = vec![None; subdevices.len()];
    for (number, members) in frames.iter().enumerate() {
        let frame = Frame::at(plan.image_len, members, &sizes);
        let mut outputs = frame.outputs.start;
        let mut inputs = frame.inputs.start;
        for member in members {
            let mut placing = Placing { outputs, inputs, frame: number };
            placed[*member] = Some(placing.place(&subdevices[*member])?);
            (outputs, inputs) = (placing.outputs, placing.inputs);
        }
        plan.image_len = frame.inputs.end;
        plan.frames.push(frame.datagrams()?);
    }
    let placed = placed.into_iter().zip(subdevices);
    plan.subdevices = placed.map(|(done, subdevice)| done.unwrap_or_else(|| without_data(subdevice))).collect();
    Ok(plan)
}

/// What a SubDevice takes of a frame.
#[derive(Debug, Clone, Copy)]
struct Size {
    outputs: usize,
    inputs: usize,
    lrw: bool,
}

impl Size {
    fn of(subdevice: &SubDeviceLayout) -> Self {
        let bytes = |direction| {
            let of_direction = subdevice.sync_managers.iter().filter(|manager| manager.direction == direction);
            of_direction.map(|manager| bits(manager).div_ceil(8)).sum()
        };
        Self { outputs: bytes(Direction::Output), inputs: bytes(Direction::Input), lrw: subdevice.lrw }
    }

    const fn data(self) -> usize {
        self.outputs + self.inputs
    }

    /// Bytes of a frame's room: data, and the second datagram of a frame with LWR and LRD.
    const fn cost(self) -> usize {
        let both = self.outputs > 0 && self.inputs > 0;
        self.data() + if both && !self.lrw { OVERHEAD } else { 0 }
    }

    const fn with(self, other: Self) -> Self {
        Self { outputs: self.outputs + other.outputs, inputs: self.inputs + other.inputs, lrw: self.lrw }
    }
}

fn bits(manager: &SyncManagerLayout) -> usize {
    manager.pdos.iter().flat_map(|pdo| &pdo.entries).map(|entry| usize::from(entry.bit_length)).sum()
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

/// Fills frames in order with the SubDevices that do LRW, or with those that don't. The numbers are indices.
fn fill_frames(sizes: &[Size], room: usize, lrw: bool) -> Vec<Vec<usize>> {
    let mut frames: Vec<Vec<usize>> = Vec::new();
    let mut filled = Size { outputs: 0, inputs: 0, lrw };
    for (number, size) in sizes.iter().enumerate().filter(|(_, size)| size.lrw == lrw && size.data() > 0) {
        let together = filled.with(*size);
        match frames.last_mut() {
            Some(frame) if together.cost() <= room => {
                frame.push(number);
                filled = together;
            }
            _ => {
                frames.push(vec![number]);
                filled = *size;
            }
        }
    }
    frames
}

/// A frame's place in the image and what takes part in it.
struct Frame {
    outputs: Range<usize>,
    inputs: Range<usize>,
    lrw: bool,
    writers: usize,
    readers: usize,
}

impl Frame {
    fn at(start: usize, members: &[usize], sizes: &[Size]) -> Self {
        let sizes = || members.iter().filter_map(|member| sizes.get(*member));
        let outputs_end = start + sizes().map(|size| size.outputs).sum::<usize>();
        Self {
            outputs: start..outputs_end,
            inputs: outputs_end..outputs_end + sizes().map(|size| size.inputs).sum::<usize>(),
            lrw: sizes().all(|size| size.lrw),
            writers: sizes().filter(|size| size.outputs > 0).count(),
            readers: sizes().filter(|size| size.inputs > 0).count(),
        }
    }

    fn datagrams(&self) -> Result<FramePlan, LayoutError> {
        let none = self.outputs.end..self.outputs.end;
        let datagrams = if self.lrw {
            let counter = self.writers * 2 + self.readers;
            vec![datagram(Command::Lrw, self.outputs.start..self.inputs.end, self.inputs.clone(), counter)?]
        } else {
            let write = datagram(Command::Lwr, self.outputs.clone(), none, self.writers)?;
            let read = datagram(Command::Lrd, self.inputs.clone(), self.inputs.clone(), self.readers)?;
            [write, read].into_iter().filter(|datagram| !datagram.image.is_empty()).collect()
        };
        Ok(FramePlan { datagrams })
    }
}

fn datagram(
    command: Command,
    image: Range<usize>,
    inputs: Range<usize>,
    counter: usize,
) -> Result<DatagramPlan, LayoutError> {
    Ok(DatagramPlan {
        command,
        logical: logical(image.start)?,
        image,
        inputs,
        expected_working_counter: u16::try_from(counter).unwrap_or(u16::MAX),
    })
}

fn logical(byte: usize) -> Result<u32, LayoutError> {
    u32::try_from(byte).map_err(|_| LayoutError::ImageTooLarge { bytes: byte })
}

/// Where the next outputs and inputs go.
struct Placing {
    outputs: usize,
    inputs: usize,
    frame: usize,
}

impl Placing {
    fn place(&mut self, subdevice: &SubDeviceLayout) -> Result<SubDevicePlan, LayoutError> {
        let start = (self.outputs, self.inputs);
        let mut done = without_data(subdevice);
        done.frame = self.frame;
        for direction in [Direction::Output, Direction::Input] {
            for manager in subdevice.sync_managers.iter().filter(|manager| manager.direction == direction) {
                self.place_manager(manager, &mut done)?;
            }
        }
        done.outputs = start.0..self.outputs;
        done.inputs = start.1..self.inputs;
        Ok(done)
    }

    fn place_manager(&mut self, manager: &SyncManagerLayout, done: &mut SubDevicePlan) -> Result<(), LayoutError> {
        let output = manager.direction == Direction::Output;
        let cursor = if output { &mut self.outputs } else { &mut self.inputs };
        let start = *cursor;
        let length = length(manager);
        if length == 0 {
            return Ok(());
        }
        *cursor += usize::from(length);
        let number = u8::try_from(done.fmmus.len()).unwrap_or(u8::MAX);
        done.fmmus.push((number, Fmmu::bytes(logical(start)?, length, manager.start, !output, output)));
        let mut offset = start * 8;
        for (pdo, entry) in manager.pdos.iter().flat_map(|pdo| pdo.entries.iter().map(move |entry| (pdo, entry))) {
            let span = BitSpan::new(offset, entry.bit_length);
            offset = span.end();
            if entry.is_padding() {
                continue;
            }
            done.entries.push(PlacedEntry {
                direction: manager.direction,
                pdo: pdo.index,
                index: entry.index,
                subindex: entry.subindex,
                span,
            });
        }
        Ok(())
    }
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
