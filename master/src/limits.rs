//! Limits of the rig file, held against the report of a run.
//!
//! A limit whose value could not be measured is not held. Not here: limits of the machine, such as threads and files
//! (`limit.rs`).

use crate::report::{Figures, LimitReport, Report};
use std::fmt;
use std::time::Duration;
use zerocat_config::{Limits, Percentiles};
use zerocat_faults::Fault;
use zerocat_sched::time::nanos;

impl Report {
    /// Holds what the report says against limits, and keeps the result in it. For a run that came to OP.
    pub fn judge(&mut self, limits: &Limits) {
        let counts = self.counts(limits);
        let faults = limits.faults.iter().map(|(name, most)| {
            let count = self.faults.get(name.as_str()).copied().unwrap_or_default();
            LimitReport::count(format!("faults.{name}"), *most, count)
        });
        let round_trip = times("round_trip", limits.round_trip, self.round_trip_ns);
        let wakeup = times("wakeup", limits.wakeup, self.wakeup_jitter_ns);
        self.limits = counts.chain(round_trip).chain(wakeup).chain(faults).collect();
    }

    /// Limits that were broken.
    pub fn broken_limits(&self) -> impl Iterator<Item = &LimitReport> {
        self.limits.iter().filter(|limit| !limit.held)
    }

    fn counts(&self, limits: &Limits) -> impl Iterator<Item = LimitReport> + use<> {
        let all = [
            ("lost_cycles", limits.lost_cycles, self.cycles.lost),
            ("skipped_ticks", limits.skipped_ticks, self.cycles.skipped),
            ("outages", limits.outages, self.outages.count),
            ("left_op", limits.left_op, self.left_op),
            ("working_counter_faults", limits.working_counter_faults, self.working_counter_faults),
            ("refused_commands", limits.refused_commands, self.refused_commands()),
        ];
        all.into_iter().filter_map(|(key, most, count)| Some(LimitReport::count(key.to_owned(), most?, count)))
    }

    /// Commands that were refused; those that came too early are dropped and not refused.
    fn refused_commands(&self) -> u64 {
        let all = self.tasks.iter().flat_map(|task| &task.refused);
        all.filter(|refused| refused.fault != Fault::CommandOutdated.name()).map(|refused| refused.count).sum()
    }
}

fn times(key: &str, limits: Percentiles, figures: Option<Figures>) -> impl Iterator<Item = LimitReport> + use<> {
    let all = [
        ("p50", limits.p50, figures.map(|figures| figures.p50)),
        ("p99", limits.p99, figures.map(|figures| figures.p99)),
        ("p999", limits.p999, figures.map(|figures| figures.p999)),
        ("max", limits.max, figures.map(|figures| figures.max)),
    ];
    let one = |(name, most, value): (&str, Option<Duration>, Option<u64>)| {
        Some(LimitReport::time(format!("{key}.{name}"), nanos(most?), value))
    };
    all.into_iter().filter_map(one).collect::<Vec<_>>().into_iter()
}

impl LimitReport {
    fn count(key: String, limit: u64, value: u64) -> Self {
        Self { key, unit: "count", limit, value: Some(value), held: value <= limit }
    }

    fn time(key: String, limit: u64, value: Option<u64>) -> Self {
        Self { key, unit: "ns", limit, value, held: value.is_some_and(|value| value <= limit) }
    }

    fn shown(&self, value: u64) -> String {
        if self.unit == "count" {
            value.to_string()
        } else {
            format!("{:?}", Duration::from_nanos(value)).replace('µ', "u")
        }
    }
}

impl fmt::Display for LimitReport {
    /// `round_trip.p99 is 310us, the limit is 250us`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = |value| if self.unit == "count" { value } else { short(value) };
        let value = self.value.map_or_else(|| "unknown".to_owned(), |value| self.shown(digits(value)));
        write!(f, "{} is {value}, the limit is {}", self.key, self.shown(self.limit))
    }
}

/// The four first digits of a number of nanoseconds, upwards: what is above a limit stays above it.
const fn short(nanos: u64) -> u64 {
    let mut unit = 1;
    while nanos / unit >= 10_000 {
        unit *= 10;
    }
    nanos.div_ceil(unit).saturating_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::LinkReport;

    fn report() -> Report {
        let mut report = Report::of_link(LinkReport::new("in_process", "lo"), Vec::new());
        report.cycles.lost = 3;
        report.faults.insert("answers_late", 2);
        report.round_trip_ns = Some(Figures { min: 1, p50: 80_000, p99: 310_500, p999: 400_000, max: 500_000, n: 9 });
        report
    }

    #[test]
    fn each_limit_is_held_against_its_value_and_only_those_that_are_set() {
        let mut report = report();
        report.judge(&Limits::default());
        assert_eq!(report.limits, []);
        let round_trip = Percentiles { p99: Some(Duration::from_micros(250)), ..Percentiles::default() };
        let limits = Limits { lost_cycles: Some(3), outages: Some(0), round_trip, ..Limits::default() };
        report.judge(&limits);
        let held: Vec<_> = report.limits.iter().map(|limit| (limit.key.as_str(), limit.held)).collect();
        assert_eq!(held, [("lost_cycles", true), ("outages", true), ("round_trip.p99", false)]);
        let broken: Vec<_> = report.broken_limits().map(ToString::to_string).collect();
        assert_eq!(broken, ["round_trip.p99 is 310.5us, the limit is 250us"]);
    }

    #[test]
    fn a_time_is_shown_with_four_digits_and_never_below_what_it_was() {
        assert_eq!([0, 9_999, 1_037_823, 250_000_300].map(short), [0, 9_999, 1_038_000, 250_100_000]);
    }

    #[test]
    fn a_time_that_was_not_measured_is_not_held_and_a_fault_that_did_not_occur_is() {
        let mut report = report();
        let wakeup = Percentiles { max: Some(Duration::from_millis(1)), ..Percentiles::default() };
        let faults = [("answers_late".to_owned(), 1), ("bus_driven".to_owned(), 0)].into();
        report.judge(&Limits { wakeup, faults, ..Limits::default() });
        let held: Vec<_> = report.limits.iter().map(|limit| (limit.key.as_str(), limit.held)).collect();
        assert_eq!(held, [("wakeup.max", false), ("faults.answers_late", false), ("faults.bus_driven", true)]);
        assert_eq!(report.limits[0].to_string(), "wakeup.max is unknown, the limit is 1ms");
    }
}
