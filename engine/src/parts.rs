//! The outputs of single SubDevices within a writer's record, each with the epoch from which on sets count for it.
//!
//! When the commands of a SubDevice become void, no set changes its outputs until it is back; then those count that are made
//! for the epoch that begins there, or a later one. What a set says of other outputs isn't touched. Guarantees: nothing
//! here allocates after it was made; as long as no part waits for a command, a set costs a comparison.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Sets of no epoch count: its SubDevice isn't back.
const NEVER: u64 = u64::MAX;

/// The outputs of one SubDevice.
#[derive(Debug)]
struct Part {
    /// Its bytes of the image.
    image: Range<usize>,
    /// Its bytes of the record.
    record: Box<[Range<usize>]>,
    /// The first epoch whose sets count, or [`NEVER`].
    since: u64,
    /// No set has commanded it since its commands became void.
    waits: bool,
}

impl Part {
    /// A byte of a mask is not 0 within its bytes of the record.
    fn is_in(&self, mask: &[u8]) -> bool {
        let bytes =
            |range: &Range<usize>| mask.get(range.clone()).is_some_and(|bytes| bytes.iter().any(|byte| *byte != 0));
        self.record.iter().any(bytes)
    }

    fn take_from(&self, mask: &mut [u8]) {
        for range in &self.record {
            if let Some(bytes) = mask.get_mut(range.clone()) {
                bytes.fill(0);
            }
        }
    }
}

/// The parts of a writer, on the realtime thread.
#[derive(Debug)]
pub(crate) struct Parts {
    parts: Box<[Part]>,
    /// The latest epoch that a part waits for or has waited for.
    latest: u64,
    /// Parts that wait for a command.
    waiting: usize,
    told: Arc<[AtomicU64]>,
}

/// The writer's end: from which epoch on sets count for each part.
#[derive(Debug, Clone)]
pub(crate) struct Told(Arc<[AtomicU64]>);

impl Told {
    /// The first epoch whose sets count for a part; `None` while there is none, or where there is no such part.
    pub(crate) fn since(&self, part: usize) -> Option<u64> {
        // SYNC: ordered by the acquire load of the epoch before it; a later value is of an epoch that isn't known yet.
        self.0.get(part).map(|since| since.load(Ordering::Relaxed)).filter(|since| *since != NEVER)
    }
}

impl Parts {
    /// For a record of these ranges of the image.
    pub(crate) fn new(parts: Vec<Range<usize>>, ranges: &[Range<usize>]) -> (Self, Told) {
        let told: Arc<[AtomicU64]> = parts.iter().map(|_| AtomicU64::new(0)).collect();
        let part = |image: Range<usize>| Part { record: within(&image, ranges), image, since: 0, waits: false };
        let parts =
            Self { parts: parts.into_iter().map(part).collect(), latest: 0, waiting: 0, told: Arc::clone(&told) };
        (parts, Told(told))
    }

    /// An epoch of all outputs begins.
    pub(crate) fn begin(&mut self, epoch: u64) {
        for (part, told) in self.parts.iter_mut().zip(&*self.told) {
            (part.since, part.waits) = (epoch, false);
            // SYNC: published by the release store of the epoch that follows. Pairs with the load in Told::since.
            told.store(epoch, Ordering::Relaxed);
        }
        (self.latest, self.waiting) = (epoch, 0);
    }

    /// The commands of the SubDevice with these outputs are void until it is back. Calls `each` with the bytes of the record
    /// that are its outputs.
    pub(crate) fn void(&mut self, outputs: &Range<usize>, mut each: impl FnMut(&Range<usize>)) {
        self.set(outputs, NEVER);
        let parts = self.parts.iter().filter(|part| overlap(&part.image, outputs));
        parts.flat_map(|part| &part.record).for_each(&mut each);
    }

    /// It is back: sets that are made for `epoch` or a later one count for it.
    pub(crate) fn admit_from(&mut self, outputs: &Range<usize>, epoch: u64) {
        self.set(outputs, epoch);
    }

    fn set(&mut self, outputs: &Range<usize>, since: u64) {
        for (part, told) in self.parts.iter_mut().zip(&*self.told) {
            if overlap(&part.image, outputs) {
                (part.since, part.waits) = (since, true);
                // SYNC: as in begin. The epoch grows only where a SubDevice is back, so this is seen with it.
                told.store(since, Ordering::Relaxed);
            }
        }
        self.latest = self.parts.iter().map(|part| part.since).max().unwrap_or(0);
        self.waiting = self.parts.iter().filter(|part| part.waits).count();
    }

    /// Whether it has outputs of the SubDevice with these, and whether they wait for a command.
    pub(crate) fn waits(&self, outputs: &Range<usize>) -> Option<bool> {
        let mut its = self.parts.iter().filter(|part| overlap(&part.image, outputs)).peekable();
        its.peek()?;
        Some(its.any(|part| part.waits))
    }

    /// Takes bits that a set may not change from those that it commands. Whether the set has commanded a part that waited.
    #[inline]
    pub(crate) fn withhold(&mut self, made_for: u64, commanded: &mut [u8]) -> bool {
        (self.waiting > 0 || made_for < self.latest) && self.withhold_from(made_for, commanded)
    }

    #[cold]
    fn withhold_from(&mut self, made_for: u64, commanded: &mut [u8]) -> bool {
        let waiting = self.waiting;
        for part in &mut self.parts {
            if made_for < part.since {
                part.take_from(commanded);
            } else if part.waits && part.is_in(commanded) {
                part.waits = false;
                self.waiting = self.waiting.saturating_sub(1);
            }
        }
        self.waiting < waiting
    }
}

fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}

/// The bytes of a record that are bytes of a range of the image.
fn within(image: &Range<usize>, ranges: &[Range<usize>]) -> Box<[Range<usize>]> {
    let mut before = 0usize;
    let mut found = Vec::new();
    for range in ranges {
        let (start, end) = (range.start.max(image.start), range.end.min(image.end));
        if start < end {
            let first = before.saturating_add(start.saturating_sub(range.start));
            found.push(first..first.saturating_add(end.saturating_sub(start)));
        }
        before = before.saturating_add(range.len());
    }
    found.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes 2 and 3 of the image, 8 and 9, in a record of 2..4 and 7..9; of two SubDevices.
    fn two() -> (Parts, Told) {
        Parts::new(vec![0..4, 8..12], &[2..4, 7..9])
    }

    fn withheld(parts: &mut Parts, made_for: u64, mut commanded: [u8; 4]) -> ([u8; 4], bool) {
        let answered = parts.withhold(made_for, &mut commanded);
        (commanded, answered)
    }

    #[test]
    fn the_bytes_of_a_part_are_found_in_the_record() {
        assert_eq!(within(&(0..4), &[2..4, 7..9]).first(), Some(&(0..2)));
        assert_eq!(*within(&(3..8), &[2..4, 7..9]), [1..2, 2..3]);
        assert!(within(&(4..7), &[2..4, 7..9]).is_empty());
    }

    #[test]
    fn sets_from_before_change_nothing_of_a_part_and_all_of_the_others() {
        let (mut parts, told) = two();
        parts.begin(3);
        assert_eq!(withheld(&mut parts, 3, [0xff; 4]), ([0xff; 4], false));
        let mut bytes = 0..0;
        parts.void(&(0..4), |range| bytes = range.clone());
        assert_eq!((bytes, told.since(0), told.since(1)), (0..2, None, Some(3)));
        assert_eq!(withheld(&mut parts, 3, [0xff; 4]), ([0, 0, 0xff, 0xff], false));
        parts.admit_from(&(0..4), 4);
        assert_eq!((told.since(0), parts.waits(&(0..4)), parts.waits(&(8..12))), (Some(4), Some(true), Some(false)));
        assert_eq!(withheld(&mut parts, 3, [0xff; 4]), ([0, 0, 0xff, 0xff], false));
        assert_eq!(withheld(&mut parts, 4, [0, 0, 0xff, 0]), ([0, 0, 0xff, 0], false), "it isn't named");
        assert_eq!(withheld(&mut parts, 4, [0, 1, 0, 0]), ([0, 1, 0, 0], true));
        assert_eq!(parts.waits(&(0..4)), Some(false));
        assert_eq!(withheld(&mut parts, 3, [0xff; 4]), ([0, 0, 0xff, 0xff], false), "an old one all the same");
        assert_eq!(parts.waits(&(20..21)), None);
    }

    #[test]
    fn an_epoch_of_all_begins_anew_for_each_part() {
        let (mut parts, told) = two();
        parts.void(&(0..12), |_| ());
        parts.begin(7);
        assert_eq!((told.since(0), parts.waits(&(0..4))), (Some(7), Some(false)));
        assert_eq!(withheld(&mut parts, 7, [1; 4]), ([1; 4], false));
    }
}
