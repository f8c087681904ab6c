//! Which lines events make: of each kind of trouble one a second at most. What comes of a machine that doesn't keep time is
//! one kind, and wrong working counters are another.

use super::carrier::{Cable, Carrier};
use super::counters::WrongCounters;
use super::timing::{FarEnd, Timing};
use crate::told::FaultCounts;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use zerocat_engine::{CycleFault, Event};
use zerocat_faults::Fault;
use zerocat_link::LinkFault;

/// Time between two lines of a kind.
const WINDOW: Duration = Duration::from_secs(1);

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    Trouble(Fault, String),
    News(String),
}

/// What is to be said, and what was said when.
pub(super) struct Lines {
    timing: Timing,
    timing_said: Said,
    wrong: WrongCounters,
    wrong_said: Said,
    carrier: Carrier,
    others: BTreeMap<Kind, Others>,
    counts: FaultCounts,
}

/// What repetitions are counted by. One that isn't a fault is news.
type Kind = Option<Fault>;

/// When a kind was said last.
#[derive(Debug, Default)]
struct Said(Option<Instant>);

impl Said {
    fn is_long_ago(&self, now: Instant) -> bool {
        self.0.is_none_or(|last| now.saturating_duration_since(last) >= WINDOW)
    }
}

/// Events of another kind since its last line.
#[derive(Debug, Default)]
struct Others {
    first: Option<Event>,
    more: u64,
    said: Said,
}

impl Lines {
    pub(super) fn new(period: Duration, far_end: FarEnd, cable: impl Fn() -> Cable + Send + 'static) -> Self {
        Self {
            timing: Timing::new(period, far_end),
            timing_said: Said::default(),
            wrong: WrongCounters::default(),
            wrong_said: Said::default(),
            carrier: Carrier::new(cable),
            others: BTreeMap::new(),
            counts: FaultCounts::default(),
        }
    }

    /// Takes an event in.
    pub(super) fn note(&mut self, event: Event) {
        if self.timing.note(event.cycle, event.fault, || self.carrier.of_a_lost_cycle()) {
            return;
        }
        let kind = kind(event.fault);
        if let Some(fault) = kind {
            *self.counts.entry(fault).or_default() += 1;
        }
        if self.wrong.note(event.cycle, event.fault) {
            return;
        }
        let others = self.others.entry(kind).or_default();
        others.more += u64::from(others.first.is_some());
        others.first.get_or_insert(event);
    }

    /// What may be said now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Line> {
        let mut lines = Vec::new();
        self.carrier.drained();
        if self.timing_said.is_long_ago(now) || self.timing.holds_a_first() {
            lines.extend(self.timing.sentences(&|| self.carrier.now()));
            if !lines.is_empty() {
                self.timing_said = Said(Some(now));
            }
        }
        lines.extend(self.wrong.look(now));
        if self.wrong_said.is_long_ago(now)
            && let Some(line) = self.wrong.take(now)
        {
            self.wrong_said = Said(Some(now));
            lines.push(line);
        }
        for others in self.others.values_mut().filter(|others| others.said.is_long_ago(now)) {
            if let Some(line) = others.take() {
                others.said = Said(Some(now));
                lines.push(line);
            }
        }
        lines
    }

    /// All that is left.
    pub(super) fn rest(&mut self) -> Vec<Line> {
        let (timing, wrong) = (self.timing.sentences(&|| self.carrier.now()), self.wrong.take(Instant::now()));
        timing.into_iter().chain(wrong).chain(self.others.values_mut().filter_map(Others::take)).collect()
    }

    /// How often each fault came, of what has been said.
    pub(super) fn counts(self) -> FaultCounts {
        let timing = self.timing.counts().into_iter().filter(|(_, count)| *count > 0);
        self.counts.into_iter().chain(timing).collect()
    }
}

impl Others {
    fn take(&mut self) -> Option<Line> {
        let Event { cycle, fault, .. } = self.first.take()?;
        let more = std::mem::take(&mut self.more);
        let more = if more == 0 { String::new() } else { format!("; {more} more {}", several(fault)) };
        let text = format!("cycle {cycle}: {fault}{more}");
        Some(kind(fault).map_or_else(|| Line::News(text.clone()), |kind| Line::Trouble(kind, text.clone())))
    }
}

/// Which fault of the list it is, apart from those of time.
const fn kind(fault: CycleFault) -> Kind {
    match fault {
        CycleFault::Stall(_) => Some(Fault::NoFrameSent),
        CycleFault::WorkingCounter { .. } => Some(Fault::WorkingCounterWrong),
        CycleFault::Link(LinkFault::Down) => Some(Fault::LinkDown),
        CycleFault::Link(LinkFault::Busy(_) | LinkFault::Full) => Some(Fault::LinkBusy),
        CycleFault::Link(_) => Some(Fault::LinkError),
        _ => None,
    }
}

/// Many of a kind.
const fn several(fault: CycleFault) -> &'static str {
    match fault {
        CycleFault::Skipped(_) | CycleFault::Late(_) | CycleFault::Hole(_) | CycleFault::Lost { .. } => "lost cycles",
        CycleFault::Stall(_) => "such times",
        CycleFault::WorkingCounter { .. } => "wrong working counters",
        CycleFault::AlStatus { .. } => "changes of the AL status",
        CycleFault::Link(_) => "errors of the link",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use zerocat_sched::Time;

    fn event(cycle: u64, fault: CycleFault) -> Event {
        Event { cycle, at: Time(0), fault }
    }

    #[test]
    fn a_machine_that_keeps_losing_cycles_makes_one_line_a_second() {
        let began = Instant::now();
        let mut lines = Lines::new(Duration::from_millis(1), FarEnd::Cable, || Cable::In);
        let mut said = Vec::new();
        for cycle in 0..5_000 {
            lines.note(event(cycle, CycleFault::Late(Duration::from_micros(400))));
            lines.note(event(cycle, CycleFault::Lost { frame: 0 }));
            said.extend(lines.due(began + Duration::from_millis(cycle)));
        }
        let [Line::Trouble(Fault::MachineLate, first), rest @ ..] = said.as_slice() else { panic!("{said:?}") };
        assert!(first.starts_with("cycle 0 lost: "), "{first}");
        assert_eq!(rest.len(), 4);
        let told = |line: &Line| matches!(line, Line::Trouble(_, text) if text.starts_with("1000 cycles lost: "));
        assert!(rest.iter().all(told), "{rest:?}");
        assert!(matches!(&lines.rest()[..], [Line::Trouble(_, text)] if text.starts_with("999 cycles lost")));
        assert_eq!(lines.counts(), FaultCounts::from([(Fault::MachineLate, 5_000)]));
    }

    #[test]
    fn cycles_that_a_cable_lost_are_not_blamed_on_others_once_it_is_back() {
        let out = Arc::new(AtomicBool::new(true));
        let is_out = Arc::clone(&out);
        // SYNC: one thread.
        let cable = move || if is_out.load(Ordering::Relaxed) { Cable::Out } else { Cable::In };
        let (mut lines, began) = (Lines::new(Duration::from_millis(1), FarEnd::Program, cable), Instant::now());
        let mut said = Vec::new();
        for cycle in 0..1_010 {
            // SYNC: one thread.
            out.store(cycle < 900, Ordering::Relaxed);
            if cycle < 901 {
                lines.note(event(cycle, CycleFault::Hole(Duration::from_millis(1))));
                lines.note(event(cycle, CycleFault::Lost { frame: 0 }));
            }
            said.extend(lines.due(began + Duration::from_millis(cycle)));
        }
        let had_none =
            |line: &Line| matches!(line, Line::Trouble(Fault::CyclesLost, text) if text.contains("no carrier"));
        assert!(said.len() == 2 && said.iter().all(had_none), "{said:?}");
        lines.note(event(1_020, CycleFault::Lost { frame: 0 }));
        assert!(matches!(&lines.rest()[..], [Line::Trouble(_, text)] if text.contains("simulated segment was late")));
        assert_eq!(lines.counts(), FaultCounts::from([(Fault::CyclesLost, 902)]));
    }

    #[test]
    fn kinds_have_lines_of_their_own_and_repetitions_are_counted() {
        let now = Instant::now();
        let mut lines = Lines::new(Duration::from_millis(1), FarEnd::Cable, || Cable::In);
        let counter = |got| CycleFault::WorkingCounter { frame: 0, datagram: 1, expected: 9, got };
        lines.note(event(3, counter(7)));
        lines.note(event(3, CycleFault::AlStatus { was: 8, now: 12, responding: 9 }));
        let said = lines.due(now);
        assert!(matches!(&said[..], [Line::Trouble(Fault::WorkingCounterWrong, _), Line::News(_)]), "{said:?}");
        for cycle in 4..8 {
            lines.note(event(cycle, CycleFault::Link(LinkFault::Full)));
        }
        let said = lines.due(now);
        assert!(
            matches!(&said[..], [Line::Trouble(Fault::LinkBusy, text)] if text.ends_with("; 3 more errors of the link"))
        );
        lines.note(event(9, CycleFault::Link(LinkFault::Full)));
        assert_eq!(lines.due(now), []);
        assert!(matches!(&lines.rest()[..], [Line::Trouble(Fault::LinkBusy, _)]));
        let counts = [(Fault::WorkingCounterWrong, 1), (Fault::LinkBusy, 5)];
        assert_eq!(lines.counts(), FaultCounts::from(counts));
    }

    #[test]
    fn the_first_of_a_kind_is_said_at_once_whatever_was_said_just_before() {
        let now = Instant::now();
        let mut lines = Lines::new(Duration::from_millis(1), FarEnd::Cable, || Cable::In);
        let mut said = |cycle, faults: &[CycleFault]| {
            faults.iter().for_each(|fault| lines.note(event(cycle, *fault)));
            let name = |line| if let Line::Trouble(fault, _) = line { fault.name() } else { "news" };
            lines.due(now).into_iter().map(name).collect::<Vec<_>>()
        };
        let (late, lost) = (CycleFault::Late(Duration::from_micros(400)), CycleFault::Lost { frame: 0 });
        assert_eq!(said(1, &[late]), ["news"]);
        assert_eq!(said(2, &[late, lost]), ["machine_late"]);
        assert_eq!(said(3, &[lost]), ["cycles_lost"]);
        assert_eq!(said(4, &[lost]), <[&str; 0]>::default());
        assert_eq!(said(5, &[CycleFault::Link(LinkFault::Full)]), ["link_busy"]);
        assert_eq!(said(6, &[CycleFault::Link(LinkFault::Down)]), ["link_down"]);
        assert_eq!(said(7, &[CycleFault::Link(LinkFault::Down)]), <[&str; 0]>::default());
    }
}
