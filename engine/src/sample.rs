//! The rings that carry samples from the realtime thread to their readers.
//!
//! A record holds the bytes of the image that the reader asked for, its ranges one after the other, and a bit for each
//! SubDevice that they come from: whether its bytes are older than the cycle. The realtime thread copies ranges, it knows
//! no channels. A ring that is full keeps the oldest samples; the new one is counted as an
//! overrun, and nothing waits.

use crate::control::Traffic;
use crate::record::{RecordConsumer, RecordProducer, record_ring};
use crate::validity::Stale;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zerocat_pdi::Direction;
use zerocat_sched::Time;

const HEADER: usize = 48;
/// In place of a time of the reference clock where there is none.
const NO_CLOCK: u64 = u64::MAX;

/// What is known of a sample beside its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleHeader {
    /// Number of the cycle on the grid. A gap between two samples is a gap on the wire or an overrun: cycles were
    /// skipped, traffic was not live, or the ring was full ([`SampleReader::overruns`]).
    pub cycle: u64,
    /// The cycle's tick on the grid.
    pub at: Time,
    /// When the cycle's frames were posted: later than its tick where the thread woke late.
    pub posted: Time,
    /// When the last frame of the cycle was back; where one is missing, when it was given up.
    pub received: Time,
    /// Time of the network's reference clock when the cycle's first frame passed it, in nanoseconds, extended to 64 bits; `None`
    /// without one, or where that frame is missing.
    pub clock: Option<u64>,
    /// Some of the bytes are older than this cycle: a frame was lost, or their SubDevice took no part in it. Whose they are
    /// is told by [`SampleReader::is_stale`].
    pub stale: bool,
}

impl SampleHeader {
    #[inline]
    fn emit(self) -> [u8; HEADER] {
        let Self { cycle, at, posted, received, clock, stale } = self;
        let words = [cycle, at.0, posted.0, received.0, clock_word(clock), stale.into()];
        let mut bytes = [0; HEADER];
        for (to, word) in bytes.chunks_exact_mut(8).zip(words) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut words = bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
        let (cycle, at) = (words.next()?, Time(words.next()?));
        let (posted, received) = (Time(words.next()?), Time(words.next()?));
        let clock = clock_of_word(words.next()?);
        Some(Self { cycle, at, posted, received, clock, stale: words.next()? != 0 })
    }
}

/// A time of the reference clock as a word.
pub(crate) fn clock_word(clock: Option<u64>) -> u64 {
    clock.unwrap_or(NO_CLOCK)
}

/// The time that a word stands for.
pub(crate) fn clock_of_word(word: u64) -> Option<u64> {
    (word != NO_CLOCK).then_some(word)
}

/// When a cycle was.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CycleTimes {
    /// Its number on the grid.
    pub(crate) cycle: u64,
    /// Its tick.
    pub(crate) at: Time,
    /// When its frames were posted.
    pub(crate) posted: Time,
    /// When its last frame was back or was given up.
    pub(crate) received: Time,
    /// Time of the reference clock when its first frame passed it.
    pub(crate) clock: Option<u64>,
}

/// Whose bytes a sample holds: the inputs of a SubDevice, or its outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Position of the SubDevice on the bus, 0-based.
    pub position: u16,
    /// Which way they go.
    pub direction: Direction,
}

/// A reader asked for.
#[derive(Debug, Clone, Default)]
pub struct ReaderSpec {
    /// Bytes of the image to copy, in record order.
    pub ranges: Vec<Range<usize>>,
    /// Whose they are. A sample is stale if the bytes of any of them are; without any, if anybody's are.
    pub origins: Vec<Origin>,
    /// Take a sample in every n-th cycle of the grid; 0 is taken as 1.
    pub every: u64,
    /// Samples that the ring holds.
    pub depth: usize,
}

impl ReaderSpec {
    /// A reader of these ranges in each cycle, whoever they come from.
    #[must_use]
    pub const fn of_all(ranges: Vec<Range<usize>>, depth: usize) -> Self {
        Self { ranges, origins: Vec::new(), every: 1, depth }
    }
}

/// The task's end of a reader.
#[derive(Debug)]
pub struct SampleReader {
    ring: RecordConsumer,
    scratch: Box<[u8]>,
    /// Bytes of a record's header and of its bits for each origin.
    before: usize,
    overruns: Arc<AtomicU64>,
}

/// The task's end of a writer's state: the outputs as they were sent.
pub type StateReader = SampleReader;

impl SampleReader {
    /// Takes the oldest sample. `into` must be [`record_len`](Self::record_len) bytes long; a shorter one gets what
    /// fits.
    pub fn pop(&mut self, into: &mut [u8]) -> Option<SampleHeader> {
        if !self.ring.pop(&mut self.scratch) {
            return None;
        }
        let (header, bytes) = self.scratch.split_at_checked(self.before)?;
        for (to, from) in into.iter_mut().zip(bytes) {
            *to = *from;
        }
        SampleHeader::parse(header)
    }

    /// Whether the bytes of an origin were stale in the sample that was taken last, by its number in
    /// [`ReaderSpec::origins`]. One that isn't there is stale.
    #[must_use]
    pub fn is_stale(&self, origin: usize) -> bool {
        let bits = self.scratch.get(HEADER..self.before).unwrap_or_default();
        bits.get(origin / 8).is_none_or(|byte| byte >> (origin % 8) & 1 != 0)
    }

    /// Bytes of one record.
    #[must_use]
    pub fn record_len(&self) -> usize {
        self.scratch.len().saturating_sub(self.before)
    }

    /// Samples that were not delivered because the ring was full.
    #[must_use]
    pub fn overruns(&self) -> u64 {
        // SYNC: a statistic; it orders nothing. Pairs with the relaxed add in SamplePort::push.
        self.overruns.load(Ordering::Relaxed)
    }

    /// Whether the realtime end is gone, so that no sample will come after those that wait.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.ring.is_abandoned()
    }
}

/// The realtime end of a reader, or of a writer's state.
#[derive(Debug)]
pub struct SamplePort {
    ranges: Vec<Range<usize>>,
    origins: Vec<Origin>,
    /// Some of them are not there.
    absent: bool,
    /// A bit for each origin, as they go into a record.
    bits: Box<[u8]>,
    every: u64,
    /// The traffic during which samples are handed over.
    pub(crate) during: Traffic,
    ring: RecordProducer,
    overruns: Arc<AtomicU64>,
}

impl SamplePort {
    /// Pushes a sample if this cycle is one of the port's. Returns whether a sample was lost.
    #[inline]
    pub(crate) fn push(&mut self, times: CycleTimes, image: &[u8], stale: &Stale) -> bool {
        let CycleTimes { cycle, at, posted, received, clock } = times;
        if !cycle.is_multiple_of(self.every) {
            return false;
        }
        let Self { ranges, origins, absent, bits, ring, .. } = self;
        bits.fill(0);
        let stale = (stale.any() || *absent) && mark(origins, stale, bits);
        let header = SampleHeader { cycle, at, posted, received, clock, stale }.emit();
        let bytes = ranges.iter().map_while(|range| image.get(range.clone()));
        let pushed = ring.push_parts([&header[..], bits].into_iter().chain(bytes));
        if pushed {
            return false;
        }
        // SYNC: a statistic; it orders nothing. Pairs with the relaxed load in SampleReader::overruns.
        self.overruns.fetch_add(1, Ordering::Relaxed);
        true
    }
}

impl Origin {
    /// From this position on, it is of a SubDevice that isn't there: its bytes are never good.
    pub const ABSENT: u16 = 0xff00;

    pub(crate) const fn is_absent(&self) -> bool {
        self.position >= Self::ABSENT
    }
}

/// Sets the bits of the origins whose bytes are stale. Returns whether any are; without origins, whether anybody's are.
#[cold]
fn mark(origins: &[Origin], stale: &Stale, bits: &mut [u8]) -> bool {
    let mut any = origins.is_empty();
    for (n, Origin { position, direction }) in origins.iter().enumerate() {
        if let Some(byte) = bits.get_mut(n / 8).filter(|_| stale.is(*position, *direction)) {
            *byte |= 1 << (n % 8);
            any = true;
        }
    }
    any
}

pub(crate) fn total(ranges: &[Range<usize>]) -> usize {
    ranges.iter().map(ExactSizeIterator::len).sum()
}

pub(crate) fn sample_ring(spec: ReaderSpec) -> (SamplePort, SampleReader) {
    let ReaderSpec { ranges, origins, every, depth } = spec;
    let before = HEADER.saturating_add(origins.len().div_ceil(8));
    let len = before.saturating_add(total(&ranges));
    let (producer, consumer) = record_ring(len, depth);
    let overruns = Arc::new(AtomicU64::new(0));
    let port = SamplePort {
        ranges,
        absent: origins.iter().any(Origin::is_absent),
        bits: vec![0; origins.len().div_ceil(8)].into_boxed_slice(),
        origins,
        every: every.max(1),
        during: Traffic::Live,
        ring: producer,
        overruns: Arc::clone(&overruns),
    };
    (port, SampleReader { ring: consumer, scratch: vec![0; len].into_boxed_slice(), before, overruns })
}

/// Makes both ends of a reader that gets samples while traffic is safe, and none while it is live: for whoever waits for
/// the effect of safe outputs.
#[must_use]
pub fn reader_while_safe(spec: ReaderSpec) -> (SamplePort, SampleReader) {
    let (port, reader) = reader(spec);
    (SamplePort { during: Traffic::Safe, ..port }, reader)
}

/// Makes both ends of a reader. It gets samples while traffic is live.
#[must_use]
pub fn reader(spec: ReaderSpec) -> (SamplePort, SampleReader) {
    sample_ring(spec)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(cycle: u64) -> CycleTimes {
        CycleTimes {
            cycle,
            at: Time(cycle * 10),
            posted: Time(cycle * 10 + 2),
            received: Time(cycle * 10 + 5),
            clock: (cycle != 3).then_some(cycle * 7),
        }
    }

    fn inputs(position: u16) -> Origin {
        Origin { position, direction: Direction::Input }
    }

    /// As it is when the bytes of some are stale.
    fn stale(of: &[Origin]) -> Stale {
        let mut stale = Stale::new(20);
        stale.begin(!of.is_empty());
        of.iter().for_each(|origin| stale.mark(origin.position, origin.direction));
        stale
    }

    #[test]
    fn the_bytes_of_who_is_not_there_are_stale_also_where_nobody_elses_are() {
        let origins = vec![inputs(1), inputs(Origin::ABSENT)];
        let (mut port, mut reader) = reader(ReaderSpec { ranges: vec![0..1, 1..2], origins, every: 1, depth: 4 });
        assert!(!port.push(times(1), &[1, 2], &stale(&[])));
        assert!(reader.pop(&mut [0; 2]).is_some_and(|header| header.stale));
        assert_eq!([reader.is_stale(0), reader.is_stale(1)], [false, true]);
    }

    #[test]
    fn a_sample_carries_its_ranges_in_order() {
        let spec = ReaderSpec { ranges: vec![4..6, 0..1], every: 2, depth: 4, ..ReaderSpec::default() };
        let (mut port, mut reader) = reader(spec);
        let image = [9, 1, 2, 3, 4, 5];
        assert!(!port.push(times(3), &image, &stale(&[])));
        assert!(!port.push(times(4), &image, &stale(&[inputs(1)])));
        let mut bytes = [0; 3];
        let (at, posted, received) = (Time(40), Time(42), Time(45));
        let header = SampleHeader { cycle: 4, at, posted, received, clock: Some(28), stale: true };
        assert_eq!(reader.pop(&mut bytes), Some(header));
        assert_eq!(bytes, [4, 5, 9]);
        assert_eq!(reader.pop(&mut bytes), None);
    }

    #[test]
    fn a_sample_says_of_each_origin_whether_its_bytes_are_stale() {
        let origins: Vec<_> = (0..10).map(inputs).collect();
        let (mut port, mut reader) =
            reader(ReaderSpec { ranges: std::iter::once(0..2).collect(), origins, every: 1, depth: 4 });
        let mut bytes = [0; 2];
        let mut take = |port: &mut SamplePort, of: &[Origin]| {
            assert!(!port.push(times(1), &[7, 8], &stale(of)));
            let any = reader.pop(&mut bytes).unwrap().stale;
            assert_eq!(bytes, [7, 8]);
            (any, (0..10).filter(|n| reader.is_stale(*n)).collect::<Vec<_>>())
        };
        let outputs = Origin { position: 3, direction: Direction::Output };
        assert_eq!(take(&mut port, &[inputs(9), inputs(2), inputs(15)]), (true, vec![2, 9]));
        assert_eq!(take(&mut port, &[outputs, inputs(15)]), (false, vec![]), "of others");
        assert_eq!(take(&mut port, &[]), (false, vec![]));
        assert!(reader.is_stale(16), "one that isn't there");
    }

    #[test]
    fn a_full_ring_counts_and_keeps_the_oldest() {
        let spec = ReaderSpec { ranges: vec![0..1, 1..1], every: 1, depth: 2, ..ReaderSpec::default() };
        let (mut port, mut reader) = reader(spec);
        for cycle in 0..5u8 {
            assert_eq!(port.push(times(cycle.into()), &[cycle], &stale(&[])), cycle >= 2);
        }
        assert_eq!(reader.overruns(), 3);
        let mut bytes = [0];
        assert_eq!(reader.pop(&mut bytes).map(|header| header.cycle), Some(0));
    }
}
