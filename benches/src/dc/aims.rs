//! What a row is to come to.

use super::row::Row;
use super::world::PERIOD;
use serde::Serialize;
use std::time::Duration;
use zerocat_engine::SteerSettings;

/// Greatest 0x092C of 999 in 1,000.
const DIFFERENCE_NS: f64 = 100.0;
/// Greatest phase error of 999 in 1,000 frames beyond what the machine is late.
const PHASE_NS: f64 = 1_000.0;
/// Longest time to the lock.
const LOCK_S: f64 = 1.0;
/// How far phases of different starts may be apart: always the same one, to within what the phase error may be to each side.
const SPREAD_NS: f64 = 2.0 * PHASE_NS;
/// Greatest error of 99 in 100 stamps.
const STAMP_NS: f64 = 1_000.0;

/// One aim of a row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Aim {
    /// The key of the row that it is of.
    pub of: &'static str,
    /// What is aimed at: no more than this.
    pub at_most: f64,
    /// What it came to; `null` where there is no figure, because it took too short, or never came.
    pub figure: Option<f64>,
    /// Whether it was met.
    pub met: bool,
}

impl Aim {
    fn new(of: &'static str, figure: Option<f64>, at_most: f64) -> Self {
        Self { of, at_most, figure, met: figure.is_some_and(|figure| figure <= at_most) }
    }
}

/// All aims of a row.
pub(super) fn aims(row: &Row) -> Vec<Aim> {
    let steer = SteerSettings::usual(PERIOD, Duration::ZERO);
    let [first_step, step] = [steer.first_step, steer.step].map(|step| step.as_secs_f64() * 1e9);
    let count = |count: u64| Some(float(count));
    let mut aims = vec![
        Aim::new("delay_error_ns_max", Some(row.delay_error_ns_max), row.delay_bound_ns),
        Aim::new("delays_unresolved", count(row.delays_unresolved as u64), 0.0),
        Aim::new("system_time_difference_p999_ns", row.system_time_difference_p999_ns.map(float), DIFFERENCE_NS),
        Aim::new("phase_error_p999_ns", row.phase_error_p999_ns.map(float), PHASE_NS),
        Aim::new("time_to_lock_s", row.time_to_lock_s, LOCK_S),
        Aim::new("phase_spread_ns", count(row.phase_spread_ns), SPREAD_NS),
        Aim::new("grid_step_max_ns", count(row.grid_step_max_ns), step),
        Aim::new("grid_first_step_max_ns", count(row.grid_first_step_max_ns), first_step),
        Aim::new("lost_lock", count(row.lost_lock), 0.0),
    ];
    // A short run has none.
    if row.stamp_error_p99_ns.is_some() {
        aims.push(Aim::new("stamp_error_p99_ns", row.stamp_error_p99_ns.map(float), STAMP_NS));
    }
    aims
}

#[expect(clippy::cast_precision_loss, reason = "figures far below 2^53")]
const fn float(value: u64) -> f64 {
    value as f64
}
