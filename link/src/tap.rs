//! A wrapper around a link that copies every frame to another thread, for captures.
//!
//! Each frame is copied into a preallocated record. Records reach the [`TapReader`] through one ring and come back
//! empty through another. [`TapWriter`] writes them to a pcapng file.
//!
//! Guarantees: a sent frame is time-stamped before its kick and copied after it, a received frame is time-stamped
//! before it is lent; the tap never waits and never allocates. If no record is free the frame is not copied and counts
//! as missed: a slow or full disk loses records and never delays a cycle. Not guaranteed: that a frame given to the
//! network went out. If the kick failed, its records say so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::time::{ClockId, clock_gettime};
use rtrb::{Consumer, Producer, RingBuffer};

use crate::{Link, LinkFault, MAX_FRAME, MIN_FRAME, Slot};

mod writer;

pub use writer::{Captured, TapError, TapThread, TapWriter, Taped};

/// Which way a frame went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameDirection {
    /// Handed to the network.
    Sent,
    /// Handed to the network by a kick that reported a fault, so it may not have gone out.
    SentInDoubt,
    /// Lent to the link's owner.
    Received,
}

/// A copy of one frame.
#[derive(Debug)]
pub struct Record {
    at: u64,
    direction: FrameDirection,
    len: usize,
    bytes: Box<[u8; MAX_FRAME]>,
}

impl Record {
    fn new() -> Self {
        Self { at: 0, direction: FrameDirection::Sent, len: 0, bytes: Box::new([0; MAX_FRAME]) }
    }

    /// When it passed, in nanoseconds of `CLOCK_MONOTONIC`.
    #[must_use]
    pub const fn at(&self) -> u64 {
        self.at
    }

    /// Which way it went.
    #[must_use]
    pub const fn direction(&self) -> FrameDirection {
        self.direction
    }

    /// The frame as on the wire, padding included, checksum not.
    #[must_use]
    pub fn frame(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn fill(&mut self, at: u64, direction: FrameDirection, frame: &[u8]) {
        let len = frame.len().min(MAX_FRAME);
        self.bytes[..len].copy_from_slice(&frame[..len]);
        let wire = len.max(MIN_FRAME);
        self.bytes[len..wire].fill(0);
        (self.at, self.direction, self.len) = (at, direction, wire);
    }
}

/// The end of the rings at the link.
#[derive(Debug)]
struct Recorder {
    full: Producer<Record>,
    empty: Consumer<Record>,
    missed: Arc<AtomicU64>,
}

impl Recorder {
    fn record(&mut self, at: u64, direction: FrameDirection, frame: &[u8]) {
        let Ok(mut record) = self.empty.pop() else {
            // SYNC: a statistic; it publishes nothing and needs no pair.
            self.missed.fetch_add(1, Ordering::Relaxed);
            return;
        };
        record.fill(at, direction, frame);
        // The ring holds every record there is, so the push is never refused.
        let _ = self.full.push(record);
    }
}

/// The far end of a tap: takes records, in the order in which frames passed.
#[derive(Debug)]
pub struct TapReader {
    full: Consumer<Record>,
    empty: Producer<Record>,
    missed: Arc<AtomicU64>,
}

impl TapReader {
    /// Takes the next record, calls `look` with it and gives its memory back. `None` when there is none yet.
    pub fn with_next<T>(&mut self, look: impl FnOnce(&Record) -> T) -> Option<T> {
        let record = self.full.pop().ok()?;
        let seen = look(&record);
        // The ring holds every record there is, so the push is never refused.
        let _ = self.empty.push(record);
        Some(seen)
    }

    /// Frames that passed without being copied, because no record was free.
    #[must_use]
    pub fn missed(&self) -> u64 {
        // SYNC: a statistic; it publishes nothing and needs no pair.
        self.missed.load(Ordering::Relaxed)
    }

    /// Whether the tap was dropped: then the ring gets no more records.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.full.is_abandoned()
    }
}

/// A link whose frames are copied to a [`TapReader`].
#[derive(Debug)]
pub struct Tap<L> {
    inner: L,
    recorder: Recorder,
    /// What was posted since the last kick, with its length.
    posted: Vec<(Slot, usize)>,
}

impl<L: Link> Tap<L> {
    /// Puts a tap on a link. `records` frames, of about 1.5 KiB each, can wait for the reader.
    #[must_use]
    pub fn new(inner: L, records: usize) -> (Self, TapReader) {
        let records = records.max(1);
        let (full_in, full_out) = RingBuffer::new(records);
        let (mut empty_in, empty_out) = RingBuffer::new(records);
        for _ in 0..records {
            // The ring holds exactly `records` records, so no push is refused.
            let _ = empty_in.push(Record::new());
        }
        let missed = Arc::new(AtomicU64::new(0));
        let recorder = Recorder { full: full_in, empty: empty_out, missed: Arc::clone(&missed) };
        let posted = Vec::with_capacity(usize::from(inner.slots()));
        (Self { inner, recorder, posted }, TapReader { full: full_out, empty: empty_in, missed })
    }

    /// The link under the tap.
    #[must_use]
    pub const fn inner(&self) -> &L {
        &self.inner
    }

    /// Takes the tap off.
    #[must_use]
    pub fn into_inner(self) -> L {
        self.inner
    }

    fn record_posted(&mut self, at: u64, direction: FrameDirection) {
        for (slot, len) in self.posted.drain(..) {
            if let Ok(bytes) = self.inner.slot(slot) {
                self.recorder.record(at, direction, bytes.get(..len).unwrap_or(bytes));
            }
        }
    }
}

impl<L: Link> Link for Tap<L> {
    crate::delegate_to!(inner: slots, slot, slot_mut, counters);

    fn post(&mut self, slot: Slot, len: usize) -> Result<(), LinkFault> {
        self.inner.post(slot, len)?;
        if self.posted.len() == self.posted.capacity() {
            // The link sends at post, and gave a slot back before the kick.
            self.record_posted(monotonic(), FrameDirection::Sent);
        }
        self.posted.push((slot, len));
        Ok(())
    }

    fn kick(&mut self) -> Result<(), LinkFault> {
        if self.posted.is_empty() {
            return self.inner.kick();
        }
        let at = monotonic();
        let outcome = self.inner.kick();
        self.record_posted(at, if outcome.is_ok() { FrameDirection::Sent } else { FrameDirection::SentInDoubt });
        outcome
    }

    fn receive(&mut self) -> Result<Option<&[u8]>, LinkFault> {
        let received = self.inner.receive()?;
        if let Some(frame) = received {
            self.recorder.record(monotonic(), FrameDirection::Received, frame);
        }
        Ok(received)
    }

    /// What was posted since the last kick is not copied.
    fn withdraw(&mut self) {
        self.posted.clear();
        self.inner.withdraw();
    }
}

/// Nanoseconds of `CLOCK_MONOTONIC`. No system call where the kernel offers it in the vDSO.
fn monotonic() -> u64 {
    nanoseconds(ClockId::CLOCK_MONOTONIC)
}

/// Nanoseconds of a clock; 0 for one that the kernel doesn't have.
fn nanoseconds(clock: ClockId) -> u64 {
    clock_gettime(clock).map_or(0, |time| {
        let part = |value: i64| u64::try_from(value).unwrap_or(0);
        part(time.tv_sec()).saturating_mul(1_000_000_000).saturating_add(part(time.tv_nsec()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sizing;
    use crate::pair::{PairEnd, pair};

    fn tapped(records: usize) -> (Tap<PairEnd>, TapReader, PairEnd) {
        let (left, right) = pair(Sizing { slots: 4, receive: 64 });
        let (tap, reader) = Tap::new(left, records);
        (tap, reader, right)
    }

    fn send(link: &mut impl Link, slot: u16, mark: u8, len: usize) -> Result<(), LinkFault> {
        link.slot_mut(Slot(slot)).unwrap().fill(mark);
        link.post(Slot(slot), len).unwrap();
        link.kick()
    }

    fn all(reader: &mut TapReader) -> Vec<(FrameDirection, Vec<u8>, u64)> {
        let copy = |record: &Record| (record.direction(), record.frame().to_vec(), record.at());
        std::iter::from_fn(|| reader.with_next(copy)).collect()
    }

    #[test]
    fn copies_what_passes_in_both_directions_in_order() {
        let (mut tap, mut reader, mut peer) = tapped(8);
        let before = monotonic();
        send(&mut tap, 0, 1, 100).unwrap();
        send(&mut peer, 0, 2, 1514).unwrap();
        assert_eq!(tap.receive().unwrap(), Some([2; 1514].as_slice()));
        send(&mut tap, 1, 3, 20).unwrap();
        let seen = all(&mut reader);
        let short = [vec![3; 20], vec![0; 40]].concat();
        let expected = [
            (FrameDirection::Sent, vec![1; 100]),
            (FrameDirection::Received, vec![2; 1514]),
            (FrameDirection::Sent, short),
        ];
        assert!(seen.iter().map(|(way, frame, _)| (*way, frame.clone())).eq(expected));
        let times: Vec<u64> = seen.iter().map(|(_, _, at)| *at).collect();
        assert!(times.is_sorted() && times[0] >= before && times[2] <= monotonic());
    }

    #[test]
    fn a_full_ring_counts_missed_frames_and_the_link_goes_on() {
        let (mut tap, mut reader, mut peer) = tapped(2);
        for mark in 0..5 {
            send(&mut tap, 0, mark, 60).unwrap();
            assert_eq!(peer.receive().unwrap(), Some([mark; 60].as_slice()));
        }
        assert_eq!((all(&mut reader).len(), reader.missed()), (2, 3));
        send(&mut tap, 0, 9, 60).unwrap();
        assert_eq!(all(&mut reader)[0].1, [9; 60]);
        drop(reader);
        for _ in 0..5 {
            send(&mut tap, 0, 1, 60).unwrap();
        }
    }

    #[test]
    fn frames_of_a_failed_kick_are_marked() {
        let (mut tap, mut reader, peer) = tapped(4);
        drop(peer);
        assert_eq!(send(&mut tap, 0, 1, 60), Err(LinkFault::Down));
        assert_eq!(all(&mut reader)[0].0, FrameDirection::SentInDoubt);
    }

    #[test]
    fn a_frame_that_was_refused_is_not_copied() {
        let (mut tap, mut reader, _peer) = tapped(4);
        assert!(tap.post(Slot(9), 60).is_err() && tap.post(Slot(0), 2_000).is_err());
        tap.kick().unwrap();
        assert!(all(&mut reader).is_empty());
    }

    #[test]
    fn the_reader_sees_that_the_tap_is_gone() {
        let (tap, reader, _peer) = tapped(1);
        assert!(!reader.is_abandoned());
        drop(tap.into_inner());
        assert!(reader.is_abandoned());
    }
}
