//! The realtime thread: sets itself up, says what it couldn't have, and runs the cycle until it is told to stop.

use crate::link::AnyLink;
use crate::report::{LearnedReport, MarginReport};
use crate::session::SessionError;
use std::sync::mpsc;
use std::thread::{Builder, JoinHandle};
use zerocat_engine::{Engine, RunOutcome, Settings, run};
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

/// The running thread.
#[derive(Debug)]
pub(crate) struct RealtimeThread {
    handle: JoinHandle<RunOutcome<AnyLink>>,
    /// How it came to be.
    pub(crate) begun: Begun,
}

/// What a thread says of itself before its first cycle.
#[derive(Debug, Clone)]
pub(crate) struct Begun {
    /// What it asked for and what it had.
    pub(crate) status: RealtimeStatus,
    /// How it waits.
    pub(crate) wait: WaitPolicy,
    /// What its spin margin was learned from, if it was.
    pub(crate) learned: Option<LearnedMargin>,
}

impl Begun {
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
    /// Starts it. Returns when it has set itself up and is about to begin.
    pub(crate) fn start(
        engine: Engine<AnyLink>,
        request: RealtimeRequest,
        settings: Settings,
        margin: Margin,
    ) -> Result<Self, SessionError> {
        let (said, hear) = mpsc::channel();
        let handle = Builder::new().name(NAME.to_owned()).spawn(move || {
            let status = prepare_thread(&request);
            let learned = learned(settings, margin);
            let wait = learned.map_or(settings.wait, |learned| WaitPolicy::Hybrid { spin: learned.margin });
            // The receiver waits below; if it is gone there is nobody to tell.
            let _ = said.send(Begun { status, wait, learned });
            drop(said);
            run(engine, &MonotonicClock, Settings { wait, ..settings })
        })?;
        let begun = hear.recv().map_err(|_| ThreadPanic(NAME))?;
        Ok(Self { handle, begun })
    }

    /// Whether it has ended.
    pub(crate) fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    /// Waits for its end; ask it to stop first.
    pub(crate) fn join(self) -> Result<RunOutcome<AnyLink>, ThreadPanic> {
        self.handle.join().map_err(|_| ThreadPanic(NAME))
    }
}

fn learned(settings: Settings, margin: Margin) -> Option<LearnedMargin> {
    let asked = matches!(settings.wait, WaitPolicy::Hybrid { .. }) && margin == Margin::Learned;
    asked.then(|| learn(&MonotonicClock, settings.period.duration()))
}
