//! Stamps against a simulated world: a monotonic clock that NTP slews, a wall clock that is also stepped, a reference clock
//! with a crystal of its own, and readings of them that take as long as they do on a real machine.
//!
//! Truth is judged by base: the wall clock as the world has it at the moment of the cycle. Times are virtual.

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use zerocat_tasks::{Moment, Reading, Said, TimeKeeper};

const MS: f64 = 1e6;
const SECOND: f64 = 1e9;
const EPOCH: u64 = 1_800_000_000_000_000_000;

/// The clocks of a machine and of a network.
struct World {
    /// True time in nanoseconds.
    now: f64,
    monotonic: f64,
    /// Rate of `CLOCK_MONOTONIC`, in parts per million: crystal and NTP.
    slew_ppm: f64,
    /// What the wall clock has more than the monotonic one.
    offset: u64,
    reference: f64,
    reference_ppm: f64,
    random: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let (slew_ppm, reference_ppm) = (0.0, 0.0);
        let (now, monotonic, reference) = (0.0, 5e12, 7e15);
        let mut world = Self { now, monotonic, slew_ppm, offset: EPOCH, reference, reference_ppm, random: seed | 1 };
        world.slew_ppm = world.uniform(-50.0, 50.0);
        world.reference_ppm = world.uniform(-100.0, 100.0);
        world
    }

    fn uniform(&mut self, from: f64, to: f64) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        from + (to - from) * ((self.random >> 11) as f64 / (1u64 << 53) as f64)
    }

    /// A delay that is mostly short, with a tail.
    fn delay(&mut self, mean: f64) -> f64 {
        -mean * self.uniform(1e-9, 1.0).ln()
    }

    fn pass(&mut self, nanos: f64) {
        self.now += nanos;
        self.monotonic += nanos * (1.0 + self.slew_ppm * 1e-6);
        self.reference += nanos * (1.0 + self.reference_ppm * 1e-6);
    }

    fn wall(&self) -> u64 {
        self.offset + whole(self.monotonic)
    }

    /// A reading of the wall clock between two of the monotonic one.
    fn read_wall(&mut self) -> Reading {
        let before = self.monotonic;
        let (first, second) = (30.0 + self.delay(40.0), 30.0 + self.delay(40.0));
        self.pass(first);
        let shown = self.wall();
        self.pass(second);
        let half = (self.monotonic - before) / 2.0;
        Reading { at: whole(before + half), shown, within: whole(half) }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times of the world are positive and fit")]
fn whole(nanos: f64) -> u64 {
    nanos as u64
}

/// A run: cycles of 1 ms, the wall clock read every 20 ms.
struct Run {
    world: World,
    keeper: TimeKeeper,
    has_reference: bool,
    /// Nanoseconds off the truth in each cycle.
    errors: Vec<u64>,
    stamps: Vec<Moment>,
    steps: Vec<i64>,
}

impl Run {
    fn new(seed: u64, has_reference: bool) -> Self {
        let mut world = World::new(seed);
        let keeper = TimeKeeper::new(world.read_wall());
        Self { world, keeper, has_reference, errors: Vec::new(), stamps: Vec::new(), steps: Vec::new() }
    }

    fn seconds(&mut self, seconds: f64) {
        let end = self.world.now + seconds * SECOND;
        let mut time = self.keeper.time();
        while self.world.now < end {
            let (tick, begin) = (self.world.monotonic, self.world.now);
            let (truth, clock) = if self.has_reference { self.exchange(tick) } else { (self.world.wall(), None) };
            let moment = time.moment(whole(tick), whole(tick), clock);
            self.errors.push(moment.utc.abs_diff(truth));
            self.stamps.push(moment);
            if self.errors.len().is_multiple_of(20) {
                self.read_wall();
            }
            let rest = begin + MS - self.world.now;
            self.world.pass(rest);
        }
    }

    /// A frame to the reference clock and back: wall clock and reference clock when it was there.
    fn exchange(&mut self, tick: f64) -> (u64, Option<u64>) {
        let out = 8_000.0 + self.world.delay(3_000.0);
        self.world.pass(out);
        let (truth, clock) = (self.world.wall(), whole(self.world.reference));
        let back = 8_000.0 + self.world.delay(2_000.0);
        self.world.pass(back);
        self.keeper.reference(whole(tick), whole(self.world.monotonic), clock);
        (truth, Some(clock))
    }

    fn read_wall(&mut self) {
        loop {
            let reading = self.world.read_wall();
            let (said, step) = self.keeper.wall(reading);
            self.steps.extend(step.map(|step| step.by));
            if said != Said::Doubtful {
                return;
            }
        }
    }

    /// Steps the wall clock.
    fn step(&mut self, by: i64) {
        self.world.offset = self.world.offset.saturating_add_signed(by);
    }

    /// The error that 99 of 100 stamps don't exceed, of those since a number of them.
    fn p99_since(&self, from: usize) -> u64 {
        let mut errors = self.errors[from..].to_vec();
        errors.sort_unstable();
        errors[errors.len() * 99 / 100]
    }

    fn is_strict(&self) -> bool {
        self.stamps.windows(2).all(|pair| pair[0].base != pair[1].base || pair[0].utc < pair[1].utc)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn stamps_are_within_a_microsecond_of_the_wall_clock_at_the_reference_clock(seed in any::<u64>()) {
        let mut run = Run::new(seed, true);
        run.seconds(14.0);
        let p99 = run.p99_since(10_000);
        prop_assert!(p99 <= 1_000, "{p99} ns");
        prop_assert!(run.is_strict());
        prop_assert!(run.steps.is_empty());
    }

    #[test]
    fn they_are_so_without_a_reference_clock(seed in any::<u64>()) {
        let mut run = Run::new(seed, false);
        run.seconds(14.0);
        let p99 = run.p99_since(10_000);
        prop_assert!(p99 <= 1_000, "{p99} ns");
        prop_assert!(run.is_strict());
    }

    #[test]
    fn a_slew_by_ntp_is_followed_and_is_no_step(seed in any::<u64>(), slew in -500.0..500.0f64) {
        let mut run = Run::new(seed, true);
        run.seconds(5.0);
        run.world.slew_ppm += slew;
        run.seconds(10.0);
        let p99 = run.p99_since(7_000);
        prop_assert!(p99 <= 1_000, "{p99} ns");
        prop_assert!(run.is_strict());
        prop_assert!(run.steps.is_empty());
    }

    #[test]
    fn each_step_is_told_and_begins_a_base_whose_stamps_are_true(
        seed in any::<u64>(), by in 100_000..10_000_000_000_000i64, back in any::<bool>(), has_reference in any::<bool>()
    ) {
        let by = if back { -by } else { by };
        let mut run = Run::new(seed, has_reference);
        run.seconds(4.0);
        run.step(by);
        run.seconds(6.0);
        prop_assert_eq!(run.steps.len(), 1);
        prop_assert!(run.steps[0].abs_diff(by) <= 2_000, "{} for {by}", run.steps[0]);
        prop_assert_eq!(run.stamps.last().unwrap().base, 2);
        prop_assert!(run.is_strict());
        // Until the step is seen, stamps go on in the base of before.
        prop_assert!(run.p99_since(4_020) <= 1_000, "{} ns", run.p99_since(4_020));
    }
}
