//! Time-outs of a SubDevice that takes longer than others.
//!
//! What is left out is the default of the ETG: 3 s to PRE-OP, 10 s to SAFE-OP and to OP, 5 s down to INIT (ETG.1020, 4), 2 s
//! for the answer to a mail, and 500 ms until a mail is taken.

use crate::duration;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a SubDevice may take. Each is 1 ms to 10 min.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// From INIT to PRE-OP; null for 3 s.
    #[serde(with = "duration::optional", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub preop: Option<Duration>,
    /// From PRE-OP to SAFE-OP; null for 10 s.
    #[serde(with = "duration::optional", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub safeop: Option<Duration>,
    /// From SAFE-OP to OP; null for 10 s.
    #[serde(with = "duration::optional", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub op: Option<Duration>,
    /// Answer to a mail; null for 2 s.
    #[serde(with = "duration::optional", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub mailbox: Option<Duration>,
    /// Until it takes a mail; null for 500 ms, or for `mailbox` where that is longer.
    #[serde(with = "duration::optional", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub mailbox_request: Option<Duration>,
}

impl Timeouts {
    /// Whether none is given.
    pub(crate) fn are_defaults(&self) -> bool {
        *self == Self::default()
    }

    /// Each with its key.
    #[must_use]
    pub const fn all(&self) -> [(&'static str, Option<Duration>); 5] {
        [
            ("preop", self.preop),
            ("safeop", self.safeop),
            ("op", self.op),
            ("mailbox", self.mailbox),
            ("mailbox_request", self.mailbox_request),
        ]
    }

    /// What they may add to the time of bring-up, all together.
    #[must_use]
    pub fn longer(&self) -> Duration {
        self.all().iter().filter_map(|(_, time)| *time).fold(Duration::ZERO, Duration::saturating_add)
    }
}
