//! What a read channel and a write channel have in common, for whoever looks at the channels of any task.

use crate::task::{ReadChannel, Target, Task, WriteChannel};
use zerocat_pdi::Direction;

/// A channel of any task.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnyChannel<'a> {
    pub(crate) direction: Direction,
    pub(crate) device: &'a str,
    pub(crate) target: &'a Target,
    pub(crate) bit: Option<u8>,
    pub(crate) name: &'a str,
    pub(crate) unit: Option<&'a str>,
    pub(crate) channel: u32,
    pub(crate) numbered: bool,
    pub(crate) state_channel: Option<u32>,
    pub(crate) enabled: bool,
    /// Samples of a cycle; 1 for an ordinary entry.
    pub(crate) samples: u16,
}

/// What a channel refers to, as the file says it: two channels with equal ones are the same input or output.
pub(crate) type Meant<'a> = (Direction, &'a str, &'a Target, Option<u8>);

impl<'a> AnyChannel<'a> {
    /// What it refers to.
    pub(crate) const fn meant(&self) -> Meant<'a> {
        (self.direction, self.device, self.target, self.bit)
    }
}

impl Task {
    /// Its channels in the order of the file.
    pub(crate) fn channels(&self) -> Vec<AnyChannel<'_>> {
        match self {
            Self::Read(task) => task.config.channels.iter().map(AnyChannel::from).collect(),
            Self::Write(task) => task.config.channels.iter().map(AnyChannel::from).collect(),
            Self::Scan(_) => Vec::new(),
        }
    }
}

impl<'a> From<&'a ReadChannel> for AnyChannel<'a> {
    fn from(channel: &'a ReadChannel) -> Self {
        Self {
            direction: Direction::Input,
            device: &channel.device,
            target: &channel.target,
            bit: channel.bit,
            name: &channel.name,
            unit: channel.unit.as_deref(),
            channel: channel.channel,
            numbered: channel.numbered,
            state_channel: None,
            enabled: channel.enabled,
            samples: channel.samples,
        }
    }
}

impl<'a> From<&'a WriteChannel> for AnyChannel<'a> {
    fn from(channel: &'a WriteChannel) -> Self {
        Self {
            direction: Direction::Output,
            device: &channel.device,
            target: &channel.target,
            bit: channel.bit,
            name: &channel.name,
            unit: channel.unit.as_deref(),
            channel: channel.channel,
            numbered: channel.numbered,
            state_channel: channel.state_channel,
            enabled: channel.enabled,
            samples: 1,
        }
    }
}
