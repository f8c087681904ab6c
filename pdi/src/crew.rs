//! Which SubDevices share a datagram, and which datagrams share a frame.
//!
//! A datagram carries SubDevices of one sync unit that have the same way of access. A SubDevice whose data one frame can
//! carry is never split. Datagrams of units with the same turn share frames: each goes into the first that has room.

use crate::entry::Pdo;
use crate::plan::{Access, Direction, SubDeviceLayout, SyncManagerLayout};
use crate::unit::Turn;
use alloc::vec;
use alloc::vec::Vec;
use zerocat_wire::datagram::OVERHEAD;

/// Bytes that a frame with one datagram puts on the wire beside its data: preamble, Ethernet and EtherCAT header, the
/// datagram's own, check sequence, gap (IEEE 802.3, 3.1.1 and 4.4.2; ETG.1000.4, 5.3).
const FRAME_OVERHEAD: usize = 8 + 14 + 2 + OVERHEAD + 4 + 12;

/// How much of a frame a SubDevice takes, or several together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) outputs: usize,
    pub(crate) inputs: usize,
    /// Bytes of the frame's status datagram.
    pub(crate) status: usize,
    access: Access,
    /// It is more than a frame carries.
    split: bool,
}

impl Size {
    pub(crate) fn of(subdevice: &SubDeviceLayout, room: usize) -> Self {
        let bytes = |direction| {
            let of_direction = subdevice.sync_managers.iter().filter(|manager| manager.direction == direction);
            of_direction.map(|manager| bits(manager).div_ceil(8)).sum()
        };
        let (outputs, inputs) = (bytes(Direction::Output), bytes(Direction::Input));
        let bare = Self { outputs, inputs, status: 0, access: subdevice.access, split: false }.shared();
        if bare.cost() > room {
            return Self { outputs, inputs, status: 0, access: Access::LwrLrd, split: true };
        }
        let told = Self { status: 1, ..bare };
        if bare.data() > 0 && may_tell(subdevice) && told.cost() <= room { told } else { bare }
    }

    /// With overlapping data outputs and inputs are as long as each other.
    fn shared(self) -> Self {
        let longer = self.outputs.max(self.inputs);
        match self.access {
            Access::LrwOverlapping => Self { outputs: longer, inputs: longer, ..self },
            Access::Lrw | Access::LwrLrd => self,
        }
    }

    /// Bytes of process data in a frame.
    pub(crate) const fn data(self) -> usize {
        match self.access {
            Access::LrwOverlapping => self.outputs,
            Access::Lrw | Access::LwrLrd => self.outputs + self.inputs,
        }
    }

    /// Bytes of a frame's room without the status: data, and the second datagram where there are LWR and LRD.
    fn exchange(self) -> usize {
        let both = self.outputs > 0 && self.inputs > 0;
        self.data() + if both && self.access == Access::LwrLrd { OVERHEAD } else { 0 }
    }

    /// Bytes of a frame's room.
    fn cost(self) -> usize {
        self.exchange() + status_cost(self.status)
    }

    const fn with(self, other: Self) -> Self {
        let (outputs, inputs) = (self.outputs + other.outputs, self.inputs + other.inputs);
        Self { outputs, inputs, status: self.status + other.status, ..self }
    }
}

/// Bytes of a frame's room that a status datagram takes.
const fn status_cost(bytes: usize) -> usize {
    if bytes > 0 { OVERHEAD + bytes } else { 0 }
}

/// Bits that are mapped on a sync manager.
pub(crate) fn bits(manager: &SyncManagerLayout) -> usize {
    manager.pdos.iter().map(Pdo::bits).sum()
}

/// FMMUs that its process data take.
pub(crate) fn fmmus_needed(subdevice: &SubDeviceLayout) -> usize {
    subdevice.sync_managers.iter().filter(|manager| bits(manager) > 0).count()
}

/// Whether an FMMU is left for its status byte.
pub(crate) fn may_tell(subdevice: &SubDeviceLayout) -> bool {
    subdevice.status.is_some() && fmmus_needed(subdevice) < usize::from(subdevice.fmmus)
}

/// The SubDevices of one datagram, or of an LWR and an LRD.
#[derive(Debug)]
pub(crate) struct Crew {
    pub(crate) unit: usize,
    pub(crate) access: Access,
    /// Indices of the SubDevices.
    pub(crate) members: Vec<usize>,
    /// It has one member, with more data than a frame carries.
    pub(crate) split: bool,
    size: Size,
}

/// Fills datagrams in order, for each unit and way of access on its own.
pub(crate) fn crews(subdevices: &[SubDeviceLayout], sizes: &[Size], room: usize) -> Vec<Crew> {
    let mut order: Vec<_> = (0..subdevices.len()).filter(|n| sizes[*n].data() > 0).collect();
    order.sort_by_key(|n| (subdevices[*n].unit, sizes[*n].access));
    let mut crews: Vec<Crew> = Vec::new();
    for n in order {
        let (unit, size) = (subdevices[n].unit, sizes[n]);
        let joins = |crew: &&mut Crew| {
            let same = (crew.unit, crew.access) == (unit, size.access) && !crew.split && !size.split;
            same && crew.size.with(size).cost() <= room
        };
        match crews.last_mut().filter(joins) {
            Some(crew) => {
                crew.size = crew.size.with(size);
                crew.members.push(n);
            }
            None => crews.push(Crew { unit, access: size.access, members: vec![n], split: size.split, size }),
        }
    }
    crews
}

/// Bytes on the wire of each unit, if it had frames of its own.
pub(crate) fn load(crews: &[Crew], units: usize, room: usize) -> Vec<usize> {
    let of_crew = |crew: &Crew| crew.size.data() + FRAME_OVERHEAD * crew.size.data().div_ceil(room.max(1));
    (0..units).map(|unit| crews.iter().filter(|crew| crew.unit == unit).map(of_crew).sum()).collect()
}

/// What is sent together.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) turn: Turn,
    pub(crate) crews: Vec<Crew>,
}

impl Load {
    /// Whether one more crew fits. One that is split has its frames to itself.
    fn takes(&self, crew: &Crew, turn: Turn, room: usize) -> bool {
        let all = || self.crews.iter().chain([crew]);
        let data: usize = all().map(|crew| crew.size.exchange()).sum();
        let status = all().map(|crew| crew.size.status).sum();
        let cost = data + self.crews.len() * OVERHEAD + status_cost(status);
        self.turn == turn && !all().any(|crew| crew.split) && cost <= room
    }
}

/// Puts crews into frames, those that are sent most often first.
pub(crate) fn pack(mut crews: Vec<Crew>, turn: impl Fn(usize) -> Turn, room: usize) -> Vec<Load> {
    crews.sort_by_key(|crew| (turn(crew.unit).every(), crew.unit));
    let mut loads: Vec<Load> = Vec::new();
    for crew in crews {
        let turn = turn(crew.unit);
        match loads.iter_mut().find(|load| load.takes(&crew, turn, room)) {
            Some(load) => load.crews.push(crew),
            None => loads.push(Load { turn, crews: vec![crew] }),
        }
    }
    loads
}
