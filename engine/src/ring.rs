//! The ends of the rings between the realtime thread and the tasks.
//!
//! A reader's record holds the bytes of the image that it asked for (its ranges, one after the other); a writer's
//! record holds the bytes of its ranges, of which only the bits under its mask are its own. The realtime thread copies
//! ranges, it knows no channels. A ring that is full is counted as an overrun and nothing waits.

use crate::record::{RecordConsumer, RecordProducer, record_ring};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zerocat_pdi::{gather, scatter};
use zerocat_sched::Time;

const HEADER: usize = 24;
const STALE: u8 = 1;

/// What is known of a sample beside its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleHeader {
    /// Number of the cycle on the grid. A gap between two samples is a gap on the wire.
    pub cycle: u64,
    /// The cycle's tick on the grid.
    pub at: Time,
    /// Some of the bytes are older than this cycle: their datagram was lost or its working counter was wrong.
    pub stale: bool,
}

impl SampleHeader {
    #[inline]
    fn emit(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let (cycle, rest) = bytes.split_at_mut(8);
        let (at, flags) = rest.split_at_mut(8);
        cycle.copy_from_slice(&self.cycle.to_le_bytes());
        at.copy_from_slice(&self.at.0.to_le_bytes());
        flags.fill(if self.stale { STALE } else { 0 });
        bytes
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (cycle, rest) = bytes.split_first_chunk::<8>()?;
        let (at, flags) = rest.split_first_chunk::<8>()?;
        Some(Self {
            cycle: u64::from_le_bytes(*cycle),
            at: Time(u64::from_le_bytes(*at)),
            stale: flags.first()? & STALE != 0,
        })
    }
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

/// A writer asked for.
#[derive(Debug, Clone)]
pub struct WriterSpec {
    /// Bytes of the image to write, in record order.
    pub ranges: Vec<Range<usize>>,
    /// For each byte of the record the bits that are the writer's.
    pub mask: Vec<u8>,
    /// Command records that the ring holds.
    pub depth: usize,
    /// Give the outputs as sent in every n-th cycle of the grid; 0 is taken as 1.
    pub state_every: u64,
    /// State samples that the ring holds.
    pub state_depth: usize,
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

/// The ring has no room: the realtime thread hasn't taken the last records yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the command ring is full")]
pub struct RingFull;

/// The task's end of a writer's commands.
#[derive(Debug)]
pub struct CommandWriter {
    ring: RecordProducer,
    len: usize,
    applied: Arc<AtomicU64>,
}

impl CommandWriter {
    /// Hands a complete set of outputs over. The newest set at a cycle's preparation wins.
    ///
    /// # Errors
    /// [`RingFull`]; also when the record isn't [`record_len`](Self::record_len) bytes long.
    pub fn push(&mut self, record: &[u8]) -> Result<(), RingFull> {
        if self.ring.push(record) { Ok(()) } else { Err(RingFull) }
    }

    /// Bytes of one record.
    #[must_use]
    pub const fn record_len(&self) -> usize {
        self.len
    }

    /// Sets that reached the output image. Sets that a newer one overtook are not in it.
    #[must_use]
    pub fn applied(&self) -> u64 {
        // SYNC: a statistic; it orders nothing. Pairs with the relaxed add in WriterPort::apply.
        self.applied.load(Ordering::Relaxed)
    }
}

/// The realtime end of a reader, or of a writer's state.
#[derive(Debug)]
pub struct SamplePort {
    ranges: Vec<Range<usize>>,
    every: u64,
    scratch: Box<[u8]>,
    ring: RecordProducer,
    overruns: Arc<AtomicU64>,
}

impl SamplePort {
    /// Pushes a sample if this cycle is one of the port's. `stale` tells of a byte range whether it is stale.
    /// Returns whether a sample was lost.
    #[inline]
    pub(crate) fn push(&mut self, cycle: u64, at: Time, image: &[u8], stale: impl Fn(&Range<usize>) -> bool) -> bool {
        if !cycle.is_multiple_of(self.every) {
            return false;
        }
        let stale = self.ranges.iter().any(stale);
        let Some((header, bytes)) = self.scratch.split_at_mut_checked(HEADER) else { return true };
        header.copy_from_slice(&SampleHeader { cycle, at, stale }.emit());
        gather(&self.ranges, image, bytes);
        if self.ring.push(&self.scratch) {
            return false;
        }
        // SYNC: a statistic; it orders nothing. Pairs with the relaxed load in SampleReader::overruns.
        self.overruns.fetch_add(1, Ordering::Relaxed);
        true
    }
}

/// The realtime end of a writer.
#[derive(Debug)]
pub struct WriterPort {
    ranges: Vec<Range<usize>>,
    mask: Box<[u8]>,
    scratch: Box<[u8]>,
    commands: RecordConsumer,
    /// The scratch holds a set that is not in the image yet.
    pending: bool,
    applied: Arc<AtomicU64>,
    pub(crate) state: SamplePort,
}

impl WriterPort {
    /// Takes the newest complete set out of the ring. Older ones are dropped.
    #[inline]
    pub(crate) fn collect(&mut self) {
        self.pending |= self.commands.pop_newest(&mut self.scratch) > 0;
    }

    /// Puts the newest complete set into the image, if there is a new one. Returns whether there was.
    #[inline]
    pub(crate) fn apply(&mut self, image: &mut [u8]) -> bool {
        self.collect();
        if !std::mem::take(&mut self.pending) {
            return false;
        }
        scatter(&self.ranges, &self.mask, &self.scratch, image);
        // SYNC: a statistic; it orders nothing. Pairs with the relaxed load in CommandWriter::applied.
        self.applied.fetch_add(1, Ordering::Relaxed);
        true
    }
}

fn total(ranges: &[Range<usize>]) -> usize {
    ranges.iter().map(ExactSizeIterator::len).sum()
}

fn sample_ring(ranges: Vec<Range<usize>>, every: u64, depth: usize) -> (SamplePort, SampleReader) {
    let len = HEADER.saturating_add(total(&ranges));
    let (producer, consumer) = record_ring(len, depth);
    let overruns = Arc::new(AtomicU64::new(0));
    let port = SamplePort {
        ranges,
        every: every.max(1),
        scratch: vec![0; len].into_boxed_slice(),
        ring: producer,
        overruns: Arc::clone(&overruns),
    };
    (port, SampleReader { ring: consumer, scratch: vec![0; len].into_boxed_slice(), overruns })
}

/// Makes both ends of a reader.
#[must_use]
pub fn reader(spec: ReaderSpec) -> (SamplePort, SampleReader) {
    sample_ring(spec.ranges, spec.every, spec.depth)
}

/// Makes both ends of a writer and of its state feedback.
#[must_use]
pub fn writer(spec: WriterSpec) -> (WriterPort, CommandWriter, StateReader) {
    let len = total(&spec.ranges);
    let (producer, consumer) = record_ring(len, spec.depth);
    let (state, state_reader) = sample_ring(spec.ranges.clone(), spec.state_every, spec.state_depth);
    let applied = Arc::new(AtomicU64::new(0));
    let mut mask = spec.mask;
    mask.resize(len, 0);
    let port = WriterPort {
        ranges: spec.ranges,
        mask: mask.into_boxed_slice(),
        scratch: vec![0; len].into_boxed_slice(),
        commands: consumer,
        pending: false,
        applied: Arc::clone(&applied),
        state,
    };
    (port, CommandWriter { ring: producer, len, applied }, state_reader)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_carries_its_ranges_in_order() {
        let (mut port, mut reader) = reader(ReaderSpec { ranges: vec![4..6, 0..1], every: 2, depth: 4 });
        let image = [9, 1, 2, 3, 4, 5];
        assert!(!port.push(3, Time(3), &image, |_| false));
        assert!(!port.push(4, Time(40), &image, |range| range.start == 0));
        let mut bytes = [0; 3];
        assert_eq!(reader.pop(&mut bytes), Some(SampleHeader { cycle: 4, at: Time(40), stale: true }));
        assert_eq!(bytes, [4, 5, 9]);
        assert_eq!(reader.pop(&mut bytes), None);
    }

    #[test]
    fn a_full_ring_counts_and_keeps_the_oldest() {
        let (mut port, mut reader) = reader(ReaderSpec { ranges: vec![0..1, 1..1], every: 1, depth: 2 });
        for cycle in 0..5u8 {
            assert_eq!(port.push(cycle.into(), Time(0), &[cycle], |_| false), cycle >= 2);
        }
        assert_eq!(reader.overruns(), 3);
        let mut bytes = [0];
        assert_eq!(reader.pop(&mut bytes).map(|header| header.cycle), Some(0));
    }

    #[test]
    fn a_writer_changes_only_its_bits_and_the_newest_set_wins() {
        let ranges = std::iter::once(1..3).collect();
        let spec = WriterSpec { ranges, mask: vec![0x0f, 0xff], depth: 4, state_every: 1, state_depth: 4 };
        let (mut port, mut commands, mut state) = writer(spec);
        let mut image = [0xaa, 0xaa, 0xaa, 0xaa];
        assert!(!port.apply(&mut image));
        commands.push(&[0x11, 0x22]).unwrap();
        commands.push(&[0x33, 0x44]).unwrap();
        assert!(port.apply(&mut image));
        assert_eq!(image, [0xaa, 0xa3, 0x44, 0xaa]);
        assert_eq!(commands.applied(), 1);
        assert_eq!(commands.push(&[1]), Err(RingFull));
        commands.push(&[0x01, 0x02]).unwrap();
        port.collect();
        assert_eq!(image, [0xaa, 0xa3, 0x44, 0xaa], "collected, not applied");
        assert!(port.apply(&mut image));
        assert_eq!(image, [0xaa, 0xa1, 0x02, 0xaa]);
        port.state.push(7, Time(0), &image, |_| false);
        let mut bytes = [0; 2];
        assert_eq!(state.pop(&mut bytes).map(|header| header.cycle), Some(7));
        assert_eq!(bytes, [0xa1, 0x02]);
    }
}
