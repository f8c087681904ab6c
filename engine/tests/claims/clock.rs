//! Claims about the reference clock: what is sent for it, who gets its time, and that the grid stays with it.

use crate::support::{Memory, inputs, plan};
use std::time::Duration;
use zerocat_engine::{
    AcyclicSettings, ClockState, CyclicLane, Engine, EngineParts, Exchange, LaneOptions, Pool, ReaderSpec,
    ReferenceClock, SampleReader, SteerSettings, Stepper, Timing, reader_while_safe,
};
use zerocat_link::Slot;
use zerocat_pdi::Plan;
use zerocat_sched::{Grid, Period, Time};
use zerocat_wire::{Command, FrameView};

const PERIOD: Duration = Duration::from_millis(1);
const LEAD: u64 = 300_000;
/// From the kick to the reference.
const DELAY: u64 = 20_000;

fn clock(steered: bool) -> ReferenceClock {
    let steer = steered.then(|| SteerSettings::usual(PERIOD, Duration::from_nanos(LEAD)));
    ReferenceClock { station: 0x1001, wide: true, expected: 2, watched: 2, steer, host: None }
}

struct World {
    stepper: Stepper<Memory>,
    parts: EngineParts,
    random: fastrand::Rng,
    /// How late the thread sends at most.
    late: u64,
    offset: u64,
    /// The reference answers.
    answers: bool,
    at: Time,
}

impl World {
    fn new() -> Self {
        let (pool, _pdu_loop) = Pool::new();
        let acyclic = AcyclicSettings { first_slot: Slot(8), in_flight: 2, timeout: Duration::from_millis(10) };
        let (engine, parts) = Engine::new(Memory::new(10), Timing::for_period(PERIOD), pool, acyclic);
        let grid = Grid::new(Time(1_000_000), Period::from_duration(PERIOD).unwrap());
        let stepper = Stepper::new(engine, grid);
        let random = fastrand::Rng::with_seed(7);
        Self { stepper, parts, random, late: 0, offset: 1 << 50, answers: true, at: Time(0) }
    }

    fn install(&mut self, plan: &Plan, clock: ReferenceClock) -> SampleReader {
        let options = LaneOptions { first_slot: Slot(0), al_status: Some(1) };
        let lane = CyclicLane::with_clock(plan, options, clock).unwrap();
        let ranges = std::iter::once(0..plan.image_len).collect();
        let (port, samples) = reader_while_safe(ReaderSpec { ranges, origins: inputs(plan), every: 1, depth: 4096 });
        self.parts.controls.install(Exchange { readers: vec![port], ..Exchange::new(lane) }).unwrap();
        self.cycle();
        samples
    }

    /// What the reference shows: it is 80 ppm faster.
    fn reference(&self, host: u64) -> u64 {
        self.offset + host + host / 12_500
    }

    fn cycle(&mut self) {
        let tick = self.stepper.tick(self.at);
        let late = self.random.u64(..=self.late);
        let sent = Time(tick.at.0 + late);
        let passed = self.reference(sent.0 + DELAY);
        self.stepper.engine_mut().link_mut().reference = self.answers.then_some(passed);
        self.stepper.send(sent, sent);
        self.stepper.poll();
        self.at = Time(sent.0 + 50_000);
        self.stepper.conclude(self.at);
    }

    /// How far the frame of the last tick would have been from its phase had it been sent on time.
    fn phase_error(&self) -> i64 {
        let last = self.stepper.tick(self.at).at.0;
        let phase = i64::try_from((self.reference(last + DELAY) + LEAD) % 1_000_000).unwrap();
        if phase >= 500_000 { phase - 1_000_000 } else { phase }
    }

    fn state(&self) -> ClockState {
        self.parts.counters.read().clock().state
    }

    /// Command and data of the clock's datagram of the last frame.
    fn asked(&self) -> (Command, u64) {
        let sent = self.stepper.engine().link().sent.iter().rev();
        let mut firsts = sent.map(|frame| FrameView::new_checked(frame).unwrap().datagrams().next().unwrap().unwrap());
        let first = firsts.find(|first| first.address().ado() == 0x0910).unwrap();
        assert_eq!(first.address().adp(), 0x1001);
        (first.command().unwrap(), u64::from_le_bytes(first.data().try_into().unwrap()))
    }
}

#[test]
fn frames_of_a_thread_that_is_late_stay_at_their_phase() {
    let mut world = World::new();
    world.late = 200_000;
    let _samples = world.install(&plan(1), clock(true));
    (0..1_000).for_each(|_| world.cycle());
    assert_eq!(world.state(), ClockState::Locked);
    for _ in 0..5_000 {
        world.cycle();
        assert!(world.phase_error().abs() < 1_000, "{}", world.phase_error());
    }
    let counters = world.parts.counters.read();
    assert_eq!((counters.skipped, counters.lost_cycles, counters.clock().times_lost), (0, 0, 0));
    assert!((counters.clock().frequency_ppb - 80_000).abs() < 1_000, "{counters:?}");
    assert!(counters.clock().lock_took.is_some_and(|took| took < Duration::from_secs(1)));
}

#[test]
fn each_sample_has_the_time_of_its_frames_passage() {
    let mut world = World::new();
    let mut samples = world.install(&plan(1), clock(false));
    world.cycle();
    let passed = world.stepper.engine().link().reference;
    let mut record = vec![0; samples.record_len()];
    let newest = std::iter::from_fn(|| samples.pop(&mut record)).last().unwrap();
    assert_eq!(newest.clock, passed);
    assert_eq!((world.state(), world.parts.counters.read().clock().moved), (ClockState::Following, 0));
}

#[test]
fn clocks_are_written_what_the_reference_will_show_and_only_while_that_is_known() {
    let mut world = World::new();
    let _samples = world.install(&plan(1), clock(false));
    world.cycle();
    assert_eq!(world.asked(), (Command::Fprd, 0));
    for _ in 0..10 {
        world.cycle();
        let (command, time) = world.asked();
        let off = world.stepper.engine().link().reference.unwrap().abs_diff(time);
        assert!(command == Command::Frmw && off < 200, "{command:?} {off}");
    }
    world.answers = false;
    (0..4).for_each(|_| world.cycle());
    assert_eq!((world.asked().0, world.state()), (Command::Fprd, ClockState::Lost));
    world.answers = true;
    (0..2).for_each(|_| world.cycle());
    assert_eq!((world.asked().0, world.state()), (Command::Frmw, ClockState::Following));
}

#[test]
fn another_exchange_keeps_the_lock() {
    let mut world = World::new();
    let nothing = Plan { image_len: 0, frames: Vec::new(), subdevices: Vec::new() };
    let _clock_only = world.install(&nothing, clock(true));
    (0..1_000).for_each(|_| world.cycle());
    assert_eq!(world.state(), ClockState::Locked);
    let _samples = world.install(&plan(2), clock(true));
    for _ in 0..100 {
        world.cycle();
        assert_eq!(world.state(), ClockState::Locked);
        assert!(world.phase_error().abs() < 1_000, "{}", world.phase_error());
    }
    assert_eq!(world.asked().0, Command::Frmw);
}

#[test]
fn a_difference_counts_only_if_all_who_have_one_answered() {
    let mut world = World::new();
    let _samples = world.install(&plan(1), clock(false));
    world.stepper.engine_mut().link_mut().difference = (0x8000_0021, 2);
    world.cycle();
    let first = world.parts.counters.read().clock();
    world.stepper.engine_mut().link_mut().difference = (0, 1);
    world.cycle();
    let second = world.parts.counters.read().clock();
    assert_eq!((first.difference, second.difference), (0x21, 0x21));
    assert_eq!(second.difference_unknown, first.difference_unknown + 1);
}
