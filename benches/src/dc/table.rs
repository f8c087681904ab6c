//! The table for people.

use super::{Check, DcReport, Row};
use crate::tables::{plain, right_from};

/// The report as a table, with the aims that were missed below it.
#[must_use]
pub fn table(report: &DcReport) -> String {
    let header = [
        "topology",
        "n",
        "delay, ns",
        "± ns",
        "0x092C",
        "clocks",
        "phase, ns",
        "of frames",
        "machine",
        "lock, s",
        "apart, ns",
        "stamp, ns",
        "step, ns",
        "lost",
        "",
    ];
    let mut table = plain(&header);
    report.rows.iter().for_each(|row| _ = table.add_row(cells(row)));
    right_from(&mut table, 1);
    let seconds = report.settings.seconds;
    let mut lines = vec![
        format!(
            "{seconds} s of virtual time a row at 1 kHz, {} starts; machine: {}",
            report.settings.starts, report.machine
        ),
        "delay: largest error; 0x092C, clocks, phase, frames, machine: p99.9; stamp: p99".to_owned(),
        table.trim_fmt(),
    ];
    let missed = report.missed().map(|(row, aim)| {
        let figure = aim.figure.map_or_else(|| "no figure".to_owned(), |figure| figure.to_string());
        let (topology, unusual) = (row.variant.topology, row.variant.unusual());
        format!("missed: {topology} {unusual}: {} is {figure}, aimed at {} at most", aim.of, aim.at_most)
    });
    lines.extend(missed);
    let check =
        |check: &Check| format!("{}: {}: {}", if check.met { "so" } else { "not so" }, check.claim, check.found);
    lines.extend(report.checks.iter().map(check));
    let (missed, all) = report.verdict();
    lines.push(format!("{} of {all} aims and claims met", all - missed));
    lines.join("\n")
}

fn cells(row: &Row) -> Vec<String> {
    let count = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
    vec![
        row.variant.topology.to_string(),
        row.subdevices.to_string(),
        format!("{:.1}", row.delay_error_ns_max),
        row.delay_uncertain_ns_max.to_string(),
        count(row.system_time_difference_p999_ns),
        count(row.clock_error_p999_ns),
        count(row.phase_error_p999_ns),
        count(row.frame_phase_p999_ns),
        count(row.machine_p999_ns),
        row.time_to_lock_s.map_or_else(|| "never".to_owned(), |took| format!("{took:.3}")),
        row.phase_spread_ns.to_string(),
        count(row.stamp_error_p99_ns),
        row.grid_step_max_ns.to_string(),
        row.lost_lock.to_string(),
        row.variant.unusual(),
    ]
}
