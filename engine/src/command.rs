//! The rings that carry complete sets of outputs from a writer to the realtime thread, and its state feedback back.
//!
//! A record holds the bytes of the writer's ranges of the image, one after the other, of which only the bits under its
//! mask are its own. The newest set that waits at a cycle's preparation wins.
//!
//! Every set carries the epoch that it was made for. The epoch grows whenever what was commanded before must not be sent
//! any more: when an exchange is installed, when live traffic is made safe, at a stall. A set of another epoch, or one
//! that comes while traffic is not live, is dropped and counted, never kept. So nothing from before an outage is sent
//! after it, however slow the writer or the realtime thread was.

use crate::record::{RecordConsumer, RecordProducer, record_ring};
use crate::safe::SafeOutputs;
use crate::sample::{SamplePort, StateReader, sample_ring, total};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use zerocat_pdi::{gather, scatter};

/// Bytes of a record in the ring before the set: its epoch.
const HEADER: usize = 8;

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

/// Makes both ends of a writer and of its state feedback.
#[must_use]
pub fn writer(spec: WriterSpec) -> (WriterPort, CommandWriter, StateReader) {
    let len = total(&spec.ranges);
    let (producer, consumer) = record_ring(HEADER.saturating_add(len), spec.depth);
    let (state, state_reader) = sample_ring(spec.ranges.clone(), spec.state_every, spec.state_depth);
    let shared = Arc::new(Shared::new(len));
    let mut mask = spec.mask;
    mask.resize(len, 0);
    let port = WriterPort {
        ranges: spec.ranges,
        mask: mask.into_boxed_slice(),
        scratch: vec![0; len].into_boxed_slice(),
        commands: consumer,
        abandoned: false,
        shared: Arc::clone(&shared),
        state,
    };
    let scratch = vec![0; HEADER.saturating_add(len)].into_boxed_slice();
    (port, CommandWriter { ring: producer, scratch, shared }, state_reader)
}

/// What the realtime thread tells a writer, without waiting for it.
#[derive(Debug)]
struct Shared {
    /// The epoch in the bits from [`EPOCH`] up, below it [`LIVE`] and [`CHANGING`].
    state: AtomicU64,
    /// The outputs that the epoch began with, eight bytes a word.
    start: Box<[AtomicU64]>,
    applied: AtomicU64,
}

/// Sets of the epoch are taken.
const LIVE: u64 = 1;
/// The outputs that an epoch begins with are being written.
const CHANGING: u64 = 2;
/// Lowest bit of the epoch.
const EPOCH: u32 = 2;

impl Shared {
    fn new(len: usize) -> Self {
        let start = (0..len.div_ceil(8)).map(|_| AtomicU64::new(0)).collect();
        Self { state: AtomicU64::new(0), start, applied: AtomicU64::new(0) }
    }

    /// Begins an epoch whose sets are not taken yet. Only the realtime thread calls it.
    fn begin(&self, epoch: u64, outputs: &[u8]) {
        let next = epoch << EPOCH;
        // SYNC: says that the words are being written. Ordered before them by the release fence.
        self.state.store(next | CHANGING, Ordering::Relaxed);
        // SYNC: pairs with the acquire fence in start: who sees a word of this epoch sees that it is being written.
        fence(Ordering::Release);
        for (word, bytes) in self.start.iter().zip(outputs.chunks(8)) {
            let mut whole = [0; 8];
            whole.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            // SYNC: ordered by the fence before and the store behind.
            word.store(u64::from_le_bytes(whole), Ordering::Relaxed);
        }
        // SYNC: publishes the words. Pairs with the acquire load in start and in state.
        self.state.store(next, Ordering::Release);
    }

    /// Says whether sets of the epoch are taken. Only the realtime thread calls it.
    fn set_live(&self, epoch: u64, live: bool) {
        // SYNC: pairs with the acquire load in state; the words are those of the same epoch.
        self.state.store(epoch << EPOCH | if live { LIVE } else { 0 }, Ordering::Release);
    }

    fn state(&self) -> CommandState {
        // SYNC: pairs with the release stores in begin and set_live.
        let state = self.state.load(Ordering::Acquire);
        CommandState { epoch: state >> EPOCH, live: state & LIVE != 0 }
    }

    fn start(&self, into: &mut [u8]) -> u64 {
        loop {
            // SYNC: pairs with the release store at the end of begin.
            let before = self.state.load(Ordering::Acquire);
            for (bytes, word) in into.chunks_mut(8).zip(&self.start) {
                // SYNC: ordered by the load before and the fence behind.
                let whole = word.load(Ordering::Relaxed).to_le_bytes();
                bytes.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
            }
            // SYNC: pairs with the release fence in begin.
            fence(Ordering::Acquire);
            // SYNC: ordered after the words by the fence.
            let after = self.state.load(Ordering::Relaxed);
            if before >> EPOCH == after >> EPOCH && (before | after) & CHANGING == 0 {
                return before >> EPOCH;
            }
            std::hint::spin_loop();
        }
    }
}

/// What the realtime thread takes at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CommandState {
    /// The epoch. 0 until the writer's first exchange is installed.
    pub epoch: u64,
    /// Whether sets of this epoch are taken. Those that come earlier are dropped.
    pub live: bool,
}

/// The ring has no room: the realtime thread hasn't taken the last records yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the command ring is full")]
pub struct RingFull;

/// The task's end of a writer's commands. When it is dropped, the writer's outputs become safe.
#[derive(Debug)]
pub struct CommandWriter {
    ring: RecordProducer,
    scratch: Box<[u8]>,
    shared: Arc<Shared>,
}

impl CommandWriter {
    /// Hands over a complete set of outputs that was made for an epoch. The newest set at a cycle's preparation wins; one
    /// of another epoch than the present one, or one that comes while traffic is not live, is dropped and counted.
    ///
    /// # Errors
    /// [`RingFull`]; also when the record isn't [`record_len`](Self::record_len) bytes long.
    pub fn push(&mut self, record: &[u8], epoch: u64) -> Result<(), RingFull> {
        if record.len() != self.record_len() {
            return Err(RingFull);
        }
        let (header, set) = self.scratch.split_at_mut_checked(HEADER).ok_or(RingFull)?;
        header.copy_from_slice(&epoch.to_le_bytes());
        set.copy_from_slice(record);
        if self.ring.push(&self.scratch) { Ok(()) } else { Err(RingFull) }
    }

    /// The present epoch, and whether its sets are taken. Reading it costs the realtime thread nothing.
    #[must_use]
    pub fn state(&self) -> CommandState {
        self.shared.state()
    }

    /// The present epoch.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.state().epoch
    }

    /// Writes into `record` the outputs that the present epoch began with, the safe ones, which a set for it starts
    /// from. Returns the epoch. `record` is [`record_len`](Self::record_len) bytes long; a shorter one gets what fits.
    pub fn start(&self, record: &mut [u8]) -> u64 {
        self.shared.start(record)
    }

    /// Bytes of one record.
    #[must_use]
    pub const fn record_len(&self) -> usize {
        self.scratch.len().saturating_sub(HEADER)
    }

    /// Sets that reached the output image. Sets that a newer one overtook are not in it.
    #[must_use]
    pub fn applied(&self) -> u64 {
        // SYNC: a statistic; it orders nothing. Pairs with the relaxed add in WriterPort::take.
        self.shared.applied.load(Ordering::Relaxed)
    }
}

/// What became of the sets that waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Taken {
    /// Sets put into the image: one or none.
    pub(crate) applied: u64,
    /// Sets dropped: of another epoch, or while traffic was not live.
    pub(crate) stale: u64,
}

/// The realtime end of a writer.
#[derive(Debug)]
pub struct WriterPort {
    ranges: Vec<Range<usize>>,
    mask: Box<[u8]>,
    scratch: Box<[u8]>,
    commands: RecordConsumer,
    abandoned: bool,
    shared: Arc<Shared>,
    pub(crate) state: SamplePort,
}

impl WriterPort {
    /// Empties the ring. Puts the newest set into the image if it was made for `live`, the epoch whose sets are taken.
    #[inline]
    pub(crate) fn take(&mut self, live: Option<u64>, image: &mut [u8]) -> Taken {
        #[cfg(feature = "planted")]
        if live.is_none() && crate::planted::is(crate::planted::Planted::OldEpochSent) {
            return Taken::default();
        }
        let Self { ranges, mask, commands, .. } = self;
        let mut applied = false;
        let waiting = commands.pop_newest_with(|record| {
            let Some((made_for, set)) = record.split_first_chunk::<HEADER>() else { return };
            applied = live == Some(u64::from_le_bytes(*made_for));
            #[cfg(feature = "planted")]
            {
                applied |= live.is_some() && crate::planted::is(crate::planted::Planted::OldEpochSent);
            }
            if applied {
                scatter(ranges, mask, set, image);
            }
        });
        if !applied {
            return Taken { applied: 0, stale: waiting };
        }
        // SYNC: a statistic; it orders nothing. Pairs with the relaxed load in CommandWriter::applied.
        self.shared.applied.fetch_add(1, Ordering::Relaxed);
        Taken { applied: 1, stale: 0 }
    }

    /// Begins an epoch: what waits is dropped, and the writer is told the epoch and the outputs that it begins with.
    /// Returns how many sets were dropped.
    pub(crate) fn begin(&mut self, epoch: u64, image: &[u8]) -> u64 {
        #[cfg(feature = "planted")]
        let planted = crate::planted::is(crate::planted::Planted::OldEpochSent);
        #[cfg(not(feature = "planted"))]
        let planted = false;
        let dropped = if planted { 0 } else { self.commands.pop_newest_with(|_| ()) };
        gather(&self.ranges, image, &mut self.scratch);
        self.shared.begin(epoch, &self.scratch);
        dropped
    }

    /// Tells the writer whether sets of the epoch are taken.
    pub(crate) fn set_live(&self, epoch: u64, live: bool) {
        self.shared.set_live(epoch, live);
    }

    /// Makes the writer's outputs safe if its other end is gone. Returns whether it was found so for the first time.
    #[inline]
    pub(crate) fn abandon(&mut self, safe: &SafeOutputs, image: &mut [u8]) -> bool {
        if self.abandoned || !self.commands.is_abandoned() {
            return false;
        }
        self.abandoned = true;
        self.commands.pop_newest_with(|_| ());
        safe.apply_masked(&self.ranges, &self.mask, image);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> WriterSpec {
        let ranges = std::iter::once(1..3).collect();
        WriterSpec { ranges, mask: vec![0x0f, 0xff], depth: 4, state_every: 1, state_depth: 4 }
    }

    #[test]
    fn a_writer_changes_only_its_bits() {
        let (mut port, mut commands, _state) = writer(spec());
        let mut image = [0xaa; 4];
        assert_eq!(port.take(Some(0), &mut image), Taken::default());
        commands.push(&[0x33, 0x44], 0).unwrap();
        assert_eq!(port.take(Some(0), &mut image), Taken { applied: 1, stale: 0 });
        assert_eq!(image, [0xaa, 0xa3, 0x44, 0xaa]);
    }

    #[test]
    fn sets_of_another_epoch_are_counted_one_by_one() {
        let (mut port, mut commands, _state) = writer(spec());
        let mut image = [0xaa; 4];
        for epoch in [1, 1, 2] {
            commands.push(&[0, 0], epoch).unwrap();
        }
        assert_eq!(port.take(Some(3), &mut image), Taken { applied: 0, stale: 3 });
        assert_eq!(image, [0xaa; 4]);
    }

    #[test]
    fn what_an_epoch_begins_with_is_never_read_half() {
        let shared = Arc::new(Shared::new(64));
        let reader = Arc::clone(&shared);
        let watcher = std::thread::spawn(move || {
            let mut record = [0; 64];
            loop {
                let epoch = reader.start(&mut record);
                let [first, ..] = epoch.to_le_bytes();
                assert!(record.iter().all(|byte| *byte == first), "epoch {epoch}: {record:?}");
                if epoch == 20_000 {
                    return;
                }
            }
        });
        for epoch in 1..=20_000u64 {
            let [first, ..] = epoch.to_le_bytes();
            shared.begin(epoch, &[first; 64]);
            shared.set_live(epoch, epoch.is_multiple_of(2));
        }
        watcher.join().unwrap();
    }
}
