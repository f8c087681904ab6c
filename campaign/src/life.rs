//! One life: everything that happens to a network, from a seed.

use crate::app::{App, Carried};
use crate::fault::{Fault, FaultKind, Schedule};
use crate::invariant::{Invariant, Violation};
use crate::parted::Parted;
use crate::world::{CYCLIC, MachineEnds, Scene, World};
use fastrand::Rng;
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use zerocat::config::Rig;
use zerocat::{
    BRING_UP, Descriptions, DrivenBus, HostInterfaces, Life, LifeError, Machine, Observer, OutOfOp, Phase, SHUTDOWN,
    SessionEvent, StopWish, UnwatchedOutputs,
};
use zerocat_bus::{Datagrams, requests};
use zerocat_sim::SegmentConfig;
use zerocat_wire::AlState;

/// The SubDevices' watchdog.
const WATCHDOG: Duration = Duration::from_millis(100);
/// What a shutdown may take beside its bound: that safe outputs are sent, and that the realtime thread obeys.
const GRACE: Duration = Duration::from_secs(5);
/// How long a SubDevice may be out of OP before it must have been named.
const NAMED_WITHIN: Duration = Duration::from_secs(1);
/// How long outputs of before may be sent after a pause that no clock shows: AL status is all that tells.
const PAUSE_SEEN_WITHIN: Duration = Duration::from_millis(500);

/// A life that was lived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lived {
    /// Its seed.
    pub seed: u64,
    /// Its cycles.
    pub cycles: u64,
    /// Whether the network was in OP.
    pub reached_op: bool,
    /// Outages that were noticed.
    pub outages: u64,
    /// Outages that ended in OP.
    pub recovered: u64,
    /// What happened to it.
    pub faults: Vec<FaultKind>,
    /// What must not have happened.
    pub violations: Vec<Violation>,
    /// A hash over all that was sent and told: two lives of the same seed have the same.
    pub digest: u64,
}

/// Lives the life of a seed.
#[must_use]
pub fn live(seed: u64) -> Lived {
    let course = Rc::new(RefCell::new(Course::new(seed)));
    let outcome = catch_unwind(AssertUnwindSafe(|| run(&course)));
    let mut course = course.borrow_mut();
    if let Err(panic) = outcome {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default();
        course.violate(Invariant::NoPanic, words);
    }
    course.lived()
}

/// What happens in the life of a seed, without living it, up to its stop.
#[must_use]
pub fn faults_of(seed: u64) -> Vec<FaultKind> {
    let Drawn { schedule, .. } = Drawn::of(seed);
    schedule.faults.iter().filter(|fault| fault.at < schedule.stop).map(|fault| fault.kind).collect()
}

/// What is drawn from a seed before its life begins.
struct Drawn {
    config: SegmentConfig,
    period: Duration,
    schedule: Schedule,
    /// For what is drawn while it lives.
    rng: Rng,
}

impl Drawn {
    fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let config = segment(&mut rng);
        let period = Duration::from_micros(*rng.choice(&[500, 1000, 1000, 1000, 2000, 4000]).unwrap_or(&1000));
        let schedule = Schedule::draw(&mut rng, config.subdevices.len());
        Self { config, period, schedule, rng }
    }
}

/// What is known of a life while it goes on.
struct Course {
    seed: u64,
    cycle: u64,
    phase: Option<Phase>,
    reached_op: bool,
    outages: u64,
    recovered: u64,
    faults: Vec<FaultKind>,
    violations: Vec<Violation>,
    digest: DefaultHasher,
}

impl Course {
    fn new(seed: u64) -> Self {
        Self {
            seed,
            cycle: 0,
            phase: None,
            reached_op: false,
            outages: 0,
            recovered: 0,
            faults: Vec::new(),
            violations: Vec::new(),
            digest: DefaultHasher::new(),
        }
    }

    /// Notes a violation, the first of its kind only: what follows from it says little.
    fn violate(&mut self, invariant: Invariant, what: String) {
        if self.violations.iter().all(|violation| violation.invariant != invariant) {
            self.violations.push(Violation { seed: self.seed, cycle: self.cycle, invariant, what });
        }
    }

    fn hear(&mut self, event: &SessionEvent) {
        event.to_string().hash(&mut self.digest);
        match event {
            SessionEvent::Phase(phase) => {
                self.phase = Some(*phase);
                self.reached_op |= *phase == Phase::Running;
            }
            SessionEvent::Lost(_) => self.outages += 1,
            SessionEvent::Recovered { .. } => self.recovered += 1,
            _ => {}
        }
    }

    fn lived(&self) -> Lived {
        Lived {
            seed: self.seed,
            cycles: self.cycle,
            reached_op: self.reached_op,
            outages: self.outages,
            recovered: self.recovered,
            faults: self.faults.clone(),
            violations: self.violations.clone(),
            digest: self.digest.finish(),
        }
    }
}

/// Draws a segment: a line with at least one servo.
fn segment(rng: &mut Rng) -> SegmentConfig {
    SegmentConfig::mixed(rng.usize(6..14))
}

fn rig(period: Duration) -> Rig {
    let text = format!(
        r#"{{ "network": {{ "key": "net", "name": "campaign", "make": "EtherCAT", "model": "Network",
            "properties": {{ "interface": "in-process", "rate": {} }} }},
            "engine": {{ "watchdog": "100ms" }} }}"#,
        1.0 / period.as_secs_f64()
    );
    #[expect(clippy::expect_used, reason = "the text above is a rig file")]
    Rig::from_json(&text).expect("a rig file")
}

fn run(course: &Rc<RefCell<Course>>) {
    let seed = course.borrow().seed;
    let Drawn { config, period, schedule, mut rng } = Drawn::of(seed);
    let (world, ends) = World::new(&config, period, rng.u64(..));
    let MachineEnds { controls, counters, datagrams } = ends;
    let (scene, stop, rig) = (Scene::default(), StopWish::default(), rig(period));
    let heard = SendCourse(Arc::default());
    let events = Arc::clone(&heard.0);
    let observer =
        Observer::new(move |event| events.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone()));
    let (_requests, inbox) = requests();
    let out_of_op = Arc::<Mutex<Vec<OutOfOp>>>::default();
    let app = Rc::new(RefCell::new(None));
    let mut machine = Machine {
        rig: Cow::Borrowed(&rig),
        datagrams: &datagrams,
        controls: RefCell::new(controls),
        counters,
        cyclic_slots: CYCLIC,
        surroundings: &scene,
        observer: &observer,
        driven_bus: DrivenBus::Refuse,
        unwatched: UnwatchedOutputs::Tell,
        inbox,
        stop: stop.clone(),
        descriptions: Descriptions::default(),
        out_of_op: Arc::clone(&out_of_op),
        interfaces: HostInterfaces::default(),
    };
    let plan = Rc::new(RefCell::new(None));
    let (app_made, plan_made, app_rng) = (Rc::clone(&app), Rc::clone(&plan), rng.fork());
    let life = machine.live(
        move |planned| {
            let (made, ports) = App::new(&planned.plan, app_rng);
            *app_made.borrow_mut() = Some(made);
            *plan_made.borrow_mut() = Some(planned.plan.clone());
            Ok(ports)
        },
        |_| {},
    );
    let mut stage = Stage {
        course,
        world,
        scene: &scene,
        datagrams: &datagrams,
        schedule,
        next: 0,
        going: Vec::new(),
        stop,
        stopped_at: None,
        heard,
        app,
        plan,
        out_of_op,
        epoch_began: Duration::ZERO,
        last_delivery: None,
        out_since: vec![None; config.subdevices.len()],
        shutdown_cycles: Cell::new(0),
        parted: Parted::default(),
    };
    let mut life = pin!(life);
    let mut context = Context::from_waker(Waker::noop());
    let ended = loop {
        if !stage.starved()
            && let Poll::Ready(ended) = life.as_mut().poll(&mut context)
        {
            break Some(ended);
        }
        stage.hear();
        if !stage.turn() {
            break None;
        }
    };
    stage.hear();
    stage.finish(ended);
}

/// Events, shared with an observer that must be `Send`.
struct SendCourse(Arc<Mutex<Vec<SessionEvent>>>);

/// A life on stage: what is done to it, and what is looked at.
struct Stage<'a> {
    course: &'a Rc<RefCell<Course>>,
    world: World,
    scene: &'a Scene,
    datagrams: &'a Datagrams,
    schedule: Schedule,
    /// Index of the next fault.
    next: usize,
    /// Faults that go on, and until when.
    going: Vec<(Duration, Fault)>,
    stop: StopWish,
    stopped_at: Option<Duration>,
    heard: SendCourse,
    app: Rc<RefCell<Option<App>>>,
    plan: Rc<RefCell<Option<zerocat_pdi::Plan>>>,
    out_of_op: Arc<Mutex<Vec<OutOfOp>>>,
    /// Sets that were made before must not reach the segment any more.
    epoch_began: Duration,
    /// When a cyclic frame reached the segment last, on the SubDevices' clock.
    last_delivery: Option<Duration>,
    out_since: Vec<Option<Duration>>,
    /// Cycles since shutdown began.
    shutdown_cycles: Cell<u64>,
    parted: Parted,
}

impl Stage<'_> {
    fn now(&self) -> Duration {
        self.world.clocks.duration()
    }

    fn starved(&self) -> bool {
        self.world.clocks.now() < self.world.starved_until
    }

    fn hear(&mut self) {
        let events = std::mem::take(&mut *self.heard.0.lock().unwrap_or_else(PoisonError::into_inner));
        for event in events {
            // What was made before the exchange began, or began anew, is void.
            if matches!(event, SessionEvent::Lost(_) | SessionEvent::Phase(Phase::Exchange)) {
                self.epoch_began = self.now();
            }
            if event == SessionEvent::Phase(Phase::Exchange)
                && let Some(app) = &mut *self.app.borrow_mut()
            {
                app.begin();
            }
            self.course.borrow_mut().hear(&event);
        }
    }

    /// Moves the world on. Returns whether the life may go on.
    fn turn(&mut self) -> bool {
        let rest = self.datagrams.rest();
        let concluded = self.world.turn(rest, self.scene);
        if concluded.is_some() {
            self.cycle();
        }
        self.schedule_faults();
        self.within_bounds()
    }

    fn cycle(&mut self) {
        self.course.borrow_mut().cycle = self.world.cycle();
        if let Some(plan) = self.plan.borrow_mut().take() {
            self.world.engine_mut().link_mut().know(&plan);
        }
        self.look_at_outputs();
        self.look_at_terminals();
        self.look_at_states();
        let now = self.now();
        if let Some(app) = &mut *self.app.borrow_mut() {
            let untrue = app.turn(now, self.world.engine().link().truth());
            if let Some(what) = untrue {
                self.course.borrow_mut().violate(Invariant::GoodInputsAreTrue, what);
            }
        }
    }

    fn schedule_faults(&mut self) {
        let now = self.now();
        let (over, going) = std::mem::take(&mut self.going).into_iter().partition(|(until, _)| *until <= now);
        self.going = going;
        let over: Vec<(Duration, Fault)> = over;
        for (_, fault) in over {
            self.world.end(fault, self.scene);
        }
        while let Some(fault) = self.schedule.faults.get(self.next).copied().filter(|fault| fault.at <= now) {
            self.next += 1;
            self.world.begin(fault, self.scene);
            if fault.kind == FaultKind::Stall {
                // Time in which the program stood still is nothing that it could have named anybody in.
                self.out_since.fill(None);
            }
            self.course.borrow_mut().faults.push(fault.kind);
            self.going.push((fault.at + fault.lasts, fault));
        }
        if self.stopped_at.is_none() && now >= self.schedule.stop {
            self.stopped_at = Some(now);
            self.stop.ask();
        }
    }

    fn within_bounds(&self) -> bool {
        let starved = Duration::from_nanos(self.world.starved_until.0);
        let since = self.stopped_at.map(|at| self.now().saturating_sub(at.max(starved)));
        let (waited, bound) = match since {
            Some(waited) => (waited, SHUTDOWN + GRACE),
            None => (self.now(), BRING_UP + SHUTDOWN + GRACE),
        };
        if waited <= bound {
            return true;
        }
        let phase = self.course.borrow().phase;
        let what =
            format!("{waited:?} after {}, in phase {phase:?}", if since.is_some() { "the stop" } else { "the start" });
        self.course.borrow_mut().violate(Invariant::EndsWithinItsBound, what);
        false
    }

    /// Looks at all outputs that reached the segment in this cycle.
    fn look_at_outputs(&mut self) {
        let delivered = self.world.engine_mut().link_mut().take_delivered();
        if delivered.is_empty() {
            return;
        }
        let (now, theirs) = (self.now(), self.world.clocks.of_subdevices());
        let gap = self.last_delivery.replace(theirs).map(|last| theirs.saturating_sub(last));
        if gap.is_some_and(|gap| gap > WATCHDOG) {
            self.epoch_began = now;
        }
        let app = self.app.borrow();
        let Some(app) = &*app else { return };
        let mut course = self.course.borrow_mut();
        let shutting_down = course.phase == Some(Phase::ShutDown);
        self.shutdown_cycles.set(if shutting_down { self.shutdown_cycles.get() + 1 } else { 0 });
        for frame in &delivered {
            frame.bytes.hash(&mut course.digest);
            if let Some(value) = app.strays(frame) {
                let what = format!("an output that follows an input is {value:#06x}, which the input wasn't");
                course.violate(Invariant::OutputsFollow, what);
            }
            match app.carried(frame) {
                Carried::Safe => {}
                Carried::Unknown => {
                    let what = format!("outputs that nobody commanded: {:02x?}", frame.bytes);
                    course.violate(Invariant::OutputsCommandedOrSafe, what);
                }
                // The order to make outputs safe is obeyed at the end of a cycle.
                Carried::Set(set) if self.shutdown_cycles.get() > 3 => {
                    course.violate(Invariant::SafeDuringShutdown, format!("set {set} was sent"));
                }
                Carried::Set(set) => {
                    let made = app.made(set).unwrap_or_default();
                    let excused = self.world.paused_at.is_some_and(|at| now.saturating_sub(at) < PAUSE_SEEN_WITHIN);
                    if made < self.epoch_began && !excused {
                        let what = format!(
                            "set {set}, made {:?} before the outage ended, reached the segment after it",
                            self.epoch_began - made
                        );
                        course.violate(Invariant::NoOldCommand, what);
                    }
                }
            }
        }
    }

    /// Looks whether terminals whose watchdogs expired have safe outputs.
    fn look_at_terminals(&mut self) {
        let now = self.now();
        let live = self.world.engine().counters().live != 0;
        let paused = self.world.paused_at.is_some_and(|at| now.saturating_sub(at) < PAUSE_SEEN_WITHIN);
        let seen = !paused && !self.starved() && self.world.engine().link().weather.is_calm();
        let app = self.app.borrow();
        let Some(app) = &*app else { return };
        let old = self.parted.look(app, self.world.segment(), now, live, seen);
        if let Some(what) = old {
            self.course.borrow_mut().violate(Invariant::PartedIsSafe, what);
        }
    }

    /// Looks whether SubDevices that are out of OP are named.
    fn look_at_states(&mut self) {
        let now = self.now();
        let running =
            self.course.borrow().phase == Some(Phase::Running) && !self.starved() && self.stopped_at.is_none();
        let named = self.out_of_op.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let snapshot = running.then(|| self.world.segment().snapshot());
        for (n, since) in self.out_since.iter_mut().enumerate() {
            let state = snapshot.as_ref().and_then(|snapshot| snapshot.subdevices.get(n));
            let Some(subdevice) = state.filter(|one| one.state != AlState::Op || one.error) else {
                *since = None;
                continue;
            };
            let since = *since.get_or_insert(now);
            let is_named = named.iter().any(|out| usize::from(out.who.position) == n);
            if now.saturating_sub(since) > NAMED_WITHIN && !is_named {
                let what =
                    format!("SubDevice {n} has been in {} for {:?} and isn't named", subdevice.state, now - since);
                self.course.borrow_mut().violate(Invariant::OutOfOpIsNamed, what);
            }
        }
    }

    /// Looks at what is left when the life has ended and no frame comes any more.
    fn finish(&mut self, ended: Option<Result<Life, LifeError>>) {
        let Some(ended) = ended else { return };
        format!("{:?}", ended.as_ref().map(|life| &life.ending)).hash(&mut self.course.borrow_mut().digest);
        if self.world.engine().is_exchanging() {
            // Retired in the last cycle, or left to the end of the realtime thread.
            self.world.turn(zerocat_bus::Rest::Long, self.scene);
        }
        let later = self.world.clocks.of_subdevices() + WATCHDOG * 2;
        self.world.engine_mut().link_mut().segment_mut().step(later);
        let segment = self.world.segment();
        for n in 0..segment.len() {
            let outputs = segment.outputs(n).unwrap_or_default();
            if outputs.iter().any(|byte| *byte != 0) {
                let what = format!("SubDevice {n} has the outputs {outputs:02x?}, long after the last frame");
                self.course.borrow_mut().violate(Invariant::NothingLeftLive, what);
            }
        }
    }
}
