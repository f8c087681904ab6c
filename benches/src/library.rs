//! `zerocat bench library`: what lies between the wire and a program that uses the library.
//!
//! A servo in this process, behind the engine on the realtime thread, and a program on an ordinary thread that commits in each
//! cycle. Each way of waiting is a row. The link notes when a command is on the wire for the first time, by the number of
//! the cycle that it was computed from.

use crate::host::BenchHost;
use crate::tables::{plain, right_from};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use zerocat::config::Wait;
use zerocat::report::{Figures, LinkReport};
use zerocat::{AnyLink, Bus, In, Io, OpenLink, Out, ThreadPanic, Unstarted, Waiting};
use zerocat_engine::Distribution;
use zerocat_link::{Link, LinkFault, Sizing};
use zerocat_sched::time::nanos;
use zerocat_sched::{Clock, MonotonicClock, Period, PeriodError};
use zerocat_sim::{ProfileKind, Segment, SegmentConfig, SegmentConfigError, SegmentLink, SubDeviceConfig};

/// Name and version of the schema. Keys may be added; none changes its meaning.
pub const SCHEMA: &str = "zerocat-bench-library/1";

/// Cycles before anything counts.
const WARM_UP: u64 = 100;
/// Reads and writes that are timed together.
const ACCESSES: u32 = 1_000_000;
const SIZING: Sizing = Sizing { slots: 128, receive: 128 };
const PATIENCE: Duration = Duration::from_secs(1);
/// Most cycles a second of a bus, as a rig's check has it.
const MOST_HZ: f64 = 100_000.0;
/// Longest handover to a program that spins, in ns.
const HANDOVER_AIM_NS: f64 = 2_000.0;
/// Longest `get` and `set`, in ns.
const ACCESS_AIM_NS: f64 = 5.0;

/// What to measure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LibrarySettings {
    /// Cycles per second, in Hz.
    pub rate_hz: f64,
    /// Cycles of each row.
    pub cycles: u64,
    /// CPU of the realtime thread; not pinned if not given.
    pub cpu: Option<usize>,
    /// Its SCHED_FIFO priority.
    pub priority: u8,
}

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The rate makes no grid.
    #[error(transparent)]
    Rate(#[from] PeriodError),
    /// More cycles than a rig may have.
    #[error("{0} Hz is more than {MOST_HZ} Hz, the most that a bus may have")]
    TooFast(f64),
    /// The segment.
    #[error("a segment of a servo")]
    Segment(#[from] SegmentConfigError),
    /// The session didn't start.
    #[error("start a session")]
    Start(#[from] Box<Unstarted>),
    /// A thread of it panicked.
    #[error(transparent)]
    Panic(#[from] ThreadPanic),
}

/// What was measured, and on what.
#[derive(Debug, Clone, Serialize)]
pub struct LibraryReport {
    /// Always `zerocat-bench-library/1`.
    pub schema: &'static str,
    /// The machine.
    pub host: BenchHost,
    /// What was asked for.
    pub settings: LibrarySettings,
    /// One for each way of waiting.
    pub rows: Vec<LibraryRow>,
    /// Time of one `get` of an `i32`, in ns.
    pub get_ns: f64,
    /// Time of one `set` of an `i32`, in ns.
    pub set_ns: f64,
    /// What is aimed at, and whether it was met.
    pub aims: Vec<Aim>,
}

/// A figure and its aim, for a program that spins on a CPU of its own.
#[derive(Debug, Clone, Serialize)]
pub struct Aim {
    /// Key of the figure.
    pub figure: &'static str,
    /// What was measured.
    pub value: f64,
    /// What it may be at most.
    pub at_most: f64,
    /// Whether it is.
    pub met: bool,
}

impl Aim {
    fn new(figure: &'static str, value: f64, at_most: f64) -> Self {
        Self { figure, value, at_most, met: value <= at_most }
    }

    /// All of them. Without a row of a program that spins, those of access only.
    fn all(rows: &[LibraryRow], (get_ns, set_ns): (f64, f64)) -> Vec<Self> {
        let spin = rows.iter().find(|row| row.path == "spin");
        let of_row = spin.into_iter().flat_map(|row| {
            [
                Self::new("handover_ns", micros(row.handover_ns) * 1_000.0, HANDOVER_AIM_NS),
                Self::new(
                    "command_cycles_p99",
                    f64::from(u32::try_from(row.command_cycles_p99).unwrap_or(u32::MAX)),
                    1.0,
                ),
            ]
        });
        let access = [Self::new("get_ns", get_ns, ACCESS_AIM_NS), Self::new("set_ns", set_ns, ACCESS_AIM_NS)];
        of_row.chain(access).collect()
    }
}

/// One way of waiting.
#[derive(Debug, Clone, Serialize)]
pub struct LibraryRow {
    /// `spin`, `wait` (a thread wakes the program) or `nap`.
    pub path: &'static str,
    /// From a cycle's tick to when the program has its values, in us.
    pub age_p50_us: f64,
    /// The same at p99.
    pub age_p99_us: f64,
    /// Cycles from the one that a command was computed from to the one that it is sent in.
    pub command_cycles_p99: u64,
    /// From the return of a cycle's last frame to when the program has its values, at p50, in ns.
    pub handover_ns: u64,
    /// Cycles that the program was too slow for.
    pub overruns: u64,
    /// Commits that were refused.
    pub refused: u64,
}

/// Runs the bench. `progress` is called with a line of text for each row.
///
/// # Errors
/// The rate makes no grid; the session didn't start, or ended by a panic.
pub fn run(settings: &LibrarySettings, mut progress: impl FnMut(&str)) -> Result<LibraryReport, LibraryError> {
    Period::from_rate(settings.rate_hz)?;
    if settings.rate_hz > MOST_HZ {
        return Err(LibraryError::TooFast(settings.rate_hz));
    }
    let paths = [("spin", Waiting::Spin), ("wait", Waiting::Woken), ("nap", Waiting::Nap)];
    let mut rows = Vec::new();
    let mut access = (0.0, 0.0);
    for (path, waiting) in paths {
        progress(path);
        let (row, timed) = row(settings, path, waiting)?;
        rows.push(row);
        access = timed;
    }
    let (get_ns, set_ns) = access;
    let (host, settings, aims) = (BenchHost::read(None), settings.clone(), Aim::all(&rows, access));
    Ok(LibraryReport { schema: SCHEMA, host, settings, rows, get_ns, set_ns, aims })
}

fn row(
    settings: &LibrarySettings,
    path: &'static str,
    waiting: Waiting,
) -> Result<(LibraryRow, (f64, f64)), LibraryError> {
    let noted = Arc::<Noted>::default();
    let period = Period::from_rate(settings.rate_hz).map_or(0, |period| nanos(period.duration()));
    let config = SegmentConfig::line(vec![SubDeviceConfig::new(ProfileKind::Servo)]);
    let link = SegmentLink::new(Segment::new(&config)?, SIZING, || Duration::from_nanos(MonotonicClock.now().0));
    let spy: AnyLink = Box::new(Spy { inner: link, noted: Arc::clone(&noted), period, last: 0 });
    let mut bus = Bus::on("in-process")
        .rate_hz(settings.rate_hz)
        .silent_after(Duration::from_millis(100))
        .waiting(waiting)
        .engine(|engine| {
            (engine.cpu, engine.priority, engine.wait) = (settings.cpu, settings.priority, Wait::Hybrid);
        })
        .over(OpenLink::new(spy, LinkReport::new("in_process", "in-process")));
    let axis = Axis { position: bus.input(0, 0x6064), target: bus.output(0, 0x607a) };
    let (session, mut io) = bus.start().map_err(Box::new)?;
    let timed = axis.time(&mut io);
    let row = axis.measure(&mut io, &noted, settings.cycles, path);
    session.stop()?;
    Ok((row, timed))
}

struct Axis {
    position: In<i32>,
    target: Out<i32>,
}

impl Axis {
    /// Times of a `get` and a `set`, in ns.
    fn time(&self, io: &mut Io) -> (f64, f64) {
        let began = Instant::now();
        for _ in 0..ACCESSES {
            std::hint::black_box(std::hint::black_box(&*io).get(self.position));
        }
        let get = began.elapsed();
        let began = Instant::now();
        for n in 0..ACCESSES {
            std::hint::black_box(&mut *io).set(self.target, n.cast_signed());
        }
        let set = began.elapsed();
        let each = |time: Duration| time.as_secs_f64() * 1e9 / f64::from(ACCESSES);
        (each(get), each(set))
    }

    fn measure(&self, io: &mut Io, noted: &Noted, cycles: u64, path: &'static str) -> LibraryRow {
        let (mut age, mut handover) = (Distribution::default(), Distribution::default());
        let (mut overruns, mut refused) = (0, 0);
        for n in 0..cycles.saturating_add(WARM_UP) {
            let Ok(cycle) = io.wait(PATIENCE) else { break };
            let now = Duration::from_nanos(MonotonicClock.now().0);
            if n == WARM_UP {
                noted.clear();
            }
            if n >= WARM_UP {
                age.record(now.saturating_sub(cycle.tick()));
                handover.record(now.saturating_sub(cycle.received()));
                overruns += cycle.overruns();
            }
            noted.begin(cycle.number(), cycle.tick());
            io.set(self.target, i32::try_from(cycle.number()).unwrap_or(i32::MAX));
            refused += u64::from(io.commit(&cycle).is_err());
        }
        let (age, handover) = (Figures::of(&age), Figures::of(&handover));
        let us = |figures: Option<Figures>, which: fn(Figures) -> u64| figures.map_or(0.0, |all| micros(which(all)));
        LibraryRow {
            path,
            age_p50_us: us(age, |all| all.p50),
            age_p99_us: us(age, |all| all.p99),
            command_cycles_p99: noted.p99(),
            handover_ns: handover.map_or(0, |all| all.p50),
            overruns,
            refused,
        }
    }
}

/// Cycles whose ticks are remembered.
const REMEMBERED: usize = 1024;
/// Most cycles that are told apart.
const MOST_BEHIND: usize = 64;

/// What program and link note for each other: when the cycles were that commands were computed from, and how many cycles
/// later each command was on the wire.
#[derive(Debug)]
struct Noted {
    ticks: Box<[AtomicU64]>,
    behind: Box<[AtomicU64]>,
}

impl Default for Noted {
    fn default() -> Self {
        let zeros = |len: usize| (0..len).map(|_| AtomicU64::new(0)).collect();
        Self { ticks: zeros(REMEMBERED), behind: zeros(MOST_BEHIND) }
    }
}

impl Noted {
    fn tick(&self, cycle: u64) -> Option<&AtomicU64> {
        self.ticks.get(usize::try_from(cycle).unwrap_or_default() % REMEMBERED)
    }

    fn begin(&self, cycle: u64, tick: Duration) {
        if let Some(word) = self.tick(cycle) {
            // SYNC: published by the commit that follows. Pairs with the load in note.
            word.store(nanos(tick), Ordering::Relaxed);
        }
    }

    /// A command is on the wire that was computed from a cycle.
    fn note(&self, cycle: u64, period: u64) {
        // SYNC: whoever has the command sees it. Pairs with the store in begin.
        let tick = self.tick(cycle).map_or(0, |word| word.load(Ordering::Relaxed));
        // Between two ticks; what is told is whole cycles.
        let behind = MonotonicClock.now().0.saturating_sub(tick) / period.max(1);
        let behind = usize::try_from(behind).unwrap_or(usize::MAX).min(MOST_BEHIND - 1);
        if let Some(count) = self.behind.get(behind) {
            // SYNC: a statistic; it orders nothing. Pairs with the loads in p99.
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn clear(&self) {
        // SYNC: as in note.
        self.behind.iter().for_each(|count| count.store(0, Ordering::Relaxed));
    }

    fn p99(&self) -> u64 {
        // SYNC: pairs with the add in note.
        let counts: Vec<u64> = self.behind.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let wanted = counts.iter().sum::<u64>().saturating_mul(99).div_ceil(100);
        let reached = counts.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        u64::try_from(reached.take_while(|sum| *sum < wanted).count()).unwrap_or(u64::MAX)
    }
}

/// A link that sees commands on the wire.
struct Spy<L> {
    inner: L,
    noted: Arc<Noted>,
    period: u64,
    last: u64,
}

impl<T: Fn() -> Duration> Link for Spy<SegmentLink<T>> {
    zerocat_link::delegate_to!(inner: slots, slot, slot_mut, post, receive, counters, withdraw);

    fn kick(&mut self) -> Result<(), LinkFault> {
        let kicked = self.inner.kick();
        let outputs = self.inner.segment().outputs(0).unwrap_or_default();
        let target =
            outputs.get(2..6).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let from = u64::from(target);
        if from > self.last {
            self.last = from;
            self.noted.note(from, self.period);
        }
        kicked
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1_000.0
}

/// The report as a table for people, with the machine above it.
#[must_use]
pub fn table(report: &LibraryReport) -> String {
    let mut table =
        plain(&["path", "age p50, us", "p99", "command p99, cycles", "handover p50, us", "overruns", "refused"]);
    for row in &report.rows {
        table.add_row([
            row.path.to_owned(),
            format!("{:.1}", row.age_p50_us),
            format!("{:.1}", row.age_p99_us),
            row.command_cycles_p99.to_string(),
            format!("{:.1}", micros(row.handover_ns)),
            row.overruns.to_string(),
            row.refused.to_string(),
        ]);
    }
    right_from(&mut table, 1);
    let LibrarySettings { rate_hz, cycles, .. } = report.settings;
    [
        report.host.to_string(),
        format!(
            "{rate_hz} Hz, {cycles} cycles for each path; get {:.1} ns, set {:.1} ns",
            report.get_ns, report.set_ns
        ),
        table.trim_fmt(),
        report.aims.iter().map(aim_in_words).collect::<Vec<_>>().join("\n"),
    ]
    .join("\n")
}

fn aim_in_words(aim: &Aim) -> String {
    let Aim { figure, value, at_most, met } = aim;
    let met = if *met { "met" } else { "MISSED" };
    format!("aim, spinning on a CPU of its own: {figure} at most {at_most}: {value:.1}, {met}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_that_no_bus_may_have_is_refused_before_anything_starts() {
        let settings = LibrarySettings { rate_hz: 150_000.0, cycles: 1, cpu: None, priority: 1 };
        assert!(matches!(run(&settings, |_| {}), Err(LibraryError::TooFast(_))));
    }

    #[test]
    fn an_aim_that_is_missed_is_told_as_missed() {
        let aims = Aim::all(&[], (4.0, 6.0));
        let words: Vec<_> = aims.iter().map(aim_in_words).collect();
        assert!(words[0].ends_with("get_ns at most 5: 4.0, met") && words[1].ends_with("6.0, MISSED"), "{words:?}");
    }
}
