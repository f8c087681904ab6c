//! The absolute grid of cycles: tick `n` is at `origin + n * period`.
//!
//! Guarantees: the times of ticks don't drift, whatever the period (a rate of 3,000 Hz has a period of 333,333.33 ns,
//! and its tick 3,000,000 is at exactly 1,000 s); a missed tick is skipped and counted, never caught up; a tick that is
//! late but still within its own period is run. Not guaranteed: that the thread wakes in time.

use std::time::Duration;

use crate::time::{Time, nanos};

/// Shortest period of a grid: 1 us.
pub const MIN_PERIOD: Duration = Duration::from_micros(1);
/// Longest period of a grid: 1,000 s.
pub const MAX_PERIOD: Duration = Duration::from_secs(1000);

/// Why a rate or a duration can't be the period of a grid.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum PeriodError {
    /// The rate is not a number, or its period is out of bounds.
    #[error("rate of {0} Hz is outside 0.001 Hz to 1000000 Hz")]
    Rate(f64),
    /// The duration is out of bounds.
    #[error("period of {0:?} is outside 1us to 1000s")]
    Duration(Duration),
}

/// A period as a fraction of nanoseconds, so that a rate which doesn't divide 10^9 is still exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    /// Nanoseconds in `per` periods.
    nanos: u64,
    per: u64,
}

impl Period {
    /// The period of a rate in Hz, exact to 0.000001 Hz.
    ///
    /// # Errors
    /// `PeriodError::Rate` if it isn't between 0.001 Hz and 1 MHz.
    pub fn from_rate(hertz: f64) -> Result<Self, PeriodError> {
        if !(0.001..=1_000_000.0).contains(&hertz) {
            return Err(PeriodError::Rate(hertz));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 10^3 and 10^12, checked")]
        let microhertz = (hertz * 1e6).round() as u64;
        Ok(Self::reduced(1_000_000_000_000_000, microhertz))
    }

    /// The period of a duration, exact to the nanosecond.
    ///
    /// # Errors
    /// `PeriodError::Duration` if it isn't between [`MIN_PERIOD`] and [`MAX_PERIOD`].
    pub fn from_duration(period: Duration) -> Result<Self, PeriodError> {
        if (MIN_PERIOD..=MAX_PERIOD).contains(&period) {
            Ok(Self { nanos: nanos(period), per: 1 })
        } else {
            Err(PeriodError::Duration(period))
        }
    }

    fn reduced(nanos: u64, per: u64) -> Self {
        let (mut a, mut b) = (nanos, per);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Self { nanos: nanos / a, per: per / a }
    }

    /// The period, rounded down to a nanosecond.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_nanos(self.nanos / self.per)
    }

    /// The rate in Hz.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "for people to read")]
    pub fn hertz(self) -> f64 {
        self.per as f64 * 1e9 / self.nanos as f64
    }

    /// Nanoseconds from tick 0 to tick `number`, rounded down.
    fn offset(self, number: u64) -> u64 {
        if self.per == 1 {
            return number.saturating_mul(self.nanos);
        }
        let offset = u128::from(number) * u128::from(self.nanos) / u128::from(self.per);
        u64::try_from(offset).unwrap_or(u64::MAX)
    }

    /// The greatest tick whose offset is at most `elapsed` nanoseconds.
    fn index(self, elapsed: u64) -> u64 {
        if self.per == 1 {
            return elapsed / self.nanos;
        }
        // floor(n * nanos / per) <= elapsed  <=>  n * nanos < (elapsed + 1) * per
        let bound = (u128::from(elapsed) + 1) * u128::from(self.per) - 1;
        u64::try_from(bound / u128::from(self.nanos)).unwrap_or(u64::MAX)
    }
}

/// The tick to run next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Tick {
    /// Its number, which is also the cycle's. Numbers of skipped ticks are missing.
    pub number: u64,
    /// When it is or was due, in nanoseconds of the clock.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub at: Time,
    /// Ticks between the last one that ran and this one; they are never run.
    pub skipped: u64,
}

/// Ticks at `origin + n * period`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// In ns of the clock. A grid that was moved may have begun before the clock did.
    origin: i64,
    period: Period,
}

impl Grid {
    /// A grid whose tick 0 is at `origin`.
    #[must_use]
    pub const fn new(origin: Time, period: Period) -> Self {
        Self { origin: origin.0.cast_signed(), period }
    }

    /// A grid of `hertz` ticks a second.
    ///
    /// # Errors
    /// As [`Period::from_rate`].
    pub fn from_rate(origin: Time, hertz: f64) -> Result<Self, PeriodError> {
        Ok(Self::new(origin, Period::from_rate(hertz)?))
    }

    /// A grid of one tick a `period`.
    ///
    /// # Errors
    /// As [`Period::from_duration`].
    pub fn from_period(origin: Time, period: Duration) -> Result<Self, PeriodError> {
        Ok(Self::new(origin, Period::from_duration(period)?))
    }

    /// When tick 0 is.
    #[must_use]
    pub fn origin(&self) -> Time {
        self.tick(0)
    }

    /// The period.
    #[must_use]
    pub const fn period(&self) -> Period {
        self.period
    }

    /// When tick `number` is, rounded down to a nanosecond; saturates.
    #[must_use]
    pub fn tick(&self, number: u64) -> Time {
        let at = i128::from(self.origin) + i128::from(self.period.offset(number));
        Time(u64::try_from(at.max(0)).unwrap_or(u64::MAX))
    }

    /// The last tick that is due at `now`: `tick(index) <= now < tick(index + 1)`. `None` before the origin.
    #[must_use]
    pub fn index_at(&self, now: Time) -> Option<u64> {
        let elapsed = i128::from(now.0) - i128::from(self.origin);
        u64::try_from(elapsed).ok().map(|elapsed| self.period.index(elapsed))
    }

    /// The tick to run next when `last_done` was the last one that ran.
    ///
    /// That is the one after `last_done`, if its time is still to come or less than a period ago; otherwise the one
    /// whose period `now` is in, and those between are skipped. Ask again after the wait with the same `last_done`: if
    /// the wait overslept by whole periods, the answer is a later tick and `skipped` counts those in between.
    #[must_use]
    pub fn next_after(&self, now: Time, last_done: u64) -> Tick {
        self.next(now, Some(last_done))
    }

    /// As [`Grid::next_after`]; with `None`, no tick has run yet and the first one is tick 0.
    #[must_use]
    pub fn next(&self, now: Time, last_done: Option<u64>) -> Tick {
        let due = last_done.map_or(0, |done| done.saturating_add(1));
        let number = self.index_at(now).map_or(due, |index| index.max(due));
        Tick { number, at: self.tick(number), skipped: number - due }
    }

    /// Moves all ticks by `nanos`, later if that is positive. Numbers stay the same. For a controller that follows
    /// another clock: shift by far less than a period at a time, or ticks are skipped or come too close together.
    pub fn shift(&mut self, nanos: i64) {
        self.origin = self.origin.saturating_add(nanos);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn millisecond() -> Grid {
        Grid::from_period(Time(5_000), Duration::from_millis(1)).unwrap()
    }

    #[test]
    fn a_rate_that_does_not_divide_a_second_does_not_drift() {
        let grid = Grid::from_rate(Time(7), 3_000.0).unwrap();
        assert_eq!(grid.period().duration(), Duration::from_nanos(333_333));
        assert_eq!(grid.tick(1), Time(7 + 333_333));
        assert_eq!(grid.tick(2), Time(7 + 666_666));
        assert_eq!(grid.tick(3), Time(7 + 1_000_000));
        assert_eq!(grid.tick(3_000_000_000), Time(7 + 1_000_000_000_000_000));
    }

    #[test]
    fn a_rate_and_its_duration_are_the_same_grid() {
        assert_eq!(Period::from_rate(1_000.0), Period::from_duration(Duration::from_millis(1)));
        assert_eq!(Period::from_rate(0.5), Period::from_duration(Duration::from_secs(2)));
    }

    #[test]
    fn refuses_rates_and_periods_out_of_bounds() {
        for hertz in [0.0, -1.0, f64::NAN, f64::INFINITY, 0.000_1, 1_000_001.0] {
            assert!(Period::from_rate(hertz).is_err(), "{hertz}");
        }
        assert!(Period::from_duration(Duration::ZERO).is_err());
        assert!(Period::from_duration(Duration::from_secs(1001)).is_err());
    }

    #[test]
    fn waits_for_the_next_tick_when_in_time() {
        assert_eq!(millisecond().next_after(Time(6_000), 0), Tick { number: 1, at: Time(1_005_000), skipped: 0 });
    }

    #[test]
    fn runs_a_tick_that_is_late_within_its_period() {
        assert_eq!(millisecond().next_after(Time(2_004_999), 0), Tick { number: 1, at: Time(1_005_000), skipped: 0 });
    }

    #[test]
    fn skips_and_counts_what_is_a_period_late() {
        assert_eq!(millisecond().next_after(Time(2_005_000), 0), Tick { number: 2, at: Time(2_005_000), skipped: 1 });
        assert_eq!(millisecond().next_after(Time(9_900_000), 3), Tick { number: 9, at: Time(9_005_000), skipped: 5 });
    }

    #[test]
    fn begins_with_tick_0() {
        let grid = millisecond();
        assert_eq!(grid.index_at(Time(4_999)), None);
        assert_eq!(grid.next(Time(0), None), Tick { number: 0, at: Time(5_000), skipped: 0 });
        assert_eq!(grid.next(Time(5_500), None), Tick { number: 0, at: Time(5_000), skipped: 0 });
    }

    #[test]
    fn a_shift_moves_the_times_and_keeps_the_numbers() {
        let mut grid = millisecond();
        grid.shift(-300);
        assert_eq!(grid.tick(2), Time(2_004_700));
        grid.shift(500);
        assert_eq!(grid.tick(2), Time(2_005_200));
        // A tick that has run doesn't run again when the grid is moved to later.
        assert_eq!(grid.next_after(Time(2_005_100), 2).number, 3);
    }

    #[test]
    fn a_grid_may_be_moved_to_before_the_clock_began() {
        let mut grid = Grid::from_period(Time(0), Duration::from_millis(1)).unwrap();
        grid.shift(-700);
        grid.shift(-300);
        assert_eq!(grid.tick(5), Time(4_999_000));
        assert_eq!(grid.next_after(Time(4_999_000), 4), Tick { number: 5, at: Time(4_999_000), skipped: 0 });
    }

    fn periods() -> impl Strategy<Value = Period> {
        prop_oneof![
            (0.001f64..1_000_000.0).prop_map(|hertz| Period::from_rate(hertz).unwrap()),
            (1_000u64..1_000_000_000_000).prop_map(|n| Period::from_duration(Duration::from_nanos(n)).unwrap()),
        ]
    }

    proptest! {
        #[test]
        fn ticks_rise(period in periods(), origin in 0u64..1 << 60, number in 0u64..1_000_000) {
            let grid = Grid::new(Time(origin), period);
            prop_assert!(grid.tick(number) < grid.tick(number + 1));
        }

        #[test]
        fn a_tick_lies_in_its_own_period(period in periods(), number in 0u64..1_000_000) {
            let grid = Grid::new(Time(1_000), period);
            let at = grid.tick(number);
            prop_assert_eq!(grid.index_at(at), Some(number));
            prop_assert_eq!(grid.index_at(Time(grid.tick(number + 1).0 - 1)), Some(number));
        }

        #[test]
        fn a_billion_ticks_do_not_drift(microhertz in 1_000_000u64..1_000_000_000_000) {
            #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
            let hertz = microhertz as f64 / 1e6;
            let grid = Grid::from_rate(Time(0), hertz).unwrap();
            let exact = 1_000_000_000u128 * 1_000_000_000_000_000 / u128::from(microhertz);
            prop_assert_eq!(u128::from(grid.tick(1_000_000_000).0), exact);
        }

        #[test]
        fn every_tick_runs_or_is_counted(
            period in periods(),
            steps in prop::collection::vec(0u64..5_000, 1..200),
        ) {
            // Each cycle takes so many thousandths of a period.
            let grid = Grid::new(Time(1_000), period);
            let (mut now, mut last, mut done, mut skipped) = (grid.origin(), None, 0u64, 0u64);
            for step in steps {
                let tick = grid.next(now, last);
                prop_assert!(last.is_none_or(|last| tick.number > last));
                now = Time(now.0.max(tick.at.0));
                prop_assert!(grid.index_at(now) == Some(tick.number));
                now = now.after(period.duration() / 1_000 * u32::try_from(step).unwrap());
                done += 1;
                skipped += tick.skipped;
                last = Some(tick.number);
            }
            prop_assert_eq!(last, Some(done + skipped - 1));
        }
    }
}
