//! Distributions of what the realtime thread timed: fixed-size histograms, allocated before the first cycle.
//!
//! A histogram is 200 kB, and the values of successive cycles are far apart in it: each would cost a cycle a cache miss
//! and a page walk of its own. So a cycle notes its times in one row, and the rows go into the histograms a
//! [`BATCH`] at a time.

use hdrhistogram::Histogram;
use std::time::Duration;
use zerocat_sched::time::nanos;

/// Longest time that is told apart; longer ones count as this. 10 s.
const HIGHEST: u64 = 10_000_000_000;

/// A distribution in nanoseconds with three significant digits.
#[derive(Debug, Clone)]
pub struct Distribution(Histogram<u64>);

/// The figures that a report prints of a distribution, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Smallest value.
    pub min: u64,
    /// Median.
    pub p50: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
    /// Largest value.
    pub max: u64,
    /// Number of values.
    pub n: u64,
}

impl Default for Distribution {
    fn default() -> Self {
        Self::new()
    }
}

impl Distribution {
    /// An empty distribution with every page of it touched.
    ///
    /// # Panics
    /// Never: the bounds are constants that the histogram accepts.
    #[must_use]
    pub fn new() -> Self {
        #[expect(clippy::expect_used, reason = "constant bounds")]
        let mut histogram = Histogram::new_with_bounds(1, HIGHEST, 3).expect("constant bounds are valid");
        // Writing and clearing touches the pages of the counts.
        let mut value = 1;
        while value < HIGHEST {
            histogram.saturating_record(value);
            value = value.saturating_add(value / 8).saturating_add(1);
        }
        histogram.reset();
        Self(histogram)
    }

    /// Adds a value. Neither allocates nor fails.
    #[inline]
    pub fn record(&mut self, value: Duration) {
        self.0.saturating_record(nanos(value));
    }

    /// Adds all values of another distribution.
    pub fn add(&mut self, other: &Self) {
        // Both have the same constant bounds, which is all that could be refused.
        let _ = self.0.add(&other.0);
    }

    /// Forgets all values.
    pub fn clear(&mut self) {
        self.0.reset();
    }

    /// The figures; `None` when there are no values.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        (!self.0.is_empty()).then(|| Summary {
            min: self.0.min(),
            p50: self.0.value_at_quantile(0.5),
            p99: self.0.value_at_quantile(0.99),
            p999: self.0.value_at_quantile(0.999),
            max: self.0.max(),
            n: self.0.len(),
        })
    }
}

/// Cycles whose times are added together.
const BATCH: usize = 16;
/// In a row: the cycle has no such time.
const NONE: u64 = u64::MAX;

/// Which of a cycle's times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timed {
    RoundTrip,
    WakeupJitter,
    PostJitter,
    SendJitter,
    SleepLatency,
}

/// The times of one cycle, by [`Timed`].
type Row = [u64; 5];

/// The rows of the cycles since times were added last.
#[derive(Debug, Clone)]
struct Batch {
    rows: [Row; BATCH],
    /// Whole rows. The one behind them is the present cycle's.
    len: usize,
}

impl Default for Batch {
    fn default() -> Self {
        Self { rows: [[NONE; 5]; BATCH], len: 0 }
    }
}

/// What the realtime thread timed.
#[derive(Debug, Clone, Default)]
pub struct Measurements {
    /// From the first frame's posting to the last frame's return, complete cycles only.
    pub round_trip: Distribution,
    /// From the tick to the wake-up: the first reading of the clock that isn't before it.
    pub wakeup_jitter: Distribution,
    /// From the tick to the posting of the first frame: no frame is on the wire earlier.
    pub post_jitter: Distribution,
    /// From the tick to the return of the kick: the driver has all frames.
    pub send_jitter: Distribution,
    /// From the timer's deadline to the wake-up, of the sleep before the tick. With `hybrid` it is what the spin margin
    /// has to cover; empty where the thread doesn't sleep.
    pub sleep_latency: Distribution,
    batch: Batch,
}

impl Measurements {
    /// Notes a time of the present cycle.
    #[inline]
    pub(crate) fn note(&mut self, what: Timed, took: Duration) {
        if let Some(cell) = self.batch.rows.get_mut(self.batch.len).and_then(|row| row.get_mut(what as usize)) {
            *cell = nanos(took);
        }
    }

    /// Ends the present cycle.
    #[inline]
    pub(crate) fn end_cycle(&mut self) {
        self.batch.len += 1;
        if self.batch.len >= BATCH {
            self.settle();
        }
    }

    /// Adds all rows to the distributions, the present cycle's too.
    #[cold]
    pub(crate) fn settle(&mut self) {
        let Self { round_trip, wakeup_jitter, post_jitter, send_jitter, sleep_latency, batch } = self;
        let distributions = [
            (Timed::RoundTrip, round_trip),
            (Timed::WakeupJitter, wakeup_jitter),
            (Timed::PostJitter, post_jitter),
            (Timed::SendJitter, send_jitter),
            (Timed::SleepLatency, sleep_latency),
        ];
        for (what, distribution) in distributions {
            let times = batch.rows.iter().filter_map(|row| row.get(what as usize)).filter(|&&time| time != NONE);
            times.for_each(|&time| distribution.record(Duration::from_nanos(time)));
        }
        *batch = Batch::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_noted_is_in_its_distribution_once() {
        let mut measurements = Measurements::default();
        let cycles = 2 * BATCH as u64 + 3;
        for cycle in 1..=cycles {
            measurements.note(Timed::WakeupJitter, Duration::from_nanos(cycle));
            if cycle.is_multiple_of(2) {
                measurements.note(Timed::RoundTrip, Duration::from_nanos(1_000 + cycle));
            }
            measurements.end_cycle();
        }
        measurements.note(Timed::SleepLatency, Duration::from_nanos(7));
        measurements.settle();
        measurements.settle();
        let figures = |distribution: &Distribution| distribution.summary().map(|s| (s.min, s.max, s.n));
        assert_eq!(figures(&measurements.wakeup_jitter), Some((1, cycles, cycles)));
        assert_eq!(figures(&measurements.round_trip), Some((1_002, 1_000 + cycles - 1, cycles / 2)));
        assert_eq!(figures(&measurements.sleep_latency), Some((7, 7, 1)));
        assert_eq!(figures(&measurements.post_jitter), None);
    }

    #[test]
    fn values_beyond_the_range_count_as_the_longest() {
        let mut distribution = Distribution::new();
        assert_eq!(distribution.summary(), None);
        distribution.record(Duration::from_secs(60));
        distribution.record(Duration::from_nanos(100));
        let summary = distribution.summary().unwrap();
        assert_eq!((summary.min, summary.n), (100, 2));
        assert!(summary.max >= HIGHEST);
    }
}
