//! Timestamps of samples: the tick on the grid, which is `first + n * period` by the number of its cycle, on the wall clock as
//! it was at start-up, and beside it the true time as it is known ([`TrueTime`]).
//!
//! Guarantees: of the first no drift against the grid, whatever its period, and a skipped cycle is a gap of its length; it
//! never goes back. Of the other times: in a stream the number of the base never falls, and those of one base rise from sample
//! to sample.

use crate::time::{CycleClock, Moment, TrueTime};

/// Gives the samples of one stream their times.
#[derive(Debug, Clone)]
pub struct Timestamps {
    time: TrueTime,
    /// Cycle and times of the last sample.
    last: Option<(u64, Stamp)>,
}

/// When a sample was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Its tick, in nanoseconds since 1970-01-01 UTC by the wall clock at start-up.
    pub(crate) index: u64,
    /// Its true time.
    pub(crate) moment: Moment,
    /// Cycles since the sample before; none for the first.
    pub(crate) cycles: Option<u64>,
}

impl Stamp {
    /// Samples that the grid had a place for since the sample before, with one every `every` cycles.
    pub(crate) fn missing(self, every: u64) -> u64 {
        let steps = self.cycles.and_then(|cycles| cycles.checked_div(every));
        steps.map_or(0, |steps| steps.saturating_sub(1))
    }

    /// All times of it the same, in base 1.
    #[cfg(test)]
    pub(crate) const fn at(nanos: u64) -> Self {
        Self { index: nanos, moment: Moment { utc: nanos, dc_time: None, base: 1 }, cycles: None }
    }
}

impl Timestamps {
    /// For a stream of a run.
    #[must_use]
    pub const fn new(time: TrueTime) -> Self {
        Self { time, last: None }
    }

    /// The true time of a sample, from the cycle that it is of. A time of the reference clock that came with it becomes a reading
    /// for the keeper.
    pub fn moment(&mut self, cycle: CycleClock) -> Moment {
        self.stamp(cycle).moment
    }

    /// The times of a sample, from the cycle that it is of.
    pub(crate) fn stamp(&mut self, of: CycleClock) -> Stamp {
        self.time.note(of);
        let CycleClock { cycle, tick, posted, clock, .. } = of;
        let (mut index, mut moment) = (self.time.since_start(tick), self.time.moment(tick, posted, clock));
        if let Some((_, last)) = &self.last {
            index = index.max(last.index);
            moment = behind(last.moment, moment);
        }
        let cycles = self.last.map(|(last, _)| cycle.saturating_sub(last));
        let stamp = Stamp { index, moment, cycles };
        self.last = Some((cycle, stamp));
        stamp
    }
}

/// A moment that is behind the one before it: what is known of time may have been bettered between both.
fn behind(last: Moment, now: Moment) -> Moment {
    match now.base.cmp(&last.base) {
        std::cmp::Ordering::Greater => now,
        std::cmp::Ordering::Less => Moment { utc: last.utc.saturating_add(1), dc_time: None, base: last.base },
        std::cmp::Ordering::Equal => {
            let rises = |time: &u64| last.dc_time.is_none_or(|last| *time > last);
            let (utc, dc_time) = (now.utc.max(last.utc.saturating_add(1)), now.dc_time.filter(rises));
            Moment { utc, dc_time, base: now.base }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn stamps(wall: u64, monotonic: u64) -> Timestamps {
        Timestamps::new(TrueTime::fixed(wall, monotonic))
    }

    fn at(cycle: u64, tick: u64) -> CycleClock {
        CycleClock { cycle, tick, posted: tick, received: tick, clock: None }
    }

    #[test]
    fn the_first_sample_gets_the_wall_clock_of_its_tick() {
        let stamp = stamps(1_700_000_000_000_000_000, 5_000).stamp(at(77, 4_000));
        assert_eq!((stamp.index, stamp.moment.utc), (1_699_999_999_999_999_000, 1_699_999_999_999_999_000));
    }

    #[test]
    fn a_period_that_is_no_whole_number_of_nanoseconds_does_not_drift() {
        let tick = |cycle: u64| cycle * 1_000_000_000 / 3_000;
        let mut stamps = stamps(0, 0);
        assert_eq!(stamps.stamp(at(1, tick(1))).index, 333_333);
        assert_eq!(stamps.stamp(at(3_000_000, tick(3_000_000))).index, 1_000_000_000_000);
    }

    #[test]
    fn a_skipped_cycle_is_a_gap_of_its_length() {
        let mut stamps = stamps(0, 0);
        let mut sample = |cycle| stamps.stamp(at(cycle, cycle * MS));
        assert_eq!((sample(10).cycles, sample(40).cycles), (None, Some(30)));
        assert_eq!(sample(50).index - 40 * MS, 10 * MS);
    }

    #[test]
    fn time_never_goes_back_nor_past_its_type() {
        let mut stamps = stamps(1, 0);
        assert_eq!(stamps.stamp(at(60, 10)).index, 11);
        assert_eq!(stamps.stamp(at(40, 5)).index, 11);
        assert_eq!(stamps.stamp(at(u64::MAX, u64::MAX)).index, 1 + i64::MAX as u64);
    }

    #[test]
    fn true_times_of_a_base_rise_and_its_number_never_falls() {
        let moment = |utc, dc_time, base| Moment { utc, dc_time, base };
        let last = moment(100, Some(7), 2);
        assert_eq!(behind(last, moment(99, Some(7), 2)), moment(101, None, 2));
        assert_eq!(behind(last, moment(120, Some(8), 2)), moment(120, Some(8), 2));
        assert_eq!(behind(last, moment(50, Some(3), 3)), moment(50, Some(3), 3), "another base");
        assert_eq!(behind(last, moment(500, Some(9), 1)), moment(101, None, 2), "of a base that is over");
    }

    #[test]
    fn a_wall_clock_before_1970_is_held_at_zero() {
        assert_eq!(stamps(0, 10).stamp(at(0, 5)).index, 0);
    }
}
