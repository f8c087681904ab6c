//! The report of `zerocat bench rtt`, schema `zerocat-bench-rtt/1`, and its table.

use super::pace::Tally;
use super::{Kind, Measured, RttSettings};
use crate::host::BenchHost;
use crate::tables::{plain, right_from};
use comfy_table::Table;
use serde::Serialize;
use zerocat_engine::{Distribution, Summary};
use zerocat_xdp::Mode;

/// Name and version of the schema. Keys may be added; none changes its meaning.
pub const SCHEMA: &str = "zerocat-bench-rtt/1";

/// All that was measured, and on what.
#[derive(Debug, Clone, Serialize)]
pub struct RttReport {
    /// Always `zerocat-bench-rtt/1`.
    pub schema: &'static str,
    /// The machine.
    pub host: BenchHost,
    /// What was asked for; `cpu` as it was chosen.
    pub settings: RttSettings,
    /// One for each name, mode and size.
    pub rows: Vec<Row>,
    /// One for each link, mode and size.
    pub ratios: Vec<Ratio>,
    /// What the measuring thread asked for and didn't get, a sentence each. It makes the figures less reliable.
    pub missing: Vec<String>,
}

/// One subject at one size, all rounds together. Times in nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// `floor-xdp`, `engine-xdp`, `floor-packet` or `engine-packet`.
    pub name: &'static str,
    /// `xdp` or `packet`.
    pub link: &'static str,
    /// XDP mode as read back: `zero_copy`, `native_copy` or `generic`; `null` for AF_PACKET, which has none.
    pub mode: Option<&'static str>,
    /// Length of the frame in bytes, without checksum.
    pub size: usize,
    /// Cycles per second asked for; `null` is flat out.
    pub rate_hz: Option<f64>,
    /// Round trip, median.
    pub p50_ns: u64,
    /// Round trip, 99th percentile.
    pub p99_ns: u64,
    /// Round trip, 99.9th percentile.
    pub p999_ns: u64,
    /// Round trip, longest.
    pub max_ns: u64,
    /// Exchanges whose frame did not come back in time. They are in no other figure.
    pub lost: u64,
    /// Exchanges that were timed.
    pub n: u64,
    /// The whole cycle, median.
    pub cycle_p50_ns: u64,
    /// The whole cycle, 99th percentile.
    pub cycle_p99_ns: u64,
    /// The whole cycle, 99.9th percentile.
    pub cycle_p999_ns: u64,
    /// Datagrams that came back with another working counter than expected. The row is valid only if this is
    /// 0.
    pub working_counter_faults: u64,
    /// Median of the whole cycle in each round.
    pub cycle_p50_of_rounds_ns: Vec<u64>,
}

/// What the engine costs in relation to the bare socket under it: medians, over the rounds, of the ratios within a
/// round.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ratio {
    /// `xdp` or `packet`.
    pub link: &'static str,
    /// XDP mode as read back; `null` for AF_PACKET.
    pub mode: Option<&'static str>,
    /// Length of the frame in bytes.
    pub size: usize,
    /// Whole cycle of the engine over that of the floor, at the median.
    pub engine_over_floor_p50: f64,
    /// Round trip of the engine over that of the floor, at the median.
    pub engine_over_floor_round_trip_p50: f64,
}

/// Medians of one round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Medians {
    round_trip: u64,
    cycle: u64,
}

impl Medians {
    pub(super) fn of(tally: &Tally) -> Self {
        Self { round_trip: summary(&tally.round_trip).p50, cycle: summary(&tally.cycle).p50 }
    }
}

pub(super) fn report(
    settings: &RttSettings,
    host: BenchHost,
    missing: Vec<String>,
    measured: &[Measured],
) -> RttReport {
    RttReport {
        schema: SCHEMA,
        host,
        settings: settings.clone(),
        rows: measured.iter().map(row).collect(),
        ratios: ratios(measured),
        missing,
    }
}

fn row(measured: &Measured) -> Row {
    let Measured { kind, size, opened, tally, rounds } = measured;
    let (round_trip, cycle) = (summary(&tally.round_trip), summary(&tally.cycle));
    Row {
        name: kind.name(),
        link: kind.link(),
        mode: opened.mode.map(Mode::key),
        size: *size,
        rate_hz: None,
        p50_ns: round_trip.p50,
        p99_ns: round_trip.p99,
        p999_ns: round_trip.p999,
        max_ns: round_trip.max,
        lost: tally.lost,
        n: round_trip.n,
        cycle_p50_ns: cycle.p50,
        cycle_p99_ns: cycle.p99,
        cycle_p999_ns: cycle.p999,
        working_counter_faults: tally.working_counter_faults,
        cycle_p50_of_rounds_ns: rounds.iter().map(|medians| medians.cycle).collect(),
    }
}

fn ratios(measured: &[Measured]) -> Vec<Ratio> {
    let engines = measured.iter().filter(|row| matches!(row.kind, Kind::EngineXdp(_) | Kind::EnginePacket));
    engines
        .filter_map(|engine| {
            let floor_kind = match engine.kind {
                Kind::EngineXdp(mode) => Kind::FloorXdp(mode),
                _ => Kind::FloorPacket,
            };
            let floor = measured.iter().find(|row| row.kind == floor_kind && row.size == engine.size)?;
            Some(Ratio {
                link: engine.kind.link(),
                mode: engine.opened.mode.map(Mode::key),
                size: engine.size,
                engine_over_floor_p50: median_ratio(engine, floor, |medians| medians.cycle)?,
                engine_over_floor_round_trip_p50: median_ratio(engine, floor, |medians| medians.round_trip)?,
            })
        })
        .collect()
}

/// The median over the rounds of engine over floor.
fn median_ratio(engine: &Measured, floor: &Measured, of: impl Fn(&Medians) -> u64) -> Option<f64> {
    let pairs = engine.rounds.iter().zip(&floor.rounds);
    let mut ratios: Vec<f64> = pairs.map(|(engine, floor)| as_f64(of(engine)) / as_f64(of(floor).max(1))).collect();
    ratios.sort_by(f64::total_cmp);
    let middle = ratios.len() / 2;
    if ratios.len() % 2 == 1 {
        ratios.get(middle).copied()
    } else {
        Some(f64::midpoint(*ratios.get(middle.checked_sub(1)?)?, *ratios.get(middle)?))
    }
}

fn as_f64(ns: u64) -> f64 {
    // Exact below 49 days.
    f64::from(u32::try_from(ns / 1_000_000).unwrap_or(u32::MAX)) * 1e6
        + f64::from(u32::try_from(ns % 1_000_000).unwrap_or(0))
}

fn summary(distribution: &Distribution) -> Summary {
    distribution.summary().unwrap_or(Summary { min: 0, p50: 0, p99: 0, p999: 0, max: 0, n: 0 })
}

/// The report as a table for people, with the machine above it.
#[must_use]
pub fn table(report: &RttReport) -> String {
    let settings = &report.settings;
    let priority = settings.priority.map_or_else(|| "ordinary priority".to_owned(), |level| format!("FIFO {level}"));
    let cpu = settings.cpu.map_or_else(String::new, |cpu| format!(" on CPU {cpu}"));
    let mut lines = vec![
        report.host.to_string(),
        format!("flat out, {} rounds of {} cycles, {priority}{cpu}; times in ns", settings.rounds, settings.cycles),
        rows_table(&report.rows).trim_fmt(),
        "engine over floor at p50 (1.00 is a bare socket):".to_owned(),
        ratios_table(&report.ratios).trim_fmt(),
    ];
    lines.extend(report.missing.iter().map(|sentence| format!("unavailable: {sentence}")));
    lines.join("\n")
}

fn rows_table(rows: &[Row]) -> Table {
    let mut table = plain(&[
        "name",
        "mode",
        "size",
        "p50",
        "p99",
        "p99.9",
        "max",
        "cycle p50",
        "cycle p99",
        "cycle p99.9",
        "lost",
        "n",
    ]);
    for row in rows {
        let texts = [row.name.to_owned(), row.mode.unwrap_or("-").to_owned()];
        let figures = [
            row.size as u64,
            row.p50_ns,
            row.p99_ns,
            row.p999_ns,
            row.max_ns,
            row.cycle_p50_ns,
            row.cycle_p99_ns,
            row.cycle_p999_ns,
            row.lost,
            row.n,
        ];
        table.add_row(texts.into_iter().chain(figures.iter().map(u64::to_string)));
    }
    right_from(&mut table, 2);
    table
}

fn ratios_table(ratios: &[Ratio]) -> Table {
    let mut table = plain(&["link", "mode", "size", "cycle", "round trip"]);
    for ratio in ratios {
        table.add_row([
            ratio.link.to_owned(),
            ratio.mode.unwrap_or("-").to_owned(),
            ratio.size.to_string(),
            format!("{:.2}", ratio.engine_over_floor_p50),
            format!("{:.2}", ratio.engine_over_floor_round_trip_p50),
        ]);
    }
    right_from(&mut table, 2);
    table
}

#[cfg(test)]
mod tests {
    use super::super::OpenedAs;
    use super::*;
    use std::time::Duration;

    fn measured(kind: Kind, cycles: &[u64]) -> Measured {
        let mut row =
            Measured { kind, size: 60, opened: OpenedAs::default(), tally: Tally::default(), rounds: Vec::new() };
        for &cycle in cycles {
            let mut tally = Tally::default();
            tally.cycle.record(Duration::from_nanos(cycle));
            tally.round_trip.record(Duration::from_nanos(cycle / 2));
            row.rounds.push(Medians::of(&tally));
            row.tally.add(&tally);
        }
        row
    }

    fn example() -> RttReport {
        let rows = [
            measured(Kind::FloorXdp(None), &[1_000, 2_000, 1_000]),
            measured(Kind::EngineXdp(None), &[1_200, 2_600, 1_100]),
        ];
        report(&RttSettings::default(), BenchHost::read(None), vec!["CPU 9: gone".to_owned()], &rows)
    }

    #[test]
    fn a_ratio_compares_within_a_round() {
        let report = example();
        let [ratio] = report.ratios.as_slice() else { panic!("{:?}", report.ratios) };
        assert!((ratio.engine_over_floor_p50 - 1.2).abs() < 0.01, "{ratio:?}");
        assert_eq!((ratio.link, ratio.size), ("xdp", 60));
    }

    #[test]
    fn the_keys_are_those_of_the_schema() {
        let json = serde_json::to_value(example()).unwrap();
        assert_eq!(json["schema"], "zerocat-bench-rtt/1");
        let row = json["rows"][0].as_object().unwrap();
        for key in ["name", "link", "mode", "size", "p50_ns", "p99_ns", "p999_ns", "max_ns", "lost", "n"] {
            assert!(row.contains_key(key), "{key}");
        }
        assert!(row["rate_hz"].is_null());
        assert_eq!(row["name"], "floor-xdp");
        assert_eq!(json["settings"]["deadline_us"], 2_000);
    }

    #[test]
    fn the_table_says_what_was_not_had() {
        let table = table(&example());
        assert!(table.contains("engine-xdp") && table.contains("unavailable: CPU 9: gone"), "{table}");
    }
}
