//! From the channels of a task and their places in the process image to the records of its ring.

use std::collections::BTreeMap;
use std::ops::Range;
use zerocat_config::ResolvedChannel;
use zerocat_engine::{Follow, Origin, ReaderSpec, WriterSpec};
use zerocat_pdi::{BitSpan, DataType, Direction, Octets, Value, Windows};

/// A channel and its place in the process image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The channel.
    pub channel: ResolvedChannel,
    /// Position of its SubDevice on the bus, 0-based.
    pub position: u16,
    /// Its bits in the process image: those of its entry, or the one that it is of it; of an oversampled channel those of the
    /// first sample, which the others follow.
    pub span: BitSpan,
    /// Bits of the input that an output follows until it is commanded for the first time.
    pub initial: Option<BitSpan>,
    /// Bits of the input that an output follows while it is safe.
    pub safe: Option<BitSpan>,
}

impl Placed {
    /// A channel that follows nothing.
    #[must_use]
    pub const fn new(channel: ResolvedChannel, position: u16, span: BitSpan) -> Self {
        Self { channel, position, span, initial: None, safe: None }
    }

    /// The position of its SubDevice; `None` for one that isn't there.
    #[must_use]
    pub fn on_the_bus(&self) -> Option<u16> {
        (self.position < Origin::ABSENT).then_some(self.position)
    }

    /// The bits of each of its samples.
    pub fn spans(&self) -> impl Iterator<Item = BitSpan> {
        let first = self.span;
        (0..self.channel.samples).map(move |n| sample(first, n))
    }

    /// How it follows, if it does, with its place in the record.
    fn follow(&self, record: BitSpan) -> Option<Follow> {
        let Self { span: output, initial, safe, .. } = *self;
        (initial.is_some() || safe.is_some()).then_some(Follow { record, output, initial, safe })
    }
}

/// A channel and its place in the records of its ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// Channel number.
    pub channel: u32,
    /// Data type.
    pub data_type: DataType,
    /// Its bits in a record; of an oversampled channel those of the first sample, which the others follow.
    pub span: BitSpan,
    /// Samples of a cycle; 1 for an ordinary entry.
    pub samples: u16,
    /// Which of the task's SubDevices it is of, in bus order.
    pub part: usize,
}

impl Point {
    /// Its value in a record; none where the record is too short. Of an oversampled channel the first sample.
    #[must_use]
    pub fn read(&self, record: &[u8]) -> Option<Value> {
        self.data_type.read(self.span, record)
    }

    /// Its values in a record, one for each sample; zeros where the record is too short.
    pub(crate) fn values(&self, record: &[u8]) -> impl Iterator<Item = Value> {
        let at = |n: u16| sample(self.span, n);
        (0..self.samples).map(move |n| self.data_type.read(at(n), record).unwrap_or_else(|| self.zero()))
    }

    /// Its value where all of its bits are 0.
    pub(crate) fn zero(&self) -> Value {
        match self.data_type {
            DataType::Bytes => Value::Bytes(Octets::zeros(self.span.len)),
            number => number.decode(0, self.span.len),
        }
    }
}

/// The bits of a sample of an oversampled entry.
const fn sample(first: BitSpan, n: u16) -> BitSpan {
    BitSpan { offset: first.offset + first.len as usize * n as usize, len: first.len }
}

/// The points of a task, and the parts of the process image that its ring carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    windows: Windows,
    points: Vec<Point>,
    follows: Vec<Follow>,
    /// Bytes of the image with the channels of each SubDevice, by position.
    parts: BTreeMap<u16, Range<usize>>,
}

/// Least number of records that a sample ring holds.
const LEAST_DEPTH: u64 = 64;
/// Most bytes that the records of a sample ring take, its least number apart.
const MOST_BYTES: u64 = 16 << 20;
/// Command sets that may wait. A few are enough: the newest wins, or lines wait in the task for their turn.
const COMMAND_DEPTH: usize = 4;

impl Mapping {
    /// Packs the channels' bits into records.
    #[must_use]
    pub fn new(channels: &[Placed]) -> Self {
        let spans: Vec<BitSpan> = channels.iter().flat_map(Placed::spans).collect();
        let windows = Windows::cover(&spans);
        let parts = parts(channels);
        // What is contiguous in the image is so in a record.
        let mut before = 0;
        let firsts: Vec<BitSpan> = channels
            .iter()
            .filter_map(|placed| {
                let first = windows.spans.get(before).copied();
                before += usize::from(placed.channel.samples);
                first
            })
            .collect();
        let point = |(placed, span): (&Placed, &BitSpan)| Point {
            channel: placed.channel.channel,
            data_type: placed.channel.value_type(),
            span: *span,
            samples: placed.channel.samples,
            part: parts.range(..placed.position).count(),
        };
        let points = channels.iter().zip(&firsts).map(point).collect();
        let follows = channels.iter().zip(&firsts).filter_map(|(placed, span)| placed.follow(*span)).collect();
        Self { windows, points, follows, parts }
    }

    /// The points in the order of the channels.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// Bytes of a record.
    #[must_use]
    pub const fn record_len(&self) -> usize {
        self.windows.record_len
    }

    /// The reader to ask the engine for: a sample every `every` cycles, and a ring for two seconds of samples, given
    /// that there are `per_second` of them.
    #[must_use]
    pub fn reader(&self, every: u64, per_second: f64) -> ReaderSpec {
        ReaderSpec {
            ranges: self.windows.ranges.clone(),
            origins: self.origins(Direction::Input),
            every,
            depth: self.depth(per_second),
        }
    }

    /// The writer to ask the engine for: state feedback every `state_every` cycles, `per_second` times per second.
    #[must_use]
    pub fn writer(&self, state_every: u64, per_second: f64) -> WriterSpec {
        WriterSpec {
            ranges: self.windows.ranges.clone(),
            mask: self.windows.mask.clone(),
            parts: self.parts.values().cloned().collect(),
            origins: self.origins(Direction::Output),
            follows: self.follows.clone(),
            depth: COMMAND_DEPTH,
            state_every,
            state_depth: self.depth(per_second),
            ..WriterSpec::default()
        }
    }

    /// The SubDevices that the points are of, by [`Point::part`].
    fn origins(&self, direction: Direction) -> Vec<Origin> {
        self.parts.keys().map(|position| Origin { position: *position, direction }).collect()
    }

    fn depth(&self, per_second: f64) -> usize {
        let len = u64::try_from(self.windows.record_len).unwrap_or(u64::MAX).max(1);
        let most = (MOST_BYTES / len).max(LEAST_DEPTH);
        let wanted = std::time::Duration::try_from_secs_f64(2.0 * per_second).map_or(most, |count| count.as_secs());
        usize::try_from(wanted.clamp(LEAST_DEPTH, most)).unwrap_or(usize::MAX)
    }
}

/// The bytes from the first to the last of the channels of each SubDevice, by position. No other has any of its own between.
fn parts(channels: &[Placed]) -> BTreeMap<u16, Range<usize>> {
    let mut parts = BTreeMap::new();
    for (position, span) in channels.iter().flat_map(|placed| placed.spans().map(|span| (placed.position, span))) {
        let bytes = span.bytes();
        let part: &mut Range<usize> = parts.entry(position).or_insert_with(|| bytes.clone());
        *part = part.start.min(bytes.start)..part.end.max(bytes.end);
    }
    parts
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use zerocat_config::Place;

    /// A channel with a place, for tests.
    pub(crate) fn placed(channel: u32, data_type: DataType, offset: usize, len: u8) -> Placed {
        let channel = ResolvedChannel {
            name: format!("dev_{channel}"),
            unit: None,
            channel,
            numbered: true,
            state_channel: Some(channel + 100),
            slave: "dev".to_owned(),
            pdo: String::new(),
            index: 0x7000,
            subindex: 1,
            place: Place::default(),
            bit: None,
            bit_length: len,
            data_type,
            direction: Direction::Output,
            samples: 1,
        };
        Placed::new(channel, 4, BitSpan::new(offset, len))
    }

    #[test]
    fn records_hold_the_bytes_of_the_points_and_nothing_between_them() {
        let mapping = Mapping::new(&[placed(1, DataType::Int16, 800, 16), placed(2, DataType::Bool, 3, 1)]);
        let spec = mapping.reader(10, 100.0);
        assert_eq!((spec.ranges.clone(), spec.every, spec.depth), (vec![0..1, 100..102], 10, 200));
        assert_eq!(mapping.record_len(), 3);
        assert_eq!(mapping.points()[0].read(&[0x08, 0xfe, 0xff]), Some(Value::Int(-2)));
        assert_eq!(mapping.points()[1].read(&[0x08, 0xfe, 0xff]), Some(Value::Bool(true)));
        assert_eq!(mapping.points()[0].read(&[0x08]), None);
    }

    #[test]
    fn a_writer_owns_only_the_bits_of_its_points() {
        let spec = Mapping::new(&[placed(1, DataType::Bool, 9, 1)]).writer(100, 10.0);
        assert_eq!((spec.ranges.first(), spec.ranges.len(), spec.mask), (Some(&(1..2)), 1, vec![0b10]));
        assert_eq!((spec.state_every, spec.state_depth), (100, 64));
    }

    #[test]
    fn an_output_that_follows_is_known_by_its_place_in_record_and_image() {
        let mut target = placed(2, DataType::Int32, 400, 32);
        target.initial = Some(BitSpan::new(96, 32));
        let spec = Mapping::new(&[placed(1, DataType::Uint16, 8, 16), target]).writer(100, 10.0);
        let (record, output, initial) = (BitSpan::new(16, 32), BitSpan::new(400, 32), Some(BitSpan::new(96, 32)));
        assert_eq!(spec.follows, [Follow { record, output, initial, safe: None }]);
    }

    #[test]
    fn a_bit_of_an_entry_is_a_bool_and_a_writer_owns_only_that_bit() {
        let mut bit = placed(1, DataType::Uint16, 13, 1);
        bit.channel.bit = Some(5);
        let mapping = Mapping::new(&[bit]);
        assert_eq!(mapping.points()[0].read(&[0x20]), Some(Value::Bool(true)));
        assert_eq!(mapping.points()[0].read(&[0xdf]), Some(Value::Bool(false)));
        assert_eq!(mapping.writer(100, 10.0).mask, [0b10_0000]);
    }

    #[test]
    fn the_channels_of_each_subdevice_are_a_part() {
        let mut channels = [(1, 64), (2, 3), (3, 40)].map(|(n, offset)| placed(n, DataType::Bool, offset, 1));
        channels[1].position = 2;
        let mapping = Mapping::new(&channels);
        assert_eq!(mapping.writer(100, 10.0).parts, [0..1, 5..9]);
        assert_eq!(mapping.points().iter().map(|point| point.part).collect::<Vec<_>>(), [1, 0, 1]);
    }

    #[test]
    fn an_entry_of_more_than_64_bits_is_read_as_bytes() {
        let mapping = Mapping::new(&[placed(1, DataType::Bytes, 4, 80)]);
        let record = [0x0f, 0x21, 0x43, 0x65, 0x87, 0xa9, 0xcb, 0xed, 0x0f, 0x00, 0xf1];
        let expected: Octets = "10325476_98badcfe0010".replace('_', "").parse().unwrap();
        assert_eq!((mapping.record_len(), mapping.points()[0].read(&record)), (11, Some(Value::Bytes(expected))));
        assert_eq!(mapping.points()[0].zero(), Value::Bytes(Octets::zeros(80)));
    }

    #[test]
    fn a_ring_has_bounds_at_any_rate() {
        let mapping = Mapping::new(&[placed(1, DataType::Uint64, 0, 64)]);
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
            let depth = mapping.reader(1, rate).depth;
            assert!((64..=2 << 20).contains(&depth), "{rate}: {depth}");
        }
    }
}
