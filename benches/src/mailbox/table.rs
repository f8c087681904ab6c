//! The report for people.

use super::{Aim, MailboxReport, Reason};
use crate::tables::{plain, right_from};
use std::collections::BTreeMap;

/// The figures of a run, and its aims.
#[must_use]
pub fn table(report: &MailboxReport) -> String {
    let mut table = plain(&["figure", "value"]);
    for (what, value) in figures(report) {
        table.add_row([what.to_owned(), value]);
    }
    right_from(&mut table, 1);
    let aims: Vec<_> = report.aims.iter().map(in_words).collect();
    format!("{}\n{}", table.trim_fmt(), aims.join("\n"))
}

fn figures(report: &MailboxReport) -> Vec<(&'static str, String)> {
    let memory: Vec<_> = report.memory_kib.iter().map(|kib| (kib / 1024).to_string()).collect();
    vec![
        ("transactions", report.transactions.to_string()),
        ("succeeded", report.succeeded.to_string()),
        ("failed", by_reason(&report.failed_by_reason)),
        ("asked again", by_reason(&report.repeated.by_reason)),
        ("given up on purpose", report.cancelled.to_string()),
        ("wrong data", report.wrong_data.to_string()),
        ("duplicates", report.duplicates.to_string()),
        ("leaked", report.leaked.to_string()),
        ("a second, in virtual time", format!("{:.0}", report.per_second)),
        ("latency p50, us", format!("{:.0}", report.latency_p50_us)),
        ("latency p99, us", format!("{:.0}", report.latency_p99_us)),
        ("cyclic frames lost", report.lost_frames.to_string()),
        ("emergencies", report.emergencies.to_string()),
        ("virtual time, s", format!("{:.1}", report.virtual_seconds)),
        ("CPU time, s", format!("{:.1}", report.cpu_seconds)),
        ("memory by tenths, MiB", memory.join(" ")),
    ]
}

/// `12: 10 no_answer, 2 lost`.
fn by_reason(counts: &BTreeMap<Reason, u64>) -> String {
    let sum: u64 = counts.values().sum();
    let each: Vec<_> = counts.iter().map(|(reason, count)| format!("{count} {}", name(*reason))).collect();
    if each.is_empty() { sum.to_string() } else { format!("{sum}: {}", each.join(", ")) }
}

/// As in the JSON.
fn name(reason: Reason) -> String {
    serde_json::to_value(reason).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

fn in_words(aim: &Aim) -> String {
    let Aim { of, at_most, figure, met } = aim;
    let met = if *met { "met" } else { "MISSED" };
    format!("aim: {of} at most {at_most}: {figure}, {met}")
}
