//! A whole network in one thread under virtual time: engine, bus and simulated segment, driven step by step.
//!
//! Bring-up and shutdown are those of production ([`Machine`]); only the loop around the engine's steps differs. The
//! bus's futures are polled between the steps, so nothing waits for anything else and the same segment gives the same
//! run. A cycle takes as long as its work takes, and virtual time advances by one period.
//!
//! For benches and tests. Not guaranteed: any relation between virtual and real time.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use zerocat::config::{Network as RigNetwork, Rig, Unknown};
use zerocat::{
    Bindings, Calm, Descriptions, DrivenBus, HostInterfaces, Machine, Observer, Planned, Ports, StartError, StopWish,
    UnwatchedOutputs,
};
use zerocat_bus::{BringUpError, Datagrams, block_on, requests};
use zerocat_engine::{
    AcyclicSettings, CommandWriter, Concluded, Controls, CountersReader, Engine, EngineParts, EventReader, Follow,
    Origin, Pool, ReaderSpec, RingFull, SampleReader, Slack, StateReader, Stepper, Timing, WriterSpec, reader,
    slots_needed, writer,
};
use zerocat_link::{Link, Sizing, Slot};
use zerocat_pdi::{BitSpan, Direction, Plan, SubDevicePlan};
use zerocat_sched::{Grid, Time, link_idle_timer};
use zerocat_sim::{Segment, SegmentLink};

/// Acyclic frames that may be out at once.
const ACYCLIC: u16 = 8;
/// Transmit slots for cyclic frames.
const CYCLIC: u16 = 64;
/// Virtual time that a look at the link takes while acyclic frames are out.
const LOOK: Duration = Duration::from_micros(10);
/// Samples and command sets that a ring holds.
const DEPTH: usize = 64;

type VirtualClock = Box<dyn Fn() -> Duration + Send>;
/// The link from the engine into the segment.
pub type InProcessLink = SegmentLink<VirtualClock>;

/// A network in OP. It belongs to the thread that brought it up. `L` is the engine's link: the one into the segment, or
/// a wrapper around it.
#[derive(Debug)]
pub struct VirtualNetwork<L = InProcessLink> {
    drive: Drive<L>,
    machine: Machine<'static>,
    planned: Planned<'static>,
    events: EventReader,
    tasks: Tasks,
}

/// The far ends of the engine's rings: one reader of all inputs and one writer of all outputs, both in every cycle.
#[derive(Debug)]
pub struct Tasks {
    /// All inputs.
    pub samples: SampleReader,
    /// All outputs.
    pub commands: CommandWriter,
    /// All outputs as they were sent.
    pub states: StateReader,
}

impl Tasks {
    /// Hands a complete set of outputs over, for now.
    ///
    /// # Errors
    /// [`RingFull`].
    pub fn command(&mut self, record: &[u8]) -> Result<(), RingFull> {
        let epoch = self.commands.epoch();
        self.commands.push(record, epoch)
    }
}

impl VirtualNetwork {
    /// Brings a segment to OP with cyclic frames every `period` of virtual time.
    ///
    /// # Errors
    /// What failed on the way.
    pub fn bring_up(segment: Segment, period: Duration) -> Result<Self, StartError> {
        Self::bring_up_rig(segment, rig(period))
    }

    /// The same with a rig file: its rate, its slaves and how they are exchanged count, and of its tasks what outputs are that
    /// nobody commands.
    ///
    /// # Errors
    /// What failed on the way.
    pub fn bring_up_rig(segment: Segment, rig: Rig) -> Result<Self, StartError> {
        Self::bring_up_over(segment, rig, |link| link)
    }
}

impl<L: Link> VirtualNetwork<L> {
    /// The same with the engine on what `wrap` makes of the link into the segment.
    ///
    /// # Errors
    /// What failed on the way.
    pub fn bring_up_over(
        segment: Segment,
        rig: Rig,
        wrap: impl FnOnce(InProcessLink) -> L,
    ) -> Result<Self, StartError> {
        let (mut drive, ends) = Drive::new(segment, rig.period(), wrap);
        let Ends { controls, counters, events, datagrams } = ends;
        let mut machine = machine(leaked(rig), leaked(datagrams), controls, counters, leaked(Observer::default()));
        let mut planned = block_on(machine.plan(), || drive.turn())?;
        let (mut ports, tasks) = tasks_of(&planned.plan, &planned.bindings);
        block_on(machine.operate(&mut planned, &mut ports), || drive.turn())?;
        let mut network = Self { drive, machine, planned, events, tasks };
        // The order to let traffic flow is obeyed at the end of a cycle.
        network.cycle();
        Ok(network)
    }

    /// One cycle with all its steps, slack included. Virtual time moves to the next tick.
    pub fn cycle(&mut self) {
        self.drive.exchange();
        self.drive.slack();
    }

    /// The engine, with its counters and its link, and behind that the segment.
    #[must_use]
    pub const fn engine(&self) -> &Engine<L> {
        self.drive.engine()
    }

    /// The same, to change. The slots of the link are not to be written.
    pub const fn engine_mut(&mut self) -> &mut Engine<L> {
        self.drive.engine_mut()
    }

    /// The bus with its plan.
    #[must_use]
    pub const fn planned(&self) -> &Planned<'static> {
        &self.planned
    }

    /// The far ends of the rings.
    pub const fn tasks_mut(&mut self) -> &mut Tasks {
        &mut self.tasks
    }

    /// Messages to the engine.
    pub fn controls_mut(&mut self) -> &mut Controls {
        self.machine.controls.get_mut()
    }

    /// The counters as they were published last.
    #[must_use]
    pub const fn counters(&self) -> &CountersReader {
        &self.machine.counters
    }

    /// Faults as they happened.
    pub const fn events_mut(&mut self) -> &mut EventReader {
        &mut self.events
    }

    /// Virtual time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.drive.now()
    }

    /// Reads an object of a SubDevice, while cycles go on.
    ///
    /// # Errors
    /// What the bus says.
    pub fn upload(&mut self, position: u16, index: u16, subindex: u8) -> Result<Vec<u8>, BringUpError> {
        let Self { drive, planned, .. } = self;
        block_on(planned.network.upload(position, index, subindex), || drive.turn())
    }

    /// Takes the bus down to INIT in order, as production does. Returns what failed.
    pub fn take_down(self) -> Vec<StartError> {
        let Self { mut drive, mut machine, mut planned, .. } = self;
        block_on(machine.shut_down(&mut planned), || drive.turn())
    }
}

/// What brings a network up and down in which nothing else happens: no requests, no wish for the end.
#[must_use]
pub fn machine<'a>(
    rig: &'a Rig,
    datagrams: &'a Datagrams,
    controls: Controls,
    counters: CountersReader,
    observer: &'a Observer,
) -> Machine<'a> {
    Machine {
        rig: Cow::Borrowed(rig),
        datagrams,
        controls: RefCell::new(controls),
        counters,
        cyclic_slots: CYCLIC,
        surroundings: &Calm,
        observer,
        driven_bus: DrivenBus::Refuse,
        unwatched: UnwatchedOutputs::Tell,
        inbox: requests().1,
        stop: StopWish::default(),
        descriptions: Descriptions::default(),
        out_of_op: Arc::default(),
        interfaces: HostInterfaces::default(),
    }
}

/// A value that lives as long as the process, as the frame pool does that a network sends with.
fn leaked<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// The ends of an engine that are the bus's.
#[derive(Debug)]
pub struct Ends {
    /// Messages to the engine.
    pub controls: Controls,
    /// Its counters.
    pub counters: CountersReader,
    /// Faults as they happen.
    pub events: EventReader,
    /// Acyclic datagrams. Their frame pool lives as long as the process, 200 kB; [`Drive::release`] gives it to the next
    /// network.
    pub datagrams: Datagrams,
}

/// A frame pool with both of its ends, and the clock that they go by: what a network that has ended leaves for the next.
pub struct Frames {
    pool: Pool,
    datagrams: Datagrams,
    now: Arc<AtomicU64>,
}

impl std::fmt::Debug for Frames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frames").field("pool", &self.pool).finish_non_exhaustive()
    }
}

impl Default for Frames {
    /// New ones. Their memory lives as long as the process.
    fn default() -> Self {
        // ethercrab wants a timer to exist; it is never armed.
        link_idle_timer();
        let now = Arc::new(AtomicU64::new(0));
        let (pool, pdu_loop) = Pool::new();
        Self { pool, datagrams: Datagrams::new(pdu_loop, read(&now)), now }
    }
}

/// The engine, behind it the segment, and the time that its steps are given.
#[derive(Debug)]
pub struct Drive<L = InProcessLink> {
    stepper: Stepper<L>,
    now: Arc<AtomicU64>,
}

impl<L: Link> Drive<L> {
    /// An engine with the period of its cycles, on what `wrap` makes of the link into the segment.
    pub fn new(segment: Segment, period: Duration, wrap: impl FnOnce(InProcessLink) -> L) -> (Self, Ends) {
        Self::over(Frames::default(), segment, period, wrap)
    }

    /// The same with frames that a network has left. Time begins anew.
    ///
    /// # Panics
    /// The period is none of a grid.
    pub fn over(
        frames: Frames,
        segment: Segment,
        period: Duration,
        wrap: impl FnOnce(InProcessLink) -> L,
    ) -> (Self, Ends) {
        let Frames { pool, datagrams, now } = frames;
        datagrams.begin_anew();
        // SYNC: as in `now`.
        now.store(0, Ordering::Relaxed);
        let sizing = Sizing { slots: slots_needed(CYCLIC.into(), ACYCLIC), receive: CYCLIC + ACYCLIC };
        let link = wrap(SegmentLink::new(segment, sizing, read(&now)));
        let acyclic = AcyclicSettings { first_slot: Slot(CYCLIC), in_flight: ACYCLIC, timeout: 20 * period };
        let (engine, parts) = Engine::new(link, Timing::for_period(period), pool, acyclic);
        let EngineParts { controls, counters, events } = parts;
        #[expect(clippy::expect_used, reason = "whoever has a network under virtual time gives it a period of a grid")]
        let grid = Grid::from_period(Time(0), period).expect("a period of a grid");
        let drive = Self { stepper: Stepper::new(engine, grid), now };
        (drive, Ends { controls, counters, events, datagrams })
    }

    /// Ends it and gives its frames, for another network. `None` where requests that were given up are still out after
    /// a second: then the frames are lost.
    #[must_use]
    pub fn release(mut self, datagrams: Datagrams) -> Option<Frames> {
        let end = self.now().after(Duration::from_secs(1));
        while datagrams.abandoned() > 0 {
            if self.now() >= end {
                return None;
            }
            self.turn();
        }
        Some(Frames { pool: self.stepper.into_engine().into_pool(), datagrams, now: self.now })
    }

    /// Virtual time.
    #[must_use]
    pub fn now(&self) -> Time {
        // SYNC: one thread; the atomic only makes the clock shareable.
        Time(self.now.load(Ordering::Relaxed))
    }

    fn set(&self, time: Time) {
        // SYNC: as in `now`.
        self.now.store(time.0.max(self.now().0), Ordering::Relaxed);
    }

    fn next_tick(&self) -> Time {
        self.stepper.following()
    }

    /// The engine, with its counters and its link, and behind that the segment.
    #[must_use]
    pub const fn engine(&self) -> &Engine<L> {
        self.stepper.engine()
    }

    /// The same, to change: another segment may take the place of the one that is there.
    pub const fn engine_mut(&mut self) -> &mut Engine<L> {
        self.stepper.engine_mut()
    }

    /// What the realtime thread does while the bus waits: a look at the link, or, when it is time, a cycle.
    pub fn turn(&mut self) {
        let next = self.next_tick();
        let guarded = next.before(self.engine().timing().guard);
        if self.now().after(LOOK) < guarded {
            self.set(self.now().after(LOOK));
            self.stepper.slack(self.now());
        } else {
            // A turn is owed to the acyclic lane also where the cycle took all the time.
            self.stepper.slack(self.now());
            self.exchange();
        }
    }

    /// Virtual time passes, and nobody does anything.
    pub fn stand_still(&mut self, time: Duration) {
        self.set(self.now().after(time));
    }

    /// Steps 1 to 6 at the next tick.
    pub fn exchange(&mut self) -> Concluded {
        self.set(self.stepper.tick(self.now()).at);
        let at = self.now();
        self.stepper.send(at, at);
        // In one process a frame that isn't back at once never comes.
        if !self.stepper.poll() {
            self.set(self.stepper.deadline().unwrap_or(at));
        }
        self.stepper.conclude(self.now())
    }

    /// Step 7, until nothing is out any more.
    fn slack(&mut self) {
        let next = self.next_tick();
        while self.now() < next && self.stepper.slack(self.now()) != Slack::Idle {
            self.set(self.now().after(LOOK));
        }
    }
}

fn read(now: &Arc<AtomicU64>) -> VirtualClock {
    let now = Arc::clone(now);
    // SYNC: as in `Drive::now`.
    Box::new(move || Duration::from_nanos(now.load(Ordering::Relaxed)))
}

/// A rig without SubDevices of its own: whoever is there takes part.
#[must_use]
pub fn rig(period: Duration) -> Rig {
    let network = RigNetwork::on("in-process", 1.0 / period.as_secs_f64());
    Rig::of(RigNetwork { unknown: Unknown::Ignore, ..network })
}

/// Both ends of the rings of one reader of all inputs and one writer of all outputs.
#[must_use]
pub fn tasks(plan: &Plan) -> (Ports, Tasks) {
    tasks_of(plan, &Vec::new())
}

/// The same, with the outputs that follow an input.
fn tasks_of(plan: &Plan, bindings: &Bindings) -> (Ports, Tasks) {
    let inputs = joined(plan.subdevices.iter().map(|subdevice| subdevice.inputs.clone()));
    let outputs = joined(plan.subdevices.iter().map(|subdevice| subdevice.outputs.clone()));
    let (sample_port, samples) =
        reader(ReaderSpec { origins: origins(plan, Direction::Input), ..ReaderSpec::of_all(inputs, DEPTH) });
    let follows =
        bindings.iter().flatten().filter_map(|one| follow(one.span, one.initial, one.safe, &outputs)).collect();
    let origins = origins(plan, Direction::Output);
    let parts = plan.subdevices.iter().map(|one| one.outputs.clone()).filter(|outputs| !outputs.is_empty()).collect();
    let (writer_port, commands, states) =
        writer(WriterSpec { parts, origins, follows, ..WriterSpec::of_all(outputs, DEPTH) });
    let ports = Ports { readers: vec![sample_port], writers: vec![writer_port], ..Ports::default() };
    (ports, Tasks { samples, commands, states })
}

/// All SubDevices with inputs, or with outputs, in bus order.
fn origins(plan: &Plan, direction: Direction) -> Vec<Origin> {
    let bytes = |one: &SubDevicePlan| if direction == Direction::Input { one.inputs.len() } else { one.outputs.len() };
    let with_bytes = plan.subdevices.iter().filter(|one| bytes(one) > 0);
    with_bytes.map(|one| Origin { position: one.position, direction }).collect()
}

/// How an output of a task follows, with its place in the record of all outputs.
fn follow(
    output: BitSpan,
    initial: Option<BitSpan>,
    safe: Option<BitSpan>,
    outputs: &[Range<usize>],
) -> Option<Follow> {
    if initial.is_none() && safe.is_none() {
        return None;
    }
    let mut before = 0;
    for range in outputs {
        if range.contains(&(output.offset / 8)) {
            let record = BitSpan::new(output.offset - 8 * range.start + 8 * before, output.len);
            return Some(Follow { record, output, initial, safe });
        }
        before += range.len();
    }
    None
}

/// Ranges in order, neighbours made one.
fn joined(ranges: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in ranges.filter(|range| !range.is_empty()) {
        match joined.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => joined.push(range),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_sim::SegmentConfig;

    const PERIOD: Duration = Duration::from_millis(1);

    fn network(subdevices: usize) -> VirtualNetwork {
        let segment = Segment::new(&SegmentConfig::mixed(subdevices)).unwrap();
        VirtualNetwork::bring_up(segment, PERIOD).unwrap()
    }

    #[test]
    fn a_mixed_segment_comes_up_and_every_cycle_is_complete() {
        let mut network = network(12);
        let before = *network.engine().counters();
        for _ in 0..1000 {
            network.cycle();
        }
        let after = *network.engine().counters();
        assert_eq!(after.cycles - before.cycles, 1000);
        assert_eq!((after.lost_frames, after.working_counter_faults, after.skipped), (0, 0, 0));
        assert_eq!(after.working_counter, after.expected_working_counter);
        assert!(after.expected_working_counter > 12);
        assert_eq!(network.counters().read(), after);
    }

    #[test]
    fn a_virtual_cycle_is_one_period() {
        let mut network = network(3);
        let before = network.drive.next_tick();
        for _ in 0..10 {
            network.cycle();
        }
        assert_eq!(network.drive.next_tick().since(before), 10 * PERIOD);
        assert!(network.now() < network.drive.next_tick());
    }

    #[test]
    fn commands_reach_the_segment_and_samples_come_out() {
        let mut network = network(7);
        let tasks = network.tasks_mut();
        let record = vec![0x01; tasks.commands.record_len()];
        assert!(!record.is_empty());
        let mut state = vec![0; record.len()];
        while tasks.states.pop(&mut state).is_some() {}
        tasks.command(&record).unwrap();
        network.cycle();
        let tasks = network.tasks_mut();
        assert!(tasks.states.pop(&mut state).is_some_and(|header| !header.stale));
        assert_eq!(state, record);
        let mut sample = vec![0; tasks.samples.record_len()];
        assert!(tasks.samples.pop(&mut sample).is_some());
        assert_eq!(tasks.commands.applied(), 1);
    }

    #[test]
    fn it_goes_down_in_order() {
        let failed = network(5).take_down();
        assert!(failed.is_empty(), "{failed:?}");
    }

    #[test]
    fn neighbouring_ranges_are_copied_as_one() {
        let ranges = [0..2, 2..2, 2..5, 7..8, 8..9];
        assert_eq!(joined(ranges.into_iter()), [0..5, 7..9]);
    }
}
