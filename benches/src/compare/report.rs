//! What `zerocat bench compare` reports, schema `zerocat-bench-compare/1`.

use super::CompareSettings;
use super::figures::Figure;
use super::gathered::{Gathered, ratio};
use super::rows::{Role, RowSpec};
use super::scenario::Scenario;
use crate::host::BenchHost;
use crate::segment::SegmentReport;
use serde::Serialize;
use std::collections::BTreeMap;
use zerocat_host::doctor::Findings;
use zerocat_measure::{Bucket, Spread};

/// Name and version of the schema. Keys may be added; none changes its meaning.
pub const SCHEMA: &str = "zerocat-bench-compare/1";

/// All that was measured, and on what.
#[derive(Debug, Clone, Serialize)]
pub struct CompareReport {
    /// Always `zerocat-bench-compare/1`.
    pub schema: &'static str,
    /// Version of zerocat.
    pub version: &'static str,
    /// The machine.
    pub host: BenchHost,
    /// What was asked for; `cpu` as it was chosen.
    pub settings: CompareSettings,
    /// What `zerocat doctor` says of machine and interface.
    pub doctor: Findings,
    /// The figures that have a target.
    pub figures: Vec<Figure>,
    /// One table each.
    pub scenarios: Vec<ScenarioReport>,
    /// System calls of an exchange by name, for each row; empty without strace.
    pub syscalls: BTreeMap<String, BTreeMap<String, f64>>,
    /// Instructions of an exchange, of user and kernel, for each row; empty without perf or counters.
    pub instructions: BTreeMap<String, u64>,
    /// A cycle of 100 SubDevices in one process; `null` when it wasn't asked for.
    pub segment: Option<SegmentReport>,
    /// What wasn't available or couldn't be measured, a sentence each.
    pub missing: Vec<String>,
}

/// All rows in one scenario.
#[derive(Debug, Clone, Serialize)]
pub struct ScenarioReport {
    /// As it is written on the command line.
    pub name: Scenario,
    /// The same in words.
    pub title: String,
    /// What the other CPUs did.
    pub load: Option<String>,
    /// In the order in which they ran.
    pub rows: Vec<CompareRow>,
}

/// Percentiles in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    /// Median.
    pub p50: u64,
    /// 99th.
    pub p99: u64,
    /// 99.9th.
    pub p999: u64,
    /// The longest.
    pub max: u64,
}

impl Percentiles {
    /// Those of a distribution; `None` when it is empty.
    pub(super) fn of(spread: &Spread) -> Option<Self> {
        let at = |share| spread.quantile(share);
        (spread.count() > 0).then(|| Self { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: spread.max() })
    }
}

/// One row in one scenario, all rounds together. Times in nanoseconds.
#[derive(Debug, Clone, Serialize)]
pub struct CompareRow {
    /// `engine-xdp`, `ethercrab-raw`, `soem`, ….
    pub name: String,
    /// The same for people.
    pub title: String,
    /// What it is.
    pub role: Role,
    /// XDP mode as read back; `null` where there is none.
    pub mode: Option<String>,
    /// How it is set up.
    pub set_up: Option<String>,
    /// Why there are no figures, or not for all rounds.
    pub failed: Option<String>,
    /// Exchanges that were timed.
    pub n: u64,
    /// Exchanges whose frames did not all come back in time. They are in no other figure.
    pub lost: u64,
    /// Ticks that were skipped.
    pub skipped: u64,
    /// Answers with a wrong working counter. The row is valid only if this is 0.
    pub working_counter_faults: u64,
    /// The whole cycle: all work of an exchange and the wait for the answer.
    pub cycle_ns: Option<Percentiles>,
    /// From before the post until all frames are back, if the row times that by itself.
    pub round_trip_ns: Option<Percentiles>,
    /// From the tick until the thread ran; `null` flat out.
    pub wake_up_ns: Option<Percentiles>,
    /// Cycle at the median over that of `engine-xdp`: median over the rounds of the ratio within a round.
    pub ratio_p50: Option<f64>,
    /// The same at the 99.9th percentile.
    pub ratio_p999: Option<f64>,
    /// CPU time of all its threads for one exchange, including time spent spinning.
    pub cpu_ns_per_cycle: Option<u64>,
    /// Context switches of all its threads for one exchange.
    pub switches_per_cycle: Option<f64>,
    /// Page faults while it exchanged.
    pub page_faults: u64,
    /// Locked memory.
    pub locked_kib: u64,
    /// Median of each round.
    pub cycle_p50_of_rounds_ns: Vec<u64>,
    /// The distribution of the cycle as `[nanoseconds, count]`, to two significant digits.
    pub histogram: Vec<(u64, u64)>,
    /// The same of the wake-ups.
    pub wake_up_histogram: Vec<(u64, u64)>,
    /// The rounds one after the other, in pieces.
    pub timeline: Vec<Bucket>,
    /// What was asked for and not obtained, a sentence each.
    pub missing: Vec<String>,
}

/// The row that all others are compared with.
pub(super) const BASE: &str = "engine-xdp";

/// The table of one scenario.
pub(super) fn scenario_report(
    scenario: Scenario,
    load: Option<String>,
    specs: &[RowSpec],
    gathered: &[Gathered],
) -> ScenarioReport {
    let base = specs.iter().zip(gathered).find(|(spec, _)| spec.name == BASE).map(|(_, gathered)| gathered);
    let rows = specs.iter().zip(gathered).map(|(spec, gathered)| row(spec, gathered, base)).collect();
    ScenarioReport { name: scenario, title: scenario.title(), load, rows }
}

fn row(spec: &RowSpec, gathered: &Gathered, base: Option<&Gathered>) -> CompareRow {
    let to_base = |share: usize| base.and_then(|base| ratio(gathered, base, share)).map(hundredths);
    let exchanges = gathered.cost.exchanges;
    CompareRow {
        name: spec.name.clone(),
        title: spec.title.clone(),
        role: spec.role,
        mode: gathered.mode.clone(),
        set_up: gathered.set_up.clone(),
        failed: gathered.failed.clone(),
        n: gathered.cycle.count(),
        lost: gathered.lost,
        skipped: gathered.skipped,
        working_counter_faults: gathered.working_counter_faults,
        cycle_ns: Percentiles::of(&gathered.cycle),
        round_trip_ns: Percentiles::of(&gathered.round_trip),
        wake_up_ns: Percentiles::of(&gathered.wake_up),
        ratio_p50: to_base(0),
        ratio_p999: to_base(1),
        cpu_ns_per_cycle: gathered.cost.cpu_ns.checked_div(exchanges),
        switches_per_cycle: (exchanges > 0).then(|| hundredths(as_f64(gathered.cost.switches) / as_f64(exchanges))),
        page_faults: gathered.cost.faults,
        locked_kib: gathered.cost.locked_kib,
        cycle_p50_of_rounds_ns: gathered.rounds.iter().map(|round| round[0]).collect(),
        histogram: gathered.cycle.thinned(),
        wake_up_histogram: gathered.wake_up.thinned(),
        timeline: gathered.timeline.clone(),
        missing: gathered.missing.clone(),
    }
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

pub(super) fn as_f64(count: u64) -> f64 {
    // Exact to 9 digits and more, which is all that is printed.
    f64::from(u32::try_from(count >> 20).unwrap_or(u32::MAX)) * 1_048_576.0
        + f64::from(u32::try_from(count & 0xF_FFFF).unwrap_or(0))
}
