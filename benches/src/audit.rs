//! `zerocat bench audit`: what the realtime thread asks of the kernel in a cycle, seen from outside.
//!
//! It runs a session like `zerocat run`, against a simulated segment at the other end of a veth pair or against a real
//! bus, once for each socket and wait policy. While the session exchanges its cycles, the kernel's tracer counts the
//! system calls of the thread `zc-rt` ([`tracefs`]), and its page faults and context switches are read from `/proc`.
//! Allocations are counted by the session itself.
//!
//! Guarantees: the counts are the kernel's. A count that is too high is in [`AuditRow::violations`]; this bench judges
//! nothing else.

mod allowed;
mod simulation;
mod thread;
pub mod tracefs;

use crate::host::{BenchHost, last_cpu};
use crate::tables::plain;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use thread::ThreadReading;
use tracefs::{SyscallTrace, TraceError};
use zerocat::config::{LinkKind, Rig, Wait};
use zerocat::report::{Holes, Report};
use zerocat::{CheckedRig, Session, SessionError, SessionOptions, ThreadPanic, Unstarted};

pub use simulation::Simulation;

/// Name and version of the schema. Keys may be added; none changes its meaning.
pub const SCHEMA: &str = "zerocat-bench-audit/1";
/// The rig of the demonstration.
pub const DEMO_RIG: &str = include_str!("../../examples/demo-rig.json");

/// Cycles in OP before anything counts.
const WARM_UP: u64 = 500;
/// Attempts to bring the bus up.
const ATTEMPTS: u32 = 5;
/// The cycles may take this many times as long as their rate says, and [`PATIENCE`] more.
const STRETCH: f64 = 5.0;
const PATIENCE: Duration = Duration::from_secs(20);
/// Time between two looks at the cycle counter.
const LOOK: Duration = Duration::from_millis(2);

/// What to audit.
#[derive(Debug, Clone)]
pub struct AuditSettings {
    /// The rig; its interface is the MainDevice's. Socket and wait policy are set for each row.
    pub rig: Rig,
    /// Interface at the other end of a veth pair, on which the demonstration's segment is simulated; `None` with a real
    /// bus.
    pub segment: Option<String>,
    /// Cycles of each row.
    pub cycles: u64,
    /// Sockets.
    pub links: Vec<LinkKind>,
    /// Wait policies.
    pub waits: Vec<Wait>,
}

/// Why the audit failed.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The rig can't be run.
    #[error("the rig has problems: {0}")]
    Rig(String),
    /// The segment can't be simulated.
    #[error("simulate the segment at {interface}: {why}")]
    Segment {
        /// The interface.
        interface: String,
        /// Why.
        why: String,
    },
    /// The session didn't come up or ended badly.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A thread of the session panicked.
    #[error(transparent)]
    Panic(#[from] ThreadPanic),
    /// The kernel's tracer can't be used.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The realtime thread isn't found, or there are several.
    #[error("{0} threads of this process are called zc-rt; the audit needs one")]
    Thread(usize),
    /// `/proc` can't be read.
    #[error("read /proc/self/task")]
    Proc(#[from] std::io::Error),
    /// The end was asked for.
    #[error("stopped on request")]
    Stopped,
    /// The cycles take too long.
    #[error("{done} of {asked} cycles after {after:?}")]
    Stuck {
        /// Cycles that were done.
        done: u64,
        /// Cycles asked for.
        asked: u64,
        /// Time that passed.
        after: Duration,
    },
}

/// What was counted, and on what machine.
#[derive(Debug, Clone, Serialize)]
pub struct AuditReport {
    /// Always `zerocat-bench-audit/1`.
    pub schema: &'static str,
    /// The machine.
    pub host: BenchHost,
    /// Where the counts of system calls come from.
    pub traced_by: &'static str,
    /// Cycles per second asked for, in Hz.
    pub rate_hz: f64,
    /// One for each socket and wait policy.
    pub rows: Vec<AuditRow>,
}

/// What the realtime thread did with one socket and one wait policy.
#[derive(Debug, Clone, Serialize)]
pub struct AuditRow {
    /// `xdp` or `packet`.
    pub link: &'static str,
    /// XDP mode read back from the kernel.
    pub mode: Option<&'static str>,
    /// Wait policy.
    pub wait: &'static str,
    /// Cycles that were watched.
    pub cycles: u64,
    /// Those of them that lost a frame.
    pub lost: u64,
    /// Ticks skipped meanwhile.
    pub skipped: u64,
    /// Acyclic frames sent meanwhile: where cycles are lost, the bus thread asks SubDevices.
    pub acyclic: u64,
    /// How often each system call was made.
    pub syscalls: BTreeMap<String, u64>,
    /// Page faults.
    pub page_faults: u64,
    /// Pages that the kernel moved meanwhile on the whole machine (`pgmigrate_success` of `/proc/vmstat`). Compaction
    /// moves locked memory too, unless `vm.compact_unevictable_allowed` is 0.
    pub pages_migrated: u64,
    /// Times that the thread gave its CPU away by waiting.
    pub switches_voluntary: u64,
    /// Times that its CPU was taken from it.
    pub switches_involuntary: u64,
    /// Allocations, reallocations and frees from the first cycle to the last; `null` where the program doesn't count.
    pub allocations: Option<u64>,
    /// Times of more than 100 us in which it wanted to run and didn't, from the first cycle to the last.
    pub holes: Holes,
    /// What isn't allowed, a sentence each: a system call that has no place in a cycle or came too often, a page fault,
    /// an allocation.
    pub violations: Vec<String>,
}

impl AuditReport {
    /// All violations, each with its row.
    pub fn violations(&self) -> impl Iterator<Item = String> {
        let of_row = |row: &AuditRow| {
            let name = format!("{} {}", row.link, row.wait);
            row.violations.iter().map(move |what| format!("{name}: {what}")).collect::<Vec<_>>()
        };
        self.rows.iter().flat_map(of_row)
    }
}

/// Watchdog on a simulated segment, which is an ordinary thread and may have no CPU for a while: an outage and the recovery
/// from it are no part of what is counted.
const PATIENT: Duration = Duration::from_secs(5);

/// Runs the audit. `progress` is called with a line of text for each row; `stop` is asked now and then, and ends it.
///
/// # Errors
/// See [`AuditError`].
pub fn run(
    settings: &AuditSettings,
    mut progress: impl FnMut(&str),
    stop: impl Fn() -> bool,
) -> Result<AuditReport, AuditError> {
    let interface = settings.rig.network.properties.interface.clone();
    let mut rows = Vec::new();
    for (link, wait) in settings.links.iter().flat_map(|link| settings.waits.iter().map(move |wait| (*link, *wait))) {
        let mut rig = settings.rig.clone();
        (rig.engine.link, rig.engine.wait, rig.engine.spin_margin) = (link, wait, None);
        rig.engine.cpu = rig.engine.cpu.or_else(last_cpu);
        if settings.segment.is_some() {
            rig.engine.watchdog = rig.engine.watchdog.max(PATIENT);
        }
        progress(&format!("{link:?}, {wait:?}: {} cycles at {} Hz", settings.cycles, rig.network.properties.rate));
        rows.push(row(rig, settings, &stop)?);
    }
    Ok(AuditReport {
        schema: SCHEMA,
        host: BenchHost::read(Some(&interface)),
        traced_by: "tracefs, raw_syscalls:sys_enter",
        rate_hz: settings.rig.network.properties.rate,
        rows,
    })
}

fn row(rig: Rig, settings: &AuditSettings, stop: &dyn Fn() -> bool) -> Result<AuditRow, AuditError> {
    let rig = rig.check().map_err(|error| AuditError::Rig(zerocat::chain(&error)))?;
    let (wait, deadline) = (rig.engine.wait, rig.engine.deadline.unwrap_or(rig.period()));
    let simulation = settings.segment.as_deref().map(Simulation::start).transpose()?;
    let session = start(&rig, stop)?;
    let watched = watch(&session, settings.cycles, stop);
    let report = session.stop()?.report;
    drop(simulation);
    let mut row = watched?.row(&report);
    row.violations = allowed::violations(&row, wait, deadline);
    Ok(row)
}

/// A session in OP. On a machine with other work a simulated segment, which is an ordinary thread, may not answer for
/// longer than a bring-up waits; so it gets some attempts.
fn start(rig: &CheckedRig, stop: &dyn Fn() -> bool) -> Result<Session, AuditError> {
    let mut attempt = 1;
    loop {
        match Session::start(rig.clone(), SessionOptions::default(), stop) {
            Err(Unstarted { error: SessionError::Start(_), .. }) if attempt < ATTEMPTS => attempt += 1,
            Err(Unstarted { error: SessionError::Interrupted, .. }) => return Err(AuditError::Stopped),
            done => return done.map_err(|unstarted| unstarted.error.into()),
        }
    }
}

/// What was counted of the thread from outside.
struct Watched {
    cycles: u64,
    lost: u64,
    skipped: u64,
    acyclic: u64,
    syscalls: BTreeMap<String, u64>,
    thread: ThreadReading,
}

fn watch(session: &Session, cycles: u64, stop: &dyn Fn() -> bool) -> Result<Watched, AuditError> {
    await_cycles(session, WARM_UP, stop)?;
    let tid = thread::realtime()?;
    let trace = SyscallTrace::prepare(tid)?;
    // The cycles enclose what is counted: no call of theirs is counted without its cycle.
    let (before, thread) = (session.status().counters, ThreadReading::of(tid)?);
    trace.begin()?;
    let passed = await_cycles(session, cycles, stop);
    trace.end()?;
    let (after, thread) = (session.status().counters, ThreadReading::of(tid)?.since(thread));
    passed?;
    Ok(Watched {
        cycles: after.cycles - before.cycles,
        lost: after.lost_cycles - before.lost_cycles,
        skipped: after.skipped - before.skipped,
        acyclic: after.acyclic_sent - before.acyclic_sent,
        syscalls: trace.counts()?,
        thread,
    })
}

fn await_cycles(session: &Session, cycles: u64, stop: &dyn Fn() -> bool) -> Result<(), AuditError> {
    let (began, first) = (Instant::now(), session.status().counters.cycles);
    #[expect(clippy::cast_precision_loss, reason = "a number of cycles, for patience")]
    let patience = PATIENCE + Duration::from_secs_f64(cycles as f64 / session.rate() * STRETCH);
    loop {
        let done = session.status().counters.cycles - first;
        if done >= cycles {
            return Ok(());
        }
        if stop() {
            return Err(AuditError::Stopped);
        }
        if began.elapsed() > patience || !session.status().alive {
            return Err(AuditError::Stuck { done, asked: cycles, after: began.elapsed() });
        }
        std::thread::sleep(LOOK);
    }
}

impl Watched {
    fn row(self, report: &Report) -> AuditRow {
        AuditRow {
            link: report.link.kind,
            mode: report.link.mode_got,
            wait: report.network.as_ref().map_or("unknown", |network| network.wait),
            cycles: self.cycles,
            lost: self.lost,
            skipped: self.skipped,
            acyclic: self.acyclic,
            syscalls: self.syscalls,
            page_faults: self.thread.page_faults,
            pages_migrated: self.thread.pages_migrated,
            switches_voluntary: self.thread.switches_voluntary,
            switches_involuntary: self.thread.switches_involuntary,
            allocations: report.rt.allocations,
            holes: report.rt.holes,
            violations: Vec::new(),
        }
    }
}

/// The report as a table for people, with the machine above it.
#[must_use]
pub fn table(report: &AuditReport) -> String {
    let mut table = plain(&[
        "socket",
        "wait",
        "cycles",
        "lost",
        "skipped",
        "system calls a cycle",
        "page faults",
        "allocations",
        "switches (forced)",
        "holes",
    ]);
    for row in &report.rows {
        let socket = row.mode.map_or_else(|| row.link.to_owned(), |mode| format!("{} {mode}", row.link));
        let switches = format!("{} ({})", row.switches_voluntary + row.switches_involuntary, row.switches_involuntary);
        table.add_row([
            socket,
            row.wait.to_owned(),
            row.cycles.to_string(),
            row.lost.to_string(),
            row.skipped.to_string(),
            calls_a_cycle(row),
            row.page_faults.to_string(),
            row.allocations.map_or_else(|| "not counted".to_owned(), |count| count.to_string()),
            switches,
            row.holes.count.to_string(),
        ]);
    }
    let mut lines = vec![
        report.host.to_string(),
        format!("the thread zc-rt at {} Hz; system calls: {}", report.rate_hz, report.traced_by),
        table.trim_fmt(),
    ];
    lines.extend(report.violations().map(|what| format!("not as it should be: {what}")));
    lines.join("\n")
}

fn calls_a_cycle(row: &AuditRow) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for people to read")]
    let each = |(name, count): (&String, &u64)| format!("{name} {:.3}", *count as f64 / row.cycles.max(1) as f64);
    row.syscalls.iter().map(each).collect::<Vec<_>>().join(", ")
}
