//! A script: commands with times, one a line.
//!
//! A line is a command as in [`CommandParser`], with a time before it or without: `at 3s` counts from the start of
//! serving, `+1.5s` from the line before, and a line without a time is due together with the one before. `wait frame`
//! and `wait WHO STATE` hold the script until a frame comes or a SubDevice is in an AL state; after them times must be
//! written with `+`. `#` begins a comment.
//!
//! [`Script::parse`] is pure. [`ScriptRun`] hands out what is due; it has no clock, so the same times give the same
//! run. A step is due at its planned time, so delays of the one before don't add up.

use std::path::Path;
use std::time::Duration;

use zerocat_wire::AlState;

use crate::command::{Command, CommandError, CommandParser, CommandProblem, Word, Words, state};
use crate::config::parse_duration;
use crate::segment::Segment;

const TIME: &str = "a time as 1.5s, 20ms or 250us";
const AWAITED: &str = "frame, or a SubDevice and a state";
const STATE: &str = "INIT, PRE-OP, SAFE-OP or OP";

/// Why a script was refused.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// It could not be read.
    #[error("read {path}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A line is wrong.
    #[error("line {line}, {error}")]
    Line {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it, and where.
        error: CommandError,
    },
}

/// When a step is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// This long after the start of serving.
    At(Duration),
    /// This long after the step before.
    After(Duration),
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum StepKind {
    /// A command is carried out.
    Do(Command),
    /// The script waits for the next frame.
    AwaitFrame,
    /// The script waits until a SubDevice is in a state.
    AwaitState {
        /// Index in the file.
        subdevice: usize,
        /// The state, without the error flag.
        state: AlState,
    },
}

/// One line of a script.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Number of the line, from 1.
    pub line: usize,
    /// The line without time and comment.
    pub text: String,
    /// When it is due.
    pub when: When,
    /// What it does.
    pub kind: StepKind,
}

/// A script.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Script {
    steps: Vec<Step>,
}

impl Script {
    /// Reads the text of a script.
    ///
    /// # Errors
    /// The first line that is wrong, with the column and what is allowed there.
    pub fn parse(text: &str, parser: &CommandParser) -> Result<Self, ScriptError> {
        let mut script = Self::default();
        for (line, content) in (1..).zip(text.lines()) {
            let step = script.step(line, content, parser).map_err(|error| ScriptError::Line { line, error })?;
            script.steps.extend(step);
        }
        Ok(script)
    }

    /// Reads the file of a script.
    ///
    /// # Errors
    /// As [`Script::parse`], and `Read`.
    pub fn load(path: &Path, parser: &CommandParser) -> Result<Self, ScriptError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ScriptError::Read { path: path.display().to_string(), source })?;
        Self::parse(&text, parser)
    }

    /// Its steps, in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    fn step(&self, line: usize, content: &str, parser: &CommandParser) -> Result<Option<Step>, CommandError> {
        let mut words = Words::of(content)?;
        let Some(first) = words.peek() else { return Ok(None) };
        let when = match first {
            "at" => Some(self.absolute(&mut words)?),
            first if first.starts_with('+') => Some(relative(&words.next(TIME)?)?),
            _ => None,
        };
        let text = words.rest();
        let kind = match words.peek() {
            Some("wait") => awaited(words, parser)?,
            _ => StepKind::Do(parser.command(words)?),
        };
        Ok(Some(Step { line, text, when: when.unwrap_or(When::After(Duration::ZERO)), kind }))
    }

    /// A time from the start, which must not come before that of another line nor behind a wait.
    fn absolute(&self, words: &mut Words) -> Result<When, CommandError> {
        words.next(TIME)?;
        let word = words.next(TIME)?;
        let at = word.read(TIME, parse_duration)?;
        let mut planned = Some(Duration::ZERO);
        for step in &self.steps {
            planned = match (step.when, planned, step.kind) {
                (When::At(at), _, StepKind::Do(_)) => Some(at),
                (When::After(delay), Some(before), StepKind::Do(_)) => Some(before + delay),
                _ => None,
            };
        }
        match planned {
            None => Err(word.problem(CommandProblem::Time("after a wait, write times as +1.5s"))),
            Some(planned) if at < planned => {
                Err(word.problem(CommandProblem::Time("this is before the time of the line before")))
            }
            Some(_) => Ok(When::At(at)),
        }
    }
}

fn relative(word: &Word) -> Result<When, CommandError> {
    word.read("+ and a time, as +1.5s, +20ms or +250us", |text| parse_duration(text.strip_prefix('+')?))
        .map(When::After)
}

fn awaited(mut words: Words, parser: &CommandParser) -> Result<StepKind, CommandError> {
    words.next(AWAITED)?;
    if words.peek().is_none_or(|word| word == "frame") {
        words.next(AWAITED)?;
        words.end()?;
        return Ok(StepKind::AwaitFrame);
    }
    let subdevice = parser.who(&mut words)?;
    let state = words.next(STATE)?.read(STATE, state)?;
    words.end()?;
    Ok(StepKind::AwaitState { subdevice, state })
}

/// A running script.
#[derive(Debug, Clone)]
pub struct ScriptRun {
    script: Script,
    next: usize,
    /// When the step before was due.
    before: Duration,
    /// Frames that had come when the wait began.
    waiting_since: Option<u64>,
}

impl ScriptRun {
    /// A script before its first step.
    #[must_use]
    pub const fn new(script: Script) -> Self {
        Self { script, next: 0, before: Duration::ZERO, waiting_since: None }
    }

    /// Whether all steps have been handed out.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.next == self.script.steps.len()
    }

    /// The next command that is due at `now`, with its line. To be called until there is none.
    pub fn due(&mut self, segment: &Segment, now: Duration) -> Option<(&Step, Command)> {
        loop {
            let step = self.script.steps.get(self.next)?;
            let due = match step.when {
                When::At(at) => at,
                When::After(delay) => self.before + delay,
            };
            if due > now {
                return None;
            }
            match step.kind {
                StepKind::Do(command) => {
                    self.before = due;
                    self.next += 1;
                    return self.script.steps.get(self.next - 1).map(|step| (step, command));
                }
                StepKind::AwaitFrame => {
                    let frames = segment.totals().frames;
                    if *self.waiting_since.get_or_insert(frames) == frames {
                        return None;
                    }
                }
                StepKind::AwaitState { subdevice, state } => {
                    if segment.state(subdevice) != Some(state) {
                        return None;
                    }
                }
            }
            self.waiting_since = None;
            self.before = now;
            self.next += 1;
        }
    }
}

#[cfg(test)]
mod tests;
