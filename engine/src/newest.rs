//! The newest sample for a reader that wants no other: a cell that the realtime thread overwrites in each live cycle.
//!
//! A ring keeps the oldest samples when its reader is slow ([`reader`](crate::reader)); this keeps the newest, and nothing
//! else. A sample holds the bytes of the reader's ranges of the image, one range after the other, and says of each
//! SubDevice that they come from whether its bytes are of this cycle.
//!
//! Guarantees: a sample is seen whole; the realtime thread never waits for a reader. Not guaranteed: that every cycle is
//! seen.

use crate::cell::{CellReader, CellWriter, cell};
use crate::sample::{CycleTimes, Origin, clock_of_word, clock_word, total};
use crate::validity::Stale;
use std::ops::Range;
use zerocat_pdi::gather;
use zerocat_sched::Time;

/// Words of a sample before those of its origins and bytes: cycle, tick, posted, received, time of the reference clock, epoch.
const HEADER: usize = 6;
/// Origins that a word tells of.
const FLAGS: usize = 64;

/// The realtime end.
#[derive(Debug)]
pub struct NewestPort {
    ranges: Vec<Range<usize>>,
    origins: Vec<Origin>,
    /// The bytes of a sample, filled up to whole words.
    scratch: Box<[u8]>,
    cell: CellWriter,
}

/// The other end.
#[derive(Debug)]
pub struct NewestReader {
    cell: CellReader,
    seen: u64,
    words: Box<[u64]>,
    flags: usize,
    bytes: Box<[u8]>,
}

/// Looks whether there is a sample that a [`NewestReader`] hasn't read; on a thread of its own, too.
#[derive(Debug, Clone)]
pub struct NewestWatch(CellReader);

/// When the newest sample was, and in which epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NewestHeader {
    /// Number of its cycle on the grid.
    pub cycle: u64,
    /// The cycle's tick.
    pub at: Time,
    /// When the cycle's frames were posted: later than its tick where the thread woke late.
    pub posted: Time,
    /// When the last frame of the cycle was back; where one is missing, when it was given up.
    pub received: Time,
    /// Time of the network's reference clock when the cycle's first frame passed it, in nanoseconds, extended to 64 bits; `None`
    /// without one, or where that frame is missing.
    pub clock: Option<u64>,
    /// The epoch; see [`CommandWriter::epoch`](crate::CommandWriter::epoch).
    pub epoch: u64,
    /// Samples since the one that was read before, without this one: the reader was too slow for them.
    pub overtaken: u64,
}

/// Makes both ends for byte ranges of the image, in record order, and whose they are.
#[must_use]
pub fn newest(ranges: Vec<Range<usize>>, origins: Vec<Origin>) -> (NewestPort, NewestReader) {
    let (len, flags) = (total(&ranges), origins.len().div_ceil(FLAGS));
    let data = len.div_ceil(8);
    let words = HEADER.saturating_add(flags).saturating_add(data);
    let (writer, reader) = cell(words);
    let scratch = vec![0; data.saturating_mul(8)].into_boxed_slice();
    let port = NewestPort { ranges, origins, scratch, cell: writer };
    let reader = NewestReader {
        seen: reader.sequence(),
        cell: reader,
        words: vec![0; words].into(),
        flags,
        bytes: vec![0; len].into(),
    };
    (port, reader)
}

impl NewestPort {
    /// Overwrites the sample.
    #[inline]
    pub(crate) fn publish(&mut self, times: CycleTimes, epoch: u64, image: &[u8], stale: &Stale) {
        let CycleTimes { cycle, at, posted, received, clock } = times;
        let Self { ranges, origins, scratch, cell } = self;
        gather(ranges, image, scratch);
        let any = stale.any() || origins.iter().any(Origin::is_absent);
        let flag = |origins: &[Origin]| if any { flags(origins, stale) } else { 0 };
        let header = [cycle, at.0, posted.0, received.0, clock_word(clock), epoch];
        let flags = origins.chunks(FLAGS).map(flag);
        let data = scratch.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
        cell.write(header.into_iter().chain(flags).chain(data));
    }
}

/// A bit for each origin whose bytes are stale.
#[cold]
fn flags(origins: &[Origin], stale: &Stale) -> u64 {
    let bit = |(n, origin): (usize, &Origin)| u64::from(stale.is(origin.position, origin.direction)) << n;
    origins.iter().enumerate().map(bit).fold(0, |flags, bit| flags | bit)
}

impl NewestReader {
    /// Whether there is a sample that was not read yet. Costs one load.
    #[inline]
    #[must_use]
    pub fn is_new(&self) -> bool {
        let sequence = self.cell.sequence();
        sequence != self.seen && sequence.is_multiple_of(2)
    }

    /// Reads the newest sample if it was not read yet.
    pub fn read(&mut self) -> Option<NewestHeader> {
        if !self.is_new() {
            return None;
        }
        let before = std::mem::replace(&mut self.seen, self.cell.read(&mut self.words));
        // A write takes two numbers.
        let overtaken = (self.seen.wrapping_sub(before) / 2).saturating_sub(1);
        let data = self.words.get(HEADER.saturating_add(self.flags)..).unwrap_or_default();
        for (to, word) in self.bytes.chunks_mut(8).zip(data) {
            to.iter_mut().zip(word.to_le_bytes()).for_each(|(to, from)| *to = from);
        }
        let [cycle, at, posted, received, clock, epoch] = *self.words.first_chunk::<HEADER>()?;
        let ([at, posted, received], clock) = ([at, posted, received].map(Time), clock_of_word(clock));
        Some(NewestHeader { cycle, at, posted, received, clock, epoch, overtaken })
    }

    /// A number that is another one with each sample: that of the sample that was read last.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.seen
    }

    /// The bytes of the sample that was read last.
    #[inline]
    #[must_use]
    pub const fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the bytes of an origin were of the cycle of the sample that was read last, by its number. Those of one that
    /// isn't there are not.
    #[inline]
    #[must_use]
    pub fn is_good(&self, origin: usize) -> bool {
        let flags = self.words.get(HEADER..HEADER.saturating_add(self.flags)).unwrap_or_default();
        flags.get(origin / FLAGS).is_some_and(|word| word >> (origin % FLAGS) & 1 == 0)
    }

    /// Whether those of all origins were.
    #[must_use]
    pub fn is_all_good(&self) -> bool {
        self.words.iter().skip(HEADER).take(self.flags).all(|word| *word == 0)
    }

    /// Whether the realtime end is gone, so that no sample will follow.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.cell.is_closed()
    }

    /// Looks for samples on another thread.
    #[must_use]
    pub fn watch(&self) -> NewestWatch {
        NewestWatch(self.cell.clone())
    }
}

impl NewestWatch {
    /// A number that is another one with each sample.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        // One that is under way counts when it is done.
        self.0.sequence() & !1
    }

    /// Whether the realtime end is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_pdi::Direction;

    fn times(cycle: u64) -> CycleTimes {
        let [at, posted, received] = [0, 2, 5].map(|later| Time(cycle * 10 + later));
        CycleTimes { cycle, at, posted, received, clock: Some(cycle) }
    }

    fn origin(position: u16) -> Origin {
        Origin { position, direction: Direction::Input }
    }

    fn stale(of: &[u16]) -> Stale {
        let mut stale = Stale::new(80);
        stale.begin(!of.is_empty());
        of.iter().for_each(|position| stale.mark(*position, Direction::Input));
        stale
    }

    #[test]
    fn a_slow_reader_gets_the_newest_sample_and_each_once() {
        let (mut port, mut reader) = newest(vec![4..6, 0..1], vec![origin(0)]);
        assert_eq!(reader.read(), None);
        for cycle in 1..=1000 {
            let mut image = [9, 0, 0, 0, 4, 5];
            image[0] = u8::try_from(cycle % 256).unwrap();
            port.publish(times(cycle), 3, &image, &stale(&[]));
        }
        let ([at, posted, received], clock) = ([10_000, 10_002, 10_005].map(Time), Some(1000));
        let header = NewestHeader { cycle: 1000, at, posted, received, clock, epoch: 3, overtaken: 999 };
        assert_eq!((reader.read(), reader.bytes()), (Some(header), &[4, 5, 232][..]));
        assert_eq!(reader.read(), None);
        drop(port);
        assert!(reader.is_closed());
    }

    #[test]
    fn the_bytes_of_each_origin_are_good_or_not_by_themselves() {
        let (mut port, mut reader) = newest(std::iter::once(0..70).collect(), (0..70).map(origin).collect());
        port.publish(times(1), 1, &[1; 70], &stale(&[65]));
        reader.read().unwrap();
        assert!(!reader.is_good(65) && reader.is_good(64) && reader.is_good(0) && !reader.is_all_good());
        assert!(!reader.is_good(128), "there is no such origin");
        port.publish(times(2), 1, &[1; 70], &stale(&[]));
        reader.read().unwrap();
        assert!(reader.is_all_good());
    }
}
