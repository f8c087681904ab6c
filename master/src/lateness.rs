//! Whether answers come later than a cycle waits for them: the period is too short for this network.
//!
//! SubDevices get their outputs in time then, so it is no outage; inputs are stale in every cycle. It is told once it has
//! lasted, and once answers have been in time again for a while. Pure: what it looks at is passed in.

use std::time::Duration;
use zerocat_engine::Counters;

/// How long every cycle must have missed its answers before it is told.
const LASTS: Duration = Duration::from_millis(200);
/// How long answers must have been in time before that is told.
const SETTLES: Duration = Duration::from_secs(1);

/// What is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Answers come so many cycles late.
    Late { cycles: u64 },
    /// They are in time again, after so long.
    InTime { after: Duration },
}

/// What was seen in a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lateness {
    /// Cycles, lost ones and late frames at the last look that found new cycles.
    counted: Option<(u64, u64, u64)>,
    /// Since when every cycle has missed its answers.
    since: Option<Duration>,
    /// Since when they have been in time, after it was told that they weren't.
    in_time_since: Option<Duration>,
    told: bool,
    pub(crate) times: u64,
    pub(crate) total: Duration,
    pub(crate) most_cycles: u64,
}

impl Lateness {
    /// An exchange has reached OP.
    pub(crate) fn begin(&mut self, counters: &Counters) {
        self.counted = Some((counters.cycles, counters.lost_cycles, counters.late_frames));
    }

    /// An exchange has ended, or the run has.
    pub(crate) fn end(&mut self, now: Duration) {
        if std::mem::take(&mut self.told) {
            let until = self.in_time_since.unwrap_or(now);
            self.total += self.since.map_or(Duration::ZERO, |since| until.saturating_sub(since));
        }
        (self.since, self.in_time_since) = (None, None);
    }

    /// Judges the counters.
    pub(crate) fn look(&mut self, now: Duration, counters: &Counters) -> Option<Change> {
        let (cycles, lost, late) = self.counted.unwrap_or_default();
        if counters.cycles <= cycles {
            return None;
        }
        let new = (counters.cycles - cycles, counters.lost_cycles - lost, counters.late_frames - late);
        self.counted = Some((counters.cycles, counters.lost_cycles, counters.late_frames));
        // A frame that is late may hold its slot while the next one is due, so every second cycle may have none.
        let behind = new.1 >= new.0 && 2 * new.2 >= new.1;
        if behind { self.behind(now, counters.late_cycles) } else { self.in_time(now) }
    }

    fn behind(&mut self, now: Duration, cycles: u64) -> Option<Change> {
        self.in_time_since = None;
        let since = *self.since.get_or_insert(now);
        if self.told {
            self.most_cycles = self.most_cycles.max(cycles);
        } else if now.saturating_sub(since) >= LASTS {
            self.told = true;
            self.times += 1;
            self.most_cycles = self.most_cycles.max(cycles);
            return Some(Change::Late { cycles });
        }
        None
    }

    fn in_time(&mut self, now: Duration) -> Option<Change> {
        if !self.told {
            self.since = None;
            return None;
        }
        let in_time = *self.in_time_since.get_or_insert(now);
        if now.saturating_sub(in_time) < SETTLES {
            return None;
        }
        let after = in_time.saturating_sub(self.since.unwrap_or(in_time));
        self.end(now);
        Some(Change::InTime { after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Looks every 20 ms with 20 new cycles each, of which `lost` were lost and `late` frames came late. What was told.
    fn looks(lateness: &mut Lateness, from: &mut u32, count: u32, lost: u64, late: u64) -> Vec<Change> {
        let mut told = Vec::new();
        for _ in 0..count {
            *from += 1;
            let (cycles, was_lost, was_late) = lateness.counted.unwrap_or_default();
            let counters = Counters {
                cycles: cycles + 20,
                lost_cycles: was_lost + lost,
                late_frames: was_late + late,
                late_cycles: 2,
                ..Counters::default()
            };
            told.extend(lateness.look(*from * 20 * MS, &counters));
        }
        told
    }

    #[test]
    fn answers_that_stay_late_are_told_once_and_once_when_they_are_in_time_again() {
        let (mut lateness, mut look) = (Lateness::default(), 0);
        assert_eq!(looks(&mut lateness, &mut look, 10, 20, 20), []);
        assert_eq!(looks(&mut lateness, &mut look, 50, 20, 20), [Change::Late { cycles: 2 }]);
        assert_eq!(looks(&mut lateness, &mut look, 50, 0, 0), []);
        assert_eq!(looks(&mut lateness, &mut look, 5, 0, 0), [Change::InTime { after: 1200 * MS }]);
        assert_eq!((lateness.times, lateness.total, lateness.most_cycles), (1, 1200 * MS, 2));
    }

    #[test]
    fn lost_frames_and_single_late_ones_are_no_lateness() {
        let (mut lateness, mut look) = (Lateness::default(), 0);
        assert_eq!(looks(&mut lateness, &mut look, 50, 20, 3), [], "lost");
        assert_eq!(looks(&mut lateness, &mut look, 50, 19, 19), [], "one was in time");
        assert_eq!(looks(&mut lateness, &mut look, 9, 20, 20), []);
        assert_eq!(looks(&mut lateness, &mut look, 1, 0, 0), [], "for a moment");
        assert_eq!(looks(&mut lateness, &mut look, 9, 20, 20), []);
    }

    #[test]
    fn what_is_late_still_when_the_exchange_ends_is_counted() {
        let (mut lateness, mut look) = (Lateness::default(), 0);
        looks(&mut lateness, &mut look, 20, 20, 20);
        lateness.end(1000 * MS);
        assert_eq!((lateness.times, lateness.total), (1, 980 * MS));
    }
}
