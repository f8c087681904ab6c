//! The readings of a stretch of time, and the one reading that stands for them.
//!
//! How long a reading takes has a floor, and noise on one side of it. The fastest quarter is near the floor, and its mean is far
//! steadier than the single fastest reading.
//!
//! Guarantees: what is kept has a bound; of more readings than that the first count.

use super::relation::{Reading, between};

/// Readings of a stretch that count.
const ROOM: usize = 1024;
/// One in so many is among the fastest.
const FASTEST: usize = 4;

/// A stretch of time that goes on.
#[derive(Debug, Clone)]
pub(super) struct Stretch {
    /// When it began, on the known clock.
    pub(super) since: u64,
    readings: Vec<Reading>,
}

impl Stretch {
    /// Begins with a reading.
    pub(super) fn new(first: Reading) -> Self {
        Self { since: first.at, readings: vec![first] }
    }

    pub(super) fn add(&mut self, reading: Reading) {
        if self.readings.len() < ROOM {
            self.readings.push(reading);
        }
    }

    /// Ends it with the mean of its fastest quarter, and begins the next one. `None` where there was no reading.
    pub(super) fn end(&mut self, now: u64) -> Option<Reading> {
        self.since = now;
        let few = self.readings.len().div_ceil(FASTEST);
        self.readings.sort_unstable_by_key(|reading| reading.within);
        let mean = mean(self.readings.get(..few)?);
        self.readings.clear();
        mean
    }
}

fn mean(of: &[Reading]) -> Option<Reading> {
    let (first, count) = (of.first()?, i128::try_from(of.len()).ok()?);
    let from_first = |what: fn(&Reading) -> u64| {
        let sum: i128 = of.iter().map(|reading| i128::from(between(what(first), what(reading)))).sum();
        what(first).saturating_add_signed(i64::try_from(sum / count).unwrap_or(0))
    };
    let [at, shown] = [|of: &Reading| of.at, |of: &Reading| of.shown].map(from_first);
    Some(Reading { at, shown, within: from_first(|of| of.within) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_quarter_stands_for_a_stretch() {
        let reading = |n: u64| Reading { at: 1_000 * n, shown: 5_000_000 + 1_000 * n, within: 100 * (9 - n) };
        let mut stretch = Stretch::new(reading(1));
        (2..=8).for_each(|n| stretch.add(reading(n)));
        assert_eq!(stretch.end(9_000), Some(Reading { at: 7_500, shown: 5_007_500, within: 150 }));
        assert_eq!((stretch.since, stretch.end(10_000)), (9_000, None));
        (0..10_000).for_each(|n| stretch.add(Reading { within: 50, ..reading(n % 8) }));
        assert_eq!(stretch.readings.len(), ROOM);
    }
}
