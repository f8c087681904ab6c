//! The way from a running realtime thread to OP: the phases of the bus with the engine's part in between.
//!
//! It is a future, so that the same way is gone by a thread that naps between two looks and, in one thread, by who
//! drives the engine's steps and the simulated segment itself.

use crate::bind::{BindError, Positions, bind};
use crate::exchange;
use crate::progress::{Phase, Progress};
use std::time::Duration;
use zerocat_bus::matching::{Expected, Matching, identify};
use zerocat_bus::{BringUpError, Datagrams, Network, Options, Target};
use zerocat_config::{Rig, Slave};
use zerocat_engine::{
    ControlClosed, Controls, Counters, CountersReader, CyclicLane, Exchange, LaneError, LaneOptions, PROCESS_DATA_ROOM,
    SafeOutputs, SamplePort, Traffic, WriterPort,
};
use zerocat_link::Slot;
use zerocat_pdi::{LayoutError, Plan, lay_out};
use zerocat_tasks::Placed;
use zerocat_wire::{AlControl, AlState, register};

/// Cycles in a row that must be complete before OP is asked for; with slow sync units as many as bring each of them
/// around, if that is more.
const CLEAN_CYCLES: u64 = 10;
/// How long complete cycles are waited for, beside the time that they take.
const CLEAN_PATIENCE: Duration = Duration::from_secs(3);
/// How long the realtime thread may take to obey, beside the time of the cycles that it is to do so in.
const OBEY_PATIENCE: Duration = Duration::from_secs(2);
/// Pause between two looks at the counters.
const LOOK: Duration = Duration::from_micros(500);
/// Cycles with safe outputs before SAFE-OP is asked for; more with slow sync units, as for [`CLEAN_CYCLES`].
const SAFE_CYCLES: u64 = 5;

/// Why a bus couldn't be brought up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A phase of the bus failed.
    #[error(transparent)]
    Bus(#[from] BringUpError),
    /// Configured SubDevices are not there.
    #[error("{} of {expected} configured SubDevices not found: {}", missing.len(), missing.join("; "))]
    Missing {
        /// SubDevices in the rig file.
        expected: usize,
        /// Each one that is missing, and what is in its place.
        missing: Vec<String>,
    },
    /// The process data doesn't fit.
    #[error("lay out the process image")]
    Layout(#[from] LayoutError),
    /// Outputs would come less often than their watchdog asks for.
    #[error(
        "slave `{slave}` has outputs and is exchanged every {between:?} ({every} cycles), its watchdog of {watchdog:?} \
         is not longer; lower `every` of its sync unit, or raise `engine.watchdog`"
    )]
    Watchdog {
        /// Key of the slave.
        slave: String,
        /// Cycles from one exchange to the next.
        every: u32,
        /// The time of that.
        between: Duration,
        /// The watchdog.
        watchdog: Duration,
    },
    /// More frames than the link was opened for.
    #[error(
        "the process data needs {needed} frames a cycle, the link was opened for {slots}; list the PDO entries of all \
         SubDevices in the rig file, which is what it is sized by"
    )]
    Slots {
        /// Frames of the plan.
        needed: usize,
        /// Slots for cyclic frames.
        slots: u16,
    },
    /// The frames can't be built.
    #[error("build the cyclic frames")]
    Lane(#[from] LaneError),
    /// A channel has no place on the bus.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The exchange didn't become complete.
    #[error(
        "cyclic exchange is not complete after {cycles} cycles: working counter {got} of {expected}, {lost} \
         of them lost; a SubDevice without its process data, a bad cable, or frames that don't come back"
    )]
    Incomplete {
        /// Sum of the working counters of the last cycle.
        got: u64,
        /// Sum expected.
        expected: u64,
        /// Cycles that lost a frame.
        lost: u64,
        /// Cycles so far.
        cycles: u64,
    },
    /// The realtime thread doesn't answer.
    #[error(transparent)]
    Closed(#[from] ControlClosed),
    /// The realtime thread doesn't do what it was asked.
    #[error("the realtime thread did not obey within {OBEY_PATIENCE:?} beside the time of its cycles")]
    Stuck,
}

/// The bus on the way up.
#[derive(Debug)]
pub struct BringUp<'a> {
    /// The rig.
    pub rig: &'a Rig,
    /// Datagrams through the frame pool.
    pub datagrams: &'static Datagrams,
    /// The realtime thread.
    pub controls: &'a mut Controls,
    /// Its counters.
    pub counters: &'a CountersReader,
    /// Transmit slots for cyclic frames, from slot 0.
    pub cyclic_slots: u16,
    /// Who is told.
    pub progress: &'a Progress,
}

/// The tasks' channels with their places, in the order of the rig file's tasks; scan tasks have none.
pub type Bindings = Vec<Vec<Placed>>;

/// The realtime ends that the tasks' rings came with.
#[derive(Debug, Default)]
pub struct Ports {
    /// Of readers.
    pub readers: Vec<SamplePort>,
    /// Of writers.
    pub writers: Vec<WriterPort>,
}

/// A bus in PRE-OP with its plan.
#[derive(Debug)]
pub struct Planned {
    /// The bus.
    pub network: Network<'static>,
    /// The cyclic exchange.
    pub plan: Plan,
    /// Who of the rig file is where.
    pub matching: Matching,
    /// The tasks' channels.
    pub bindings: Bindings,
}

impl BringUp<'_> {
    /// Discovers the bus, recognises the configured SubDevices, goes to PRE-OP and lays the process image out.
    ///
    /// # Errors
    /// What failed, with the SubDevice.
    pub async fn plan(&mut self) -> Result<Planned, StartError> {
        let options = Options { watchdog: Some(self.rig.engine.watchdog), ..Options::default() };
        self.progress.enter(Phase::Discover);
        let mut network = Network::discover(self.datagrams, options).await?;
        let matching = recognise(self.rig, &network)?;
        self.progress.enter(Phase::PreOp);
        network.to_pre_op().await?;
        self.progress.enter(Phase::ReadPdos);
        network.read_pdos().await?;
        let layouts = exchange::layouts(self.rig, &network, &matching);
        let plan = lay_out(&layouts, &exchange::units(self.rig), PROCESS_DATA_ROOM)?;
        exchange::check_watchdogs(self.rig, &plan, &matching)?;
        if plan.frames.len() > usize::from(self.cyclic_slots) {
            return Err(StartError::Slots { needed: plan.frames.len(), slots: self.cyclic_slots });
        }
        let positions: Positions = matching.matches.iter().map(|found| (found.key.clone(), found.position)).collect();
        let tasks = self.rig.tasks.iter();
        let bindings: Bindings = tasks.map(|task| bind(self.rig, task, &plan, &positions)).collect::<Result<_, _>>()?;
        Ok(Planned { network, plan, matching, bindings })
    }

    /// Programs the plan, starts the cyclic exchange, goes to OP and lets the application traffic flow. The ports go into
    /// the exchange when it is installed.
    ///
    /// # Errors
    /// What failed, with the SubDevice.
    pub async fn operate(&mut self, planned: &mut Planned, ports: &mut Ports) -> Result<(), StartError> {
        let Planned { network, plan, .. } = planned;
        self.progress.enter(Phase::SafeOp);
        network.program(plan).await?;
        network.to_safe_op().await?;
        self.progress.enter(Phase::Exchange);
        let subdevices = u16::try_from(network.subdevices().len()).unwrap_or(u16::MAX);
        let lane = CyclicLane::new(plan, LaneOptions { first_slot: Slot(0), al_status: Some(subdevices) })?;
        let Ports { readers, writers } = std::mem::take(ports);
        let safe = safe_outputs(self.rig, plan.image_len);
        self.controls.install(Exchange { readers, writers, safe, ..Exchange::new(lane) })?;
        self.complete_cycles().await?;
        self.progress.enter(Phase::Op);
        network.to_op().await?;
        self.controls.traffic(Traffic::Live)?;
        self.progress.enter(Phase::Running);
        Ok(())
    }

    /// Waits until some cycles in a row were complete.
    async fn complete_cycles(&self) -> Result<(), StartError> {
        let wanted = CLEAN_CYCLES.max(exchange::longest_interval(self.rig).saturating_add(1));
        let end = self.datagrams.now().saturating_add(CLEAN_PATIENCE).saturating_add(time_of(self.rig, wanted));
        let complete = |now: &Counters| now.working_counter == now.expected_working_counter;
        let mut since = self.counters.read();
        loop {
            let now = self.counters.read();
            if !complete(&now) || now.lost_cycles != since.lost_cycles || since.cycles == 0 {
                since = now;
            } else if now.cycles >= since.cycles + wanted {
                return Ok(());
            }
            if self.datagrams.now() >= end {
                return Err(StartError::Incomplete {
                    got: now.working_counter,
                    expected: now.expected_working_counter,
                    lost: now.lost_cycles,
                    cycles: now.cycles,
                });
            }
            self.datagrams.pause(LOOK).await;
        }
    }
}

/// Brings a bus down in order: safe outputs, SAFE-OP, no cyclic frames, PRE-OP, INIT. Best effort; returns what failed.
pub async fn shut_down(
    rig: &Rig,
    network: &mut Network<'static>,
    datagrams: &Datagrams,
    controls: &mut Controls,
    counters: &CountersReader,
) -> Vec<StartError> {
    let mut failed = Vec::new();
    if let Err(error) = make_safe(rig, datagrams, controls, counters).await {
        failed.push(error);
    }
    failed.extend(network.step_down(AlState::SafeOp).await.into_iter().map(StartError::from));
    if let Err(error) = retire(rig, datagrams, controls, counters).await {
        failed.push(error);
    }
    failed.extend(network.shut_down().await.into_iter().map(StartError::from));
    failed
}

/// Asks everybody for INIT by broadcast: for a way up that ended in PRE-OP, before there was a plan to take down. Best
/// effort.
pub(crate) async fn ask_for_init(datagrams: &Datagrams) {
    let init = AlControl { state: AlState::Init, acknowledge: true }.emit();
    if let Err(error) = datagrams.write(Target::Broadcast, register::AL_CONTROL, &init).await {
        tracing::info!(%error, "nobody was asked for INIT");
    }
}

/// Puts the outputs into their safe state and waits until they have been sent some times.
async fn make_safe(
    rig: &Rig,
    datagrams: &Datagrams,
    controls: &mut Controls,
    counters: &CountersReader,
) -> Result<(), StartError> {
    let before = counters.read();
    if before.exchanging == 0 {
        return Ok(());
    }
    controls.traffic(Traffic::Safe)?;
    let wanted = SAFE_CYCLES.max(exchange::longest_interval(rig).saturating_add(1));
    obeyed(datagrams, time_of(rig, wanted), || counters.read().cycles >= before.cycles + wanted).await
}

/// What outputs are while they are safe, as the rig file says.
fn safe_outputs(rig: &Rig, image_len: usize) -> SafeOutputs {
    match rig.engine.safe_outputs {
        zerocat_config::SafeOutputs::Zero => SafeOutputs::zero(image_len),
        zerocat_config::SafeOutputs::Hold => SafeOutputs::hold(image_len),
    }
}

/// Ends the cyclic exchange and waits until it has ended: a SubDevice that leaves SAFE-OP is missing from it.
pub(crate) async fn retire(
    rig: &Rig,
    datagrams: &Datagrams,
    controls: &mut Controls,
    counters: &CountersReader,
) -> Result<(), StartError> {
    controls.retire()?;
    obeyed(datagrams, time_of(rig, 1), || counters.read().exchanging == 0).await
}

/// Time that a number of cycles takes.
fn time_of(rig: &Rig, cycles: u64) -> Duration {
    rig.period().saturating_mul(u32::try_from(cycles).unwrap_or(u32::MAX))
}

async fn obeyed(datagrams: &Datagrams, cycles: Duration, done: impl Fn() -> bool) -> Result<(), StartError> {
    let end = datagrams.now().saturating_add(OBEY_PATIENCE).saturating_add(cycles);
    while !done() {
        if datagrams.now() >= end {
            return Err(StartError::Stuck);
        }
        datagrams.pause(LOOK).await;
    }
    Ok(())
}

fn recognise(rig: &Rig, network: &Network<'static>) -> Result<Matching, StartError> {
    let found: Vec<_> = network.subdevices().iter().map(zerocat_bus::SubDevice::found).collect();
    let matching = identify(&rig.slaves.iter().map(expected).collect::<Vec<_>>(), &found);
    for found in &matching.matches {
        tracing::info!(slave = found.key, position = found.position, rule = %found.rule, "recognised");
    }
    for position in &matching.unexpected {
        tracing::info!(position, "not in the rig file; it takes part without channels");
    }
    if matching.missing.is_empty() {
        return Ok(matching);
    }
    let missing = matching.missing.iter().map(ToString::to_string).collect();
    Err(StartError::Missing { expected: rig.slaves.len(), missing })
}

fn expected(slave: &Slave) -> Expected {
    let properties = &slave.properties;
    Expected {
        key: slave.key.clone(),
        name: slave.name.clone(),
        serial: properties.serial,
        alias: 0,
        vendor_id: properties.vendor_id,
        product_code: properties.product_code,
        revision: properties.revision,
        position: properties.position,
    }
}
