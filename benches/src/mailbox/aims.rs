//! What a run is to come to.

use super::MailboxReport;
use serde::Serialize;

/// Share of the transactions with SubDevices that can answer that may fail.
const FAILED: f64 = 0.000_1;
/// Memory in KiB that a run may have more at its end than after its first tenth.
const GROWN_KIB: f64 = 2_048.0;

/// One aim.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Aim {
    /// The figure that it is of: a key of the report, or what is computed from some.
    pub of: &'static str,
    /// What is aimed at: no more than this.
    pub at_most: f64,
    /// What it came to.
    pub figure: f64,
    /// Whether it was met.
    pub met: bool,
}

impl Aim {
    fn new(of: &'static str, figure: f64, at_most: f64) -> Self {
        Self { of, at_most, figure, met: figure <= at_most }
    }
}

/// All aims of a run.
pub(super) fn aims(report: &MailboxReport) -> Vec<Aim> {
    let memory = &report.memory_kib;
    let [settled, end] = [memory.get(1).or(memory.first()), memory.last()].map(|kib| float(kib.copied().unwrap_or(0)));
    vec![
        Aim::new("failed_of_able / to_able", float(report.failed_of_able) / float(report.to_able.max(1)), FAILED),
        Aim::new("wrong_errors", float(report.wrong_errors), 0.0),
        Aim::new("wrong_data", float(report.wrong_data), 0.0),
        Aim::new("duplicates", float(report.duplicates), 0.0),
        Aim::new("leaked", float(report.leaked), 0.0),
        Aim::new("memory_kib, growth behind the first tenth", end - settled, GROWN_KIB),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "figures far below 2^53")]
const fn float(value: u64) -> f64 {
    value as f64
}
