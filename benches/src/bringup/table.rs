//! The report as tables for people.

use super::{BringUpReport, BringUpRow, PhaseRow};
use crate::tables::{plain, right_from};
use comfy_table::Table;

/// Figures and phases, with the machine above them.
#[must_use]
pub fn table(report: &BringUpReport) -> String {
    let settings = &report.settings;
    let mut lines = vec![
        report.host.to_string(),
        format!(
            "cold to OP, {} rounds in turns, a fresh segment each time; frames as the segment counts them, cyclic ones \
             (LRW, LRD, LWR) left out",
            settings.rounds
        ),
        String::new(),
        rows(report).trim_fmt(),
        String::new(),
        "zerocat by phase, p50 in ms".to_owned(),
        phases(&report.phases).trim_fmt(),
    ];
    lines.extend(report.missing.iter().map(|sentence| format!("unavailable: {sentence}")));
    lines.join("\n")
}

fn rows(report: &BringUpReport) -> Table {
    let mut table = plain(&[
        "MainDevice",
        "SubDevices",
        "p50 ms",
        "min",
        "max",
        "x soem",
        "frames",
        "a SubDevice",
        "datagrams",
        "n",
        "failed",
    ]);
    for row in &report.rows {
        let ms = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1}"));
        let count = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |count| count.to_string());
        let ratio = ratio(row, &report.rows).map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
        table.add_row([
            row.master.to_owned(),
            row.subdevices.to_string(),
            ms(row.p50_ms),
            ms(row.min_ms),
            ms(row.max_ms),
            ratio,
            count(row.frames),
            ms(row.frames_per_subdevice),
            count(row.datagrams),
            row.n.to_string(),
            row.failed.to_string(),
        ]);
    }
    right_from(&mut table, 1);
    table
}

/// The time of a row over SOEM's for the same size.
fn ratio(row: &BringUpRow, rows: &[BringUpRow]) -> Option<f64> {
    let soem = rows.iter().find(|other| other.master == "soem" && other.subdevices == row.subdevices)?;
    Some(row.p50_ms? / soem.p50_ms?)
}

/// A column for each size.
fn phases(phases: &[PhaseRow]) -> Table {
    let mut sizes: Vec<usize> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for row in phases {
        if !sizes.contains(&row.subdevices) {
            sizes.push(row.subdevices);
        }
        if !names.contains(&row.phase.as_str()) {
            names.push(&row.phase);
        }
    }
    let header: Vec<String> = std::iter::once("phase".to_owned()).chain(sizes.iter().map(usize::to_string)).collect();
    let mut table = plain(&header.iter().map(String::as_str).collect::<Vec<_>>());
    for name in names {
        let of = |size: &usize| phases.iter().find(|row| row.subdevices == *size && row.phase == name);
        let cells = sizes.iter().map(|size| of(size).map_or_else(String::new, |row| format!("{:.1}", row.p50_ms)));
        table.add_row(std::iter::once(name.to_owned()).chain(cells));
    }
    right_from(&mut table, 1);
    table
}
