//! The report as tables for people.

use super::figures::Figure;
use super::report::{CompareReport, CompareRow, Percentiles, ScenarioReport};
use crate::tables::{plain, right_from};
use comfy_table::Table;

/// The report as tables, with the machine above them and the figures with a target below.
#[must_use]
pub fn table(report: &CompareReport) -> String {
    let settings = &report.settings;
    let priority = settings.priority.map_or_else(|| "ordinary priority".to_owned(), |level| format!("FIFO {level}"));
    let cpu = settings.cpu.map_or_else(String::new, |cpu| format!(" on CPU {cpu}"));
    let mut lines = vec![
        report.host.to_string(),
        format!("{} rounds, rows interleaved, {priority}{cpu}; times in us", settings.rounds),
    ];
    for scenario in &report.scenarios {
        lines.extend([String::new(), heading(scenario), rows(&scenario.rows).trim_fmt()]);
        lines.extend(scenario.rows.iter().filter_map(remark));
    }
    if !report.syscalls.is_empty() {
        lines.extend([
            String::new(),
            "instructions and system calls of an exchange (counted apart, not timed)".to_owned(),
        ]);
        lines.push(syscalls(report).trim_fmt());
    }
    lines.push(String::new());
    lines.extend(report.figures.iter().map(Figure::to_string));
    lines.extend(report.missing.iter().map(|sentence| format!("unavailable: {sentence}")));
    lines.join("\n")
}

fn heading(scenario: &ScenarioReport) -> String {
    let load = scenario.load.as_deref().map_or_else(String::new, |load| format!(" ({load})"));
    format!("{}: {}{load}", scenario.name, scenario.title)
}

fn remark(row: &CompareRow) -> Option<String> {
    row.failed.as_ref().map(|why| format!("  {}: {why}", row.name))
}

fn rows(rows: &[CompareRow]) -> Table {
    let mut table = plain(&[
        "row",
        "mode",
        "p50",
        "p99",
        "p99.9",
        "max",
        "x p50",
        "x p99.9",
        "wake-up p99.9",
        "CPU",
        "switches",
        "lost",
        "skipped",
        "n",
    ]);
    for row in rows {
        let cycle =
            |of: fn(&Percentiles) -> u64| row.cycle_ns.as_ref().map_or_else(none, |figures| micros(of(figures)));
        let ratio = |ratio: Option<f64>| ratio.map_or_else(none, |ratio| format!("{ratio:.2}"));
        table.add_row([
            row.name.clone(),
            row.mode.clone().unwrap_or_else(none),
            cycle(|figures| figures.p50),
            cycle(|figures| figures.p99),
            cycle(|figures| figures.p999),
            cycle(|figures| figures.max),
            ratio(row.ratio_p50),
            ratio(row.ratio_p999),
            row.wake_up_ns.map_or_else(none, |wake_up| micros(wake_up.p999)),
            row.cpu_ns_per_cycle.map_or_else(none, micros),
            row.switches_per_cycle.map_or_else(none, |switches| format!("{switches:.2}")),
            row.lost.to_string(),
            row.skipped.to_string(),
            row.n.to_string(),
        ]);
    }
    right_from(&mut table, 2);
    table
}

fn syscalls(report: &CompareReport) -> Table {
    let mut table = plain(&["row", "instructions", "calls"]);
    for (row, calls) in &report.syscalls {
        let calls: Vec<_> = calls.iter().map(|(name, each)| format!("{each} {name}")).collect();
        let instructions = report.instructions.get(row).map_or_else(none, u64::to_string);
        table.add_row([row.clone(), instructions, if calls.is_empty() { "none".to_owned() } else { calls.join(", ") }]);
    }
    table
}

fn none() -> String {
    "-".to_owned()
}

/// Nanoseconds as microseconds, with at most three decimal places.
fn micros(ns: u64) -> String {
    if ns < 100_000 { format!("{}.{:02}", ns / 1_000, ns % 1_000 / 10) } else { (ns / 1_000).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microseconds_are_short() {
        assert_eq!(
            [0, 940, 2_325, 99_999, 100_000, 1_234_567].map(micros),
            ["0.00", "0.94", "2.32", "99.99", "100", "1234"]
        );
    }
}
