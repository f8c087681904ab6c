//! `zerocat bench frames`: how long the simulated segment takes for a frame, and what it allocates.
//!
//! A line of modular SubDevices, each with outputs and inputs, is brought to OP; together they have as much process
//! data as an LRW carries. Then frames of one kind pass through it one after the other, and each is timed around
//! `Segment::process` alone. Virtual time stands still, so the applications don't move, except in the row `lrw-1ms`,
//! where it advances by 1 ms a frame, as in a cycle.
//!
//! Not measured: a link, the engine, other topologies than a line.

use crate::host::{BenchHost, last_cpu};
use crate::measuring::on_a_thread;
use crate::segment::SegmentError;
use crate::tables::plain;
use comfy_table::CellAlignment;
use serde::Serialize;
use std::time::Duration;
use zerocat::report::Figures;
use zerocat_engine::Distribution;
use zerocat_measure::Stint;
use zerocat_sched::alloc::is_counting;
use zerocat_sched::{Clock, MonotonicClock, RealtimeRequest, prepare_process, prepare_thread, thread_allocations};
use zerocat_sim::{ModuleKind, Outcome, ProfileKind, Segment, SegmentConfig, SubDeviceConfig};
use zerocat_testkit::virtual_network::VirtualNetwork;
use zerocat_wire::datagram::{self, MAX_DATA_ALONE};
use zerocat_wire::ethernet::MacAddress;
use zerocat_wire::frame::HEADER_LEN;
use zerocat_wire::{Address, Command, Datagram, FrameBuilder, FrameView, WireError, register};

/// Name and version of the schema. Keys may be added; none changes its meaning.
pub const SCHEMA: &str = "zerocat-bench-frames/1";

/// Frames before anything counts.
const WARM_UP: u32 = 500;
/// Virtual period of the bring-up and of `lrw-1ms`.
const PERIOD: Duration = Duration::from_millis(1);
/// Datagrams in a frame that addresses nobody: enough that the frame itself hardly counts.
const UNADDRESSED: usize = 100;
/// A station address that nobody has, and a logical address that nobody maps.
const NOBODY: (u16, u32) = (0xfffe, 0xffff_0000);
/// Slots of a modular SubDevice.
const SLOTS: usize = 32;

/// What to measure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FramesSettings {
    /// Lengths of the lines.
    pub subdevices: Vec<usize>,
    /// Frames of each row that are timed.
    pub frames: u32,
    /// CPU to measure on; the last one if not given.
    pub cpu: Option<usize>,
    /// SCHED_FIFO priority; with `null` it stays an ordinary thread.
    pub priority: Option<u8>,
}

impl Default for FramesSettings {
    fn default() -> Self {
        Self { subdevices: vec![1, 10, 100, 256], frames: 20_000, cpu: None, priority: Some(80) }
    }
}

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum FramesError {
    /// No segment, or it didn't come up.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// A frame couldn't be built.
    #[error("build a frame")]
    Frame(#[from] WireError),
    /// A frame didn't come back, or with a wrong working counter.
    #[error("a frame {what} came back from {subdevices} SubDevices with working counter {got:?}, not {expected}")]
    Answer {
        /// Row.
        what: &'static str,
        /// SubDevices.
        subdevices: usize,
        /// Working counter of the last datagram, `None` for a lost frame.
        got: Option<u16>,
        /// Working counter that was expected.
        expected: u16,
    },
}

/// One kind of frame on one line.
#[derive(Debug, Clone, Serialize)]
pub struct FrameRow {
    /// `fprd-nobody` and `lrd-nobody` (datagrams that address no SubDevice), `brd` (AL status of all), `lrw` (process
    /// data of all), `lrw-1ms` (the same, and the applications move by 1 ms).
    pub what: &'static str,
    /// SubDevices in the line.
    pub subdevices: usize,
    /// Datagrams in the frame.
    pub datagrams: usize,
    /// Bytes of data in each.
    pub data_bytes: usize,
    /// Working counter of each.
    pub working_counter: u16,
    /// `Segment::process`, in ns.
    pub frame_ns: Option<Figures>,
    /// The median for one SubDevice and datagram, in ns.
    pub ns_per_subdevice_and_datagram: f64,
    /// Allocations, reallocations and frees in all timed frames; `null` where the program doesn't count them.
    pub allocations: Option<u64>,
}

/// What was measured, and on what.
#[derive(Debug, Clone, Serialize)]
pub struct FramesReport {
    /// Always `zerocat-bench-frames/1`.
    pub schema: &'static str,
    /// The machine.
    pub host: BenchHost,
    /// What was asked for; `cpu` as it was chosen.
    pub settings: FramesSettings,
    /// By line, then by kind of frame.
    pub rows: Vec<FrameRow>,
    /// What the measuring thread asked for and didn't get, a sentence each.
    pub missing: Vec<String>,
}

/// Runs the bench. `progress` is called with a line of text now and then.
///
/// # Errors
/// The segment can't be made or doesn't come up, or a frame doesn't come back as expected.
pub fn run(settings: &FramesSettings, mut progress: impl FnMut(&str) + Send) -> Result<FramesReport, FramesError> {
    let mut settings = settings.clone();
    settings.cpu = settings.cpu.or_else(last_cpu);
    let request = RealtimeRequest { cpu: settings.cpu, priority: settings.priority, ..RealtimeRequest::default() };
    let setup = prepare_process(&request);
    let measured = on_a_thread(|| measure(&settings, &request, &mut progress)).map_err(SegmentError::from)?;
    let (rows, entered) = measured?;
    let mut missing = setup.status.missing();
    missing.extend(entered);
    Ok(FramesReport { schema: SCHEMA, host: BenchHost::read(None), settings, rows, missing })
}

fn measure(
    settings: &FramesSettings,
    request: &RealtimeRequest,
    progress: &mut impl FnMut(&str),
) -> Result<(Vec<FrameRow>, Vec<String>), FramesError> {
    let mut lines = Vec::new();
    for count in &settings.subdevices {
        progress(&format!("bringing {count} SubDevices up"));
        lines.push((*count, Line::bring_up(*count)?));
    }
    let missing = prepare_thread(request).missing();
    let mut rows = Vec::new();
    for (count, line) in &mut lines {
        for kind in kinds(*count, line)? {
            progress(&format!("{} over {count} SubDevices", kind.what));
            rows.push(line.time(*count, &kind, settings.frames)?);
        }
    }
    Ok((rows, missing))
}

/// A frame that is sent again and again.
#[derive(Debug)]
struct Kind {
    what: &'static str,
    frame: Vec<u8>,
    datagrams: usize,
    data: usize,
    expected: u16,
    /// Virtual time that passes before each.
    pause: Duration,
}

fn kinds(count: usize, line: &Line) -> Result<Vec<Kind>, FramesError> {
    let all = u16::try_from(count).unwrap_or(u16::MAX);
    let image = Address::logical(line.logical);
    let kind = |what, command, address, datagrams, data, expected, pause| -> Result<Kind, FramesError> {
        Ok(Kind { what, frame: frame(command, address, datagrams, data)?, datagrams, data, expected, pause })
    };
    let still = Duration::ZERO;
    Ok(vec![
        kind("fprd-nobody", Command::Fprd, Address::station(NOBODY.0, register::AL_STATUS), UNADDRESSED, 2, 0, still)?,
        kind("lrd-nobody", Command::Lrd, Address::logical(NOBODY.1), UNADDRESSED, 2, 0, still)?,
        kind("brd", Command::Brd, Address::broadcast(register::AL_STATUS), 1, 2, all, still)?,
        // Each SubDevice is read, which counts 1, and written, which counts 2.
        kind("lrw", Command::Lrw, image, 1, line.image, 3 * all, still)?,
        kind("lrw-1ms", Command::Lrw, image, 1, line.image, 3 * all, PERIOD)?,
    ])
}

fn frame(command: Command, address: Address, datagrams: usize, data: usize) -> Result<Vec<u8>, WireError> {
    let mut buffer = vec![0; zerocat_wire::ethernet::MAX_FRAME];
    let mut builder = FrameBuilder::new(&mut buffer, MacAddress::CYCLIC)?;
    for _ in 0..datagrams {
        builder.push(Datagram::new(command, address, 0, data))?;
    }
    let len = builder.finish()?;
    buffer.truncate(len);
    Ok(buffer)
}

/// A line in OP.
#[derive(Debug)]
struct Line {
    network: VirtualNetwork,
    now: Duration,
    /// First logical byte of the process data, and how many there are.
    logical: u32,
    image: usize,
}

impl Line {
    fn bring_up(count: usize) -> Result<Self, FramesError> {
        let wrong = |source| SegmentError::Segment { subdevices: count, source: Box::new(source) };
        let segment = Segment::new(&config(count)).map_err(wrong)?;
        let network = VirtualNetwork::bring_up(segment, PERIOD).map_err(SegmentError::Start)?;
        let (image, now) = (network.planned().plan.image_len, Duration::from_nanos(network.now().0));
        let datagrams = network.planned().plan.frames.iter().flat_map(|frame| &frame.datagrams);
        let logical = datagrams.map(|datagram| datagram.logical).min().unwrap_or_default();
        Ok(Self { network, now, logical, image })
    }

    /// Sends a frame many times.
    fn time(&mut self, count: usize, kind: &Kind, frames: u32) -> Result<FrameRow, FramesError> {
        let segment = self.network.engine_mut().link_mut().segment_mut();
        let mut bytes = kind.frame.clone();
        let (mut taken, mut allocations) = (Distribution::default(), 0);
        let mut stint = Stint::begin();
        for n in 0..WARM_UP + frames {
            bytes.copy_from_slice(&kind.frame);
            bytes[HEADER_LEN + datagram::HEADER_LEN] = u8::from(n.is_multiple_of(2));
            self.now += kind.pause;
            let before = thread_allocations();
            let began = MonotonicClock.now();
            let outcome = segment.process(&mut bytes, self.now);
            let end = MonotonicClock.now();
            let got = (outcome == Outcome::Returned).then(|| working_counter(&bytes)).flatten();
            if got != Some(kind.expected) {
                let Kind { what, expected, .. } = *kind;
                return Err(FramesError::Answer { what, subdevices: count, got, expected });
            }
            if n >= WARM_UP {
                taken.record(end.since(began));
                allocations += thread_allocations().since(&before).total();
            }
            if stint.is_over(end) {
                stint = Stint::pause();
            }
        }
        Ok(row(count, kind, Figures::of(&taken), is_counting().then_some(allocations)))
    }
}

fn row(count: usize, kind: &Kind, frame_ns: Option<Figures>, allocations: Option<u64>) -> FrameRow {
    let parts = count * kind.datagrams;
    #[expect(clippy::cast_precision_loss, reason = "times and counts are far below 2^53")]
    let each = frame_ns.map_or(0.0, |figures| figures.p50 as f64 / parts.max(1) as f64);
    FrameRow {
        what: kind.what,
        subdevices: count,
        datagrams: kind.datagrams,
        data_bytes: kind.data,
        working_counter: kind.expected,
        frame_ns,
        ns_per_subdevice_and_datagram: (each * 100.0).round() / 100.0,
        allocations,
    }
}

/// Working counter of the last datagram.
fn working_counter(bytes: &[u8]) -> Option<u16> {
    FrameView::new_checked(bytes).ok()?.datagrams().last()?.ok().map(|datagram| datagram.working_counter())
}

/// A line of modular SubDevices that share the bytes of an LRW out among themselves, as far as their slots take them.
fn config(count: usize) -> SegmentConfig {
    let until = |n: usize| MAX_DATA_ALONE * n / count.max(1);
    let subdevice = |n: usize| SubDeviceConfig {
        modules: modules(until(n + 1) - until(n)),
        ..SubDeviceConfig::new(ProfileKind::Modular)
    };
    SegmentConfig::line((0..count).map(subdevice).collect())
}

/// Modules with this many bytes together, outputs and inputs in turn.
fn modules(mut bytes: usize) -> Vec<ModuleKind> {
    let mut modules = Vec::new();
    while modules.len() < SLOTS && bytes > 0 {
        let output = modules.len().is_multiple_of(2);
        let (kind, length) = match (output, bytes) {
            (true, 4..) => (ModuleKind::Ao2, 4),
            (false, 4..) => (ModuleKind::Ai2, 4),
            (true, 2..) => (ModuleKind::Do16, 2),
            (false, 2..) => (ModuleKind::Di16, 2),
            (true, _) => (ModuleKind::Do8, 1),
            (false, _) => (ModuleKind::Di8, 1),
        };
        modules.push(kind);
        bytes -= length;
    }
    modules
}

/// The report as a table for people, with the machine above it.
#[must_use]
pub fn table(report: &FramesReport) -> String {
    let head = ["SubDevices", "frame", "bytes", "p50 ns", "p99", "p99.9", "max", "ns each", "allocations"];
    let mut table = plain(&head);
    for row in &report.rows {
        let Some(figures) = row.frame_ns else { continue };
        let bytes = if row.datagrams == 1 {
            row.data_bytes.to_string()
        } else {
            format!("{} x {}", row.datagrams, row.data_bytes)
        };
        let allocations = row.allocations.map_or_else(|| "not counted".to_owned(), |count| count.to_string());
        let times = [figures.p50, figures.p99, figures.p999, figures.max].map(|time| time.to_string());
        let [p50, p99, p999, max] = times;
        let each = format!("{:.2}", row.ns_per_subdevice_and_datagram);
        table.add_row([row.subdevices.to_string(), row.what.to_owned(), bytes, p50, p99, p999, max, each, allocations]);
    }
    for (n, column) in table.column_iter_mut().enumerate() {
        column.set_cell_alignment(if n == 1 { CellAlignment::Left } else { CellAlignment::Right });
    }
    let mut lines = vec![report.host.to_string(), table.trim_fmt()];
    lines.push("ns each: the median for one SubDevice and datagram".to_owned());
    lines.extend(report.missing.iter().map(|sentence| format!("unavailable: {sentence}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_frame_is_timed_on_every_line() {
        let settings = FramesSettings { subdevices: vec![1, 12], frames: 50, cpu: None, priority: None };
        let report = run(&settings, |_| ()).unwrap();
        assert_eq!(report.rows.len(), 10);
        assert!(report.rows.iter().all(|row| row.frame_ns.unwrap().n == 50 && row.allocations.is_none()));
        let lrw: Vec<&FrameRow> = report.rows.iter().filter(|row| row.what == "lrw").collect();
        assert_eq!([lrw[0].working_counter, lrw[1].working_counter], [3, 36]);
        assert!(lrw[1].data_bytes > 1400 && lrw[1].data_bytes <= MAX_DATA_ALONE);
        assert!(table(&report).contains("100 x 2"), "{}", table(&report));
    }

    #[test]
    fn the_lines_of_more_than_eleven_fill_an_lrw() {
        for count in [12, 100, 256] {
            let of = |module: &ModuleKind| match module {
                ModuleKind::Ao2 | ModuleKind::Ai2 => 4,
                ModuleKind::Do16 | ModuleKind::Di16 => 2,
                ModuleKind::Do8 | ModuleKind::Di8 => 1,
                ModuleKind::Ai16 | ModuleKind::Ao16 => 32,
            };
            let bytes = config(count).subdevices.iter().flat_map(|one| &one.modules).map(of).sum::<usize>();
            assert_eq!(bytes, MAX_DATA_ALONE, "{count}");
        }
    }

    #[test]
    fn a_segment_of_nobody_is_refused() {
        let settings = FramesSettings { subdevices: vec![0], ..FramesSettings::default() };
        assert!(matches!(
            run(&settings, |_| ()),
            Err(FramesError::Segment(SegmentError::Segment { subdevices: 0, .. }))
        ));
    }
}
