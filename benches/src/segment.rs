//! `zerocat bench segment`: what a cycle of a large segment costs in one process, and what it allocates.
//!
//! The engine and the simulated segment run on one thread under virtual time, flat out. The segment's share (the work
//! of the wire and the SubDevices) is timed inside the link and reported by itself: `engine_ns` is a cycle without it.
//! Every cycle reads all inputs and writes all outputs back. A new command set comes in every 16th cycle, and samples
//! are taken every 32nd, both between cycles and not timed.

use crate::host::{BenchHost, last_cpu};
use crate::measuring::{MeasuringError, on_a_thread};
use crate::stopwatch::Stopwatch;
use crate::tables::{plain, right_from};
use serde::Serialize;
use std::time::{Duration, Instant};
use zerocat::StartError;
use zerocat::config::Overlap;
use zerocat::report::Figures;
use zerocat_engine::Distribution;
use zerocat_measure::Stint;
use zerocat_sched::alloc::is_counting;
use zerocat_sched::{Clock, MonotonicClock, RealtimeRequest, prepare_process, prepare_thread, thread_allocations};
use zerocat_sim::{Segment, SegmentConfig, SegmentConfigError};
use zerocat_testkit::virtual_network::{self, InProcessLink, VirtualNetwork};

/// Name and version of the schema. Keys may be added; none changes its meaning.
pub const SCHEMA: &str = "zerocat-bench-segment/1";

/// Cycles before anything counts.
const WARM_UP: u32 = 500;
/// Virtual period.
const PERIOD: Duration = Duration::from_millis(1);
const COMMAND_EVERY: u32 = 16;
const SAMPLES_EVERY: u32 = 32;

/// The network, with a stopwatch around its segment.
type Network = VirtualNetwork<Stopwatch<InProcessLink>>;

/// What to measure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SegmentSettings {
    /// SubDevices in a line: a coupler, then digital and analogue I/O and servos in turn.
    pub subdevices: usize,
    /// Instead of those, modular devices that have this many bytes of process data together.
    pub bytes: Option<usize>,
    /// Whether inputs overlap with outputs.
    pub overlap: Overlap,
    /// Cycles that are timed.
    pub cycles: u32,
    /// CPU to measure on; the last one if not given.
    pub cpu: Option<usize>,
    /// SCHED_FIFO priority; with `null` it stays an ordinary thread.
    pub priority: Option<u8>,
}

impl Default for SegmentSettings {
    fn default() -> Self {
        Self { subdevices: 100, bytes: None, overlap: Overlap::Off, cycles: 20_000, cpu: None, priority: Some(80) }
    }
}

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// No such segment.
    #[error("a segment of {subdevices} SubDevices")]
    Segment {
        /// SubDevices asked for.
        subdevices: usize,
        /// Why.
        source: Box<SegmentConfigError>,
    },
    /// The segment didn't come up.
    #[error("bring the simulated segment up")]
    Start(#[from] StartError),
    /// The measuring thread couldn't be started, or ended early.
    #[error(transparent)]
    Thread(#[from] MeasuringError),
}

/// What was measured, and on what.
#[derive(Debug, Clone, Serialize)]
pub struct SegmentReport {
    /// Always `zerocat-bench-segment/1`.
    pub schema: &'static str,
    /// The machine.
    pub host: BenchHost,
    /// What was asked for; `cpu` as it was chosen.
    pub settings: SegmentSettings,
    /// SubDevices on the bus.
    pub subdevices: usize,
    /// Cyclic frames in a cycle.
    pub frames: usize,
    /// Bytes of the process image.
    pub image_bytes: usize,
    /// Sum of the expected working counters of a cycle.
    pub expected_working_counter: u64,
    /// Real time from a segment after power-on to OP, in ms.
    pub bring_up_ms: f64,
    /// A whole cycle, in ns.
    pub cycle_ns: Option<Figures>,
    /// The part of it outside the segment, in ns.
    pub engine_ns: Option<Figures>,
    /// The median of that for one frame, in ns.
    pub engine_ns_per_frame: Option<f64>,
    /// The part of it in the segment, in ns.
    pub segment_ns: Option<Figures>,
    /// Allocations, reallocations and frees in all timed cycles together, the segment's included; `null` where the
    /// program doesn't count them.
    pub allocations: Option<u64>,
    /// The same for one cycle.
    pub allocations_per_cycle: Option<f64>,
    /// Memory of this process that is locked, in KiB: program, engine, rings, and the simulated segment too; `null`
    /// where it can't be read.
    pub locked_kib: Option<u64>,
    /// Cyclic frames that did not come back.
    pub lost_frames: u64,
    /// Datagrams that came back with another working counter than expected.
    pub working_counter_faults: u64,
    /// What the measuring thread asked for and didn't get, a sentence each.
    pub missing: Vec<String>,
}

/// Runs the bench. `progress` is called with a line of text now and then.
///
/// # Errors
/// The segment can't be made or doesn't come up.
pub fn run(settings: &SegmentSettings, mut progress: impl FnMut(&str)) -> Result<SegmentReport, SegmentError> {
    let mut settings = settings.clone();
    settings.cpu = settings.cpu.or_else(last_cpu);
    let request = RealtimeRequest { cpu: settings.cpu, priority: settings.priority, ..RealtimeRequest::default() };
    let setup = prepare_process(&request);
    progress(&format!("bringing {} SubDevices up, then {} cycles", settings.subdevices, settings.cycles));
    let mut report = on_a_thread(|| measure(&settings, &request))??;
    report.missing.splice(0..0, setup.status.missing());
    Ok(report)
}

fn measure(settings: &SegmentSettings, request: &RealtimeRequest) -> Result<SegmentReport, SegmentError> {
    let wrong = |source| SegmentError::Segment { subdevices: settings.subdevices, source: Box::new(source) };
    let line = settings.bytes.map_or_else(
        || SegmentConfig::mixed(settings.subdevices),
        |bytes| SegmentConfig::large(settings.subdevices, bytes),
    );
    let segment = Segment::new(&line).map_err(wrong)?;
    let began = Instant::now();
    let mut rig = virtual_network::rig(PERIOD);
    rig.engine.overlap = settings.overlap;
    let mut network = VirtualNetwork::bring_up_over(segment, rig, Stopwatch::new)?;
    let bring_up_ms = began.elapsed().as_secs_f64() * 1000.0;
    let missing = prepare_thread(request).missing();
    let mut beside = Beside::new(&mut network);
    for n in 0..WARM_UP {
        network.cycle();
        beside.work(&mut network, n);
    }
    let before = *network.engine().counters();
    let timed = time(&mut network, &mut beside, settings.cycles);
    let after = *network.engine().counters();
    let allocations = is_counting().then_some(timed.allocations);
    let planned = network.planned();
    Ok(SegmentReport {
        schema: SCHEMA,
        host: BenchHost::read(None),
        settings: settings.clone(),
        subdevices: planned.network.subdevices().len(),
        frames: planned.plan.frames.len(),
        image_bytes: planned.plan.image_len,
        expected_working_counter: after.expected_working_counter,
        bring_up_ms,
        cycle_ns: Figures::of(&timed.cycle),
        engine_ns: Figures::of(&timed.engine),
        engine_ns_per_frame: per_frame(&timed.engine, planned.plan.frames.len()),
        segment_ns: Figures::of(&timed.segment),
        allocations,
        #[expect(clippy::cast_precision_loss, reason = "a count of allocations is far below 2^53")]
        allocations_per_cycle: allocations.map(|count| count as f64 / f64::from(settings.cycles.max(1))),
        locked_kib: zerocat_sched::memory::locked_kib(),
        lost_frames: after.lost_frames - before.lost_frames,
        working_counter_faults: after.working_counter_faults - before.working_counter_faults,
        missing,
    })
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds of a cycle and a number of frames are far below 2^53")]
fn per_frame(engine: &Distribution, frames: usize) -> Option<f64> {
    engine.summary().filter(|_| frames > 0).map(|summary| summary.p50 as f64 / frames as f64)
}

#[derive(Debug, Default)]
struct Timed {
    cycle: Distribution,
    engine: Distribution,
    segment: Distribution,
    allocations: u64,
}

fn time(network: &mut Network, beside: &mut Beside, cycles: u32) -> Timed {
    let mut timed = Timed::default();
    let mut stint = Stint::begin();
    for n in 0..cycles {
        let kicking = network.engine().link().kicking();
        let allocated = thread_allocations();
        let start = MonotonicClock.now();
        network.cycle();
        let end = MonotonicClock.now();
        timed.allocations += thread_allocations().since(&allocated).total();
        let (cycle, segment) = (end.since(start), network.engine().link().kicking() - kicking);
        timed.cycle.record(cycle);
        timed.segment.record(segment);
        timed.engine.record(cycle.saturating_sub(segment));
        beside.work(network, n);
        if stint.is_over(end) {
            stint = Stint::pause();
            network.cycle();
        }
    }
    timed
}

/// What tasks do between cycles.
#[derive(Debug)]
struct Beside {
    command: Vec<u8>,
    sample: Vec<u8>,
}

impl Beside {
    fn new(network: &mut Network) -> Self {
        let tasks = network.tasks_mut();
        Self { command: vec![0; tasks.commands.record_len()], sample: vec![0; tasks.samples.record_len()] }
    }

    fn work(&mut self, network: &mut Network, n: u32) {
        let tasks = network.tasks_mut();
        if n.is_multiple_of(COMMAND_EVERY) {
            self.command.fill(u8::from((n / COMMAND_EVERY).is_multiple_of(2)));
            // A full ring means that the engine stands still; the counters show it.
            let _ = tasks.command(&self.command);
        }
        if n.is_multiple_of(SAMPLES_EVERY) {
            while tasks.samples.pop(&mut self.sample).is_some() {}
            while tasks.states.pop(&mut self.sample).is_some() {}
        }
    }
}

/// The report as a table for people, with the machine above it.
#[must_use]
pub fn table(report: &SegmentReport) -> String {
    let mut table = plain(&["of a cycle, ns", "min", "p50", "p99", "p99.9", "max", "n"]);
    let parts = [("all", report.cycle_ns), ("engine", report.engine_ns), ("segment", report.segment_ns)];
    for (name, figures) in parts {
        let Some(Figures { min, p50, p99, p999, max, n, .. }) = figures else { continue };
        let figures = [min, p50, p99, p999, max, n].map(|figure| figure.to_string());
        table.add_row(std::iter::once(name.to_owned()).chain(figures));
    }
    right_from(&mut table, 1);
    let allocations = match report.allocations {
        Some(count) => format!("{count} allocations in {} cycles", report.settings.cycles),
        None => "allocations not counted by this program".to_owned(),
    };
    let SegmentReport { subdevices, frames, image_bytes, bring_up_ms, .. } = report;
    let mut lines = vec![
        report.host.to_string(),
        format!(
            "{subdevices} simulated SubDevices in OP after {bring_up_ms:.0} ms; {image_bytes} bytes of image in \
             {frames} frames, working counter {}",
            report.expected_working_counter
        ),
        table.trim_fmt(),
        format!(
            "engine {} ns a frame; {} of memory locked, the segment's included",
            report.engine_ns_per_frame.map_or_else(|| "?".to_owned(), |each| format!("{each:.0}")),
            report.locked_kib.map_or_else(|| "?".to_owned(), |kib| format!("{} MiB", kib / 1024)),
        ),
        format!(
            "{allocations}, {} frames lost, {} working-counter faults",
            report.lost_frames, report.working_counter_faults
        ),
    ];
    lines.extend(report.missing.iter().map(|sentence| format!("unavailable: {sentence}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cycle_is_timed_and_complete() {
        let settings = SegmentSettings { subdevices: 11, cycles: 100, priority: None, ..SegmentSettings::default() };
        let report = run(&settings, |_| ()).unwrap();
        assert_eq!((report.subdevices, report.lost_frames, report.working_counter_faults), (11, 0, 0));
        assert!(report.image_bytes > 0 && report.frames > 0);
        for figures in [report.cycle_ns, report.engine_ns, report.segment_ns] {
            assert_eq!(figures.unwrap().n, 100);
        }
        // This test's program has no counting allocator.
        assert_eq!((report.allocations, report.allocations_per_cycle), (None, None));
        assert!(table(&report).contains("11 simulated SubDevices"), "{}", table(&report));
    }

    #[test]
    fn a_large_image_has_the_bytes_asked_for_and_half_of_the_frames_when_it_overlaps() {
        let run_with = |overlap| {
            let settings = SegmentSettings {
                bytes: Some(20_000),
                overlap,
                cycles: 10,
                priority: None,
                ..SegmentSettings::default()
            };
            run(&settings, |_| ()).unwrap()
        };
        let apart = run_with(Overlap::Off);
        assert_eq!((apart.subdevices, apart.image_bytes, apart.frames), (100, 20_000, 15));
        let over = run_with(Overlap::On);
        assert!(over.frames <= 8, "{} frames", over.frames);
        for report in [apart, over] {
            assert_eq!((report.lost_frames, report.working_counter_faults), (0, 0));
            assert_eq!(report.expected_working_counter, 300);
        }
    }

    #[test]
    fn a_segment_of_nobody_is_refused() {
        let settings = SegmentSettings { subdevices: 0, ..SegmentSettings::default() };
        assert!(matches!(run(&settings, |_| ()), Err(SegmentError::Segment { subdevices: 0, .. })));
    }
}
