//! Finds out from counters and clocks whether the network as a whole has left OP.
//!
//! SubDevices leave OP by themselves when no frame came for longer than their watchdog, whatever the reason: a cable, a
//! program that was stopped, a machine that slept. Each of these is an outage, also when frames flow again by the time
//! that it is noticed. Pure: what it looks at is passed in.

use std::fmt;
use std::time::Duration;
use zerocat_engine::Counters;
use zerocat_wire::AlState;

/// Shortest silence that ends an exchange, also where the watchdog is shorter.
const SHORTEST: Duration = Duration::from_millis(100);
/// Fewest silent cycles in a row.
const FEWEST: u32 = 3;

/// Why a network was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// No frame came back for so long.
    Silence(Duration),
    /// The program sent no frame for so long: it was stopped, or had no CPU.
    Stall(Duration),
    /// The machine was suspended for so long.
    Suspended(Duration),
    /// The SubDevices' watchdogs expired although no cycle was missed: a virtual machine was paused.
    StoodStill,
    /// The watchdogs of all SubDevices expired that could tell, while frames came back: a virtual machine was paused, or
    /// a cable behind the first SubDevice was out for a moment.
    Expired,
    /// Somebody detached the link's XDP program, so no frame came in.
    Detached,
}

impl Cause {
    /// Whether the network is lost, and not only left alone by this program or machine.
    #[must_use]
    pub const fn is_of_the_network(&self) -> bool {
        matches!(self, Self::Silence(_) | Self::Expired)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silence(time) => write!(f, "no frame came back for {:.1} s", time.as_secs_f64()),
            Self::Stall(time) => {
                write!(f, "the program stood still for {:.1} s: it was stopped, or had no CPU", time.as_secs_f64())
            }
            Self::Suspended(time) => write!(f, "the machine was suspended for {:.1} s", time.as_secs_f64()),
            Self::StoodStill => {
                f.write_str("the SubDevices' watchdogs expired although no cycle was missed: the machine was paused")
            }
            Self::Expired => f.write_str(
                "the SubDevices' watchdogs expired while frames came back: the machine was paused, or a cable within the \
                 network was out",
            ),
            Self::Detached => f.write_str("somebody detached the XDP program, so no frame reached zerocat"),
        }
    }
}

/// What the counters say about the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All answer and are in OP.
    Well,
    /// Somebody doesn't answer, or isn't in OP: ask each.
    Ask,
    /// It must be started over.
    Lost(Cause),
}

/// What was seen so far of an exchange.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Silence after which the network is lost.
    limit: Duration,
    subdevices: u64,
    stalls: u64,
    silences: u64,
    suspended: Duration,
    /// Cycles, and of them those that lost frames, at the last look that found new ones.
    counted: (u64, u64),
    /// Every cycle before that look lost frames.
    blind: bool,
}

impl Watch {
    /// For an exchange that has just reached OP, with SubDevices that leave OP after `watchdog` without frames. The
    /// `counters` are those of before it was installed, so that nothing that happened since is missed.
    pub(crate) fn new(
        period: Duration,
        watchdog: Duration,
        subdevices: usize,
        counters: &Counters,
        suspended: Duration,
    ) -> Self {
        let limit = watchdog.max(SHORTEST).max(period.saturating_mul(FEWEST));
        let subdevices = u64::try_from(subdevices).unwrap_or(u64::MAX);
        let Counters { stalls, silences, .. } = *counters;
        let counted = (counters.cycles, counters.lost_cycles);
        Self { limit, subdevices, stalls, silences, suspended, counted, blind: false }
    }

    /// Judges the counters; `suspended` is how long the machine has slept in all.
    pub(crate) fn look(&mut self, counters: &Counters, suspended: Duration) -> Verdict {
        let slept = suspended.saturating_sub(self.suspended);
        if slept >= self.limit {
            return Verdict::Lost(Cause::Suspended(slept));
        }
        if counters.stalls > self.stalls {
            return Verdict::Lost(Cause::Stall(Duration::from_nanos(counters.stall_last_ns)));
        }
        if counters.silences > self.silences || Duration::from_nanos(counters.silent_ns) >= self.limit {
            let longest = counters.silent_ns.max(counters.silent_longest_ns);
            return Verdict::Lost(Cause::Silence(Duration::from_nanos(longest)));
        }
        let all = counters.al_status == AlState::Op as u64 && counters.al_responding == self.subdevices;
        if self.is_blind(counters) || !all { Verdict::Ask } else { Verdict::Well }
    }

    /// Whether no cycle since the last look told the AL states, because each lost frames: what the counters say of them
    /// is from before.
    const fn is_blind(&mut self, counters: &Counters) -> bool {
        let (cycles, lost) = self.counted;
        if counters.cycles > cycles {
            self.blind = counters.lost_cycles.saturating_sub(lost) >= counters.cycles.saturating_sub(cycles);
            self.counted = (counters.cycles, counters.lost_cycles);
        }
        self.blind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OP: u64 = 8;
    const MS: Duration = Duration::from_millis(1);
    const NS: u64 = 1_000_000;

    fn watch() -> Watch {
        Watch::new(MS, 200 * MS, 3, &Counters::default(), Duration::ZERO)
    }

    fn counters(silent_ms: u64, al_status: u64) -> Counters {
        Counters { silent_ns: silent_ms * NS, al_status, al_responding: 3, ..Counters::default() }
    }

    #[test]
    fn a_silence_as_long_as_the_watchdog_is_a_loss_and_a_shorter_one_is_not() {
        assert_eq!(watch().look(&counters(199, OP), Duration::ZERO), Verdict::Well);
        assert_eq!(watch().look(&counters(200, OP), Duration::ZERO), Verdict::Lost(Cause::Silence(200 * MS)));
    }

    #[test]
    fn slow_cycles_and_short_watchdogs_have_limits_of_their_own() {
        let limit =
            |period, watchdog| Watch::new(period * MS, watchdog * MS, 1, &Counters::default(), Duration::ZERO).limit;
        assert_eq!([limit(1, 10), limit(1, 250), limit(1000, 100)], [100 * MS, 250 * MS, 3000 * MS]);
    }

    #[test]
    fn a_silence_or_a_stall_is_a_loss_also_when_frames_flow_again() {
        let silent = Counters { silences: 1, silent_longest_ns: 300 * NS, ..counters(0, OP) };
        assert_eq!(watch().look(&silent, Duration::ZERO), Verdict::Lost(Cause::Silence(300 * MS)));
        let stalled = Counters { stalls: 1, stall_last_ns: 3_000 * NS, ..counters(0, OP) };
        assert_eq!(watch().look(&stalled, Duration::ZERO), Verdict::Lost(Cause::Stall(3_000 * MS)));
        // Those of an exchange before are not this one's.
        let mut later = Watch::new(MS, 200 * MS, 3, &stalled, Duration::ZERO);
        assert_eq!(later.look(&stalled, Duration::ZERO), Verdict::Well);
    }

    #[test]
    fn a_machine_that_slept_is_a_loss_and_named_so() {
        let stalled = Counters { stalls: 1, stall_last_ns: 5_000 * NS, ..counters(0, OP) };
        assert_eq!(watch().look(&counters(0, OP), 199 * MS), Verdict::Well);
        assert_eq!(watch().look(&stalled, 5_000 * MS), Verdict::Lost(Cause::Suspended(5_000 * MS)));
    }

    #[test]
    fn a_subdevice_that_leaves_op_or_goes_silent_is_asked_for() {
        assert_eq!(watch().look(&counters(150, 0x1c), Duration::ZERO), Verdict::Ask);
        let silent = Counters { al_responding: 2, ..counters(150, OP) };
        assert_eq!(watch().look(&silent, Duration::ZERO), Verdict::Ask);
    }

    #[test]
    fn cycles_that_all_lose_frames_say_nothing_of_the_states_so_each_is_asked_for() {
        let mut watch = watch();
        let after = |cycles, lost_cycles| Counters { cycles, lost_cycles, ..counters(0, OP) };
        assert_eq!(watch.look(&after(20, 19), Duration::ZERO), Verdict::Well);
        assert_eq!(watch.look(&after(40, 39), Duration::ZERO), Verdict::Ask);
        // At a slow rate a look may find no new cycle.
        assert_eq!(watch.look(&after(40, 39), Duration::ZERO), Verdict::Ask);
        assert_eq!(watch.look(&after(60, 40), Duration::ZERO), Verdict::Well);
    }
}
