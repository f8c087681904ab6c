//! Watchdogs of a SubDevice, in place of that of all (`engine.watchdog`).

use crate::duration;
use crate::rig::{Rig, Slave};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Watchdogs of a SubDevice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Watchdogs {
    /// Of the sync managers (register 0x0420): how long outputs may stay away until it drops them; null for `engine.watchdog`.
    #[serde(with = "duration::optional", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub process_data: Option<Duration>,
    /// Of the process data interface (register 0x0410): how long its application may stay away from the ESC; `"0s"` is off, null
    /// leaves it as the SubDevice has it.
    #[serde(with = "duration::optional", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub pdi: Option<Duration>,
}

impl Slave {
    /// The watchdog over its outputs.
    #[must_use]
    pub fn output_watchdog(&self, rig: &Rig) -> Duration {
        self.watchdog.process_data.unwrap_or(rig.engine.watchdog)
    }
}

impl Rig {
    /// The shortest watchdog over outputs.
    #[must_use]
    pub fn shortest_watchdog(&self) -> Duration {
        let own = self.slaves.iter().filter_map(|slave| slave.watchdog.process_data);
        own.fold(self.engine.watchdog, Duration::min)
    }
}
