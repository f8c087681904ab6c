//! The report for people.

use super::{Aim, Carrier, EthernetRate, FileReport, FileState, FileWay, MailboxReport, Pair, RateReport, Reason};
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
    let mut figures = vec![
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
        ("CPU time, s", format!("{:.1}", report.cpu_seconds)),
    ];
    if let Some(time) = report.virtual_seconds {
        figures.push(("virtual time, s", format!("{time:.1}")));
    }
    // Nothing else is disturbed.
    if report.rate.is_none() {
        let memory: Vec<_> = report.memory_kib.iter().map(|kib| (kib / 1024).to_string()).collect();
        figures.extend([("emergencies", report.emergencies.to_string()), ("memory by tenths, MiB", memory.join(" "))]);
    }
    figures
}

fn figures_of_rate(rate: &RateReport) -> Vec<(&'static str, String)> {
    let pair = |pair: &Pair| {
        let Pair { without_p999_us, with_p999_us, ratio, per_second } = pair;
        format!("{without_p999_us:.1} {with_p999_us:.1} {ratio:.2} ({per_second:.0}/s)")
    };
    let percent = |share: f64| format!("{:.2}", share * 100.0);
    let mut figures: Vec<_> =
        rate.pairs.iter().map(|one| ("tick to sent p99.9 without, with, us; ratio", pair(one))).collect();
    figures.extend([
        ("the same without in both", pair(&rate.same)),
        ("one alone p50, p99, cycles", format!("{:.2} {:.2}", rate.alone_p50_cycles, rate.alone_p99_cycles)),
        ("bus thread idle, busy, % of a CPU", format!("{} {}", percent(rate.idle_bus_cpu), percent(rate.busy_bus_cpu))),
    ]);
    figures.extend(rate.files.iter().map(|one| (title(one), file(one))));
    figures.extend(rate.ethernet.iter().map(|one| (through(one.by), ethernet(one))));
    figures
}

const fn title(file: &FileReport) -> &'static str {
    match (file.way, file.state) {
        (FileWay::Write, FileState::Op) => "FoE written in OP",
        (FileWay::Read, FileState::Op) => "FoE read in OP",
        (FileWay::Write, FileState::Boot) => "FoE written in BOOT",
        (FileWay::Read, FileState::Boot) => "FoE read in BOOT",
    }
}

pub(super) const fn through(by: Carrier) -> &'static str {
    match by {
        Carrier::Program => "EoE by a program's port",
        Carrier::Interface => "EoE by an interface (TAP)",
    }
}

fn ethernet(rate: &EthernetRate) -> String {
    let EthernetRate { mailbox_bytes, frame_bytes, lost, per_second, cycles_per_frame, .. } = rate;
    let kib = per_second / 1024.0;
    let lost = if *lost > 0 { format!(", {lost} lost") } else { String::new() };
    format!(
        "{kib:.1} KiB/s each way, mailbox {mailbox_bytes}, {cycles_per_frame:.1} cycles a frame of {frame_bytes}{lost}"
    )
}

fn file(file: &FileReport) -> String {
    let FileReport { mailbox_bytes, bytes, whole, per_second, cycles_per_packet, .. } = file;
    let part = if *whole { String::new() } else { format!(", {} KiB in its time", bytes >> 10) };
    let (kib, cycles) =
        (per_second / 1024.0, cycles_per_packet.map_or_else(|| "-".to_owned(), |one| format!("{one:.2}")));
    format!("{kib:.1} KiB/s, mailbox {mailbox_bytes}, {cycles} cycles a packet{part}")
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
