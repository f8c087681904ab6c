//! The rings that carry samples from the realtime thread to their readers.
//!
//! A record holds the bytes of the image that the reader asked for, its ranges one after the other. The realtime thread
//! copies ranges, it knows no channels. A ring that is full keeps the oldest samples; the new one is counted as an
//! overrun, and nothing waits.

use crate::control::Traffic;
use crate::record::{RecordConsumer, RecordProducer, record_ring};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zerocat_pdi::gather;
use zerocat_sched::Time;

const HEADER: usize = 32;

/// What is known of a sample beside its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleHeader {
    /// Number of the cycle on the grid. A gap between two samples is a gap on the wire or an overrun: cycles were
    /// skipped, traffic was not live, or the ring was full ([`SampleReader::overruns`]).
    pub cycle: u64,
    /// The cycle's tick on the grid.
    pub at: Time,
    /// When the last frame of the cycle was back; where one is missing, when it was given up.
    pub received: Time,
    /// Some of the bytes are older than this cycle: their datagram was lost or its working counter was wrong.
    pub stale: bool,
}

impl SampleHeader {
    #[inline]
    fn emit(self) -> [u8; HEADER] {
        let words = [self.cycle, self.at.0, self.received.0, self.stale.into()];
        let mut bytes = [0; HEADER];
        for (to, word) in bytes.chunks_exact_mut(8).zip(words) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut words = bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
        let (cycle, at, received) = (words.next()?, Time(words.next()?), Time(words.next()?));
        Some(Self { cycle, at, received, stale: words.next()? != 0 })
    }
}

/// When a cycle was.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CycleTimes {
    /// Its number on the grid.
    pub(crate) cycle: u64,
    /// Its tick.
    pub(crate) at: Time,
    /// When its last frame was back or was given up.
    pub(crate) received: Time,
}

/// A reader asked for.
#[derive(Debug, Clone)]
pub struct ReaderSpec {
    /// Bytes of the image to copy, in record order.
    pub ranges: Vec<Range<usize>>,
    /// Take a sample in every n-th cycle of the grid; 0 is taken as 1.
    pub every: u64,
    /// Samples that the ring holds.
    pub depth: usize,
}

impl ReaderSpec {
    /// A reader of these ranges in each cycle.
    #[must_use]
    pub const fn of_all(ranges: Vec<Range<usize>>, depth: usize) -> Self {
        Self { ranges, every: 1, depth }
    }
}

/// The task's end of a reader.
#[derive(Debug)]
pub struct SampleReader {
    ring: RecordConsumer,
    scratch: Box<[u8]>,
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
        let (header, bytes) = self.scratch.split_at_checked(HEADER)?;
        for (to, from) in into.iter_mut().zip(bytes) {
            *to = *from;
        }
        SampleHeader::parse(header)
    }

    /// Bytes of one record.
    #[must_use]
    pub fn record_len(&self) -> usize {
        self.scratch.len().saturating_sub(HEADER)
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
    every: u64,
    /// The traffic during which samples are handed over.
    pub(crate) during: Traffic,
    ring: RecordProducer,
    overruns: Arc<AtomicU64>,
}

impl SamplePort {
    /// Pushes a sample if this cycle is one of the port's. `stale` tells of a byte range whether it is stale.
    /// Returns whether a sample was lost.
    #[inline]
    pub(crate) fn push(&mut self, times: CycleTimes, image: &[u8], stale: impl Fn(&Range<usize>) -> bool) -> bool {
        let CycleTimes { cycle, at, received } = times;
        if !cycle.is_multiple_of(self.every) {
            return false;
        }
        let Self { ranges, ring, .. } = self;
        let pushed = ring.push_with(|record| {
            let stale = ranges.iter().any(stale);
            let Some((header, bytes)) = record.split_at_mut_checked(HEADER) else { return };
            header.copy_from_slice(&SampleHeader { cycle, at, received, stale }.emit());
            gather(ranges, image, bytes);
        });
        if pushed {
            return false;
        }
        // SYNC: a statistic; it orders nothing. Pairs with the relaxed load in SampleReader::overruns.
        self.overruns.fetch_add(1, Ordering::Relaxed);
        true
    }
}

pub(crate) fn total(ranges: &[Range<usize>]) -> usize {
    ranges.iter().map(ExactSizeIterator::len).sum()
}

pub(crate) fn sample_ring(ranges: Vec<Range<usize>>, every: u64, depth: usize) -> (SamplePort, SampleReader) {
    let len = HEADER.saturating_add(total(&ranges));
    let (producer, consumer) = record_ring(len, depth);
    let overruns = Arc::new(AtomicU64::new(0));
    let port = SamplePort {
        ranges,
        every: every.max(1),
        during: Traffic::Live,
        ring: producer,
        overruns: Arc::clone(&overruns),
    };
    (port, SampleReader { ring: consumer, scratch: vec![0; len].into_boxed_slice(), overruns })
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
    sample_ring(spec.ranges, spec.every, spec.depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(cycle: u64) -> CycleTimes {
        CycleTimes { cycle, at: Time(cycle * 10), received: Time(cycle * 10 + 5) }
    }

    #[test]
    fn a_sample_carries_its_ranges_in_order() {
        let (mut port, mut reader) = reader(ReaderSpec { ranges: vec![4..6, 0..1], every: 2, depth: 4 });
        let image = [9, 1, 2, 3, 4, 5];
        assert!(!port.push(times(3), &image, |_| false));
        assert!(!port.push(times(4), &image, |range| range.start == 0));
        let mut bytes = [0; 3];
        let header = SampleHeader { cycle: 4, at: Time(40), received: Time(45), stale: true };
        assert_eq!(reader.pop(&mut bytes), Some(header));
        assert_eq!(bytes, [4, 5, 9]);
        assert_eq!(reader.pop(&mut bytes), None);
    }

    #[test]
    fn a_full_ring_counts_and_keeps_the_oldest() {
        let (mut port, mut reader) = reader(ReaderSpec { ranges: vec![0..1, 1..1], every: 1, depth: 2 });
        for cycle in 0..5u8 {
            assert_eq!(port.push(times(cycle.into()), &[cycle], |_| false), cycle >= 2);
        }
        assert_eq!(reader.overruns(), 3);
        let mut bytes = [0];
        assert_eq!(reader.pop(&mut bytes).map(|header| header.cycle), Some(0));
    }
}
