//! One check: its question, and the answer.

use serde::Serialize;

/// How bad an answer is. Ordered from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As wanted.
    Ok,
    /// Worth knowing, or couldn't be read.
    Info,
    /// It works, with worse times.
    Warn,
    /// It won't work, or not for long.
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
    /// What was found; begins with `unknown` where it couldn't be read.
    pub found: String,
    /// What is wanted.
    pub wanted: String,
    /// Why it is wanted.
    pub why: &'static str,
    /// A command or a step that changes it; `None` where it is as wanted or there is none.
    pub fix: Option<String>,
}

/// What is asked, whatever the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// Stable name, for scripts.
    pub id: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// Why it is asked.
    pub why: &'static str,
    /// What is wanted.
    pub wanted: &'static str,
}

impl Question {
    /// As wanted.
    #[must_use]
    pub fn ok(&self, found: impl Into<String>) -> Check {
        self.answer(Level::Ok, found.into(), None)
    }

    /// Worth knowing; nothing to do.
    #[must_use]
    pub fn info(&self, found: impl Into<String>) -> Check {
        self.answer(Level::Info, found.into(), None)
    }

    /// Not as wanted, and what to do.
    #[must_use]
    pub fn not(&self, level: Level, found: impl Into<String>, fix: impl Into<String>) -> Check {
        self.answer(level, found.into(), Some(fix.into()))
    }

    /// Couldn't be read, and from where.
    #[must_use]
    pub fn unknown(&self, from: &str) -> Check {
        self.answer(Level::Info, format!("unknown: {from}"), None)
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
    fn an_error_is_worse_than_a_warning_and_a_warning_worse_than_a_note() {
        assert!(Level::Error > Level::Warn && Level::Warn > Level::Info && Level::Info > Level::Ok);
    }
}
