//! How the mailbox of a SubDevice is used. How long is waited for it is in [`Timeouts`](crate::Timeouts).

use crate::duration;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What is looked at before a mailbox is read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MailboxStrategy {
    /// A mail is written only into a mailbox whose status says that it is empty, which is looked at three times, and read only where
    /// its status says that it is full.
    Strict,
    /// As `strict`, but a mail is written also where the mailbox seems full after three looks, for as long as a request may take, and
    /// every third look for an answer reads whatever the status says.
    #[default]
    Hybrid,
    /// The status isn't read: whether there was mail is seen when it is read.
    Poll,
}

/// How the mailbox of a SubDevice is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct MailboxSettings {
    /// What is looked at before it is read or written.
    pub strategy: MailboxStrategy,
    /// Times that a transfer is done again where that may help and does no harm: 0 to 20.
    pub retries: u8,
    /// Pause before the first of them, each further one twice as long up to 1 s: 0 s to 1 s.
    #[serde(with = "duration")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub back_off: Duration,
    /// Whether its diagnosis history (object 0x10F3) is read in operation, where it has one.
    pub diagnosis: bool,
}

impl Default for MailboxSettings {
    fn default() -> Self {
        Self { strategy: MailboxStrategy::default(), retries: 2, back_off: Duration::from_millis(10), diagnosis: true }
    }
}
