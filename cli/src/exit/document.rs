//! A failure as JSON: a document of its own, or the `error` of a document that a command prints anyway.

use super::Failure;
use schemars::JsonSchema;
use serde::Serialize;
use zerocat::config::Problem;

/// Name and version of the schema.
const SCHEMA: &str = "zerocat-error/1";

/// What a command with `--json` prints when it fails and has nothing else to print.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct ErrorDocument {
    /// Always `zerocat-error/1`.
    schema: &'static str,
    /// Why it failed.
    error: ErrorBody,
}

/// Why a command failed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct ErrorBody {
    /// Stable name of the fault; `zerocat faults` lists all.
    name: &'static str,
    /// `network`, `device`, `master`, `config` or `user`.
    category: &'static str,
    /// What happened, with the figures: the text that standard error has behind `zerocat: `.
    message: String,
    /// What is done about faults of this name.
    what_to_do: &'static str,
    /// The exit code.
    exit_code: u8,
    /// Where several things are wrong, each of them; empty where the message is all.
    problems: Vec<ErrorProblem>,
}

/// One of several things that are wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct ErrorProblem {
    /// Key path in a file, such as `slaves[2].properties.pdos.inputs[0].bit_length`; `null` where it is not about a key.
    pub(crate) path: Option<String>,
    /// Line in the file, from 1; `null` where it is in none, or not known.
    pub(crate) line: Option<usize>,
    /// Column in the line, in characters, from 1; `null` as the line.
    pub(crate) column: Option<usize>,
    /// Stable name of the rule that is broken, or of the fault; `null` where there is none.
    pub(crate) rule: Option<&'static str>,
    /// What is wrong, with the values.
    pub(crate) message: String,
    /// What to do about it; `null` where the message says it.
    pub(crate) fix: Option<String>,
    /// What could have been meant, the likeliest first.
    pub(crate) candidates: Vec<String>,
}

impl ErrorProblem {
    /// Of which nothing is known but its text.
    pub(crate) fn told(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }
}

impl From<&Problem> for ErrorProblem {
    fn from(problem: &Problem) -> Self {
        Self {
            path: Some(problem.path.clone()),
            line: problem.at.map(|place| place.line),
            column: problem.at.map(|place| place.column),
            rule: Some(problem.rule.name()),
            message: problem.what.clone(),
            fix: Some(problem.fix.clone()),
            candidates: problem.candidates.clone(),
        }
    }
}

impl From<&Failure> for ErrorBody {
    fn from(failure: &Failure) -> Self {
        let fault = failure.fault();
        Self {
            name: fault.name(),
            category: fault.category().name(),
            message: failure.message().to_owned(),
            what_to_do: fault.what_to_do(),
            exit_code: failure.code(),
            problems: failure.problems.clone(),
        }
    }
}

impl From<&Failure> for ErrorDocument {
    fn from(failure: &Failure) -> Self {
        Self { schema: SCHEMA, error: failure.into() }
    }
}

/// A document, and in it why the command failed, if it did.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WithError<'a, T> {
    #[serde(flatten)]
    document: &'a T,
    /// Why the command failed; left out where it didn't.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody>,
}

impl<'a, T> WithError<'a, T> {
    pub(crate) fn new(document: &'a T, failure: Option<&Failure>) -> Self {
        Self { document, error: failure.map(ErrorBody::from) }
    }
}
