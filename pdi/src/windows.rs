//! The parts of a process image that one task uses, packed into a record.
//!
//! The realtime thread copies a few byte ranges between the image and a record, however many channels they hold; the
//! task's own thread unpacks the record. Only ranges that touch or overlap are merged, so a record has no byte that the
//! task didn't ask for.

use crate::bits::BitSpan;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

/// Byte ranges of an image, and where the task's points lie in the record that is packed from them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Windows {
    /// Byte ranges of the image in ascending order, none empty, a gap between each two.
    pub ranges: Vec<Range<usize>>,
    /// The points in the order given, with their places in the record.
    pub spans: Vec<BitSpan>,
    /// One byte for each of the record's: the bits that belong to a point. A writer changes only these.
    pub mask: Vec<u8>,
    /// Bytes of a record.
    pub record_len: usize,
}

impl Windows {
    /// Covers the points of one task. Points may lie in any order, touch, overlap or repeat.
    #[must_use]
    pub fn cover(points: &[BitSpan]) -> Self {
        let ranges = merged(points);
        let mut starts = Vec::with_capacity(ranges.len());
        let mut record_len = 0usize;
        for range in &ranges {
            starts.push(record_len);
            record_len = record_len.saturating_add(range.len());
        }
        let spans: Vec<_> = points.iter().map(|point| rebased(*point, &ranges, &starts)).collect();
        let mut mask = vec![0; record_len];
        for span in &spans {
            mark(*span, &mut mask);
        }
        Self { ranges, spans, mask, record_len }
    }
}

/// Copies byte ranges of an image into a record, one behind the other, and stops at the first for which the image or
/// the record is too short. Neither allocates nor panics.
#[inline]
pub fn gather(ranges: &[Range<usize>], image: &[u8], mut record: &mut [u8]) {
    for range in ranges {
        let Some(from) = image.get(range.clone()) else { return };
        let Some((to, behind)) = record.split_at_mut_checked(from.len()) else { return };
        to.copy_from_slice(from);
        record = behind;
    }
}

/// Copies the bits of a record that its mask has (a byte for each of the record's) into byte ranges of an image, and no
/// others. Stops at the first range for which image, record or mask is too short. Neither allocates nor panics.
#[inline]
pub fn scatter(ranges: &[Range<usize>], mask: &[u8], record: &[u8], image: &mut [u8]) {
    let mut at = 0usize;
    for range in ranges {
        let end = at.saturating_add(range.len());
        let (Some(to), Some(from), Some(mask)) = (image.get_mut(range.clone()), record.get(at..end), mask.get(at..end))
        else {
            return;
        };
        for ((byte, from), mask) in to.iter_mut().zip(from).zip(mask) {
            *byte = *byte & !mask | from & mask;
        }
        at = end;
    }
}

fn merged(points: &[BitSpan]) -> Vec<Range<usize>> {
    let mut bytes: Vec<_> = points.iter().map(|point| point.bytes()).filter(|range| !range.is_empty()).collect();
    bytes.sort_unstable_by_key(|range| range.start);
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for next in bytes {
        match ranges.last_mut() {
            Some(last) if next.start <= last.end => last.end = last.end.max(next.end),
            _ => ranges.push(next),
        }
    }
    ranges
}

/// A point's place in the record. Every point lies wholly in one range; one of 0 bits lies in none and gets bit 0.
fn rebased(point: BitSpan, ranges: &[Range<usize>], starts: &[usize]) -> BitSpan {
    let byte = point.bytes().start;
    let behind = ranges.partition_point(|range| range.start <= byte);
    let found = behind.checked_sub(1).and_then(|n| Some((ranges.get(n)?, starts.get(n)?)));
    match found {
        Some((range, start)) if point.len > 0 => {
            let byte = byte.saturating_sub(range.start).saturating_add(*start);
            BitSpan::new(byte.saturating_mul(8).saturating_add(point.offset % 8), point.len)
        }
        _ => BitSpan::new(0, 0),
    }
}

/// Sets the bits of a point of any length.
fn mark(span: BitSpan, mask: &mut [u8]) {
    for bit in span.offset..span.end() {
        if let Some(byte) = mask.get_mut(bit / 8) {
            *byte |= 1 << (bit % 8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_merge_where_they_touch_and_not_across_a_gap() {
        let points = [BitSpan::new(80, 16), BitSpan::new(0, 1), BitSpan::new(3, 2), BitSpan::new(8, 16)];
        let windows = Windows::cover(&points);
        assert_eq!(windows.ranges, [0..3, 10..12]);
        assert_eq!(windows.record_len, 5);
        let expected = [BitSpan::new(24, 16), BitSpan::new(0, 1), BitSpan::new(3, 2), BitSpan::new(8, 16)];
        assert_eq!(windows.spans, expected);
        assert_eq!(windows.mask, [0b0001_1001, 0xff, 0xff, 0xff, 0xff]);
    }

    #[test]
    fn no_points_are_no_bytes() {
        assert_eq!(Windows::cover(&[]), Windows::default());
    }

    #[test]
    fn scattering_leaves_the_bits_of_others() {
        let windows = Windows::cover(&[BitSpan::new(12, 2)]);
        let mut image = [0xff; 3];
        scatter(&windows.ranges, &windows.mask, &[0x00], &mut image);
        assert_eq!(image, [0xff, 0b1100_1111, 0xff]);
    }

    #[test]
    fn what_does_not_fit_is_left_alone() {
        let (ranges, mask) = ([0..1, 2..4], [0xff; 3]);
        let mut image = [0; 3];
        scatter(&ranges, &mask, &[1, 2, 3], &mut image);
        assert_eq!(image, [1, 0, 0]);
        scatter(&ranges, &mask, &[], &mut image);
        assert_eq!(image, [1, 0, 0]);
        let mut record = [9; 2];
        gather(&ranges, &[1, 2, 3, 4], &mut record);
        assert_eq!(record, [1, 9]);
        gather(&ranges, &[], &mut record);
        assert_eq!(record, [1, 9]);
    }
}
