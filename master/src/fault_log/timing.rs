//! Cycles that were lost or late, in words that tell a machine that doesn't keep time from a cable that is bad.
//!
//! A frame that is missing belongs to the machine where its own cycle was late or thrown off the CPU, and to the network
//! otherwise. The realtime thread tells in the order in which it happens: first what it saw of the time, then the frames.

use std::time::Duration;
use zerocat_engine::CycleFault;

/// What came of time, since it was last told.
#[derive(Debug)]
pub(super) struct Timing {
    period: Duration,
    since: Since,
    now: Now,
    /// Whether it was said where to find help.
    hinted: bool,
}

/// What happened since the last sentence.
#[derive(Debug, Default, PartialEq, Eq)]
struct Since {
    /// Cycles that this machine missed: ticks without a frame, and frames of late cycles.
    missed: u64,
    /// Cycles that were lost although this machine was on time.
    lost: u64,
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
    pub(super) fn new(period: Duration) -> Self {
        Self { period, since: Since::default(), now: Now::default(), hinted: false }
    }

    /// Takes a fault in. Returns whether it is one of time.
    pub(super) fn note(&mut self, cycle: u64, fault: CycleFault) -> bool {
        if self.now.cycle != cycle {
            self.now = Now { cycle, ..Now::default() };
        }
        match fault {
            CycleFault::Skipped(ticks) => {
                self.now.skipped = self.period.saturating_mul(ticks.try_into().unwrap_or(u32::MAX));
                self.since.missed += ticks;
                self.since.cycle = cycle.saturating_sub(1);
                self.waited(self.now.skipped, How::WokeLate);
            }
            CycleFault::Late(by) => self.waited(self.now.skipped.saturating_add(by), How::WokeLate),
            CycleFault::Hole(time) => self.waited(time, How::TakenAway),
            CycleFault::Lost { .. } => self.lost(cycle),
            _ => return false,
        }
        true
    }

    fn waited(&mut self, time: Duration, how: How) {
        self.now.wait = self.now.wait.max(Some(Wait { time, how }));
        self.since.wait = self.since.wait.max(self.now.wait);
    }

    fn lost(&mut self, cycle: u64) {
        if std::mem::replace(&mut self.now.lost, true) {
            return;
        }
        self.since.cycle = cycle;
        match self.now.wait {
            // It may have been told before its frames were.
            Some(wait) => {
                self.since.missed += 1;
                self.since.wait = self.since.wait.max(Some(wait));
            }
            None => self.since.lost += 1,
        }
    }

    /// What happened since the last call, as a sentence.
    pub(super) fn sentence(&mut self) -> Option<String> {
        let since = std::mem::take(&mut self.since);
        let Since { missed, lost, cycle, wait } = since;
        let machine = wait.map(|wait| match missed {
            0 => format!("{}; no cycle was lost by that", wait.sentence(false)),
            _ => format!("{}: {} (not the cable)", cycles(missed, cycle), wait.sentence(missed > 1)),
        });
        let network = (lost > 0).then(|| {
            format!(
                "{}: {} did not come back in time although this machine was on time; look at cables, connectors and power, or \
                 at the CPU of a simulated segment",
                cycles(lost, cycle),
                if lost == 1 { "its frame" } else { "their frames" }
            )
        });
        let hint = machine.is_some() && missed > 0 && !std::mem::replace(&mut self.hinted, true);
        let hint = hint.then(|| "`zerocat doctor` says what can be done about it".to_owned());
        let parts: Vec<String> = machine.into_iter().chain(hint).chain(network).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

impl Wait {
    fn sentence(self, one_of_many: bool) -> String {
        let (time, at_most) = (short(self.time), if one_of_many { "up to " } else { "" });
        match self.how {
            How::WokeLate => format!("this machine woke up {at_most}{time} late"),
            How::TakenAway => format!("this machine gave the CPU to something else for {at_most}{time}"),
        }
    }
}

/// One cycle by its number, more by how many they are.
fn cycles(count: u64, last: u64) -> String {
    if count == 1 { format!("cycle {last} lost") } else { format!("{count} cycles lost") }
}

/// A time with as many digits as matter.
fn short(time: Duration) -> String {
    match time.as_micros() {
        micros @ 0..1_000 => format!("{micros} us"),
        1_000..1_000_000 => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOST: CycleFault = CycleFault::Lost { frame: 0 };

    fn told(faults: &[(u64, CycleFault)]) -> String {
        let mut timing = Timing { hinted: true, ..Timing::new(Duration::from_millis(1)) };
        assert!(faults.iter().all(|(cycle, fault)| timing.note(*cycle, *fault)));
        let told = timing.sentence().unwrap();
        assert_eq!(timing.sentence(), None);
        told
    }

    #[test]
    fn a_cycle_of_a_late_machine_is_not_the_cables_fault() {
        let late = CycleFault::Late(Duration::from_micros(940));
        assert_eq!(told(&[(7, late), (7, LOST)]), "cycle 7 lost: this machine woke up 940 us late (not the cable)");
        let late = CycleFault::Late(Duration::from_micros(200));
        assert_eq!(
            told(&[(7, CycleFault::Skipped(1)), (7, late)]),
            "cycle 6 lost: this machine woke up 1.2 ms late (not the cable)"
        );
        let hole = CycleFault::Hole(Duration::from_millis(3));
        assert_eq!(
            told(&[(9, hole), (9, CycleFault::Skipped(2)), (9, LOST)]),
            "3 cycles lost: this machine gave the CPU to something else for up to 3.0 ms (not the cable)"
        );
    }

    #[test]
    fn a_cycle_that_was_on_time_is_lost_elsewhere_and_counts_once() {
        let told = told(&[(8, CycleFault::Lost { frame: 0 }), (8, CycleFault::Lost { frame: 1 })]);
        assert!(told.starts_with("cycle 8 lost: its frame did not come back in time although"), "{told}");
        assert!(told.contains("look at cables") && !told.contains("not the cable"), "{told}");
    }

    #[test]
    fn cycles_of_both_kinds_are_told_apart() {
        let late = CycleFault::Late(Duration::from_micros(400));
        let told = told(&[(7, late), (7, LOST), (8, LOST), (9, LOST)]);
        let (machine, network) = told.split_once("; ").unwrap();
        assert!(machine.contains("woke up 400 us late (not the cable)"), "{told}");
        assert!(network.starts_with("2 cycles lost: their frames"), "{told}");
    }

    #[test]
    fn a_late_cycle_whose_frames_came_back_is_told_as_harmless() {
        let late = CycleFault::Late(Duration::from_micros(400));
        assert_eq!(told(&[(7, late)]), "this machine woke up 400 us late; no cycle was lost by that");
    }

    #[test]
    fn frames_that_are_told_after_their_late_cycle_was_are_still_the_machines() {
        let mut timing = Timing::new(Duration::from_millis(1));
        timing.note(7, CycleFault::Late(Duration::from_micros(400)));
        timing.sentence();
        timing.note(7, LOST);
        assert!(timing.sentence().unwrap().contains("woke up 400 us late (not the cable); `zerocat doctor`"));
        timing.note(9, LOST);
        assert!(!timing.sentence().unwrap().contains("doctor"), "it is said once");
    }
}
