//! What came of a run: holes, losses and what explains them, phase.

use super::cycles::{Cycles, Hole, HoleKind, Holes};
use super::far_end::Loss;
use super::{PhaseFigures, SCHEMA, SyncSettings};
use crate::host::BenchHost;
use crate::tables::{plain, right_from};
use serde::Serialize;
use zerocat::report::Report;
use zerocat_sim::SyncErrors;

/// A loss follows a hole within so many cycles: two errors cost OP, and a good cycle between takes back a third of one.
const BEFORE: u64 = 8;
/// A loss may be told before the hole is over.
const AFTER: u64 = 1;

/// What came of a run.
#[derive(Debug, Clone, Serialize)]
pub struct SyncReport {
    /// Always `zerocat-bench-sync/1`.
    pub schema: &'static str,
    /// The machine.
    pub host: BenchHost,
    /// `xdp` or `packet`, and the XDP mode.
    pub link: &'static str,
    /// XDP mode read back from the kernel.
    pub mode: Option<&'static str>,
    /// Cycles per second, in Hz.
    pub rate_hz: f64,
    /// Cycles that were seen.
    pub cycles: u64,
    /// Cycles that the bench itself was too slow for.
    pub unseen: u64,
    /// Of those that were seen, cycles in which the servo was in operation.
    pub enabled: u64,
    /// From the frame's passage of the reference clock to SYNC0, as it is to be, in ns.
    pub lead_ns: u64,
    /// Of which so much is needed: the way to the servo, the frame's length, copying.
    pub need_ns: u64,
    /// How far frames were from where they are to be.
    pub phase: PhaseFigures,
    /// Cycles that were holes.
    pub holes: Holes,
    /// Times in which the realtime thread wanted to run and didn't, from the run's report.
    pub machine_holes: u64,
    /// Losses of synchronization.
    pub losses: Vec<LossRow>,
    /// Losses without a hole.
    pub unexplained: usize,
    /// What the servo counted (0x1C32), from power-on on.
    pub sync_errors: SyncErrors,
    /// Phase over time.
    pub trace: Vec<TracePoint>,
    /// Where holes were, in seconds.
    pub hole_times: Vec<HolePoint>,
}

/// A loss of synchronization.
#[derive(Debug, Clone, Serialize)]
pub struct LossRow {
    /// Seconds from the first frame.
    pub at_s: f64,
    /// AL status code.
    pub code: u16,
    /// The hole that it follows.
    pub hole: Option<Hole>,
}

/// Phase of some cycles in a row: by how much frames were later than wanted.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct TracePoint {
    /// Seconds from the first frame.
    pub at_s: f64,
    /// The earliest, in ns.
    pub earliest_ns: i64,
    /// The middle one.
    pub p50_ns: i64,
    /// The latest.
    pub latest_ns: i64,
}

/// A hole in the plot.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct HolePoint {
    /// Seconds from the first frame.
    pub at_s: f64,
    /// What it was.
    pub kind: HoleKind,
}

impl SyncReport {
    pub(super) fn new(
        settings: &SyncSettings,
        host: BenchHost,
        seen: Cycles,
        losses: &[Loss],
        sync_errors: SyncErrors,
        report: &Report,
    ) -> Self {
        let losses: Vec<LossRow> = losses.iter().filter_map(|loss| row(&seen, *loss)).collect();
        let point = |(at_s, [earliest_ns, p50_ns, latest_ns]): (f64, [i64; 3])| TracePoint {
            at_s,
            earliest_ns,
            p50_ns,
            latest_ns,
        };
        let hole = |hole: &Hole| HolePoint { at_s: seen.seconds_of(hole.cycle), kind: hole.kind };
        Self {
            schema: SCHEMA,
            host,
            link: report.link.kind,
            mode: report.link.mode_got,
            rate_hz: settings.rate_hz,
            cycles: seen.count,
            unseen: seen.unseen,
            enabled: seen.enabled,
            lead_ns: seen.limits.lead,
            need_ns: seen.limits.need,
            phase: seen.figures(),
            holes: seen.holes_by_kind(),
            machine_holes: report.rt.holes.count,
            unexplained: losses.iter().filter(|loss| loss.hole.is_none()).count(),
            losses,
            sync_errors,
            trace: seen.trace().map(point).collect(),
            hole_times: seen.holes.iter().map(hole).collect(),
        }
    }
}

/// A loss with the hole that it follows. `None` for one before the first cycle that was seen.
fn row(seen: &Cycles, loss: Loss) -> Option<LossRow> {
    let cycle = seen.at(loss.time)?;
    let near = |hole: &&Hole| hole.cycle <= cycle + AFTER && hole.cycle + hole.cycles + BEFORE > cycle;
    Some(LossRow { at_s: seen.seconds(loss.time), code: loss.code, hole: seen.holes.iter().rev().find(near).copied() })
}

/// The report as a table for people, with the machine above it.
#[must_use]
pub fn table(report: &SyncReport) -> String {
    let mut figures = plain(&["what", "figure"]);
    let us = |ns: u64| {
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let us = ns as f64 / 1e3;
        format!("{us:.1} us")
    };
    let Holes { skipped, missing, late } = report.holes;
    let SyncErrors { missed, exceeded, short, .. } = report.sync_errors;
    let rows = [
        ("cycles", format!("{}, {} of them with the servo in operation", report.cycles, report.enabled)),
        ("frame before SYNC0", format!("{}, of which {} are needed", us(report.lead_ns), us(report.need_ns))),
        (
            "phase error p50, p99, p99.9, worst",
            [report.phase.p50_ns, report.phase.p99_ns, report.phase.p999_ns, report.phase.worst_ns].map(us).join(", "),
        ),
        (
            "holes",
            format!(
                "{skipped} skipped, {missing} without a frame, {late} too late; of the thread {}",
                report.machine_holes
            ),
        ),
        ("cycles that the bench missed", report.unseen.to_string()),
        ("0x1C32 of the servo", format!("{missed} missed, {exceeded} exceeded, {short} too short")),
        (
            "losses of synchronization",
            format!("{}, {} of them without a hole", report.losses.len(), report.unexplained),
        ),
    ];
    for (what, figure) in rows {
        figures.add_row([what.to_owned(), figure]);
    }
    let mut lines = vec![report.host.to_string(), figures.trim_fmt()];
    if !report.losses.is_empty() {
        lines.push(losses(report));
    }
    lines.join("\n")
}

fn losses(report: &SyncReport) -> String {
    let mut table = plain(&["lost at", "AL status code", "hole"]);
    for loss in &report.losses {
        let hole = loss.hole.map_or_else(
            || "none".to_owned(),
            |hole| match hole.kind {
                HoleKind::Skipped => format!("cycle {}: {} skipped", hole.cycle, hole.cycles),
                HoleKind::Missing => format!("cycle {}: no frame", hole.cycle),
                HoleKind::Late => format!("cycle {}: too late", hole.cycle),
            },
        );
        table.add_row([format!("{:.3} s", loss.at_s), format!("{:#06x}", loss.code), hole]);
    }
    right_from(&mut table, 3);
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::super::cycles::Limits;
    use super::*;
    use std::time::Duration;

    fn seen(numbers: impl Iterator<Item = u64>) -> Cycles {
        let mut seen = Cycles::new(Limits { period: 1_000_000, lead: 300_000, need: 40_000 });
        numbers.for_each(|n| seen.take(n, Some(Duration::from_nanos(n * 1_000_000 + 700_000)), false));
        seen
    }

    #[test]
    fn a_loss_behind_a_hole_is_explained_and_one_far_from_any_is_not() {
        let seen = seen((0..100).filter(|n| !matches!(n, 40 | 41)));
        let hole = |cycle: u64| row(&seen, Loss { time: cycle * 1_000_000 + 900_000, code: 0x1a }).unwrap().hole;
        assert_eq!([30, 39, 42, 48, 60].map(|cycle| hole(cycle).is_some()), [false, true, true, true, false]);
    }

    #[test]
    fn a_loss_before_the_first_cycle_is_none_of_the_run() {
        assert!(row(&seen(10..20), Loss { time: 1, code: 0x1a }).is_none());
    }
}
