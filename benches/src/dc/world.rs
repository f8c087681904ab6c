//! One network under virtual time: the engine with its grid on the machine's clock, the segment in true time, and what is truly so
//! beside what the engine says.
//!
//! A cycle costs about as much as the segment takes for its frame; nothing waits. The engine's cyclic steps are those of
//! production, so is whoever stamps samples.

use super::compensate::{Compensated, Told, compensate};
use super::crystal::Crystal;
use super::host_clock::{HostClock, whole};
use super::lateness::{Drawn, Lateness, Machine};
use super::tally::Tally;
use super::topology::{Variant, draw};
use super::wire::{Fate, Wire};
use super::{DcBenchError, ask::ask};
use std::time::Duration;
use zerocat_bus::clock::Clocks;
use zerocat_bus::clock::survey::ClockClass;
use zerocat_engine::{
    AcyclicSettings, ClockCounters, Controls, CyclicLane, Engine, EngineParts, Exchange, LaneOptions, Pool,
    ReferenceClock, SteerSettings, Stepper, Timing,
};
use zerocat_link::Slot;
use zerocat_pdi::Plan;
use zerocat_sched::{Grid, Tick, Time};
use zerocat_sim::{Action, Segment};
use zerocat_tasks::{CycleClock, Said, TimeKeeper, Timestamps};
use zerocat_testkit::virtual_network::Frames;
use zerocat_wire::{Address, Command, register};

/// Period of the grid and of SYNC.
pub(super) const PERIOD: Duration = Duration::from_millis(1);
/// From the passage of the reference to the next multiple of the period in its time.
pub(super) const LEAD: Duration = Duration::from_micros(300);
/// A frame of 64 bytes with its preamble at 100 Mbit/s.
const FRAME_NS: f64 = 5_760.0;
/// How much too fast the machine's crystal is at first; the reference's is 200 ppm from it.
const HOST_PPM: f64 = -100.0;
/// Cycles between two changes of the crystals.
const WANDERS_EVERY: u64 = 100;
/// Cycles between two readings of the wall clock.
const READS_WALL_EVERY: u64 = 20;
/// Cycles between two steps of the wall clock, and those before the first one.
const STEPS_WALL_EVERY: (u64, u64) = (600_000, 15_000);

/// A network that runs.
#[derive(Debug)]
pub(super) struct World {
    random: fastrand::Rng,
    stepper: Stepper<Wire>,
    /// An engine ends without them.
    _controls: Controls,
    host: HostClock,
    crystals: Vec<Crystal>,
    lateness: Lateness,
    machine: Machine,
    keeper: TimeKeeper,
    stamps: Timestamps,
    compensated: Compensated,
    frames: Frames,
    /// The segment's delays in ns: to the reference, and through all.
    to_reference: f64,
    through: f64,
    /// True time of the end of the last cycle.
    now: f64,
    cycle: u64,
    tally: Tally,
}

/// What worlds leave for the next one: memory that lives as long as the process.
#[derive(Debug)]
pub(super) struct Reused {
    pub(super) pool: Pool,
    pub(super) frames: Frames,
}

/// What a world is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seed {
    pub(super) variant: Variant,
    pub(super) machine: Machine,
    pub(super) seed: u64,
    /// System time of the reference when clocks are set: which phase the grid begins at.
    pub(super) epoch: u64,
}

impl World {
    /// Measures the segment, sets its clocks, and begins.
    pub(super) fn new(of: Seed, reused: Reused) -> Result<Self, DcBenchError> {
        let mut random = fastrand::Rng::with_seed(of.seed);
        let drawn = draw(&of.variant, &mut random);
        let segment = Segment::new(&drawn.config).map_err(|error| DcBenchError::Segment(error.to_string()))?;
        let told = Told { differences_ns: &drawn.told_ns, epoch: of.epoch };
        let (segment, compensated, frames) = compensate(segment, told, reused.frames)?;
        let to_reference = f64::from(segment.passage(0).unwrap_or(0));
        // A frame is shorter on its way back from the last SubDevice than on its way there: processing takes longer than forwarding,
        // and other branches are behind it. The reference's ports saw how long it was away.
        let away = f64::from(compensated.clocks.loop_ns);
        let host = HostClock::new(HOST_PPM);
        let begin = compensated.done.as_secs_f64() * 1e9;
        let grid = Grid::from_period(Time(whole(host.monotonic(begin))).after(PERIOD), PERIOD);
        let grid = grid.map_err(|error| DcBenchError::Engine(error.to_string()))?;
        let (engine, controls) = engine(Wire::new(segment), reused.pool, clock(&compensated.clocks))?;
        let (first, now) = host.read_wall(begin, &mut random);
        let keeper = TimeKeeper::new(first);
        keeper.time().set_way_back(way_back(&compensated.clocks));
        Ok(Self {
            stepper: Stepper::new(engine, grid),
            _controls: controls,
            crystals: drawn.ppm.into_iter().map(Crystal::new).collect(),
            lateness: Lateness::new(of.machine),
            machine: of.machine,
            stamps: Timestamps::new(keeper.time()),
            keeper,
            compensated,
            frames,
            to_reference,
            through: 2.0 * to_reference + away,
            now,
            cycle: 0,
            tally: Tally::new(PERIOD, LEAD),
            host,
            random,
        })
    }

    /// Cycles for so long.
    pub(super) fn run(&mut self, cycles: u64) {
        for _ in 0..cycles {
            self.cycle();
        }
    }

    /// What the engine says of its clock.
    pub(super) fn clock(&self) -> ClockCounters {
        self.stepper.engine().counters().clock()
    }

    pub(super) const fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(super) const fn compensated(&self) -> &Compensated {
        &self.compensated
    }

    pub(super) fn segment(&self) -> &Segment {
        self.stepper.engine().link().segment()
    }

    /// How much too fast the reference's crystal was while delays were measured, in ppm.
    pub(super) fn first_ppm(&self) -> f64 {
        super::topology::CRYSTAL_PPM
    }

    /// Ends it, and leaves what the next one needs.
    pub(super) fn end(self) -> Reused {
        Reused { pool: self.stepper.into_engine().into_pool(), frames: self.frames }
    }

    fn cycle(&mut self) {
        let mut drawn = self.lateness.draw(&mut self.random);
        let due = self.stepper.tick(Time(whole(self.host.monotonic(self.now)))).at;
        let woke = Time(due.0 + whole(drawn.wake_up));
        let tick = self.stepper.tick(woke);
        let enters = self.host.at(float(woke.0)) + drawn.send;
        let back = enters + self.through + FRAME_NS + drawn.receive;
        let received = Time(whole(self.host.monotonic(back)));
        let deadline = self.stepper.engine().timing().deadline;
        // What comes after the deadline is lost to the cycle.
        if received > tick.at.after(deadline) && drawn.fate == Fate::Return {
            drawn.fate = Fate::LostBack;
        }
        let was_locked = self.clock().lock_took.is_some();
        let unread = self.clock().without_reading;
        self.stepper.engine_mut().link_mut().set(whole(enters), drawn.fate);
        self.stepper.send(woke, woke);
        let ended = if self.stepper.poll() { received } else { self.stepper.deadline().unwrap_or(received) };
        let shift = self.stepper.conclude(ended).shift;
        self.tally.moved(shift, tick.skipped + 1, was_locked);
        let clock = (self.clock().without_reading == unread).then(|| self.clock().time);
        let (cycle, tick_at) = (tick.number, tick.at.0);
        self.stamp(CycleClock { cycle, tick: tick_at, posted: woke.0, received: ended.0, clock }, enters);
        self.judge(tick, woke, &drawn, enters);
        self.now = self.host.at(float(ended.0));
        self.pass_time();
    }

    /// Stamps the cycle as a sample, and looks how far that is from when its frame really passed the reference.
    fn stamp(&mut self, of: CycleClock, enters: f64) {
        let moment = self.stamps.moment(of);
        if of.clock.is_some() {
            let truth = self.host.wall(enters + self.to_reference);
            self.tally.stamped(self.cycle, moment.utc.abs_diff(truth));
        }
    }

    fn judge(&mut self, tick: Tick, woke: Time, drawn: &Drawn, enters: f64) {
        let at = Duration::from_nanos(whole(enters) + 1_000);
        let link = self.stepper.engine_mut().link_mut();
        let segment = link.segment();
        let system = |at: f64| segment.clock(0, Duration::from_nanos(whole(at))).map_or(0, |clock| clock.system);
        let usual = self.machine.send.median();
        let on_tick = system(self.host.at(float(tick.at.0)) + usual + self.to_reference);
        self.tally.phase(self.cycle, on_tick, system(enters + self.to_reference), drawn.fate != Fate::LostOut);
        let machine = float(woke.since(tick.at).as_nanos().try_into().unwrap_or(u64::MAX)) + drawn.send - usual;
        self.tally.machine(self.cycle, machine);
        // One clock in turn.
        let count = u64::try_from(segment.len()).unwrap_or(1);
        let position = usize::try_from(self.cycle % count).unwrap_or(0);
        if let (Some(clock), Some(reference)) = (segment.clock(position, at), segment.clock(0, at)) {
            self.tally.clocks(self.cycle, clock.difference(&reference));
        }
        let mut difference = [0; 4];
        let station = self.compensated.stations.get(position).copied().unwrap_or(0);
        let address = Address::station(station, register::DC_DIFFERENCE);
        if ask(link.segment_mut(), at, Command::Fprd, address, &mut difference) == 1 {
            self.tally.difference(self.cycle, u32::from_le_bytes(difference) & 0x7fff_ffff);
        }
    }

    /// What happens beside the cycles: crystals wander, the wall clock is read and now and then stepped.
    fn pass_time(&mut self) {
        self.cycle += 1;
        if self.cycle.is_multiple_of(WANDERS_EVERY) {
            self.wander();
        }
        if self.cycle.is_multiple_of(READS_WALL_EVERY) {
            self.keeper.cycles();
            self.read_wall();
        }
        if self.cycle % STEPS_WALL_EVERY.0 == STEPS_WALL_EVERY.1 {
            let by = self.random.i64(100_000..10_000_000_000_000);
            self.host.step(if self.random.bool() { by } else { -by });
        }
    }

    fn read_wall(&mut self) {
        loop {
            let (reading, end) = self.host.read_wall(self.now, &mut self.random);
            self.now = end;
            if self.keeper.wall(reading).0 != Said::Doubtful {
                return;
            }
        }
    }

    fn wander(&mut self) {
        self.host.wander(self.now, &mut self.random);
        let (seconds, at) = (WANDERS_EVERY as f64 * PERIOD.as_secs_f64(), Duration::from_nanos(whole(self.now)));
        let segment = self.stepper.engine_mut().link_mut().segment_mut();
        for (subdevice, crystal) in self.crystals.iter_mut().enumerate() {
            crystal.wander(seconds, &mut self.random);
            // Those without a clock have no crystal.
            let _ = segment.act(Action::ClockDrift { subdevice, ppm: crystal.ppm() }, at);
        }
    }
}

/// The reference clock as the engine reads it.
fn clock(clocks: &Clocks) -> ReferenceClock {
    let (reference, count) = (clocks.reference(), clocks.count());
    let wide = reference.info.class == ClockClass::Wide;
    let steer = Some(SteerSettings::usual(PERIOD, LEAD));
    ReferenceClock { station: reference.station, wide, expected: count, watched: count, steer, host: None }
}

/// From the passage of the reference until the whole frame is back, as far as the MainDevice knows it.
fn way_back(clocks: &Clocks) -> Duration {
    Duration::from_nanos(u64::from(clocks.loop_ns) + whole(FRAME_NS))
}

/// An engine that exchanges the clock's frame and nothing else.
fn engine(wire: Wire, pool: Pool, clock: ReferenceClock) -> Result<(Engine<Wire>, Controls), DcBenchError> {
    let acyclic = AcyclicSettings { first_slot: Slot(4), in_flight: 1, timeout: 20 * PERIOD };
    let (engine, parts) = Engine::new(wire, Timing::for_period(PERIOD), pool, acyclic);
    let EngineParts { mut controls, .. } = parts;
    let nothing = Plan { image_len: 0, frames: Vec::new(), subdevices: Vec::new() };
    let options = LaneOptions { first_slot: Slot(0), al_status: None };
    let lane = CyclicLane::with_clock(&nothing, options, clock);
    let lane = lane.map_err(|error| DcBenchError::Engine(error.to_string()))?;
    controls.install(Exchange::new(lane)).map_err(|error| DcBenchError::Engine(error.to_string()))?;
    Ok((engine, controls))
}

#[expect(clippy::cast_precision_loss, reason = "times of days are far below 2^53 ns")]
const fn float(nanos: u64) -> f64 {
    nanos as f64
}
