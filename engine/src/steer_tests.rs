//! The law against clocks that drift and wander, and delays that have long tails.

use super::*;
use proptest::prelude::*;

const MILLISECOND: Duration = Duration::from_millis(1);

/// Host, reference and the way between them.
struct World {
    /// Time of the tick on the host's clock, in ns.
    tick: f64,
    /// How much faster the reference is.
    ppm: f64,
    wander_per_cycle: f64,
    /// The reference's time is its integral.
    reference: f64,
    random: fastrand::Rng,
    jitter: f64,
    period: f64,
}

impl World {
    fn new(seed: u64, phase: f64, ppm: f64, jitter: f64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self { tick: 0.0, ppm, wander_per_cycle: 0.0, reference: 1e15 + phase, random, jitter, period: 1e6 }
    }

    /// A delay that is seldom short of its median and now and then far beyond it.
    fn delay(&mut self) -> f64 {
        let usual = self.jitter * self.random.f64();
        let tail = if self.random.u8(..) == 0 { 100.0 * self.jitter * self.random.f64() } else { 0.0 };
        20_000.0 + usual + tail
    }

    /// When a frame that is sent on the present tick passes the reference.
    fn passage(&mut self) -> u64 {
        let delay = self.delay();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "about 10^15")]
        let passed = (self.reference + delay) as u64;
        passed
    }

    fn advance(&mut self, shift: i64) {
        let step = self.period + float(shift);
        self.tick += step;
        self.ppm += self.wander_per_cycle;
        self.reference += step * (1.0 + self.ppm * 1e-6);
    }

    /// The phase of the tick itself, against where it belongs, with the median of the delays taken out.
    fn truth(&self, lead: f64) -> f64 {
        folded_float(self.reference + 20_000.0 + self.jitter / 2.0 + lead, self.period)
    }
}

fn settings() -> SteerSettings {
    SteerSettings::usual(MILLISECOND, Duration::from_micros(300))
}

fn run(world: &mut World, steering: &mut Steering, cycles: u64, mut lost: impl FnMut(u64, &mut World) -> bool) -> f64 {
    let mut worst = 0f64;
    for cycle in 0..cycles {
        let passed = (!lost(cycle, world)).then(|| world.passage());
        let shift = steering.cycle(1, passed);
        assert!(shift.unsigned_abs() <= nanos(settings().first_step));
        world.advance(shift);
        worst = worst.max(world.truth(300_000.0).abs());
    }
    worst
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn from_any_phase_it_locks_at_the_same_one_within_a_second(
        seed in any::<u64>(), phase in 0f64..1e6, ppm in -100f64..100.0, jitter in 0f64..10_000.0,
    ) {
        let mut world = World::new(seed, phase, ppm, jitter);
        let mut steering = Steering::new(settings());
        run(&mut world, &mut steering, 1_000, |_, _| false);
        prop_assert_eq!(steering.state(), SteerState::Locked);
        prop_assert!(steering.lock_took().is_some_and(|took| took < Duration::from_secs(1)));
        run(&mut world, &mut steering, 4_000, |_, _| false);
        let worst = run(&mut world, &mut steering, 20_000, |_, _| false);
        prop_assert!(worst < 1_500.0, "{} ns", worst);
        prop_assert_eq!(steering.times_lost(), 0);
        prop_assert!(steering.worst_ns() <= 4 * nanos(settings().window));
    }

    #[test]
    fn lost_frames_bursts_and_wander_cost_no_lock(seed in any::<u64>(), ppm in -100f64..100.0) {
        let mut world = World::new(seed, 0.0, ppm, 5_000.0);
        world.wander_per_cycle = 1.0 / 60_000.0;
        let mut steering = Steering::new(settings());
        let mut burst = 0;
        let mut lost = |_: u64, world: &mut World| {
            if world.random.u16(..) < 30 {
                burst = 50;
            }
            burst = i32::max(burst - 1, 0);
            burst > 0 || world.random.u8(..100) == 0
        };
        run(&mut world, &mut steering, 5_000, &mut lost);
        let worst = run(&mut world, &mut steering, 60_000, &mut lost);
        prop_assert!(worst < 1_500.0, "{} ns", worst);
        prop_assert_eq!(steering.times_lost(), 0);
    }
}

#[test]
fn a_move_is_within_the_step_once_it_was_locked() {
    let mut world = World::new(1, 400_000.0, 50.0, 3_000.0);
    let mut steering = Steering::new(settings());
    run(&mut world, &mut steering, 2_000, |_, _| false);
    // The reference is set: half a period away.
    world.reference += 400_000.0;
    for _ in 0..3_000 {
        let passed = world.passage();
        let shift = steering.cycle(1, Some(passed));
        assert!(shift.unsigned_abs() <= nanos(settings().step));
        world.advance(shift);
    }
    assert_eq!((steering.state(), steering.times_lost()), (SteerState::Locked, 1));
    let left = world.truth(300_000.0);
    assert!(left.abs() < 1_500.0, "{left}");
}

#[test]
fn a_single_reading_far_away_moves_nothing() {
    let mut world = World::new(2, 0.0, 0.0, 1_000.0);
    let mut steering = Steering::new(settings());
    run(&mut world, &mut steering, 5_000, |_, _| false);
    let before = steering.error_ns();
    let passed = world.passage() + 450_000;
    let shift = steering.cycle(1, Some(passed));
    assert!(shift.abs() < 10, "{shift}");
    assert!((steering.error_ns() - before).abs() < 20);
}

#[test]
fn without_readings_it_holds_the_frequency_and_then_says_that_it_is_lost() {
    let mut world = World::new(3, 0.0, 80.0, 500.0);
    let mut steering = Steering::new(settings());
    run(&mut world, &mut steering, 10_000, |_, _| false);
    let worst = run(&mut world, &mut steering, 2_000, |_, _| true);
    assert_eq!(steering.state(), SteerState::Holdover);
    assert!(worst < 1_000.0, "{worst}");
    run(&mut world, &mut steering, 9_000, |_, _| true);
    assert_eq!((steering.state(), steering.times_lost()), (SteerState::Lost, 1));
    run(&mut world, &mut steering, 1_000, |_, _| false);
    assert_eq!(steering.state(), SteerState::Locked);
}

#[test]
fn skipped_ticks_are_part_of_what_is_expected() {
    let mut world = World::new(4, 0.0, 100.0, 500.0);
    let mut steering = Steering::new(settings());
    run(&mut world, &mut steering, 5_000, |_, _| false);
    // The machine stands for 100 ticks: nobody moves the grid meanwhile.
    (0..100).for_each(|_| world.advance(0));
    let passed = world.passage();
    world.advance(steering.cycle(101, Some(passed)));
    run(&mut world, &mut steering, 200, |_, _| false);
    assert_eq!((steering.state(), steering.times_lost()), (SteerState::Locked, 0));
    assert!(world.truth(300_000.0).abs() < 1_000.0);
}

#[test]
fn errors_are_folded_to_half_a_period() {
    assert_eq!(folded(499, 1000), 499);
    assert_eq!(folded(500, 1000), -500);
    assert_eq!(folded(-501, 1000), 499);
    assert_eq!(folded(123_456, 1000), 456);
}
