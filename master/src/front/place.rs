//! From an entry that a program asked for to its bits in the process image of the bus that was found.
//!
//! Guarantees: what is placed is mapped in that direction with the length of its type, and is one entry, or as many that
//! follow one another as its array has elements; an output is no task's.

use super::asked::{Wanted, What};
use super::entry::{Entry, SubDeviceRef};
use super::field::Shape;
use super::subdevice::{Keys, NoSuchSubDevice};
use super::why::{EntryError, EntryProblem};
use crate::bind::{candidate, mapped};
use crate::bring_up::Planned;
use crate::draft::key_of;
use zerocat_config::{Candidate, Place, ResolvedChannel, Rig, Task};
use zerocat_pdi::{BitSpan, Direction, PlacedEntry, SubDevicePlan};

/// Where an entry lies: its SubDevice, and the bits of each of its elements, which follow one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Located {
    pub(super) position: u16,
    pub(super) elements: Vec<BitSpan>,
}

impl From<NoSuchSubDevice> for EntryProblem {
    fn from(NoSuchSubDevice { keys, .. }: NoSuchSubDevice) -> Self {
        Self::NoSubDevice { keys }
    }
}

/// The bus that was found.
pub(super) struct OnBus<'a> {
    rig: &'a Rig,
    planned: &'a Planned<'a>,
    keys: Keys,
}

impl<'a> OnBus<'a> {
    pub(super) fn new(rig: &'a Rig, planned: &'a Planned<'a>) -> Self {
        Self { rig, planned, keys: keys(planned) }
    }

    /// Finds an entry.
    pub(super) fn find(&self, wanted: &Wanted, direction: Direction) -> Result<Located, EntryError> {
        self.locate(wanted, direction).map_err(|why| EntryError { asked: wanted.in_words(direction), why })
    }

    fn locate(&self, wanted: &Wanted, direction: Direction) -> Result<Located, EntryProblem> {
        let shape = wanted.shape;
        let (position, entry) = match &wanted.what {
            What::Entry { of, entry } => {
                let position = self.keys.position(of)?;
                self.is_of_type(position, *entry, shape, direction)?;
                (position, *entry)
            }
            What::Channel(name) => {
                let channel = self.channel(name, shape, direction)?;
                let ResolvedChannel { slave, index, subindex, place, bit, .. } = channel;
                (self.keys.position(&SubDeviceRef::Key(slave))?, Entry { index, subindex, place, bit })
            }
        };
        let none = || EntryProblem::NotMapped { mapped: Vec::new() };
        let subdevice = self.planned.plan.subdevices.iter().find(|one| one.position == position).ok_or_else(none)?;
        let elements = elements(subdevice, direction, entry, shape)?;
        if direction == Direction::Output {
            self.is_free(&elements)?;
        }
        Ok(Located { position, elements })
    }

    fn channel(&self, name: &str, shape: Shape, direction: Direction) -> Result<ResolvedChannel, EntryProblem> {
        let names = || EntryProblem::NoChannel { names: self.rig.channel_names(direction) };
        let channel = self.rig.channel(name, direction).ok_or_else(names)?;
        let is = channel.value_type();
        if shape.is(is) { Ok(channel) } else { Err(EntryProblem::Type { is }) }
    }

    /// That the rig file doesn't say another type, where it lists the entry.
    fn is_of_type(&self, position: u16, entry: Entry, shape: Shape, direction: Direction) -> Result<(), EntryProblem> {
        let slave = self.planned.key(position).and_then(|key| self.rig.slave(&key));
        let Some(pdos) = slave.map(|slave| &slave.properties.pdos) else { return Ok(()) };
        let listed = if direction == Direction::Input { &pdos.inputs } else { &pdos.outputs };
        let is_it = |one: &&zerocat_config::PdoEntry| (one.index, one.subindex) == (entry.index, entry.subindex);
        let mut types = listed.iter().filter(is_it).filter(|_| entry.bit.is_none()).map(|one| one.data_type);
        match types.next() {
            Some(is) if !shape.is(is) && types.all(|other| other == is) => Err(EntryProblem::Type { is }),
            _ => Ok(()),
        }
    }

    /// That no task commands a bit of it.
    fn is_free(&self, elements: &[BitSpan]) -> Result<(), EntryProblem> {
        let tasks = self.rig.tasks.iter().zip(&self.planned.bindings);
        for (task, placed) in tasks.filter(|(task, _)| matches!(task, Task::Write(_))) {
            let taken = placed.iter().find(|one| elements.iter().any(|own| own.overlaps(one.span)));
            if let Some(taken) = taken {
                let (task, channel) = (task.name().to_owned(), taken.channel.name.clone());
                return Err(EntryProblem::Commanded { task, channel });
            }
        }
        Ok(())
    }
}

/// The key and the position of everybody: that of the rig file or of the program, else the one that `zerocat init` gives.
pub(crate) fn keys(planned: &Planned<'_>) -> Keys {
    let key = |one: &zerocat_bus::SubDevice| {
        let own = planned.key(one.position);
        (own.unwrap_or_else(|| key_of(one.position, &one.name, one.sii.content)), one.position)
    };
    Keys(planned.network.subdevices().iter().map(key).collect())
}

/// The bits of an entry, element by element.
fn elements(
    subdevice: &SubDevicePlan,
    direction: Direction,
    entry: Entry,
    shape: Shape,
) -> Result<Vec<BitSpan>, EntryProblem> {
    let of_it =
        |one: &&PlacedEntry| (one.direction, one.index, one.subindex) == (direction, entry.index, entry.subindex);
    let same: Vec<&PlacedEntry> = subdevice.entries.iter().filter(of_it).collect();
    if same.is_empty() {
        return Err(EntryProblem::NotMapped { mapped: mapped(subdevice, direction) });
    }
    let candidates: Vec<Candidate> = same.iter().map(|one| candidate(one)).collect();
    let found = match entry.place.find(shape.bits, &candidates) {
        Ok(n) => n,
        // An array begins with the first of those of one PDO.
        Err(left) if shape.elements.is_some() && is_one_pdo(&left, &candidates) => left.first().copied().unwrap_or(0),
        Err(left) if left.is_empty() => {
            return Err(EntryProblem::OtherPdo { pdos: candidates.iter().map(|one| one.pdo_index).collect() });
        }
        Err(_) => return Err(ambiguous(&candidates)),
    };
    let Some(first) = same.get(found) else { return Err(ambiguous(&candidates)) };
    match entry.bit {
        Some(bit) => {
            let span = first.span.bit(bit).filter(|_| shape.all_bits() == 1);
            span.map(|span| vec![span]).ok_or(EntryProblem::Bit { mapped: first.span.len })
        }
        None if usize::from(first.span.len) == shape.all_bits() => Ok(split(first.span, shape)),
        None if shape.elements.is_some() => row(subdevice, first, shape),
        None => Err(EntryProblem::Width { mapped: first.span.len, wanted: shape }),
    }
}

fn ambiguous(candidates: &[Candidate]) -> EntryProblem {
    let each = candidates.iter().enumerate().map(|(n, one)| (Place::of(n, candidates), one.bit_length));
    EntryProblem::Ambiguous { candidates: each.collect() }
}

/// Whether there are any, all of one PDO.
fn is_one_pdo(left: &[usize], candidates: &[Candidate]) -> bool {
    let mut pdos = left.iter().filter_map(|n| candidates.get(*n)).map(|one| (one.pdo_index, one.pdo_nth));
    pdos.next().is_some_and(|first| pdos.all(|pdo| pdo == first))
}

/// The elements of one entry.
fn split(span: BitSpan, shape: Shape) -> Vec<BitSpan> {
    let at = |n: u16| span.offset.saturating_add(usize::from(shape.bits).saturating_mul(n.into()));
    (0..shape.count()).map(|n| BitSpan::new(at(n), shape.bits)).collect()
}

/// An entry and those behind it in its PDO, as many as the array has elements.
fn row(subdevice: &SubDevicePlan, first: &PlacedEntry, shape: Shape) -> Result<Vec<BitSpan>, EntryProblem> {
    let mut next = first.span.offset;
    let from = subdevice.entries.iter().skip_while(|one| *one != first);
    let follows = |one: &&PlacedEntry| {
        let alike = (one.pdo, one.pdo_nth, one.direction) == (first.pdo, first.pdo_nth, first.direction);
        let fits = one.span.len == shape.bits && one.span.offset == next;
        next = one.span.end();
        alike && fits
    };
    let spans: Vec<BitSpan> = from.take_while(follows).map(|one| one.span).take(shape.count().into()).collect();
    match spans.len() == usize::from(shape.count()) {
        true => Ok(spans),
        false => Err(EntryProblem::Row { found: spans.len(), wanted: shape }),
    }
}
