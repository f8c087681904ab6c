//! The world of a life: engine, link and clocks, driven step by step, and what faults do to them.

use crate::fault::{Fault, FaultKind};
use crate::wire::{SegmentClock, Wire};
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use zerocat::{LinkState, NotAttached, Surroundings};
use zerocat_bus::{Datagrams, Rest};
use zerocat_engine::{
    AcyclicSettings, Concluded, Controls, CountersReader, Engine, EngineParts, EventReader, Pool, Stepper, Timing,
    slots_needed,
};
use zerocat_link::{Sizing, Slot};
use zerocat_sched::time::nanos;
use zerocat_sched::{Grid, Time};
use zerocat_sim::{Action, End, Segment, SegmentConfig, SegmentLink};
use zerocat_wire::AlState;

/// Acyclic frames that may be out at once.
const ACYCLIC: u16 = 8;
/// Transmit slots for cyclic frames.
pub(crate) const CYCLIC: u16 = 64;
/// Virtual time that a look at the link takes while acyclic frames are out.
const LOOK: Duration = Duration::from_micros(20);

/// Clocks: that of the program, and how much further that of the SubDevices is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clocks {
    program: Arc<AtomicU64>,
    ahead: Arc<AtomicU64>,
}

impl Clocks {
    pub(crate) fn now(&self) -> Time {
        // SYNC: one thread; the atomics only make the clocks shareable.
        Time(self.program.load(Ordering::Relaxed))
    }

    pub(crate) fn duration(&self) -> Duration {
        Duration::from_nanos(self.now().0)
    }

    fn set(&self, time: Time) {
        // SYNC: as in `now`.
        self.program.store(time.0.max(self.now().0), Ordering::Relaxed);
    }

    /// Time passes for the SubDevices only.
    fn pass_for_subdevices(&self, time: Duration) {
        // SYNC: as in `now`.
        self.ahead.fetch_add(nanos(time), Ordering::Relaxed);
    }

    /// The clock of the SubDevices.
    pub(crate) fn of_subdevices(&self) -> Duration {
        // SYNC: as in `now`.
        Duration::from_nanos(self.now().0.saturating_add(self.ahead.load(Ordering::Relaxed)))
    }

    fn segment_clock(&self) -> SegmentClock {
        let clocks = self.clone();
        Box::new(move || clocks.of_subdevices())
    }
}

/// What the machine's life sees beside its bus.
#[derive(Debug)]
pub(crate) struct Scene {
    carrier: Cell<Option<bool>>,
    suspended: Cell<Duration>,
    gone: RefCell<Option<String>>,
    /// The program is detached.
    detached: Cell<bool>,
    /// Somebody else's program is in its place.
    taken: Cell<bool>,
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            carrier: Cell::new(Some(true)),
            suspended: Cell::default(),
            gone: RefCell::default(),
            detached: Cell::default(),
            taken: Cell::default(),
        }
    }
}

impl Surroundings for Scene {
    fn carrier(&self) -> Option<bool> {
        self.carrier.get()
    }

    fn suspended(&self) -> Duration {
        self.suspended.get()
    }

    fn link(&self) -> LinkState {
        let standing = if self.detached.get() { LinkState::Detached } else { LinkState::Standing };
        self.gone.borrow().clone().map_or(standing, LinkState::Gone)
    }

    fn attach_again(&self) -> Result<(), NotAttached> {
        if self.taken.get() {
            return Err(NotAttached::Now("another program is there".to_owned()));
        }
        self.detached.set(false);
        Ok(())
    }
}

/// The engine's side.
#[derive(Debug)]
pub(crate) struct World {
    stepper: Stepper<Wire>,
    pub(crate) clocks: Clocks,
    period: Duration,
    /// Number of the next cycle.
    number: u64,
    _events: EventReader,
    /// Until when the bus thread has no CPU.
    pub(crate) starved_until: Time,
    /// Since when time that the program can't see has been passing; see [`FaultKind::Paused`].
    pub(crate) paused_at: Option<Duration>,
}

/// The ends for the machine.
pub(crate) struct MachineEnds {
    pub(crate) controls: Controls,
    pub(crate) counters: CountersReader,
    pub(crate) datagrams: Datagrams,
}

impl World {
    pub(crate) fn new(config: &SegmentConfig, period: Duration, seed: u64) -> (Self, MachineEnds) {
        zerocat_sched::link_idle_timer();
        let clocks = Clocks::default();
        #[expect(clippy::expect_used, reason = "segments of the campaign are made of profiles that exist")]
        let segment = Segment::new(config).expect("a segment of profiles");
        let sizing = Sizing { slots: slots_needed(CYCLIC.into(), ACYCLIC), receive: CYCLIC + ACYCLIC };
        let inner = SegmentLink::new(segment, sizing, clocks.segment_clock());
        let link = Wire::new(inner, clocks.segment_clock(), seed);
        let (pool, pdu_loop) = Pool::new();
        let acyclic =
            AcyclicSettings { first_slot: Slot(CYCLIC), in_flight: ACYCLIC, timeout: Duration::from_millis(20) };
        let (engine, parts) = Engine::new(link, Timing::for_period(period), pool, acyclic);
        #[expect(clippy::expect_used, reason = "the campaign's periods are those of grids")]
        let grid = Grid::from_period(Time(0), period).expect("a period of a grid");
        let EngineParts { controls, counters, events } = parts;
        let now = clocks.clone();
        let datagrams = Datagrams::new(pdu_loop, move || now.duration());
        let world = Self {
            stepper: Stepper::new(engine, grid),
            clocks,
            period,
            number: 1,
            _events: events,
            starved_until: Time(0),
            paused_at: None,
        };
        (world, MachineEnds { controls, counters, datagrams })
    }

    pub(crate) const fn engine(&self) -> &Engine<Wire> {
        self.stepper.engine()
    }

    pub(crate) const fn engine_mut(&mut self) -> &mut Engine<Wire> {
        self.stepper.engine_mut()
    }

    pub(crate) fn segment(&self) -> &Segment {
        self.engine().link().segment()
    }

    pub(crate) const fn cycle(&self) -> u64 {
        self.number
    }

    fn next_tick(&self) -> Time {
        Time(self.number.saturating_mul(nanos(self.period)))
    }

    /// What the realtime thread does while the bus's futures wait: a look at the link or, when it is time, a cycle. Returns
    /// what a cycle concluded.
    pub(crate) fn turn(&mut self, rest: Rest, scene: &Scene) -> Option<Concluded> {
        self.engine_mut().link_mut().weather.deaf = scene.detached.get();
        let next = self.next_tick();
        let look = self.clocks.now().after(LOOK);
        if matches!(rest, Rest::Brief(_)) && look < next.before(self.engine().timing().guard) {
            self.clocks.set(look);
            self.stepper.slack(self.clocks.now());
            return None;
        }
        Some(self.exchange(scene.suspended.get()))
    }

    /// A cycle at the next tick that isn't past, on a machine that has been suspended for so long in all.
    fn exchange(&mut self, suspended: Duration) -> Concluded {
        let period = nanos(self.period).max(1);
        let due = self.clocks.now().0.div_ceil(period).max(self.number);
        let at = Time(due.saturating_mul(period));
        self.number = due.saturating_add(1);
        self.clocks.set(at);
        self.engine_mut().link_mut().begin_cycle(due);
        self.engine_mut().note_suspended(suspended);
        self.stepper.send(at, at);
        if !self.stepper.poll() {
            self.clocks.set(self.stepper.deadline().unwrap_or(at));
            self.stepper.poll();
        }
        let concluded = self.stepper.conclude(self.clocks.now());
        // The lane's turn, which is owed in every cycle.
        self.stepper.slack(self.clocks.now());
        concluded
    }

    /// A fault begins.
    pub(crate) fn begin(&mut self, fault: Fault, scene: &Scene) {
        let lasts = fault.lasts;
        match fault.kind {
            FaultKind::LoseAll => self.engine_mut().link_mut().weather.lose_all = true,
            FaultKind::LoseAnswers => self.engine_mut().link_mut().weather.lose_answers = true,
            FaultKind::LoseSome { n } => self.engine_mut().link_mut().weather.lose_one_in = Some(n),
            FaultKind::Late => self.engine_mut().link_mut().weather.late = true,
            FaultKind::InterfaceDown => {
                scene.carrier.set(Some(false));
                self.engine_mut().link_mut().set_down(true);
            }
            FaultKind::Stall => self.clocks.set(self.clocks.now().after(lasts)),
            FaultKind::BusThreadStarved => self.starved_until = self.clocks.now().after(lasts),
            FaultKind::Suspended => {
                self.clocks.pass_for_subdevices(lasts);
                scene.suspended.set(scene.suspended.get() + lasts);
            }
            FaultKind::Paused => {
                self.paused_at = Some(self.clocks.duration());
                self.clocks.pass_for_subdevices(lasts);
            }
            FaultKind::LinkGone => *scene.gone.borrow_mut() = Some("the interface was removed".to_owned()),
            FaultKind::Detached => {
                scene.detached.set(true);
                scene.taken.set(true);
            }
            kind => self.act(kind, true),
        }
        let now = self.clocks.of_subdevices();
        self.engine_mut().link_mut().segment_mut().step(now);
    }

    /// A fault ends.
    pub(crate) fn end(&mut self, fault: Fault, scene: &Scene) {
        match fault.kind {
            FaultKind::LoseAll => self.engine_mut().link_mut().weather.lose_all = false,
            FaultKind::LoseAnswers => self.engine_mut().link_mut().weather.lose_answers = false,
            FaultKind::LoseSome { .. } => self.engine_mut().link_mut().weather.lose_one_in = None,
            FaultKind::Late => self.engine_mut().link_mut().weather.late = false,
            FaultKind::InterfaceDown => {
                scene.carrier.set(Some(true));
                self.engine_mut().link_mut().set_down(false);
            }
            FaultKind::Detached => scene.taken.set(false),
            kind => self.act(kind, false),
        }
    }

    /// What is done to the segment.
    fn act(&mut self, kind: FaultKind, begins: bool) {
        let action = match (kind, begins) {
            (FaultKind::Cable { child }, true) => Action::PullCable { child },
            (FaultKind::Cable { child }, false) => Action::PlugCable { child },
            (FaultKind::End, true) => Action::PullEnd(End::First),
            (FaultKind::End, false) => Action::PlugEnd(End::First),
            (FaultKind::Power { subdevice }, true) => Action::PowerOff { subdevice },
            (FaultKind::Power { subdevice }, false) => Action::PowerOn { subdevice },
            (FaultKind::Damage { child }, true) => Action::DamageFrames { child, frames: 50 },
            (FaultKind::AlError { subdevice, code }, true) => {
                Action::AlError { subdevice, state: Some(AlState::SafeOp), code }
            }
            (FaultKind::MailboxFrozen { subdevice }, frozen) => Action::FreezeMailbox { subdevice, frozen },
            _ => return,
        };
        // What can't be done to this SubDevice now isn't done.
        let now = self.clocks.of_subdevices();
        let _ = self.engine_mut().link_mut().segment_mut().act(action, now);
    }
}
