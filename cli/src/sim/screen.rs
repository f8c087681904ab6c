//! The live table on a terminal, with a line to type commands in.
//!
//! The terminal stays in its own line mode: what is typed is edited and shown by the terminal, and Ctrl-C is a signal.
//! The table is drawn over itself above that line, and the cursor put back where it was.

use super::columns::{Row, cut, header, left_out, row};
use super::control::{Answer, Report, help};
use super::rates::Rates;
use super::status::Status;
use super::summary::state;
use crate::print;
use crossterm::Command as Sequence;
use crossterm::cursor::{MoveTo, RestorePosition, SavePosition};
use crossterm::style::Stylize;
use crossterm::terminal::{Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, size};
use std::collections::{BTreeMap, VecDeque};
use zerocat_sim::{Page, SubDeviceSnapshot};

/// Lines of reports that are kept.
const REPORTS: usize = 64;
/// Lines above the SubDevices.
const HEAD: usize = 4;
/// Lines of reports that are shown, where there is room.
const SHOWN_REPORTS: usize = 5;

/// A terminal that shows a segment.
#[derive(Debug)]
pub(super) struct Screen {
    name: String,
    size: (u16, u16),
    prompt: bool,
    rates: Rates,
    /// The page that is shown, from 0; none while SubDevices in trouble are shown first.
    page: Option<usize>,
    reports: VecDeque<(String, bool)>,
}

impl Screen {
    /// Takes the terminal over. `prompt` says whether commands can be typed.
    pub(super) fn open(name: &str, prompt: bool) -> Self {
        emit(&[&EnterAlternateScreen.ansi()]);
        let hint = if prompt { "type a command, or help; Ctrl-C ends" } else { "Ctrl-C ends" };
        let reports = VecDeque::from([(hint.to_owned(), true)]);
        Self { name: name.to_owned(), size: (0, 0), prompt, rates: Rates::default(), page: None, reports }
    }

    /// Adds the result of a command to the reports.
    pub(super) fn report(&mut self, report: &Report) {
        let source = report.script_line.map_or_else(String::new, |line| format!("script {line}: "));
        let seconds = report.at.as_secs_f64();
        let head = format!("{seconds:8.3}  {source}{}", report.command);
        match &report.outcome {
            Ok(Answer::Help) => {
                for line in help() {
                    self.note(line, true);
                }
            }
            Ok(Answer::Turn(page)) => self.turn(*page),
            Ok(_) => self.note(head, true),
            Err(error) => self.note(format!("{head}: {error}"), false),
        }
        // Everything is drawn anew, so that the typed line disappears.
        self.size = (0, 0);
    }

    /// Adds a line to the reports.
    pub(super) fn note(&mut self, text: String, good: bool) {
        if self.reports.len() == REPORTS {
            self.reports.pop_front();
        }
        self.reports.push_back((text, good));
    }

    fn turn(&mut self, page: Page) {
        self.page = match page {
            Page::Auto => None,
            Page::Next => Some(self.page.map_or(0, |page| page + 1)),
            Page::Number(number) => Some(number.saturating_sub(1)),
        };
    }

    /// Draws everything.
    pub(super) fn draw(&mut self, status: &Status) {
        self.rates.update(status);
        let now = size().unwrap_or((80, 24));
        let fresh = now != self.size;
        self.size = now;
        let (width, height) = (usize::from(now.0), usize::from(now.1));
        let lines = self.lines(status, width, height.saturating_sub(2));
        let mut parts = vec![if fresh { Clear(ClearType::All).ansi() } else { SavePosition.ansi() }];
        for (row, line) in (0u16..).zip(&lines) {
            parts.push(MoveTo(0, row).ansi());
            parts.push(line.clone());
            parts.push(Clear(ClearType::UntilNewLine).ansi());
        }
        if fresh {
            parts.push(MoveTo(0, now.1.saturating_sub(2)).ansi());
            parts.push(if self.prompt { "> ".to_owned() } else { String::new() });
        } else {
            parts.push(RestorePosition.ansi());
        }
        emit(&parts.iter().map(String::as_str).collect::<Vec<_>>());
    }

    /// The lines above the prompt, always `height` of them.
    fn lines(&mut self, status: &Status, width: usize, height: usize) -> Vec<String> {
        let mut lines = self.head(status, width);
        let below = SHOWN_REPORTS.min(height.saturating_sub(HEAD) / 3);
        let reports = if help_is_last(&self.reports) { height.saturating_sub(HEAD) } else { below };
        lines.extend(self.table(status, width, height.saturating_sub(HEAD + reports + 1)));
        let said = last_lines(&self.reports, reports, width);
        lines.resize(height.saturating_sub(said.len()), String::new());
        lines.extend(said.into_iter().map(|(text, good)| if good { text } else { text.red().to_string() }));
        lines
    }

    /// The SubDevices that there is room for, and a line about the others.
    fn table(&mut self, status: &Status, width: usize, room: usize) -> Vec<String> {
        let all = &status.snapshot.subdevices;
        if all.len() <= room {
            return all.iter().map(|subdevice| self.row(status, subdevice, width)).collect();
        }
        let each = room.saturating_sub(1);
        let pages = all.len().div_ceil(each.max(1));
        // The first page follows the last.
        self.page = self.page.map(|page| if page < pages { page } else { 0 });
        let (chosen, place) = match self.page {
            None => (choose(all, each), "`page` shows the others".to_owned()),
            Some(page) => {
                let chosen = all.iter().skip(page * each).take(each).collect();
                (chosen, format!("page {} of {pages}, `page auto` shows trouble first", page + 1))
            }
        };
        let mut lines: Vec<String> = chosen.iter().map(|subdevice| self.row(status, subdevice, width)).collect();
        lines.push(cut(&format!("{}; {place}", rest(all, &chosen)), width).dim().to_string());
        lines
    }

    fn head(&self, status: &Status, width: usize) -> Vec<String> {
        let totals = status.snapshot.totals;
        let count = status.snapshot.subdevices.len();
        let missing = left_out(width).join(" and ");
        let missing = if missing.is_empty() { missing } else { format!("; no room for {missing}") };
        let title = format!("zerocat sim on {}, {count} SubDevices, {} s{missing}", self.name, status.now.as_secs());
        let unsent = if status.unsent == 0 { String::new() } else { format!(", {} unsent", status.unsent) };
        let frames = format!(
            "{} frames/s, {} frames, {} datagrams, {} destroyed{unsent}",
            self.rates.frames_per_second(),
            totals.frames,
            totals.datagrams,
            totals.lost
        );
        let faults = format!("faults: {}", status.faults);
        vec![
            cut(&title, width).bold().to_string(),
            cut(&frames, width),
            cut(&faults, width),
            header(width).reverse().to_string(),
        ]
    }

    fn row(&self, status: &Status, subdevice: &SubDeviceSnapshot, width: usize) -> String {
        let clock = status.clocks.get(subdevice.index).copied().flatten();
        let row = row(&Row { subdevice, clock, activity: self.rates.of(subdevice.index) }, width);
        match (subdevice.error, is_reached(subdevice)) {
            (true, _) => row.red().to_string(),
            (false, false) => row.dim().to_string(),
            (false, true) => row,
        }
    }
}

/// Whether frames reach it.
fn is_reached(subdevice: &SubDeviceSnapshot) -> bool {
    subdevice.position.or(subdevice.second_position).is_some()
}

impl Drop for Screen {
    fn drop(&mut self) {
        emit(&[&LeaveAlternateScreen.ansi()]);
    }
}

/// Chooses SubDevices in trouble before others: those with errors, then those that no frame reaches, then those in a
/// state that few others are in. Returns them in the order of the file.
fn choose(all: &[SubDeviceSnapshot], count: usize) -> Vec<&SubDeviceSnapshot> {
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    for subdevice in all {
        *states.entry(state(subdevice)).or_default() += 1;
    }
    let usual = states.values().copied().max().unwrap_or(0);
    let rank = |subdevice: &SubDeviceSnapshot| {
        let unusual = states.get(&state(subdevice)).is_some_and(|count| *count < usual);
        (!subdevice.error, is_reached(subdevice), !unusual, subdevice.index)
    };
    let mut chosen: Vec<&SubDeviceSnapshot> = all.iter().collect();
    chosen.sort_by_key(|subdevice| rank(subdevice));
    chosen.truncate(count);
    chosen.sort_by_key(|subdevice| subdevice.index);
    chosen
}

/// How many are not shown, and in which states.
fn rest(all: &[SubDeviceSnapshot], chosen: &[&SubDeviceSnapshot]) -> String {
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    let hidden = all.iter().filter(|one| !chosen.iter().any(|shown| shown.index == one.index));
    for subdevice in hidden {
        *states.entry(state(subdevice)).or_default() += 1;
    }
    let states: Vec<String> = states.iter().map(|(state, count)| format!("{count} {state}")).collect();
    format!("{} more: {}", all.len() - chosen.len(), states.join(", "))
}

/// Whether the list of commands is what was said last; it takes the room of the table until the next command.
fn help_is_last(reports: &VecDeque<(String, bool)>) -> bool {
    let last = help().pop();
    reports.back().is_some_and(|(text, _)| Some(text) == last.as_ref())
}

/// The last lines of what was said, broken where they are too long.
fn last_lines(reports: &VecDeque<(String, bool)>, count: usize, width: usize) -> Vec<(String, bool)> {
    let mut lines = Vec::new();
    for (text, good) in reports.iter().rev() {
        let characters: Vec<char> = text.chars().collect();
        lines.extend(characters.chunks(width.max(1)).rev().map(|piece| (piece.iter().collect(), *good)));
        if lines.len() >= count {
            break;
        }
    }
    lines.truncate(count);
    lines.reverse();
    lines
}

/// Writes to the terminal at once, so that nothing that is typed comes in between.
fn emit(parts: &[&str]) {
    print::control(parts.concat());
}

/// A control sequence as text.
trait Ansi {
    fn ansi(&self) -> String;
}

impl<S: Sequence> Ansi for S {
    fn ansi(&self) -> String {
        let mut text = String::new();
        // Writing into a string can't fail.
        let _ = self.write_ansi(&mut text);
        text
    }
}
