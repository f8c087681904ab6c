//! Tasks as written.

use super::Shape;
use super::channel::RawChannel;
use crate::rates::multiple;
use crate::rig::{Network, Slave};
use crate::sink::Sinks;
use crate::source::Source;
use crate::task::{AfterOutage, ReadConfig, ReadTask, ScanTask, Task, WriteConfig, WriteTask};
use serde::Deserialize;

/// Batches and states per second where the file says nothing and the rate divides, in Hz.
const OFTEN: f64 = 10.0;

/// What a task may refer to.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) network: &'a Network,
    pub(super) slaves: &'a [Slave],
}

/// A task.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "Task"))]
pub(super) struct RawTask {
    /// What it does.
    #[serde(rename = "type")]
    kind: TaskKind,
    /// Name, unique among the tasks.
    name: String,
    /// What it reads or writes, as the specification has it; the keys may stand one level up.
    config: Option<RawConfig>,
    /// Key of the network; it may be left out.
    device: Option<String>,
    /// Samples per second, in Hz; only `ethercat_read`.
    sample_rate: Option<f64>,
    /// Batches per second, in Hz; only `ethercat_read`; 10 by default where the sample rate is a multiple of it.
    stream_rate: Option<f64>,
    /// State feedback per second, in Hz; only `ethercat_write`; 10 by default where the network's rate is a multiple of it.
    state_rate: Option<f64>,
    /// Whether data is written to the sinks; true by default.
    data_saving: Option<bool>,
    /// Channels, in the order in which they are delivered.
    channels: Option<Vec<RawChannel>>,
    /// Where commands come from; only `ethercat_write`.
    source: Option<Source>,
    /// What its outputs do when the network is back after an outage; only `ethercat_write`.
    after_outage: Option<AfterOutage>,
    /// Where data goes: one sink or a list.
    sink: Option<Sinks>,
}

#[derive(Deserialize, Clone, Copy)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
enum TaskKind {
    /// Inputs (TxPDO) to sinks.
    #[serde(rename = "ethercat_read")]
    Read,
    /// A source to outputs (RxPDO), with state feedback to sinks.
    #[serde(rename = "ethercat_write")]
    Write,
    /// Discovery. A run ignores it with a warning.
    #[serde(rename = "ethercat_scan")]
    Scan,
}

/// What a task reads or writes.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "TaskConfig"))]
struct RawConfig {
    /// Key of the network; it may be left out.
    device: Option<String>,
    /// Samples per second, in Hz; only `ethercat_read`.
    sample_rate: Option<f64>,
    /// Batches per second, in Hz; only `ethercat_read`.
    stream_rate: Option<f64>,
    /// State feedback per second, in Hz; only `ethercat_write`.
    state_rate: Option<f64>,
    /// Whether data is written to the sinks; true by default.
    data_saving: Option<bool>,
    /// Channels, in the order in which they are delivered.
    channels: Option<Vec<RawChannel>>,
}

/// The keys of `config`, from wherever they stand.
struct Config {
    device: String,
    sample_rate: Option<f64>,
    stream_rate: Option<f64>,
    state_rate: Option<f64>,
    data_saving: bool,
    channels: Vec<RawChannel>,
    flat: bool,
    at: String,
}

impl Shape {
    pub(super) fn task(&mut self, raw: RawTask, at: &str, context: Context<'_>) -> Task {
        match raw.kind {
            TaskKind::Read => Task::Read(self.read(raw, at, context)),
            TaskKind::Write => Task::Write(self.write(raw, at, context)),
            TaskKind::Scan => Task::Scan(self.scan(raw, at)),
        }
    }

    fn config(&mut self, raw: &mut RawTask, at: &str, kind: &str, context: Context<'_>) -> Config {
        let flat = raw.config.is_none();
        let nested = raw.config.take().unwrap_or_default();
        let level = "config";
        let device = self.either(nested.device, raw.device.take(), at, level, "device");
        let sample_rate = self.either(nested.sample_rate, raw.sample_rate, at, level, "sample_rate");
        let stream_rate = self.either(nested.stream_rate, raw.stream_rate, at, level, "stream_rate");
        let state_rate = self.either(nested.state_rate, raw.state_rate, at, level, "state_rate");
        let data_saving = self.either(nested.data_saving, raw.data_saving, at, level, "data_saving");
        let channels = self.either(nested.channels, raw.channels.take(), at, level, "channels");
        let at = if flat { at.to_owned() } else { format!("{at}.{level}") };
        let channels = self.needed(channels, &at, "channels", kind).unwrap_or_default();
        let device = device.unwrap_or_else(|| context.network.key.clone());
        let data_saving = data_saving.unwrap_or(true);
        Config { device, sample_rate, stream_rate, state_rate, data_saving, channels, flat, at }
    }

    fn read(&mut self, mut raw: RawTask, at: &str, context: Context<'_>) -> ReadTask {
        let kind = "an ethercat_read task";
        self.foreign(raw.source.is_some(), at, "source", kind);
        self.foreign(raw.after_outage.is_some(), at, "after_outage", kind);
        let config = self.config(&mut raw, at, kind, context);
        self.foreign(config.state_rate.is_some(), &config.at, "state_rate", kind);
        let sample_rate = self.needed(config.sample_rate, &config.at, "sample_rate", kind);
        let each = enumerate(config.channels, &config.at);
        let channels = each.map(|(at, raw)| self.read_channel(raw, &at, context.slaves)).collect();
        // One that no other rate contradicts where it is missing.
        let sample_rate = sample_rate.or(config.stream_rate).unwrap_or(context.network.properties.rate);
        let stream_rate = config.stream_rate.unwrap_or_else(|| often(sample_rate));
        let (device, data_saving, flat) = (config.device, config.data_saving, config.flat);
        let config = ReadConfig { device, sample_rate, stream_rate, data_saving, channels, flat };
        ReadTask { name: raw.name, config, sinks: raw.sink.unwrap_or_default().0 }
    }

    fn write(&mut self, mut raw: RawTask, at: &str, context: Context<'_>) -> WriteTask {
        let kind = "an ethercat_write task";
        let config = self.config(&mut raw, at, kind, context);
        self.foreign(config.sample_rate.is_some(), &config.at, "sample_rate", kind);
        self.foreign(config.stream_rate.is_some(), &config.at, "stream_rate", kind);
        let state_rate = config.state_rate.unwrap_or_else(|| often(context.network.properties.rate));
        let each = enumerate(config.channels, &config.at);
        let channels = each.map(|(at, raw)| self.write_channel(raw, &at, context.slaves)).collect();
        let (device, data_saving, flat) = (config.device, config.data_saving, config.flat);
        let config = WriteConfig { device, state_rate, data_saving, channels, flat };
        let (source, after_outage) = (raw.source.unwrap_or_default(), raw.after_outage.unwrap_or_default());
        WriteTask { name: raw.name, config, source, after_outage, sinks: raw.sink.unwrap_or_default().0 }
    }

    fn scan(&mut self, raw: RawTask, at: &str) -> ScanTask {
        let kind = "an ethercat_scan task";
        let foreign = [
            ("config", raw.config.is_some()),
            ("device", raw.device.is_some()),
            ("sample_rate", raw.sample_rate.is_some()),
            ("stream_rate", raw.stream_rate.is_some()),
            ("state_rate", raw.state_rate.is_some()),
            ("data_saving", raw.data_saving.is_some()),
            ("channels", raw.channels.is_some()),
            ("source", raw.source.is_some()),
            ("after_outage", raw.after_outage.is_some()),
            ("sink", raw.sink.is_some()),
        ];
        foreign.into_iter().for_each(|(key, there)| self.foreign(there, at, key, kind));
        ScanTask { name: raw.name }
    }
}

/// Ten times a second where a rate is a multiple of it, else as often as it.
fn often(rate: f64) -> f64 {
    if multiple(rate, OFTEN).is_some() { OFTEN } else { rate }
}

fn enumerate(channels: Vec<RawChannel>, at: &str) -> impl Iterator<Item = (String, RawChannel)> {
    channels.into_iter().enumerate().map(move |(i, raw)| (format!("{at}.channels[{i}]"), raw))
}
