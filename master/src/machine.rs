//! A network's whole life on the thread that owns its bus: bring-up, operation, recovery, shutdown.
//!
//! It is a future, so that production's bus thread and a test under virtual time run the same life; who polls it lets the
//! frames flow meanwhile. Nobody else sends acyclic datagrams.
//!
//! Guarantees: every part ends within a stated time ([`BRING_UP`], [`ATTEMPT`], [`SHUTDOWN`]) in which the program runs,
//! whatever the network does, and a stop ends bring-up and recovery at once; a start that waits for SubDevices
//! ([`start_wait`]) does so as long as the rig file says. A bring-up that fails because the program stood
//! still in it begins again within its time. A bus that another MainDevice drives isn't written to. Whatever was brought up
//! is shut down.

use crate::bring_up::{Planned, Ports, StartError};
use crate::descriptions::Descriptions;
use crate::eoe::{Carried, HostInterfaces};
use crate::events::{Observer, Phase, SessionEvent};
use crate::front::EntryErrors;
use crate::health::{Health, OutOfOp};
use crate::lateness::Lateness;
use crate::operation::Left;
use crate::recognition;
use crate::recovery::{Outages, Recovered};
use crate::report::MailboxReport;
use crate::start_wait::{self, StartWait};
use crate::stopping::StopWatch;
use crate::surroundings::Surroundings;
use crate::tasks::TaskStartError;
use futures_lite::future::or;
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;
use zerocat_bus::{Datagrams, Inbox, Occupancy, occupancy};
use zerocat_config::Rig;
use zerocat_engine::{Controls, CountersReader};
use zerocat_faults::chain;
use zerocat_sched::ThreadUsage;
use zerocat_sched::time::nanos;

/// Longest bring-up, from the first datagram to OP.
pub const BRING_UP: Duration = Duration::from_secs(60);
/// Longest attempt to bring a network up again after an outage. Attempts go on until the network is back.
pub const ATTEMPT: Duration = Duration::from_secs(60);
/// Longest shutdown of the bus, beside the time that the rig file's `stop` takes.
pub const SHUTDOWN: Duration = Duration::from_secs(10);

/// Whether a bus that another MainDevice drives is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DrivenBus {
    /// It is left alone.
    #[default]
    Refuse,
    /// It is taken all the same.
    Take,
}

/// What becomes of outputs that no watchdog guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnwatchedOutputs {
    /// They are told of as something that is unavailable.
    #[default]
    Tell,
    /// The network isn't brought up.
    Refuse,
}

/// A wish to stop, from any thread.
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use zerocat::testing::{Bench, ProfileKind, line};
/// use zerocat::{NoCycle, StopWish};
/// let stop = StopWish::default();
/// let bus = Bench::bus().cancelled_by(&stop);
/// let (mut bench, _io) = Bench::start(bus, &line(&[ProfileKind::Servo])).unwrap();
/// // From any thread: a signal handler's, for one.
/// stop.ask();
/// while bench.is_alive() {
///     bench.cycle();
/// }
/// assert!(stop.asked());
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct StopWish(Arc<Wish>);

#[derive(Debug, Default)]
struct Wish {
    asked: AtomicBool,
    /// How long the end may take, in ns; 0 where that isn't said.
    grace: AtomicU64,
}

impl StopWish {
    /// Asks for the end. Whoever polls the life must be woken for it to be seen soon.
    pub fn ask(&self) {
        // SYNC: publishes the grace that was stored before. Pairs with the load in asked.
        self.0.asked.store(true, Ordering::Release);
    }

    /// Asks for the end, which may take so long: what isn't done by then is left out, and everybody is asked for INIT.
    pub fn ask_within(&self, grace: Duration) {
        // SYNC: published by the store in ask. Pairs with the load in grace.
        self.0.grace.store(nanos(grace).max(1), Ordering::Relaxed);
        self.ask();
    }

    /// How long the end may take, where that was said.
    pub(crate) fn grace(&self) -> Option<Duration> {
        // SYNC: whoever has seen that the end was asked for sees it. Pairs with the store in ask_within.
        let grace = self.0.grace.load(Ordering::Relaxed);
        (grace > 0).then(|| Duration::from_nanos(grace))
    }

    /// Whether the end was asked for.
    #[must_use]
    pub fn asked(&self) -> bool {
        // SYNC: pairs with the store in ask.
        self.0.asked.load(Ordering::Acquire)
    }

    /// Ready when the end was asked for. It is noticed when the future is polled.
    pub(crate) async fn wait(&self) {
        #[cfg(feature = "planted")]
        if zerocat_engine::planted::is(zerocat_engine::planted::Planted::WaitWithoutBound) {
            return std::future::pending().await;
        }
        std::future::poll_fn(|_| if self.asked() { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}

/// Why a network didn't come up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LifeError {
    /// The bus.
    #[error("bring the bus up")]
    Start(#[from] StartError),
    /// A task.
    #[error(transparent)]
    Task(#[from] TaskStartError),
    /// What the program asked for.
    #[error(transparent)]
    Entries(#[from] EntryErrors),
    /// The end was asked for before OP.
    #[error("stopped before OP")]
    Stopped,
}

/// How a life in OP ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It was asked for.
    Stopped,
    /// The link doesn't stand any more; the reason, with what to do.
    LinkGone(String),
    /// The realtime thread ended by itself.
    RealtimeEnded,
}

/// What became of a network that had reached OP.
#[derive(Debug)]
pub struct Life {
    /// How it ended.
    pub ending: Ending,
    /// What failed during shutdown.
    pub failed: Vec<StartError>,
    pub(crate) outages: Outages,
    pub(crate) health: Health,
    pub(crate) lateness: Lateness,
    /// What was counted of mailboxes.
    pub(crate) mailboxes: Vec<MailboxReport>,
    /// CPU time of the thread that owned the bus, from OP to the beginning of shutdown.
    pub(crate) cpu: Duration,
    /// The time of that.
    pub(crate) operated: Duration,
}

impl Life {
    /// A life that ended without a shutdown of the bus.
    pub(crate) fn cut_short(ending: Ending) -> Self {
        let (outages, health, lateness) = (Outages::default(), Health::default(), Lateness::default());
        let (failed, mailboxes) = (Vec::new(), Vec::new());
        let (cpu, operated) = (Duration::ZERO, Duration::ZERO);
        Self { ending, failed, outages, health, lateness, mailboxes, cpu, operated }
    }
}

/// The bus's owner: what it works with.
#[derive(Debug)]
pub struct Machine<'a> {
    /// The rig, from the first bring-up on with the types that the bus says.
    pub rig: Cow<'a, Rig>,
    /// Datagrams through the frame pool.
    pub datagrams: &'a Datagrams,
    /// The realtime thread.
    pub controls: RefCell<Controls>,
    /// Its counters.
    pub counters: CountersReader,
    /// Transmit slots for cyclic frames, from slot 0.
    pub cyclic_slots: u16,
    /// The world beside the bus.
    pub surroundings: &'a dyn Surroundings,
    /// Who is told of events.
    pub observer: &'a Observer,
    /// What becomes of a bus that somebody drives.
    pub driven_bus: DrivenBus,
    /// What becomes of outputs that no watchdog guards.
    pub unwatched: UnwatchedOutputs,
    /// Requests from other threads.
    pub inbox: Inbox,
    /// The wish to stop.
    pub stop: StopWish,
    /// Vendors' device descriptions.
    pub descriptions: Descriptions,
    /// Where SubDevices that are out of OP are shown.
    pub out_of_op: Arc<Mutex<Vec<OutOfOp>>>,
    /// Interfaces of this host for Ethernet of SubDevices, which are made already.
    pub interfaces: HostInterfaces,
}

impl<'a> Machine<'a> {
    /// Lives: brings the bus up, with `tasks` giving the realtime ends of the tasks' rings once there is a plan, says so to
    /// `started`, stays in OP until the end is asked for, and shuts the bus down.
    ///
    /// # Errors
    /// Why it didn't come up. What was begun has been shut down then.
    pub async fn live(
        &mut self,
        tasks: impl FnOnce(&Planned<'a>) -> Result<Ports, LifeError>,
        started: impl FnOnce(&Planned<'a>),
    ) -> Result<Life, LifeError> {
        let (mut planned, end) = self.planned_after_wait().await?;
        let mut carried = Carried::default();
        let operated = match self.carry_ethernet(&planned).map(|carries| carried = carries) {
            Ok(()) => self.operated(end, &mut planned, tasks).await,
            Err(error) => Err(error.into()),
        };
        match operated {
            Ok(()) => {}
            Err(error) => {
                for failed in self.shut_down(&mut planned).await {
                    tracing::warn!(fault = %failed.fault(), "during shutdown: {failed}");
                }
                return Err(error);
            }
        }
        started(&planned);
        let life = self.stay(planned).await;
        drop(carried);
        Ok(life)
    }

    /// A plan, and by when the network is to be in OP. SubDevices that don't answer yet are waited for where the rig file says so.
    async fn planned_after_wait(&mut self) -> Result<(Planned<'a>, Duration), LifeError> {
        let mut wait = StartWait::new(self.rig.engine.wait_for_subdevices, self.datagrams.now());
        loop {
            let end = self.datagrams.now().saturating_add(self.bound(BRING_UP));
            match self.planned_in_time(end).await {
                Err(error) if wait.goes_on(&error, self.datagrams.now()) => {
                    if let Some(whom) = wait.tell(&error, &self.rig) {
                        self.observer.wait_for(whom);
                    }
                }
                done => return Ok((done?, end)),
            }
            if self.stopped_within(start_wait::PAUSE, "SubDevices are waited for").await {
                return Err(LifeError::Stopped);
            }
        }
    }

    /// A plan, also where an attempt failed because the program stood still in it.
    async fn planned_in_time(&mut self, end: Duration) -> Result<Planned<'a>, LifeError> {
        loop {
            let stood_still = self.datagrams.stood_still();
            match self.planned(end).await {
                Err(error) if self.begins_again(stood_still, &error) => {}
                done => return done,
            }
        }
    }

    /// Whether bring-up is tried again: an attempt failed since the program had stood still for so long in all, and again
    /// meanwhile. Tells so.
    fn begins_again(&self, stood_still: Duration, error: &LifeError) -> bool {
        let LifeError::Start(error) = error else { return false };
        let stood_still = self.datagrams.stood_still().saturating_sub(stood_still);
        let again = !stood_still.is_zero() && error.may_come_of_a_standstill();
        if again {
            self.observer.warn(&SessionEvent::BegunAgain { stood_still, why: chain(error) });
        }
        again
    }

    async fn planned(&mut self, end: Duration) -> Result<Planned<'a>, LifeError> {
        // Before, nothing is written: the bus may be another MainDevice's.
        let listened = Cell::new(false);
        let result = self.bounded(end, async |machine| machine.listen_and_plan(&listened).await).await;
        if result.is_err() && listened.get() {
            self.ask_for_init().await;
        }
        result
    }

    async fn listen_and_plan(&mut self, listened: &Cell<bool>) -> Result<Planned<'a>, StartError> {
        self.listen().await?;
        listened.set(true);
        let planned = self.plan().await?;
        recognition::tell(&self.rig, &planned.network, &planned.matching, self.observer);
        self.tell_clock_oddities(&planned);
        Ok(planned)
    }

    async fn operated(
        &mut self,
        end: Duration,
        planned: &mut Planned<'a>,
        tasks: impl FnOnce(&Planned<'a>) -> Result<Ports, LifeError>,
    ) -> Result<(), LifeError> {
        let unwatched = planned.unwatched();
        if self.unwatched == UnwatchedOutputs::Refuse && !unwatched.is_empty() {
            return Err(StartError::Unwatched(unwatched).into());
        }
        let mut ports = tasks(planned)?;
        planned.silence = ports.silence;
        planned.stop_watch = StopWatch::new(&self.rig, &planned.bindings, &mut ports);
        let mut stood_still = self.datagrams.stood_still();
        let mut done = self.bounded(end, async |machine| machine.operate(planned, &mut ports).await).await;
        while let Err(error) = &done
            && self.begins_again(stood_still, error)
        {
            stood_still = self.datagrams.stood_still();
            self.take_exchange_out(&mut ports).await?;
            done = self.attempt(end, planned, &mut ports).await;
        }
        done
    }

    /// A part of bring-up, until a time at the longest, or until a stop. Requests wait meanwhile, no longer than their deadlines.
    pub(crate) async fn bounded<T>(
        &mut self,
        end: Duration,
        work: impl AsyncFnOnce(&mut Self) -> Result<T, StartError>,
    ) -> Result<T, LifeError> {
        let (datagrams, stop, bound) = (self.datagrams, self.stop.clone(), self.bound(BRING_UP));
        let stopped = async {
            stop.wait().await;
            Err(LifeError::Stopped)
        };
        let inbox = self.inbox.clone();
        let held = async {
            inbox.hold(datagrams).await;
            Err(LifeError::Stopped)
        };
        let work = async { work(self).await.map_err(LifeError::from) };
        match datagrams.by(end, or(stopped, or(work, held))).await {
            Some(done) => done,
            None => Err(StartError::TooLong { bound }.into()),
        }
    }

    /// The bound of a bring-up: longer by what the rig file gives to the SubDevice that may take longest.
    pub(crate) fn bound(&self, usual: Duration) -> Duration {
        let longest = self.rig.slaves.iter().map(|slave| slave.timeouts.longer()).max();
        usual.saturating_add(longest.unwrap_or_default())
    }

    /// Shows other threads who is out of OP.
    pub(crate) fn show(&self, health: &Health) {
        *self.out_of_op.lock().unwrap_or_else(PoisonError::into_inner) = health.out().cloned().collect();
    }

    /// Whether another MainDevice drives a bus that was lost, by now: it isn't shut down then. A bus with this one's exchange is
    /// its own.
    async fn taken_meanwhile(&self) -> Option<StartError> {
        if self.driven_bus == DrivenBus::Take || self.counters.read().exchanging != 0 {
            return None;
        }
        let end = self.datagrams.now().saturating_add(SHUTDOWN);
        match self.datagrams.by(end, occupancy(self.datagrams)).await {
            Some(Ok(Occupancy::Driven(driven))) => Some(StartError::Driven(driven)),
            _ => None,
        }
    }

    /// Shuts the bus down. Requests are refused meanwhile.
    async fn shut_down_refusing(&mut self, planned: &mut Planned<'a>) -> Vec<StartError> {
        let inbox = self.inbox.clone();
        let refused = async {
            inbox.refuse("it is being shut down").await;
            Vec::new()
        };
        or(self.shut_down(planned), refused).await
    }

    /// Stays in operation until the end is asked for.
    async fn stay(&mut self, mut planned: Planned<'a>) -> Life {
        let (mut health, mut outages) = (Health::default(), Outages::default());
        let mut lateness = Lateness::default();
        let (since, used) = (self.datagrams.time(), ThreadUsage::now());
        let ending = loop {
            match self.operation(&mut planned, &mut health, &mut lateness).await {
                Left::Stopped => break Ending::Stopped,
                Left::LinkGone(why) => break Ending::LinkGone(why),
                Left::Lost(cause) => {
                    if let Err(error) = self.make_safe().await {
                        tracing::warn!(fault = %error.fault(), "{}", chain(&error));
                    }
                    self.observer.warn(&SessionEvent::Lost(cause));
                    self.observer.enter(if cause.is_of_the_network() { Phase::Lost } else { Phase::Recover });
                    match self.recover(&mut planned, cause, &mut outages).await {
                        Recovered::InOp => {
                            health.clear();
                            self.show(&health);
                        }
                        Recovered::Stopped => break Ending::Stopped,
                        Recovered::LinkGone(why) => break Ending::LinkGone(why),
                    }
                }
            }
        };
        let used = ThreadUsage::now().since(&used);
        let cpu = used.user + used.system;
        let operated = self.datagrams.time().saturating_sub(since);
        self.observer.enter(Phase::ShutDown);
        let failed = match self.taken_meanwhile().await {
            Some(taken) => vec![taken],
            None => self.shut_down_refusing(&mut planned).await,
        };
        let counted = planned.network.mail_counters();
        let mailboxes =
            counted.map(|(who, counted)| MailboxReport::of(&who, planned.key(who.position), counted)).collect();
        Life { ending, failed, outages, health, lateness, mailboxes, cpu, operated }
    }
}
