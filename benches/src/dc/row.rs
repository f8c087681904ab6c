//! A row: one network for the whole time, and from all phases.

use super::aims::{Aim, aims};
use super::recorded::VETH;
use super::topology::Variant;
use super::world::{PERIOD, Reused, Seed, World};
use super::{DcBenchError, DcSettings};
use serde::Serialize;
use zerocat_bus::clock::LATCHES;
use zerocat_engine::Distribution;

/// System time of the reference when clocks are set: some day in 2026.
pub(super) const EPOCH: u64 = 850_000_000_000_000_000;
/// Cycles of each start.
const START_CYCLES: u64 = 4_000;

/// What a network came to. Times in nanoseconds, if not said otherwise, from the second 2 on; of stamps from the second 10 on.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What it is.
    #[serde(flatten)]
    pub variant: Variant,
    /// SubDevices.
    pub subdevices: usize,
    /// Largest error of a measured delay, in the reference's nanoseconds, beyond what the MainDevice says it doesn't know.
    pub delay_error_ns_max: f64,
    /// The greatest uncertainty that it tells.
    pub delay_uncertain_ns_max: u32,
    /// What the error may be at most, by the steps in which clocks count and the number of latches.
    pub delay_bound_ns: f64,
    /// SubDevices whose delay couldn't be told.
    pub delays_unresolved: usize,
    /// Magnitude of 0x092C, of one SubDevice in turn.
    pub system_time_difference_p999_ns: Option<u64>,
    /// Of a clock against the reference, truly: what its delay is wrong by is in it.
    pub clock_error_p999_ns: Option<u64>,
    /// Phase of a frame that is sent on its tick with the usual delay, against where it should be.
    pub phase_error_p999_ns: Option<u64>,
    /// Phase of frames as they were.
    pub frame_phase_p999_ns: Option<u64>,
    /// How late the thread was, and sending against the usual.
    pub machine_p999_ns: Option<u64>,
    /// Longest time from the first frame to the lock, of all starts, in seconds; `null` where one never locked.
    pub time_to_lock_s: Option<f64>,
    /// How far the phases are apart that starts end at.
    pub phase_spread_ns: u64,
    /// Error of stamps.
    pub stamp_error_p99_ns: Option<u64>,
    /// Largest move of the grid in a cycle, after the first lock.
    pub grid_step_max_ns: u64,
    /// The same before.
    pub grid_first_step_max_ns: u64,
    /// Times that the lock was lost.
    pub lost_lock: u64,
    /// Cycles.
    pub cycles: u64,
    /// What was aimed at, and whether it was met.
    pub aims: Vec<Aim>,
}

/// Simulates a row.
pub(super) fn simulate(
    variant: &Variant,
    settings: &DcSettings,
    reused: Reused,
) -> Result<(Row, Reused), DcBenchError> {
    let seed = Seed { variant: *variant, machine: VETH, seed: settings.seed, epoch: EPOCH };
    let (starts, reused) = starts(&seed, settings.starts, reused)?;
    let mut world = World::new(seed, reused)?;
    let cycles = cycles(settings.seconds);
    world.run(cycles);
    let row = row(variant, &world, &starts, cycles);
    Ok((row, world.end()))
}

/// How starts went.
#[derive(Debug, Default)]
struct Starts {
    /// In seconds; `None` for one that didn't lock.
    locked_after: Vec<Option<f64>>,
    /// Mean phase error of each.
    phases: Vec<i64>,
}

/// Starts from phases all over the period, each with a machine and a segment of its own.
fn starts(of: &Seed, count: u32, mut reused: Reused) -> Result<(Starts, Reused), DcBenchError> {
    let mut starts = Starts::default();
    let period = u64::try_from(PERIOD.as_nanos()).unwrap_or(u64::MAX);
    for start in 0..u64::from(count) {
        let epoch = of.epoch + period * start / u64::from(count);
        let mut world = World::new(Seed { epoch, seed: of.seed + start, ..*of }, reused)?;
        world.run(START_CYCLES);
        starts.take(&world);
        reused = world.end();
    }
    Ok((starts, reused))
}

impl Starts {
    fn take(&mut self, world: &World) {
        self.locked_after.push(world.clock().lock_took.map(|took| took.as_secs_f64()));
        self.phases.extend(world.tally().mean_phase());
    }

    fn slowest(&self, last: Option<f64>) -> Option<f64> {
        self.locked_after.iter().copied().chain([last]).try_fold(0.0, |slowest: f64, took| Some(slowest.max(took?)))
    }

    fn spread(&self) -> u64 {
        let (least, most) = (self.phases.iter().min(), self.phases.iter().max());
        least.zip(most).map_or(0, |(least, most)| most.abs_diff(*least))
    }
}

fn row(variant: &Variant, world: &World, starts: &Starts, cycles: u64) -> Row {
    let (tally, clock) = (world.tally(), world.clock());
    let delays = DelayErrors::of(world);
    let p999 = |of: &Distribution| of.summary().map(|figures| figures.p999);
    let mut row = Row {
        variant: *variant,
        subdevices: world.segment().len(),
        delay_error_ns_max: delays.error,
        delay_uncertain_ns_max: delays.uncertain,
        delay_bound_ns: bound(variant),
        delays_unresolved: delays.unresolved,
        system_time_difference_p999_ns: p999(&tally.difference),
        clock_error_p999_ns: p999(&tally.clocks),
        phase_error_p999_ns: p999(&tally.grid),
        frame_phase_p999_ns: p999(&tally.frames),
        machine_p999_ns: p999(&tally.machine),
        time_to_lock_s: starts.slowest(clock.lock_took.map(|took| took.as_secs_f64())),
        phase_spread_ns: starts.spread(),
        stamp_error_p99_ns: tally.stamps.summary().map(|figures| figures.p99),
        grid_step_max_ns: tally.step,
        grid_first_step_max_ns: tally.first_step,
        lost_lock: clock.times_lost,
        cycles,
        aims: Vec::new(),
    };
    row.aims = aims(&row);
    row
}

/// Delays against the truth.
#[derive(Debug, Default)]
struct DelayErrors {
    error: f64,
    uncertain: u32,
    unresolved: usize,
}

impl DelayErrors {
    fn of(world: &World) -> Self {
        let mut errors = Self::default();
        let passage = |position| f64::from(world.segment().passage(position).unwrap_or(0));
        let clocks = &world.compensated().clocks;
        for clock in &clocks.list {
            let Some(uncertain) = clock.uncertain_ns else {
                errors.unresolved += 1;
                continue;
            };
            let way = passage(clock.who.position.into()) - passage(clocks.reference().who.position.into());
            let truth = way * (1.0 + world.first_ppm() * 1e-6);
            let error = ((clock.delay_ns as f64 - truth).abs() - f64::from(uncertain)).max(0.0);
            errors.error = errors.error.max(error);
            errors.uncertain = errors.uncertain.max(uncertain);
        }
        errors
    }
}

/// What a delay may be wrong by. A difference of two stamps is off by up to a step, evenly to both sides; its mean over the
/// latches by a standard deviation of a step over the root of six times their number. At most four such means count in a delay,
/// with half their weight or less; five standard deviations are the bound, and a nanosecond for rounding.
fn bound(variant: &Variant) -> f64 {
    if variant.stamp_ns == 1 {
        return 2.0;
    }
    let deviation = f64::from(variant.stamp_ns) / (6.0 * LATCHES as f64).sqrt();
    1.0 + 5.0 * deviation
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be positive; saturates")]
fn cycles(seconds: f64) -> u64 {
    (seconds / PERIOD.as_secs_f64()).round() as u64
}
