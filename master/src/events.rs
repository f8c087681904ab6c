//! What a session tells while it runs: how far bring-up is, outages, SubDevices that leave OP, sources of commands that end
//! or fall silent.

use crate::clock_oddity::ClockOddity;
use crate::clock_watch::ClocksSeen;
use crate::diagnosis::Diagnosis;
use crate::emergency::Emergency;
use crate::health::OutOfOp;
use crate::interpolation::OtherInterpolation;
use crate::mailbox_silence::{MailboxAnswers, MailboxSilent};
use crate::notification::CommandNotified;
use crate::recognition::Unnamed;
use crate::silent_branch::SilentBranch;
use crate::subscribers::Subscribers;
use crate::supervision::Cause;
use crate::sync_budget::SyncBudget;
use crate::synchronization::{SyncTrouble, Synchronized};
use crate::told::{Retried, Told};
use crate::types::{self, TypeByLength};
use crate::void::{CommandedAgain, CommandsVoid};
use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use zerocat_bus::matching::Aside;
use zerocat_bus::{BootDone, BootError, IpError, Missing, StartupFailed, SyncErrors};
use zerocat_tasks::{ClockStep, SourceEvent};

/// A phase of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Phase {
    /// Waiting for SubDevices that don't answer yet.
    Wait,
    /// Looking whether another MainDevice drives the bus.
    Listen,
    /// Counting, addressing and identifying.
    Discover,
    /// Going to PRE-OP.
    PreOp,
    /// Reading what each SubDevice maps.
    ReadPdos,
    /// Frames come to their phase to the reference clock, clocks settle, SYNC starts.
    Clocks,
    /// Programming, and going to SAFE-OP.
    SafeOp,
    /// Cyclic frames begin to flow.
    Exchange,
    /// Going to OP.
    Op,
    /// All in OP, traffic live.
    Running,
    /// The network left OP; outputs are safe, and it is waited for.
    Lost,
    /// The network was left alone for too long by this program or machine; outputs are safe, and it is brought to OP again.
    Recover,
    /// Shutting down to INIT.
    ShutDown,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wait => "waiting for SubDevices",
            Self::Listen => "listening whether somebody drives the bus",
            Self::Discover => "looking who is on the bus",
            Self::PreOp => "going to PRE-OP",
            Self::ReadPdos => "reading process data maps",
            Self::Clocks => "waiting until clocks are in step",
            Self::SafeOp => "programming, going to SAFE-OP",
            Self::Exchange => "starting the cyclic exchange",
            Self::Op => "going to OP",
            Self::Running => "in OP",
            Self::Lost => "the network is lost: outputs are safe, waiting for it",
            Self::Recover => "outputs are safe, bringing the network to OP again",
            Self::ShutDown => "shutting down to INIT",
        })
    }
}

impl Phase {
    /// Its name in a report.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Listen => "listen",
            Self::Discover => "discover",
            Self::PreOp => "pre_op",
            Self::ReadPdos => "read_pdos",
            Self::Clocks => "clocks",
            Self::SafeOp => "safe_op",
            Self::Exchange => "exchange",
            Self::Op => "op",
            Self::Running => "running",
            Self::Lost => "lost",
            Self::Recover => "recover",
            Self::ShutDown => "shut_down",
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionEvent {
    /// A phase began.
    Phase(Phase),
    /// Bring-up failed because the program stood still in it, and begins again.
    BegunAgain {
        /// How long it stood still.
        stood_still: Duration,
        /// What failed.
        why: String,
    },
    /// A startup command that may fail did.
    StartupFailed(Box<StartupFailed>),
    /// The start waits for SubDevices: for whom.
    WaitsFor(String),
    /// The network left OP as a whole, and is brought to OP again.
    Lost(Cause),
    /// A SubDevice wasn't given the IP parameter that the rig file has for it, and goes on without.
    IpParameterRefused(Box<IpError>),
    /// It is in OP again.
    Recovered {
        /// Why it was not.
        cause: Cause,
        /// How long it was not.
        after: Duration,
    },
    /// The XDP program that somebody had detached is attached again.
    AttachedAgain,
    /// The network that came back after an outage isn't driven; the reason.
    NotRecovered(String),
    /// Answers come later than a cycle waits for them.
    AnswersLate {
        /// How many cycles late.
        cycles: u64,
        /// The time of that.
        by: Duration,
        /// How long a cycle waits.
        deadline: Duration,
    },
    /// They are in time again.
    AnswersInTime {
        /// How long they were not.
        after: Duration,
    },
    /// A SubDevice is not in OP while the others are, or shows something else than before.
    OutOfOp(OutOfOp),
    /// One cable, or the power of one SubDevice, explains that several don't answer.
    SilentBranch(SilentBranch),
    /// A SubDevice sent an emergency.
    Emergency(Emergency),
    /// A SubDevice's diagnosis history has a message that is new.
    Diagnosis(Diagnosis),
    /// The mailbox of a SubDevice doesn't answer, while its process data is exchanged.
    MailboxSilent(MailboxSilent),
    /// It answers again.
    MailboxAnswers(MailboxAnswers),
    /// A drive with SoE said that a procedure command has changed its state.
    CommandNotified(CommandNotified),
    /// It is in OP again.
    BackInOp(zerocat_bus::Label),
    /// A SubDevice is taken out of the exchange, as was asked, while the others go on.
    TakenOut {
        /// Which one.
        who: String,
        /// To BOOT; else it is only brought to OP anew.
        to_boot: bool,
    },
    /// It is in OP again.
    BroughtBack {
        /// Which one.
        who: String,
        /// What became of it.
        done: Box<BootDone>,
    },
    /// It didn't go as asked: where it stands now.
    BootFailed(Box<BootError>),
    /// What was commanded of a SubDevice is void, while the others go on: its outputs are safe until it is commanded again.
    CommandsVoid(CommandsVoid),
    /// It is commanded again.
    CommandedAgain(CommandedAgain),
    /// A SubDevice of the rig file is otherwise than it says, and no rule is broken.
    Aside {
        /// Its key.
        key: String,
        /// What is otherwise.
        aside: Aside,
    },
    /// A SubDevice is not in the rig file.
    Unnamed(Unnamed),
    /// An optional SubDevice of the rig file isn't on the bus as it wants it.
    OptionalMissing(Box<Missing>),
    /// A SubDevice refused an AL state before it got there.
    Retried(Retried),
    /// After an outage another SubDevice is in the place of one, and the rig file accepts it; which one.
    Replaced(String),
    /// Channels whose data type neither the rig file nor the bus says: each with the one that its length gives it.
    TypesByLength(Vec<TypeByLength>),
    /// The commands of a task went live, or its source ended, fell silent, or is heard again.
    Source {
        /// Name of the task.
        task: Arc<str>,
        /// What happened.
        event: SourceEvent,
    },
    /// A device description, or a file of them, can't be used; which one and why.
    DescriptionLeftOut(String),
    /// A SubDevice is described by a description of another revision; which one.
    DescriptionFallback(String),
    /// A drive interpolates over another time than its outputs are exchanged at.
    OtherInterpolation(Box<OtherInterpolation>),
    /// A clock was stepped: samples are of another base of time from there on.
    ClockStepped(ClockStep),
    /// A SubDevice counts SYNC that went wrong.
    SyncTrouble(SyncTrouble),
    /// SYNC0 of a SubDevice comes so soon behind the frames of a cycle that its outputs hardly have the time that they need.
    SyncClose(Box<SyncBudget>),
    /// Something is to tell of the clock of a SubDevice.
    ClockOdd(ClockOddity),
}

impl fmt::Display for SessionEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phase(phase) => phase.fmt(f),
            Self::BegunAgain { stood_still, why } => {
                write!(f, "{}; bring-up begins again: {why}", Cause::Stall(*stood_still))
            }
            Self::StartupFailed(failed) => write!(f, "{failed}; it goes on without"),
            Self::WaitsFor(whom) => write!(f, "waiting for {whom}"),
            Self::Lost(cause) => write!(f, "{cause}; outputs are safe, the network is brought to OP again"),
            Self::Recovered { cause, after } => {
                let was = if cause.is_of_the_network() { "lost" } else { "out of OP" };
                write!(f, "the network was {was} for {:.1} s and is in OP again", after.as_secs_f64())
            }
            Self::AnswersLate { cycles, by, deadline } => write!(
                f,
                "answers come {cycles} cycles late ({by:?}), and a cycle waits {deadline:?} for them: the period is too \
                 short for this network, lower the rate; inputs are stale, outputs go on"
            ),
            Self::AnswersInTime { after } => {
                write!(f, "answers are in time again, after {:.1} s", after.as_secs_f64())
            }
            Self::AttachedAgain => f.write_str("the XDP program is attached again"),
            Self::NotRecovered(why) => write!(f, "the network isn't brought to OP again: {why}"),
            Self::OutOfOp(out) => out.fmt(f),
            Self::SilentBranch(branch) => branch.fmt(f),
            Self::Emergency(emergency) => emergency.fmt(f),
            Self::Diagnosis(diagnosis) => diagnosis.fmt(f),
            Self::MailboxSilent(silent) => silent.fmt(f),
            Self::MailboxAnswers(answers) => answers.fmt(f),
            Self::IpParameterRefused(error) => write!(f, "{error}; it goes on without"),
            Self::CommandNotified(notified) => notified.fmt(f),
            Self::BackInOp(who) => write!(f, "{who} is in OP again"),
            Self::TakenOut { who, to_boot } => {
                let why = if *to_boot { "for a file in BOOT" } else { "to be brought to OP anew" };
                write!(
                    f,
                    "{who} is taken out of the exchange {why}: its inputs are stale meanwhile, its outputs are safe until it is \
                     commanded again"
                )
            }
            Self::BroughtBack { who, done } => write!(f, "{who} {done}"),
            Self::BootFailed(error) => error.fmt(f),
            Self::CommandsVoid(void) => void.fmt(f),
            Self::CommandedAgain(again) => again.fmt(f),
            Self::Source { task, event } => write!(f, "task `{task}`: {event}"),
            Self::Aside { key, aside } => write!(f, "`{key}` {aside}"),
            Self::OptionalMissing(missing) => {
                write!(
                    f,
                    "{missing}; it is optional: the run goes on without it, its inputs are not good and its outputs go nowhere"
                )
            }
            Self::Unnamed(unnamed) => write!(f, "{unnamed}; it takes part without channels"),
            Self::Retried(retried) => retried.fmt(f),
            Self::Replaced(which) => f.write_str(which),
            Self::ClockStepped(step) => step.fmt(f),
            Self::DescriptionLeftOut(what) => write!(f, "device description left out: {what}"),
            Self::OtherInterpolation(other) => other.fmt(f),
            Self::DescriptionFallback(what) => f.write_str(what),
            Self::SyncTrouble(trouble) => trouble.fmt(f),
            Self::SyncClose(budget) => budget.fmt(f),
            Self::ClockOdd(oddity) => oddity.fmt(f),
            Self::TypesByLength(channels) => types::tell_by_length(channels, f),
        }
    }
}

/// Who is told of each event, and what a report says of events.
struct Tell {
    listener: Box<dyn Fn(&SessionEvent) + Send>,
    told: Told,
    subscribers: Subscribers,
}

/// Tells each event, on the thread that saw it; the furthest phase so far, and what a report says of events.
pub struct Observer {
    teller: Teller,
    furthest: Cell<Option<Phase>>,
    /// A start waits for SubDevices: attempts are no news until one finds all.
    waits: Cell<bool>,
}

/// Tells an observer's function from any thread, one event at a time.
#[derive(Clone)]
pub(crate) struct Teller(Arc<Mutex<Tell>>);

impl Teller {
    fn lock(&self) -> MutexGuard<'_, Tell> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tell(&self, event: &SessionEvent) {
        let mut tell = self.lock();
        tell.told.note(event);
        (tell.listener)(event);
        tell.subscribers.tell(event);
    }

    /// Tells of a trouble, and logs it.
    pub(crate) fn warn(&self, event: &SessionEvent) {
        match event.fault() {
            Some(fault) => tracing::warn!(%fault, "{event}"),
            None => tracing::warn!("{event}"),
        }
        self.tell(event);
    }

    /// Tells what became of a task's source, and logs it: a trouble as a warning.
    pub(crate) fn tell_source(&self, task: &Arc<str>, event: SourceEvent) {
        let told = SessionEvent::Source { task: Arc::clone(task), event };
        match event {
            SourceEvent::Live => {
                tracing::info!("{told}");
                self.tell(&told);
            }
            SourceEvent::Silent { .. } | SourceEvent::HeardAgain { .. } | SourceEvent::Ended => self.warn(&told),
        }
    }
}

impl Observer {
    /// Tells `observer`, which must not block: the bus thread and tasks' threads wait for it.
    pub fn new(observer: impl Fn(&SessionEvent) + Send + 'static) -> Self {
        let (told, subscribers) = (Told::default(), Subscribers::default());
        let tell = Tell { listener: Box::new(observer), told, subscribers };
        Self { teller: Teller(Arc::new(Mutex::new(tell))), furthest: Cell::new(None), waits: Cell::new(false) }
    }

    /// Those who subscribe to the events.
    pub(crate) fn subscribers(&self) -> Subscribers {
        self.teller.lock().subscribers.clone()
    }

    /// Its other end for another thread.
    pub(crate) fn teller(&self) -> Teller {
        self.teller.clone()
    }

    pub(crate) fn tell(&self, event: &SessionEvent) {
        if let SessionEvent::Phase(phase) = event
            && *phase <= Phase::Running
        {
            self.furthest.set(self.furthest.get().max(Some(*phase)));
        }
        self.teller.tell(event);
    }

    /// The furthest phase of bring-up so far; `None` before the first.
    pub(crate) fn furthest(&self) -> Option<Phase> {
        self.furthest.get()
    }

    /// What a report says of the events so far.
    pub(crate) fn told(&self) -> Told {
        self.teller.lock().told.clone()
    }

    /// Keeps for the report what a SubDevice that has SYNC says of it.
    pub(crate) fn note_synchronized(&self, mut one: Synchronized) {
        let synchronized = &mut self.teller.lock().told.synchronized;
        one.begin_counts(synchronized.get_mut(&one.who.position));
        synchronized.insert(one.who.position, one);
    }

    /// Keeps for the report how clocks were seen last.
    pub(crate) fn note_clocks(&self, seen: &ClocksSeen) {
        self.teller.lock().told.clocks = Some(seen.clone());
    }

    /// The same of what it counted meanwhile. Returns what it counted in the run.
    pub(crate) fn note_sync_errors(&self, position: u16, more: SyncErrors) -> SyncErrors {
        match self.teller.lock().told.synchronized.get_mut(&position) {
            Some(one) => one.add_errors(more),
            None => more,
        }
    }

    /// Tells for whom a start waits.
    pub(crate) fn wait_for(&self, whom: String) {
        self.warn(&SessionEvent::WaitsFor(whom));
        if !self.waits.replace(true) {
            self.enter(Phase::Wait);
        }
    }

    /// Tells that a phase began; while a start waits, only one behind those in which it is seen who is there.
    pub(crate) fn enter(&self, phase: Phase) {
        if self.waits.get() && matches!(phase, Phase::Listen | Phase::Discover) {
            return;
        }
        self.waits.set(phase == Phase::Wait);
        self.tell(&SessionEvent::Phase(phase));
    }

    /// Tells what became of a source of commands, and logs it.
    pub(crate) fn tell_source(&self, source: &Arc<str>, event: SourceEvent) {
        self.teller.tell_source(source, event);
    }

    /// Tells of a trouble, and logs it.
    pub(crate) fn warn(&self, event: &SessionEvent) {
        self.teller.warn(event);
    }
}

impl Default for Observer {
    /// Tells nobody.
    fn default() -> Self {
        Self::new(|_| {})
    }
}

impl fmt::Debug for Teller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Teller")
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}
