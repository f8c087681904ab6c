//! Looks up channels, and the entries behind them.

use crate::any_channel::AnyChannel;
use crate::place::Place;
use crate::reference::{self, Reference, Rest};
use crate::rig::{PdoEntry, Rig, Slave};
use crate::task::{Target, Task};
use zerocat_pdi::{DataType, Direction};

/// A channel and the entry that it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedChannel {
    /// Name.
    pub name: String,
    /// Unit of its values, for people and headers.
    pub unit: Option<String>,
    /// Channel number; one that the file doesn't use, where it gives none.
    pub channel: u32,
    /// Whether the file gives the number.
    pub numbered: bool,
    /// Channel number of the state feedback, for a write channel that has one.
    pub state_channel: Option<u32>,
    /// Key of the slave.
    pub slave: String,
    /// Name of the entry as the rig file gives it; empty for a manual channel.
    pub pdo: String,
    /// Index in the object dictionary.
    pub index: u16,
    /// Subindex.
    pub subindex: u8,
    /// Which entry of that index and subindex.
    pub place: Place,
    /// The bit of the entry that the channel is; none for all of it.
    pub bit: Option<u8>,
    /// Length of the entry in bits.
    pub bit_length: u8,
    /// Data type of the entry.
    pub data_type: DataType,
    /// Input for a read task, output for a write task.
    pub direction: Direction,
    /// Samples that the SubDevice takes of it in a cycle: the entry and those behind it. 1 for an ordinary entry.
    pub samples: u16,
}

impl ResolvedChannel {
    /// Data type of its values: that of the entry, or `bool` for a bit of it.
    #[must_use]
    pub const fn value_type(&self) -> DataType {
        if self.bit.is_some() { DataType::Bool } else { self.data_type }
    }

    /// Whether a reference means it: its name, its number if the file gives it one, or its entry.
    #[must_use]
    pub fn answers_to(&self, reference: &Reference) -> bool {
        match reference {
            Reference::Number(number) => self.numbered && *number == self.channel,
            Reference::Text(text) => *text == self.name || self.is_entry(text),
        }
    }

    /// Whether a text is its entry, by address or by name.
    fn is_entry(&self, text: &str) -> bool {
        let bit = |bit: Option<u8>| bit == self.bit;
        match reference::split(text, std::iter::once(self.slave.as_str())) {
            Some((_, Rest::Address { index, subindex, bit: b })) => {
                (index, subindex) == (self.index, self.subindex) && bit(b)
            }
            Some((_, Rest::Name(name))) if self.pdo.is_empty() || name.is_empty() => false,
            Some((_, Rest::Name(name))) if name == self.pdo => bit(None),
            Some((_, Rest::Name(name))) => {
                reference::bit_of(name).is_some_and(|(name, b)| name == self.pdo && bit(Some(b)))
            }
            None => false,
        }
    }

    /// The entry as a reference: `axis.0x6041:00`, with the bit behind it.
    #[must_use]
    pub fn entry(&self) -> String {
        let bit = self.bit.map_or_else(String::new, |bit| format!(".{bit}"));
        format!("{}.{:#06x}:{:02x}{bit}", self.slave, self.index, self.subindex)
    }

    /// Slave and entry for people: `axis status_word`, `axis 0x6041:00`, with the bit behind it.
    #[must_use]
    pub fn label(&self) -> String {
        let bit = self.bit.map_or_else(String::new, |bit| format!(" bit {bit}"));
        match (self.pdo.as_str(), self.place == Place::default()) {
            ("", true) => format!("{} {:#06x}:{:02x}{bit}", self.slave, self.index, self.subindex),
            ("", false) => format!("{} {:#06x}:{:02x} ({}){bit}", self.slave, self.index, self.subindex, self.place),
            (name, _) => format!("{} {name}{bit}", self.slave),
        }
    }
}

impl Rig {
    /// The slave with a key.
    #[must_use]
    pub fn slave(&self, key: &str) -> Option<&Slave> {
        self.slaves.iter().find(|slave| slave.key == key)
    }

    /// The enabled channels of a task in the order of the file. Channels that don't resolve are left out; in a rig
    /// without problems, and with all its types ([`Rig::with_types`]), there are none of those.
    #[must_use]
    pub fn channels_of(&self, task: &Task) -> Vec<ResolvedChannel> {
        let enabled = task.channels().into_iter().filter(|channel| channel.enabled);
        enabled.filter_map(|channel| self.resolve(&channel)).collect()
    }

    /// The enabled input that a reference means, by a channel's name or number, or by an entry that one reads.
    #[must_use]
    pub fn read_channel(&self, reference: &Reference) -> Option<ResolvedChannel> {
        let reads = self.tasks.iter().filter(|task| matches!(task, Task::Read(_)));
        reads.flat_map(|task| self.channels_of(task)).find(|channel| channel.answers_to(reference))
    }

    /// The input that an output follows: a channel as [`Self::read_channel`] finds it, or an entry that no channel reads, which
    /// has length and type of the output where the file doesn't say them.
    #[must_use]
    pub fn followed(&self, reference: &Reference, output: &PdoEntry) -> Option<ResolvedChannel> {
        if let Some(channel) = self.read_channel(reference) {
            return Some(channel);
        }
        let Reference::Text(text) = reference else { return None };
        let (key, rest) = reference::split(text, self.slaves.iter().map(|slave| slave.key.as_str()))?;
        let slave = self.slave(key)?;
        let listed = entries(slave, Direction::Input);
        let entry = match rest {
            Rest::Name(name) => listed.iter().find(|entry| entry.name == name).cloned()?,
            Rest::Address { index, subindex, .. } => {
                let known = listed.iter().find(|entry| (entry.index, entry.subindex) == (index, subindex)).cloned();
                known.unwrap_or_else(|| PdoEntry {
                    name: String::new(),
                    index,
                    subindex,
                    place: Place::default(),
                    bit_length: output.bit_length,
                    data_type: output.data_type,
                })
            }
        };
        let bit = if let Rest::Address { bit, .. } = rest { bit } else { None };
        Some(ResolvedChannel {
            name: text.clone(),
            unit: None,
            channel: 0,
            numbered: false,
            state_channel: None,
            slave: slave.key.clone(),
            pdo: entry.name,
            index: entry.index,
            subindex: entry.subindex,
            place: entry.place,
            bit,
            bit_length: entry.bit_length,
            data_type: entry.data_type,
            direction: Direction::Input,
            samples: 1,
        })
    }

    /// The channel of a name in one direction, enabled or not: one that no task exchanges still says which entry it is.
    #[must_use]
    pub fn channel(&self, name: &str, direction: Direction) -> Option<ResolvedChannel> {
        let mut all = self.tasks.iter().flat_map(Task::channels);
        all.find(|channel| channel.direction == direction && channel.name == name).and_then(|one| self.resolve(&one))
    }

    /// The names of all channels in one direction, in the order of the file.
    #[must_use]
    pub fn channel_names(&self, direction: Direction) -> Vec<String> {
        let all = self.tasks.iter().flat_map(Task::channels).filter(|channel| channel.direction == direction);
        all.map(|channel| channel.name.to_owned()).collect()
    }

    fn resolve(&self, of: &AnyChannel<'_>) -> Option<ResolvedChannel> {
        let slave = self.slave(of.device)?;
        let entry = entry(slave, of.direction, of.target)?;
        Some(ResolvedChannel {
            name: of.name.to_owned(),
            unit: of.unit.map(str::to_owned),
            channel: of.channel,
            numbered: of.numbered,
            state_channel: of.state_channel,
            slave: slave.key.clone(),
            pdo: entry.name,
            index: entry.index,
            subindex: entry.subindex,
            place: entry.place,
            bit: of.bit,
            bit_length: entry.bit_length,
            data_type: entry.data_type,
            direction: of.direction,
            samples: of.samples,
        })
    }
}

/// Entries of a slave in one direction.
pub(crate) fn entries(slave: &Slave, direction: Direction) -> &[PdoEntry] {
    match direction {
        Direction::Input => &slave.properties.pdos.inputs,
        Direction::Output => &slave.properties.pdos.outputs,
    }
}

/// The entry that a target refers to; none where only the bus knows its type.
pub(crate) fn entry(slave: &Slave, direction: Direction, target: &Target) -> Option<PdoEntry> {
    match target {
        Target::Automatic { pdo } => entries(slave, direction).iter().find(|entry| entry.name == *pdo).cloned(),
        Target::Manual { index, subindex, place, bit_length, data_type } => Some(PdoEntry {
            name: String::new(),
            index: *index,
            subindex: *subindex,
            place: *place,
            bit_length: *bit_length,
            data_type: *data_type,
        }),
        Target::Untyped { .. } => None,
    }
}
