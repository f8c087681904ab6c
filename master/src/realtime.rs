//! The realtime thread: sets itself up, says what it couldn't have, and runs the cycle until it is told to stop.

use crate::link::AnyLink;
use std::sync::mpsc;
use std::thread::{Builder, JoinHandle};
use zerocat_engine::{Engine, RunOutcome, Settings, run};
use zerocat_sched::{MonotonicClock, RealtimeRequest, RealtimeStatus, enter};

/// Name of the thread.
const NAME: &str = "zc-rt";

/// The running thread.
#[derive(Debug)]
pub(crate) struct RealtimeThread {
    handle: JoinHandle<RunOutcome<AnyLink>>,
    /// What it asked for and what it had.
    pub(crate) status: RealtimeStatus,
}

/// The realtime thread ended by a panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the realtime thread ended by a panic; its message is above")]
pub struct RealtimePanic;

impl RealtimeThread {
    /// Starts it. Returns when it has set itself up and is about to begin.
    pub(crate) fn start(
        engine: Engine<AnyLink>,
        request: RealtimeRequest,
        settings: Settings,
    ) -> std::io::Result<Self> {
        let (said, hear) = mpsc::channel();
        let handle = Builder::new().name(NAME.to_owned()).spawn(move || {
            let status = enter(&request);
            // The receiver waits below; if it is gone there is nobody to tell.
            let _ = said.send(status);
            drop(said);
            run(engine, &MonotonicClock, settings)
        })?;
        let status = hear.recv().unwrap_or_default();
        Ok(Self { handle, status })
    }

    /// Whether it has ended.
    pub(crate) fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    /// Waits for its end; ask it to stop first.
    pub(crate) fn join(self) -> Result<RunOutcome<AnyLink>, RealtimePanic> {
        self.handle.join().map_err(|_| RealtimePanic)
    }
}
