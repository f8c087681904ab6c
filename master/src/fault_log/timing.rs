//! Cycles that were lost or late, in words that tell a machine that doesn't keep time from a cable that is bad.
//!
//! A frame that is missing belongs to the machine where its own cycle was late or preempted, and to the network
//! otherwise; one that is missing while the interface has no carrier belongs to the network, however late the machine was.
//! The realtime thread tells in the order in which it happens: first what it saw of the time, then the frames.

use super::carrier::Cable;
use super::lines::Line;
use crate::report::LinkReport;
use std::time::Duration;
use zerocat_engine::CycleFault;
use zerocat_faults::Fault;
use zerocat_tasks::short_time;

/// What came of time, since it was last told.
#[derive(Debug)]
pub(super) struct Timing {
    period: Duration,
    far_end: FarEnd,
    since: Since,
    now: Now,
    /// Whether it was said where to find help.
    hinted: bool,
    /// Cycles of which something was said, by whose they are.
    missed: u64,
    lost: u64,
}

/// What is at the other end of the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FarEnd {
    /// A network: cables, SubDevices.
    Cable,
    /// A program on this machine, by a link in the process or by an interface without hardware.
    Program,
}

impl FarEnd {
    /// What is behind a link.
    pub(crate) fn of(link: &LinkReport) -> Self {
        match link.driver.as_deref() {
            None | Some("veth") => Self::Program,
            Some(_) => Self::Cable,
        }
    }
}

/// What happened since the last sentence.
#[derive(Debug, Default, PartialEq, Eq)]
struct Since {
    /// Ticks without a frame, because this machine was late.
    skipped: u64,
    /// Cycles that lost frames because this machine was late in them.
    missed: u64,
    /// Cycles that were lost although this machine was on time.
    lost: u64,
    /// Cycles that were lost while the interface had no carrier.
    cut: u64,
    /// The cycle that was lost last.
    cycle: u64,
    /// The longest wait for the CPU.
    wait: Option<Wait>,
}

/// The cycle that events come of.
#[derive(Debug, Default)]
struct Now {
    cycle: u64,
    skipped: Duration,
    wait: Option<Wait>,
    lost: bool,
}

/// A time without the CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Wait {
    time: Duration,
    how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum How {
    WokeLate,
    TakenAway,
}

impl Timing {
    pub(super) fn new(period: Duration, far_end: FarEnd) -> Self {
        Self { period, far_end, since: Since::default(), now: Now::default(), hinted: false, missed: 0, lost: 0 }
    }

    /// Takes a fault in. `cable` is asked for a cycle that was lost. Returns whether it is a fault of time.
    pub(super) fn note(&mut self, cycle: u64, fault: CycleFault, cable: impl FnOnce() -> Cable) -> bool {
        if self.now.cycle != cycle {
            self.now = Now { cycle, ..Now::default() };
        }
        match fault {
            CycleFault::Skipped(ticks) => {
                self.now.skipped = self.period.saturating_mul(ticks.try_into().unwrap_or(u32::MAX));
                self.since.skipped += ticks;
                self.since.cycle = cycle.saturating_sub(1);
                self.waited(self.now.skipped, How::WokeLate);
            }
            CycleFault::Late(by) => self.waited(self.now.skipped.saturating_add(by), How::WokeLate),
            CycleFault::Hole(time) => self.waited(time, How::TakenAway),
            CycleFault::Lost { .. } => self.lost(cycle, cable),
            _ => return false,
        }
        true
    }

    fn waited(&mut self, time: Duration, how: How) {
        self.now.wait = self.now.wait.max(Some(Wait { time, how }));
        self.since.wait = self.since.wait.max(self.now.wait);
    }

    fn lost(&mut self, cycle: u64, cable: impl FnOnce() -> Cable) {
        if std::mem::replace(&mut self.now.lost, true) {
            return;
        }
        self.since.cycle = cycle;
        match self.now.wait {
            _ if cable() == Cable::Out => self.since.cut += 1,
            // It may have been told before its frames were.
            Some(wait) => {
                self.since.missed += 1;
                self.since.wait = self.since.wait.max(Some(wait));
            }
            None => self.since.lost += 1,
        }
    }

    /// Whether a kind of trouble waits that nothing was said of yet.
    pub(super) const fn holds_a_first(&self) -> bool {
        let Since { skipped, missed, lost, cut, .. } = self.since;
        (skipped + missed > 0 && self.missed == 0) || (lost + cut > 0 && self.lost == 0)
    }

    /// How many cycles were lost of which something was said, by fault.
    pub(super) const fn counts(&self) -> [(Fault, u64); 2] {
        [(Fault::MachineLate, self.missed), (Fault::CyclesLost, self.lost)]
    }

    /// What happened since the last call, a sentence for the machine, one for the cable that was out and one for the
    /// network: trouble where a cycle was lost. `cable` is asked for what the network has lost.
    pub(super) fn sentences(&mut self, cable: &dyn Fn() -> Cable) -> Vec<Line> {
        let since = std::mem::take(&mut self.since);
        let Since { skipped, missed, lost, cut, cycle, wait } = since;
        self.missed += skipped + missed;
        self.lost += lost + cut;
        if skipped + missed + lost + cut == 0 {
            let late = wait.map(|wait| Line::News(format!("{}; no cycle was lost", wait.sentence(false))));
            return late.into_iter().collect();
        }
        let machine = (skipped + missed > 0).then(|| Line::Trouble(Fault::MachineLate, self.machine(&since)));
        let network = if lost + cut > 0 { self.network(lost, cut, cycle, cable()) } else { Vec::new() };
        machine.into_iter().chain(network.into_iter().map(|text| Line::Trouble(Fault::CyclesLost, text))).collect()
    }

    fn machine(&mut self, since: &Since) -> String {
        let Since { skipped, missed, cycle, wait, .. } = *since;
        let several = skipped + missed > 1;
        let cause = wait.map_or_else(|| "this machine was late".to_owned(), |wait| wait.sentence(several));
        let innocent = match self.far_end {
            FarEnd::Cable => "not the cable",
            FarEnd::Program => "not the segment",
        };
        let hint = if std::mem::replace(&mut self.hinted, true) { "" } else { ", see `zerocat doctor`" };
        let what = match (skipped, missed) {
            (0, _) => cycles(missed, cycle, "lost"),
            (_, 0) => cycles(skipped, cycle, "skipped"),
            (1, _) => format!("a cycle skipped and {missed} lost"),
            _ => format!("{skipped} cycles skipped and {missed} lost"),
        };
        format!("{what}: {cause} ({innocent}{hint})")
    }

    /// What the network lost. Where the cable is out now, that is why.
    fn network(&self, lost: u64, cut: u64, cycle: u64, cable: Cable) -> Vec<String> {
        if cable == Cable::Out {
            let lost = cycles(lost + cut, cycle, "lost");
            return vec![format!(
                "{lost}: the interface has no carrier: the cable is out, or the other end has no power"
            )];
        }
        let cut = (cut > 0).then(|| {
            let lost = cycles(cut, cycle, "lost");
            format!("{lost}: the interface had no carrier: the cable was out, or the other end had no power")
        });
        let elsewhere = (lost > 0).then(|| format!("{}: {}", cycles(lost, cycle, "lost"), self.elsewhere()));
        cut.into_iter().chain(elsewhere).collect()
    }

    /// Why cycles are lost that were on time, with a carrier.
    const fn elsewhere(&self) -> &'static str {
        match self.far_end {
            FarEnd::Cable => "no answer in time, and this machine was on time; look at cables, connectors and power",
            FarEnd::Program => "the simulated segment was late, it may have had no CPU; this machine was on time",
        }
    }
}

impl Wait {
    fn sentence(self, one_of_many: bool) -> String {
        let (time, at_most) = (short_time(self.time), if one_of_many { "up to " } else { "" });
        match self.how {
            How::WokeLate if one_of_many => format!("this machine woke up late, by up to {time}"),
            How::WokeLate => format!("this machine woke up {time} late"),
            How::TakenAway => format!("this machine gave the CPU to something else for {at_most}{time}"),
        }
    }
}

/// One cycle by its number, more by how many they are.
fn cycles(count: u64, last: u64, what: &str) -> String {
    if count == 1 { format!("cycle {last} {what}") } else { format!("{count} cycles {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOST: CycleFault = CycleFault::Lost { frame: 0 };

    fn trouble(told: Vec<Line>) -> String {
        let text = |line| match line {
            Line::Trouble(_, text) => text,
            Line::News(text) => panic!("no trouble: {text}"),
        };
        told.into_iter().map(text).collect::<Vec<_>>().join("; ")
    }

    fn after(faults: &[(u64, CycleFault)], far_end: FarEnd) -> Timing {
        let mut timing = Timing { hinted: true, ..Timing::new(Duration::from_millis(1), far_end) };
        assert!(faults.iter().all(|(cycle, fault)| timing.note(*cycle, *fault, || Cable::In)));
        timing
    }

    fn told(faults: &[(u64, CycleFault)]) -> String {
        let mut timing = after(faults, FarEnd::Cable);
        let told = trouble(timing.sentences(&|| Cable::In));
        assert_eq!(timing.sentences(&|| Cable::In), []);
        told
    }

    const LATE: CycleFault = CycleFault::Late(Duration::from_micros(400));

    #[test]
    fn a_cycle_of_a_late_machine_is_not_the_cables_fault() {
        assert_eq!(told(&[(7, LATE), (7, LOST)]), "cycle 7 lost: this machine woke up 400 us late (not the cable)");
        assert_eq!(
            told(&[(7, CycleFault::Skipped(1)), (7, LATE)]),
            "cycle 6 skipped: this machine woke up 1.4 ms late (not the cable)"
        );
        let hole = CycleFault::Hole(Duration::from_millis(3));
        assert_eq!(
            told(&[(9, hole), (9, CycleFault::Skipped(2)), (9, LOST)]),
            "2 cycles skipped and 1 lost: this machine gave the CPU to something else for up to 3.0 ms (not the cable)"
        );
    }

    #[test]
    fn a_cycle_that_was_on_time_is_lost_elsewhere_and_counts_once() {
        assert_eq!(
            told(&[(8, CycleFault::Lost { frame: 0 }), (8, CycleFault::Lost { frame: 1 })]),
            "cycle 8 lost: no answer in time, and this machine was on time; look at cables, connectors and power"
        );
    }

    #[test]
    fn cycles_of_both_kinds_are_told_apart() {
        let told = told(&[(7, LATE), (7, LOST), (8, LOST), (9, LOST)]);
        let (machine, network) = told.split_once("; ").unwrap();
        assert!(machine.contains("woke up 400 us late (not the cable)"), "{told}");
        assert!(network.starts_with("2 cycles lost: no answer in time"), "{told}");
    }

    #[test]
    fn where_the_cable_is_known_to_be_out_nobody_else_is_blamed() {
        for far_end in [FarEnd::Cable, FarEnd::Program] {
            let mut timing = after(&[(8, LOST), (9, LOST)], far_end);
            let told = trouble(timing.sentences(&|| Cable::Out));
            let text = "2 cycles lost: the interface has no carrier: the cable is out, or the other end has no power";
            assert_eq!(told, text);
        }
    }

    #[test]
    fn what_was_lost_while_the_cable_was_out_is_told_so_when_it_is_back() {
        let mut timing = after(&[(7, LATE), (7, LOST)], FarEnd::Program);
        timing.sentences(&|| Cable::In);
        for fault in [LATE, LOST] {
            timing.note(8, fault, || Cable::Out);
        }
        timing.note(9, LOST, || Cable::Out);
        let text = "2 cycles lost: the interface had no carrier: the cable was out, or the other end had no power";
        assert_eq!(trouble(timing.sentences(&|| Cable::In)), text);
        assert_eq!(timing.counts(), [(Fault::MachineLate, 1), (Fault::CyclesLost, 2)]);
    }

    #[test]
    fn nobody_is_sent_to_a_cable_where_there_is_none() {
        let mut timing = after(&[(7, LATE), (7, LOST), (8, LOST)], FarEnd::Program);
        let told = trouble(timing.sentences(&|| Cable::In));
        assert!(told.contains("(not the segment)") && told.contains("simulated segment was late"), "{told}");
        assert!(!told.contains("cable"), "{told}");
        let far_end = |driver: Option<&str>| {
            FarEnd::of(&LinkReport { driver: driver.map(str::to_owned), ..LinkReport::new("xdp", "enp3s0") })
        };
        assert_eq!([None, Some("veth")].map(far_end), [FarEnd::Program; 2]);
        assert_eq!(far_end(Some("igb")), FarEnd::Cable);
    }

    #[test]
    fn a_late_cycle_whose_frames_came_back_is_no_trouble() {
        let mut timing = after(&[(7, LATE)], FarEnd::Cable);
        let text = "this machine woke up 400 us late; no cycle was lost";
        assert_eq!(timing.sentences(&|| Cable::In), [Line::News(text.to_owned())]);
    }

    #[test]
    fn frames_that_are_told_after_their_late_cycle_was_are_still_the_machines() {
        let mut timing = Timing::new(Duration::from_millis(1), FarEnd::Cable);
        timing.note(7, LATE, || Cable::In);
        timing.sentences(&|| Cable::In);
        timing.note(7, LOST, || Cable::In);
        assert!(
            trouble(timing.sentences(&|| Cable::In))
                .ends_with("woke up 400 us late (not the cable, see `zerocat doctor`)")
        );
        timing.note(9, LATE, || Cable::In);
        timing.note(9, LOST, || Cable::In);
        assert!(!trouble(timing.sentences(&|| Cable::In)).contains("doctor"), "it is said once");
    }
}
