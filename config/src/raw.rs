//! The file as written, as flat records, so that every type error keeps its path and line; and how a `Rig` is made of
//! them.
//!
//! What a key means depends on the `type` beside it. A tagged enum would lose paths and lines inside of it, so the
//! records here hold every key as optional, and `into_rig` says which are missing or out of place, all at once.

use crate::engine::Engine;
use crate::error::Problem;
use crate::number;
use crate::place::Place;
use crate::rig::{Network, Rig, Slave};
use crate::safe::SafeValue;
use crate::task::{
    AfterOutage, ReadChannel, ReadConfig, ReadTask, ScanTask, Sink, Source, Target, Task, WriteChannel, WriteConfig,
    WriteTask,
};
use crate::waveform::Waveform;
use serde::Deserialize;
use zerocat_pdi::DataType;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRig {
    network: Network,
    #[serde(default)]
    slaves: Vec<Slave>,
    #[serde(default)]
    tasks: Vec<RawTask>,
    #[serde(default)]
    engine: Engine,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTask {
    #[serde(rename = "type")]
    kind: TaskKind,
    name: String,
    config: Option<RawConfig>,
    source: Option<Source>,
    after_outage: Option<AfterOutage>,
    sink: Option<Sink>,
}

#[derive(Deserialize, Clone, Copy)]
enum TaskKind {
    #[serde(rename = "ethercat_read")]
    Read,
    #[serde(rename = "ethercat_write")]
    Write,
    #[serde(rename = "ethercat_scan")]
    Scan,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    device: String,
    sample_rate: Option<f64>,
    stream_rate: Option<f64>,
    state_rate: Option<f64>,
    data_saving: Option<bool>,
    channels: Vec<RawChannel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChannel {
    device: String,
    #[serde(rename = "type")]
    kind: ChannelKind,
    pdo: Option<String>,
    #[serde(default, deserialize_with = "number::optional")]
    index: Option<u16>,
    #[serde(default, deserialize_with = "number::optional", alias = "sub_index", alias = "subIndex")]
    subindex: Option<u8>,
    #[serde(default, deserialize_with = "number::optional")]
    pdo_index: Option<u16>,
    #[serde(default, deserialize_with = "number::optional")]
    pdo_nth: Option<u16>,
    #[serde(default, deserialize_with = "number::optional")]
    nth: Option<u16>,
    #[serde(default, deserialize_with = "number::optional")]
    bit: Option<u8>,
    #[serde(default, deserialize_with = "number::optional")]
    bit_length: Option<u8>,
    data_type: Option<DataType>,
    #[serde(default, deserialize_with = "number::optional", alias = "synnax_channel")]
    channel: Option<u32>,
    #[serde(default, deserialize_with = "number::optional")]
    cmd_channel: Option<u32>,
    #[serde(default, deserialize_with = "number::optional")]
    state_channel: Option<u32>,
    enabled: Option<bool>,
    waveform: Option<Waveform>,
    safe: Option<SafeValue>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum ChannelKind {
    Automatic,
    Manual,
}

impl RawRig {
    /// The rig, or every key that is missing or out of place.
    pub(crate) fn into_rig(self) -> Result<Rig, Vec<Problem>> {
        let mut shape = Shape::default();
        let tasks = self.tasks.into_iter().enumerate().filter_map(|(i, task)| shape.task(task, &format!("tasks[{i}]")));
        let tasks: Vec<Task> = tasks.collect();
        if shape.problems.is_empty() {
            Ok(Rig { network: self.network, slaves: self.slaves, tasks, engine: self.engine })
        } else {
            Err(shape.problems)
        }
    }
}

/// Collects what is missing or out of place while records become tasks.
#[derive(Default)]
struct Shape {
    problems: Vec<Problem>,
}

impl Shape {
    fn task(&mut self, raw: RawTask, at: &str) -> Option<Task> {
        match raw.kind {
            TaskKind::Read => self.read(raw, at).map(Task::Read),
            TaskKind::Write => self.write(raw, at).map(Task::Write),
            TaskKind::Scan => self.scan(raw, at).map(Task::Scan),
        }
    }

    fn read(&mut self, raw: RawTask, at: &str) -> Option<ReadTask> {
        let kind = "an ethercat_read task";
        self.foreign(raw.source.is_some(), at, "source", kind);
        self.foreign(raw.after_outage.is_some(), at, "after_outage", kind);
        let config = self.needed(raw.config, at, "config", kind)?;
        let at = format!("{at}.config");
        self.foreign(config.state_rate.is_some(), &at, "state_rate", kind);
        let sample_rate = self.needed(config.sample_rate, &at, "sample_rate", kind);
        let stream_rate = self.needed(config.stream_rate, &at, "stream_rate", kind);
        let channels = enumerate(config.channels, &at).filter_map(|(at, raw)| self.read_channel(raw, &at)).collect();
        let (sample_rate, stream_rate) = (sample_rate?, stream_rate?);
        let data_saving = config.data_saving.unwrap_or(true);
        let config = ReadConfig { device: config.device, sample_rate, stream_rate, data_saving, channels };
        Some(ReadTask { name: raw.name, config, sink: raw.sink })
    }

    fn write(&mut self, raw: RawTask, at: &str) -> Option<WriteTask> {
        let kind = "an ethercat_write task";
        let config = self.needed(raw.config, at, "config", kind)?;
        let at = format!("{at}.config");
        self.foreign(config.sample_rate.is_some(), &at, "sample_rate", kind);
        self.foreign(config.stream_rate.is_some(), &at, "stream_rate", kind);
        let state_rate = self.needed(config.state_rate, &at, "state_rate", kind);
        let channels = enumerate(config.channels, &at).filter_map(|(at, raw)| self.write_channel(raw, &at)).collect();
        let data_saving = config.data_saving.unwrap_or(true);
        let config = WriteConfig { device: config.device, state_rate: state_rate?, data_saving, channels };
        let (source, after_outage) = (raw.source.unwrap_or_default(), raw.after_outage.unwrap_or_default());
        Some(WriteTask { name: raw.name, config, source, after_outage, sink: raw.sink })
    }

    fn scan(&mut self, raw: RawTask, at: &str) -> Option<ScanTask> {
        let kind = "an ethercat_scan task";
        self.foreign(raw.config.is_some(), at, "config", kind);
        self.foreign(raw.source.is_some(), at, "source", kind);
        self.foreign(raw.after_outage.is_some(), at, "after_outage", kind);
        self.foreign(raw.sink.is_some(), at, "sink", kind);
        Some(ScanTask { name: raw.name })
    }

    fn read_channel(&mut self, mut raw: RawChannel, at: &str) -> Option<ReadChannel> {
        let kind = "a channel of an ethercat_read task";
        self.foreign(raw.cmd_channel.is_some(), at, "cmd_channel", kind);
        self.foreign(raw.state_channel.is_some(), at, "state_channel", kind);
        self.foreign(raw.waveform.is_some(), at, "waveform", kind);
        self.foreign(raw.safe.is_some(), at, "safe", kind);
        let target = self.target(&mut raw, at);
        let channel = self.needed(raw.channel, at, "channel", kind);
        let enabled = raw.enabled.unwrap_or(true);
        Some(ReadChannel { device: raw.device, target: target?, bit: raw.bit, channel: channel?, enabled })
    }

    fn write_channel(&mut self, mut raw: RawChannel, at: &str) -> Option<WriteChannel> {
        let kind = "a channel of an ethercat_write task";
        if raw.channel.is_some() && raw.cmd_channel.is_some() {
            let what = "both `channel` and its alias `cmd_channel` are given";
            self.problems.push(Problem::new(format!("{at}.cmd_channel"), what, "keep `channel`"));
        }
        let target = self.target(&mut raw, at);
        let channel = self.needed(raw.channel.or(raw.cmd_channel), at, "channel", kind);
        let (enabled, state_channel, safe) = (raw.enabled.unwrap_or(true), raw.state_channel, raw.safe);
        let (device, bit, waveform) = (raw.device, raw.bit, raw.waveform);
        Some(WriteChannel { device, target: target?, bit, channel: channel?, state_channel, enabled, safe, waveform })
    }

    fn target(&mut self, raw: &mut RawChannel, at: &str) -> Option<Target> {
        match raw.kind {
            ChannelKind::Automatic => self.automatic(raw, at),
            ChannelKind::Manual => self.manual(raw, at),
        }
    }

    fn automatic(&mut self, raw: &mut RawChannel, at: &str) -> Option<Target> {
        let kind = "an automatic channel";
        self.foreign(raw.index.is_some(), at, "index", kind);
        self.foreign(raw.subindex.is_some(), at, "subindex", kind);
        self.foreign(raw.pdo_index.is_some(), at, "pdo_index", kind);
        self.foreign(raw.pdo_nth.is_some(), at, "pdo_nth", kind);
        self.foreign(raw.nth.is_some(), at, "nth", kind);
        self.foreign(raw.bit_length.is_some(), at, "bit_length", kind);
        self.foreign(raw.data_type.is_some(), at, "data_type", kind);
        let pdo = self.needed(raw.pdo.take(), at, "pdo", kind)?;
        Some(Target::Automatic { pdo })
    }

    fn manual(&mut self, raw: &RawChannel, at: &str) -> Option<Target> {
        let kind = "a manual channel";
        self.foreign(raw.pdo.is_some(), at, "pdo", kind);
        let index = self.needed(raw.index, at, "index", kind);
        let subindex = self.needed(raw.subindex, at, "subindex", kind);
        let bit_length = self.needed(raw.bit_length, at, "bit_length", kind);
        let data_type = self.needed(raw.data_type, at, "data_type", kind);
        let place = Place { pdo_index: raw.pdo_index, pdo_nth: raw.pdo_nth, nth: raw.nth };
        let (index, subindex, bit_length, data_type) = (index?, subindex?, bit_length?, data_type?);
        Some(Target::Manual { index, subindex, place, bit_length, data_type })
    }

    fn needed<T>(&mut self, value: Option<T>, at: &str, key: &str, kind: &str) -> Option<T> {
        if value.is_none() {
            self.problems.push(Problem::new(format!("{at}.{key}"), "it is missing", format!("{kind} needs it")));
        }
        value
    }

    fn foreign(&mut self, there: bool, at: &str, key: &str, kind: &str) {
        if there {
            let what = format!("{kind} does not take this key");
            self.problems.push(Problem::new(format!("{at}.{key}"), what, "remove it, or change the `type`"));
        }
    }
}

fn enumerate(channels: Vec<RawChannel>, at: &str) -> impl Iterator<Item = (String, RawChannel)> {
    channels.into_iter().enumerate().map(move |(i, raw)| (format!("{at}.channels[{i}]"), raw))
}
