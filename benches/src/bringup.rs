//! `zerocat bench bringup`: how long a bus takes from cold to OP, and how many frames, beside SOEM on the same segment.
//!
//! For each size there is a simulated segment at the far end of a veth pair, after power-on each time. The MainDevices
//! come in turns, each in a process of its own: it opens the interface, brings all SubDevices to OP with the process data
//! that they map by themselves, says how long that took, and ends. The start of the process isn't in the time.
//!
//! Frames are counted at the segment, from the first one until all are in OP: every frame but the cyclic ones, which are
//! those that begin with a logical datagram (LRW, LRD or LWR).
//!
//! Guarantees: nothing is judged. A round in which a MainDevice doesn't reach OP is in `failed` and in no other figure.

mod end;
mod master;
pub mod row;
mod table;

use crate::bringup::end::SegmentEnd;
use crate::bringup::master::{Came, Master};
use crate::bringup::row::PhaseTime;
use crate::host::BenchHost;
use serde::Serialize;
use std::path::PathBuf;

pub use table::table;

/// Name and version of the schema. Keys may be added; none changes its meaning.
pub const SCHEMA: &str = "zerocat-bench-bringup/1";

/// What to measure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BringUpSettings {
    /// The MainDevices' interface.
    pub interface: String,
    /// Interface at the other end, where the segment is simulated.
    pub segment: String,
    /// SubDevices of the segments that all MainDevices bring up.
    pub subdevices: Vec<usize>,
    /// SubDevices of the segments that zerocat brings up alone; SOEM ends at 200.
    pub alone: Vec<usize>,
    /// Rounds; each brings every segment up once by each MainDevice.
    pub rounds: u32,
    /// The program `zerocat`.
    pub program: PathBuf,
    /// The command of SOEM's row.
    pub soem: Option<Vec<String>>,
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum BringUpBenchError {
    /// No segment of at least one SubDevice was asked for, or no round.
    #[error("nothing to measure: name at least one number of SubDevices, and one round")]
    Nothing,
    /// The segment can't be simulated.
    #[error("simulate {subdevices} SubDevices at {interface}: {why}")]
    Segment {
        /// The interface.
        interface: String,
        /// SubDevices asked for.
        subdevices: usize,
        /// Why.
        why: String,
    },
    /// The end was asked for.
    #[error("stopped on request")]
    Stopped,
}

/// What was measured, and on what machine.
#[derive(Debug, Clone, Serialize)]
pub struct BringUpReport {
    /// Always `zerocat-bench-bringup/1`.
    pub schema: &'static str,
    /// The machine.
    pub host: BenchHost,
    /// What was asked for.
    pub settings: BringUpSettings,
    /// One for each MainDevice and size.
    pub rows: Vec<BringUpRow>,
    /// Where zerocat's time went, by size and in order.
    pub phases: Vec<PhaseRow>,
    /// What couldn't be measured, a sentence each.
    pub missing: Vec<String>,
}

/// Bring-up of one size by one MainDevice.
#[derive(Debug, Clone, Serialize)]
pub struct BringUpRow {
    /// `zerocat` or `soem`.
    pub master: &'static str,
    /// SubDevices.
    pub subdevices: usize,
    /// Median time from cold to OP, in ms; `null` where it never got there.
    pub p50_ms: Option<f64>,
    /// Shortest time, in ms.
    pub min_ms: Option<f64>,
    /// Longest time, in ms.
    pub max_ms: Option<f64>,
    /// Median number of frames beside the cyclic ones.
    pub frames: Option<u64>,
    /// The same for each SubDevice.
    pub frames_per_subdevice: Option<f64>,
    /// Median number of datagrams in those frames.
    pub datagrams: Option<u64>,
    /// Rounds in which it reached OP.
    pub n: usize,
    /// Rounds in which it didn't.
    pub failed: usize,
}

/// A phase of zerocat's bring-up.
#[derive(Debug, Clone, Serialize)]
pub struct PhaseRow {
    /// SubDevices.
    pub subdevices: usize,
    /// Name of the phase, as in a run's report; `open` is everything before the first frame.
    pub phase: String,
    /// Median of its time, in ms.
    pub p50_ms: f64,
}

/// Measures. `progress` is called with a line of text now and then; `stop` is asked between two bring-ups.
///
/// # Errors
/// See [`BringUpBenchError`].
pub fn run(
    settings: &BringUpSettings,
    mut progress: impl FnMut(&str),
    stop: impl Fn() -> bool,
) -> Result<BringUpReport, BringUpBenchError> {
    let sizes = || settings.subdevices.iter().chain(&settings.alone);
    if settings.rounds == 0 || sizes().next().is_none() || sizes().any(|size| *size == 0) {
        return Err(BringUpBenchError::Nothing);
    }
    let masters = Master::all(settings);
    let mut came: Vec<(usize, Master, Vec<Came>)> = Vec::new();
    for size in &settings.subdevices {
        came.extend(masters.iter().map(|master| (*size, master.clone(), Vec::new())));
    }
    came.extend(settings.alone.iter().map(|size| (*size, Master::zerocat(settings), Vec::new())));
    for round in 1..=settings.rounds {
        for (size, master, came) in &mut came {
            if stop() {
                return Err(BringUpBenchError::Stopped);
            }
            progress(&format!("round {round} of {}: {size} SubDevices by {}", settings.rounds, master.name));
            let end = SegmentEnd::start(&settings.segment, *size)?;
            came.push(master.bring_up(&settings.interface, *size, &end));
        }
    }
    Ok(report(settings, &came))
}

fn report(settings: &BringUpSettings, came: &[(usize, Master, Vec<Came>)]) -> BringUpReport {
    let mut missing = Vec::new();
    if settings.soem.is_none() && !settings.subdevices.is_empty() {
        missing.push("SOEM: no command was given for it".to_owned());
    }
    for (size, master, came) in came {
        let failed = came.iter().filter_map(|came| came.as_ref().err());
        missing.extend(failed.map(|why| format!("{} with {size} SubDevices: {why}", master.name)));
    }
    BringUpReport {
        schema: SCHEMA,
        host: BenchHost::read(Some(&settings.interface)),
        settings: settings.clone(),
        rows: came.iter().map(|(size, master, came)| row(*size, master, came)).collect(),
        phases: came.iter().flat_map(|(size, _, came)| phases(*size, came)).collect(),
        missing,
    }
}

fn row(subdevices: usize, master: &Master, came: &[Came]) -> BringUpRow {
    let good: Vec<_> = came.iter().flatten().collect();
    let times: Vec<_> = good.iter().map(|came| came.ms).collect();
    let frames = median(good.iter().map(|came| came.frames).collect());
    #[expect(clippy::cast_precision_loss, reason = "numbers of frames and SubDevices, for people to read")]
    let each = |frames: u64| frames as f64 / subdevices.max(1) as f64;
    BringUpRow {
        master: master.name,
        subdevices,
        p50_ms: median(times.clone()),
        min_ms: times.iter().copied().min_by(f64::total_cmp),
        max_ms: times.iter().copied().max_by(f64::total_cmp),
        frames,
        frames_per_subdevice: frames.map(each),
        datagrams: median(good.iter().map(|came| came.datagrams).collect()),
        n: good.len(),
        failed: came.len() - good.len(),
    }
}

fn phases(subdevices: usize, came: &[Came]) -> Vec<PhaseRow> {
    let good: Vec<&[PhaseTime]> = came.iter().flatten().map(|came| came.phases.as_slice()).collect();
    let Some(first) = good.first() else { return Vec::new() };
    let phase = |phase: &PhaseTime| {
        let times = good.iter().flat_map(|phases| phases.iter()).filter(|time| time.phase == phase.phase);
        let p50_ms = median(times.map(|time| time.ms).collect()).unwrap_or_default();
        PhaseRow { subdevices, phase: phase.phase.clone(), p50_ms }
    };
    first.iter().map(phase).collect()
}

/// The middle one; of an even number the lower of both.
fn median<T: PartialOrd + Copy>(mut values: Vec<T>) -> Option<T> {
    values.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
    values.get(values.len().saturating_sub(1) / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bringup::master::Arrival;

    fn arrival(ms: f64, frames: u64) -> Came {
        let phases = vec![PhaseTime { phase: "open".into(), ms: ms / 2.0 }];
        Ok(Arrival { ms, frames, datagrams: 3 * frames, phases })
    }

    #[test]
    fn a_round_that_failed_is_counted_and_in_no_other_figure() {
        let master = Master { name: "zerocat", command: Vec::new(), takes_rate: true };
        let came = [arrival(30.0, 100), Err("not in OP".to_owned()), arrival(10.0, 80), arrival(20.0, 90)];
        let row = row(10, &master, &came);
        assert_eq!((row.n, row.failed, row.p50_ms, row.frames), (3, 1, Some(20.0), Some(90)));
        assert_eq!((row.min_ms, row.max_ms, row.frames_per_subdevice), (Some(10.0), Some(30.0), Some(9.0)));
        assert_eq!(row.datagrams, Some(270));
        let phases = phases(10, &came);
        assert_eq!((phases.len(), phases[0].p50_ms), (1, 10.0));
    }
}
