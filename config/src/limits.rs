//! What a run is judged by: the most that may happen in it.

use crate::duration;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Limits of a run; null is none. A run that breaks one ends with exit code 10.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Most cycles that may lose a frame.
    pub lost_cycles: Option<u64>,
    /// Most ticks of the grid that may be missed.
    pub skipped_ticks: Option<u64>,
    /// Most times that the network may be lost as a whole.
    pub outages: Option<u64>,
    /// Most times that a SubDevice may leave OP by itself.
    pub left_op: Option<u64>,
    /// Most datagrams with another working counter than expected.
    pub working_counter_faults: Option<u64>,
    /// Most commands that may be refused.
    pub refused_commands: Option<u64>,
    /// From the posting of a cycle's first frame to the return of its last.
    pub round_trip: Percentiles,
    /// From the tick to the wake-up.
    pub wakeup: Percentiles,
    /// Most faults of a kind, by its name (`zerocat faults`).
    pub faults: BTreeMap<String, u64>,
}

/// Longest times by percentile; null is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Percentiles {
    /// Of half of the cycles.
    #[serde(with = "duration::optional")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub p50: Option<Duration>,
    /// Of 99 % of the cycles.
    #[serde(with = "duration::optional")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub p99: Option<Duration>,
    /// Of 99.9 % of the cycles.
    #[serde(with = "duration::optional")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub p999: Option<Duration>,
    /// Of all cycles.
    #[serde(with = "duration::optional")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub max: Option<Duration>,
}

impl Limits {
    /// Whether there is none.
    pub(crate) fn are_none(&self) -> bool {
        *self == Self::default()
    }
}
