//! The thread that owns the bus, `zc-bus`, from discovery to shutdown. It polls the [`Machine`]'s life.
//!
//! Until the first cycle it has the engine and moves the frames by itself, so that a bring-up waits for nobody but the
//! network ([`Early`]). Then the realtime thread has it.
//!
//! It is an ordinary thread. How it sleeps is in [`nap`](crate::nap). If it panics, the realtime thread finds its controls
//! abandoned, makes the outputs safe, and ends.

use crate::bring_up::{Planned, StartError};
use crate::core::{BusEnds, Core, Remains};
use crate::descriptions::Descriptions;
use crate::eoe::HostInterfaces;
use crate::fault_counts::add;
use crate::front::{Asked, IoEnds};
use crate::gateway::{Directory, GatewayThread, Sockets};
use crate::health::{Health, OutOfOp};
use crate::lateness::Lateness;
use crate::link::AnyLink;
use crate::machine::{Ending, Life, LifeError, Machine, StopWish};
use crate::nap::{self, NAP};
use crate::realtime::{RealtimeThread, ThreadPanic};
use crate::recovery::Outages;
use crate::report::{BusReport, LateReport, Report};
use crate::run_report::{RunReport, milliseconds};
use crate::session::{Ended, Facts, SessionError, SessionOptions};
use crate::sinks::Sinks;
use crate::surroundings::Host;
use crate::tasks::{TaskSet, TaskStartError};
use crate::time_thread::TimeThread;
use crate::unstarted::Unstarted;
use crate::way_back::way_back;
use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::ControlFlow;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use zerocat_bus::{Datagrams, Inbox, Requests, try_block_on};
use zerocat_config::Rig;
use zerocat_engine::{Engine, Slack};
use zerocat_faults::Fault;
use zerocat_faults::chain;
use zerocat_sched::{Clock, MonotonicClock, Time, set_timer_slack};

/// Name of the thread.
pub(crate) const NAME: &str = "zc-bus";
/// Its stack, which holds the futures of a bring-up: 1 MiB.
pub(crate) const STACK: usize = 1 << 20;
/// During a bring-up, an answer that takes longer than this is waited for asleep: who is to give it may need this CPU.
/// 300 us, more than a round trip takes where nobody is short of one.
const PROMPT: Duration = Duration::from_micros(300);

/// What the thread is made of.
pub(crate) struct BusThread {
    pub(crate) rig: Rig,
    pub(crate) core: Core,
    pub(crate) ends: BusEnds,
    pub(crate) sinks: Sinks,
    pub(crate) descriptions: Descriptions,
    /// Of the mailbox gateway.
    pub(crate) gateway: Option<Sockets>,
    /// For Ethernet of SubDevices.
    pub(crate) interfaces: HostInterfaces,
    pub(crate) requests: Requests,
    pub(crate) inbox: Inbox,
    pub(crate) stop: StopWish,
    pub(crate) options: SessionOptions,
    /// What a program asks for beside the tasks.
    pub(crate) asked: Option<Asked>,
    pub(crate) began: Instant,
    /// SubDevices that are out of OP now.
    pub(crate) out_of_op: Arc<Mutex<Vec<OutOfOp>>>,
}

/// A network in OP, for whoever started it.
pub(crate) struct Started {
    pub(crate) facts: Facts,
    /// The program's ends, where it asked for any.
    pub(crate) io: Option<IoEnds>,
}

impl BusThread {
    /// Runs to the end of the session. `started` is told once whether the network came up.
    pub(crate) fn run(self, started: &SyncSender<Result<Started, Unstarted>>) -> Result<Ended, ThreadPanic> {
        let Self { rig, core, ends, sinks, descriptions, inbox, stop, options, asked, began, out_of_op, .. } = self;
        let (mut gateway, served) = (self.gateway, RefCell::new(None));
        inbox.attend();
        if let Err(why) = set_timer_slack() {
            tracing::debug!(why, "naps of the bus thread are longer than need be");
        }
        let datagrams = Datagrams::new(ends.pdu_loop, now);
        let surroundings = Host { interface: core.link.interface.clone(), watch: ends.watch };
        let mut machine = Machine {
            rig: Cow::Borrowed(&rig),
            datagrams: &datagrams,
            controls: RefCell::new(ends.controls),
            counters: core.counters.clone(),
            cyclic_slots: core.cyclic_slots,
            surroundings: &surroundings,
            observer: &options.observer,
            driven_bus: options.driven_bus(),
            unwatched: options.unwatched(),
            inbox,
            stop,
            descriptions,
            out_of_op,
            interfaces: self.interfaces,
        };
        let tasks = RefCell::new(TaskSet::default());
        let time = RefCell::new(None);
        let (reached, io) = (RefCell::new(None), RefCell::new(None));
        let life = machine.live(
            |planned| {
                let teller = options.observer.teller();
                let keeper = TimeThread::start(teller.clone()).map_err(TaskStartError::Time)?;
                keeper.time().set_way_back(way_back(planned).unwrap_or_default());
                let (set, mut ports) = TaskSet::start(&rig, &planned.bindings, sinks, teller, keeper.time())?;
                *tasks.borrow_mut() = set;
                if let Some(asked) = &asked {
                    *io.borrow_mut() = Some(asked.connect(&rig, planned, &mut ports)?.with_time(keeper.time()));
                }
                *time.borrow_mut() = Some(keeper);
                core.note(planned);
                Ok(ports)
            },
            |planned| {
                let serving = gateway.take().and_then(|sockets| serve(sockets, self.requests, planned));
                let listens = serving.as_ref().map(GatewayThread::listens);
                *served.borrow_mut() = serving;
                let mut facts = Facts::of(&rig, &core, planned, &tasks.borrow(), began.elapsed());
                facts.gateway = listens;
                *reached.borrow_mut() = Some(facts.clone());
                // Whoever started the session waits; if it doesn't any more, it has asked for a stop.
                let _ = started.try_send(Ok(Started { facts, io: io.borrow_mut().take() }));
            },
        );
        let mut early = Early { engine: Some(ends.engine), idle: false };
        let life = try_block_on(life, || {
            if core.thread.is_finished() {
                return ControlFlow::Break(());
            }
            early.turn(&core.thread, &datagrams);
            ControlFlow::Continue(())
        });
        early.give(&core.thread);
        let gateway = served.into_inner().map(GatewayThread::stop);
        let ethernet = machine.inbox.ethernet().counters();
        let controls = machine.controls.into_inner();
        let (reached, tasks, furthest) = (reached.into_inner(), tasks.into_inner().stop(), options.observer.furthest());
        let report = RunReport::of(&core, reached, tasks, furthest, options.observer.told(), datagrams.counters())
            .with_ethernet(ethernet);
        let mut ended = conclude(life, report, core.end(controls), started);
        if let Ok(ended) = &mut ended {
            ended.report.mailbox_gateway = gateway;
        }
        options.observer.subscribers().close();
        ended
    }
}

/// Starts the mailbox gateway. Without its thread the network runs on.
fn serve(sockets: Sockets, requests: Requests, planned: &Planned<'_>) -> Option<GatewayThread> {
    let started = GatewayThread::start(sockets, requests, Directory::of(planned));
    let failed = |error: &std::io::Error| {
        let fault = Fault::SystemCallFailed;
        tracing::error!(%fault, "there is no mailbox gateway, since its thread can't be started: {error}");
    };
    started.inspect_err(failed).ok()
}

/// Makes the end of a session of what became of its life and its threads.
fn conclude(
    life: Option<Result<Life, LifeError>>,
    report: RunReport,
    remains: Result<Remains, ThreadPanic>,
    started: &SyncSender<Result<Started, Unstarted>>,
) -> Result<Ended, ThreadPanic> {
    let reached_op = report.reached_op();
    let life = match life {
        Some(Ok(life)) => life,
        Some(Err(error)) => return Ok(refuse(error.into(), report, remains, started)),
        None if !reached_op => return Ok(refuse(SessionError::RealtimeEnded, report, remains, started)),
        None => Life::cut_short(Ending::RealtimeEnded),
    };
    let remains = remains?;
    let failed = life.failed.iter().map(chain).collect();
    let out_of_op = life.health.out().cloned().collect();
    let mut report = report.close(&remains, &life.outages, &life.health);
    life.failed.iter().for_each(|failed| add(&mut report.faults, failed.fault(), 1));
    let bus = BusReport { cpu_percent: cpu_percent(&life), ..report.bus };
    let report = Report { bus, late: late(&life), mailboxes: life.mailboxes, ..report };
    Ok(Ended { report, failed, failed_as: failed_as(&life.failed), out_of_op, ending: life.ending })
}

/// Times in which answers came later than a cycle waits.
fn late(life: &Life) -> LateReport {
    let Lateness { times, total, most_cycles, .. } = life.lateness;
    LateReport { count: times, total_ms: milliseconds(total), most_cycles }
}

/// CPU time of the bus thread in operation.
fn cpu_percent(life: &Life) -> Option<f64> {
    let share = life.cpu.as_secs_f64() / life.operated.as_secs_f64();
    share.is_finite().then_some(100.0 * share)
}

/// Tells whoever started the session why it did not come up, with a report of how far it came.
fn refuse(
    error: SessionError,
    report: RunReport,
    remains: Result<Remains, ThreadPanic>,
    started: &SyncSender<Result<Started, Unstarted>>,
) -> Ended {
    let (error, report) = match remains {
        Ok(remains) => {
            let mut report = report.close(&remains, &Outages::default(), &Health::default());
            add(&mut report.faults, error.fault(), 1);
            (error, report)
        }
        Err(panic) => (panic.into(), report.of_link()),
    };
    let _ = started.try_send(Err(Unstarted { error, report: Box::new(report.clone()) }));
    Ended { report, failed: Vec::new(), failed_as: None, out_of_op: Vec::new(), ending: Ending::Stopped }
}

/// Which fault a run ends with where its shutdown failed: that of the network where all that failed is that somebody, or
/// nobody, answered.
fn failed_as(failed: &[StartError]) -> Option<Fault> {
    let silent = |error: &StartError| match error {
        StartError::Bus(error) => error.is_silence(),
        // Of an interface that takes no frames, nobody hears.
        StartError::SafeNotSent => true,
        _ => false,
    };
    let fault = if failed.iter().all(silent) { Fault::ShutdownUnanswered } else { Fault::ShutdownFailed };
    (!failed.is_empty()).then_some(fault)
}

/// The engine, as long as there are no cycles.
struct Early {
    engine: Option<Engine<AnyLink>>,
    /// Nothing was out in the last turn either.
    idle: bool,
}

impl Early {
    /// Moves frames, or waits for what is to come. With the first message to the engine the realtime thread gets it.
    fn turn(&mut self, thread: &RealtimeThread, datagrams: &Datagrams) {
        let Some(engine) = &mut self.engine else { return nap::rest(datagrams) };
        if engine.has_messages() {
            return self.give(thread);
        }
        let now = MonotonicClock.now();
        let slack = engine.slack(now, Time(u64::MAX));
        let idle = slack == Slack::Idle;
        // Whoever got an answer in this turn has to be polled before anything is waited for.
        if idle && self.idle {
            nap::rest_without_cycles(datagrams);
            // A turn as in a cycle: frames that an interface has kept which was down go out by it.
            engine.prepare(0);
        } else {
            let _ = datagrams.rest();
            // Whoever is to answer may be waiting for this CPU.
            if slack == Slack::Busy && now.since(engine.acyclic_active()) > PROMPT {
                std::thread::sleep(NAP);
            } else {
                std::thread::yield_now();
            }
        }
        self.idle = idle;
    }

    fn give(&mut self, thread: &RealtimeThread) {
        if let Some(engine) = self.engine.take() {
            thread.give(engine);
        }
    }
}

fn now() -> Duration {
    Duration::from_nanos(MonotonicClock.now().0)
}
