//! An engine on a simulated segment, and the virtual time that its steps are given.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use zerocat_bus::PduLoop;
use zerocat_engine::{
    AcyclicSettings, Concluded, Engine, EngineParts, Pool, Slack, Step, Stepper, Timing, slots_needed,
};
use zerocat_link::{Link, Sizing, Slot};
use zerocat_sched::{Grid, Period, Time, link_idle_timer};
use zerocat_sim::{Segment, SegmentLink};

/// Acyclic frames that may be out at once.
const ACYCLIC: u16 = 8;
/// Transmit slots for cyclic frames.
const CYCLIC: u16 = 64;
/// Virtual time that a look at the link takes while acyclic frames are out.
const LOOK: Duration = Duration::from_micros(10);

type VirtualTime = Box<dyn Fn() -> Duration + Send>;
/// The link from the engine into the segment.
pub type InProcessLink = SegmentLink<VirtualTime>;

/// Virtual time, for whoever wants to read it.
#[derive(Debug, Clone, Default)]
pub(super) struct VirtualClock(Arc<AtomicU64>);

impl VirtualClock {
    pub(super) fn now(&self) -> Time {
        // SYNC: time alone; it orders nothing. Whoever reads it on another thread has nothing that depends on it.
        Time(self.0.load(Ordering::Relaxed))
    }

    pub(super) fn read(&self) -> Duration {
        Duration::from_nanos(self.now().0)
    }

    fn set(&self, time: Time) {
        // SYNC: as in `now`.
        self.0.store(time.0.max(self.now().0), Ordering::Relaxed);
    }
}

/// The engine, behind it the segment.
pub struct Drive<L = InProcessLink> {
    stepper: Stepper<L>,
    pub(super) clock: VirtualClock,
}

impl<L> fmt::Debug for Drive<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drive").field("now", &self.clock.read()).finish_non_exhaustive()
    }
}

impl<L: Link> Drive<L> {
    /// Transmit slots for cyclic frames.
    pub(super) const CYCLIC: u16 = CYCLIC;

    /// An engine with the period of its cycles, on what `wrap` makes of the link into the segment; its ends, and the sending
    /// end of its frame pool.
    pub(super) fn new(
        segment: Segment,
        period: Period,
        wrap: impl FnOnce(InProcessLink) -> L,
    ) -> (Self, EngineParts, PduLoop<'static>) {
        // ethercrab wants a timer to exist; it is never armed.
        link_idle_timer();
        let clock = VirtualClock::default();
        let (pool, pdu_loop) = Pool::new();
        let sizing = Sizing { slots: slots_needed(CYCLIC.into(), ACYCLIC), receive: CYCLIC + ACYCLIC };
        let segments = clock.clone();
        let link = wrap(SegmentLink::new(segment, sizing, Box::new(move || segments.read())));
        let acyclic = AcyclicSettings { first_slot: Slot(CYCLIC), in_flight: ACYCLIC, timeout: 20 * period.duration() };
        let (engine, parts) = Engine::new(link, Timing::for_period(period.duration()), pool, acyclic);
        let stepper = Stepper::new(engine, Grid::new(Time(0).after(period.duration()), period));
        (Self { stepper, clock }, parts, pdu_loop)
    }

    /// The engine, with its counters and its link, and behind that the segment.
    #[must_use]
    pub const fn engine(&self) -> &Engine<L> {
        self.stepper.engine()
    }

    /// The same, to change.
    pub const fn engine_mut(&mut self) -> &mut Engine<L> {
        self.stepper.engine_mut()
    }

    /// Virtual time passes in which nothing is done.
    pub(super) fn stand_still(&mut self, time: Duration) {
        self.clock.set(self.clock.now().after(time));
    }

    /// Does what is due, and moves virtual time to what is due then. Returns what a cycle concluded, if one did.
    pub(super) fn turn(&mut self) -> Option<Concluded> {
        match self.stepper.step(self.clock.now()) {
            Step::Sent => None,
            // In one process a frame that isn't back at once never comes.
            Step::Out => {
                let deadline = self.stepper.deadline();
                self.clock.set(deadline.unwrap_or_default());
                None
            }
            Step::Concluded(concluded) => Some(concluded),
            Step::Slack(Slack::Idle) => {
                self.clock.set(self.stepper.next(self.clock.now()));
                None
            }
            Step::Slack(Slack::Sent | Slack::Busy) => {
                let next = self.stepper.next(self.clock.now());
                self.clock.set(next.min(self.clock.now().after(LOOK)));
                None
            }
        }
    }
}
