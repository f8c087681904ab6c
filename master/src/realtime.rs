//! The realtime thread: sets itself up, says what it couldn't have, learns its margin, and runs the cycle from when it is given
//! the engine until it is told to stop. The bus's owner has the engine before, for a bring-up without cycles.

use crate::link::AnyLink;
use crate::report::{LearnedReport, MarginReport};
use crate::session::SessionError;
use std::cell::OnceCell;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{Builder, JoinHandle};
use zerocat_engine::{Engine, RunOutcome, Settings, run};
use zerocat_sched::memory::REALTIME_STACK;
use zerocat_sched::time::nanos;
use zerocat_sched::{
    LearnedMargin, MonotonicClock, RealtimeRequest, RealtimeStatus, WaitPolicy, margin::learn, prepare_thread,
};

/// Name of the thread.
const NAME: &str = "zc-rt";

/// Where the spin margin of a `hybrid` wait comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Margin {
    /// From the settings.
    Given,
    /// The thread learns it before its first cycle.
    Learned,
}

/// The thread, waiting for its engine or running.
#[derive(Debug)]
pub(crate) struct RealtimeThread {
    /// Gives nothing where it was never given an engine.
    handle: JoinHandle<Option<RunOutcome<AnyLink>>>,
    engines: Sender<Engine<AnyLink>>,
    /// What it asked for and what it had.
    pub(crate) status: RealtimeStatus,
    waits: Receiver<Waits>,
    known: OnceCell<Waits>,
    asked: WaitPolicy,
}

/// The thread while it sets itself up.
#[derive(Debug)]
pub(crate) struct Starting {
    handle: JoinHandle<Option<RunOutcome<AnyLink>>>,
    engines: Sender<Engine<AnyLink>>,
    statuses: Receiver<RealtimeStatus>,
    waits: Receiver<Waits>,
    asked: WaitPolicy,
}

impl Starting {
    /// Waits until it has set itself up. It learns its margin then.
    pub(crate) fn ready(self) -> Result<RealtimeThread, ThreadPanic> {
        let Self { handle, engines, statuses, waits, asked } = self;
        let status = statuses.recv().map_err(|_| ThreadPanic(NAME))?;
        Ok(RealtimeThread { handle, engines, status, waits, known: OnceCell::new(), asked })
    }
}

/// How the thread waits for its ticks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waits {
    /// How it waits.
    pub(crate) wait: WaitPolicy,
    /// What its spin margin was learned from, if it was.
    pub(crate) learned: Option<LearnedMargin>,
}

impl Waits {
    /// The margin of the wait `hybrid`.
    pub(crate) fn margin(&self) -> Option<MarginReport> {
        let WaitPolicy::Hybrid { spin } = self.wait else { return None };
        let learned = self.learned.map(|learned| LearnedReport {
            wake_ups: learned.wake_ups,
            p50_ns: nanos(learned.p50),
            p99_ns: nanos(learned.p99),
            max_ns: nanos(learned.longest),
        });
        Some(MarginReport { margin_ns: nanos(spin), learned })
    }
}

/// A thread of the session ended by a panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the thread {0} ended by a panic; its message is above")]
pub struct ThreadPanic(pub &'static str);

impl RealtimeThread {
    /// Starts it. It sets itself up while the caller does other things.
    pub(crate) fn start(
        request: RealtimeRequest,
        settings: Settings,
        margin: Margin,
    ) -> Result<Starting, SessionError> {
        let (said, statuses) = mpsc::channel();
        let (tell, waits) = mpsc::channel();
        let (engines, given) = mpsc::channel();
        let handle = Builder::new().name(NAME.to_owned()).stack_size(REALTIME_STACK).spawn(move || {
            let status = prepare_thread(&request);
            // Whoever started it waits for this; if it is gone there is nobody to tell.
            let _ = said.send(status);
            drop(said);
            let learned = learned(settings, margin);
            let wait = learned.map_or(settings.wait, |learned| WaitPolicy::Hybrid { spin: learned.margin });
            let _ = tell.send(Waits { wait, learned });
            drop(tell);
            let engine = given.recv().ok()?;
            Some(run(engine, &MonotonicClock, Settings { wait, ..settings }))
        })?;
        Ok(Starting { handle, engines, statuses, waits, asked: settings.wait })
    }

    /// How it waits. Where it learns that still, this waits until it has.
    pub(crate) fn waits(&self) -> Waits {
        let asked = Waits { wait: self.asked, learned: None };
        *self.known.get_or_init(|| self.waits.recv().unwrap_or(asked))
    }

    /// Has it run an engine from now on.
    pub(crate) fn give(&self, engine: Engine<AnyLink>) {
        // If it has panicked the engine is dropped, and whoever polls the bus sees that the thread is finished.
        let _ = self.engines.send(engine);
    }

    /// Whether it has ended.
    pub(crate) fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    /// Waits for its end; give it the engine and ask it to stop first.
    pub(crate) fn join(self) -> Result<RunOutcome<AnyLink>, ThreadPanic> {
        let Self { handle, engines, .. } = self;
        drop(engines);
        handle.join().ok().flatten().ok_or(ThreadPanic(NAME))
    }
}

fn learned(settings: Settings, margin: Margin) -> Option<LearnedMargin> {
    let asked = matches!(settings.wait, WaitPolicy::Hybrid { .. }) && margin == Margin::Learned;
    asked.then(|| learn(&MonotonicClock, settings.period.duration()))
}
