//! What one row measured in one scenario, round by round.

use super::report::as_f64;
use zerocat_measure::{Bucket, Cost, RowReport, Spread};

/// The quantiles of a round that are compared.
pub(super) const SHARES: [f64; 2] = [0.5, 0.999];

/// All rounds of a row.
#[derive(Debug, Clone, Default)]
pub(super) struct Gathered {
    pub(super) set_up: Option<String>,
    pub(super) mode: Option<String>,
    pub(super) driver: Option<String>,
    pub(super) failed: Option<String>,
    pub(super) cycle: Spread,
    pub(super) round_trip: Spread,
    pub(super) wake_up: Spread,
    pub(super) lost: u64,
    pub(super) skipped: u64,
    pub(super) working_counter_faults: u64,
    pub(super) cost: Cost,
    pub(super) timeline: Vec<Bucket>,
    pub(super) missing: Vec<String>,
    /// Cycle of each round at each quantile; 0 if the round gave none.
    pub(super) rounds: Vec<[u64; 2]>,
}

impl Gathered {
    /// Adds a round.
    pub(super) fn add(&mut self, report: RowReport) {
        self.rounds.push(SHARES.map(|share| report.cycle_ns.quantile(share)));
        self.cycle.add(&report.cycle_ns);
        self.round_trip.add(&report.round_trip_ns);
        self.wake_up.add(&report.wake_up_ns);
        self.lost += report.lost;
        self.skipped += report.skipped;
        self.working_counter_faults += report.working_counter_faults;
        self.cost.add(&report.cost);
        self.timeline.extend(report.timeline);
        let new = report.missing.into_iter().filter(|sentence| !self.missing.contains(sentence)).collect::<Vec<_>>();
        self.missing.extend(new);
        self.set_up = Some(report.set_up);
        self.mode = report.mode.or(self.mode.take());
        self.driver = report.driver.or(self.driver.take());
    }

    /// Adds a round that failed.
    pub(super) fn fail(&mut self, why: String) {
        self.rounds.push([0; 2]);
        self.failed = Some(why);
    }
}

/// Median, over the rounds, of the ratio within a round, at one of the quantiles.
pub(super) fn ratio(row: &Gathered, base: &Gathered, share: usize) -> Option<f64> {
    let at = |round: &[u64; 2]| round.get(share).copied().filter(|&ns| ns > 0).map(as_f64);
    let pairs = row.rounds.iter().zip(&base.rounds);
    let mut ratios: Vec<f64> = pairs.filter_map(|(row, base)| Some(at(row)? / at(base)?)).collect();
    ratios.sort_by(f64::total_cmp);
    let middle = ratios.len() / 2;
    if ratios.len() % 2 == 1 {
        return ratios.get(middle).copied();
    }
    Some(f64::midpoint(*ratios.get(middle.checked_sub(1)?)?, *ratios.get(middle)?))
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// Cycles in each round.
    const CYCLES: u32 = 2_000;

    /// A row whose rounds each had cycles of this many nanoseconds.
    pub(in crate::compare) fn gathered(cycles: &[u64]) -> Gathered {
        let mut gathered = Gathered::default();
        for &cycle in cycles {
            gathered.add(round(cycle));
        }
        gathered
    }

    fn round(cycle: u64) -> RowReport {
        let json = serde_json::json!({
            "schema": "zerocat-bench-row/1", "set_up": "in a test", "cycle_ns": [[cycle, CYCLES]], "lost": 0,
            "working_counter_faults": 0,
        });
        serde_json::from_value(json).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::gathered;
    use super::*;

    #[test]
    fn a_ratio_compares_within_a_round() {
        let (base, row) = (gathered(&[1_000, 2_000, 1_000]), gathered(&[3_000, 8_000, 2_000]));
        assert!((ratio(&row, &base, 0).unwrap() - 3.0).abs() < 0.01);
    }

    #[test]
    fn a_round_that_failed_is_in_no_ratio() {
        let (base, mut row) = (gathered(&[1_000, 1_000, 1_000]), gathered(&[2_000]));
        row.fail("gone".to_owned());
        row.add(testing::gathered(&[2_000]).into_round());
        assert!((ratio(&row, &base, 0).unwrap() - 2.0).abs() < 0.01);
        assert_eq!(ratio(&Gathered::default(), &base, 0), None);
    }

    impl Gathered {
        fn into_round(self) -> RowReport {
            let json = serde_json::json!({
                "schema": "", "set_up": "", "cycle_ns": self.cycle, "lost": 0, "working_counter_faults": 0,
            });
            serde_json::from_value(json).unwrap()
        }
    }
}
