//! What became of each setting.

use super::setting::{Setting, Value};
use serde::Serialize;

/// What became of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was as wanted, and was left.
    AsWanted,
    /// It was changed.
    Changed,
    /// It would be changed.
    WouldChange,
    /// The driver or the kernel wouldn't have it; the reason is given.
    Refused,
    /// There is no such setting here, or it can't be read; the reason is given.
    Unavailable,
    /// It was put back.
    PutBack,
    /// It would be put back.
    WouldPutBack,
    /// It was as before, and was left.
    AsBefore,
    /// Somebody else changed it since, so it was left.
    Left,
    /// What it was a setting of is gone.
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
            Self::Unavailable => "not here",
            Self::PutBack => "put back",
            Self::WouldPutBack => "would be put back",
            Self::AsBefore => "as before",
            Self::Left => "left",
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
    /// What it was; `None` where it can't be read.
    pub from: Option<Value>,
    /// What it is now, or would be; `None` where that is what it was.
    pub to: Option<Value>,
    /// The check of `doctor` that asks for it.
    pub check: &'static str,
    /// Why it is wanted.
    pub why: &'static str,
    /// Why it isn't so, or not quite.
    pub reason: Option<String>,
}

/// What was done to all settings, and what was seen on the way.
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
