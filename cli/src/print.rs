//! All that is written to standard output and standard error, and to files: tables, JSON, lines.
//!
//! Guarantees: nothing here panics or ends the program because a stream is closed, full or not read. What standard error
//! doesn't take is counted ([`unsaid`]). What standard output doesn't take makes the command fail at its end ([`finish`]),
//! but for a reader that has gone (`| head`): nobody misses the rest.

mod panel;
mod terminal;
mod words;
mod wrap;

pub(crate) use terminal::target as live_target;
pub(crate) use words::{in_background, pin, unsaid};
use wrap::hanging;
pub(crate) use wrap::{columns, wrapped};

use crate::Done;
use crate::exit::{ErrorDocument, Failure, WithError};
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Row, Table};
use panel::Size;
use serde::Serialize;
use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tracing_subscriber::fmt::MakeWriter;
use zerocat::outfile::write_all;

/// How long the end of the program waits for standard error to take what was said.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long the end of a run waits for a reader of its summary.
const PATIENCE: Duration = Duration::from_secs(5);

/// The first thing that standard output refused, if it did.
static REFUSED: Mutex<Option<std::io::Error>> = Mutex::new(None);

/// A table with a header and no lines.
pub(crate) fn table(header: impl Into<Row>) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_header(header);
    table
}

/// Says a line on standard error, in several where it is longer than its terminal is wide. It waits for nobody.
pub(crate) fn say(text: impl Display) {
    words::say(fitting(format!("{text}\n")).into_bytes());
}

/// A text for standard error: as it is for a file or a pipe, broken at blanks for a terminal.
fn fitting(text: String) -> String {
    if std::io::stderr().is_terminal() { hanging(&text, Size::of(std::io::stderr()).columns) } else { text }
}

/// Hands a control sequence to the terminal at standard error.
pub(crate) fn control(text: String) {
    words::say(text.into_bytes());
}

/// Prints a line to standard output, and waits for its reader.
pub(crate) fn line(text: impl Display) {
    let written = write_all(std::io::stdout(), format!("{text}\n").as_bytes(), Duration::MAX);
    if let Err(error) = written {
        REFUSED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}

/// Prints the last lines of a run to standard output, and waits for their reader no longer than some seconds.
pub(crate) fn last_lines(text: impl Display) -> Result<(), Failure> {
    write_all(std::io::stdout(), format!("{text}\n").as_bytes(), PATIENCE)
        .map_err(|error| Failure::written(format!("standard output: {error}")))
}

/// Prints a value as indented JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    line(pretty(value)?);
    Ok(())
}

/// Prints a document as indented JSON, with why the command failed in it, if it did, and ends with that.
pub(crate) fn document(value: &impl Serialize, done: Done) -> Done {
    json(&WithError::new(value, done.as_ref().err()))?;
    done.map_err(Failure::in_document)
}

/// A value as indented JSON.
pub(crate) fn pretty(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map_err(|error| Failure::written(format!("print JSON: {error}")))
}

/// A value as one line of JSON.
pub(crate) fn one_line(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::written(format!("print JSON: {error}")))
}

/// Writes a value as indented JSON into a file.
pub(crate) fn json_file(value: &impl Serialize, path: &Path) -> Result<(), Failure> {
    std::fs::write(path, pretty(value)? + "\n")
        .map_err(|error| Failure::written(format!("write {}: {error}", path.display())))
}

/// Ends the program: says why it failed, if it did, and waits for what is still to be said.
pub(crate) fn finish(done: Result<(), Failure>) -> ExitCode {
    let refused = REFUSED.lock().unwrap_or_else(PoisonError::into_inner).take();
    let refused = refused.filter(|error| error.kind() != ErrorKind::BrokenPipe);
    let done = done.and_then(|()| match refused {
        Some(error) => Err(Failure::written(format!("standard output: {error}"))),
        None => Ok(()),
    });
    let code = done.map_or_else(
        |failure| {
            if let Some(document) = failure.document() {
                tell(&document);
            }
            failure.say();
            ExitCode::from(failure.code())
        },
        |()| ExitCode::SUCCESS,
    );
    words::drain(LAST_WORDS);
    code
}

/// Prints a failure as JSON, as one line, so that it may also be the last one of JSON lines.
fn tell(document: &ErrorDocument) {
    let told = one_line(document).and_then(last_lines);
    // Standard error has it all the same.
    if let Err(failure) = told {
        failure.say();
    }
}

/// Prints what the parser of the arguments answers: help and version to standard output, what is wrong with them to
/// standard error.
pub(crate) fn answer(answer: &clap::Error) -> Result<(), Failure> {
    let text = answer.render();
    if !answer.use_stderr() {
        line(if std::io::stdout().is_terminal() { text.ansi().to_string() } else { text.to_string() }.trim_end());
        return Ok(());
    }
    say(if std::io::stderr().is_terminal() { text.ansi().to_string() } else { text.to_string() }.trim_end());
    let text = text.to_string();
    let (message, _usage) = text.split_once("\n\nUsage").unwrap_or((&text, ""));
    Err(Failure::usage(message.trim_start_matches("error: ").trim_end()).said())
}

/// Waits a little for standard error, so that [`unsaid`] counts what it will not take.
pub(crate) fn settle() {
    words::drain(LAST_WORDS);
}

/// Where the log goes: to standard error, one event at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Log;

impl Write for Log {
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(event).into_owned();
        words::say(fitting(text).into_bytes());
        Ok(event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

/// How often, for people: `once`, `9 times`.
pub(crate) fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// Nanoseconds for people: `950 ns`, `12.3 us`, `4.56 ms`.
pub(crate) fn time(nanos: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let value = nanos as f64;
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => format!("{:.1} us", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} ms", value / 1e6),
        _ => format!("{:.2} s", value / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_the_unit_that_fits() {
        assert_eq!([999, 12_345, 4_560_000, 2_000_000_000].map(time), ["999 ns", "12.3 us", "4.56 ms", "2.00 s"]);
    }
}
