//! A check: a question and its answer.

use serde::Serialize;

/// How bad an answer is. Ordered from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As wanted.
    Ok,
    /// Worth knowing, or it couldn't be read.
    Info,
    /// It works, but cycles are less punctual.
    Warn,
    /// It doesn't work, or not reliably.
    Error,
}

impl Level {
    /// Its name: `ok`, `info`, `warn`, `error`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Stable name, for scripts.
    pub id: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found; begins with `unknown` if it couldn't be read.
    pub found: String,
    /// What is wanted.
    pub wanted: String,
    /// Why it is wanted.
    pub why: &'static str,
    /// A command or a step that changes it; `None` if it is as wanted or can't be changed.
    pub fix: Option<String>,
}

/// The fixed part of a check, whatever its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// Stable name, for scripts.
    pub id: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// Why it is wanted.
    pub why: &'static str,
    /// What is wanted.
    pub wanted: &'static str,
}

impl Question {
    /// It is as wanted.
    #[must_use]
    pub fn ok(&self, found: impl Into<String>) -> Check {
        self.answer(Level::Ok, found.into(), None)
    }

    /// It is worth knowing; there is nothing to do.
    #[must_use]
    pub fn info(&self, found: impl Into<String>) -> Check {
        self.answer(Level::Info, found.into(), None)
    }

    /// It isn't as wanted, and what to do about it.
    #[must_use]
    pub fn finding(&self, level: Level, found: impl Into<String>, fix: impl Into<String>) -> Check {
        self.answer(level, found.into(), Some(fix.into()))
    }

    /// It couldn't be read; `why` names the source or the reason.
    #[must_use]
    pub fn unknown(&self, why: &str) -> Check {
        self.answer(Level::Info, format!("unknown: {why}"), None)
    }

    fn answer(&self, level: Level, found: String, fix: Option<String>) -> Check {
        let Self { id, title, why, wanted } = *self;
        Check { id, title, level, found, wanted: wanted.to_owned(), why, fix }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_from_good_to_bad() {
        assert!(Level::Error > Level::Warn && Level::Warn > Level::Info && Level::Info > Level::Ok);
    }
}
