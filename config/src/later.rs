//! Keys whose places are settled and whose meaning comes with a later version. They are checked in form, and a rig that
//! gives one is refused in words.

use crate::duration;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Watchdogs of a SubDevice, in place of `engine.watchdog`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Watchdogs {
    /// Of the sync managers (register 0x0420).
    #[serde(with = "duration::optional")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub process_data: Option<Duration>,
    /// Of the process data interface (register 0x0410).
    #[serde(with = "duration::optional")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub pdi: Option<Duration>,
}

/// All of them of one SubDevice.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Later {
    /// Explicit device identification (register 0x0134).
    pub device_id: Option<u16>,
    /// It may be missing.
    pub optional: bool,
    /// Its watchdogs.
    pub watchdog: Option<Watchdogs>,
}

impl Later {
    /// The keys that are given.
    pub(crate) fn given(&self) -> impl Iterator<Item = &'static str> {
        let keys = [
            ("device_id", self.device_id.is_some()),
            ("optional", self.optional),
            ("watchdog", self.watchdog.is_some()),
        ];
        keys.into_iter().filter(|(_, given)| *given).map(|(key, _)| key)
    }
}
