//! How a thread waits: for a tick of the grid, and between two polls of its link.
//!
//! Guarantees: a wait for a tick never ends early; a wait between polls ends after its deadline by no more than the
//! clock oversleeps; with the `sleep` policy every wait frees the core. Not guaranteed: that a wait ends in time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::time::{Clock, Time};

/// How long before the tick a `hybrid` wait stops sleeping unless something else was set or learned: 50 us. A run
/// learns its own margin ([`crate::margin`]).
///
/// A sleeping thread runs some time after its timer expires: exit from an idle state, interrupt, context switch, cold
/// caches. Measured at 1 kHz on a shared virtual machine with two cores under SCHED_FIFO (Linux 6.18, not PREEMPT_RT),
/// that was 25 to 33 us at p50 with `sleep` and 45 to 91 us at p99 (four runs of 1,000 beside other work). Spinning the
/// last 50 us hides the usual wake-up (p50 0.04 us), though not the tail of a busy machine; it costs 5 % of the core at
/// 1 kHz and stays far from realtime throttling (95 % by default).
pub const HYBRID_SPIN: Duration = Duration::from_micros(50);

/// How long before the tick the cycle is prepared with `spin`: 50 us, far more than 20 kB of outputs take.
pub const PREPARE_AHEAD: Duration = Duration::from_micros(50);

/// How long a `hybrid` wait polls for frames before it naps: 200 us, within which a segment of a hundred SubDevices has
/// answered.
pub const HYBRID_POLL: Duration = Duration::from_micros(200);

/// How a thread waits for its tick.
///
/// In files it is one of the words `sleep`, `hybrid` and `spin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "&'static str"))]
pub enum WaitPolicy {
    /// Sleep until the tick. Frees the core, but every cycle starts late by the machine's wake-up latency.
    Sleep,
    /// Sleep until `spin` before the tick, then read the clock until it has come.
    Hybrid {
        /// How long before the tick the sleep ends.
        spin: Duration,
    },
    /// Read the clock all the time. For an isolated core without realtime throttling; `zerocat doctor` checks both.
    Spin,
}

impl Default for WaitPolicy {
    fn default() -> Self {
        Self::Hybrid { spin: HYBRID_SPIN }
    }
}

impl WaitPolicy {
    /// Its word in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sleep => "sleep",
            Self::Hybrid { .. } => "hybrid",
            Self::Spin => "spin",
        }
    }

    /// Waits until it is time to prepare the cycle of the tick at `deadline`: with `hybrid` at its margin, with `spin`
    /// [`PREPARE_AHEAD`] of the tick. With `sleep` it returns at once, because waiting would cost a second wake-up.
    pub fn wait_to_prepare(&self, clock: &impl Clock, deadline: Time) {
        match *self {
            Self::Sleep => {}
            Self::Hybrid { spin } => clock.sleep_until(deadline.before(spin)),
            Self::Spin => {
                spin_until(clock, deadline.before(PREPARE_AHEAD));
            }
        }
    }

    /// Waits until `deadline` and returns the first reading of the clock that is not before it. The difference is how
    /// late the thread woke.
    pub fn wait_until(&self, clock: &impl Clock, deadline: Time) -> Time {
        match *self {
            Self::Sleep => clock.sleep_until(deadline),
            Self::Hybrid { spin } => {
                let asleep_until = deadline.before(spin);
                if clock.now() < asleep_until {
                    clock.sleep_until(asleep_until);
                }
            }
            Self::Spin => {}
        }
        spin_until(clock, deadline)
    }
}

fn spin_until(clock: &impl Clock, deadline: Time) -> Time {
    loop {
        let now = clock.now();
        if now >= deadline {
            return now;
        }
        clock.relax();
    }
}

/// A word that isn't the name of a wait policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown wait policy `{0}`: use `sleep`, `hybrid` or `spin`")]
pub struct UnknownPolicy(pub String);

impl FromStr for WaitPolicy {
    type Err = UnknownPolicy;

    fn from_str(word: &str) -> Result<Self, UnknownPolicy> {
        match word {
            "sleep" => Ok(Self::Sleep),
            "hybrid" => Ok(Self::default()),
            "spin" => Ok(Self::Spin),
            _ => Err(UnknownPolicy(word.to_owned())),
        }
    }
}

impl TryFrom<String> for WaitPolicy {
    type Error = UnknownPolicy;

    fn try_from(word: String) -> Result<Self, UnknownPolicy> {
        word.parse()
    }
}

impl From<WaitPolicy> for &'static str {
    fn from(policy: WaitPolicy) -> Self {
        policy.name()
    }
}

impl fmt::Display for WaitPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Shortest sleep between two polls: 10 us. Below it a sleep costs more than it waits.
pub const MIN_NAP: Duration = Duration::from_micros(10);
/// Longest sleep between two polls: 250 us.
pub const MAX_NAP: Duration = Duration::from_micros(250);

/// How a thread waits between two polls of its link, within a cycle: it spins for a budget of time, then naps for an
/// eighth of the time that has passed. So a frame is noticed at most that much late, and a lost frame costs a handful
/// of wake-ups.
///
/// | policy | budget |
/// |---|---|
/// | `sleep` | none: it naps from the start |
/// | `hybrid` | [`HYBRID_POLL`]: frames that return within it are seen at once |
/// | `spin` | unlimited |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollWait {
    budget: Option<Duration>,
}

impl PollWait {
    /// The wait between polls that goes with a wait policy.
    #[must_use]
    pub fn new(policy: WaitPolicy) -> Self {
        let budget = match policy {
            WaitPolicy::Sleep => Some(Duration::ZERO),
            WaitPolicy::Hybrid { .. } => Some(HYBRID_POLL),
            WaitPolicy::Spin => None,
        };
        Self { budget }
    }

    /// Pauses once between two polls of a wait that began at `since` and ends at `until`. It never sleeps past `until`,
    /// and returns at once after it.
    pub fn pause(&mut self, clock: &impl Clock, since: Time, until: Time) {
        let now = clock.now();
        if now >= until {
            return;
        }
        let passed = now.since(since);
        match self.budget {
            Some(budget) if passed >= budget => {
                let nap = (passed / 8).clamp(MIN_NAP, MAX_NAP);
                clock.sleep_until(now.after(nap).min(until));
            }
            _ => clock.relax(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::time::VirtualClock;

    /// Counts what is done with a virtual clock.
    #[derive(Default)]
    struct Counting {
        clock: VirtualClock,
        sleeps: Cell<u32>,
        relaxes: Cell<u32>,
    }

    impl Clock for Counting {
        fn now(&self) -> Time {
            self.clock.now()
        }
        fn sleep_until(&self, deadline: Time) {
            self.sleeps.set(self.sleeps.get() + 1);
            self.clock.sleep_until(deadline);
        }
        fn relax(&self) {
            self.relaxes.set(self.relaxes.get() + 1);
            self.clock.relax();
        }
    }

    const DEADLINE: Time = Time(1_000_000);

    #[test]
    fn sleep_sleeps_and_never_spins() {
        let clock = Counting::default();
        assert_eq!(WaitPolicy::Sleep.wait_until(&clock, DEADLINE), DEADLINE);
        assert_eq!((clock.sleeps.get(), clock.relaxes.get()), (1, 0));
    }

    #[test]
    fn hybrid_spins_only_the_last_part() {
        let clock = Counting::default();
        assert_eq!(WaitPolicy::default().wait_until(&clock, DEADLINE), DEADLINE);
        assert_eq!((clock.sleeps.get(), clock.relaxes.get()), (1, 500), "50 us in steps of 100 ns");
    }

    #[test]
    fn hybrid_hides_a_late_wake_up_within_its_margin() {
        let clock = Counting::default();
        clock.clock.set_oversleep(Duration::from_micros(40));
        assert_eq!(WaitPolicy::default().wait_until(&clock, DEADLINE), DEADLINE);
        clock.clock.set_oversleep(Duration::from_micros(70));
        let next = Time(2_000_000);
        assert_eq!(WaitPolicy::default().wait_until(&clock, next), Time(2_020_000));
    }

    #[test]
    fn hybrid_does_not_sleep_when_the_tick_is_near() {
        let clock = Counting::default();
        WaitPolicy::default().wait_until(&clock, Time(50_000));
        assert_eq!(clock.sleeps.get(), 0);
    }

    #[test]
    fn a_cycle_is_prepared_before_its_tick() {
        let prepared = |policy: WaitPolicy| {
            let clock = Counting::default();
            policy.wait_to_prepare(&clock, DEADLINE);
            (clock.now(), clock.sleeps.get())
        };
        assert_eq!(prepared(WaitPolicy::Sleep), (Time(0), 0));
        assert_eq!(prepared(WaitPolicy::default()), (DEADLINE.before(HYBRID_SPIN), 1));
        assert_eq!(prepared(WaitPolicy::Spin), (DEADLINE.before(PREPARE_AHEAD), 0));
    }

    #[test]
    fn spin_never_sleeps() {
        let clock = Counting::default();
        assert_eq!(WaitPolicy::Spin.wait_until(&clock, DEADLINE), DEADLINE);
        assert_eq!((clock.sleeps.get(), clock.relaxes.get()), (0, 10_000));
    }

    #[test]
    fn a_deadline_that_has_passed_returns_now() {
        for policy in [WaitPolicy::Sleep, WaitPolicy::default(), WaitPolicy::Spin] {
            let clock = VirtualClock::new(Time(9));
            assert_eq!(policy.wait_until(&clock, Time(5)), Time(9));
        }
    }

    #[test]
    fn the_words_of_files_round_trip() {
        for word in ["sleep", "hybrid", "spin"] {
            assert_eq!(word.parse::<WaitPolicy>().unwrap().to_string(), word);
        }
        assert_eq!("hybrid".parse(), Ok(WaitPolicy::default()));
        assert!("busy".parse::<WaitPolicy>().unwrap_err().to_string().contains("`sleep`"));
    }

    /// Polls until `until` with nothing arriving; the numbers of sleeps and of spins.
    fn poll_all(policy: WaitPolicy, until: Time) -> (u32, u32) {
        let clock = Counting::default();
        let mut wait = PollWait::new(policy);
        while clock.now() < until {
            wait.pause(&clock, Time(0), until);
        }
        assert!(policy == WaitPolicy::Spin || clock.now() == until, "ended at {:?}", clock.now());
        (clock.sleeps.get(), clock.relaxes.get())
    }

    #[test]
    fn between_polls_the_sleep_policy_never_spins() {
        let (sleeps, relaxes) = poll_all(WaitPolicy::Sleep, DEADLINE);
        assert_eq!(relaxes, 0);
        assert!((5..50).contains(&sleeps), "{sleeps} sleeps");
    }

    #[test]
    fn between_polls_hybrid_spins_for_its_budget_then_naps() {
        let (sleeps, relaxes) = poll_all(WaitPolicy::default(), DEADLINE);
        assert_eq!(relaxes, 2_000, "200 us in steps of 100 ns");
        assert!((1..20).contains(&sleeps), "{sleeps} sleeps");
    }

    #[test]
    fn between_polls_spin_only_spins() {
        assert_eq!(poll_all(WaitPolicy::Spin, DEADLINE), (0, 10_000));
    }

    #[test]
    fn a_pause_after_the_deadline_does_nothing() {
        let clock = Counting::default();
        PollWait::new(WaitPolicy::Sleep).pause(&clock, Time(0), Time(0));
        assert_eq!((clock.sleeps.get(), clock.relaxes.get(), clock.now()), (0, 0, Time(0)));
    }
}
