//! What became of each setting.

use super::setting::{Setting, Value};
use serde::Serialize;

/// What became of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was as wanted already.
    AsWanted,
    /// It was changed.
    Changed,
    /// It would be changed.
    WouldChange,
    /// The driver or the kernel refused; the reason is given.
    Refused,
    /// The driver doesn't have this setting, or it can't be read; the reason is given.
    Unavailable,
    /// Its old value was restored.
    PutBack,
    /// Its old value would be restored.
    WouldPutBack,
    /// It was as before already.
    AsBefore,
    /// Something else changed it in the meantime, so it was left alone.
    Left,
    /// The interrupt that it applied to no longer exists.
    Gone,
}

impl Outcome {
    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AsWanted => "as wanted",
            Self::Changed => "changed",
            Self::WouldChange => "would change",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::PutBack => "put back",
            Self::WouldPutBack => "would be put back",
            Self::AsBefore => "as before",
            Self::Left => "left alone",
            Self::Gone => "gone",
        }
    }
}

/// A setting, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Which.
    pub setting: Setting,
    /// What became of it.
    pub outcome: Outcome,
    /// What it was; `None` if it can't be read.
    pub from: Option<Value>,
    /// What it is now, or would be; `None` if that is unchanged.
    pub to: Option<Value>,
    /// The check of `doctor` that asks for it.
    pub check: &'static str,
    /// Why it is wanted.
    pub why: &'static str,
    /// Why it isn't as wanted, if it isn't.
    pub reason: Option<String>,
}

/// What was done to each setting, and remarks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Done {
    pub(super) rows: Vec<Row>,
    pub(super) notes: Vec<String>,
}

impl From<Vec<Row>> for Done {
    fn from(rows: Vec<Row>) -> Self {
        Self { rows, notes: Vec::new() }
    }
}
