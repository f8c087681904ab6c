//! How a command ends: a message on standard error and an exit code that scripts can tell apart.

use crate::print;
use std::fmt::Display;
use zerocat::{CaptureError, Limit, SessionError, StartError};

/// Printed below `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done; a run that was lost in between and well at its end, too
  1  failed while running: the shutdown, the report, the capture, the realtime thread
  2  wrong arguments
  3  a file is wrong, or can't be written
  4  the link, or a privilege, is unavailable
  5  the bus could not be brought up
  6  doctor found warnings and nothing worse; tune left a setting that somebody else had changed
  7  doctor found errors
  8  a SubDevice was left out of OP at the end of a run
  9  a limit of threads, memory or files is reached";

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// It began and went wrong.
    pub(crate) fn running(message: impl Display) -> Self {
        Self { code: 1, message: message.to_string() }
    }

    /// Arguments that don't go together.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self { code: 2, message: message.to_string() }
    }

    /// A file can't be read, or what it says is wrong.
    pub(crate) fn file(message: impl Display) -> Self {
        Self { code: 3, message: message.to_string() }
    }

    /// The link, or a privilege.
    pub(crate) fn link(message: impl Display) -> Self {
        Self { code: 4, message: message.to_string() }
    }

    /// The bus.
    pub(crate) fn bus(message: impl Display) -> Self {
        Self { code: 5, message: message.to_string() }
    }

    /// `doctor` found warnings and nothing worse; `tune` left what somebody else had changed.
    pub(crate) fn warnings(message: impl Display) -> Self {
        Self { code: 6, message: message.to_string() }
    }

    /// `doctor` found errors.
    pub(crate) fn errors(message: impl Display) -> Self {
        Self { code: 7, message: message.to_string() }
    }

    /// SubDevices were left out of OP at the end of a run.
    pub(crate) fn left_out(message: impl Display) -> Self {
        Self { code: 8, message: message.to_string() }
    }

    /// A limit of threads, memory or files is reached.
    pub(crate) fn limit(message: impl Display) -> Self {
        Self { code: 9, message: message.to_string() }
    }

    /// It has been said why.
    pub(crate) const fn said(code: u8) -> Self {
        Self { code, message: String::new() }
    }

    /// Its exit code.
    pub(crate) const fn code(&self) -> u8 {
        self.code
    }

    /// What is said of it.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Says it on standard error.
    pub(crate) fn say(&self) {
        if !self.message.is_empty() {
            print::say(format_args!("zerocat: {}", self.message));
        }
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        let message = zerocat::chain(&error);
        if let Some(limit) = Limit::of(&error) {
            return Self::limit(limit.explain(&error));
        }
        match error {
            SessionError::Link(_) | SessionError::Strict(_) | SessionError::Start(StartError::Unwatched(_)) => {
                Self::link(message)
            }
            SessionError::Start(_) => Self::bus(message),
            SessionError::Rate(_) | SessionError::Task(_) | SessionError::Capture(CaptureError::File(_)) => {
                Self::file(message)
            }
            _ => Self::running(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_failure_has_a_code_of_its_own() {
        let all = [
            Failure::running,
            Failure::usage,
            Failure::file,
            Failure::link,
            Failure::bus,
            Failure::warnings,
            Failure::errors,
            Failure::left_out,
            Failure::limit,
        ];
        assert_eq!(all.map(|failure| failure("").code), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
}
