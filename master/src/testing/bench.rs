//! A bus on the bench.

use super::drive::{Drive, VirtualClock};
use crate::events::Observer;
use crate::front::{Asked, Bus, Cycle, Io, IoEnds, NoCycle, ProgramClock, Waiting};
use crate::machine::{DrivenBus, Life, LifeError, Machine, StopWish, UnwatchedOutputs};
use crate::subscribers::{Events, Subscribers};
use crate::surroundings::{LinkState, NotAttached, Surroundings};
use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use zerocat_bus::{Datagrams, PduLoop, requests};
use zerocat_config::{ConfigError, Rig};
use zerocat_engine::{Counters, EngineParts, EventReader};
use zerocat_sched::{Period, PeriodError};
use zerocat_sim::{Action, ActionError, Segment, SegmentConfig, SegmentConfigError};

/// Turns until a bring-up or a shutdown has hung.
const MOST_TURNS: u64 = 50_000_000;

/// Why a bench didn't come to OP.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// The bus that the program described.
    #[error(transparent)]
    Rig(#[from] ConfigError),
    /// Its rate.
    #[error(transparent)]
    Rate(#[from] PeriodError),
    /// The segment.
    #[error(transparent)]
    Segment(#[from] SegmentConfigError),
    /// Bring-up, or what the program asked for.
    #[error(transparent)]
    Life(#[from] LifeError),
    /// A thread for the program couldn't be started.
    #[error("start a thread")]
    Thread(#[from] std::io::Error),
    /// It came to no end.
    #[error("the bus was neither in OP nor refused after {MOST_TURNS} steps")]
    Hung,
}

/// A bus, its segment and virtual time, moved step by step by a test. It is the session of its program too: dropped, nothing
/// moves any more; [`Bench::stop`] is a shutdown in order.
pub struct Bench {
    drive: Drive,
    life: Course,
    stop: StopWish,
    subscribers: Subscribers,
    _events: EventReader,
}

/// The bus's life.
enum Course {
    Goes(Pin<Box<dyn Future<Output = Result<Life, LifeError>>>>),
    Ended(Box<Result<Life, LifeError>>),
    Taken,
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").field("now", &self.now()).finish_non_exhaustive()
    }
}

impl Bench {
    /// A bus for [`Bench::start`], with 1,000 cycles a second.
    #[must_use]
    pub fn bus() -> Bus {
        Bus::on("bench")
    }

    /// Brings a bus on a segment to OP.
    ///
    /// # Errors
    /// As [`Bus::start`], and what is wrong with the segment.
    pub fn start(bus: Bus, segment: &SegmentConfig) -> Result<(Self, Io), BenchError> {
        let (rig, asked) = bus.into_parts();
        let rig = rig.check()?.into_rig();
        let period = Period::from_rate(rig.network.properties.rate)?;
        let (drive, parts, pdu_loop) = Drive::new(Segment::new(segment)?, period, |link| link);
        let EngineParts { controls, counters, events } = parts;
        let (stop, observer) = (StopWish::default(), Observer::default());
        let (subscribers, clock) = (observer.subscribers(), drive.clock.clone());
        let given = Rc::<RefCell<Given>>::default();
        let bus = OnBench { rig, asked, observer, stop: stop.clone(), given: Rc::clone(&given) };
        let life = Course::Goes(Box::pin(live(bus, controls, counters, pdu_loop, clock.clone())));
        let mut bench = Self { drive, life, stop: stop.clone(), subscribers, _events: events };
        let mut turns = 0;
        // The order to let traffic flow is obeyed at the end of a cycle.
        while !given.borrow().in_op || bench.counters().live == 0 {
            bench.turn();
            turns += 1;
            match std::mem::replace(&mut bench.life, Course::Taken) {
                Course::Ended(ended) => bench.life = Course::Ended(Box::new(Ok((*ended)?))),
                other => bench.life = other,
            }
            if turns > MOST_TURNS {
                return Err(BenchError::Hung);
            }
        }
        let ends = given.borrow_mut().io.take().ok_or(BenchError::Hung)?;
        let clock = ProgramClock::Virtual(Arc::new(move || clock.read()));
        Ok((bench, Io::new(ends, clock, Waiting::Spin, stop)?))
    }

    /// One turn: the bus's life as far as it goes, and what is due of the engine. Whether a cycle ended.
    fn turn(&mut self) -> bool {
        if let Course::Goes(life) = &mut self.life
            && let Poll::Ready(ended) = life.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        {
            self.life = Course::Ended(Box::new(ended));
            self.subscribers.close();
        }
        self.drive.turn().is_some()
    }

    /// One cycle. Virtual time moves by one period.
    pub fn cycle(&mut self) {
        while !self.turn() {}
    }

    /// One cycle, and what the program is given of it.
    ///
    /// # Errors
    /// None was given: the network is lost ([`NoCycle::TimedOut`]), or it is over.
    pub fn step(&mut self, io: &mut Io) -> Result<Cycle, NoCycle> {
        self.cycle();
        io.wait(Duration::ZERO)
    }

    /// Cycles until a time has passed.
    pub fn run(&mut self, time: Duration) {
        let end = self.now().saturating_add(time);
        while self.now() < end {
            self.cycle();
        }
    }

    /// The realtime thread and the bus thread stand still for a time, as a debugger or a machine without CPU has them do;
    /// the SubDevices don't.
    pub fn stand_still(&mut self, time: Duration) {
        self.drive.stand_still(time);
    }

    /// Does something to the segment: pulls a cable, takes the power of a SubDevice.
    ///
    /// # Errors
    /// It can't be done to it.
    pub fn act(&mut self, action: Action) -> Result<(), ActionError> {
        let now = self.now();
        self.segment_mut().act(action, now)
    }

    /// The segment.
    #[must_use]
    pub const fn segment(&self) -> &Segment {
        self.drive.engine().link().segment()
    }

    /// The segment, to change.
    pub const fn segment_mut(&mut self) -> &mut Segment {
        self.drive.engine_mut().link_mut().segment_mut()
    }

    /// What the engine counted.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        self.drive.engine().counters()
    }

    /// Virtual time.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.drive.clock.read()
    }

    /// Subscribes to what happens from now on.
    #[must_use]
    pub fn events(&self) -> Events {
        self.subscribers.subscribe()
    }

    /// Whether the bus is still driven.
    #[must_use]
    pub const fn is_alive(&self) -> bool {
        matches!(self.life, Course::Goes(_))
    }

    /// Asks for the end; the cycles that follow do it.
    pub fn ask_to_stop(&self) {
        self.stop.ask();
    }

    /// Shuts the bus down in order. Returns what failed.
    ///
    /// # Errors
    /// It came to no end.
    pub fn stop(&mut self) -> Result<Vec<String>, BenchError> {
        self.ask_to_stop();
        for _ in 0..MOST_TURNS {
            self.turn();
            match &self.life {
                Course::Goes(_) => {}
                Course::Ended(ended) => return Ok(failed(ended)),
                Course::Taken => return Ok(Vec::new()),
            }
        }
        Err(BenchError::Hung)
    }
}

/// What failed of a life.
fn failed(ended: &Result<Life, LifeError>) -> Vec<String> {
    match ended {
        Ok(life) => life.failed.iter().map(ToString::to_string).collect(),
        Err(error) => vec![error.to_string()],
    }
}

/// What a life is lived with.
struct OnBench {
    rig: Rig,
    asked: Asked,
    observer: Observer,
    stop: StopWish,
    given: Rc<RefCell<Given>>,
}

/// What it gives when it is in OP.
#[derive(Debug, Default)]
struct Given {
    io: Option<IoEnds>,
    in_op: bool,
}

async fn live(
    bus: OnBench,
    controls: zerocat_engine::Controls,
    counters: zerocat_engine::CountersReader,
    pdu_loop: PduLoop<'static>,
    clock: VirtualClock,
) -> Result<Life, LifeError> {
    let OnBench { rig, asked, observer, stop, given } = bus;
    let datagrams = Datagrams::new(pdu_loop, move || clock.read());
    let (_requests, inbox) = requests();
    let mut machine = Machine {
        rig: Cow::Borrowed(&rig),
        datagrams: &datagrams,
        controls: controls.into(),
        counters,
        cyclic_slots: Drive::<super::InProcessLink>::CYCLIC,
        surroundings: &Calm,
        observer: &observer,
        driven_bus: DrivenBus::Refuse,
        unwatched: UnwatchedOutputs::Tell,
        inbox,
        stop,
        out_of_op: Arc::default(),
    };
    let connect = |planned: &crate::bring_up::Planned<'_>| {
        let mut ports = crate::bring_up::Ports::default();
        given.borrow_mut().io = Some(asked.connect(&rig, planned, &mut ports)?);
        Ok(ports)
    };
    machine.live(connect, |_| given.borrow_mut().in_op = true).await
}

/// A world in which nothing happens to link and machine.
#[derive(Debug)]
struct Calm;

impl Surroundings for Calm {
    fn carrier(&self) -> Option<bool> {
        None
    }

    fn suspended(&self) -> Duration {
        Duration::ZERO
    }

    fn link(&self) -> LinkState {
        LinkState::Standing
    }

    fn attach_again(&self) -> Result<(), NotAttached> {
        Ok(())
    }
}
