//! `zerocat run`: a rig file, brought to OP and kept there.

use crate::Done;
use crate::check;
use crate::exit::Failure;
use crate::live::Live;
use crate::print;
use crate::scan::Socket;
use crate::stop::Stop;
use clap::Args;
use comfy_table::Table;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use zerocat::config::{Rig, Sink, Task, XdpMode};
use zerocat::report::{Figures, Frames, Holes, NicErrors, OutagesReport, Report, UnitReport};
use zerocat::{Ended, OpenLink, Privileges, Session, SessionOptions, Tended};

/// How often the realtime thread is looked after.
const LOOK: Duration = Duration::from_millis(100);

/// Bring a rig to OP and run its tasks until Ctrl-C.
///
/// Live figures go to standard error, samples where the rig file's sinks say, the summary to standard output (to
/// standard error where a sink is standard output).
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  zerocat run rig.json\n  zerocat run rig.json --seconds 10 --report report.json --capture run.pcapng"
)]
pub(crate) struct Run {
    /// Rig file, JSON or YAML.
    rig: PathBuf,
    /// Interface instead of the rig file's.
    #[arg(short, long)]
    interface: Option<String>,
    /// Socket instead of the rig file's.
    #[arg(long, value_enum)]
    link: Option<Socket>,
    /// XDP mode instead of the rig file's.
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// CPU of the realtime thread instead of the rig file's.
    #[arg(long)]
    cpu: Option<usize>,
    #[command(flatten)]
    how: HowLong,
    /// Replace an XDP program that is on the interface.
    #[arg(long)]
    force: bool,
    /// Fail where anything asked for couldn't be had, such as zero-copy, locked memory or SCHED_FIFO.
    #[arg(long)]
    strict: bool,
}

/// What `run` and `demo` share.
#[derive(Debug, Args)]
pub(crate) struct HowLong {
    /// Stop after this many seconds in OP.
    #[arg(long)]
    pub(crate) seconds: Option<f64>,
    /// Write a report of the run (schema: `zerocat schema report`).
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Write every frame into a pcapng file, for Wireshark.
    #[arg(long, value_name = "FILE")]
    pub(crate) capture: Option<PathBuf>,
    /// Print the report as JSON instead of a summary; as one line, the last one, where samples go to standard output.
    #[arg(long)]
    pub(crate) json: bool,
    /// Show nothing while it runs.
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// XDP modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Mode {
    /// The best one that the interface gives.
    Auto,
    /// The NIC reads and writes our memory.
    ZeroCopy,
    /// In the driver, with a copy.
    NativeCopy,
    /// In the network stack, with a copy.
    Generic,
}

impl From<Mode> for XdpMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Auto => Self::Auto,
            Mode::ZeroCopy => Self::ZeroCopy,
            Mode::NativeCopy => Self::NativeCopy,
            Mode::Generic => Self::Generic,
        }
    }
}

impl Run {
    pub(crate) fn run(&self) -> Done {
        let mut rig = check::load(&self.rig).map_err(|error| check::refused(&self.rig, &error))?;
        if let Some(interface) = &self.interface {
            rig.network.properties.interface.clone_from(interface);
        }
        if let Some(link) = self.link {
            rig.engine.link = link.into();
        }
        if let Some(mode) = self.mode {
            rig.engine.mode = mode.into();
        }
        rig.engine.cpu = self.cpu.or(rig.engine.cpu);
        for warning in rig.warnings() {
            eprintln!("warning: {warning}");
        }
        let stop = Stop::on_signals()?;
        run_rig(rig, None, &self.how, &stop, |options| {
            options.force = self.force;
            options.strict = self.strict;
            options.privileges = Privileges::GiveUp;
        })
    }
}

/// Runs a rig, over a link that is open already if one is given, and prints what became of it.
pub(crate) fn run_rig(
    rig: Rig,
    link: Option<OpenLink>,
    how: &HowLong,
    stop: &Stop,
    choose: impl FnOnce(&mut SessionOptions),
) -> Done {
    let seconds = how.seconds.map(Duration::try_from_secs_f64).transpose();
    let seconds = seconds.map_err(|error| Failure::usage(format!("--seconds: {error}")))?;
    let samples_on_stdout = writes_to_stdout(&rig);
    let live = Live::new(&rig, how.quiet);
    let mut options = SessionOptions { capture: how.capture.clone(), progress: live.progress(), ..Default::default() };
    choose(&mut options);
    let asked = || stop.asked();
    let started = match link {
        None => Session::start(rig, options, asked),
        Some(link) => Session::start_on(rig, link, options, asked),
    };
    let mut session = match started {
        Err(zerocat::SessionError::Interrupted) if stop.asked() => return Ok(()),
        other => other?,
    };
    let alive = watch(&mut session, &live, seconds, stop);
    let ended = session.stop()?;
    live.finish();
    conclude(&ended, how, samples_on_stdout)?;
    if !alive {
        return Err(Failure::running("the realtime thread ended by itself"));
    }
    match ended.failed.as_slice() {
        [] => Ok(()),
        failed => Err(Failure::running(format!("on the way down: {}", failed.join("; ")))),
    }
}

/// Shows what flows until somebody asks to stop. Returns whether the realtime thread was alive to the end.
fn watch(session: &mut Session, live: &Live, seconds: Option<Duration>, stop: &Stop) -> bool {
    live.begin(session);
    let end = seconds.map(|seconds| Instant::now() + seconds);
    while !stop.asked() {
        let left = end.map_or(LOOK, |end| end.saturating_duration_since(Instant::now()).min(LOOK));
        if left.is_zero() {
            break;
        }
        let asleep = Instant::now();
        stop.sleep(left);
        live.late(asleep.elapsed().saturating_sub(left));
        let over = || stop.asked() || end.is_some_and(|end| Instant::now() >= end);
        if let Tended::Recovered(lasted) = session.tend(over) {
            live.say(&format!("the network was lost for {:.1} s and is in OP again", lasted.as_secs_f64()));
        }
        let status = session.status();
        if !status.alive {
            return false;
        }
        live.show(session, &status.counters);
    }
    true
}

fn conclude(ended: &Ended, how: &HowLong, samples_on_stdout: bool) -> Done {
    if let Some(path) = &how.report {
        print::json_file(&ended.report, path)?;
    }
    if how.json && samples_on_stdout {
        print::json_line(&ended.report)?;
    } else if how.json {
        print::json(&ended.report)?;
    } else if samples_on_stdout {
        eprintln!("{}", summary(&ended.report));
    } else {
        print::line(summary(&ended.report));
    }
    Ok(())
}

fn writes_to_stdout(rig: &Rig) -> bool {
    let sinks = rig.tasks.iter().filter_map(|task| match task {
        Task::Read(read) => read.sink.as_ref(),
        Task::Write(write) => write.sink.as_ref(),
        Task::Scan(_) => None,
    });
    sinks.into_iter().any(|Sink::Jsonl(path)| path == "-")
}

/// A sync unit of the report for people.
fn sync_unit(unit: &UnitReport) -> String {
    let UnitReport { name, every, phase, rate_hz, subdevices, frames, data_bytes } = unit;
    let name = name.as_deref().unwrap_or_default();
    format!(
        "unit      {name}: every {every} cycles (phase {phase}, {rate_hz} Hz), {subdevices} SubDevices, {data_bytes} \
         bytes in {frames} frames"
    )
}

/// What to do about frames that found no room, if there were some.
fn no_room(frames: &Frames) -> Option<String> {
    let Frames { dropped, refused, cyclic_unsent, .. } = frames;
    let arrived = (*dropped > 0).then(|| {
        format!("{dropped} frames that arrived found no room: the cycle was held up (see holes), or somebody floods the line")
    });
    let left = (refused + cyclic_unsent > 0).then(|| {
        format!(
            "{} frames were not sent: look at the carrier and at pause frames (zerocat doctor)",
            refused + cyclic_unsent
        )
    });
    let all: Vec<_> = arrived.into_iter().chain(left).collect();
    (!all.is_empty()).then(|| format!("no room   {}", all.join("; ")))
}

/// The report for people.
fn summary(report: &Report) -> String {
    let mode = match (report.link.mode_asked, report.link.got()) {
        (Some(asked), Some(got)) => format!(", {got} (asked: {asked})"),
        _ => String::new(),
    };
    let mut lines = vec![
        format!("host      {}", report.host),
        format!("link      {} on {}{mode}", report.link.kind, report.link.interface),
        format!(
            "network   {} SubDevices, {} Hz, {} bytes in {} a cycle, wait {}",
            report.network.subdevices,
            report.network.rate_hz,
            report.network.image_bytes,
            if report.network.frames == 1 { "1 frame".to_owned() } else { format!("{} frames", report.network.frames) },
            report.network.wait
        ),
        format!(
            "cycles    {} done, {} skipped, {} lost; {} working counter faults",
            report.cycles.done, report.cycles.skipped, report.cycles.lost, report.working_counter_faults
        ),
    ];
    let named = report.network.units.iter().filter(|unit| unit.name.is_some());
    lines.splice(3..3, named.map(sync_unit));
    if report.outages.count > 0 {
        let OutagesReport { count, recovered, longest_ms } = report.outages;
        lines
            .push(format!("outages   {count}, of which {recovered} ended in OP, the longest after {longest_ms:.0} ms"));
    }
    if let Some(NicErrors { received, dropped, sent }) = report.nic_errors.filter(|nic| nic.received + nic.sent > 0) {
        lines.push(format!("NIC       errors: {received} received, {sent} sent ({dropped} dropped)"));
    }
    if let Some(time) = report.time_to_op_ms {
        lines.push(format!("OP after  {time:.0} ms"));
    }
    let count = |value: Option<u64>| value.map_or_else(|| "unknown".to_owned(), |value| value.to_string());
    lines.push(format!(
        "realtime  {} page faults ({} major), {} involuntary switches, {} allocations",
        count(report.rt.page_faults_minor.zip(report.rt.page_faults_major).map(|(minor, major)| minor + major)),
        count(report.rt.page_faults_major),
        count(report.rt.involuntary_switches),
        count(report.rt.allocations)
    ));
    lines.push(holes(&report.rt.holes));
    if let Some(margin) = report.spin_margin {
        lines.push(format!("margin    {margin}"));
    }
    lines.extend(no_room(&report.frames));
    for missing in &report.missing {
        lines.push(format!("not had   {missing}"));
    }
    lines.push(String::new());
    lines.push(times(report).to_string());
    lines.push(String::new());
    lines.push(tasks(report).to_string());
    lines.join("\n")
}

fn holes(holes: &Holes) -> String {
    let Holes { count, longest_ns, total_ns } = *holes;
    if count == 0 {
        return "holes     none: it ran whenever it wanted to".to_owned();
    }
    let [longest, total] = [longest_ns, total_ns].map(print::time);
    format!("holes     {count} times thrown off its CPU, longest {longest}, {total} in all")
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
        let Some(Figures { min, p50, p99, p999, max, n }) = figures else { continue };
        let [min, p50, p99, p999, max] = [min, p50, p99, p999, max].map(print::time);
        table.add_row([name.to_owned(), min, p50, p99, p999, max, n.to_string()]);
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
