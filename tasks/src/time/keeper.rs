//! Who keeps the time: takes readings of the wall clock and of the reference clock, and tells when one of them was stepped.

use super::base::{TimeBase, TrueTime};
use super::cycle_clock::CycleClock;
use super::relation::{Allowance, Reading, Relation, Said};
use crate::hearing::short_time;
use std::fmt;
use std::time::Duration;

/// The kernel lets NTP change the rate by 500 ppm at most (`MAXFREQ` of `linux/timex.h`), usually of `CLOCK_MONOTONIC` too. A
/// smaller step than this can't be told from that, and is followed as if it were one.
const WALL: Allowance = Allowance { jump: Duration::from_micros(5), rate_ppm: 500 };
/// A reference clock that a MainDevice sets jumps by more than this; `CLOCK_MONOTONIC`, which it is read by, may be slewed by up
/// to a tenth.
const REFERENCE: Allowance = Allowance { jump: Duration::from_millis(1), rate_ppm: 100_000 };

/// A clock was stepped, and a new base of time began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockStep {
    /// Number of the base that began.
    pub base: u32,
    /// Which clock.
    pub clock: SteppedClock,
    /// By how much, in nanoseconds; it went back where that is negative.
    pub by: i64,
}

/// A clock that can be stepped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SteppedClock {
    /// `CLOCK_REALTIME`.
    Wall,
    /// The network's reference clock.
    Reference,
}

impl fmt::Display for ClockStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { base, clock, by } = self;
        let clock = match clock {
            SteppedClock::Wall => "wall clock",
            SteppedClock::Reference => "reference clock",
        };
        let (sign, by) = (if *by < 0 { '-' } else { '+' }, Duration::from_nanos(by.unsigned_abs()));
        write!(f, "time base {base}: the {clock} was stepped by {sign}{}", short_time(by))
    }
}

/// Keeps the time of a run.
#[derive(Debug)]
pub struct TimeKeeper {
    wall: Relation,
    reference: Option<Relation>,
    base: TimeBase,
    shared: TrueTime,
    /// What was noted of cycles, while it is taken.
    noted: Vec<CycleClock>,
}

impl TimeKeeper {
    /// From a first reading of the wall clock at a time of `CLOCK_MONOTONIC`.
    #[must_use]
    pub fn new(first: Reading) -> Self {
        let wall = Relation::new(first, WALL);
        // Samples from before belong to the first base too.
        let base = TimeBase { number: 1, begins: 0, utc: wall.line(), reference: None, behind_post: 0 };
        Self { wall, reference: None, base, shared: TrueTime::new(base), noted: Vec::new() }
    }

    /// What is known, for whoever stamps samples.
    #[must_use]
    pub fn time(&self) -> TrueTime {
        self.shared.clone()
    }

    /// Takes a reading of the wall clock at a time of `CLOCK_MONOTONIC`. Take another one at once where it asks for that:
    /// [`Said::Doubtful`].
    pub fn wall(&mut self, reading: Reading) -> (Said, Option<ClockStep>) {
        let said = self.wall.take(reading);
        let step = match said {
            Said::Stepped { at, by, .. } => Some(self.begin(at, SteppedClock::Wall, by)),
            Said::Runs | Said::Doubtful => None,
        };
        self.base.utc = self.wall.line();
        self.shared.change(self.base);
        (said, step)
    }

    /// Takes what those who stamp samples have noted of the reference clock. Gives the steps of it.
    pub fn cycles(&mut self) -> Vec<ClockStep> {
        let mut noted = std::mem::take(&mut self.noted);
        self.shared.noted(&mut noted);
        let reading = |of: CycleClock| self.reference(of.posted, of.received, of.clock?);
        let steps = noted.drain(..).filter_map(reading).collect();
        self.noted = noted;
        steps
    }

    /// Takes the time that the reference clock gave in a cycle, and when on `CLOCK_MONOTONIC` its frames were posted and the last one
    /// was back. Those who stamp samples know of it with the next reading of the wall clock, of a step at once.
    pub fn reference(&mut self, posted: u64, received: u64, clock: u64) -> Option<ClockStep> {
        let within = received.saturating_sub(posted).saturating_sub(self.shared.way_back()) / 2;
        let reading = Reading { at: clock, shown: posted.saturating_add(within), within };
        let Some(relation) = &mut self.reference else {
            self.reference = Some(Relation::new(reading, REFERENCE));
            return None;
        };
        let said = relation.take(reading);
        let line = relation.line();
        if said == Said::Doubtful {
            return None;
        }
        let behind = line.shown_at(clock).saturating_sub(posted);
        (self.base.reference, self.base.behind_post) = (Some(line), smoothed(self.base.behind_post, behind));
        let Said::Stepped { shown, by, .. } = said else { return None };
        // The reference clock is the known one here: where it went ahead, the other one seems to have gone back.
        let step = self.begin(shown, SteppedClock::Reference, by.saturating_neg());
        self.shared.change(self.base);
        Some(step)
    }

    fn begin(&mut self, at: u64, clock: SteppedClock, by: i64) -> ClockStep {
        self.base = TimeBase { number: self.base.number.saturating_add(1), begins: at, ..self.base };
        ClockStep { base: self.base.number, clock, by }
    }
}

/// A sixteenth of the way from the mean so far to a value.
const fn smoothed(mean: u64, value: u64) -> u64 {
    if mean == 0 { value } else { mean - mean / 16 + value / 16 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Moment;
    use crate::timestamps::Timestamps;

    const MS: u64 = 1_000_000;

    fn reading(at: u64, shown: u64) -> Reading {
        Reading { at, shown, within: 50 }
    }

    #[test]
    fn a_step_of_the_wall_clock_begins_a_base_and_is_told_in_words() {
        let mut keeper = TimeKeeper::new(reading(MS, 1_001 * MS));
        let mut time = keeper.time();
        assert_eq!(keeper.wall(reading(20 * MS, 1_020 * MS)), (Said::Runs, None));
        assert_eq!(keeper.wall(reading(40 * MS, 3_040 * MS)), (Said::Doubtful, None));
        let step = keeper.wall(reading(40 * MS + 1_000, 3_040 * MS + 1_000)).1.unwrap();
        assert_eq!(step, ClockStep { base: 2, clock: SteppedClock::Wall, by: 2_000_000_000 });
        assert_eq!(step.to_string(), "time base 2: the wall clock was stepped by +2.0 s");
        let moment =
            |time: &mut TrueTime, tick| (time.moment(tick, tick, None).base, time.moment(tick, tick, None).utc);
        assert_eq!(moment(&mut time, 39 * MS), (1, 1_039 * MS), "a sample that waited in a ring");
        assert_eq!(moment(&mut time, 41 * MS), (2, 3_041 * MS));
    }

    #[test]
    fn a_single_odd_reading_is_no_step() {
        let mut keeper = TimeKeeper::new(reading(MS, 1_001 * MS));
        keeper.wall(reading(20 * MS, 5));
        assert_eq!(keeper.wall(reading(40 * MS, 1_040 * MS)), (Said::Runs, None));
        assert_eq!(keeper.time().moment(41 * MS, 41 * MS, None), Moment { utc: 1_041 * MS, dc_time: None, base: 1 });
    }

    #[test]
    fn a_reference_clock_that_is_set_back_begins_a_base_and_utc_goes_on() {
        let mut keeper = TimeKeeper::new(reading(0, 1_000 * MS));
        let mut time = keeper.time();
        let mut step = None;
        for n in 1..200 {
            let clock = if n < 100 { 5_000 * MS + n * MS } else { n * MS };
            step = step.or(keeper.reference(n * MS, n * MS + 20_000, clock + 10_000));
            keeper.wall(reading(n * MS + 30_000, 1_000 * MS + n * MS + 30_000));
        }
        let step = step.unwrap();
        assert_eq!((step.base, step.clock, step.by), (2, SteppedClock::Reference, -5_000_000_000));
        let at = |time: &mut TrueTime, n: u64, clock| time.moment(n * MS, n * MS, clock);
        let expected = Moment { utc: 1_150 * MS + 10_000, dc_time: Some(150 * MS + 10_000), base: 2 };
        assert_eq!(at(&mut time, 150, Some(150 * MS + 10_000)), expected);
        assert_eq!(at(&mut time, 50, Some(5_050 * MS + 10_000)).base, 1);
        assert_eq!(
            at(&mut time, 160, None),
            Moment { utc: 1_160 * MS + 10_000, dc_time: None, base: 2 },
            "a lost frame"
        );
        assert_eq!(at(&mut time, 160, Some(77)).dc_time, None, "a time of no base");
    }

    #[test]
    fn a_way_back_that_is_longer_than_the_way_out_is_taken_out() {
        let mut keeper = TimeKeeper::new(reading(0, 1_000 * MS));
        let mut time = keeper.time();
        time.set_way_back(Duration::from_micros(60));
        for n in 1..100 {
            // 10 us to the reference, and 70 us back.
            keeper.reference(n * MS, n * MS + 80_000, 7_000 * MS + n * MS + 10_000);
            keeper.wall(reading(n * MS + 90_000, 1_000 * MS + n * MS + 90_000));
        }
        let clock = Some(7_000 * MS + 99 * MS + 10_000);
        assert_eq!(time.moment(99 * MS, 99 * MS, clock).utc, 1_000 * MS + 99 * MS + 10_000);
    }

    #[test]
    fn those_who_stamp_samples_bring_the_readings_of_the_reference_clock() {
        let mut keeper = TimeKeeper::new(reading(0, 1_000 * MS));
        let mut stamps = Timestamps::new(keeper.time());
        let mut cycle = |n: u64| {
            let clock = Some(700 * MS + n * MS + 9_000);
            let of = CycleClock { cycle: n, tick: n * MS, posted: n * MS, received: n * MS + 20_000, clock };
            (stamps.moment(of), clock)
        };
        assert_eq!(cycle(1).0, Moment { utc: 1_001 * MS, dc_time: None, base: 1 }, "nothing is known of it yet");
        (2..60).for_each(|n| _ = cycle(n));
        assert_eq!(keeper.cycles(), []);
        keeper.wall(reading(60 * MS, 1_060 * MS));
        let (moment, dc_time) = cycle(60);
        assert_eq!(moment, Moment { utc: 1_060 * MS + 10_000, dc_time, base: 1 });
    }

    #[test]
    fn steps_back_are_told_with_their_sign() {
        let step = ClockStep { base: 3, clock: SteppedClock::Reference, by: -12_500_000 };
        assert_eq!(step.to_string(), "time base 3: the reference clock was stepped by -12.5 ms");
    }
}
