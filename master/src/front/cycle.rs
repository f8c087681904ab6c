//! A cycle that a program was given, why it was given none, and why a set of outputs was not taken.

use super::handle::BusId;
use std::time::Duration;
use zerocat_tasks::Moment;

/// A cycle whose inputs the program has. A commit names the one that its outputs were computed from.
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use std::time::Duration;
/// use zerocat::testing::{Bench, ProfileKind, line};
/// let mut bus = Bench::bus();
/// let position = bus.input::<i32>(0, 0x6064);
/// let (mut bench, mut io) = Bench::start(bus, &line(&[ProfileKind::Servo])).unwrap();
/// let first = bench.step(&mut io).unwrap();
/// assert!(first.begins_anew() && first.elapsed().is_none());
/// bench.run(Duration::from_millis(4));
/// let cycle = bench.step(&mut io).unwrap();
/// assert_eq!((cycle.number() - first.number(), cycle.overruns(), cycle.skipped()), (5, 4, 0));
/// assert_eq!(cycle.elapsed(), Some(Duration::from_millis(5)));
/// assert!(cycle.received() >= cycle.tick() && cycle.epoch() == first.epoch());
/// # let _ = io.get(position);
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cycle {
    pub(super) bus: BusId,
    pub(super) number: u64,
    pub(super) at: Duration,
    pub(super) received: Duration,
    pub(super) clock: Option<u64>,
    pub(super) moment: Option<Moment>,
    pub(super) skipped: u64,
    pub(super) overtaken: u64,
    pub(super) elapsed: Option<Duration>,
    pub(super) epoch: u64,
    pub(super) life: Life,
    pub(super) anew: bool,
}

/// What a set of outputs must have been made in to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Life {
    /// The epoch that voided all that was commanded before.
    pub(super) began: u64,
    pub(super) silences: u64,
}

impl Cycle {
    /// Its number on the grid.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Its tick, on `CLOCK_MONOTONIC`.
    #[must_use]
    pub const fn tick(&self) -> Duration {
        self.at
    }

    /// When its last frame was back, on `CLOCK_MONOTONIC`; where one is missing, when it was given up.
    #[must_use]
    pub const fn received(&self) -> Duration {
        self.received
    }

    /// The time of the network's reference clock when the cycle's first frame passed it. `None` without such a clock, and where that
    /// frame is missing.
    #[must_use]
    pub const fn clock(&self) -> Option<Duration> {
        match self.clock {
            Some(nanos) => Some(Duration::from_nanos(nanos)),
            None => None,
        }
    }

    /// UTC of the cycle, since 1970-01-01: when its first frame passed the reference clock; without one, its tick. It rises from cycle
    /// to cycle within a [base of time](Self::time_base). `None` in a program's own loop, whose clock is the program's matter.
    #[must_use]
    pub const fn utc(&self) -> Option<Duration> {
        match self.moment {
            Some(moment) => Some(Duration::from_nanos(moment.utc)),
            None => None,
        }
    }

    /// Number of the base of time that [`Cycle::utc`] is of: 1 at first, and one more whenever the wall clock or the reference clock was
    /// stepped ([`SessionEvent::ClockStepped`](crate::SessionEvent::ClockStepped)). Times of one base are comparable.
    #[must_use]
    pub const fn time_base(&self) -> Option<u32> {
        match self.moment {
            Some(moment) => Some(moment.base),
            None => None,
        }
    }

    /// Time from the tick of the cycle that the program was given before to this one's: what a control law integrates
    /// over. `None` for the first one, and after an outage.
    #[must_use]
    pub const fn elapsed(&self) -> Option<Duration> {
        self.elapsed
    }

    /// Ticks since the cycle before that were not run: the realtime thread was late, or outputs were safe.
    #[must_use]
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Cycles since the one before that were run and that the program was too slow for.
    #[must_use]
    pub const fn overruns(&self) -> u64 {
        self.overtaken
    }

    /// The epoch: it grows whenever what was commanded before must not be sent any more, of all SubDevices or of single ones.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether it is the first after the start, an outage, or a silence of the program: no output is commanded any
    /// more, what a controller keeps from before is to be set back.
    #[must_use]
    pub const fn begins_anew(&self) -> bool {
        self.anew
    }
}

/// No cycle.
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use std::time::Duration;
/// use zerocat::NoCycle;
/// use zerocat::testing::{Bench, ProfileKind, line};
/// let mut bus = Bench::bus();
/// let position = bus.input::<i32>(0, 0x6064);
/// let (mut bench, mut io) = Bench::start(bus, &line(&[ProfileKind::Servo])).unwrap();
/// bench.stop().unwrap();
/// let ended = loop {
///     match io.wait(Duration::from_millis(10)) {
///         Ok(_) => println!("{}", io.get(position)),
///         Err(NoCycle::TimedOut) => println!("an outage, or the time was too short: wait again"),
///         Err(ended) => break ended,
///     }
/// };
/// assert_eq!(ended, NoCycle::Ended);
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoCycle {
    /// None came in time: the time was too short, or the network is lost and is being brought to OP again.
    #[error("no cycle came in time")]
    TimedOut,
    /// None will come: the session is over.
    #[error("the session is over, no cycle will come")]
    Ended,
}

/// Why outputs were not taken. Nothing of the set is sent.
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use std::time::Duration;
/// use zerocat::Refused;
/// use zerocat::testing::{Bench, ProfileKind, line};
/// let mut bus = Bench::bus().silent_after(Duration::from_millis(20)).commands_at_most(Duration::from_millis(5));
/// let target = bus.output::<i32>(0, 0x607a);
/// let (mut bench, mut io) = Bench::start(bus, &line(&[ProfileKind::Servo])).unwrap();
/// let cycle = bench.step(&mut io).unwrap();
/// bench.run(Duration::from_millis(8));
/// io.set(target, 1000);
/// match io.commit(&cycle) {
///     Err(Refused::TooLate { age, at_most }) => assert!(age > at_most),
///     other => panic!("{other:?}"),
/// }
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The program asked for no outputs.
    #[error("the program asked for no outputs")]
    NoOutputs,
    /// The cycle, or the handle of an output that was set, is of another bus.
    #[error("a handle or a cycle of another bus was used")]
    OtherBus,
    /// The end was asked for: outputs are safe.
    #[error("the session is being stopped, outputs are safe")]
    Stopped,
    /// The network is lost, or the cycle is one of before: outputs are safe.
    #[error("the outputs were computed from a cycle before an outage, or the network is lost")]
    Outage,
    /// The program was silent since that cycle: its outputs became safe.
    #[error("the program has been silent since that cycle, and its outputs became safe")]
    WasSilent,
    /// The cycle is too long ago.
    #[error("the outputs were computed from a cycle {age:?} ago, more than {at_most:?}")]
    TooLate {
        /// From the cycle's tick to the commit.
        age: Duration,
        /// The longest time that is allowed.
        at_most: Duration,
    },
    /// So many commits wait that the realtime thread has not seen a cycle for.
    #[error("too many commits in one cycle")]
    TooMany,
}
