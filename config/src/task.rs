//! Tasks: what to read, what to write, how often, and where it goes.

use crate::number;
use crate::place::Place;
use crate::safe::SafeValue;
use crate::waveform::Waveform;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zerocat_pdi::DataType;

/// One task.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
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
}

/// A read task.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ReadTask {
    /// Name, unique among the tasks.
    pub name: String,
    /// What it reads and how often.
    pub config: ReadConfig,
    /// Where batches go; null only counts them and shows them to observers.
    #[schemars(default)]
    pub sink: Option<Sink>,
}

/// What a read task reads and how often.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ReadConfig {
    /// Key of the network.
    pub device: String,
    /// Samples per second, in Hz.
    pub sample_rate: f64,
    /// Batches per second, in Hz.
    pub stream_rate: f64,
    /// Whether batches are written to the sink.
    #[schemars(default = "yes")]
    pub data_saving: bool,
    /// Channels, in the order in which they are delivered.
    pub channels: Vec<ReadChannel>,
}

/// A channel of a read task.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ReadChannel {
    /// Key of the slave.
    pub device: String,
    /// The entry that it reads.
    #[serde(flatten)]
    pub target: Target,
    /// The bit of that entry that it reads, 0 for the least significant one; null reads all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bit: Option<u8>,
    /// Channel number.
    #[schemars(schema_with = "number::schema_u32")]
    pub channel: u32,
    /// Whether it is sampled.
    #[schemars(default = "yes")]
    pub enabled: bool,
}

/// A write task.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct WriteTask {
    /// Name, unique among the tasks.
    pub name: String,
    /// What it writes.
    pub config: WriteConfig,
    /// Where commands come from.
    #[schemars(default)]
    pub source: Source,
    /// What its outputs do when the network is back after an outage.
    #[schemars(default)]
    pub after_outage: AfterOutage,
    /// Where state feedback goes; null only counts it and shows it to observers.
    #[schemars(default)]
    pub sink: Option<Sink>,
}

/// What a write task writes.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct WriteConfig {
    /// Key of the network.
    pub device: String,
    /// State feedback per second, in Hz.
    pub state_rate: f64,
    /// Whether state feedback is written to the sink.
    #[schemars(default = "yes")]
    pub data_saving: bool,
    /// Channels.
    pub channels: Vec<WriteChannel>,
}

/// A channel of a write task.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct WriteChannel {
    /// Key of the slave.
    pub device: String,
    /// The entry that it writes.
    #[serde(flatten)]
    pub target: Target,
    /// The bit of that entry that it writes, 0 for the least significant one; null writes all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bit: Option<u8>,
    /// Channel number that commands are taken from.
    #[schemars(schema_with = "number::schema_u32")]
    pub channel: u32,
    /// Channel number that the value really sent is reported under; null reports nothing.
    #[schemars(default)]
    pub state_channel: Option<u32>,
    /// Whether it takes commands.
    #[schemars(default = "yes")]
    pub enabled: bool,
    /// What the output is while outputs are safe; null leaves it to `engine.safe_outputs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safe: Option<SafeValue>,
    /// Waveform that it plays when the task's source is `waveform`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waveform: Option<Waveform>,
}

/// Which entry of a slave a channel refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
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
        #[schemars(schema_with = "number::schema_u16")]
        index: u16,
        /// Subindex.
        #[schemars(schema_with = "number::schema_u8")]
        subindex: u8,
        /// Which entry of that index and subindex, where the SubDevice maps several.
        #[serde(flatten)]
        place: Place,
        /// Length in bits.
        #[schemars(range(min = 1, max = 255))]
        bit_length: u8,
        /// Data type.
        data_type: DataType,
    },
}

/// A scan task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ScanTask {
    /// Name, unique among the tasks.
    pub name: String,
}

/// Where a task's data goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sink {
    /// JSON lines to a file, or to standard output for `-`.
    Jsonl(String),
}

/// Where a write task's commands come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// JSON lines on standard input.
    #[default]
    Stdin,
    /// The channels' waveforms.
    Waveform,
}

/// What the outputs of a write task do when the network is back after an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AfterOutage {
    /// They stay safe until a command comes that was given after the outage.
    #[default]
    Acknowledge,
    /// They go on: the last commands are sent again, waveforms begin again.
    Resume,
}

fn yes() -> bool {
    true
}
