//! A bus on the bench: a program's own loop under virtual time, with a simulated segment at its end.

use crate::front::{Bus, Cycle, Io, NoCycle, NoSuchSubDevice, SubDeviceHandle, SubDeviceRef};
use crate::machine::{Life, LifeError};
use crate::own_loop::{OwnLoop, OwnLoopError};
use crate::subscribers::Events;
use std::time::Duration;
use zerocat_engine::Counters;
use zerocat_link::Sizing;
use zerocat_sim::{Action, ActionError, Segment, SegmentConfig, SegmentConfigError, SegmentLink};

/// Steps until a bring-up or a shutdown has hung.
const MOST_STEPS: u64 = 50_000_000;
const SIZING: Sizing = Sizing { slots: 72, receive: 72 };

/// The link into the segment.
type InProcessLink = SegmentLink<Box<dyn Fn() -> Duration + Send>>;

/// Why a bench didn't come to OP.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// The bus that the program described.
    #[error(transparent)]
    Bus(#[from] OwnLoopError),
    /// The segment.
    #[error(transparent)]
    Segment(#[from] SegmentConfigError),
    /// Bring-up, or what the program asked for.
    #[error(transparent)]
    Life(#[from] LifeError),
    /// It came to no end.
    #[error("the bus was neither in OP nor refused after {MOST_STEPS} steps")]
    Hung,
}

/// A bus, its segment and virtual time, moved cycle by cycle by a test. It is the session of its program too: dropped, nothing
/// moves any more; [`Bench::stop`] is a shutdown in order.
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use std::time::Duration;
/// use zerocat::testing::{Action, Bench, End, ProfileKind, line};
/// use zerocat::{NoCycle, Phase, SessionEvent};
/// let mut bus = Bench::bus().silent_after(Duration::from_millis(20));
/// let position = bus.input::<i32>(0, 0x6064);
/// let (mut bench, mut io) = Bench::start(bus, &line(&[ProfileKind::Servo])).unwrap();
/// let events = bench.events();
/// bench.act(Action::PullEnd(End::First)).unwrap();
/// bench.run(Duration::from_secs(1));
/// assert!(!io.is_good(position));
/// bench.act(Action::PlugEnd(End::First)).unwrap();
/// bench.run(Duration::from_secs(2));
/// let cycle = bench.step(&mut io).unwrap();
/// assert!(cycle.begins_anew() && io.is_good(position));
/// assert!(matches!(events.recv(Duration::ZERO), Ok(SessionEvent::Lost(_))));
/// assert!(bench.counters().silences > 0);
/// assert_eq!(bench.stop().unwrap(), Vec::<String>::new());
/// assert_eq!(bench.segment().snapshot().subdevices[0].state.to_string(), "INIT");
/// # }
/// ```
#[derive(Debug)]
pub struct Bench {
    own: OwnLoop<InProcessLink>,
    now: Duration,
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
        let segment = Segment::new(segment)?;
        let own = OwnLoop::with_clock(bus, |clock| SegmentLink::new(segment, SIZING, clock))?;
        let mut bench = Self { own, now: Duration::ZERO };
        for _ in 0..MOST_STEPS {
            bench.turn();
            if let Some(io) = bench.own.io() {
                return Ok((bench, io));
            }
            if let Some(ended) = bench.own.ended() {
                ended?;
            }
        }
        Err(BenchError::Hung)
    }

    /// What is due, and virtual time moves to what is due then. Whether a cycle ended.
    fn turn(&mut self) -> bool {
        if self.own.step(self.now) {
            return true;
        }
        let Some(deadline) = self.own.deadline() else {
            self.now = self.own.next().max(self.now);
            return false;
        };
        // In one process a frame that isn't back at once never comes.
        if self.own.step(self.now) {
            return true;
        }
        self.now = deadline.max(self.now);
        self.own.step(self.now)
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
        self.now = self.now.saturating_add(time);
        self.own.pass(self.now);
    }

    /// Does something to the segment: pulls a cable, takes the power of a SubDevice.
    ///
    /// # Errors
    /// It can't be done to it.
    pub fn act(&mut self, action: Action) -> Result<(), ActionError> {
        let now = self.now;
        self.segment_mut().act(action, now)
    }

    /// The segment.
    #[must_use]
    pub const fn segment(&self) -> &Segment {
        self.own.link().segment()
    }

    /// The segment, to change.
    pub const fn segment_mut(&mut self) -> &mut Segment {
        self.own.link_mut().segment_mut()
    }

    /// What the engine counted.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        self.own.counters()
    }

    /// Virtual time.
    #[must_use]
    pub const fn now(&self) -> Duration {
        self.now
    }

    /// One SubDevice, by its key or its position, as [`Session::subdevice`](crate::Session::subdevice) gives it; the cycles that
    /// follow do what is asked of it.
    ///
    /// # Errors
    /// There is no such SubDevice.
    pub fn subdevice(&self, of: impl Into<SubDeviceRef>) -> Result<SubDeviceHandle, NoSuchSubDevice> {
        self.own.subdevice(of)
    }

    /// Asks the bus.
    #[cfg(test)]
    pub(crate) const fn requests(&self) -> &zerocat_bus::Requests {
        self.own.requests()
    }

    /// Subscribes to what happens from now on.
    #[must_use]
    pub fn events(&self) -> Events {
        self.own.events()
    }

    /// Whether the bus is still driven.
    #[must_use]
    pub const fn is_alive(&self) -> bool {
        self.own.is_alive()
    }

    /// Asks for the end; the cycles that follow do it.
    pub fn ask_to_stop(&self) {
        self.own.ask_to_stop();
    }

    /// Shuts the bus down in order. Returns what failed.
    ///
    /// # Errors
    /// It came to no end.
    pub fn stop(&mut self) -> Result<Vec<String>, BenchError> {
        self.ask_to_stop();
        for _ in 0..MOST_STEPS {
            self.turn();
            if let Some(ended) = self.own.ended() {
                return Ok(failed(&ended));
            }
            if !self.is_alive() {
                return Ok(Vec::new());
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
