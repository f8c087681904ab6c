//! The JSON schema of the lines of a sink, which the code that writes them is held against by a test.

#![expect(dead_code, reason = "these types stand for what is written, and are never made")]

use crate::batch::Kind;
use crate::header::ChannelHeader;
use std::collections::BTreeMap;
use zerocat_config::By;

/// One line of a JSON-lines sink (`zerocat-lines/1`). Keys may be added within a version.
#[derive(schemars::JsonSchema)]
#[schemars(tag = "kind", rename_all = "lowercase", title = "zerocat line")]
pub(crate) enum AnyLine {
    /// What the lines of a task hold: the first line of it in each run, and what is in the file beside a CSV.
    Channels(Channels),
    /// Inputs of a read task.
    Samples(Values),
    /// Outputs of a write task, as they were sent.
    State(Values),
}

/// What the lines of a task hold.
#[derive(schemars::JsonSchema)]
pub(crate) struct Channels {
    /// Name of the task.
    task: String,
    /// Always `zerocat-lines/1`.
    schema: String,
    /// Kind of the lines that follow.
    of: Kind,
    /// What lines know channels by.
    by: By,
    /// Samples per second, in Hz.
    rate_hz: f64,
    /// The channels in them, in the order of the rig file.
    channels: Vec<ChannelHeader>,
}

/// Some samples.
#[derive(schemars::JsonSchema)]
pub(crate) struct Values {
    /// Name of the task.
    task: String,
    /// Ticks of the samples, in nanoseconds since 1970-01-01 UTC by the wall clock at the start of the run. Never falling.
    index: Vec<u64>,
    /// For each channel that isn't oversampled, by name or by number, one value for each timestamp.
    channels: BTreeMap<String, Vec<OneValue>>,
    /// Positions in `index` of samples that hold older bytes, because a SubDevice took no part in their cycle.
    stale: Vec<usize>,
    /// For each channel that has values older than their cycle, by name or by number, their positions in `index`.
    stale_channels: BTreeMap<String, Vec<usize>>,
    /// Samples that are missing since the line before.
    missing: u64,
    /// True times of the samples, in nanoseconds since 1970-01-01 UTC; rising within a base of time.
    utc: Vec<u64>,
    /// Times of the network's reference clock, in nanoseconds; `null` for a sample without one. Not there without such a clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dc_time: Option<Vec<Option<u64>>>,
    /// Number of the base of time that `utc` and `dc_time` are of: 1 in the beginning, and one more whenever a clock was stepped.
    time_base: u32,
    /// Channels whose SubDevice takes several samples in a cycle. Not there where the task has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    oversampled: Option<Oversampled>,
}

/// Channels with several samples in a cycle.
#[derive(schemars::JsonSchema)]
pub(crate) struct Oversampled {
    /// Samples in a cycle.
    samples: u16,
    /// True times of the samples, in nanoseconds since 1970-01-01 UTC: evenly spread over the cycle, the last of each cycle at that
    /// cycle's `utc`.
    utc: Vec<u64>,
    /// For each channel, by name or by number, one value for each time.
    channels: BTreeMap<String, Vec<OneValue>>,
}

#[derive(schemars::JsonSchema)]
#[schemars(untagged)]
pub(crate) enum OneValue {
    /// A number; 0 or 1 of a `bool`; `null` for a float that is none.
    Number(Option<f64>),
    /// Of `bytes`: hexadecimal, two digits a byte.
    Bytes(String),
}

/// JSON schema (draft 2020-12) of one line of a JSON-lines sink.
#[must_use]
pub fn lines_schema() -> schemars::Schema {
    schemars::schema_for!(AnyLine)
}
