//! How a command ends: a message on standard error and an exit code that scripts can tell apart.

use std::fmt::Display;
use std::process::ExitCode;
use zerocat::SessionError;

/// Printed below `--help`.
pub(crate) const HELP: &str = "\
Exit codes: 0 done; 1 failed while running; 2 wrong arguments; 3 a file is wrong; 4 the link or a privilege could not \
be had; 5 the bus could not be brought up; 6 doctor found nothing worse than warnings, or tune left a setting that \
somebody else had changed; 7 doctor found errors.";

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

    /// Prints it.
    pub(crate) fn report(self) -> ExitCode {
        eprintln!("zerocat: {}", self.message);
        ExitCode::from(self.code)
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        let message = zerocat::chain(&error);
        match error {
            SessionError::Link(_) | SessionError::Strict(_) => Self::link(message),
            SessionError::Start(_) => Self::bus(message),
            SessionError::Rate(_) | SessionError::Task(_) => Self::file(message),
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
        ];
        assert_eq!(all.map(|failure| failure("").code), [1, 2, 3, 4, 5, 6, 7]);
    }
}
