//! The lines that the bench and a row exchange on standard input and output.

use crate::plan::Plan;
use crate::report::RowReport;
use std::io::{BufRead, Write};

/// Why the dialogue broke off.
#[derive(Debug)]
pub enum DialogueError {
    /// A line couldn't be read or written.
    Io(std::io::Error),
    /// A line isn't what belongs there.
    Json(serde_json::Error),
    /// The bench went away.
    Ended,
}

impl std::fmt::Display for DialogueError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => write!(f, "talk to the bench: {error}"),
            Self::Json(error) => write!(f, "the bench's plan: {error}"),
            Self::Ended => f.write_str("the bench went away"),
        }
    }
}

impl std::error::Error for DialogueError {}

impl From<std::io::Error> for DialogueError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<serde_json::Error> for DialogueError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

/// Reads the plan: one line of JSON on standard input.
///
/// # Errors
/// No line, or no plan.
pub fn read_plan() -> Result<Plan, DialogueError> {
    Ok(serde_json::from_str(&read_line()?)?)
}

/// Says `ready` and waits for `go`. In between the bench may replace what answers at the other end.
///
/// # Errors
/// The bench went away.
pub fn ready() -> Result<(), DialogueError> {
    say("ready")?;
    read_line().map(drop)
}

/// Prints the report, one line of JSON on standard output.
///
/// # Errors
/// The bench went away.
pub fn print(report: &RowReport) -> Result<(), DialogueError> {
    say(&serde_json::to_string(report)?)
}

fn read_line() -> Result<String, DialogueError> {
    let mut line = String::new();
    match std::io::stdin().lock().read_line(&mut line)? {
        0 => Err(DialogueError::Ended),
        _ => Ok(line),
    }
}

fn say(line: &str) -> Result<(), DialogueError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
