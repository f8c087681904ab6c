//! Places of the process image in what holds a part of it: a frame, a record of ranges.

use crate::wire::Delivered;
use std::ops::Range;
use zerocat_pdi::BitSpan;

/// A place of the image within a frame's bytes, if they hold it.
pub(crate) fn within(frame: &Delivered, place: BitSpan) -> Option<BitSpan> {
    let start = frame.image.start * 8;
    let holds = place.offset >= start && place.offset + usize::from(place.len) <= frame.image.end * 8;
    holds.then(|| BitSpan::new(place.offset - start, place.len))
}

/// A place of the image in a record of these ranges.
pub(crate) fn in_record(place: BitSpan, ranges: &[Range<usize>]) -> Option<BitSpan> {
    let n = ranges.iter().position(|range| range.contains(&(place.offset / 8)))?;
    let before: usize = ranges.iter().take(n).map(ExactSizeIterator::len).sum();
    let start = ranges.get(n)?.start;
    Some(BitSpan::new(place.offset - 8 * start + 8 * before, place.len))
}
