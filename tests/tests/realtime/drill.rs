//! Outputs wired to inputs: a pattern is written, held for some cycles, and expected at the other end of its wire.

use std::ops::Range;
use zerocat_pdi::{BitSpan, Direction, PlacedEntry, Plan};
use zerocat_sim::{ProfileKind, SegmentConfig, WireConfig};
use zerocat_testkit::virtual_network::{Tasks, VirtualNetwork};

/// Cycles that a pattern is held for.
const HOLD: u64 = 16;
/// Cycles after which it must have arrived, even if some of their frames were lost.
const SETTLED: u64 = 12;

/// The segment of the demonstration with all its wires.
pub(crate) fn demo() -> SegmentConfig {
    SegmentConfig::example()
}

/// A line of all kinds of SubDevices with a wire from every digital and analogue output to the input before it.
pub(crate) fn mixed(count: usize) -> SegmentConfig {
    let mut config = SegmentConfig::mixed(count);
    let mut inputs = [None, None];
    for (n, subdevice) in config.subdevices.iter().enumerate() {
        let (kind, channels) = match subdevice.profile {
            ProfileKind::DigitalIn | ProfileKind::DigitalOut => (0, 4),
            ProfileKind::AnalogueIn | ProfileKind::AnalogueOut => (1, 2),
            _ => continue,
        };
        if matches!(subdevice.profile, ProfileKind::DigitalIn | ProfileKind::AnalogueIn) {
            inputs[kind] = Some(n);
        } else if let Some(input) = inputs[kind].take() {
            let wire = |c| WireConfig { from: format!("{n}.out.{c}"), to: format!("{input}.in.{c}") };
            config.wires.extend((1..=channels).map(wire));
        }
    }
    config
}

/// An output in the records of the writer, and the input that shows it in the records of the reader.
#[derive(Debug, Clone, Copy)]
struct Wire {
    output: BitSpan,
    input: BitSpan,
}

/// What the drill has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Seen {
    /// Inputs that showed what was written to the output at the other end.
    pub(crate) right: u64,
    /// Inputs that showed something else.
    pub(crate) wrong: u64,
    /// Samples that were marked as older than their cycle.
    pub(crate) stale: u64,
    /// Samples in all.
    pub(crate) samples: u64,
    /// Outputs that have no place in the record, and sets of outputs that found no room.
    pub(crate) refused: u64,
}

/// The drill. It allocates only when it is made.
#[derive(Debug)]
pub(crate) struct Drill {
    wires: Vec<Wire>,
    command: Vec<u8>,
    sample: Vec<u8>,
    state: Vec<u8>,
    cycle: u64,
    pub(crate) seen: Seen,
}

impl Drill {
    /// For a network in OP that was made from `config`.
    pub(crate) fn new(network: &mut VirtualNetwork, config: &SegmentConfig) -> Self {
        let wires = wires(&network.planned().plan, config);
        assert!(!wires.is_empty());
        let tasks = network.tasks_mut();
        let (command, sample) = (vec![0; tasks.commands.record_len()], vec![0; tasks.samples.record_len()]);
        Self { wires, state: command.clone(), command, sample, cycle: 0, seen: Seen::default() }
    }

    /// Runs one cycle of the network. With `drain` the samples are taken and checked.
    pub(crate) fn cycle(&mut self, network: &mut VirtualNetwork, drain: bool) {
        let held = self.cycle % HOLD;
        if held == 0 {
            self.write(network.tasks_mut());
        }
        network.cycle();
        if drain {
            self.look(network.tasks_mut(), held >= SETTLED);
        }
        self.cycle += 1;
    }

    /// Writes a new pattern, a different one to each output.
    fn write(&mut self, tasks: &mut Tasks) {
        let mut mixed = self.cycle;
        for wire in &self.wires {
            mixed = mixed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let written = wire.output.insert(&mut self.command, mixed >> 40 & mask(wire.output));
            self.seen.refused += u64::from(!written);
        }
        self.seen.refused += u64::from(tasks.command(&self.command).is_err());
    }

    fn look(&mut self, tasks: &mut Tasks, settled: bool) {
        while let Some(header) = tasks.samples.pop(&mut self.sample) {
            self.seen.samples += 1;
            self.seen.stale += u64::from(header.stale);
            if settled && !header.stale {
                self.compare();
            }
        }
        while tasks.states.pop(&mut self.state).is_some() {}
    }

    fn compare(&mut self) {
        for wire in &self.wires {
            let (sent, shown) = (wire.output.extract(&self.command), wire.input.extract(&self.sample));
            if sent.is_some() && sent == shown {
                self.seen.right += 1;
            } else {
                self.seen.wrong += 1;
            }
        }
    }
}

const fn mask(span: BitSpan) -> u64 {
    (1 << span.len) - 1
}

/// Where the ends of the wires are in the records. A record holds the bytes of all SubDevices in one direction.
fn wires(plan: &Plan, config: &SegmentConfig) -> Vec<Wire> {
    let wire = |wire: &WireConfig| Wire {
        output: place(plan, config, &wire.from, Direction::Output),
        input: place(plan, config, &wire.to, Direction::Input),
    };
    config.wires.iter().map(wire).collect()
}

/// Where `SUBDEVICE.out.CHANNEL` is. In a line the index in the file is the position on the bus.
fn place(plan: &Plan, config: &SegmentConfig, end: &str, direction: Direction) -> BitSpan {
    let mut parts = end.split('.');
    let (subdevice, channel) = (parts.next().unwrap(), parts.nth(1).unwrap().parse::<usize>().unwrap());
    let named = config.subdevices.iter().position(|one| one.name.as_deref() == Some(subdevice));
    let position = named.unwrap_or_else(|| subdevice.parse().unwrap());
    let ranges = plan.subdevices.iter().map(|one| bytes(one, direction));
    let before: usize = ranges.take(position).map(|bytes| bytes.len()).sum();
    let planned = &plan.subdevices[position];
    let (kind, index) = (config.subdevices[position].profile, entry_index(direction, channel));
    // An analogue input has status bits beside its value (subindex 0x11).
    let subindex = if kind == ProfileKind::AnalogueIn { 0x11 } else { 1 };
    let of_channel =
        |entry: &&PlacedEntry| (entry.direction, entry.index, entry.subindex) == (direction, index, subindex);
    let span = planned.entries.iter().find(of_channel).unwrap().span;
    BitSpan::new(span.offset - 8 * bytes(planned, direction).start + 8 * before, span.len)
}

fn bytes(planned: &zerocat_pdi::SubDevicePlan, direction: Direction) -> Range<usize> {
    match direction {
        Direction::Output => planned.outputs.clone(),
        Direction::Input => planned.inputs.clone(),
    }
}

/// Objects of the channels: 0x6000, 0x6010, … of inputs, 0x7000, 0x7010, … of outputs (ETG.5001, modular devices).
fn entry_index(direction: Direction, channel: usize) -> u16 {
    let base = if direction == Direction::Input { 0x6000 } else { 0x7000 };
    base + 0x10 * u16::try_from(channel - 1).unwrap()
}
