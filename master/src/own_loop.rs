//! A bus in a program's own loop: no thread, no clock and no wait in here; the caller says what time it is.
//!
//! The bus's life, the engine and the program's [`Io`] are those of a [`Session`](crate::Session); [`OwnLoop::step`] does what is due of
//! them, [`OwnLoop::next`] says when that is. For a program that has a realtime thread of its own, for a simulation, for tests.
//! Guarantees: nothing waits in a step; after the network is in OP, a step allocates only where something is to be told or asked for
//! on the bus. Not here: what a session does beside it: the lock of the interface, priorities, locked memory, the tasks of
//! a rig file, reports.

use crate::bring_up::{Planned, Ports};
use crate::descriptions::Descriptions;
use crate::eoe::HostInterfaces;
use crate::events::Observer;
use crate::front::{
    self, Asked, Bus, Io, IoEnds, Keys, NoSuchSubDevice, Parts, ProgramClock, SubDeviceHandle, SubDeviceRef, Waiting,
};
use crate::machine::{DrivenBus, Life, LifeError, Machine, StopWish, UnwatchedOutputs};
use crate::subscribers::{Events, Subscribers};
use crate::surroundings::Calm;
use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use zerocat_bus::{Datagrams, Inbox, PduLoop, Requests, requests};
use zerocat_config::{ConfigError, Rig, Task};
use zerocat_engine::{
    AcyclicSettings, Controls, Counters, CountersReader, Engine, EngineParts, EventReader, Pool, Slack, Step, Stepper,
    Timing,
};
use zerocat_esi::LibraryError;
use zerocat_link::{Link, Slot};
use zerocat_sched::time::nanos;
use zerocat_sched::{Grid, Period, PeriodError, Time, link_idle_timer};

/// Acyclic frames that may be out at once.
const ACYCLIC: u16 = 8;
/// Between two looks at the link while acyclic frames are out.
const LOOK: Duration = Duration::from_micros(10);
/// An acyclic frame that isn't back after so many cycles is lost.
const LOST_AFTER: u32 = 20;

/// Why a bus can't be begun.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OwnLoopError {
    /// The bus that the program described.
    #[error(transparent)]
    Rig(#[from] ConfigError),
    /// Its rate.
    #[error(transparent)]
    Rate(#[from] PeriodError),
    /// The rig file's folders of device descriptions.
    #[error("device descriptions")]
    Descriptions(#[from] LibraryError),
    /// Tasks of a rig file, which run on threads of their own.
    #[error(
        "tasks of the rig file run on threads of their own, and a loop of one's own has none: {}; disable their channels (the \
         program has them by name all the same), or start a session",
        .0.join(", ")
    )]
    Tasks(Vec<String>),
}

/// Time as the caller has it.
#[derive(Debug, Clone, Default)]
struct CallersClock(Arc<AtomicU64>);

impl CallersClock {
    fn read(&self) -> Duration {
        // SYNC: time alone; it orders nothing. Whoever reads it on another thread has nothing that depends on it.
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    /// Time doesn't go back.
    fn set(&self, now: Duration) -> Time {
        let now = nanos(now.max(self.read()));
        // SYNC: as in `read`.
        self.0.store(now, Ordering::Relaxed);
        Time(now)
    }
}

/// A bus, moved step by step by its owner. Dropped, nothing moves any more, and the watchdogs of the SubDevices act:
/// [`OwnLoop::ask_to_stop`] and more steps are a shutdown in order.
///
/// ```no_run
/// use std::time::{Duration, Instant};
/// use zerocat::{Bus, OwnLoop};
/// # fn link() -> impl zerocat_link::Link { zerocat_link::packet::PacketLink::open("eth1", zerocat_link::Sizing { slots: 72, receive: 72 }).unwrap() }
/// let mut bus = Bus::on("eth1");
/// let position = bus.input::<i32>(0, 0x6064);
/// let start = Instant::now();
/// let mut own = OwnLoop::begin(bus, link(), Duration::ZERO)?;
/// let mut io = None;
/// while own.is_alive() {
///     own.step(start.elapsed());
///     io = io.or_else(|| own.io());
///     if let Some(io) = &mut io
///         && io.wait(Duration::ZERO).is_ok()
///     {
///         println!("{}", io.get(position));
///     }
///     std::thread::sleep(own.next().saturating_sub(start.elapsed()));
/// }
/// if let Some(ended) = own.ended() {
///     println!("{:?}", ended?.ending);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct OwnLoop<L> {
    stepper: Stepper<L>,
    clock: CallersClock,
    busy: bool,
    life: Course,
    given: Rc<RefCell<Given>>,
    stop: StopWish,
    subscribers: Subscribers,
    requests: Requests,
    waiting: Waiting,
    _events: EventReader,
}

/// The bus's life.
enum Course {
    Goes(Pin<Box<dyn Future<Output = Result<Life, LifeError>>>>),
    Ended(Box<Result<Life, LifeError>>),
    Taken,
}

impl<L> fmt::Debug for OwnLoop<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnLoop").field("now", &self.clock.read()).finish_non_exhaustive()
    }
}

impl<L: Link> OwnLoop<L> {
    /// Begins a bus over a link, at a time. Its frame pool, 200 kB, lives as long as the process.
    ///
    /// # Errors
    /// The bus that the program described has problems.
    pub fn begin(bus: Bus, link: L, now: Duration) -> Result<Self, OwnLoopError> {
        let clock = CallersClock::default();
        clock.set(now);
        Self::on(bus, |_| link, clock)
    }

    /// The same over a link that is made with a function that tells the caller's time.
    #[cfg(feature = "testing")]
    pub(crate) fn with_clock(
        bus: Bus,
        link: impl FnOnce(Box<dyn Fn() -> Duration + Send>) -> L,
    ) -> Result<Self, OwnLoopError> {
        Self::on(bus, link, CallersClock::default())
    }

    fn on(
        bus: Bus,
        link: impl FnOnce(Box<dyn Fn() -> Duration + Send>) -> L,
        clock: CallersClock,
    ) -> Result<Self, OwnLoopError> {
        // ethercrab wants a timer to exist; it is never armed.
        link_idle_timer();
        let Parts { rig, asked, waiting, observer, stop } = bus.into_parts();
        let rig = rig.check().map_err(ConfigError::of_program)?.into_rig();
        let tasks: Vec<_> =
            rig.tasks.iter().filter(|task| needs_thread(task)).map(|task| format!("`{}`", task.name())).collect();
        if !tasks.is_empty() {
            return Err(OwnLoopError::Tasks(tasks));
        }
        let descriptions = Descriptions::open(&rig.esi)?;
        let period = Period::from_rate(rig.network.properties.rate)?;
        let told = clock.clone();
        let link = link(Box::new(move || told.read()));
        let cyclic_slots = link.slots().saturating_sub(ACYCLIC);
        let timeout = period.duration().saturating_mul(LOST_AFTER);
        let acyclic = AcyclicSettings { first_slot: Slot(cyclic_slots), in_flight: ACYCLIC, timeout };
        let (pool, pdu_loop) = Pool::new();
        let (engine, parts) = Engine::new(link, Timing::for_period(period.duration()), pool, acyclic);
        let EngineParts { controls, counters, events } = parts;
        let (given, subscribers) = (Rc::default(), observer.subscribers());
        let (requests, inbox) = requests();
        let lived = Lived {
            rig,
            descriptions,
            asked,
            observer,
            stop: stop.clone(),
            given: Rc::clone(&given),
            cyclic_slots,
            inbox,
        };
        let ends = Ends { controls, counters, pdu_loop, clock: clock.clone() };
        let first = Time(nanos(clock.read())).after(period.duration());
        let stepper = Stepper::new(engine, Grid::new(first, period));
        let life = Course::Goes(Box::pin(live(lived, ends)));
        Ok(Self { stepper, clock, busy: true, life, given, stop, subscribers, requests, waiting, _events: events })
    }

    /// Does what is due at a time of the caller's clock, which doesn't go back. Whether a cycle ended.
    pub fn step(&mut self, now: Duration) -> bool {
        let now = self.clock.set(now);
        if let Course::Goes(life) = &mut self.life
            && let Poll::Ready(ended) = life.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        {
            self.life = Course::Ended(Box::new(ended));
            self.subscribers.close();
        }
        let step = self.stepper.step(now);
        self.busy = matches!(step, Step::Slack(Slack::Sent | Slack::Busy));
        matches!(step, Step::Concluded(_))
    }

    /// When the next step is due: at once while frames are out, soon while acyclic ones are, else at the next tick.
    #[must_use]
    pub fn next(&self) -> Duration {
        let now = Time(nanos(self.clock.read()));
        let tick = self.stepper.next(now);
        let next = if self.busy { tick.min(now.after(LOOK)) } else { tick };
        Duration::from_nanos(next.0)
    }

    /// When the frames that are out are given up; `None` while none of a cycle are.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.stepper.deadline().map(|time| Duration::from_nanos(time.0))
    }

    /// The process data, once the bus is in OP and commands are taken; only once. Its waits don't wait: the caller has
    /// the clock.
    pub fn io(&mut self) -> Option<Io> {
        if self.stepper.engine().counters().live == 0 {
            return None;
        }
        let ends = self.given.borrow_mut().io.take()?;
        let clock = self.clock.clone();
        let clock = ProgramClock::Virtual(Arc::new(move || clock.read()));
        // Without a real clock no thread is started, and nothing else fails.
        Io::new(ends, clock, self.waiting, self.stop.clone()).ok()
    }

    /// Time passes in which nothing is done.
    #[cfg(feature = "testing")]
    pub(crate) fn pass(&self, now: Duration) {
        self.clock.set(now);
    }

    /// Asks for the end; the steps that follow do it.
    pub fn ask_to_stop(&self) {
        self.stop.ask();
    }

    /// Whether the bus is driven still, or on its way up or down.
    #[must_use]
    pub const fn is_alive(&self) -> bool {
        matches!(self.life, Course::Goes(_))
    }

    /// How it ended, once it has; only once. `Err`: it never came to OP.
    pub fn ended(&mut self) -> Option<Result<Life, LifeError>> {
        match std::mem::replace(&mut self.life, Course::Taken) {
            Course::Ended(ended) => Some(*ended),
            other => {
                self.life = other;
                None
            }
        }
    }

    /// One SubDevice, by its key or its position, once the bus was found: its objects, files, registers and state. The steps that
    /// follow do what is asked of it, so an answer is taken when it is there ([`Pending::try_take`](crate::Pending::try_take)), not
    /// waited for.
    ///
    /// # Errors
    /// There is no such SubDevice.
    pub fn subdevice(&self, of: impl Into<SubDeviceRef>) -> Result<SubDeviceHandle, NoSuchSubDevice> {
        self.given.borrow().keys.handle(&of.into(), &self.requests)
    }

    /// Asks the bus.
    #[cfg(all(test, feature = "testing"))]
    pub(crate) const fn requests(&self) -> &Requests {
        &self.requests
    }

    /// Subscribes to what happens from now on.
    #[must_use]
    pub fn events(&self) -> Events {
        self.subscribers.subscribe()
    }

    /// What the engine counted.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        self.stepper.engine().counters()
    }

    /// The time of the last step.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.clock.read()
    }

    /// The link.
    #[must_use]
    pub const fn link(&self) -> &L {
        self.stepper.engine().link()
    }

    /// The link, to look at or to disturb in a test.
    pub const fn link_mut(&mut self) -> &mut L {
        self.stepper.engine_mut().link_mut()
    }
}

/// Whether a run would start a thread for a task.
fn needs_thread(task: &Task) -> bool {
    !matches!(task, Task::Scan(_)) && !task.is_idle()
}

/// What a life is lived with.
struct Lived {
    rig: Rig,
    descriptions: Descriptions,
    asked: Asked,
    observer: Observer,
    stop: StopWish,
    given: Rc<RefCell<Given>>,
    cyclic_slots: u16,
    inbox: Inbox,
}

/// The engine's ends.
struct Ends {
    controls: Controls,
    counters: CountersReader,
    pdu_loop: PduLoop<'static>,
    clock: CallersClock,
}

/// What it gives when there is a plan.
#[derive(Debug, Default)]
struct Given {
    io: Option<IoEnds>,
    keys: Keys,
}

async fn live(lived: Lived, ends: Ends) -> Result<Life, LifeError> {
    let Lived { rig, descriptions, asked, observer, stop, given, cyclic_slots, inbox } = lived;
    let Ends { controls, counters, pdu_loop, clock } = ends;
    let datagrams = Datagrams::new(pdu_loop, move || clock.read());
    let mut machine = Machine {
        rig: Cow::Borrowed(&rig),
        datagrams: &datagrams,
        controls: controls.into(),
        counters,
        cyclic_slots,
        surroundings: &Calm,
        observer: &observer,
        driven_bus: DrivenBus::Refuse,
        unwatched: UnwatchedOutputs::Tell,
        inbox,
        stop,
        descriptions,
        out_of_op: Arc::default(),
        interfaces: HostInterfaces::default(),
    };
    let connect = |planned: &Planned<'_>| {
        let mut ports = Ports::default();
        let io = Some(asked.connect(&rig, planned, &mut ports)?);
        *given.borrow_mut() = Given { io, keys: front::keys(planned) };
        Ok(ports)
    };
    machine.live(connect, |_| {}).await
}
