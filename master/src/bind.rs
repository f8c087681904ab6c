//! From a task's channels to places in the process image of the bus that was found.

use std::collections::BTreeMap;
use std::fmt;
use zerocat_config::{ResolvedChannel, Rig, Task};
use zerocat_pdi::{BitSpan, Direction, Plan, SubDevicePlan};
use zerocat_tasks::Placed;

/// A channel that has no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("channel {channel} of task `{task}`: {why}")]
pub struct BindError {
    /// Name of the task.
    pub task: String,
    /// Number of the channel.
    pub channel: u32,
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
        /// What it maps in that direction.
        mapped: Vec<(u16, u8)>,
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
}

impl fmt::Display for Unbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { slave } => write!(f, "slave `{slave}` is not on the bus"),
            Self::NotMapped { slave, index, subindex, mapped } => {
                write!(f, "slave `{slave}` does not map {index:#06x}:{subindex:02x}; it maps")?;
                if mapped.is_empty() {
                    return f.write_str(" nothing in that direction");
                }
                mapped.iter().try_for_each(|(index, subindex)| write!(f, " {index:#06x}:{subindex:02x}"))
            }
            Self::Length { slave, configured, mapped } => {
                write!(f, "slave `{slave}` maps the entry with {mapped} bits, the rig file says {configured}")
            }
        }
    }
}

/// Where on the bus each slave of the rig file is: key to position.
pub type Positions = BTreeMap<String, u16>;

/// Finds the places of a task's enabled channels, in the order of the file.
///
/// # Errors
/// The first channel that has none.
pub fn bind(rig: &Rig, task: &Task, plan: &Plan, positions: &Positions) -> Result<Vec<Placed>, BindError> {
    let bound = |channel: ResolvedChannel| match place(&channel, plan, positions) {
        Ok(span) => Ok(Placed { channel, span }),
        Err(why) => Err(BindError { task: task.name().to_owned(), channel: channel.channel, why }),
    };
    rig.channels_of(task).into_iter().map(bound).collect()
}

fn place(channel: &ResolvedChannel, plan: &Plan, positions: &Positions) -> Result<BitSpan, Unbound> {
    let slave = channel.slave.clone();
    let subdevice = positions
        .get(&channel.slave)
        .and_then(|position| plan.subdevices.iter().find(|subdevice| subdevice.position == *position))
        .ok_or_else(|| Unbound::NotFound { slave: slave.clone() })?;
    let entry = subdevice.entries.iter().find(|entry| {
        (entry.direction, entry.index, entry.subindex) == (channel.direction, channel.index, channel.subindex)
    });
    match entry {
        Some(entry) if entry.span.len == channel.bit_length => Ok(entry.span),
        Some(entry) => Err(Unbound::Length { slave, configured: channel.bit_length, mapped: entry.span.len }),
        None => Err(Unbound::NotMapped {
            slave,
            index: channel.index,
            subindex: channel.subindex,
            mapped: mapped(subdevice, channel.direction),
        }),
    }
}

fn mapped(subdevice: &SubDevicePlan, direction: Direction) -> Vec<(u16, u8)> {
    let same = subdevice.entries.iter().filter(|entry| entry.direction == direction);
    same.map(|entry| (entry.index, entry.subindex)).collect()
}
