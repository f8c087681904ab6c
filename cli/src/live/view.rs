//! What a display says of a run, as lines: pure functions of what is known.

use crate::print::{time, times};
use std::time::Duration;
use zerocat::{Counters, OutOfOp, Phase};

/// Channels that are shown.
const CHANNELS: usize = 8;
/// SubDevices that are shown because they are not well.
const SHOWN: usize = 8;

/// A SubDevice that is not in OP.
#[derive(Debug, Clone, Copy)]
pub(super) struct NotWell<'a> {
    pub(super) out: &'a OutOfOp,
    pub(super) since: Duration,
}

/// A run that has been in OP, as it is now.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    /// The phase, and for how long it has been.
    pub(super) phase: Option<(Phase, Duration)>,
    /// SubDevices on the bus.
    pub(super) subdevices: usize,
    pub(super) counters: &'a Counters,
    /// For how long nobody has answered, if nobody does.
    pub(super) silent: Option<Duration>,
    pub(super) not_well: &'a [NotWell<'a>],
    /// SubDevices whose outputs are safe until they are commanded.
    pub(super) waiting: &'a [String],
    /// Channels with their values.
    pub(super) values: &'a [String],
}

impl View<'_> {
    /// The lines for a terminal, what matters most first. With short names each of them fits 80 columns.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.head()];
        lines.extend(self.not_well.iter().take(SHOWN).map(|one| format!("  {}", one.line())));
        lines.extend(more(self.not_well.len(), SHOWN, "SubDevices"));
        lines.extend(self.waiting.iter().take(SHOWN).map(|one| format!("  {one}: safe until it is commanded")));
        lines.extend(more(self.waiting.len(), SHOWN, "SubDevices"));
        lines.extend(figures(self.counters));
        lines.extend(troubles(self.counters));
        lines.extend(self.values.iter().take(CHANNELS).map(|value| format!("  {value}")));
        lines.extend(more(self.values.len(), CHANNELS, "channels"));
        lines
    }

    fn head(&self) -> String {
        let phase = phase(self.phase);
        match (self.phase, self.not_well.len()) {
            (Some((Phase::Running, _)), _) if self.silent.is_some() => {
                let silent = length(self.silent.unwrap_or_default());
                format!("{phase}, but no SubDevice has answered for {silent}")
            }
            (Some((Phase::Running, _)), 0) => format!("{phase}: all {} SubDevices", self.subdevices),
            (Some((Phase::Running, _)), out) => format!("{phase}, but for {out} of {} SubDevices:", self.subdevices),
            _ => phase,
        }
    }
}

impl NotWell<'_> {
    /// Name, state and how long, then what else there is to say: a narrow terminal cuts the end off.
    fn line(&self) -> String {
        let OutOfOp { who, key, shown, .. } = self.out;
        let place = format!("SubDevice {}", who.position);
        let name = key.as_ref().into_iter().chain([&who.name]).find(|name| !name.is_empty()).unwrap_or(&place);
        let since = length(self.since);
        match shown {
            None => format!("{name}: no answer for {since}, {who}"),
            Some(shown) if shown.status.error() => {
                format!("{name}: {} for {since}, {}, {who}", shown.status, shown.code)
            }
            Some(shown) => format!("{name}: {} for {since}, {who}", shown.status),
        }
    }
}

/// A phase in words.
pub(super) fn reached(phase: Option<Phase>) -> String {
    phase.map_or_else(|| "opening the link".to_owned(), |phase| phase.to_string())
}

/// A phase in words, and how long it has been.
pub(super) fn phase(phase: Option<(Phase, Duration)>) -> String {
    let words = reached(phase.map(|(phase, _)| phase));
    match phase {
        Some((Phase::Running, since)) => format!("{words} for {}", length(since)),
        Some((_, since)) => format!("{words} ({})", length(since)),
        None => words,
    }
}

/// The figures as one line.
pub(super) fn plain(counters: &Counters, out: &[OutOfOp], waiting: &[String], values: &[String]) -> String {
    let Counters { cycle, working_counter, expected_working_counter, .. } = *counters;
    let [round_trip, wakeup, send] = [counters.round_trip, counters.wakeup_jitter, counters.send_jitter].map(time);
    let mut text = format!(
        "cycle {cycle} | working counter {working_counter}/{expected_working_counter} | round trip {round_trip} | \
         wake-up {wakeup}, sent {send} after the tick"
    );
    for trouble in counted(counters) {
        text.push_str(&format!(" | {trouble}"));
    }
    if !out.is_empty() {
        let names: Vec<_> = out.iter().map(|out| out.who.to_string()).collect();
        let what = if out.iter().any(OutOfOp::has_error_in_op) { "not well" } else { "not in OP" };
        text.push_str(&format!(" | {what}: {}", names.join(", ")));
    }
    if !waiting.is_empty() {
        text.push_str(&format!(" | safe until commanded: {}", waiting.join(", ")));
    }
    let values: Vec<&str> = values.iter().take(CHANNELS).map(String::as_str).collect();
    if values.is_empty() { text } else { format!("{text} | {}", values.join(", ")) }
}

/// Whether the newest cycle was answered by nobody.
pub(super) const fn is_silent(counters: &Counters) -> bool {
    counters.expected_working_counter > 0 && counters.working_counter == 0
}

fn figures(counters: &Counters) -> [String; 2] {
    let Counters { cycle, working_counter, expected_working_counter, .. } = *counters;
    let [round_trip, wakeup, send] = [counters.round_trip, counters.wakeup_jitter, counters.send_jitter].map(time);
    [
        format!("cycle {cycle}, working counter {working_counter} of {expected_working_counter}"),
        format!("round trip {round_trip}; woke {wakeup}, sent {send} after the tick"),
    ]
}

/// What went wrong since the start, in lines of at most three.
fn troubles(counters: &Counters) -> Vec<String> {
    let counted = counted(counters);
    counted.chunks(3).map(|some| format!("since the start: {}", some.join(", "))).collect()
}

fn counted(counters: &Counters) -> Vec<String> {
    let troubles = [
        (counters.lost_cycles, "lost"),
        (counters.skipped, "skipped"),
        (counters.working_counter_faults, "working counter faults"),
        (counters.overruns, "overruns"),
    ];
    let told = troubles.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    let preempted = (counters.holes > 0).then(|| format!("preempted {}", times(counters.holes)));
    told.chain(preempted).collect()
}

fn more(all: usize, shown: usize, what: &str) -> Option<String> {
    (all > shown).then(|| format!("  and {} more {what}", all - shown))
}

/// A time for people: `7 s`, `2 min 7 s`, `3 h 2 min`.
fn length(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn figures_of_a_long_run_with_troubles_fit_80_columns() {
        let counters = Counters {
            cycle: 1_000_000_000,
            working_counter: 1_000,
            expected_working_counter: 1_000,
            round_trip: 123_456,
            wakeup_jitter: 123_456,
            send_jitter: 123_456,
            lost_cycles: 1_000_000,
            skipped: 1_000_000,
            working_counter_faults: 1_000_000,
            overruns: 1_000_000,
            holes: 1_000_000,
            ..Default::default()
        };
        let phase = Some((Phase::Running, 100 * HOUR));
        let none: &[String] = &[];
        let view = View {
            phase,
            subdevices: 100,
            counters: &counters,
            silent: None,
            not_well: &[],
            waiting: none,
            values: none,
        };
        let lines = view.lines();
        assert!(lines.iter().all(|line| line.chars().count() < 80), "{lines:#?}");
        assert_eq!(lines[0], "in OP for 100 h 0 min: all 100 SubDevices");
        assert_eq!(lines.len(), 5, "{lines:#?}");
    }

    #[test]
    fn a_network_that_nobody_answers_from_is_not_said_to_be_in_order() {
        let counters = Counters { expected_working_counter: 9, ..Default::default() };
        assert!(is_silent(&counters) && !is_silent(&Counters { working_counter: 7, ..counters }));
        let phase = Some((Phase::Running, Duration::from_secs(4)));
        let silent = Some(Duration::from_secs(1));
        let view = View { phase, subdevices: 6, counters: &counters, silent, not_well: &[], waiting: &[], values: &[] };
        assert_eq!(view.lines()[0], "in OP for 4 s, but no SubDevice has answered for 1 s");
    }

    #[test]
    fn a_line_of_a_run_without_values_ends_with_what_it_says() {
        assert!(plain(&Counters::default(), &[], &[], &[]).ends_with("after the tick"));
    }

    #[test]
    fn lengths_are_shown_in_two_units() {
        let lengths = [7, 127, 3 * 3600 + 120].map(|seconds| length(Duration::from_secs(seconds)));
        assert_eq!(lengths, ["7 s", "2 min 7 s", "3 h 2 min"]);
    }

    #[test]
    fn a_channel_too_many_is_counted() {
        let values: Vec<String> = (0..10).map(|channel| format!("channel {channel}")).collect();
        let view = View {
            phase: None,
            subdevices: 1,
            counters: &Counters::default(),
            silent: None,
            not_well: &[],
            waiting: &[],
            values: &values,
        };
        assert_eq!(view.lines().last().unwrap(), "  and 2 more channels");
        assert_eq!(view.lines()[0], "opening the link");
    }
}
