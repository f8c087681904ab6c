//! A network from its rig file to OP and back: opens the link, starts the realtime thread, brings the bus up, runs the
//! tasks, and takes all of it down again in order.

use crate::bring_up::{BringUp, Planned, StartError, ask_for_init, shut_down};
use crate::health::HealthThread;
use crate::link::{LinkOpenError, LinkRequest, OpenLink, open_link};
use crate::progress::{Phase, Progress};
use crate::realtime::{RealtimePanic, RealtimeThread};
use crate::report::{
    CaptureReport, Cycles, Figures, Frames, HostReport, LinkReport, NetworkReport, Report, RtReport, SCHEMA, TaskReport,
};
use crate::tasks::{TaskSet, TaskStartError};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use zerocat_bus::{Datagrams, StateReport, try_block_on};
use zerocat_config::{Rig, Wait};
use zerocat_engine::{
    AcyclicSettings, Controls, Counters, CountersReader, Engine, EngineParts, Measurements, PROCESS_DATA_ROOM, Pool,
    RunOutcome, Settings, Timing, Used, slots_needed,
};
use zerocat_link::Slot;
use zerocat_link::tap::{Captured, Tap, TapError, TapThread, TapWriter};
use zerocat_sched::time::nanos;
use zerocat_sched::{
    Clock, MonotonicClock, Period, PeriodError, ProcessSetup, RealtimeRequest, WaitPolicy, link_idle_timer,
    prepare_process, spin_warning,
};

/// Acyclic frames that may be out at once.
const ACYCLIC_IN_FLIGHT: u16 = 8;
/// An acyclic frame that isn't back after this long is lost.
const ACYCLIC_TIMEOUT: Duration = Duration::from_millis(20);
/// Nap of the bus thread between two looks at its futures.
const BUS_NAP: Duration = Duration::from_micros(50);
/// Cyclic slots beside those that the rig file's process data needs: SubDevices that it doesn't name take some too.
const SPARE_FRAMES: usize = 8;
/// Frames that wait to be written to a capture file (1.5 KiB each): a tenth of a second at 10 kHz, both directions.
const CAPTURE_RECORDS: usize = 2048;
/// Most cyclic slots.
const MAX_FRAMES: usize = zerocat_engine::MAX_FRAMES;

/// What a session may do beside what the rig file says.
#[derive(Debug, Default)]
pub struct SessionOptions {
    /// Replace an XDP program that is on the interface.
    pub force: bool,
    /// Fail where anything asked for couldn't be had.
    pub strict: bool,
    /// Copy every frame into this pcapng file.
    pub capture: Option<PathBuf>,
    /// Who is told of each phase.
    pub progress: Progress,
}

/// Why a session didn't come up, or ended badly.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The rate of the network makes no grid.
    #[error("network rate")]
    Rate(#[from] PeriodError),
    /// The link.
    #[error(transparent)]
    Link(#[from] LinkOpenError),
    /// `strict`, and something couldn't be had.
    #[error("strict: {}", .0.join("; "))]
    Strict(Vec<String>),
    /// The capture.
    #[error("capture frames")]
    Capture(#[from] TapError),
    /// A thread couldn't be started.
    #[error("start a thread")]
    Thread(#[from] std::io::Error),
    /// The bus.
    #[error("bring the bus up")]
    Start(#[from] StartError),
    /// A task.
    #[error(transparent)]
    Task(#[from] TaskStartError),
    /// The realtime thread.
    #[error(transparent)]
    Realtime(#[from] RealtimePanic),
    /// The wait for the bus was given up because the realtime thread had ended, or the user asked to stop.
    #[error("stopped before OP")]
    Interrupted,
}

/// Where a session is.
#[derive(Debug, Clone, Copy)]
pub struct Status {
    /// Counters of the realtime thread.
    pub counters: Counters,
    /// Whether the realtime thread runs.
    pub alive: bool,
}

/// What a session left behind.
#[derive(Debug)]
pub struct Ended {
    /// The report.
    pub report: Report,
    /// What failed on the way down.
    pub failed: Vec<String>,
}

/// The parts that live from the start of the realtime thread to its end.
#[derive(Debug)]
struct Core {
    rig: Rig,
    datagrams: &'static Datagrams,
    controls: Controls,
    counters: CountersReader,
    thread: RealtimeThread,
    health: HealthThread,
    link: LinkReport,
    missing: Vec<String>,
    cyclic_slots: u16,
    capture: Option<TapThread>,
    progress: Progress,
    _setup: ProcessSetup,
}

/// A network in OP.
#[derive(Debug)]
pub struct Session {
    core: Core,
    planned: Planned,
    tasks: TaskSet,
    time_to_op: Duration,
}

impl Session {
    /// Opens the link that the rig file asks for and brings the network to OP. `stop` is asked now and then, and ends
    /// the attempt when it says so.
    ///
    /// # Errors
    /// What couldn't be had, with where and what to do. Everything that was begun is undone first.
    pub fn start(rig: Rig, options: SessionOptions, stop: impl Fn() -> bool) -> Result<Self, SessionError> {
        let request = LinkRequest {
            interface: &rig.network.properties.interface,
            section: &rig.engine,
            slots: slots_needed(cyclic_slots(&rig).into(), ACYCLIC_IN_FLIGHT),
            force: options.force,
        };
        let link = open_link(&request)?;
        Self::start_on(rig, link, options, stop)
    }

    /// As [`Session::start`], over a link that is open already.
    ///
    /// # Errors
    /// As [`Session::start`].
    pub fn start_on(
        rig: Rig,
        link: OpenLink,
        options: SessionOptions,
        stop: impl Fn() -> bool,
    ) -> Result<Self, SessionError> {
        let began = Instant::now();
        let strict = options.strict;
        let mut core = Core::start(rig, link, options)?;
        if strict && !core.missing.is_empty() {
            let missing = std::mem::take(&mut core.missing);
            core.end()?;
            return Err(SessionError::Strict(missing));
        }
        match core.bring_up(&stop) {
            Ok((planned, tasks)) => Ok(Self { core, planned, tasks, time_to_op: began.elapsed() }),
            Err(error) => {
                core.end()?;
                Err(error)
            }
        }
    }

    /// Counters and whether the realtime thread runs.
    #[must_use]
    pub fn status(&self) -> Status {
        Status { counters: self.core.counters.read(), alive: !self.core.thread.is_finished() }
    }

    /// The link that was had.
    #[must_use]
    pub const fn link(&self) -> &LinkReport {
        &self.core.link
    }

    /// What was asked for and couldn't be had.
    #[must_use]
    pub fn missing(&self) -> &[String] {
        &self.core.missing
    }

    /// The bus with its plan.
    #[must_use]
    pub const fn planned(&self) -> &Planned {
        &self.planned
    }

    /// The tasks.
    #[must_use]
    pub const fn tasks(&self) -> &TaskSet {
        &self.tasks
    }

    /// From the start of bring-up to OP.
    #[must_use]
    pub const fn time_to_op(&self) -> Duration {
        self.time_to_op
    }

    /// What each SubDevice shows now.
    pub fn states(&mut self) -> Vec<StateReport> {
        let network = &mut self.planned.network;
        self.core.drive(network.states()).unwrap_or_default()
    }

    /// Stops in order: safe outputs, SAFE-OP, PRE-OP, INIT, tasks, realtime thread, link.
    ///
    /// # Errors
    /// The realtime thread ended by a panic. What failed on the bus is in [`Ended::failed`].
    pub fn stop(self) -> Result<Ended, SessionError> {
        let Self { mut core, mut planned, tasks, time_to_op } = self;
        core.progress.enter(Phase::ShutDown);
        let failed = core.bring_down(&mut planned);
        let tasks = tasks.stop();
        let shape = Shape {
            subdevices: planned.network.subdevices().len(),
            frames: planned.plan.frames.len(),
            image_bytes: planned.plan.image_len,
        };
        let (link, missing, rate, wait) =
            (core.link.clone(), core.missing.clone(), core.rig.network.properties.rate, core.rig.engine.wait);
        let outcome = core.end()?;
        let network = NetworkReport {
            rate_hz: rate,
            subdevices: shape.subdevices,
            frames: shape.frames,
            image_bytes: shape.image_bytes,
            wait: wait_policy(wait).name(),
        };
        let report = report(&outcome, link, network, tasks, missing, time_to_op);
        Ok(Ended { report, failed })
    }
}

struct Shape {
    subdevices: usize,
    frames: usize,
    image_bytes: usize,
}

impl Core {
    /// Starts the realtime thread over a link.
    fn start(rig: Rig, link: OpenLink, options: SessionOptions) -> Result<Self, SessionError> {
        link_idle_timer();
        // Its thread is started first, so that it inherits neither priority nor affinity.
        let (link, capture) = tapped(link, options.capture.as_deref())?;
        let period = Period::from_rate(rig.network.properties.rate)?;
        let request =
            RealtimeRequest { cpu: rig.engine.cpu, priority: Some(rig.engine.priority), ..RealtimeRequest::default() };
        let setup = prepare_process(&request);
        let cyclic_slots = cyclic_slots(&rig);
        let (pool, pdu_loop) = Pool::new();
        let acyclic =
            AcyclicSettings { first_slot: Slot(cyclic_slots), in_flight: ACYCLIC_IN_FLIGHT, timeout: ACYCLIC_TIMEOUT };
        let (engine, parts) = Engine::new(link.link, timing(&rig, period), pool, acyclic);
        let EngineParts { controls, counters, events } = parts;
        let health = HealthThread::start(events)?;
        let wait = wait_policy(rig.engine.wait);
        let thread = RealtimeThread::start(engine, request, Settings { period, wait })?;
        let mut missing = link.missing;
        missing.extend(setup.status.missing());
        missing.extend(thread.status.missing());
        if wait == WaitPolicy::Spin {
            missing.extend(spin_warning(rig.engine.cpu.unwrap_or_default()));
        }
        for sentence in &missing {
            tracing::warn!("not had: {sentence}");
        }
        // Lives as long as the process, as the frame pool does that it sends with.
        let datagrams = Box::leak(Box::new(Datagrams::new(pdu_loop, monotonic)));
        let link = link.report;
        Ok(Self {
            rig,
            datagrams,
            controls,
            counters,
            thread,
            health,
            link,
            missing,
            cyclic_slots,
            capture,
            progress: options.progress,
            _setup: setup,
        })
    }

    fn bring_up(&mut self, stop: &dyn Fn() -> bool) -> Result<(Planned, TaskSet), SessionError> {
        let mut planned = match self.with_bring_up(stop, async |way| way.plan().await) {
            Ok(planned) => planned,
            Err(error) => {
                self.drive(ask_for_init(self.datagrams));
                return Err(error);
            }
        };
        match self.operate(&mut planned, stop) {
            Ok(tasks) => Ok((planned, tasks)),
            Err(error) => {
                for failed in self.bring_down(&mut planned) {
                    tracing::warn!("on the way down: {failed}");
                }
                Err(error)
            }
        }
    }

    fn operate(&mut self, planned: &mut Planned, stop: &dyn Fn() -> bool) -> Result<TaskSet, SessionError> {
        let (tasks, ports) = TaskSet::start(&self.rig, &planned.bindings)?;
        self.with_bring_up(stop, async |way| way.operate(planned, ports).await)?;
        Ok(tasks)
    }

    fn with_bring_up<T>(
        &mut self,
        stop: &dyn Fn() -> bool,
        work: impl AsyncFnOnce(&mut BringUp<'_>) -> Result<T, StartError>,
    ) -> Result<T, SessionError> {
        let thread = &self.thread;
        let mut way = BringUp {
            rig: &self.rig,
            datagrams: self.datagrams,
            controls: &mut self.controls,
            counters: &self.counters,
            cyclic_slots: self.cyclic_slots,
            progress: &self.progress,
        };
        // Asked to stop, the phase ends by itself, with no frame of it still out.
        let stopped = self.datagrams.stop_flag();
        let idle = || {
            // SYNC: a flag; it publishes nothing. Read by this thread's own futures.
            stopped.store(stop(), Ordering::Relaxed);
            nap_unless(thread.is_finished())
        };
        let done = try_block_on(work(&mut way), idle).ok_or(SessionError::Interrupted)?;
        // SYNC: as above. The way down must not be stopped by the same wish.
        if stopped.swap(false, Ordering::Relaxed) && done.is_err() {
            return Err(SessionError::Interrupted);
        }
        done.map_err(SessionError::Start)
    }

    fn bring_down(&mut self, planned: &mut Planned) -> Vec<String> {
        let Self { rig, datagrams, controls, counters, thread, .. } = self;
        let down = shut_down(rig, &mut planned.network, datagrams, controls, counters);
        match try_block_on(down, || nap_unless(thread.is_finished())) {
            Some(failed) => failed.iter().map(chain).collect(),
            None => vec!["the realtime thread ended before the bus was down".to_owned()],
        }
    }

    fn drive<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        try_block_on(work, || nap_unless(self.thread.is_finished()))
    }

    /// Ends the realtime thread and closes the link.
    fn end(mut self) -> Result<Remains, SessionError> {
        if self.controls.stop().is_err() {
            tracing::warn!("the realtime thread had ended already");
        }
        let outcome = self.thread.join();
        self.health.stop();
        let RunOutcome { link, measurements, counters, used } = outcome?;
        drop(link);
        let captured = self.capture.map(TapThread::stop).transpose()?;
        Ok(Remains { measurements, counters, used, captured })
    }
}

/// What is left of a core.
#[derive(Debug)]
struct Remains {
    measurements: Measurements,
    counters: Counters,
    used: Option<Used>,
    captured: Option<Captured>,
}

/// Puts a tap around a link, if frames are to be captured.
fn tapped(link: OpenLink, path: Option<&Path>) -> Result<(OpenLink, Option<TapThread>), SessionError> {
    let Some(path) = path else { return Ok((link, None)) };
    let OpenLink { link, report, missing } = link;
    let (tap, reader) = Tap::new(link, CAPTURE_RECORDS);
    let thread = TapWriter::create(reader, path, &report.interface)?.spawn()?;
    Ok((OpenLink { link: Box::new(tap), report, missing }, Some(thread)))
}

/// An error with all its causes in one line.
pub fn chain(error: &(impl std::error::Error + ?Sized)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn nap_unless(end: bool) -> ControlFlow<()> {
    if end {
        return ControlFlow::Break(());
    }
    std::thread::sleep(BUS_NAP);
    ControlFlow::Continue(())
}

fn monotonic() -> Duration {
    Duration::from_nanos(MonotonicClock.now().0)
}

/// Slots for cyclic frames: twice what the rig file's process data fills, and some to spare.
fn cyclic_slots(rig: &Rig) -> u16 {
    let entries =
        rig.slaves.iter().flat_map(|slave| slave.properties.pdos.inputs.iter().chain(&slave.properties.pdos.outputs));
    let bits: usize = entries.map(|entry| usize::from(entry.bit_length)).sum();
    let frames = (2 * bits.div_ceil(8)).div_ceil(PROCESS_DATA_ROOM) + SPARE_FRAMES;
    u16::try_from(frames.min(MAX_FRAMES)).unwrap_or(u16::MAX)
}

fn timing(rig: &Rig, period: Period) -> Timing {
    let usual = Timing::for_period(period.duration());
    Timing {
        deadline: rig.engine.deadline.unwrap_or(usual.deadline),
        guard: rig.engine.guard.unwrap_or(usual.guard),
        ..usual
    }
}

const fn wait_policy(wait: Wait) -> WaitPolicy {
    match wait {
        Wait::Hybrid => WaitPolicy::Hybrid { spin: zerocat_sched::wait::HYBRID_SPIN },
        Wait::Sleep => WaitPolicy::Sleep,
        Wait::Spin => WaitPolicy::Spin,
    }
}

fn report(
    outcome: &Remains,
    link: LinkReport,
    network: NetworkReport,
    tasks: Vec<TaskReport>,
    missing: Vec<String>,
    time_to_op: Duration,
) -> Report {
    let Counters { cycles, skipped, lost_cycles, .. } = outcome.counters;
    Report {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        host: HostReport::read(),
        link,
        network,
        cycles: Cycles { done: cycles, skipped, lost: lost_cycles },
        working_counter_faults: outcome.counters.working_counter_faults,
        round_trip_ns: Figures::of(&outcome.measurements.round_trip),
        wakeup_jitter_ns: Figures::of(&outcome.measurements.wakeup_jitter),
        tasks,
        rt: outcome.used.as_ref().map_or_else(RtReport::default, rt),
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a start are far below 2^53")]
        time_to_op_ms: Some((nanos(time_to_op) / 1000) as f64 / 1000.0),
        missing,
        frames: frames(&outcome.counters),
        capture: outcome.captured.map(|Captured { frames, missed }| CaptureReport { frames, missed }),
    }
}

fn rt(used: &Used) -> RtReport {
    RtReport {
        page_faults_minor: Some(used.usage.faults_minor),
        page_faults_major: Some(used.usage.faults_major),
        involuntary_switches: Some(used.usage.switches_involuntary),
        allocations: used.allocations.map(|count| count.total()),
    }
}

const fn frames(counters: &Counters) -> Frames {
    Frames {
        cyclic_lost: counters.lost_frames,
        cyclic_late: counters.late_frames,
        cyclic_unsent: counters.unsent_frames,
        acyclic_sent: counters.acyclic_sent,
        acyclic_lost: counters.acyclic_lost,
        foreign: counters.foreign_frames,
        link_faults: counters.link_faults,
    }
}
