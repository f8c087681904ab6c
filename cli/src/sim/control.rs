//! Commands that are carried out while a segment is served: from a script with times, and from standard input.

use super::links::{Links, apply};
use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;
use zerocat::StandardInput;
use zerocat_sim::{COMMANDS, Command, CommandParser, FrameFaults, Page, ScriptRun, Segment};

/// Longest line that is read.
const LONGEST: u64 = 4096;
/// Lines that may wait to be carried out.
const WAITING: usize = 64;

/// Result of a command.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Report {
    /// When it was carried out, since the start of serving.
    pub(super) at: Duration,
    /// Its line in the script; none for standard input.
    pub(super) script_line: Option<usize>,
    /// The command as it was written.
    pub(super) command: String,
    /// Its answer, or why it was refused.
    pub(super) outcome: Result<Answer, String>,
}

/// Answer of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was carried out.
    Done,
    /// It asks for the list of commands.
    Help,
    /// It asks for the list of SubDevices.
    Show,
    /// It turns the table to other SubDevices.
    Turn(Page),
}

/// Reads and carries out commands; keeps the frame faults that are set.
#[derive(Debug)]
pub(super) struct Control {
    parser: CommandParser,
    script: ScriptRun,
    input: Option<Receiver<String>>,
    faults: FrameFaults,
}

impl Control {
    pub(super) fn new(parser: CommandParser, script: ScriptRun) -> Self {
        Self { parser, script, input: read_input(), faults: FrameFaults::default() }
    }

    /// Carries out the commands that are due.
    pub(super) fn run(
        &mut self,
        links: &mut Links,
        segment: &mut Segment,
        now: Duration,
        stop: &AtomicBool,
    ) -> Vec<Report> {
        let mut reports = Vec::new();
        while let Some((step, command)) = self.script.due(segment, now) {
            let (script_line, text) = (Some(step.line), step.text.clone());
            let outcome = carry_out(command, &mut self.faults, links, segment, now, stop);
            reports.push(Report { at: now, script_line, command: text, outcome });
        }
        while let Some(line) = self.input.as_ref().and_then(|input| input.try_recv().ok()) {
            let outcome = match self.parser.parse(&line) {
                Ok(None) => continue,
                Ok(Some(command)) => carry_out(command, &mut self.faults, links, segment, now, stop),
                Err(error) => Err(error.to_string()),
            };
            reports.push(Report { at: now, script_line: None, command: line.trim().to_owned(), outcome });
        }
        reports
    }
}

fn carry_out(
    command: Command,
    faults: &mut FrameFaults,
    links: &mut Links,
    segment: &mut Segment,
    now: Duration,
    stop: &AtomicBool,
) -> Result<Answer, String> {
    match command {
        Command::Act(action) => segment.act(action, now).map_err(|error| error.to_string())?,
        Command::Fault(change) => faults.change(change),
        Command::NoFaults => *faults = FrameFaults::default(),
        Command::Help => return Ok(Answer::Help),
        Command::Show => return Ok(Answer::Show),
        Command::Page(page) => return Ok(Answer::Turn(page)),
        // SYNC: a flag that this thread reads itself.
        Command::Quit => stop.store(true, Ordering::Relaxed),
    }
    apply(faults, links);
    Ok(Answer::Done)
}

/// Each command and what it does, a line each.
pub(super) fn help() -> Vec<String> {
    COMMANDS.iter().map(|(usage, what)| format!("{usage:<31} {what}")).collect()
}

/// Whether commands can be typed: standard input is the terminal of this process.
pub(super) fn input_is_terminal() -> bool {
    let stdin = std::io::stdin();
    stdin.is_terminal() && nix::unistd::tcgetpgrp(stdin).is_ok()
}

/// Reads lines on a thread of its own, which ends with the input. A line that is too long comes in pieces. A terminal of
/// others (`setsid`) is theirs to type in.
fn read_input() -> Option<Receiver<String>> {
    if std::io::stdin().is_terminal() && !input_is_terminal() {
        return None;
    }
    let (send, receive) = sync_channel(WAITING);
    let read = move || {
        let mut input = BufReader::new(StandardInput::open(|_| ()));
        let mut line = Vec::new();
        while matches!(input.by_ref().take(LONGEST).read_until(b'\n', &mut line), Ok(1..)) {
            if send.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
            line.clear();
        }
    };
    std::thread::Builder::new().name("zc-commands".to_owned()).spawn(read).ok().map(|_| receive)
}
