//! The report for people.

use super::{Aim, MailboxReport, Pair, RateReport, Reason};
use crate::tables::{plain, right_from};
use std::collections::BTreeMap;

/// The figures of a run, and its aims.
#[must_use]
pub fn table(report: &MailboxReport) -> String {
    let mut table = plain(&["figure", "value"]);
    for (what, value) in figures(report).into_iter().chain(report.rate.iter().flat_map(figures_of_rate)) {
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
        ("a second", format!("{:.0}", report.per_second)),
        ("latency p50, us", format!("{:.0}", report.latency_p50_us)),
        ("latency p99, us", format!("{:.0}", report.latency_p99_us)),
        ("cyclic frames lost", report.lost_frames.to_string()),
        ("emergencies", report.emergencies.to_string()),
        ("virtual time, s", report.virtual_seconds.map_or_else(|| "-".to_owned(), |time| format!("{time:.1}"))),
        ("CPU time, s", format!("{:.1}", report.cpu_seconds)),
        ("memory by tenths, MiB", memory.join(" ")),
    ]
}

fn figures_of_rate(rate: &RateReport) -> Vec<(&'static str, String)> {
    let pair = |pair: &Pair| {
        let Pair { without_p999_us, with_p999_us, ratio, per_second } = pair;
        format!("{without_p999_us:.1} {with_p999_us:.1} {ratio:.2} ({per_second:.0}/s)")
    };
    let file = |rate: Option<f64>| rate.map_or_else(|| "-".to_owned(), |rate| format!("{:.1}", rate / 1024.0));
    let percent = |share: f64| format!("{:.2}", share * 100.0);
    let mut figures: Vec<_> =
        rate.pairs.iter().map(|one| ("tick to sent p99.9 without, with, us; ratio", pair(one))).collect();
    figures.extend([
        ("the same without in both", pair(&rate.same)),
        ("one alone p50, p99, cycles", format!("{:.2} {:.2}", rate.alone_p50_cycles, rate.alone_p99_cycles)),
        ("FoE of 1 MiB in OP, written, read, KiB/s", format!("{} {}", file(rate.foe_write_op), file(rate.foe_read_op))),
        ("bus thread idle, busy, % of a CPU", format!("{} {}", percent(rate.idle_bus_cpu), percent(rate.busy_bus_cpu))),
    ]);
    figures
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
    let Aim { of, at_most, at_least, figure, met } = aim;
    let bound = at_most.map_or(String::new(), |most| format!("at most {most}"));
    let bound = at_least.map_or(bound, |least| format!("at least {least}"));
    let met = if *met { "met" } else { "MISSED" };
    format!("aim: {of} {bound}: {figure:.6}, {met}")
}
