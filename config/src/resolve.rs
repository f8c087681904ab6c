//! Looks up the entries of channels.

use crate::rig::{PdoEntry, Rig, Slave};
use crate::task::{Target, Task};
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
    /// Length in bits.
    pub bit_length: u8,
    /// Data type.
    pub data_type: DataType,
    /// Input for a read task, output for a write task.
    pub direction: Direction,
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
                let resolve =
                    |c: &crate::ReadChannel| self.resolve(Direction::Input, &c.device, &c.target, c.channel, None);
                enabled.filter_map(resolve).collect()
            }
            Task::Write(write) => {
                let enabled = write.config.channels.iter().filter(|channel| channel.enabled);
                let resolve = |c: &crate::WriteChannel| {
                    self.resolve(Direction::Output, &c.device, &c.target, c.channel, c.state_channel)
                };
                enabled.filter_map(resolve).collect()
            }
            Task::Scan(_) => Vec::new(),
        }
    }

    fn resolve(
        &self,
        direction: Direction,
        device: &str,
        target: &Target,
        channel: u32,
        state_channel: Option<u32>,
    ) -> Option<ResolvedChannel> {
        let slave = self.slave(device)?;
        let entry = entry(slave, direction, target)?;
        Some(ResolvedChannel {
            channel,
            state_channel,
            slave: slave.key.clone(),
            pdo: entry.name,
            index: entry.index,
            subindex: entry.subindex,
            bit_length: entry.bit_length,
            data_type: entry.data_type,
            direction,
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

/// The entry that a target refers to.
pub(crate) fn entry(slave: &Slave, direction: Direction, target: &Target) -> Option<PdoEntry> {
    match target {
        Target::Automatic { pdo } => entries(slave, direction).iter().find(|entry| entry.name == *pdo).cloned(),
        Target::Manual { index, subindex, bit_length, data_type } => Some(PdoEntry {
            name: String::new(),
            index: *index,
            subindex: *subindex,
            bit_length: *bit_length,
            data_type: *data_type,
        }),
    }
}
