//! `zerocat bench dc`: distributed clocks in virtual time, against simulated segments whose truth is known.
//!
//! Each row is a network: its delays are measured and its clocks set, then the engine keeps its grid at a phase to the reference
//! clock and hands that clock's time on, for as long as was asked for. Meanwhile crystals wander, frames are lost, one by one and
//! in bursts, the wall clock is stepped, and the thread, the way to the wire and the way back are as late as a recorded machine
//! was. Besides that the network is started from phases all over the period.
//!
//! Guarantees: the same seed gives the same figures on every machine. Every figure is against what the simulation knows,
//! not against what the engine believes. Not measured here: how long anything takes on this machine.

mod aims;
mod ask;
mod check;
mod compensate;
mod crystal;
mod host_clock;
mod lateness;
mod recorded;
mod row;
mod table;
mod tally;
mod topology;
mod wire;
mod world;

pub use aims::Aim;
pub use check::Check;
pub use row::Row;
pub use table::table;
pub use topology::{Topology, Variant};

use serde::Serialize;
use world::Reused;
use zerocat_engine::Pool;
use zerocat_testkit::virtual_network::Frames;

/// Name and version of the schema. Keys may be added; none changes its meaning.
pub const SCHEMA: &str = "zerocat-bench-dc/1";

/// What to simulate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DcSettings {
    /// Virtual time of each row, in seconds.
    pub seconds: f64,
    /// Start phases of each row.
    pub starts: u32,
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// The rows.
    pub variants: Vec<Variant>,
}

impl DcSettings {
    /// All rows that there are.
    #[must_use]
    pub fn all_variants() -> Vec<Variant> {
        let line = Variant::of(Topology::Line);
        let others = [
            Variant { delays_known: false, ..Variant::of(Topology::LongLine) },
            Variant { stamp_ns: 10, ..line },
            Variant { stamp_ns: 10, ..Variant::of(Topology::Nested) },
            Variant { stepwise: true, ..line },
            Variant { bandwidth: 0.3, ..line },
            Variant { bandwidth: 3.0, ..line },
            Variant { bits: 32, ..line },
            Variant { stamp_ns: 10, stepwise: true, bandwidth: 0.3, ..Variant::of(Topology::Star) },
        ];
        Topology::ALL.into_iter().map(Variant::of).chain(others).collect()
    }
}

/// Why nothing was simulated.
#[derive(Debug, thiserror::Error)]
pub enum DcBenchError {
    /// No row, or no time.
    #[error("nothing to simulate: name a topology, and a time of at least one second")]
    Nothing,
    /// The segment can't be simulated.
    #[error("simulate a segment: {0}")]
    Segment(String),
    /// Its SubDevices can't be found, or their clocks not be set.
    #[error("find SubDevices and set their clocks: {0}")]
    BringUp(String),
    /// It has no clock.
    #[error("the segment has no clock")]
    NoClock,
    /// The engine doesn't take it.
    #[error("set the engine up: {0}")]
    Engine(String),
}

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub struct DcReport {
    /// Always `zerocat-bench-dc/1`.
    pub schema: &'static str,
    /// What was asked for.
    pub settings: DcSettings,
    /// The machine whose delays were drawn.
    pub machine: &'static str,
    /// One for each variant.
    pub rows: Vec<Row>,
    /// What must come out as it is.
    pub checks: Vec<Check>,
}

impl DcReport {
    /// Number of aims and checks that were missed, and of all.
    #[must_use]
    pub fn verdict(&self) -> (usize, usize) {
        let aims: usize = self.rows.iter().map(|row| row.aims.len()).sum();
        let failed = self.checks.iter().filter(|check| !check.met).count();
        (self.missed().count() + failed, aims + self.checks.len())
    }

    /// Aims that were missed, each with its row.
    pub fn missed(&self) -> impl Iterator<Item = (&Row, &Aim)> {
        self.rows.iter().flat_map(|row| row.aims.iter().map(move |aim| (row, aim))).filter(|(_, aim)| !aim.met)
    }
}

/// Simulates. `progress` is called with a line of text for each row.
///
/// # Errors
/// See [`DcBenchError`].
pub fn run(settings: &DcSettings, mut progress: impl FnMut(&str)) -> Result<DcReport, DcBenchError> {
    if settings.variants.is_empty() || settings.seconds.is_nan() || settings.seconds < 1.0 {
        return Err(DcBenchError::Nothing);
    }
    let mut reused = Reused { pool: Pool::new().0, frames: Frames::default() };
    let mut rows = Vec::new();
    for variant in &settings.variants {
        progress(&format!("{} {}: {} s of virtual time", variant.topology, variant.unusual(), settings.seconds));
        let (row, next) = row::simulate(variant, settings, reused)?;
        rows.push(row);
        reused = next;
    }
    progress("a fork without a clock, and a drive with SYNC0 in its frame");
    let checks = check::checks(settings.seed, reused)?;
    Ok(DcReport { schema: SCHEMA, settings: settings.clone(), machine: recorded::VETH.name, rows, checks })
}

#[cfg(test)]
mod tests;
