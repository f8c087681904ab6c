//! How a command ends: a message on standard error, an exit code that scripts can tell apart, and with `--json` the failure as
//! JSON on standard output, in the document of the command or as one of its own.
//!
//! Exit codes are those of the list of faults.

mod document;

pub(crate) use document::{ErrorDocument, ErrorProblem, WithError};

use crate::print;
use std::ffi::OsString;
use std::fmt::Display;
use zerocat::{Fault, Limit, SessionError, StartError};

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
  9  a limit of threads, memory or files is reached
  10 a limit of the rig file was broken

`zerocat faults` lists what ends with each by name.";

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    fault: Fault,
    message: String,
    problems: Vec<ErrorProblem>,
    /// It was said on standard error already.
    said: bool,
    /// It is in the JSON document that the command printed.
    in_document: bool,
}

impl Failure {
    /// A fault, with what is said of this one.
    pub(crate) fn of(fault: Fault, message: impl Display) -> Self {
        Self { fault, message: message.to_string(), problems: Vec::new(), said: false, in_document: false }
    }

    /// Arguments that don't go together.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::of(Fault::WrongArguments, message)
    }

    /// A file or a stream did not take what was written.
    pub(crate) fn written(message: impl Display) -> Self {
        Self::of(Fault::WriteFailed, message)
    }

    /// A limit of threads, memory or files is reached.
    pub(crate) fn limit(limit: Limit, message: impl Display) -> Self {
        Self::of(limit.fault(), message)
    }

    /// The same, with each of the things that are wrong.
    pub(crate) fn with_problems(self, problems: Vec<ErrorProblem>) -> Self {
        Self { problems, ..self }
    }

    /// The same, which standard error has already.
    pub(crate) fn said(self) -> Self {
        Self { said: true, ..self }
    }

    /// The same, which a JSON document has in it.
    pub(crate) fn in_document(self) -> Self {
        Self { in_document: true, ..self }
    }

    /// Which fault of the list it is.
    pub(crate) const fn fault(&self) -> Fault {
        self.fault
    }

    /// Its exit code.
    pub(crate) fn code(&self) -> u8 {
        self.fault.exit_code().unwrap_or(1)
    }

    /// What is said of it.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Says it on standard error, unless that was done.
    pub(crate) fn say(&self) {
        if !self.said {
            print::say(format_args!("zerocat: {}", self.message));
        }
    }

    /// What is to be printed of it where `--json` asks for JSON and no document has it.
    pub(crate) fn document(&self) -> Option<ErrorDocument> {
        (!self.in_document && json_is_asked(std::env::args_os())).then(|| self.into())
    }
}

/// Whether a command line asks for JSON; also one that the parser refuses.
fn json_is_asked(arguments: impl Iterator<Item = OsString>) -> bool {
    arguments.take_while(|argument| argument != "--").any(|argument| argument == "--json")
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        let message = Limit::of(&error).map_or_else(|| zerocat::chain(&error), |limit| limit.explain(&error));
        Self::of(error.fault(), message).with_problems(problems(&error))
    }
}

/// Each of several things that kept a session from its start.
fn problems(error: &SessionError) -> Vec<ErrorProblem> {
    let SessionError::Start(error) = error else { return Vec::new() };
    match error {
        StartError::Missing { missing, .. } => {
            let rule = |differs| if differs { Fault::SubdeviceMismatch } else { Fault::SubdeviceMissing };
            let each = missing.iter().map(|one| ErrorProblem {
                path: Some(one.expected.key.clone()),
                rule: Some(rule(one.differs()).name()),
                ..ErrorProblem::told(one.to_string())
            });
            each.collect()
        }
        StartError::Rules(all) => all.iter().map(ErrorProblem::from).collect(),
        StartError::Unnamed(all) => all.iter().map(|one| ErrorProblem::told(one.to_string())).collect(),
        StartError::Changed(all) | StartError::Unheard(all) => all.iter().map(ErrorProblem::told).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_lists_the_exit_codes_that_faults_have() {
        for code in Fault::ALL.iter().filter_map(|fault| fault.exit_code()) {
            assert!(HELP.contains(&format!("\n  {code:<2} ")), "{code}");
        }
    }

    #[test]
    fn json_is_asked_for_before_two_dashes_only() {
        let asked = |words: &str| json_is_asked(words.split(' ').map(OsString::from));
        assert!(asked("zerocat scan --json --nonsense") && !asked("zerocat scan -- --json") && !asked("zerocat scan"));
    }

    #[test]
    fn a_failure_as_json_has_name_category_code_and_problems() {
        let problem = ErrorProblem::told("one");
        let failure = Failure::of(Fault::BusDriven, "driven").with_problems(vec![problem]);
        let json = serde_json::to_value(ErrorDocument::from(&failure)).unwrap();
        assert_eq!(json["schema"], "zerocat-error/1");
        let error = &json["error"];
        assert_eq!(
            (&error["name"], &error["category"], &error["exit_code"]),
            (&"bus_driven".into(), &"network".into(), &5.into())
        );
        assert_eq!(error["problems"][0]["message"], "one");
    }
}
