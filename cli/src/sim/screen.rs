//! The live table on a terminal, with a line to type commands in.
//!
//! The terminal stays in its own line mode: what is typed is edited and shown by the terminal, and Ctrl-C is a signal.
//! The table is drawn over itself above that line, and the cursor put back where it was.

use super::control::{Answer, Report, help};
use super::served::{Faults, position, state, trouble};
use crossterm::Command as Sequence;
use crossterm::cursor::{MoveTo, RestorePosition, SavePosition};
use crossterm::style::Stylize;
use crossterm::terminal::{Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, size};
use std::collections::{BTreeMap, VecDeque};
use std::io::Write;
use std::time::Duration;
use zerocat_link::LinkCounters;
use zerocat_sim::{Snapshot, SubDeviceSnapshot};

/// Time over which rates are taken.
const WINDOW: Duration = Duration::from_secs(1);
/// Lines of reports that are kept.
const REPORTS: usize = 64;
/// Lines above the SubDevices.
const HEAD: usize = 4;
/// Lines of reports that are shown, where there is room.
const SHOWN_REPORTS: usize = 5;

/// Counts at the start of the window, and what came of the one before.
#[derive(Debug, Default)]
struct Rates {
    since: Duration,
    frames: u64,
    cyclic: Vec<u64>,
    frames_per_second: u64,
    cyclic_per_second: Vec<u64>,
}

/// A terminal that shows a segment.
#[derive(Debug)]
pub(super) struct Screen {
    name: String,
    size: (u16, u16),
    prompt: bool,
    rates: Rates,
    reports: VecDeque<(String, bool)>,
}

/// What is shown.
pub(super) struct Sight<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) link: LinkCounters,
    pub(super) faults: Faults,
    pub(super) now: Duration,
}

impl Screen {
    /// Takes the terminal over. `prompt` says whether commands can be typed.
    pub(super) fn open(name: &str, prompt: bool) -> Self {
        emit(&[&EnterAlternateScreen.ansi()]);
        let hint = if prompt { "type a command, or help; Ctrl-C ends" } else { "Ctrl-C ends" };
        let reports = VecDeque::from([(hint.to_owned(), true)]);
        Self { name: name.to_owned(), size: (0, 0), prompt, rates: Rates::default(), reports }
    }

    /// Takes note of what a command said.
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
            Ok(_) => self.note(head, true),
            Err(error) => self.note(format!("{head}: {error}"), false),
        }
        // The line that was typed is done with.
        self.size = (0, 0);
    }

    fn note(&mut self, text: String, good: bool) {
        if self.reports.len() == REPORTS {
            self.reports.pop_front();
        }
        self.reports.push_back((text, good));
    }

    /// Draws all of it.
    pub(super) fn draw(&mut self, sight: &Sight<'_>) {
        self.rates.update(sight);
        let now = size().unwrap_or((80, 24));
        let fresh = now != self.size;
        self.size = now;
        let (width, height) = (usize::from(now.0), usize::from(now.1));
        let lines = self.lines(sight, width, height.saturating_sub(2));
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

    /// The lines above the prompt, all of the same number.
    fn lines(&self, sight: &Sight<'_>, width: usize, height: usize) -> Vec<String> {
        let mut lines = self.head(sight, width);
        let all = &sight.snapshot.subdevices;
        let below = SHOWN_REPORTS.min(height.saturating_sub(HEAD) / 3);
        let reports = if help_is_last(&self.reports) { height.saturating_sub(HEAD) } else { below };
        let room = height.saturating_sub(HEAD + reports + 1);
        let shown = if all.len() <= room { all.len() } else { room.saturating_sub(1) };
        let chosen = choose(all, shown);
        lines.extend(chosen.iter().map(|subdevice| self.row(subdevice, width)));
        if shown < all.len() {
            lines.push(cut(&rest(all, &chosen), width).dim().to_string());
        }
        let said = last_lines(&self.reports, reports, width);
        lines.resize(height.saturating_sub(said.len()), String::new());
        lines.extend(said.into_iter().map(|(text, good)| if good { text } else { text.red().to_string() }));
        lines
    }

    fn head(&self, sight: &Sight<'_>, width: usize) -> Vec<String> {
        let totals = sight.snapshot.totals;
        let count = sight.snapshot.subdevices.len();
        let title = format!("zerocat sim on {}, {count} SubDevices, {} s", self.name, sight.now.as_secs());
        let unsent =
            if sight.link.send_errors == 0 { String::new() } else { format!(", {} unsent", sight.link.send_errors) };
        let frames = format!(
            "{} frames/s, {} frames, {} datagrams, {} destroyed{unsent}",
            self.rates.frames_per_second, totals.frames, totals.datagrams, totals.lost
        );
        let faults = format!("faults: {}", sight.faults);
        let header = format!(
            "{:>3} {:>3} {:<14} {:<9} {:<11} {:>6} {:>6} {:>4}  {}",
            "no", "pos", "name", "type", "state", "cyc/s", "mails", "wdog", "AL status code"
        );
        vec![
            cut(&title, width).bold().to_string(),
            cut(&frames, width),
            cut(&faults, width),
            cut(&format!("{header:<width$}"), width).reverse().to_string(),
        ]
    }

    fn row(&self, subdevice: &SubDeviceSnapshot, width: usize) -> String {
        let code = trouble(subdevice);
        let rate = self.rates.cyclic_per_second.get(subdevice.index).copied().unwrap_or(0);
        let row = format!(
            "{:>3} {:>3} {:<14} {:<9} {:<11} {rate:>6} {:>6} {:>4}  {code}",
            subdevice.index,
            position(subdevice),
            cut(&subdevice.name, 14),
            cut(&subdevice.order, 9),
            state(subdevice),
            subdevice.mailbox_requests,
            subdevice.watchdog_expiries,
        );
        let row = cut(&row, width);
        match (subdevice.error, subdevice.position) {
            (true, _) => row.red().to_string(),
            (false, None) => row.dim().to_string(),
            (false, Some(_)) => row,
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        emit(&[&LeaveAlternateScreen.ansi()]);
    }
}

impl Rates {
    fn update(&mut self, sight: &Sight<'_>) {
        let passed = sight.now.saturating_sub(self.since);
        if passed < WINDOW {
            return;
        }
        let ms = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX).max(1);
        let per_second = |now: u64, before: u64| now.saturating_sub(before).saturating_mul(1000) / ms;
        let cyclic: Vec<u64> = sight.snapshot.subdevices.iter().map(|subdevice| subdevice.cyclic).collect();
        self.frames_per_second = per_second(sight.snapshot.totals.frames, self.frames);
        let before = self.cyclic.iter().copied().chain(std::iter::repeat(0));
        self.cyclic_per_second = cyclic.iter().zip(before).map(|(now, before)| per_second(*now, before)).collect();
        (self.since, self.frames, self.cyclic) = (sight.now, sight.snapshot.totals.frames, cyclic);
    }
}

/// Those that are most worth a look, in the order of the file: errors first, then those that no frame reaches, then
/// those whose state few others have.
fn choose(all: &[SubDeviceSnapshot], count: usize) -> Vec<&SubDeviceSnapshot> {
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    for subdevice in all {
        *states.entry(state(subdevice)).or_default() += 1;
    }
    let usual = states.values().copied().max().unwrap_or(0);
    let rank = |subdevice: &SubDeviceSnapshot| {
        let unusual = states.get(&state(subdevice)).is_some_and(|count| *count < usual);
        (!subdevice.error, subdevice.position.is_some(), !unusual, subdevice.index)
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
    format!("    and {} more: {}", all.len() - chosen.len(), states.join(", "))
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

/// At most so many characters, with a mark where some are left out.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// Writes to the terminal at once, so that nothing that is typed comes in between.
fn emit(parts: &[&str]) {
    let mut error = std::io::stderr().lock();
    // A terminal that is gone shows nothing; serving goes on.
    let _ = error.write_all(parts.concat().as_bytes()).and_then(|()| error.flush());
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
