//! A network from its rig file to OP and back: opens the link, starts the realtime thread, brings the bus up, runs the
//! tasks, and takes all of it down again in order.

use crate::account::Account;
use crate::bring_up::{Planned, StartError};
use crate::core::{Core, link_slots};
use crate::link::{LinkOpenError, LinkRequest, OpenLink, asked, open_link};
use crate::privileges::Privileges;
use crate::progress::{Phase, Progress};
use crate::realtime::RealtimePanic;
use crate::recovery::{Recovery, Tended};
use crate::report::{LinkReport, MarginReport, Report};
use crate::tasks::{TaskSet, TaskStartError};
use crate::unstarted::Unstarted;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use zerocat_bus::StateReport;
use zerocat_config::Rig;
use zerocat_engine::Counters;
use zerocat_link::tap::TapError;
use zerocat_sched::PeriodError;
use zerocat_wire::AlState;

/// What a session may do beside what the rig file says.
#[derive(Debug, Default)]
pub struct SessionOptions {
    /// Replace an XDP program that is on the interface.
    pub replace_program: bool,
    /// Take over a bus that another MainDevice drives, or left in SAFE-OP or OP: its SubDevices are taken to INIT first.
    pub take_bus: bool,
    /// Fail where anything asked for couldn't be had.
    pub strict: bool,
    /// Copy every frame into this pcapng file.
    pub capture: Option<PathBuf>,
    /// What becomes of this process's capabilities once the link is open.
    pub privileges: Privileges,
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
    /// The network that came back after an outage is another one.
    #[error(
        "the network that came back is another: SubDevices or process data differ from those at the start; put it back as \
         it was, or stop and start again"
    )]
    Changed,
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
    /// What failed during shutdown.
    pub failed: Vec<String>,
}

/// A network in OP.
#[derive(Debug)]
pub struct Session {
    core: Core,
    planned: Planned,
    tasks: TaskSet,
    time_to_op: Duration,
    recovery: Recovery,
}

impl Session {
    /// Opens the link that the rig file asks for and brings the network to OP. `stop` is asked now and then, and ends
    /// the attempt when it says so.
    ///
    /// # Errors
    /// What couldn't be had, with where and what to do. Everything that was begun is undone first.
    pub fn start(rig: Rig, options: SessionOptions, stop: impl Fn() -> bool) -> Result<Self, Unstarted> {
        let request = LinkRequest {
            interface: &rig.network.properties.interface,
            section: &rig.engine,
            slots: link_slots(&rig),
            replace_program: options.replace_program,
            cycle: rig.period(),
        };
        match open_link(&request) {
            Ok(link) => Self::start_on(rig, link, options, stop),
            Err(error) => {
                let report = Report::of_link(asked(&request), Vec::new());
                Err(Unstarted { error: error.into(), report: Box::new(report) })
            }
        }
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
    ) -> Result<Self, Unstarted> {
        let began = Instant::now();
        let strict = options.strict;
        let mut report = Report::of_link(link.report.clone(), link.missing.clone());
        let mut core = match Core::start(rig, link, options) {
            Ok(core) => core,
            Err(error) => return Err(Unstarted { error, report: Box::new(report) }),
        };
        if strict && !core.missing.is_empty() {
            report.missing.clone_from(&core.missing);
            let strict = SessionError::Strict(std::mem::take(&mut core.missing));
            let error = core.end().err().unwrap_or(strict);
            return Err(Unstarted { error, report: Box::new(report) });
        }
        match core.bring_up(&stop) {
            Ok((planned, tasks)) => {
                let recovery = Recovery::new(&core.rig);
                Ok(Self { core, planned, tasks, time_to_op: began.elapsed(), recovery })
            }
            Err(error) => {
                if let Some(unheard) = core.unheard() {
                    tracing::warn!("{unheard}");
                }
                let account = Account::before_op(&core);
                Err(match core.end() {
                    Ok(remains) => Unstarted { error, report: Box::new(account.close(&remains)) },
                    Err(error) => Unstarted { error, report: Box::new(report) },
                })
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

    /// Cycles per second asked for, in Hz.
    #[must_use]
    pub const fn rate(&self) -> f64 {
        self.core.rig.network.properties.rate
    }

    /// The margin of the wait `hybrid`; `None` with another wait.
    #[must_use]
    pub fn spin_margin(&self) -> Option<MarginReport> {
        self.core.thread.begun.margin()
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

    /// Looks whether the network is lost, and where it is tries once to bring it to OP again, which may take seconds.
    /// Call it ten times a second; `stop` ends an attempt.
    pub fn tend(&mut self, stop: impl Fn() -> bool) -> Tended {
        self.recovery.tend(&mut self.core, &mut self.planned, &stop)
    }

    /// What each SubDevice shows now.
    pub fn states(&mut self) -> Vec<StateReport> {
        let network = &mut self.planned.network;
        self.core.drive(network.states()).unwrap_or_default()
    }

    /// SubDevices that are not in OP now, a sentence each; empty where all are.
    pub fn left_out(&mut self) -> Vec<String> {
        if self.core.counters.read().al_status == AlState::Op as u64 {
            return Vec::new();
        }
        let sentence = |report: StateReport| match report.shown {
            Ok(shown) if shown.status.0 == AlState::Op as u16 => None,
            Ok(shown) => Some(format!("{}: {}, AL status code {}", report.who, shown.status, shown.code)),
            Err(error) => Some(format!("{}: {error}", report.who)),
        };
        self.states().into_iter().filter_map(sentence).collect()
    }

    /// Stops in order: safe outputs, SAFE-OP, PRE-OP, INIT, tasks, realtime thread, link.
    ///
    /// # Errors
    /// The realtime thread ended by a panic. What failed on the bus is in [`Ended::failed`].
    pub fn stop(self) -> Result<Ended, SessionError> {
        let Self { mut core, mut planned, tasks, time_to_op, recovery } = self;
        core.progress.enter(Phase::ShutDown);
        let failed = core.bring_down(&mut planned);
        let tasks = tasks.stop();
        let account = Account::open(&core, &planned, tasks, time_to_op, recovery.outages);
        let report = account.close(&core.end()?);
        Ok(Ended { report, failed })
    }
}
