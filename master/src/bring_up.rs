//! Bring-up from a running realtime thread to OP: the phases of the bus with the engine's part in between.

use crate::absent::with_absent;
use crate::assign::assignments;
use crate::bind::{BindError, Positions, bind};
use crate::described::AllDescribed;
use crate::eoe::EthernetError;
use crate::events::{Phase, SessionEvent};
use crate::layout;
use crate::machine::{DrivenBus, Machine};
use crate::recognition::{Unnamed, read_device_ids, recognise};
use crate::shutdown::LOOK;
use crate::stopping::StopWatch;
use crate::sync_budget::SyncBudget;
use crate::sync_times::sync_times;
use crate::synchronization::check_cycles;
use crate::told::Retried;
use crate::uncommanded::Uncommanded;
use crate::void;
use std::collections::BTreeMap;
use std::time::Duration;
use zerocat_bus::clock::Clocks;
use zerocat_bus::named;
use zerocat_bus::{
    AlReached, Assign, BringUpError, Driven, Label, MailPolicy, Matching, Missing, Network, Occupancy, Options,
    SiiNames, Strategy, SubDevice, SyncObjects, Times, Watchdogs, events, occupancy,
};
use zerocat_config::dc::{SyncProblem, SyncTimes};
use zerocat_config::{MailboxSettings, MailboxStrategy, Problem, Rig, Timeouts, Transition};
use zerocat_engine::{
    ClockState, ControlClosed, Counters, Exchange, LaneError, MailReader, NewestPort, SamplePort, TakingPart, Traffic,
    Voider, WriterPort,
};
use zerocat_pdi::{LayoutError, Plan, SubDevicePlan, lay_out};
use zerocat_tasks::Placed;
use zerocat_wire::aoe::NetId;
use zerocat_wire::sync_manager::control;

/// Cycles in a row that must be complete before OP is asked for; with slow sync units as many as bring each of them
/// around, if that is more.
const CLEAN_CYCLES: u64 = 10;
/// How long complete cycles are waited for, beside the time that they take.
const CLEAN_PATIENCE: Duration = Duration::from_secs(3);

/// Frames that don't come to their phase sooner may only have had too little time.
const USUALLY_LOCKED: Duration = Duration::from_secs(1);

/// Why a bus couldn't be brought up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Nobody answered, and nothing was written.
    #[error("no SubDevice answered; check cable, interface and power")]
    Silent,
    /// Nobody answered, nothing was written, and this host knows of what may be why.
    #[error("no SubDevice answered; {}", .0.join("; "))]
    Unheard(Vec<String>),
    /// Another MainDevice drives the bus, and nothing was written.
    #[error(
        "another MainDevice drives this bus: {}; stop it first, or take the bus from it with --take-bus",
        several(.0)
    )]
    Driven(Vec<Driven>),
    /// A phase of the bus failed.
    #[error(transparent)]
    Bus(#[from] BringUpError),
    /// Ethernet of SubDevices isn't carried as the rig file asks.
    #[error(transparent)]
    Ethernet(#[from] EthernetError),
    /// Outputs that no watchdog guards, where that isn't wanted.
    #[error(
        "no watchdog guards the outputs of {}: the control byte of the sync manager in the SII doesn't enable one",
        .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    )]
    Unwatched(Vec<Label>),
    /// It took too long.
    #[error("the bus was not in OP within {bound:?}")]
    TooLong {
        /// The bound.
        bound: Duration,
    },
    /// Shutdown took too long.
    #[error("the bus was not shut down within {bound:?}; all SubDevices were asked for INIT by broadcast")]
    ShutdownTooLong {
        /// The bound.
        bound: Duration,
    },
    /// The network that came back after an outage is another one.
    #[error(
        "the network that came back is another: {}; put it back as it was, or stop and start again", .0.join("; ")
    )]
    Changed(Vec<String>),
    /// SubDevices of the rig file are not there, or not as it wants them.
    #[error("{} of {expected} SubDevices of the rig file are not on the bus as it wants them{}", missing.len(), below(missing))]
    Missing {
        /// SubDevices in the rig file.
        expected: usize,
        /// Each one that is missing, and what is in its place.
        missing: Vec<Missing>,
    },
    /// SubDevices are on the bus that the rig file doesn't name, where it refuses them.
    #[error(
        "the rig file refuses SubDevices that it doesn't name (`network.unknown`): name them in `slaves`, or write \
         \"unknown\": \"tell\"{}",
        below(.0)
    )]
    Unnamed(Vec<Unnamed>),
    /// A SubDevice can't have the SYNC that the rig file asks for.
    #[error("{who} can't have the SYNC that the rig file asks for")]
    Sync {
        /// Which one.
        who: String,
        /// Why.
        source: SyncProblem,
    },
    /// A SubDevice says that it can't do the cycle that its SYNC has.
    #[error(
        "{who} is to work every {cycle_ns} ns by its SYNC, and says that it can't below {minimum_ns} ns ({object:#06x}:05); {}",
        longer_cycle(*.written)
    )]
    SyncCycle {
        /// Which one.
        who: String,
        /// The cycle that it is to have, in ns.
        cycle_ns: u64,
        /// The least that it can do, in ns.
        minimum_ns: u32,
        /// The object that says so.
        object: u16,
        /// Whether the rig file has the cycle of its SYNC0, which doesn't follow the rate then.
        written: bool,
    },
    /// SYNC0 of a SubDevice comes while frames that bring its outputs still pass.
    #[error("{0}")]
    SyncInFrame(Box<SyncBudget>),
    /// Clocks are asked for, and there are none.
    #[error("`engine.dc` is \"on\", and no SubDevice has a clock; choose \"auto\" or \"off\"")]
    NoClocks,
    /// SYNC is asked for of a SubDevice that can't give it.
    #[error("{0} can't have the SYNC that the rig file asks for: its ESC has no cyclic unit; remove its `dc`")]
    NoSync(String),
    /// Frames didn't come to their phase.
    #[error(
        "frames did not come to their phase to the reference clock within {within:?}: {}",
        why_not_locked(*.within, *.state, *.error_ns, *.jitter_ns, *.without)
    )]
    NotLocked {
        /// The time that they had.
        within: Duration,
        /// How far it was.
        state: ClockState,
        /// Phase error in ns.
        error_ns: i64,
        /// Usual distance of a reading from what is expected, in ns.
        jitter_ns: u64,
        /// Cycles that brought no time.
        without: u64,
    },
    /// Clocks didn't settle.
    #[error("clocks did not come within {limit:?} of the reference clock in {within:?}{}", below(far))]
    NotConverged {
        /// The time that they had.
        within: Duration,
        /// How near they were to come.
        limit: Duration,
        /// Who didn't, with what was seen.
        far: Vec<String>,
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
    /// With the types that the bus says, the rig breaks rules.
    #[error("with the data types that the bus says, the rig file isn't right{}", below(.0))]
    Rules(Vec<Problem>),
    /// The exchange didn't become complete.
    #[error(
        "cyclic exchange is not complete after {cycles} cycles: working counter {got} of {expected}, {lost} \
         of them lost; {}",
        why_incomplete(*.late, *.lost, *.deadline)
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
        /// Frames that came back after their cycle.
        late: u64,
        /// The time that frames had.
        deadline: Duration,
    },
    /// The realtime thread doesn't answer.
    #[error(transparent)]
    Closed(#[from] ControlClosed),
    /// The interface took no frames with safe outputs.
    #[error(
        "safe outputs could not be sent: the interface takes no frames; the watchdogs of the SubDevices act instead"
    )]
    SafeNotSent,
    /// The realtime thread doesn't do what it was asked.
    #[error("the realtime thread did not obey within {patience:?} beside the time of its cycles")]
    Stuck {
        /// The time that it had.
        patience: Duration,
    },
}

impl StartError {
    /// Whether it may come of a program that stood still meanwhile, and not of what is on the bus.
    pub(crate) const fn may_come_of_a_standstill(&self) -> bool {
        matches!(self, Self::Bus(_) | Self::Silent | Self::Incomplete { .. } | Self::Stuck { .. })
    }
}

pub(crate) fn several(driven: &[Driven]) -> String {
    let all: Vec<_> = driven.iter().take(3).map(ToString::to_string).collect();
    let more = driven.len().saturating_sub(all.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", all.join(", "))
}

/// Behind a colon, or each below it where there are several.
fn below(all: &[impl ToString]) -> String {
    let all: Vec<_> = all.iter().map(ToString::to_string).collect();
    match &all[..] {
        [one] => format!(": {one}"),
        several => format!(":\n  {}", several.join("\n  ")),
    }
}

/// What gives a SubDevice a longer cycle.
const fn longer_cycle(written: bool) -> &'static str {
    match written {
        true => "give `sync0.cycle` of its `dc` a longer time, or leave it out for the network's cycle",
        false => "lower the rate, or give its `dc` a longer `sync0.cycle`",
    }
}

/// How far frames were from their phase. Without enough times of the reference nothing was measured.
fn why_not_locked(within: Duration, state: ClockState, error_ns: i64, jitter_ns: u64, without: u64) -> String {
    let seen = match state {
        ClockState::Off | ClockState::Following | ClockState::Listening => {
            format!("too few times of the reference were read to tell how far they are ({without} cycles brought none)")
        }
        _ => format!(
            "they are {error_ns} ns off, usually {jitter_ns} ns from one frame to the next, {without} cycles without a time"
        ),
    };
    match within < USUALLY_LOCKED {
        true => format!("{seen}; raise `engine.dc.settle_timeout`, it takes some tenths of a second"),
        false => format!("{seen}; `zerocat doctor` says what keeps this machine from keeping time"),
    }
}

fn why_incomplete(late: u64, lost: u64, deadline: Duration) -> String {
    if late > 0 && late.saturating_mul(2) >= lost {
        return format!(
            "frames come back, but later than the {deadline:?} that they have: the round trip is too long for this period; \
             lower the rate"
        );
    }
    "a SubDevice without its process data, a bad cable, or frames that don't come back".to_owned()
}

/// The tasks' channels with their places, in the order of the rig file's tasks; scan tasks have none.
pub type Bindings = Vec<Vec<Placed>>;

/// The realtime ends of the tasks' rings and of what the program has.
#[derive(Debug, Default)]
pub struct Ports {
    /// Of readers.
    pub readers: Vec<SamplePort>,
    /// Of readers of the newest sample.
    pub newest: Vec<NewestPort>,
    /// Of writers.
    pub writers: Vec<WriterPort>,
    /// How long a program's outputs may stand without a commit, where it has any.
    pub silence: Option<Duration>,
}

/// A bus in PRE-OP with its plan.
#[derive(Debug)]
pub struct Planned<'d> {
    /// The bus.
    pub network: Network<'d>,
    /// The cyclic exchange.
    pub plan: Plan,
    /// Who of the rig file is where.
    pub matching: Matching,
    /// The tasks' channels.
    pub bindings: Bindings,
    /// The SYNC of each SubDevice that asks for it, by position.
    pub(crate) sync: Vec<(u16, SyncTimes)>,
    /// What each of them said of its synchronization in PRE-OP, where it has CoE.
    pub(crate) sync_said: Vec<(u16, SyncObjects)>,
    /// The PDO assignment that SubDevices were given, by position.
    pub(crate) assigned: Vec<(u16, Assign)>,
    /// The clocks, measured and set; `None` without any.
    pub clocks: Option<Clocks>,
    /// Counters when the exchange was installed.
    pub(crate) before: Counters,
    /// How long the machine had been suspended in all by then.
    pub(crate) suspended_before: Duration,
    /// Makes what was commanded of single SubDevices void, by position.
    pub(crate) voider: Voider,
    /// Whose mail waits, as the cyclic frames say.
    pub mail: MailReader,
    /// Sees the input that the end of the run waits for.
    pub(crate) stop_watch: Option<StopWatch>,
    /// How long a program's outputs may stand without a commit, where it has any.
    pub(crate) silence: Option<Duration>,
}

impl Planned<'_> {
    /// The key in the rig file of the SubDevice at a position.
    pub(crate) fn key(&self, position: u16) -> Option<String> {
        self.matching.matches.iter().find(|found| found.position == position).map(|found| found.key.clone())
    }

    /// A SubDevice's position and name.
    pub(crate) fn label(&self, position: u16) -> Label {
        let found = self.network.subdevices().iter().find(|one| one.position == position);
        found.map_or_else(|| Label { position, ..Label::default() }, SubDevice::label)
    }

    /// Whether the SubDevice of a key in the rig file is there and speaks EoE.
    pub(crate) fn speaks_eoe(&self, key: &str) -> bool {
        let found = self.matching.matches.iter().find(|found| found.key == key);
        let one = found.and_then(|found| self.network.subdevices().iter().find(|one| one.position == found.position));
        one.is_some_and(|one| one.goes_up() && one.mailbox.is_some_and(|mailbox| mailbox.eoe()))
    }

    /// A SubDevice with name and key.
    pub(crate) fn in_words(&self, position: u16) -> String {
        named(&self.label(position), self.key(position).as_deref())
    }

    /// SubDevices whose outputs no watchdog guards: the sync manager's control doesn't enable it.
    pub(crate) fn unwatched(&self) -> Vec<Label> {
        let watched = |n: u16| self.plan.subdevices.iter().find(|one| one.position == n).is_some_and(watches_outputs);
        let all = self.network.subdevices().iter();
        all.filter(|one| self.has_outputs(one.position) && !watched(one.position)).map(|one| one.label()).collect()
    }

    /// Positions of the SubDevices that leave OP and show it when no outputs come for longer than a watchdog, as that of all is.
    /// One with a longer one of its own can't tell.
    pub(crate) fn witnesses(&self, watchdog: Duration) -> impl Iterator<Item = u16> {
        let as_short = move |one: &SubDevice| one.watchdogs.process_data.is_none_or(|own| own <= watchdog);
        let tells = move |one: &SubDevice| !one.emulates_al() && as_short(one);
        let shows = move |n: u16| self.network.subdevices().iter().any(|one| one.position == n && tells(one));
        self.watched().filter(move |position| shows(*position))
    }

    /// Positions of the SubDevices with outputs that their watchdog drops when none come for longer.
    pub(crate) fn watched(&self) -> impl Iterator<Item = u16> {
        let watched = self.plan.subdevices.iter().filter(|one| !one.outputs.is_empty() && watches_outputs(one));
        watched.map(|one| one.position)
    }

    fn has_outputs(&self, position: u16) -> bool {
        self.plan.subdevices.iter().any(|one| one.position == position && !one.outputs.is_empty())
    }
}

fn watches_outputs(planned: &SubDevicePlan) -> bool {
    let mut outputs = planned.sync_managers.iter().filter(|(_, channel)| channel.is_written() && !channel.is_mailbox());
    outputs.all(|(_, channel)| channel.control & control::WATCHDOG != 0)
}

impl<'a> Machine<'a> {
    /// Listens before the first write: is anybody there, and does anybody drive the bus?
    ///
    /// # Errors
    /// `Silent`, `Driven`.
    pub async fn listen(&self) -> Result<(), StartError> {
        self.observer.enter(Phase::Listen);
        match occupancy(self.datagrams).await.map_err(BringUpError::from)? {
            Occupancy::Silent => Err(StartError::Silent),
            Occupancy::Driven(driven) if self.driven_bus == DrivenBus::Refuse => Err(StartError::Driven(driven)),
            Occupancy::Driven(_) | Occupancy::Free { .. } => Ok(()),
        }
    }

    /// Discovers the bus, recognises the configured SubDevices, goes to PRE-OP, lays the process image out, and completes the rig
    /// with the types that it leaves to the bus.
    ///
    /// # Errors
    /// What failed, with the SubDevice.
    pub async fn plan(&mut self) -> Result<Planned<'a>, StartError> {
        let options =
            Options { watchdog: Some(self.rig.engine.watchdog), names: SiiNames::Device, ..Options::default() };
        self.observer.enter(Phase::Discover);
        let mut network = Network::discover(self.datagrams, options).await?;
        read_device_ids(&self.rig, &mut network).await;
        let matching = recognise(&self.rig, &mut network)?;
        let described = self.describe(&network);
        for found in &matching.matches {
            if let Some(mailbox) = network.mailbox(found.position) {
                mailbox.set_key(found.key.clone());
            }
        }
        for (position, times) in times(&self.rig, &matching, &described) {
            network.set_times(position, times);
        }
        for (position, policy) in mail_policies(&self.rig, &matching) {
            network.set_mail_policy(position, policy);
        }
        for (position, watchdogs) in watchdogs(&self.rig, &matching) {
            network.set_watchdogs(position, watchdogs);
        }
        let sync = sync_times(&self.rig, &mut network, &matching, &described).await?;
        let clocks = self.compensate(&network, &matching, &sync).await?;
        self.observer.enter(Phase::PreOp);
        let reached = network.to_pre_op().await?;
        self.tell_retried(reached, &matching);
        for (position, net_id) in net_ids(&self.rig, &matching) {
            network.set_net_id(position, net_id);
        }
        network.give_net_ids().await;
        // Before what is mapped is read: a parameter may change it.
        let before_safe_op = [Transition::InitToPreOp, Transition::PreOpToSafeOp];
        self.send_startup(&mut network, &matching, &before_safe_op).await?;
        self.set_ip_parameters(&mut network, &matching).await;
        let assigned = assignments(&self.rig, &matching, &described);
        network.assign(&assigned).await?;
        let sync_said = check_cycles(&self.rig, &mut network, &matching, &sync).await?;
        self.observer.enter(Phase::ReadPdos);
        network.read_pdos().await?;
        self.name_entries(&mut network, &described).await;
        self.check_interpolation(&mut network, &matching).await;
        let layouts = layout::layouts(&self.rig, &network, &matching);
        let mut plan = lay_out(&layouts, &layout::units(&self.rig), self.frame_room())?;
        layout::check_watchdogs(&self.rig, &plan, &matching)?;
        if plan.frames.len() > usize::from(self.cyclic_slots) {
            return Err(StartError::Slots { needed: plan.frames.len(), slots: self.cyclic_slots });
        }
        let mut positions: Positions =
            matching.matches.iter().map(|found| (found.key.clone(), found.position)).collect();
        self.type_channels(&mut network, &plan, &positions).await?;
        let bound = with_absent(&self.rig, &matching.missing, &mut plan, &mut positions);
        let bindings: Bindings = bind(&self.rig, &bound, &positions)?;
        let suspended_before = self.surroundings.suspended();
        Ok(Planned {
            network,
            plan,
            matching,
            bindings,
            sync,
            sync_said,
            assigned,
            clocks,
            before: self.counters.read(),
            suspended_before,
            voider: Voider::default(),
            mail: MailReader::default(),
            stop_watch: None,
            silence: None,
        })
    }

    /// Programs the plan, starts the cyclic exchange, goes to OP and lets the application traffic flow. The ports go into
    /// the exchange when it is installed.
    ///
    /// # Errors
    /// What failed, with the SubDevice.
    pub async fn operate(&mut self, planned: &mut Planned<'a>, ports: &mut Ports) -> Result<(), StartError> {
        self.check_budgets(planned)?;
        self.synchronise(planned).await?;
        let clock = self.reference_clock(planned);
        let Planned { network, plan, matching, bindings, before, suspended_before, voider, mail, .. } = planned;
        self.observer.enter(Phase::SafeOp);
        network.program(plan).await?;
        let reached = network.to_safe_op().await?;
        self.tell_retried(reached, matching);
        self.observer.enter(Phase::Exchange);
        let subdevices = u16::try_from(network.subdevices().len()).unwrap_or(u16::MAX);
        let lane = self.lane(plan, Some(subdevices), clock)?;
        let told;
        (*mail, told) = layout::mail(plan);
        let lane = lane.telling(told);
        let Ports { readers, newest, writers, .. } = std::mem::take(ports);
        let Uncommanded { safe, initial } = Uncommanded::of(&self.rig, plan, bindings);
        let stall_limit = Some(self.rig.engine.watchdog);
        let voids;
        (*voider, voids) = void::orders(plan);
        (*before, *suspended_before) = (self.counters.read(), self.surroundings.suspended());
        self.controls.borrow_mut().install(Exchange {
            lane,
            readers,
            newest,
            writers,
            safe,
            initial,
            stall_limit,
            voids,
        })?;
        self.complete_cycles(before, |now| now.installed > before.installed).await?;
        self.send_startup(network, matching, &[Transition::SafeOpToOp]).await?;
        self.observer.enter(Phase::Op);
        let told_before = self.counters.read().expectations;
        network.activate_for_op(plan).await?;
        // Frames that stood still meanwhile may have cost OP again, and are no outage of a network that isn't live yet.
        loop {
            let reached = network.to_op().await?;
            self.tell_retried(reached, matching);
            let (counters, suspended) = (self.counters.read(), self.surroundings.suspended());
            let slept = suspended.saturating_sub(*suspended_before);
            let interrupted = counters.stalls != before.stalls || slept >= self.rig.engine.watchdog;
            (*before, *suspended_before) = (counters, suspended);
            if !interrupted {
                break;
            }
        }
        if plan.has_op_only() {
            self.controls.borrow_mut().expect(TakingPart::All)?;
            self.complete_cycles(before, |now| now.expectations > told_before).await?;
        }
        network.clear_watchdog_counts().await;
        events::ask(self.datagrams).await;
        self.controls.borrow_mut().traffic(Traffic::Live)?;
        self.observer.enter(Phase::Running);
        Ok(())
    }

    /// Tells who refused a state before it got there.
    fn tell_retried(&self, reached: Vec<AlReached>, matching: &Matching) {
        for reached in reached {
            let key = matching.matches.iter().find(|found| found.position == reached.who.position);
            if let Some(retried) = Retried::of(reached, key.map(|found| found.key.clone())) {
                self.observer.warn(&SessionEvent::Retried(retried));
            }
        }
    }

    /// Waits until some cycles in a row were complete, as the engine counts them, since it has obeyed.
    async fn complete_cycles(&self, before: &Counters, obeyed: impl Fn(&Counters) -> bool) -> Result<(), StartError> {
        let wanted = CLEAN_CYCLES.max(layout::longest_interval(&self.rig).saturating_add(1));
        let patience = CLEAN_PATIENCE.saturating_add(layout::time_of(&self.rig, wanted));
        let end = self.datagrams.now().saturating_add(patience);
        loop {
            let now = self.counters.read();
            if obeyed(&now) && now.complete_streak >= wanted {
                return Ok(());
            }
            if self.datagrams.now() >= end {
                return Err(StartError::Incomplete {
                    got: now.working_counter,
                    expected: now.expected_working_counter,
                    lost: now.lost_cycles.saturating_sub(before.lost_cycles),
                    cycles: now.cycles.saturating_sub(before.cycles),
                    late: now.late_frames.saturating_sub(before.late_frames),
                    deadline: deadline(&self.rig),
                });
            }
            self.datagrams.pause(LOOK).await;
        }
    }
}

/// How long each SubDevice may take, by position: what the rig file says, else its description.
fn times(rig: &Rig, matching: &Matching, described: &AllDescribed) -> Vec<(u16, Times)> {
    let of = |key: &str| rig.slaves.iter().find(|slave| slave.key == key).map(|slave| slave.timeouts);
    let own = |timeouts: Timeouts| {
        let Timeouts { preop, safeop, op, mailbox, mailbox_request } = timeouts;
        Times { pre_op: preop, safe_op: safeop, op, mailbox, mailbox_request }
    };
    let matched = matching.matches.iter().filter_map(|found| Some((found.position, own(of(&found.key)?))));
    let mut all: BTreeMap<u16, Times> = matched.collect();
    for (position, described) in described {
        let zerocat_esi::Timeouts { pre_op, safe_op_and_op, mail, mail_request, .. } = described.device.timeouts;
        let own = all.entry(*position).or_default();
        own.pre_op = own.pre_op.or(pre_op);
        own.safe_op = own.safe_op.or(safe_op_and_op);
        own.op = own.op.or(safe_op_and_op);
        // A rig file that says how long an answer may take means that for taking a mail as well.
        own.mailbox_request = own.mailbox_request.or(mail_request.filter(|_| own.mailbox.is_none()));
        own.mailbox = own.mailbox.or(mail);
    }
    all.into_iter().collect()
}

/// NetIDs that the rig file gives, by position.
fn net_ids(rig: &Rig, matching: &Matching) -> Vec<(u16, NetId)> {
    let of = |key: &str| rig.slave(key).and_then(|slave| slave.aoe.net_id).map(|id| NetId(id.0));
    matching.matches.iter().filter_map(|found| Some((found.position, of(&found.key)?))).collect()
}

/// How the mailboxes of SubDevices of the rig file are used, by position.
fn mail_policies(rig: &Rig, matching: &Matching) -> Vec<(u16, MailPolicy)> {
    let own = |settings: MailboxSettings| {
        let MailboxSettings { strategy, retries, back_off, diagnosis } = settings;
        let strategy = match strategy {
            MailboxStrategy::Strict => Strategy::Strict,
            MailboxStrategy::Hybrid => Strategy::Hybrid,
            MailboxStrategy::Poll => Strategy::Poll,
        };
        MailPolicy { strategy, retries, back_off, diagnosis }
    };
    let of = |key: &str| rig.slave(key).map(|slave| slave.mailbox);
    matching.matches.iter().filter_map(|found| Some((found.position, own(of(&found.key)?)))).collect()
}

/// The watchdogs that SubDevices of the rig file have of their own, by position.
fn watchdogs(rig: &Rig, matching: &Matching) -> Vec<(u16, Watchdogs)> {
    let of = |key: &str| rig.slave(key).map(|slave| slave.watchdog);
    let own = |zerocat_config::Watchdogs { process_data, pdi }| Watchdogs { process_data, pdi };
    matching.matches.iter().filter_map(|found| Some((found.position, own(of(&found.key)?)))).collect()
}

/// How long a cycle waits for its frames.
pub(crate) fn deadline(rig: &Rig) -> Duration {
    rig.engine.deadline.unwrap_or_else(|| zerocat_engine::Timing::for_period(rig.period()).deadline)
}
