//! Whether watchdogs may have expired, so that each has to be asked: from counters and a clock alone.
//!
//! A watchdog can't have expired where a cycle within its time was complete: all outputs have reached their SubDevices then.
//! So nothing is asked while all is well, nor for a single frame that was lost. Behind a deficit that has lasted for so long
//! all are asked, and while it lasts whenever it looks otherwise than before: one more SubDevice is missing, or one is back,
//! which must be known at once. A deficit that stays as it is costs little.

use std::time::Duration;
use zerocat_engine::Counters;

/// Time between two looks where all is well.
const CALM: Duration = Duration::from_millis(20);
/// Time between two looks while a deficit is fresh, where cycles aren't longer.
const FRESH: Duration = Duration::from_millis(2);
/// How long a deficit is fresh after it has changed.
const STAYS_FRESH: Duration = Duration::from_secs(1);
/// Time between two questions while it is fresh and looks the same.
const AGAIN: Duration = Duration::from_millis(20);
/// The same when it is no longer fresh.
const STALE: Duration = Duration::from_millis(200);

/// What is known of deficits.
#[derive(Debug)]
pub(crate) struct Trouble {
    watchdog: Duration,
    /// Time of the longest turn of a sync unit.
    turn: Duration,
    /// Whether a complete cycle has reached all: each is exchanged in every cycle.
    all_in_each: bool,
    /// Datagrams with a wrong working counter and cycles that lost frames, at the last look.
    wrong: u64,
    /// When they last grew.
    grew_at: Option<Duration>,
    /// All outputs have come since then, as far as is known.
    whole_at: Duration,
    /// What the deficit looked like: SubDevices that answer, and the sum of the working counters.
    looks: (u64, u64),
    fresh_until: Duration,
    /// There was one at the last look.
    deficit: bool,
    asked_at: Duration,
    /// The deficit has lasted for as long as a watchdog.
    lasts: bool,
}

impl Trouble {
    /// From a time on at which all is well. `turn` is the time of the longest turn of a sync unit.
    pub(crate) const fn new(
        watchdog: Duration,
        period: Duration,
        turn: Duration,
        counters: &Counters,
        now: Duration,
    ) -> Self {
        Self {
            watchdog,
            turn,
            all_in_each: turn.as_nanos() <= period.as_nanos(),
            wrong: wrong(counters),
            grew_at: None,
            whole_at: now,
            looks: (0, 0),
            fresh_until: now,
            deficit: false,
            asked_at: now,
            lasts: false,
        }
    }

    /// How long to wait for the next look.
    pub(crate) fn pause(&self, now: Duration) -> Duration {
        if self.deficit && now < self.fresh_until { FRESH.max(self.turn) } else { CALM }
    }

    /// Looks at the counters. Whether watchdogs have to be asked now.
    pub(crate) fn look(&mut self, counters: &Counters, now: Duration) -> bool {
        let grew = wrong(counters) != self.wrong;
        if grew {
            (self.wrong, self.grew_at) = (wrong(counters), Some(now));
        }
        let complete = self.all_in_each && counters.complete_streak > 0;
        self.deficit = !complete && self.grew_at.is_some_and(|grew| now.saturating_sub(grew) <= self.turn);
        if !self.deficit {
            (self.whole_at, self.looks) = (now, (0, 0));
            // Whoever has come back is asked once more.
            return std::mem::take(&mut self.lasts);
        }
        let looks = (counters.al_responding, counters.working_counter);
        let changed = grew && self.looks != looks;
        if changed {
            (self.looks, self.fresh_until) = (looks, now.saturating_add(STAYS_FRESH));
        }
        self.lasts |= now.saturating_sub(self.whole_at) >= self.watchdog;
        let again = if now < self.fresh_until { AGAIN } else { STALE };
        let due = self.lasts && (changed || now.saturating_sub(self.asked_at) >= again);
        if due {
            self.asked_at = now;
        }
        due
    }
}

const fn wrong(counters: &Counters) -> u64 {
    counters.working_counter_faults.saturating_add(counters.lost_cycles)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn trouble() -> Trouble {
        Trouble::new(100 * MS, MS, MS, &Counters::default(), Duration::ZERO)
    }

    /// After so many cycles that all were incomplete, with so many SubDevices that answer.
    fn counters(wrong: u64, al_responding: u64) -> Counters {
        Counters { working_counter_faults: wrong, al_responding, ..Counters::default() }
    }

    fn complete(wrong: u64) -> Counters {
        Counters { complete_streak: 1, ..counters(wrong, 6) }
    }

    /// Looks in every pause from a time to another, at counters that are wrong in each cycle. When watchdogs were asked.
    fn asked(trouble: &mut Trouble, from: u64, to: u64, responding: impl Fn(u64) -> u64) -> Vec<u64> {
        let (mut at, mut asked) = (from, Vec::new());
        while at < to {
            let now = MS * u32::try_from(at).unwrap();
            if trouble.look(&counters(at, responding(at)), now) {
                asked.push(at);
            }
            at += u64::try_from(trouble.pause(now).as_millis()).unwrap();
        }
        asked
    }

    #[test]
    fn nobody_is_asked_where_all_is_well_or_frames_are_lost_now_and_then() {
        let mut trouble = trouble();
        for look in 1..100 {
            assert!(!trouble.look(&complete(u64::from(look)), MS * 20 * look), "the last cycle was complete");
        }
        assert!(!trouble.look(&counters(100, 5), MS * 1990));
        assert!(!trouble.look(&counters(100, 5), MS * 2010), "nothing since");
        assert_eq!(trouble.pause(MS * 2010), CALM);
    }

    #[test]
    fn who_is_back_after_a_watchdogs_time_is_asked_at_once() {
        let mut trouble = trouble();
        let before = asked(&mut trouble, 20, 150, |_| 5);
        assert!(before.iter().all(|at| *at >= 100), "{before:?}");
        assert_eq!(trouble.pause(MS * 150), FRESH);
        assert!(trouble.look(&complete(150), MS * 152));
        assert!(!trouble.look(&complete(150), MS * 172), "once");
    }

    #[test]
    fn a_deficit_shorter_than_a_watchdog_asks_nobody() {
        let mut trouble = trouble();
        assert_eq!(asked(&mut trouble, 20, 99, |_| 5), [0u64; 0]);
        assert!(!trouble.look(&complete(99), MS * 99));
    }

    #[test]
    fn while_one_is_out_for_long_all_are_asked_now_and_then_and_at_once_when_another_goes_or_comes() {
        let mut trouble = trouble();
        let asked = asked(&mut trouble, 20, 10_000, |at| if (8_000..8_150).contains(&at) { 4 } else { 5 });
        let within = |from, to| asked.iter().filter(|at| (from..to).contains(*at)).count();
        assert!(within(2_000, 7_000) <= 26, "{asked:?}");
        assert_eq!((within(8_000, 8_020), within(8_150, 8_153)), (1, 1), "{asked:?}");
    }

    #[test]
    fn a_slow_sync_unit_is_no_end_of_a_deficit() {
        let mut trouble = Trouble::new(100 * MS, MS, MS * 50, &Counters::default(), Duration::ZERO);
        // Cycles in between, of other units, are complete.
        let look = |trouble: &mut Trouble, at: u32| trouble.look(&complete(u64::from(at / 50)), MS * at);
        let looks: Vec<bool> = (1..10).map(|n| look(&mut trouble, n * 50)).collect();
        assert!(looks[3..].iter().any(|asked| *asked), "{looks:?}");
    }
}
