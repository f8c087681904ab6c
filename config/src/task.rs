//! Tasks: what to read, what to write, how often, and where it goes.

use crate::names::sanitised;
use crate::place::Place;
use crate::safe::OutputValue;
use crate::sink::Sink;
use crate::source::Source;
use crate::waveform::Waveform;
use serde::{Deserialize, Serialize};
use zerocat_pdi::DataType;

/// One task.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type")]
pub enum Task {
    /// Inputs (TxPDO) to a sink.
    #[serde(rename = "ethercat_read")]
    Read(ReadTask),
    /// A source to outputs (RxPDO), with state feedback to a sink.
    #[serde(rename = "ethercat_write")]
    Write(WriteTask),
    /// Discovery. A run ignores it with a warning.
    #[serde(rename = "ethercat_scan")]
    Scan(ScanTask),
}

impl Task {
    /// Name of the task.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Read(task) => &task.name,
            Self::Write(task) => &task.name,
            Self::Scan(task) => &task.name,
        }
    }

    /// Whether it has channels and none of them is enabled: a run leaves it out.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let channels = self.channels();
        !channels.is_empty() && channels.iter().all(|channel| !channel.enabled)
    }

    /// Path of the level that has its rates and channels, of the task at a place in the list.
    pub(crate) fn level(&self, i: usize) -> String {
        let flat = match self {
            Self::Read(task) => task.config.flat,
            Self::Write(task) => task.config.flat,
            Self::Scan(_) => true,
        };
        if flat { format!("tasks[{i}]") } else { format!("tasks[{i}].config") }
    }

    /// Where its data goes, also where it isn't to be saved.
    #[must_use]
    pub fn sinks(&self) -> &[Sink] {
        match self {
            Self::Read(task) => &task.sinks,
            Self::Write(task) => &task.sinks,
            Self::Scan(_) => &[],
        }
    }

    pub(crate) fn sinks_mut(&mut self) -> &mut [Sink] {
        match self {
            Self::Read(task) => &mut task.sinks,
            Self::Write(task) => &mut task.sinks,
            Self::Scan(_) => &mut [],
        }
    }
}

/// A read task.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReadTask {
    /// Name, unique among the tasks.
    pub name: String,
    /// What it reads and how often.
    pub config: ReadConfig,
    /// Where batches go; none only counts them and shows them to observers.
    #[serde(rename = "sink", skip_serializing_if = "Vec::is_empty")]
    pub sinks: Vec<Sink>,
}

/// What a read task reads and how often.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReadConfig {
    /// Key of the network.
    pub device: String,
    /// Samples per second, in Hz.
    pub sample_rate: f64,
    /// Batches per second, in Hz.
    pub stream_rate: f64,
    /// Whether batches are written to the sink.
    pub data_saving: bool,
    /// Channels, in the order in which they are delivered.
    pub channels: Vec<ReadChannel>,
    /// Whether the file has these keys one level up, which paths in messages follow.
    #[serde(skip)]
    pub flat: bool,
}

/// A channel of a read task.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReadChannel {
    /// Key of the slave.
    pub device: String,
    /// The entry that it reads.
    #[serde(flatten)]
    pub target: Target,
    /// The bit of that entry that it reads, 0 for the least significant one; null reads all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bit: Option<u8>,
    /// Channel number; one that the file doesn't use, where it gives none.
    pub channel: u32,
    /// Whether the file gives the number.
    #[serde(skip)]
    pub numbered: bool,
    /// Name, unique but for the same entry in several read tasks.
    pub name: String,
    /// Unit of its values, for people and headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Whether it is sampled.
    pub enabled: bool,
    /// Samples that the SubDevice takes of it in a cycle: the entry and those behind it. 1 for an ordinary entry.
    #[serde(skip_serializing_if = "is_one")]
    pub samples: u16,
}

fn is_one(samples: &u16) -> bool {
    *samples == 1
}

impl ReadChannel {
    /// A channel of an entry of a slave, by name, with its default name.
    #[must_use]
    pub fn of(device: &str, pdo: &str, channel: u32) -> Self {
        Self {
            device: device.to_owned(),
            target: Target::Automatic { pdo: pdo.to_owned() },
            bit: None,
            channel,
            numbered: true,
            name: format!("{}_{}", sanitised(device), sanitised(pdo)),
            unit: None,
            enabled: true,
            samples: 1,
        }
    }
}

/// A write task.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WriteTask {
    /// Name, unique among the tasks.
    pub name: String,
    /// What it writes.
    pub config: WriteConfig,
    /// Where commands come from.
    pub source: Source,
    /// What its outputs do when the network is back after an outage.
    pub after_outage: AfterOutage,
    /// Where state feedback goes; none only counts it and shows it to observers.
    #[serde(rename = "sink", skip_serializing_if = "Vec::is_empty")]
    pub sinks: Vec<Sink>,
}

/// What a write task writes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WriteConfig {
    /// Key of the network.
    pub device: String,
    /// State feedback per second, in Hz.
    pub state_rate: f64,
    /// Whether state feedback is written to the sink.
    pub data_saving: bool,
    /// Channels.
    pub channels: Vec<WriteChannel>,
    /// Whether the file has these keys one level up, which paths in messages follow.
    #[serde(skip)]
    pub flat: bool,
}

/// A channel of a write task.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WriteChannel {
    /// Key of the slave.
    pub device: String,
    /// The entry that it writes.
    #[serde(flatten)]
    pub target: Target,
    /// The bit of that entry that it writes, 0 for the least significant one; null writes all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bit: Option<u8>,
    /// Channel number that commands are taken from; one that the file doesn't use, where it gives none.
    pub channel: u32,
    /// Whether the file gives the number.
    #[serde(skip)]
    pub numbered: bool,
    /// Name, unique.
    pub name: String,
    /// Unit of its values, for people and headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Channel number that the value really sent is reported under; null reports nothing.
    pub state_channel: Option<u32>,
    /// Whether it takes commands.
    pub enabled: bool,
    /// What the output is until it is commanded for the first time; null for what it is while outputs are safe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial: Option<OutputValue>,
    /// What the output is while outputs are safe; null leaves it to `engine.safe_outputs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safe: Option<OutputValue>,
    /// Waveform that it plays when the task's source is `waveform`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waveform: Option<Waveform>,
}

impl WriteChannel {
    /// A channel of an entry of a slave, by name, with its default name.
    #[must_use]
    pub fn of(device: &str, pdo: &str, channel: u32) -> Self {
        let ReadChannel { device, target, bit, channel, numbered, name, unit, enabled, .. } =
            ReadChannel::of(device, pdo, channel);
        let (state_channel, initial, safe, waveform) = (None, None, None, None);
        Self { device, target, bit, channel, numbered, name, unit, state_channel, enabled, initial, safe, waveform }
    }
}

/// Which entry of a slave a channel refers to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Target {
    /// An entry of the slave's `pdos`, by name.
    Automatic {
        /// Name of the entry.
        pdo: String,
    },
    /// An entry given here.
    Manual {
        /// Index in the object dictionary.
        index: u16,
        /// Subindex.
        subindex: u8,
        /// Which entry of that index and subindex, where the SubDevice maps several.
        #[serde(flatten)]
        place: Place,
        /// Length in bits.
        bit_length: u8,
        /// Data type.
        data_type: DataType,
    },
    /// An entry given here, whose length and type the bus says.
    #[serde(rename = "manual")]
    Untyped {
        /// Index in the object dictionary.
        index: u16,
        /// Subindex.
        subindex: u8,
        /// Which entry of that index and subindex, where the SubDevice maps several.
        #[serde(flatten)]
        place: Place,
    },
}

/// A scan task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScanTask {
    /// Name, unique among the tasks.
    pub name: String,
}

/// What the outputs of a write task do when the network is back after an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum AfterOutage {
    /// They stay safe until a command comes that was given after the outage.
    #[default]
    Acknowledge,
    /// They go on: the last commands are sent again, waveforms begin again.
    Resume,
}
