//! A distribution of times, to three significant digits, that can be printed, read back and added up.

use hdrhistogram::Histogram;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest time that is recorded as it is, 10 s; longer ones count as this.
const HIGHEST: u64 = 10_000_000_000;
/// Significant digits: enough to tell 1.00 from 1.01.
const DIGITS: u8 = 3;

/// Times in nanoseconds with three significant digits. As JSON a list of `[nanoseconds, count]`, rising.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread(Histogram<u64>);

impl Default for Spread {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "constant bounds")]
        let histogram = Histogram::new_with_bounds(1, HIGHEST, DIGITS).expect("constant bounds are valid");
        Self(histogram)
    }
}

impl Spread {
    /// Adds a time. Neither allocates nor fails.
    #[inline]
    pub fn record(&mut self, nanos: u64) {
        self.0.saturating_record(nanos);
    }

    /// Adds all times of another.
    pub fn add(&mut self, other: &Self) {
        // Both have the same constant bounds, which is all that could be refused.
        let _ = self.0.add(&other.0);
    }

    /// Forgets all times.
    pub fn clear(&mut self) {
        self.0.reset();
    }

    /// Number of times.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The time that this share of all times, 0 to 1, doesn't exceed; 0 when there are none.
    #[must_use]
    pub fn quantile(&self, share: f64) -> u64 {
        if self.0.is_empty() { 0 } else { self.0.value_at_quantile(share) }
    }

    /// The longest time; 0 when there are none.
    #[must_use]
    pub fn max(&self) -> u64 {
        self.0.max()
    }

    /// The same as [`Spread::pairs`] with two significant digits, which is enough to draw.
    #[must_use]
    pub fn thinned(&self) -> Vec<(u64, u64)> {
        let mut thinned: Vec<(u64, u64)> = Vec::new();
        for (nanos, count) in self.pairs() {
            let step = 10_u64.pow(nanos.max(1).ilog10().saturating_sub(1));
            let nanos = nanos / step * step;
            match thinned.last_mut() {
                Some(last) if last.0 == nanos => last.1 += count,
                _ => thinned.push((nanos, count)),
            }
        }
        thinned
    }

    /// Each time that occurred and how often, in rising order.
    #[must_use]
    pub fn pairs(&self) -> Vec<(u64, u64)> {
        self.0.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())).collect()
    }
}

impl Serialize for Spread {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.pairs())
    }
}

impl<'de> Deserialize<'de> for Spread {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut spread = Self::default();
        for (nanos, count) in Vec::<(u64, u64)>::deserialize(deserializer)? {
            spread.0.saturating_record_n(nanos, count);
        }
        Ok(spread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_and_read_back_is_the_same() {
        let mut spread = Spread::default();
        for nanos in [900, 900, 1_234_567, 40] {
            spread.record(nanos);
        }
        let json = serde_json::to_string(&spread).unwrap();
        assert!(json.starts_with("[[40,1],[900,2],"), "{json}");
        let back: Spread = serde_json::from_str(&json).unwrap();
        assert_eq!((back.count(), back.quantile(0.5), back.max()), (4, spread.quantile(0.5), spread.max()));
    }

    #[test]
    fn a_peer_may_print_in_any_order() {
        let spread: Spread = serde_json::from_str("[[300,1],[100,2]]").unwrap();
        assert_eq!(spread.pairs(), [(100, 2), (300, 1)]);
    }

    #[test]
    fn thinned_it_has_two_digits_and_all_counts() {
        let mut spread = Spread::default();
        for nanos in [7, 941, 949, 951, 12_345] {
            spread.record(nanos);
        }
        assert_eq!(spread.thinned(), [(7, 1), (940, 2), (950, 1), (12_000, 1)]);
    }

    #[test]
    fn nothing_measured_is_zero_and_not_a_panic() {
        let spread = Spread::default();
        assert_eq!((spread.quantile(0.999), spread.max(), spread.count()), (0, 0, 0));
    }
}
