//! A bus in OP under virtual time, with a simulated segment behind a link that loses, doubles and delays frames.

use super::MailboxBenchError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use zerocat::testing::{Action, Bench, BenchError};
use zerocat::{Io, OwnLoop, SubDeviceHandle};
use zerocat_link::Sizing;
use zerocat_link::fault::{FaultInjector, FaultPlan, Lateness, Rate};
use zerocat_sim::{Segment, SegmentConfig, SegmentLink};

/// Steps until a bring-up has hung.
const MOST_STEPS: u64 = 50_000_000;
const SIZING: Sizing = Sizing { slots: 76, receive: 76 };

/// Frames lost in each direction, in a million: together 1 %.
const LOST: u32 = 5_000;
/// Frames that come twice in each direction, in a million.
const DOUBLED: u32 = 2_000;
/// Frames that come late in each direction, in a million.
const LATE: u32 = 2_000;

/// Over-voltage in the DC link (CiA 402).
const OVER_VOLTAGE: u16 = 0x3210;

/// What happens to the frames of a direction.
pub(super) fn plan() -> FaultPlan {
    let [drop, duplicate, delay] = [LOST, DOUBLED, LATE].map(Rate::PerMillion);
    FaultPlan { drop, duplicate, delay, late: Lateness::Frames(2), ..FaultPlan::default() }
}

/// A SubDevice raises an emergency.
pub(super) const fn emergency(subdevice: usize) -> Action {
    Action::Emergency { subdevice, code: OVER_VOLTAGE, register: 4, data: [0; 5] }
}

type Clock = Box<dyn Fn() -> Duration + Send>;
type Wire = FaultInjector<SegmentLink<Clock>>;

/// The bus, moved by whoever asks.
#[derive(Debug)]
pub(super) struct World {
    own: OwnLoop<Wire>,
    clock: Arc<AtomicU64>,
    now: Duration,
    /// Kept, so that the bus has a program; it commands nothing.
    _io: Option<Io>,
}

impl World {
    /// Brings a segment to OP over a link without faults.
    ///
    /// # Errors
    /// `BringUp`.
    pub(super) fn bring_up(segment: &SegmentConfig, seed: u64) -> Result<Self, MailboxBenchError> {
        let segment = Segment::new(segment).map_err(BenchError::from)?;
        let clock = Arc::new(AtomicU64::new(0));
        let told = Arc::clone(&clock);
        // SYNC: one thread; the atomic only makes the clock shareable.
        let read: Clock = Box::new(move || Duration::from_nanos(told.load(Ordering::Relaxed)));
        let none = FaultPlan::default();
        let link = FaultInjector::new(SegmentLink::new(segment, SIZING, read), none, none, seed);
        let own = OwnLoop::begin(Bench::bus(), link, Duration::ZERO).map_err(BenchError::from)?;
        let mut world = Self { own, clock, now: Duration::ZERO, _io: None };
        for _ in 0..MOST_STEPS {
            world.turn();
            if let Some(io) = world.own.io() {
                world._io = Some(io);
                return Ok(world);
            }
            if let Some(ended) = world.own.ended() {
                ended.map_err(BenchError::from)?;
            }
        }
        Err(BenchError::Hung.into())
    }

    /// From now on frames are lost, doubled and late, or no longer.
    pub(super) fn disturb(&mut self, disturbed: bool) {
        let plan = if disturbed { plan() } else { FaultPlan::default() };
        self.own.link_mut().set_plans(plan, plan);
    }

    /// What is due is done, and virtual time moves to what is due then.
    pub(super) fn turn(&mut self) {
        self.set(self.now);
        if self.own.step(self.now) {
            return;
        }
        let Some(deadline) = self.own.deadline() else { return self.set(self.own.next()) };
        // In one process a frame that isn't back at once is late or lost: the cycle ends at its deadline.
        if !self.own.step(self.now) {
            self.set(deadline);
            self.own.step(self.now);
        }
    }

    /// Does something to the segment.
    ///
    /// # Errors
    /// `Ended`.
    pub(super) fn act(&mut self, action: Action) -> Result<(), MailboxBenchError> {
        let now = self.now;
        let acted = self.own.link_mut().inner_mut().segment_mut().act(action, now);
        acted.map_err(|error| MailboxBenchError::Ended(error.to_string()))
    }

    /// One SubDevice.
    ///
    /// # Errors
    /// `Ended`.
    pub(super) fn subdevice(&self, position: u16) -> Result<SubDeviceHandle, MailboxBenchError> {
        self.own.subdevice(position).map_err(|error| MailboxBenchError::Ended(error.to_string()))
    }

    /// Virtual time.
    pub(super) const fn now(&self) -> Duration {
        self.now
    }

    /// Cyclic frames that didn't come back.
    pub(super) const fn lost_frames(&self) -> u64 {
        self.own.counters().lost_frames
    }

    /// Whether the bus is still driven.
    pub(super) const fn is_alive(&self) -> bool {
        self.own.is_alive()
    }

    fn set(&mut self, now: Duration) {
        self.now = self.now.max(now);
        let nanos = u64::try_from(self.now.as_nanos()).unwrap_or(u64::MAX);
        // SYNC: as where it is read.
        self.clock.store(nanos, Ordering::Relaxed);
    }
}
