//! How process data is exchanged: keys of the `engine` section that change frames, not when they are sent.

use serde::{Deserialize, Serialize};

/// Whether the inputs of a SubDevice may lie at the logical addresses of its outputs, which shortens its part of the
/// frame to the longer of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// Never.
    #[default]
    Off,
    /// Where the type of the ESC is known to allow it.
    Auto,
    /// Wherever LRW is used.
    On,
}

/// SubDevices that are exchanged together, on every n-th cycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SyncUnitSection {
    /// Name, for people and reports.
    pub name: String,
    /// Exchanged on every n-th cycle, 1 to 65535.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub every: u16,
    /// Which of the n cycles, from 0; null takes the one on which the other units send least.
    #[serde(default)]
    pub phase: Option<u16>,
    /// Keys of its slaves.
    pub slaves: Vec<String>,
}
