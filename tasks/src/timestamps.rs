//! Timestamps of samples: the first one's wall clock, then `first + n * period` by the number of the cycle.
//!
//! Guarantees: a timestamp depends on cycle numbers alone after the first; a skipped cycle is a gap of its length; time
//! never goes back. Not here: correction of the drift between the monotonic and the wall clock.

use std::time::Duration;

/// Nanoseconds to add to the monotonic clock to have the wall clock (Unix time), taken once at start-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WallOffset {
    nanos: i128,
}

impl WallOffset {
    /// From both clocks read at the same time: nanoseconds since 1970-01-01 UTC, and nanoseconds of `CLOCK_MONOTONIC`.
    #[must_use]
    pub fn new(unix_ns: u64, monotonic_ns: u64) -> Self {
        Self { nanos: i128::from(unix_ns) - i128::from(monotonic_ns) }
    }

    /// Unix time in nanoseconds at a point of the monotonic clock; held within `u64`.
    #[must_use]
    pub fn unix_ns(self, monotonic_ns: u64) -> u64 {
        let wall = i128::from(monotonic_ns) + self.nanos;
        u64::try_from(wall.max(0)).unwrap_or(u64::MAX)
    }
}

/// Gives the samples of one stream their times.
#[derive(Debug, Clone)]
pub struct Timestamps {
    period_ns: u64,
    offset: WallOffset,
    /// Cycle and time of the first sample.
    first: Option<(u64, u64)>,
    /// Cycle and time of the last sample.
    last: Option<(u64, u64)>,
}

/// When a sample was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Nanoseconds since 1970-01-01 UTC.
    pub(crate) unix_ns: u64,
    /// Cycles since the sample before; none for the first.
    pub(crate) cycles: Option<u64>,
}

impl Stamp {
    /// Samples that the grid had a place for since the sample before, with one every `every` cycles.
    pub(crate) fn missing(self, every: u64) -> u64 {
        let steps = self.cycles.and_then(|cycles| cycles.checked_div(every));
        steps.map_or(0, |steps| steps.saturating_sub(1))
    }
}

impl Timestamps {
    /// For a grid with this period.
    #[must_use]
    pub fn new(period: Duration, offset: WallOffset) -> Self {
        let period_ns = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX);
        Self { period_ns, offset, first: None, last: None }
    }

    /// Nanoseconds since 1970-01-01 UTC of the sample of `cycle`, whose tick was at `tick_ns` of the monotonic clock.
    pub fn stamp(&mut self, cycle: u64, tick_ns: u64) -> u64 {
        self.advance(cycle, tick_ns).unix_ns
    }

    pub(crate) fn advance(&mut self, cycle: u64, tick_ns: u64) -> Stamp {
        let (first, start) = *self.first.get_or_insert_with(|| (cycle, self.offset.unix_ns(tick_ns)));
        let elapsed = cycle.saturating_sub(first).saturating_mul(self.period_ns);
        let floor = self.last.map_or(0, |(_, time)| time);
        let unix_ns = start.saturating_add(elapsed).max(floor);
        let cycles = self.last.map(|(last, _)| cycle.saturating_sub(last));
        self.last = Some((cycle, unix_ns));
        Stamp { unix_ns, cycles }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const PERIOD: Duration = Duration::from_millis(1);

    #[test]
    fn the_first_sample_gets_the_wall_clock_of_its_tick() {
        let mut stamps = Timestamps::new(PERIOD, WallOffset::new(1_700_000_000_000_000_000, 5_000));
        assert_eq!(stamps.stamp(77, 4_000), 1_699_999_999_999_999_000);
    }

    #[test]
    fn the_next_ones_follow_the_cycle_numbers_and_not_the_ticks() {
        let mut stamps = Timestamps::new(PERIOD, WallOffset::new(1_000, 0));
        assert_eq!(stamps.stamp(10, 0), 1_000);
        assert_eq!(stamps.stamp(20, 999), 1_000 + 10 * MS);
        assert_eq!(stamps.stamp(30, u64::MAX), 1_000 + 20 * MS);
    }

    #[test]
    fn a_skipped_cycle_is_a_gap_of_its_length() {
        let mut stamps = Timestamps::new(PERIOD, WallOffset::new(0, 0));
        assert_eq!(stamps.advance(10, 0), Stamp { unix_ns: 0, cycles: None });
        assert_eq!(stamps.advance(40, 0), Stamp { unix_ns: 30 * MS, cycles: Some(30) });
    }

    #[test]
    fn time_never_goes_back_nor_past_its_type() {
        let mut stamps = Timestamps::new(PERIOD, WallOffset::new(1, 0));
        assert_eq!(stamps.stamp(50, 0), 1);
        assert_eq!(stamps.stamp(60, 0), 1 + 10 * MS);
        assert_eq!(stamps.stamp(40, 0), 1 + 10 * MS);
        assert_eq!(stamps.stamp(u64::MAX, 0), u64::MAX);
    }

    #[test]
    fn a_wall_clock_before_1970_is_held_at_zero() {
        assert_eq!(WallOffset::new(0, 10).unix_ns(5), 0);
    }
}
