//! The report of a run, for people.

use crate::print;
use comfy_table::Table;
use zerocat::Fault;
use zerocat::report::{
    ClocksReport, CommandsVoidReport, Figures, Frames, Holes, LateReport, MailboxReport, NetworkReport, NicErrors,
    OutOfOpReport, OutageReport, OutagesReport, RefusedReport, Report, RtReport, TaskReport, UnitReport,
};

/// Clocks that are shown one by one.
const CLOCKS_SHOWN: usize = 20;
/// Mailboxes that are shown one by one.
const MAILBOXES_SHOWN: usize = 20;
/// Outages that are shown one by one.
const SHOWN: usize = 10;

/// The report for people.
pub(crate) fn summary(report: &Report) -> String {
    let mode = match (report.link.mode_asked, report.link.got()) {
        (Some(asked), Some(got)) => format!(", {got} (asked: {asked})"),
        _ => String::new(),
    };
    let mut lines = vec![
        format!("host      {}", report.host),
        format!("link      {} on {}{mode}", report.link.kind, report.link.interface),
    ];
    lines.extend(report.network.iter().flat_map(network));
    lines.push(format!(
        "cycles    {} done, {} skipped, {} lost; {} working counter faults",
        report.cycles.done, report.cycles.skipped, report.cycles.lost, report.working_counter_faults
    ));
    lines.extend(report.clocks.iter().map(clocks));
    lines.extend(outages(&report.outages));
    lines.extend(late(&report.late));
    lines.extend(report.retried.iter().map(|retried| format!("retried   {}", retried.text)));
    lines.extend(report.commands_void.iter().map(void));
    lines.extend(report.out_of_op.iter().map(out_of_op));
    if let Some(NicErrors { received, dropped, sent, .. }) = report.nic_errors.filter(|nic| nic.received + nic.sent > 0)
    {
        lines.push(format!("NIC       errors: {received} received, {sent} sent ({dropped} dropped)"));
    }
    if let Some(time) = report.time_to_op_ms {
        lines.push(format!("OP after  {time:.0} ms"));
    }
    lines.push(realtime(&report.rt));
    lines.push(holes(&report.rt.holes));
    lines.extend(
        report.bus.cpu_percent.map(|percent| format!("bus       its thread used {percent:.2} % of a CPU in operation")),
    );
    if let Some(margin) = report.spin_margin {
        lines.push(format!("margin    {margin}"));
    }
    lines.extend(no_room(&report.frames, report.link.driver.is_some()));
    lines.extend(report.tasks.iter().flat_map(refused));
    lines.extend(faults(report));
    lines.extend(limits(report));
    for missing in &report.missing {
        lines.push(format!("unavailable {missing}"));
    }
    lines.push(String::new());
    lines.push(times(report).to_string());
    if let Some(clocks) = &report.clocks {
        lines.push(String::new());
        lines.push(clock_table(clocks).to_string());
    }
    if !report.mailboxes.is_empty() {
        lines.push(String::new());
        lines.push(mailboxes(report).to_string());
    }
    lines.push(String::new());
    lines.push(tasks(report).to_string());
    lines.join("\n")
}

/// A SubDevice that wasn't in OP, or had an error there.
fn out_of_op(out: &OutOfOpReport) -> String {
    let what = if out.fault == Fault::SubdeviceErrorInOp.name() { "error    " } else { "not in OP" };
    format!("{what} {}", out.text)
}

/// Distributed clocks as a whole, and how far frames follow them.
fn clocks(clocks: &ClocksReport) -> String {
    let (count, controller) = (clocks.list.len(), &clocks.controller);
    let settled = clocks.list.iter().filter(|clock| clock.settled).count();
    let worst = print::time(clocks.worst_ns().into());
    let frames = match controller.lead_ns {
        Some(lead) => format!(
            "frames {} at {} before the SYNC grid, at most {} off, lock lost {}",
            controller.state,
            print::time(lead),
            print::time(controller.phase_error_worst_ns),
            print::times(controller.times_lost)
        ),
        None => "frames not steered".to_owned(),
    };
    format!(
        "clocks    {settled} of {count} settled, at most {worst} from that of SubDevice {}; {frames}",
        clocks.reference
    )
}

/// The first clocks one by one.
fn clock_table(clocks: &ClocksReport) -> Table {
    let mut table = print::table(["clock", "bits", "delay", "difference", "worst", "crystal"]);
    for clock in clocks.list.iter().take(CLOCKS_SHOWN) {
        let name = clock.key.as_ref().unwrap_or(&clock.name);
        let what = if clock.position == clocks.reference { " (reference)" } else { "" };
        let difference = clock.difference_ns.map_or_else(|| "?".to_owned(), |ns| print::time(ns.into()));
        // The loop makes a slow crystal faster.
        let crystal =
            clock.correction_ppb.map_or_else(|| "?".to_owned(), |ppb| format!("{:+.1} ppm", thousandths(-ppb)));
        table.add_row([
            format!("{} {name}{what}", clock.position),
            clock.bits.to_string(),
            format!("{} ns", clock.delay_ns),
            difference,
            print::time(clock.difference_worst_ns.into()),
            crystal,
        ]);
    }
    table
}

#[expect(clippy::cast_precision_loss, reason = "parts per billion of a crystal")]
fn thousandths(number: i64) -> f64 {
    number as f64 / 1000.0
}

/// Outages, and why there were.
fn outages(outages: &OutagesReport) -> Vec<String> {
    let OutagesReport { count, recovered, longest_ms, list, .. } = outages;
    if *count == 0 {
        return Vec::new();
    }
    let all =
        format!("outages   {count}, of which {recovered} ended in OP, the longest of these after {longest_ms:.0} ms");
    let one = |outage: &OutageReport| {
        let end = if outage.recovered { "in OP again after" } else { "not in OP again for" };
        format!("          {}; {end} {:.0} ms", outage.cause, outage.lasted_ms)
    };
    std::iter::once(all).chain(list.iter().take(SHOWN).map(one)).collect()
}

/// A SubDevice whose commands became void while others went on.
fn void(void: &CommandsVoidReport) -> String {
    let CommandsVoidReport { position, name, key, times, waits, .. } = void;
    let often = print::times(*times);
    let now = if *waits { "it waits for a command" } else { "it was commanded again" };
    let name = key.as_ref().unwrap_or(name);
    format!("void      commands of SubDevice {position} ({name}), {often}: it was out while others went on; {now}")
}

/// Commands that a task refused, a line for each kind.
fn refused(task: &TaskReport) -> impl Iterator<Item = String> {
    task.refused.iter().map(|RefusedReport { fault, count, first, .. }| {
        let commands = if *count == 1 { "command" } else { "commands" };
        format!("refused   {count} {commands} of task `{}`, {fault}: {first}", task.name)
    })
}

/// Limits of the rig file: each that was broken, or that all were held.
fn limits(report: &Report) -> Vec<String> {
    let broken: Vec<_> = report.broken_limits().map(|limit| format!("broken    {limit}")).collect();
    match report.limits.len() {
        0 => Vec::new(),
        all if broken.is_empty() => vec![format!("limits    {all} of the rig file, all held")],
        _ => broken,
    }
}

/// How often each fault occurred, in a line.
fn faults(report: &Report) -> Option<String> {
    let all: Vec<_> = report.faults.iter().map(|(name, count)| format!("{name} {count}")).collect();
    (!all.is_empty()).then(|| format!("faults    {}", all.join(", ")))
}

/// Answers that came later than a cycle waits.
fn late(late: &LateReport) -> Option<String> {
    let LateReport { count, total_ms, most_cycles, .. } = late;
    (*count > 0).then(|| {
        format!(
            "late      answers came up to {most_cycles} cycles late for {total_ms:.0} ms in all: the period is too short for \
             this network"
        )
    })
}

/// The network, and its sync units, a line each.
fn network(network: &NetworkReport) -> Vec<String> {
    let NetworkReport { subdevices, rate_hz, image_bytes, frames, wait, units, .. } = network;
    let frames = if *frames == 1 { "1 frame".to_owned() } else { format!("{frames} frames") };
    let line = format!(
        "network   {subdevices} SubDevices, {rate_hz} Hz, {image_bytes} bytes in {frames} a cycle, wait {wait}"
    );
    let named = units.iter().filter(|unit| unit.name.is_some());
    std::iter::once(line).chain(named.map(sync_unit)).collect()
}

/// What the realtime thread used.
fn realtime(rt: &RtReport) -> String {
    let count = |value: Option<u64>| value.map_or_else(|| "unknown".to_owned(), |value| value.to_string());
    format!(
        "realtime  {} page faults ({} major), {} involuntary switches, {} allocations",
        count(rt.page_faults_minor.zip(rt.page_faults_major).map(|(minor, major)| minor + major)),
        count(rt.page_faults_major),
        count(rt.involuntary_switches),
        count(rt.allocations)
    )
}

/// A sync unit of the report for people.
fn sync_unit(unit: &UnitReport) -> String {
    let UnitReport { name, every, phase, rate_hz, subdevices, frames, data_bytes, .. } = unit;
    let name = name.as_deref().unwrap_or_default();
    format!(
        "unit      {name}: every {every} cycles (phase {phase}, {rate_hz} Hz), {subdevices} SubDevices, {data_bytes} \
         bytes in {frames} frames"
    )
}

/// What to do about frames that found no room, if there were some. A link without a NIC has no carrier to look at.
fn no_room(frames: &Frames, nic: bool) -> Option<String> {
    let Frames { dropped, refused, cyclic_unsent, .. } = frames;
    let arrived = (*dropped > 0).then(|| {
        format!("{dropped} frames that arrived found no room: the cycle was held up (see holes), or somebody floods the line")
    });
    let why = if nic {
        "look at the carrier and at pause frames (zerocat doctor)"
    } else {
        "the other end of the link did not take them in time"
    };
    let left =
        (refused + cyclic_unsent > 0).then(|| format!("{} frames were not sent: {why}", refused + cyclic_unsent));
    let all: Vec<_> = arrived.into_iter().chain(left).collect();
    (!all.is_empty()).then(|| format!("no room   {}", all.join("; ")))
}

fn holes(holes: &Holes) -> String {
    let Holes { count, longest_ns, total_ns, .. } = *holes;
    if count == 0 {
        return "holes     none: the realtime thread was never preempted".to_owned();
    }
    let [longest, total] = [longest_ns, total_ns].map(print::time);
    let times = print::times(count);
    format!("holes     the realtime thread was preempted {times}, longest {longest}, {total} in all")
}

fn times(report: &Report) -> Table {
    let mut table = print::table(["time", "min", "p50", "p99", "p99.9", "max", "n"]);
    let rows = [
        ("round trip", report.round_trip_ns),
        ("tick to wake-up", report.wakeup_jitter_ns),
        ("tick to first post", report.post_jitter_ns),
        ("tick to sent", report.send_jitter_ns),
        ("timer to wake-up", report.sleep_latency_ns),
    ];
    for (name, figures) in rows {
        let Some(Figures { min, p50, p99, p999, max, n, .. }) = figures else { continue };
        let [min, p50, p99, p999, max] = [min, p50, p99, p999, max].map(print::time);
        table.add_row([name.to_owned(), min, p50, p99, p999, max, n.to_string()]);
    }
    table
}

/// The first mailboxes one by one.
fn mailboxes(report: &Report) -> Table {
    let heads = ["mailbox", "transfers", "failed", "done again", "mails", "repeated", "stale", "emergencies"];
    let mut table = print::table(heads);
    for MailboxReport { position, name, key, counters, .. } in report.mailboxes.iter().take(MAILBOXES_SHOWN) {
        let who = format!("{position} {}", key.as_ref().unwrap_or(name));
        let mails = counters.written + counters.read;
        let repeated = counters.rewritten + counters.repeat_requests;
        let emergencies = match counters.emergencies_dropped {
            0 => counters.emergencies.to_string(),
            dropped => format!("{} ({dropped} dropped)", counters.emergencies),
        };
        let counts = [counters.started, counters.failed.total(), counters.retries, mails, repeated, counters.stale];
        let counts = counts.map(|count| count.to_string());
        table.add_row([who].into_iter().chain(counts).chain([emergencies]));
    }
    table
}

fn tasks(report: &Report) -> Table {
    let mut table = print::table(["task", "kind", "samples", "overrun", "batches lost", "commands"]);
    for task in &report.tasks {
        let counts = [task.samples, task.overrun, task.batches_lost, task.commands].map(|count| count.to_string());
        table.add_row([task.name.clone(), task.kind.to_owned()].into_iter().chain(counts));
    }
    table
}
