//! Looks up the entries of channels.

use crate::place::Place;
use crate::rig::{PdoEntry, Rig, Slave};
use crate::task::{ReadChannel, Target, Task, WriteChannel};
use zerocat_pdi::{DataType, Direction};

/// A channel and the entry that it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedChannel {
    /// Channel number.
    pub channel: u32,
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
}

impl ResolvedChannel {
    /// Data type of its values: that of the entry, or `bool` for a bit of it.
    #[must_use]
    pub const fn value_type(&self) -> DataType {
        if self.bit.is_some() { DataType::Bool } else { self.data_type }
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

/// What a channel of any task says of its entry.
struct Reference<'a> {
    direction: Direction,
    device: &'a str,
    target: &'a Target,
    bit: Option<u8>,
    channel: u32,
    state_channel: Option<u32>,
}

impl Rig {
    /// The slave with a key.
    #[must_use]
    pub fn slave(&self, key: &str) -> Option<&Slave> {
        self.slaves.iter().find(|slave| slave.key == key)
    }

    /// The enabled channels of a task in the order of the file. Channels that don't resolve are left out; in a rig
    /// without problems there are none of those.
    #[must_use]
    pub fn channels_of(&self, task: &Task) -> Vec<ResolvedChannel> {
        match task {
            Task::Read(read) => {
                let enabled = read.config.channels.iter().filter(|channel| channel.enabled);
                enabled.filter_map(|channel| self.resolve(&of_read(channel))).collect()
            }
            Task::Write(write) => {
                let enabled = write.config.channels.iter().filter(|channel| channel.enabled);
                enabled.filter_map(|channel| self.resolve(&of_write(channel))).collect()
            }
            Task::Scan(_) => Vec::new(),
        }
    }

    fn resolve(&self, of: &Reference<'_>) -> Option<ResolvedChannel> {
        let slave = self.slave(of.device)?;
        let entry = entry(slave, of.direction, of.target)?;
        Some(ResolvedChannel {
            channel: of.channel,
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
        })
    }
}

fn of_read(channel: &ReadChannel) -> Reference<'_> {
    Reference {
        direction: Direction::Input,
        device: &channel.device,
        target: &channel.target,
        bit: channel.bit,
        channel: channel.channel,
        state_channel: None,
    }
}

fn of_write(channel: &WriteChannel) -> Reference<'_> {
    Reference {
        direction: Direction::Output,
        device: &channel.device,
        target: &channel.target,
        bit: channel.bit,
        channel: channel.channel,
        state_channel: channel.state_channel,
    }
}

/// Entries of a slave in one direction.
pub(crate) fn entries(slave: &Slave, direction: Direction) -> &[PdoEntry] {
    match direction {
        Direction::Input => &slave.properties.pdos.inputs,
        Direction::Output => &slave.properties.pdos.outputs,
    }
}

/// The entry that a target refers to.
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
    }
}
