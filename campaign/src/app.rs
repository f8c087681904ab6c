//! The application of a life: it commands numbered sets of outputs, some of them late, and knows when it made each.
//!
//! Every set has a number that stands in the target position of each servo, and in each terminal of single bits a mark that
//! tells for which epoch it was made; all other outputs are zero. So a frame on the wire tells which set it carries, and zero
//! is the safe one: for all, or for a SubDevice whose commands are void. One output is never commanded: an analogue output that follows
//! an analogue input.

use crate::follower::Follower;
use crate::place::{in_record, within};
use crate::wire::{Delivered, Truth};
use fastrand::Rng;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;
use zerocat::Ports;
use zerocat_engine::{
    CommandSet, CommandWriter, Origin, Others, ReaderSpec, SampleReader, StateReader, WriterSpec, reader,
    reader_while_safe, writer,
};
use zerocat_pdi::{BitSpan, Direction, Plan, SubDevicePlan};

/// Target position of a CiA 402 drive.
const TARGET_POSITION: u16 = 0x607a;
/// The reader of samples while traffic is live, of the two.
const LIVE: usize = 0;
/// Samples and command sets that a ring holds.
const DEPTH: usize = 64;

/// Marks that a terminal can show, beside 0.
const MARKS: u64 = 15;

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
    /// Samples while traffic is live, and while it is safe.
    samples: [SampleReader; 2],
    follower: Option<Follower>,
    /// Bits of the record that sets command.
    commanded: Vec<u8>,
    /// Places of the numbers in the record, and in the image.
    places: Vec<(BitSpan, BitSpan)>,
    /// Those of the marks, with the positions of their terminals.
    terminals: Vec<(u16, BitSpan, BitSpan)>,
    /// The latest epoch of each mark, and when the first set was made for it.
    marked: BTreeMap<u64, (u64, Duration)>,
    record: Vec<u8>,
    input: Vec<u8>,
    /// Positions of the SubDevices with inputs, and how many bytes of a sample they have.
    inputs: Vec<(u16, usize)>,
    /// The cyclic exchange is one frame, so that all inputs are of one moment.
    one_frame: bool,
    /// When each set was made, by its number less one.
    made: Vec<Duration>,
    remembered: u64,
}

impl App {
    /// For a plan, with the realtime ends of its rings.
    pub(crate) fn new(plan: &Plan, mut rng: Rng) -> (Self, Ports) {
        let inputs: Vec<_> = plan.subdevices.iter().map(|one| one.inputs.clone()).collect();
        let follower = Follower::find(plan, &inputs);
        let outputs: Vec<_> = plan.subdevices.iter().map(|one| one.outputs.clone()).collect();
        let (places, terminals) = (places(plan, &outputs), terminals(plan, &outputs));
        let with_inputs = plan.subdevices.iter().filter(|one| !one.inputs.is_empty());
        let sizes: Vec<_> = with_inputs.map(|one| (one.position, one.inputs.len())).collect();
        let origins = sizes.iter().map(|(position, _)| Origin { position: *position, direction: Direction::Input });
        let of_live = ReaderSpec { origins: origins.collect(), ..ReaderSpec::of_all(inputs.clone(), DEPTH) };
        let (live_port, live) = reader(of_live);
        let (safe_port, safe) = reader_while_safe(ReaderSpec::of_all(inputs, DEPTH));
        let follow = follower.as_ref().and_then(|one| one.follow(&outputs));
        let (writer_port, commands, states) =
            writer(WriterSpec { follows: follow.into_iter().collect(), ..WriterSpec::of_all(outputs, DEPTH) });
        let mut commanded = vec![0xff; commands.record_len()];
        if let Some(follow) = follow {
            let _ = follow.record.fill(&mut commanded, false);
        }
        let habit = match rng.u8(0..4) {
            0 => Habit::Slow,
            1 => Habit::Bursts,
            _ => Habit::Prompt,
        };
        let (record, input) = (vec![0; commands.record_len()], vec![0; live.record_len()]);
        let ports = Ports { readers: vec![live_port, safe_port], writers: vec![writer_port], ..Ports::default() };
        let (samples, made, remembered) = ([live, safe], Vec::new(), 0);
        let app = Self {
            habit,
            rng,
            commands,
            states,
            samples,
            follower,
            commanded,
            places,
            terminals,
            marked: BTreeMap::new(),
            record,
            input,
            inputs: sizes,
            one_frame: plan.frames.len() == 1,
            made,
            remembered,
        };
        (app, ports)
    }

    /// Once a cycle: takes what came, and commands. Returns inputs that were flagged good and are not what the segment had
    /// in their cycle, in words.
    pub(crate) fn turn(&mut self, now: Duration, truth: &Truth) -> Option<String> {
        let mut untrue = None;
        for n in 0..self.samples.len() {
            while let Some(header) = self.samples[n].pop(&mut self.input) {
                if let Some(follower) = &mut self.follower {
                    follower.see(&self.input);
                }
                if n == LIVE && self.one_frame && header.cycle == truth.cycle {
                    untrue = untrue.or_else(|| self.untrue(truth));
                }
            }
        }
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
        untrue
    }

    /// Inputs of the live sample that was taken last that are flagged good and aren't true.
    fn untrue(&self, truth: &Truth) -> Option<String> {
        let mut rest = self.input.as_slice();
        for (n, (position, len)) in self.inputs.iter().enumerate() {
            let bytes = rest.split_off(..*len)?;
            let had = truth.inputs.get(usize::from(*position))?;
            if !self.samples[LIVE].is_stale(n) && bytes != had {
                return Some(format!("good inputs of SubDevice {position} are {bytes:02x?}, it had {had:02x?}"));
            }
        }
        None
    }

    fn command(&mut self, now: Duration) {
        self.made.push(now);
        self.record.fill(0);
        for (place, _) in &self.places {
            let _ = place.insert(&mut self.record, u64::try_from(self.made.len()).unwrap_or(u64::MAX));
        }
        let (epoch, mark) = (self.remembered, 1 + self.remembered % MARKS);
        if self.marked.get(&mark).is_none_or(|(marked, _)| *marked != epoch) {
            self.marked.insert(mark, (epoch, now));
        }
        for (_, place, _) in &self.terminals {
            let _ = place.insert(&mut self.record, mark);
        }
        // A full ring refuses: it is the application's loss.
        let set = CommandSet { record: &self.record, commanded: &self.commanded, others: Others::Stay };
        let _ = self.commands.push_set(set, self.remembered);
    }

    /// An exchange begins, with an image of its own.
    pub(crate) fn begin(&mut self) {
        if let Some(follower) = &mut self.follower {
            follower.begin();
        }
    }

    /// What the output that follows is in a frame, if that isn't what its input was.
    pub(crate) fn strays(&self, frame: &Delivered) -> Option<u64> {
        self.follower.as_ref()?.strays(frame)
    }

    /// When a set was made.
    pub(crate) fn made(&self, set: usize) -> Option<Duration> {
        self.made.get(set.checked_sub(1)?).copied()
    }

    /// Positions of the terminals.
    pub(crate) fn terminals(&self) -> impl Iterator<Item = u16> {
        self.terminals.iter().map(|(position, ..)| *position)
    }

    /// When the first set was made for the epoch that a mark tells.
    pub(crate) fn mark_made(&self, mark: u64) -> Option<Duration> {
        self.marked.get(&mark).map(|(_, made)| *made)
    }

    /// What the outputs of a frame are.
    pub(crate) fn carried(&self, frame: &Delivered) -> Carried {
        let mut bytes = frame.bytes.clone();
        let mut take = |place: BitSpan| {
            let place = within(frame, place)?;
            let value = place.extract(&bytes)?;
            let _ = place.insert(&mut bytes, 0);
            Some(value).filter(|value| *value != 0)
        };
        let mut sets: Vec<u64> = self.places.iter().filter_map(|(_, place)| take(*place)).collect();
        let marks: Vec<u64> = self.terminals.iter().filter_map(|(_, _, place)| take(*place)).collect();
        if let Some(place) = self.follower.as_ref().and_then(|one| one.place(frame)) {
            let _ = place.insert(&mut bytes, 0);
        }
        sets.dedup();
        let rest_is_zero = bytes.iter().all(|byte| *byte == 0);
        let known = rest_is_zero && marks.iter().all(|mark| self.mark_made(*mark).is_some());
        match sets.as_slice() {
            [] if known => Carried::Safe,
            [set] if known => {
                let set = usize::try_from(*set).unwrap_or(usize::MAX);
                if self.made(set).is_some() { Carried::Set(set) } else { Carried::Unknown }
            }
            _ => Carried::Unknown,
        }
    }
}

/// Where the numbers stand.
fn places(plan: &Plan, outputs: &[Range<usize>]) -> Vec<(BitSpan, BitSpan)> {
    let entries = plan.subdevices.iter().flat_map(|one| &one.entries);
    let targets = entries.filter(|one| one.direction == Direction::Output && one.index == TARGET_POSITION);
    targets.filter_map(|target| Some((in_record(target.span, outputs)?, target.span))).collect()
}

/// Where the marks stand, with the positions: in the outputs of those that have bits only.
fn terminals(plan: &Plan, outputs: &[Range<usize>]) -> Vec<(u16, BitSpan, BitSpan)> {
    let terminal = |planned: &SubDevicePlan| {
        let bits = || planned.entries.iter().filter(|one| one.direction == Direction::Output);
        let first = bits().next().filter(|_| bits().all(|one| one.span.len == 1))?;
        let span = BitSpan::new(first.span.offset, 4);
        Some((planned.position, in_record(span, outputs)?, span))
    };
    plan.subdevices.iter().filter_map(terminal).collect()
}
