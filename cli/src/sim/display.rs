//! How a running segment is shown: a live table on a terminal, lines elsewhere, JSON lines for programs, or nothing.

use super::carriers::CarrierChange;
use super::control::{Answer, Report, help};
use super::lines::Lines;
use super::links::Names;
use super::screen::Screen;
use super::status::Status;
use super::summary::{state, table};
use crate::print;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;
use zerocat_sim::SubDeviceSnapshot;

/// How often states are checked for changes.
const LOOK: Duration = Duration::from_millis(10);
/// Time between two drawings on a terminal.
const REDRAW: Duration = Duration::from_millis(200);
/// Time between two plain lines.
const LINE: Duration = Duration::from_secs(1);

/// A display.
#[derive(Debug)]
pub(super) enum Display {
    Screen(Screen),
    Plain { frames: u64 },
    Json { seen: Vec<Seen>, lines: Lines },
    Quiet,
}

/// What an event says about a SubDevice that has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Seen {
    subdevice: usize,
    name: String,
    position: Option<u16>,
    second_position: Option<u16>,
    powered: bool,
    state: &'static str,
    error: bool,
    code: u16,
    code_text: &'static str,
}

/// A line of JSON.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event<'a> {
    Serving {
        at: f64,
        interface: &'a str,
        second_interface: Option<&'a str>,
        subdevices: usize,
        seed: u64,
    },
    Command {
        at: f64,
        script_line: Option<usize>,
        command: &'a str,
        done: bool,
        problem: Option<&'a str>,
    },
    Carrier {
        at: f64,
        interface: &'a str,
        carrier: bool,
    },
    State {
        at: f64,
        #[serde(flatten)]
        seen: &'a Seen,
    },
}

impl Display {
    /// Chooses the display by the options, and by whether standard error is a terminal.
    pub(super) fn open(json: bool, quiet: bool, names: &Names, status: &Status, seed: u64) -> Self {
        let subdevices = status.snapshot.subdevices.len();
        let typed = super::control::input_is_terminal();
        let own = std::io::stderr().is_terminal() && !print::in_background();
        let screen = !json && !quiet && own;
        if !quiet && !screen {
            print::say(format_args!("serving {subdevices} SubDevices on {names}; Ctrl-C ends it"));
        }
        match (json, quiet) {
            (true, _) => {
                let second_interface = names.second.as_deref();
                let mut lines = Lines::default();
                lines.tell(&Event::Serving { at: 0.0, interface: &names.first, second_interface, subdevices, seed });
                Self::Json { seen: status.snapshot.subdevices.iter().map(Seen::of).collect(), lines }
            }
            (false, true) => Self::Quiet,
            (false, false) if screen => Self::Screen(Screen::open(&names.to_string(), typed)),
            (false, false) => Self::Plain { frames: 0 },
        }
    }

    /// Time between two calls of [`Display::show`].
    pub(super) const fn period(&self) -> Duration {
        match self {
            Self::Screen(_) => REDRAW,
            Self::Plain { .. } | Self::Quiet => LINE,
            Self::Json { .. } => LOOK,
        }
    }

    /// Shows the result of a command.
    pub(super) fn report(&mut self, report: &Report, status: &Status) {
        match self {
            Self::Screen(screen) => screen.report(report),
            Self::Json { lines, .. } => lines.tell(&Event::Command {
                at: report.at.as_secs_f64(),
                script_line: report.script_line,
                command: &report.command,
                done: report.outcome.is_ok(),
                problem: report.outcome.as_ref().err().map(String::as_str),
            }),
            Self::Plain { .. } | Self::Quiet => self.report_plainly(report, status),
        }
    }

    fn report_plainly(&self, report: &Report, status: &Status) {
        let source = report.script_line.map_or_else(String::new, |line| format!("line {line} of the script: "));
        match &report.outcome {
            Ok(Answer::Help) => print::say(help().join("\n")),
            Ok(Answer::Show) => print::say(table(status)),
            Ok(_) if matches!(self, Self::Quiet) => {}
            Ok(Answer::Done | Answer::Turn(_)) => {
                print::say(format_args!("{:.3} s: {source}{}", report.at.as_secs_f64(), report.command));
            }
            Err(error) => {
                print::say(format_args!("{:.3} s: {source}{}: {error}", report.at.as_secs_f64(), report.command));
            }
        }
    }

    /// Shows that an interface has got or lost its carrier.
    pub(super) fn carrier(&mut self, change: CarrierChange, names: &Names) {
        let (at, interface, carrier) = (change.at.as_secs_f64(), names.of(change.end), change.carrier);
        let text = format!("{interface} {} its carrier", if carrier { "has" } else { "has lost" });
        match self {
            Self::Screen(screen) => screen.note(format!("{at:8.3}  {text}"), carrier),
            Self::Json { lines, .. } => lines.tell(&Event::Carrier { at, interface, carrier }),
            Self::Plain { .. } | Self::Quiet => print::say(format_args!("{at:.3} s: {text}")),
        }
    }

    /// Shows the present status.
    pub(super) fn show(&mut self, status: &Status) {
        match self {
            Self::Screen(screen) => screen.draw(status),
            Self::Json { seen, lines } => tell_changes(seen, lines, status),
            Self::Plain { frames } => {
                let now = status.snapshot.totals.frames;
                // A terminal whose foreground is somebody else's is left alone.
                if !print::in_background() {
                    print::say(line(status, &format!("{} frames/s", now - *frames)));
                }
                *frames = now;
            }
            Self::Quiet => {}
        }
    }

    /// Shows one line about the segment, on request.
    pub(super) fn status(&mut self, status: &Status) {
        let text = line(status, &format!("{} frames", status.snapshot.totals.frames));
        match self {
            Self::Screen(screen) => screen.note(text, true),
            _ => print::say(text),
        }
    }
}

impl Seen {
    fn of(subdevice: &SubDeviceSnapshot) -> Self {
        Self {
            subdevice: subdevice.index,
            name: subdevice.name.clone(),
            position: subdevice.position,
            second_position: subdevice.second_position,
            powered: subdevice.powered,
            state: subdevice.state.name(),
            error: subdevice.error,
            code: subdevice.code.0,
            code_text: subdevice.code.text(),
        }
    }
}

fn tell_changes(before: &mut [Seen], lines: &mut Lines, status: &Status) {
    for (before, subdevice) in before.iter_mut().zip(&status.snapshot.subdevices) {
        let now = Seen::of(subdevice);
        if *before != now {
            lines.tell(&Event::State { at: status.now.as_secs_f64(), seen: &now });
            *before = now;
        }
    }
    lines.flush(Duration::ZERO);
}

/// One line about a segment.
fn line(status: &Status, frames: &str) -> String {
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    for subdevice in &status.snapshot.subdevices {
        *states.entry(state(subdevice)).or_default() += 1;
    }
    let states: Vec<String> = states.iter().map(|(state, count)| format!("{count} {state}")).collect();
    format!("{} s | {frames} | {} | {}", status.now.as_secs(), states.join(", "), status.faults)
}
