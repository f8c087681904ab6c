//! What a run is to come to.

use super::MailboxReport;
use super::rate::RateReport;
use serde::Serialize;

/// Share of the transactions with SubDevices that can answer that may fail.
const FAILED: f64 = 0.000_1;
/// Memory in KiB that a run may have more at its end than after its first tenth.
const GROWN_KIB: f64 = 2_048.0;
/// SDO transactions a second over 16 SubDevices.
const PER_SECOND: f64 = 5_000.0;
/// Tick-to-sent p99.9 of the cycle with transactions over that without.
const P999_RATIO: f64 = 1.25;
/// Share of a CPU that the bus thread takes when nothing is asked.
const IDLE: f64 = 0.01;

/// One aim.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Aim {
    /// The figure that it is of: a key of the report, or what is computed from some.
    pub of: &'static str,
    /// What is aimed at: no more than this; `null` where it is no less.
    pub at_most: Option<f64>,
    /// No less than this.
    pub at_least: Option<f64>,
    /// What it came to.
    pub figure: f64,
    /// Whether it was met.
    pub met: bool,
}

impl Aim {
    fn at_most(of: &'static str, figure: f64, at_most: f64) -> Self {
        Self { of, at_most: Some(at_most), at_least: None, figure, met: figure <= at_most }
    }

    fn at_least(of: &'static str, figure: f64, at_least: f64) -> Self {
        Self { of, at_most: None, at_least: Some(at_least), figure, met: figure >= at_least }
    }
}

/// What holds for every run.
pub(super) fn aims(report: &MailboxReport) -> Vec<Aim> {
    let failed = float(report.failed_of_able) / float(report.to_able.max(1));
    let mut aims = vec![
        Aim::at_most("failed_of_able / to_able", failed, FAILED),
        Aim::at_most("wrong_errors", float(report.wrong_errors), 0.0),
        Aim::at_most("wrong_data", float(report.wrong_data), 0.0),
        Aim::at_most("duplicates", float(report.duplicates), 0.0),
        Aim::at_most("leaked", float(report.leaked), 0.0),
    ];
    if let [_, settled, .., end] = *report.memory_kib {
        let grown = float(end) - float(settled);
        aims.push(Aim::at_most("memory_kib, growth behind the first tenth", grown, GROWN_KIB));
    }
    aims
}

/// What holds where the rate was measured, beside.
pub(super) fn aims_of_rate(rate: &RateReport, per_second: f64, ratio: f64) -> Vec<Aim> {
    vec![
        Aim::at_least("per_second", per_second, PER_SECOND),
        Aim::at_most("cycle_p999_ratio", ratio, P999_RATIO),
        Aim::at_most("rate.idle_bus_cpu", rate.idle_bus_cpu, IDLE),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "figures far below 2^53")]
pub(super) const fn float(value: u64) -> f64 {
    value as f64
}
