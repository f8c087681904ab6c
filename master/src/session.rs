//! A network from its rig file to OP and back: opens the link, starts the realtime thread and the thread that owns the bus,
//! and ends both.
//!
//! A [`Session`] is a handle: it may be cloned and used from any thread, and asks nothing of whoever holds it. Supervision
//! and recovery are the bus thread's. When the last handle is dropped, also by `?` or a panic, the network is shut down:
//! safe outputs, INIT, link closed.

use crate::bring_up::{Planned, StartError};
use crate::bus_thread::{self, BusThread, Started};
use crate::capture::CaptureError;
use crate::core::{Core, link_slots};
use crate::events::{Observer, Phase};
use crate::files::Files;
use crate::front::{self, Asked, EntryErrors, IoEnds, Keys, NoSuchSubDevice, SubDeviceHandle, SubDeviceRef};
use crate::gateway::GatewayError;
use crate::health::OutOfOp;
use crate::latest::{ChannelValue, Latest};
use crate::link::{LinkOpenError, LinkRequest, OpenLink, asked, open_link_unless};
use crate::machine::{DrivenBus, Ending, LifeError, StopWish, UnwatchedOutputs};
use crate::privileges::Privileges;
use crate::realtime::ThreadPanic;
use crate::report::{LinkReport, MarginReport, NetworkReport, Report};
use crate::run_report;
use crate::silence::{Listener, why_silent};
use crate::subscribers::{Events, Subscribers};
use crate::tasks::{TaskSet, TaskStartError};
use crate::unstarted::Unstarted;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};
use zerocat_bus::{Label, RequestError, Requests, StateReport, SubDevice, requests};
use zerocat_config::{CheckedRig, ConfigError, Rig};
use zerocat_engine::{Counters, CountersReader};
use zerocat_esi::LibraryError;
use zerocat_faults::Fault;
use zerocat_sched::PeriodError;

/// How often whoever starts a session is asked whether it still wants it.
const ASK: Duration = Duration::from_millis(10);

/// What a session may do beside what the rig file says.
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use zerocat::{Bus, Observer, SessionOptions};
/// let bus = Bus::on("eth1").options(SessionOptions {
///     strict: true,
///     observer: Observer::new(|event| println!("{event}")),
///     ..SessionOptions::default()
/// });
/// # let _ = bus;
/// # }
/// ```
#[derive(Debug, Default)]
pub struct SessionOptions {
    /// Replace an XDP program that is on the interface.
    pub replace_program: bool,
    /// Take a bus that another MainDevice drives.
    pub take_bus: bool,
    /// Fail where anything that was asked for is unavailable.
    pub strict: bool,
    /// Copy every frame into this pcapng file.
    pub capture: Option<PathBuf>,
    /// What becomes of this process's capabilities once the link is open.
    pub privileges: Privileges,
    /// Who is told of each event, on the bus thread or a task's.
    pub observer: Observer,
}

impl SessionOptions {
    pub(crate) const fn driven_bus(&self) -> DrivenBus {
        if self.take_bus { DrivenBus::Take } else { DrivenBus::Refuse }
    }

    pub(crate) const fn unwatched(&self) -> UnwatchedOutputs {
        if self.strict { UnwatchedOutputs::Refuse } else { UnwatchedOutputs::Tell }
    }
}

/// Why a session didn't come up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The rate of the network makes no grid.
    #[error("network rate")]
    Rate(#[from] PeriodError),
    /// The link.
    #[error(transparent)]
    Link(LinkOpenError),
    /// `strict`, and something is unavailable.
    #[error("strict: {}", .0.join("; "))]
    Strict(Vec<String>),
    /// The capture.
    #[error("capture frames")]
    Capture(#[from] CaptureError),
    /// The mailbox gateway.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// A thread couldn't be started.
    #[error("start a thread")]
    Thread(#[from] std::io::Error),
    /// The bus.
    #[error("bring the bus up")]
    Start(#[from] StartError),
    /// A task.
    #[error(transparent)]
    Task(#[from] TaskStartError),
    /// The rig file's folders of device descriptions.
    #[error("device descriptions")]
    Descriptions(#[from] LibraryError),
    /// The rig that a program described has problems.
    #[error(transparent)]
    Rig(#[from] ConfigError),
    /// What a program asked for isn't on the bus.
    #[error(transparent)]
    Entries(#[from] EntryErrors),
    /// A thread of the session panicked.
    #[error(transparent)]
    Panic(#[from] ThreadPanic),
    /// The realtime thread ended by itself.
    #[error("the realtime thread ended by itself")]
    RealtimeEnded,
    /// The end was asked for.
    #[error("stopped before OP")]
    Interrupted,
}

impl From<LinkOpenError> for SessionError {
    fn from(error: LinkOpenError) -> Self {
        if error.is_stop() { Self::Interrupted } else { Self::Link(error) }
    }
}

impl From<LifeError> for SessionError {
    fn from(error: LifeError) -> Self {
        match error {
            LifeError::Start(error) => Self::Start(error),
            LifeError::Task(error) => Self::Task(error),
            LifeError::Entries(error) => Self::Entries(error),
            LifeError::Stopped => Self::Interrupted,
        }
    }
}

/// Where a session is.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Status {
    /// Counters of the realtime thread.
    pub counters: Counters,
    /// Whether the session goes on: nobody has stopped it, and it has not ended by itself.
    pub alive: bool,
}

/// What a session does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionState {
    /// The network is in OP.
    Running,
    /// The network is lost, outputs are safe; it is being brought to OP again.
    Lost,
    /// The network is being shut down.
    Stopping,
    /// It is over.
    Ended,
}

/// What a session left behind.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Ended {
    /// The report.
    pub report: Report,
    /// What failed during shutdown.
    pub failed: Vec<String>,
    /// Which fault a run ends with for that; `None` where nothing failed.
    pub failed_as: Option<Fault>,
    /// SubDevices that were not in OP when shutdown began.
    pub out_of_op: Vec<OutOfOp>,
    /// Why it ended.
    pub ending: Ending,
}

/// What is known of a session from its start on.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) link: LinkReport,
    pub(crate) missing: Vec<String>,
    pub(crate) rate: f64,
    pub(crate) margin: Option<MarginReport>,
    pub(crate) subdevices: Vec<Label>,
    pub(crate) left_in_init: Vec<Label>,
    pub(crate) network: NetworkReport,
    pub(crate) time_to_op: Duration,
    /// Where the mailbox gateway listens.
    pub(crate) gateway: Option<SocketAddr>,
    ethernet: Vec<String>,
    latest: Latest,
    keys: Keys,
    /// Keys in the rig file, by position.
    pub(crate) rig_keys: BTreeMap<u16, String>,
}

impl Facts {
    pub(crate) fn of(rig: &Rig, core: &Core, planned: &Planned<'_>, tasks: &TaskSet, time_to_op: Duration) -> Self {
        let unwatched = planned.unwatched();
        let unwatched =
            unwatched.iter().map(|who| format!("a watchdog over the outputs of {who}: its SII enables none"));
        let labels = |which: fn(&SubDevice) -> bool| -> Vec<Label> {
            planned.network.subdevices().iter().filter(|one| which(one)).map(SubDevice::label).collect()
        };
        Self {
            link: core.link.clone(),
            missing: core.missing.iter().cloned().chain(unwatched).collect(),
            rate: rig.network.properties.rate,
            margin: core.thread.waits().margin(),
            subdevices: labels(SubDevice::goes_up),
            left_in_init: labels(|one| !one.goes_up() && one.refused.is_none()),
            network: run_report::network(rig, planned, core.thread.waits().wait.name()),
            time_to_op,
            gateway: None,
            ethernet: rig.ethernet_in_words(|key| planned.speaks_eoe(key)),
            latest: tasks.latest_values(),
            keys: front::keys(planned),
            rig_keys: planned.matching.matches.iter().map(|found| (found.position, found.key.clone())).collect(),
        }
    }
}

/// A network in OP. Handles of the same network may be held by any number of threads.
///
/// ```no_run
/// use std::time::Duration;
/// use zerocat::{Bus, SessionEvent, SessionState};
/// let (session, io) = Bus::on("eth1").start()?;
/// let events = session.events();
/// let told = std::thread::spawn(move || {
///     while let Ok(event) = events.recv(Duration::MAX) {
///         if let SessionEvent::OutOfOp(out) = event {
///             println!("{out}");
///         }
///     }
/// });
/// println!("{} SubDevices in OP after {:?}", session.subdevices().len(), session.time_to_op());
/// for report in session.states()? {
///     println!("{}: {:?}", report.who, report.shown);
/// }
/// let ended = session.stop_within(Duration::from_secs(1))?;
/// println!("{:?}, {} cycles lost", ended.ending, session.status().counters.lost_cycles);
/// # let _ = (told, io);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Session(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    facts: Facts,
    requests: Requests,
    counters: CountersReader,
    stop: StopWish,
    subscribers: Subscribers,
    out_of_op: Arc<Mutex<Vec<OutOfOp>>>,
    end: Mutex<End>,
}

/// What a session is begun with.
pub(crate) struct Begin {
    pub(crate) rig: Rig,
    pub(crate) options: SessionOptions,
    /// What a program asks for beside the tasks.
    pub(crate) asked: Option<Asked>,
    pub(crate) stop: StopWish,
}

impl Begin {
    fn of(rig: CheckedRig, options: SessionOptions) -> Self {
        Self { rig: rig.into_rig(), options, asked: None, stop: StopWish::default() }
    }

    /// The same if its rig, which a program described, has no problems.
    fn checked(self) -> Result<Self, ConfigError> {
        let Self { rig, options, asked, stop } = self;
        Ok(Self { rig: rig.check().map_err(ConfigError::of_program)?.into_rig(), options, asked, stop })
    }
}

/// The bus thread, and what it gave when it ended.
#[derive(Debug)]
enum End {
    Runs(JoinHandle<Result<Ended, ThreadPanic>>),
    Ended(Box<Result<Ended, ThreadPanic>>),
}

impl Session {
    /// Opens the link that the rig file asks for and brings the network to OP. `stop` is asked now and then, and ends
    /// the attempt when it says so.
    ///
    /// # Errors
    /// What is unavailable, with where and what to do, and a report of how far it came. Everything that was begun is undone
    /// first.
    pub fn start(rig: CheckedRig, options: SessionOptions, stop: impl Fn() -> bool) -> Result<Self, Unstarted> {
        Self::open(Begin::of(rig, options), stop).map(|(session, _)| session)
    }

    /// As [`Session::start`], over a link that is open already.
    ///
    /// # Errors
    /// As [`Session::start`].
    pub fn start_on(
        rig: CheckedRig,
        link: OpenLink,
        options: SessionOptions,
        stop: impl Fn() -> bool,
    ) -> Result<Self, Unstarted> {
        Self::open_on(Begin::of(rig, options), link, stop).map(|(session, _)| session)
    }

    /// As [`Session::start`], with a rig that is to be checked and what a program asks for.
    pub(crate) fn begin(begin: Begin, stop: impl Fn() -> bool) -> Result<(Self, Option<IoEnds>), Unstarted> {
        match begin.checked() {
            Ok(begin) => Self::open(begin, stop),
            Err(error) => Err(Unstarted::before_all(error.into())),
        }
    }

    /// The same over a link that is open already.
    pub(crate) fn begin_on(
        begin: Begin,
        link: OpenLink,
        stop: impl Fn() -> bool,
    ) -> Result<(Self, Option<IoEnds>), Unstarted> {
        match begin.checked() {
            Ok(begin) => Self::open_on(begin, link, stop),
            Err(error) => Err(Unstarted::before_all(error.into())),
        }
    }

    fn open(begin: Begin, stop: impl Fn() -> bool) -> Result<(Self, Option<IoEnds>), Unstarted> {
        let (rig, options) = (&begin.rig, &begin.options);
        let request = LinkRequest {
            interface: &rig.network.properties.interface,
            section: &rig.engine,
            slots: link_slots(rig),
            replace_program: options.replace_program,
            cycle: rig.period(),
        };
        let report = || Box::new(Report::of_link(asked(&request), Vec::new()));
        let wanted = || if stop() { Err(SessionError::Interrupted) } else { Ok(()) };
        let opened = Files::open(rig, options).and_then(|files| {
            wanted()?;
            let link = open_link_unless(&request, &stop)?;
            // A stop that came meanwhile: nothing is sent after it.
            wanted()?;
            Ok((files, link))
        });
        let interface = rig.network.properties.interface.clone();
        // Whoever starts a session that gives capabilities up has none to listen with any more.
        let listener = (options.privileges == Privileges::GiveUp).then(|| Listener::start(&interface)).flatten();
        let why = || listener.map_or_else(|| why_silent(&interface), Listener::why_silent);
        match opened {
            Ok((files, link)) => {
                Self::start_with(begin, link, files, stop).map_err(|unstarted| unstarted.with_reasons(why))
            }
            Err(error) => Err(Unstarted { error, report: report() }),
        }
    }

    fn open_on(begin: Begin, link: OpenLink, stop: impl Fn() -> bool) -> Result<(Self, Option<IoEnds>), Unstarted> {
        match Files::open(&begin.rig, &begin.options) {
            Ok(files) => Self::start_with(begin, link, files, stop),
            Err(error) => Err(Unstarted { error, report: Box::new(Report::of_link(link.report, link.missing)) }),
        }
    }

    fn start_with(
        begin: Begin,
        link: OpenLink,
        files: Files,
        stop: impl Fn() -> bool,
    ) -> Result<(Self, Option<IoEnds>), Unstarted> {
        let Begin { rig, options, asked, stop: wish } = begin;
        let began = Instant::now();
        let report = Report::of_link(link.report.clone(), link.missing.clone());
        let unstarted = |error, report| Unstarted { error, report: Box::new(report) };
        let Files { sinks, capture, descriptions, gateway, interfaces } = files;
        let (core, ends) = match Core::start(&rig, link, capture, &options) {
            Ok(started) => started,
            Err(error) => return Err(unstarted(error, report)),
        };
        if options.strict && !core.missing.is_empty() {
            let missing = core.missing.clone();
            core.thread.give(ends.engine);
            let ended = core.end(ends.controls);
            let report = Report { missing: missing.clone(), ..report };
            return Err(unstarted(ended.err().map_or(SessionError::Strict(missing), SessionError::from), report));
        }
        let (requests, inbox) = requests();
        let (subscribers, out_of_op) = (options.observer.subscribers(), Arc::default());
        if stop() {
            wish.ask();
        }
        let counters = core.counters.clone();
        let (sender, started) = sync_channel(1);
        let thread = BusThread {
            rig,
            core,
            ends,
            sinks,
            descriptions,
            gateway,
            interfaces,
            requests: requests.clone(),
            inbox,
            stop: wish.clone(),
            options,
            asked,
            began,
            out_of_op: Arc::clone(&out_of_op),
        };
        let thread = spawn(thread, sender).map_err(|error| unstarted(error.into(), report.clone()))?;
        let Started { facts, io } = wait_for_op(&started, &requests, &wish, stop)
            .unwrap_or_else(|| Err(unstarted(ThreadPanic(bus_thread::NAME).into(), report)))?;
        let end = Mutex::new(End::Runs(thread));
        let session = Self(Arc::new(Shared { facts, requests, counters, stop: wish, subscribers, out_of_op, end }));
        Ok((session, io))
    }

    /// Stops a session that was begun and isn't to be had after all.
    pub(crate) fn unstarted(self, error: std::io::Error) -> Unstarted {
        let known = Report::of_link(self.link().clone(), self.missing().to_vec());
        let report = self.stop().map_or(known, |ended| ended.report);
        Unstarted { error: error.into(), report: Box::new(report) }
    }

    /// Subscribes to what happens from now on. Each subscriber has a queue of 256 events of its own.
    ///
    /// ```no_run
    /// # fn watch(session: &zerocat::Session) {
    /// let events = session.events();
    /// std::thread::spawn(move || {
    ///     while let Ok(event) = events.recv(std::time::Duration::MAX) {
    ///         println!("{event}");
    ///     }
    /// });
    /// # }
    /// ```
    #[must_use]
    pub fn events(&self) -> Events {
        self.0.subscribers.subscribe()
    }

    /// What it does now.
    #[must_use]
    pub fn state(&self) -> SessionState {
        let over = match &*self.0.end() {
            End::Runs(thread) => thread.is_finished(),
            End::Ended(_) => true,
        };
        match self.0.subscribers.phase() {
            _ if over => SessionState::Ended,
            _ if self.0.stop.asked() => SessionState::Stopping,
            Some(Phase::ShutDown) => SessionState::Stopping,
            Some(Phase::Running) => SessionState::Running,
            _ => SessionState::Lost,
        }
    }

    /// Counters, and whether the session goes on.
    #[must_use]
    pub fn status(&self) -> Status {
        let alive = match &*self.0.end() {
            End::Runs(thread) => !thread.is_finished() && !self.0.stop.asked(),
            End::Ended(_) => false,
        };
        Status { counters: self.0.counters.read(), alive }
    }

    /// The link, as it came to be.
    #[must_use]
    pub fn link(&self) -> &LinkReport {
        &self.0.facts.link
    }

    /// What was asked for and is unavailable.
    #[must_use]
    pub fn missing(&self) -> &[String] {
        &self.0.facts.missing
    }

    /// Cycles per second asked for, in Hz.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.0.facts.rate
    }

    /// The margin of the wait `hybrid`; `None` with another wait.
    #[must_use]
    pub fn spin_margin(&self) -> Option<MarginReport> {
        self.0.facts.margin
    }

    /// SubDevices that stay in INIT, because their SII is empty or can't be read.
    #[must_use]
    pub fn left_in_init(&self) -> &[Label] {
        &self.0.facts.left_in_init
    }

    /// What carries Ethernet of SubDevices with EoE by the rig file, a sentence each.
    #[must_use]
    pub fn ethernet(&self) -> &[String] {
        &self.0.facts.ethernet
    }

    /// The SubDevices in operation, in bus order.
    #[must_use]
    pub fn subdevices(&self) -> &[Label] {
        &self.0.facts.subdevices
    }

    /// From the start of bring-up to OP.
    #[must_use]
    pub fn time_to_op(&self) -> Duration {
        self.0.facts.time_to_op
    }

    /// The newest value of each channel that has one: of inputs, and of outputs as they were sent.
    #[must_use]
    pub fn latest(&self) -> Vec<ChannelValue> {
        self.0.facts.latest.read()
    }

    /// SubDevices that are not in OP now, as far as the bus thread has seen.
    #[must_use]
    pub fn out_of_op(&self) -> Vec<OutOfOp> {
        self.0.out_of_op.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Address and port at which the mailbox gateway listens; `None` where there is none.
    #[must_use]
    pub fn mailbox_gateway(&self) -> Option<SocketAddr> {
        self.0.facts.gateway
    }

    /// Asks the bus: AL states, objects. Each request has a deadline; from any thread.
    #[must_use]
    pub fn requests(&self) -> &Requests {
        &self.0.requests
    }

    /// One SubDevice, by its key or its position: its objects, files, registers and state, from any thread.
    ///
    /// # Errors
    /// There is no such SubDevice.
    pub fn subdevice(&self, of: impl Into<SubDeviceRef>) -> Result<SubDeviceHandle, NoSuchSubDevice> {
        self.0.facts.keys.handle(&of.into(), &self.0.requests)
    }

    /// What each SubDevice shows now.
    ///
    /// # Errors
    /// No answer within two seconds; the network is being recovered; the session has ended.
    pub fn states(&self) -> Result<Vec<StateReport>, RequestError> {
        self.0.requests.states(Duration::from_secs(2)).wait()
    }

    /// Stops in order: safe outputs, SAFE-OP, PRE-OP, INIT, tasks, realtime thread, link; and waits for it. Another handle may
    /// call it as well and gets the same.
    ///
    /// # Errors
    /// A thread ended by a panic. What failed on the bus is in [`Ended::failed`].
    pub fn stop(&self) -> Result<Ended, ThreadPanic> {
        self.0.shut_down(None)
    }

    /// As [`Session::stop`], within a time at the longest, plus what the threads take to end: what isn't done by then is left
    /// out, and everybody is asked for INIT by broadcast. Without it a shutdown takes 10 s at most, beside the time of the
    /// rig file's `stop`.
    ///
    /// # Errors
    /// As [`Session::stop`].
    pub fn stop_within(&self, grace: Duration) -> Result<Ended, ThreadPanic> {
        self.0.shut_down(Some(grace))
    }
}

impl Shared {
    fn end(&self) -> MutexGuard<'_, End> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shut_down(&self, grace: Option<Duration>) -> Result<Ended, ThreadPanic> {
        match grace {
            Some(grace) => self.stop.ask_within(grace),
            None => self.stop.ask(),
        }
        self.requests.wake();
        let mut end = self.end();
        let ended = match std::mem::replace(&mut *end, End::Ended(Box::new(Err(ThreadPanic(bus_thread::NAME))))) {
            End::Runs(thread) => thread.join().unwrap_or(Err(ThreadPanic(bus_thread::NAME))),
            End::Ended(ended) => *ended,
        };
        *end = End::Ended(Box::new(ended.clone()));
        ended
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Err(error) = self.shut_down(None) {
            tracing::error!(fault = %Fault::ThreadPanicked, "{error}");
        }
    }
}

fn spawn(
    thread: BusThread,
    started: SyncSender<Result<Started, Unstarted>>,
) -> std::io::Result<JoinHandle<Result<Ended, ThreadPanic>>> {
    Builder::new().name(bus_thread::NAME.to_owned()).stack_size(bus_thread::STACK).spawn(move || thread.run(&started))
}

/// Waits until the network is in OP or has failed to get there. `None`: the thread has ended without a word.
fn wait_for_op(
    started: &Receiver<Result<Started, Unstarted>>,
    requests: &Requests,
    wish: &StopWish,
    stop: impl Fn() -> bool,
) -> Option<Result<Started, Unstarted>> {
    loop {
        match started.recv_timeout(ASK) {
            Ok(done) => return Some(done),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) if stop() => {
                wish.ask();
                requests.wake();
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}
