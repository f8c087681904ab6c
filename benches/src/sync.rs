//! `zerocat bench sync`: a servo in cyclic synchronous position under SYNC0, over a veth pair in real time.
//!
//! A session as `zerocat run` makes it, against a simulated servo that insists on SYNC0 (`zerocat_sim`, `needs_sync`): it leaves OP
//! where frames don't come in time before each pulse. Each loss of synchronization is set against the holes that the MainDevice
//! itself knows of: cycles that were skipped, whose frame is missing, or whose frame passed the reference clock too late.
//!
//! The segment takes frames when the kernel received them, so that only the MainDevice makes them late. What is too late is
//! computed from the segment's own delays.
//!
//! Guarantees: a loss without a hole before it is in [`SyncReport::unexplained`]. Not judged: how many holes there are; that is the
//! machine's.

mod cycles;
mod far_end;
mod page;
mod report;
mod servo;

pub use cycles::{Hole, HoleKind, Holes};
pub use page::page;
pub use report::{LossRow, SyncReport, TracePoint, table};

use crate::host::{BenchHost, last_cpu};
use cycles::{Cycles, Limits};
use far_end::FarEnd;
use serde::Serialize;
use servo::{Entries, Servo};
use std::time::{Duration, Instant};
use zerocat::config::{LinkKind, Rig};
use zerocat::{Bus, CheckedRig, Io, Session, SessionError, ThreadPanic, Unstarted};
use zerocat_link::packet::PacketError;

/// Name and version of the schema. Keys may be added; none changes its meaning.
pub const SCHEMA: &str = "zerocat-bench-sync/1";
/// The rig of the servo.
pub const RIG: &str = include_str!("../../examples/servo-rig.json");
/// The segment with the servo, which is its last SubDevice.
const SEGMENT: &str = include_str!("../../examples/servo-segment.json");
/// Attempts to bring the bus up.
const ATTEMPTS: u32 = 5;
/// Cycles that may wait for this thread.
const HISTORY: usize = 20_000;
/// Longest wait for a cycle.
const LOOK: Duration = Duration::from_millis(20);

/// What to run.
#[derive(Debug, Clone)]
pub struct SyncSettings {
    /// The MainDevice's interface.
    pub interface: String,
    /// Interface at the other end of a veth pair.
    pub segment: String,
    /// Cycles per second, in Hz.
    pub rate_hz: f64,
    /// How long, from OP on.
    pub seconds: f64,
    /// The socket.
    pub link: LinkKind,
    /// CPU of the realtime thread; the last one if not given.
    pub cpu: Option<usize>,
    /// Its SCHED_FIFO priority.
    pub priority: u8,
}

/// Why nothing could be judged.
#[derive(Debug, thiserror::Error)]
pub enum SyncBenchError {
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
    /// Nothing asked for.
    #[error("nothing to run: give some seconds")]
    Nothing,
    /// The segment's interface can't be opened.
    #[error(transparent)]
    Port(#[from] PacketError),
    /// The session didn't come up.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A thread of the session panicked.
    #[error(transparent)]
    Panic(#[from] ThreadPanic),
    /// The end was asked for.
    #[error("stopped on request")]
    Stopped,
    /// The session ended before its time.
    #[error("the session ended by itself")]
    Ended,
}

/// Runs the bench. `progress` is called with a line of text now and then; `stop` is asked often, and ends it.
///
/// # Errors
/// See [`SyncBenchError`].
pub fn run(
    settings: &SyncSettings,
    mut progress: impl FnMut(&str),
    stop: impl Fn() -> bool,
) -> Result<SyncReport, SyncBenchError> {
    progress("bringing the servo to OP");
    if !(settings.seconds > 0.0 && settings.seconds.is_finite()) {
        return Err(SyncBenchError::Nothing);
    }
    let rig = rig(settings)?;
    let far_end = FarEnd::start(&settings.segment, SEGMENT, rig.engine.cpu)?;
    let (session, io, entries) = start(&rig, &stop)?;
    let limits = Limits::of(&rig, &far_end.delays());
    progress(&format!("{} s at {} Hz", settings.seconds, settings.rate_hz));
    let seen = watch(&session, io, entries, Cycles::new(limits), settings.seconds, &stop);
    let losses = far_end.losses();
    let report = session.stop()?.report;
    let errors = far_end.stop();
    Ok(SyncReport::new(settings, BenchHost::read(Some(&settings.interface)), seen?, &losses, errors, &report))
}

/// The rig, as it is asked for.
fn rig(settings: &SyncSettings) -> Result<CheckedRig, SyncBenchError> {
    let wrong = |error: &dyn std::error::Error| SyncBenchError::Rig(zerocat::chain(error));
    let mut rig = Rig::from_json(RIG).map_err(|error| wrong(&error))?;
    rig.network.properties.interface.clone_from(&settings.interface);
    rig.network.properties.rate = settings.rate_hz;
    (rig.engine.link, rig.engine.priority) = (settings.link, settings.priority);
    // The bench commands the servo itself.
    rig.tasks.clear();
    rig.engine.cpu = settings.cpu.or(rig.engine.cpu).or_else(last_cpu);
    rig.check().map_err(|error| wrong(&error))
}

/// A session in OP. A simulated segment on a machine with other work may be late in bring-up; so it gets some attempts.
fn start(rig: &CheckedRig, stop: &dyn Fn() -> bool) -> Result<(Session, Io, Entries), SyncBenchError> {
    let mut attempt = 1;
    loop {
        let mut bus = Entries::patient(Bus::from_rig(rig.clone()).history(HISTORY));
        let entries = Entries::of(&mut bus);
        match bus.start() {
            Ok((session, io)) => return Ok((session, io, entries)),
            Err(_) if stop() => return Err(SyncBenchError::Stopped),
            Err(Unstarted { error: SessionError::Start(_), .. }) if attempt < ATTEMPTS => attempt += 1,
            Err(unstarted) => return Err(unstarted.error.into()),
        }
    }
}

fn watch(
    session: &Session,
    mut io: Io,
    entries: Entries,
    mut cycles: Cycles,
    seconds: f64,
    stop: &dyn Fn() -> bool,
) -> Result<Cycles, SyncBenchError> {
    let (began, mut servo) = (Instant::now(), Servo::of(session, entries));
    while began.elapsed().as_secs_f64() < seconds {
        if stop() {
            return Err(SyncBenchError::Stopped);
        }
        if !session.status().alive {
            return Err(SyncBenchError::Ended);
        }
        // A time without cycles is an outage, which the numbers of the next ones show.
        if let Ok(cycle) = io.wait(LOOK) {
            servo.command(&mut io, &cycle);
        }
        while let Some(past) = io.next_of_history() {
            cycles.take(past.number(), past.clock(), entries.was_enabled(&past));
        }
        servo.look();
    }
    cycles.lose(io.history_lost());
    Ok(cycles)
}

/// Nanoseconds as a file has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct PhaseFigures {
    /// Half of the cycles are within.
    pub p50_ns: u64,
    /// 99 of 100 are within.
    pub p99_ns: u64,
    /// 999 of 1,000 are within.
    pub p999_ns: u64,
    /// The worst.
    pub worst_ns: u64,
}
