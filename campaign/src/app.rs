//! The application of a life: it commands numbered sets of outputs, some of them late, and knows when it made each.
//!
//! Every set has a number that stands in the target position of each servo; all other outputs are zero. So a frame on the
//! wire tells which set it carries, and zero is the safe one.

use crate::wire::Delivered;
use fastrand::Rng;
use std::ops::Range;
use std::time::Duration;
use zerocat::Ports;
use zerocat_engine::{CommandWriter, ReaderSpec, SampleReader, StateReader, WriterSpec, reader, writer};
use zerocat_pdi::{BitSpan, Direction, Plan};

/// Target position of a CiA 402 drive.
const TARGET_POSITION: u16 = 0x607a;
/// Samples and command sets that a ring holds.
const DEPTH: usize = 64;

/// How an application behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    /// It makes each set for the epoch that it finds.
    Prompt,
    /// It makes sets for an epoch that it looked up some time ago.
    Slow,
    /// It hands over several sets at once, and none for a while.
    Bursts,
}

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carried {
    /// Safe outputs.
    Safe,
    /// A set.
    Set(usize),
    /// Something that nobody commanded.
    Unknown,
}

#[derive(Debug)]
pub(crate) struct App {
    habit: Habit,
    rng: Rng,
    commands: CommandWriter,
    states: StateReader,
    samples: SampleReader,
    /// Places of the numbers in the record, and in the image.
    places: Vec<(BitSpan, BitSpan)>,
    record: Vec<u8>,
    input: Vec<u8>,
    /// When each set was made, by its number less one.
    made: Vec<Duration>,
    remembered: u64,
}

impl App {
    /// For a plan, with the realtime ends of its rings.
    pub(crate) fn new(plan: &Plan, mut rng: Rng) -> (Self, Ports) {
        let inputs: Vec<_> = plan.subdevices.iter().map(|one| one.inputs.clone()).collect();
        let outputs: Vec<_> = plan.subdevices.iter().map(|one| one.outputs.clone()).collect();
        let places = places(plan, &outputs);
        let mask = vec![0xff; outputs.iter().map(ExactSizeIterator::len).sum()];
        let (sample_port, samples) = reader(ReaderSpec { ranges: inputs, every: 1, depth: DEPTH });
        let spec = WriterSpec {
            ranges: outputs,
            mask,
            depth: DEPTH,
            state_every: 1,
            state_depth: DEPTH,
            ..WriterSpec::default()
        };
        let (writer_port, commands, states) = writer(spec);
        let habit = match rng.u8(0..4) {
            0 => Habit::Slow,
            1 => Habit::Bursts,
            _ => Habit::Prompt,
        };
        let (record, input) = (vec![0; commands.record_len()], vec![0; samples.record_len()]);
        let ports = Ports { readers: vec![sample_port], writers: vec![writer_port] };
        let app =
            Self { habit, rng, commands, states, samples, places, record, input, made: Vec::new(), remembered: 0 };
        (app, ports)
    }

    /// Once a cycle: takes what came, and commands.
    pub(crate) fn turn(&mut self, now: Duration) {
        while self.samples.pop(&mut self.input).is_some() {}
        let mut state = std::mem::take(&mut self.record);
        while self.states.pop(&mut state).is_some() {}
        self.record = state;
        let sets = match self.habit {
            Habit::Bursts if self.rng.u8(0..50) == 0 => 40,
            Habit::Bursts => 0,
            Habit::Prompt | Habit::Slow => 1,
        };
        if self.habit != Habit::Slow || self.rng.u8(0..40) == 0 {
            self.remembered = self.commands.epoch();
        }
        for _ in 0..sets {
            self.command(now);
        }
    }

    fn command(&mut self, now: Duration) {
        self.made.push(now);
        self.record.fill(0);
        for (place, _) in &self.places {
            let _ = place.insert(&mut self.record, u64::try_from(self.made.len()).unwrap_or(u64::MAX));
        }
        // A full ring refuses: it is the application's loss.
        let _ = self.commands.push(&self.record, self.remembered);
    }

    /// When a set was made.
    pub(crate) fn made(&self, set: usize) -> Option<Duration> {
        self.made.get(set.checked_sub(1)?).copied()
    }

    /// What the outputs of a frame are.
    pub(crate) fn carried(&self, frame: &Delivered) -> Carried {
        let mut bytes = frame.bytes.clone();
        let mut sets = Vec::new();
        for (_, place) in &self.places {
            let start = frame.image.start * 8;
            if place.offset >= start && place.offset + usize::from(place.len) <= frame.image.end * 8 {
                let within = BitSpan::new(place.offset - start, place.len);
                sets.extend(within.extract(&bytes));
                let _ = within.insert(&mut bytes, 0);
            }
        }
        sets.dedup();
        let rest_is_zero = bytes.iter().all(|byte| *byte == 0);
        match sets.as_slice() {
            [] | [0] if rest_is_zero => Carried::Safe,
            [set] if rest_is_zero => {
                let set = usize::try_from(*set).unwrap_or(usize::MAX);
                if self.made(set).is_some() { Carried::Set(set) } else { Carried::Unknown }
            }
            _ => Carried::Unknown,
        }
    }
}

/// Where the numbers stand.
fn places(plan: &Plan, outputs: &[Range<usize>]) -> Vec<(BitSpan, BitSpan)> {
    let mut found = Vec::new();
    let mut before = 0;
    for (planned, bytes) in plan.subdevices.iter().zip(outputs) {
        let targets = planned.entries.iter();
        for target in targets.filter(|one| one.direction == Direction::Output && one.index == TARGET_POSITION) {
            let in_record = BitSpan::new(target.span.offset - 8 * bytes.start + 8 * before, target.span.len);
            found.push((in_record, target.span));
        }
        before += bytes.len();
    }
    found
}
