//! Timestamps of samples: each is its tick on the grid, which is `first + n * period` by the number of its cycle, on the
//! wall clock as it was at start-up.
//!
//! Guarantees: no drift against the grid, whatever its period; a skipped cycle is a gap of its length; time never goes
//! back. Not here: correction of the drift between the monotonic and the wall clock.

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
    offset: WallOffset,
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
    /// For a stream of a grid whose clock is `offset` from the wall clock.
    #[must_use]
    pub const fn new(offset: WallOffset) -> Self {
        Self { offset, last: None }
    }

    /// Nanoseconds since 1970-01-01 UTC of the sample of `cycle`, whose tick on the grid is at `tick_ns` of the
    /// monotonic clock.
    pub fn stamp(&mut self, cycle: u64, tick_ns: u64) -> u64 {
        self.advance(cycle, tick_ns).unix_ns
    }

    pub(crate) fn advance(&mut self, cycle: u64, tick_ns: u64) -> Stamp {
        let floor = self.last.map_or(0, |(_, time)| time);
        let unix_ns = self.offset.unix_ns(tick_ns).max(floor);
        let cycles = self.last.map(|(last, _)| cycle.saturating_sub(last));
        self.last = Some((cycle, unix_ns));
        Stamp { unix_ns, cycles }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn the_first_sample_gets_the_wall_clock_of_its_tick() {
        let mut stamps = Timestamps::new(WallOffset::new(1_700_000_000_000_000_000, 5_000));
        assert_eq!(stamps.stamp(77, 4_000), 1_699_999_999_999_999_000);
    }

    #[test]
    fn a_period_that_is_no_whole_number_of_nanoseconds_does_not_drift() {
        let tick = |cycle: u64| cycle * 1_000_000_000 / 3_000;
        let mut stamps = Timestamps::new(WallOffset::new(0, 0));
        assert_eq!(stamps.stamp(1, tick(1)), 333_333);
        assert_eq!(stamps.stamp(3_000_000, tick(3_000_000)), 1_000_000_000_000);
    }

    #[test]
    fn a_skipped_cycle_is_a_gap_of_its_length() {
        let mut stamps = Timestamps::new(WallOffset::new(0, 0));
        assert_eq!(stamps.advance(10, 10 * MS), Stamp { unix_ns: 10 * MS, cycles: None });
        assert_eq!(stamps.advance(40, 40 * MS), Stamp { unix_ns: 40 * MS, cycles: Some(30) });
    }

    #[test]
    fn time_never_goes_back_nor_past_its_type() {
        let mut stamps = Timestamps::new(WallOffset::new(1, 0));
        assert_eq!(stamps.stamp(60, 10), 11);
        assert_eq!(stamps.stamp(40, 5), 11);
        assert_eq!(stamps.stamp(u64::MAX, u64::MAX), u64::MAX);
    }

    #[test]
    fn a_wall_clock_before_1970_is_held_at_zero() {
        assert_eq!(WallOffset::new(0, 10).unix_ns(5), 0);
    }
}
