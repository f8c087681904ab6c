//! Distributions of what the realtime thread timed: fixed-size histograms, allocated before the first cycle.

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
}

#[cfg(test)]
mod tests {
    use super::*;

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
