//! What a program asks of a bus before it is started, and the rings and cells that it gets for that.

use super::entry::{Entry, SubDeviceRef};
use super::field::Shape;
use super::handle::BusId;
use super::place::{Located, OnBus};
use super::why::{EntryError, EntryErrors, EntryProblem};
use crate::bring_up::{Planned, Ports};
use std::ops::Range;
use std::time::Duration;
use zerocat_config::Rig;
use zerocat_engine::{
    CommandWriter, NewestReader, Origin, ReaderSpec, SampleReader, WriterSpec, newest, reader, writer,
};
use zerocat_pdi::{BitSpan, Direction, Windows};
use zerocat_tasks::TrueTime;

/// Sets of outputs that may wait: commits of one cycle.
pub(super) const COMMITS: usize = 16;

/// All that a program asks for.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(super) bus: BusId,
    pub(super) inputs: Vec<Wanted>,
    pub(super) outputs: Vec<Wanted>,
    pub(super) silent_after: Option<Duration>,
    pub(super) at_most: Option<Duration>,
    pub(super) history: usize,
}

/// An entry that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) what: What,
    pub(super) shape: Shape,
}

/// Which one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Entry { of: SubDeviceRef, entry: Entry },
    Channel(String),
}

impl Wanted {
    pub(super) fn in_words(&self, direction: Direction) -> String {
        let way = if direction == Direction::Input { "input" } else { "output" };
        match &self.what {
            What::Entry { of, entry } => format!("{way} {entry} of {of} as {}", self.shape),
            What::Channel(name) => format!("{way} channel `{name}` as {}", self.shape),
        }
    }
}

/// Where an entry lies in a record, and of which of its SubDevices it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) bit: usize,
    pub(super) part: usize,
}

/// The ends that the program's [`Io`](crate::Io) is made of.
#[derive(Debug)]
pub(crate) struct IoEnds {
    pub(super) bus: BusId,
    pub(super) inputs: Box<[Spot]>,
    pub(super) outputs: Box<[Spot]>,
    pub(super) newest: NewestReader,
    pub(super) history: Option<SampleReader>,
    pub(super) commands: Option<CommandWriter>,
    /// The bytes of the record that are outputs of one SubDevice, for each.
    pub(super) parts: Box<[Range<usize>]>,
    pub(super) period: Duration,
    /// Longest time from a cycle to the commit that was computed from it.
    pub(super) at_most: Duration,
    /// How cycles are stamped; `None` where the clock is the program's own.
    pub(super) time: Option<TrueTime>,
}

impl IoEnds {
    /// Stamps cycles by what is known of time.
    pub(crate) fn with_time(self, time: TrueTime) -> Self {
        Self { time: Some(time), ..self }
    }
}

impl Asked {
    pub(super) fn new() -> Self {
        let (inputs, outputs) = (Vec::new(), Vec::new());
        Self { bus: BusId::next(), inputs, outputs, silent_after: None, at_most: None, history: 0 }
    }

    /// How long the outputs may stand without a commit, where there are any.
    pub(crate) fn silence(&self) -> Option<Duration> {
        self.silent_after.filter(|_| !self.outputs.is_empty())
    }

    /// Places all entries on the bus that was found and makes the program's ends; the realtime ends go to the ports.
    pub(crate) fn connect(&self, rig: &Rig, planned: &Planned<'_>, ports: &mut Ports) -> Result<IoEnds, EntryErrors> {
        let (inputs, outputs) = self.locate(&OnBus::new(rig, planned), rig.period())?;
        let (inputs, outputs) = (Packed::of(&inputs), Packed::of(&outputs));
        let origins = inputs.origins(Direction::Input);
        let (port, newest) = newest(inputs.ranges.clone(), origins.clone());
        ports.newest.push(port);
        let history = (self.history > 0).then(|| {
            let (port, samples) = reader(ReaderSpec { ranges: inputs.ranges, origins, every: 1, depth: self.history });
            ports.readers.push(port);
            samples
        });
        let (period, silence) = (rig.period(), self.silence().unwrap_or_default());
        let at_most = self.at_most.unwrap_or(silence);
        let commands = (!self.outputs.is_empty()).then(|| {
            let (port, commands, _states) = writer(WriterSpec {
                ranges: outputs.ranges,
                mask: outputs.mask,
                parts: outputs.parts.iter().map(|part| part.image.clone()).collect(),
                max_age: Some(cycles(at_most, period)),
                silence: Some(cycles(silence, period)),
                depth: COMMITS,
                // Nobody asks for them.
                state_every: u64::MAX,
                state_depth: 1,
                ..WriterSpec::default()
            });
            ports.writers.push(port);
            ports.silence = Some(silence);
            commands
        });
        let parts = outputs.parts.into_iter().map(|part| part.record).collect();
        let (inputs, outputs) = (inputs.spots.into(), outputs.spots.into());
        Ok(IoEnds { bus: self.bus, inputs, outputs, newest, history, commands, parts, period, at_most, time: None })
    }

    fn locate(&self, on_bus: &OnBus<'_>, period: Duration) -> Result<(Vec<Located>, Vec<Located>), EntryErrors> {
        let mut errors = Vec::new();
        let mut all = |wanted: &[Wanted], direction| -> Vec<Located> {
            let found = wanted.iter().map(|wanted| on_bus.find(wanted, direction));
            found.filter_map(|found| found.map_err(|error| errors.push(error)).ok()).collect()
        };
        let found = (all(&self.inputs, Direction::Input), all(&self.outputs, Direction::Output));
        if let (Some(first), Some(why)) = (self.outputs.first(), self.impossible_times(period)) {
            errors.push(EntryError { asked: first.in_words(Direction::Output), why });
        }
        if errors.is_empty() { Ok(found) } else { Err(EntryErrors::new(errors)) }
    }

    /// What keeps every commit from being sent: a command is of the cycle before at the earliest.
    fn impossible_times(&self, period: Duration) -> Option<EntryProblem> {
        let Some(silence) = self.silent_after else { return Some(EntryProblem::NoSilence) };
        let short = |call, time, least| (time < least).then_some(EntryProblem::ShortTime { call, time, least });
        let age = self.at_most.and_then(|age| short("commands_at_most", age, period));
        short("silent_after", silence, 2 * period).or(age)
    }
}

/// Whole cycles in a time, one at least.
fn cycles(time: Duration, period: Duration) -> u64 {
    let cycles = time.as_nanos().checked_div(period.as_nanos()).unwrap_or(u128::MAX);
    u64::try_from(cycles).unwrap_or(u64::MAX - 1).clamp(1, u64::MAX - 1)
}

/// The bytes of the image that entries need, SubDevice by SubDevice, and where each entry lies in their record.
struct Packed {
    ranges: Vec<Range<usize>>,
    mask: Vec<u8>,
    spots: Vec<Spot>,
    /// In the order of the SubDevices.
    parts: Vec<Part>,
}

/// What is of one SubDevice.
struct Part {
    position: u16,
    /// From its first byte of the image to its last; no other has any of its own between.
    image: Range<usize>,
    /// Its bytes of the record.
    record: Range<usize>,
}

impl Packed {
    /// Whose the bytes are, part by part.
    fn origins(&self, direction: Direction) -> Vec<Origin> {
        self.parts.iter().map(|part| Origin { position: part.position, direction }).collect()
    }

    /// No range holds bytes of two SubDevices, so that each is good or not by its own.
    fn of(places: &[Located]) -> Self {
        let mut positions: Vec<u16> = places.iter().map(|place| place.position).collect();
        positions.sort_unstable();
        positions.dedup();
        let none = Spot { bit: 0, part: 0 };
        let spots = vec![none; places.len()];
        let mut packed = Self { ranges: Vec::new(), mask: Vec::new(), spots, parts: Vec::new() };
        for position in positions {
            let own = places.iter().enumerate().filter(|(_, place)| place.position == position);
            let firsts: Vec<(usize, usize)> = own
                .clone()
                .scan(0, |next, (n, place)| Some((n, std::mem::replace(next, *next + place.elements.len()))))
                .collect();
            let spans: Vec<BitSpan> = own.flat_map(|(_, place)| place.elements.iter().copied()).collect();
            packed.add(position, &Windows::cover(&spans), &firsts);
        }
        packed
    }

    /// Adds the windows of one SubDevice. `firsts` says of each of its entries which span is its first.
    fn add(&mut self, position: u16, windows: &Windows, firsts: &[(usize, usize)]) {
        let (bytes, part) = (self.mask.len(), self.parts.len());
        for (entry, first) in firsts {
            let (Some(spot), Some(span)) = (self.spots.get_mut(*entry), windows.spans.get(*first)) else { continue };
            *spot = Spot { bit: bytes.saturating_mul(8).saturating_add(span.offset), part };
        }
        self.ranges.extend(windows.ranges.iter().cloned());
        self.mask.extend(&windows.mask);
        if let (Some(first), Some(last)) = (windows.ranges.first(), windows.ranges.last()) {
            self.parts.push(Part { position, image: first.start..last.end, record: bytes..self.mask.len() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(position: u16, offset: usize, len: u8) -> Located {
        Located { position, elements: vec![BitSpan::new(offset, len)] }
    }

    #[test]
    fn entries_of_two_subdevices_share_no_range_even_side_by_side() {
        let packed = Packed::of(&[located(1, 16, 16), located(0, 0, 16), located(1, 40, 8), located(0, 3, 1)]);
        assert_eq!(packed.ranges, [0..2, 2..4, 5..6]);
        let spots: Vec<_> = packed.spots.iter().map(|spot| (spot.bit, spot.part)).collect();
        assert_eq!(spots, [(16, 1), (0, 0), (32, 1), (3, 0)]);
        assert_eq!(packed.mask, [0xff; 5]);
        let parts: Vec<_> = packed.parts.iter().map(|part| (part.image.clone(), part.record.clone())).collect();
        assert_eq!(parts, [(0..2, 0..2), (2..6, 2..5)]);
    }

    #[test]
    fn a_time_is_rounded_down_to_cycles_and_is_one_at_least() {
        let ms = Duration::from_millis;
        assert_eq!([cycles(ms(10), ms(3)), cycles(ms(1), ms(3)), cycles(ms(0), ms(1))], [3, 1, 1]);
        assert_eq!(cycles(Duration::MAX, Duration::from_nanos(1)), u64::MAX - 1);
    }
}
