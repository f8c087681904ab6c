//! From a task's channels to places in the process image of the bus that was found.
//!
//! An entry is known by its index and subindex, and where a SubDevice maps several of those, by its PDO and its place in
//! it. Guarantees: a channel is bound to exactly one entry, or refused with the lines that would name one; no two write
//! channels have a bit in common; an output follows only an input that is like it.

mod follow;

use follow::follow;
use std::collections::BTreeMap;
use std::fmt;
use zerocat_config::{Candidate, Place, ResolvedChannel, Rig, Task};
use zerocat_pdi::{BitSpan, DataType, Direction, PlacedEntry, Plan, SubDevicePlan};
use zerocat_tasks::Placed;

/// A channel that has no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("channel `{channel}` of task `{task}`: {why}")]
pub struct BindError {
    /// Name of the task.
    pub task: String,
    /// Name of the channel.
    pub channel: String,
    /// Why it has none.
    pub why: Unbound,
}

/// Why a channel has no place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unbound {
    /// Its slave is not on the bus.
    NotFound {
        /// Key of the slave.
        slave: String,
    },
    /// The SubDevice doesn't map the entry.
    NotMapped {
        /// Key of the slave.
        slave: String,
        /// Index of the entry.
        index: u16,
        /// Subindex.
        subindex: u8,
        /// What it maps in that direction, by PDO.
        mapped: Vec<MappedPdo>,
    },
    /// It maps several of that index and subindex, and the rig file says of none, or of no single one, that it is meant.
    Ambiguous {
        /// Key of the slave.
        slave: String,
        /// Index of the entry.
        index: u16,
        /// Subindex.
        subindex: u8,
        /// What the rig file says beside them.
        given: Place,
        /// The keys that name each, and its length in bits.
        candidates: Vec<(Place, u8)>,
    },
    /// The entry is mapped with another length.
    Length {
        /// Key of the slave.
        slave: String,
        /// Bits in the rig file.
        configured: u8,
        /// Bits in the SubDevice.
        mapped: u8,
    },
    /// An oversampled channel has fewer entries behind it than samples.
    Samples {
        /// Key of the slave.
        slave: String,
        /// Entries of that length that follow one another from it on, itself among them.
        found: usize,
        /// Samples of the channel.
        wanted: u16,
    },
    /// What it follows is no input.
    NoInput {
        /// What the rig file calls it.
        input: String,
    },
    /// What it follows is of another type or length.
    Unlike {
        /// What the rig file calls it.
        input: String,
        /// Data type and bits of the input.
        its: (DataType, u8),
        /// Data type and bits of the output.
        ours: (DataType, u8),
    },
    /// Its bits are another channel's.
    Shared {
        /// Task of that channel.
        task: String,
        /// Its name.
        channel: String,
    },
}

/// A PDO and its entries, by index and subindex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedPdo {
    /// Index of the PDO.
    pub index: u16,
    /// Which of that index, 1 for the first.
    pub nth: u16,
    /// Its entries.
    pub entries: Vec<(u16, u8)>,
}

impl fmt::Display for MappedPdo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PDO {:#06x}", self.index)?;
        if self.nth > 1 {
            write!(f, " (number {} of that index)", self.nth)?;
        }
        f.write_str(":")?;
        self.entries.iter().try_for_each(|(index, subindex)| write!(f, " {index:#06x}:{subindex:02x}"))
    }
}

impl fmt::Display for Unbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { slave } => write!(f, "slave `{slave}` is not on the bus"),
            Self::NotMapped { slave, index, subindex, mapped } => {
                let mapped: Vec<String> = mapped.iter().map(ToString::to_string).collect();
                let mapped = if mapped.is_empty() { "nothing in that direction".to_owned() } else { mapped.join("; ") };
                write!(f, "slave `{slave}` does not map {index:#06x}:{subindex:02x}; it maps {mapped}")
            }
            Self::Ambiguous { slave, index, subindex, given, candidates } => {
                let entry = format!("{index:#06x}:{subindex:02x}");
                write!(f, "slave `{slave}` maps {entry} {} times, and ", candidates.len())?;
                if *given == Place::default() {
                    f.write_str("the rig file doesn't say which one is meant")?;
                } else {
                    write!(f, "{given} names no single one")?;
                }
                let line = |(place, bits): &(Place, u8)| format!("{place} ({bits} bits)");
                let lines: Vec<String> = candidates.iter().map(line).collect();
                write!(f, "; write beside its `index` one of: {}", lines.join("; "))
            }
            Self::Length { slave, configured, mapped } => {
                write!(f, "slave `{slave}` maps the entry with {mapped} bits, the rig file says {configured}")
            }
            Self::Samples { slave, found, wanted } => write!(
                f,
                "slave `{slave}` maps {found} entries of that length in a row from it on, its `samples` are {wanted}"
            ),
            Self::NoInput { input } => write!(f, "it follows `{input}`, which is no input of the rig file"),
            Self::Unlike { input, its, ours } => {
                let (its, bits) = its;
                write!(f, "it follows `{input}`, which is {its} of {bits} bits, and is itself {} of {}", ours.0, ours.1)
            }
            Self::Shared { task, channel } => {
                write!(f, "it is the same output as channel `{channel}` of task `{task}`, or a part of it")
            }
        }
    }
}

/// Where on the bus each slave of the rig file is: key to position.
pub type Positions = BTreeMap<String, u16>;

/// Finds the places of the enabled channels of all tasks, in the order of the file; scan tasks have none.
///
/// # Errors
/// The first channel that has none, or that writes what another one writes.
pub fn bind(rig: &Rig, plan: &Plan, positions: &Positions) -> Result<Vec<Vec<Placed>>, BindError> {
    let of_task = |task: &Task| -> Result<Vec<Placed>, BindError> {
        let bound = |channel: ResolvedChannel| match place(&channel, plan, positions) {
            Ok((position, span)) => Ok(Placed::new(channel, position, span)),
            Err(why) => Err(BindError { task: task.name().to_owned(), channel: channel.name, why }),
        };
        rig.channels_of(task).into_iter().map(bound).collect()
    };
    let mut bindings = rig.tasks.iter().map(of_task).collect::<Result<Vec<_>, _>>()?;
    unshared(rig, &bindings)?;
    follow(rig, plan, positions, &mut bindings)?;
    Ok(bindings)
}

/// Its SubDevice and its bits.
fn place(channel: &ResolvedChannel, plan: &Plan, positions: &Positions) -> Result<(u16, BitSpan), Unbound> {
    let slave = || channel.slave.clone();
    let subdevice = positions
        .get(&channel.slave)
        .and_then(|position| plan.subdevices.iter().find(|subdevice| subdevice.position == *position))
        .ok_or_else(|| Unbound::NotFound { slave: slave() })?;
    let entry = meant(channel, subdevice)?;
    if entry.span.len != channel.bit_length {
        return Err(Unbound::Length { slave: slave(), configured: channel.bit_length, mapped: entry.span.len });
    }
    row(channel, subdevice, entry)?;
    // A bit behind the entry's last one is refused by the rig file's rules.
    Ok((subdevice.position, channel.bit.and_then(|bit| entry.span.bit(bit)).unwrap_or(entry.span)))
}

/// That an entry has as many behind it in its PDO, each as long and without a gap, as an oversampled channel has samples.
fn row(channel: &ResolvedChannel, subdevice: &SubDevicePlan, first: &PlacedEntry) -> Result<(), Unbound> {
    let mut next = first.span.offset;
    let follows = |one: &&PlacedEntry| {
        let alike = (one.pdo, one.pdo_nth, one.direction) == (first.pdo, first.pdo_nth, first.direction);
        let fits = one.span.len == first.span.len && one.span.offset == next;
        next = one.span.end();
        alike && fits
    };
    let from = subdevice.entries.iter().skip_while(|one| *one != first);
    let (found, wanted) = (from.take_while(follows).count(), channel.samples);
    if found >= usize::from(wanted) {
        return Ok(());
    }
    Err(Unbound::Samples { slave: channel.slave.clone(), found, wanted })
}

/// The one entry that a channel refers to.
fn meant<'p>(channel: &ResolvedChannel, subdevice: &'p SubDevicePlan) -> Result<&'p PlacedEntry, Unbound> {
    let (slave, index, subindex) = (channel.slave.clone(), channel.index, channel.subindex);
    let of_it =
        |entry: &&PlacedEntry| (entry.direction, entry.index, entry.subindex) == (channel.direction, index, subindex);
    let same: Vec<&PlacedEntry> = subdevice.entries.iter().filter(of_it).collect();
    let candidates: Vec<Candidate> = same.iter().map(|entry| candidate(entry)).collect();
    match channel.place.find(channel.bit_length, &candidates) {
        Ok(n) if n < same.len() => Ok(same[n]),
        _ if same.is_empty() => {
            Err(Unbound::NotMapped { slave, index, subindex, mapped: mapped(subdevice, channel.direction) })
        }
        _ => {
            let named = candidates.iter().enumerate().map(|(n, one)| (Place::of(n, &candidates), one.bit_length));
            Err(Unbound::Ambiguous { slave, index, subindex, given: channel.place, candidates: named.collect() })
        }
    }
}

pub(crate) fn candidate(entry: &PlacedEntry) -> Candidate {
    Candidate { pdo_index: entry.pdo, pdo_nth: entry.pdo_nth, bit_length: entry.span.len }
}

/// What a SubDevice maps in a direction, by PDO.
pub(crate) fn mapped(subdevice: &SubDevicePlan, direction: Direction) -> Vec<MappedPdo> {
    let mut pdos: Vec<MappedPdo> = Vec::new();
    for entry in subdevice.entries.iter().filter(|entry| entry.direction == direction) {
        let known = |pdo: &&mut MappedPdo| (pdo.index, pdo.nth) == (entry.pdo, entry.pdo_nth);
        match pdos.last_mut().filter(known) {
            Some(pdo) => pdo.entries.push((entry.index, entry.subindex)),
            None => {
                let entries = vec![(entry.index, entry.subindex)];
                pdos.push(MappedPdo { index: entry.pdo, nth: entry.pdo_nth, entries });
            }
        }
    }
    pdos
}

/// That no output is written by two channels, as far as the rig file alone can't tell.
fn unshared(rig: &Rig, bindings: &[Vec<Placed>]) -> Result<(), BindError> {
    let writers = rig.tasks.iter().zip(bindings).filter(|(task, _)| matches!(task, Task::Write(_)));
    let mut outputs: Vec<(&Task, &Placed)> =
        writers.flat_map(|(task, placed)| placed.iter().map(move |placed| (task, placed))).collect();
    outputs.sort_by_key(|(_, placed)| placed.span);
    for ((task, one), (other_task, other)) in outputs.iter().zip(outputs.iter().skip(1)) {
        if one.span.overlaps(other.span) {
            let why = Unbound::Shared { task: task.name().to_owned(), channel: one.channel.name.clone() };
            return Err(BindError { task: other_task.name().to_owned(), channel: other.channel.name.clone(), why });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
