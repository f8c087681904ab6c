//! The parts of a process image that one task uses, packed into a record.
//!
//! The realtime thread copies a few byte ranges between the image and a record, whatever the number of points in
//! them; the task's own thread takes the record apart. Only ranges that touch or overlap are merged, so a record
//! holds no byte that the task didn't ask for.

use crate::bits::BitSpan;
use std::ops::Range;

/// Byte ranges of an image and where the points lie in the record packed from them.
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

    /// Bytes that an image must have for every range to lie in it.
    #[must_use]
    pub fn image_len(&self) -> usize {
        self.ranges.last().map_or(0, |range| range.end)
    }

    /// Copies the ranges of an image into a record. False, and nothing is copied, when image or record are too short.
    /// Neither allocates nor panics.
    #[must_use = "false says that nothing was copied"]
    pub fn gather(&self, image: &[u8], record: &mut [u8]) -> bool {
        if image.len() < self.image_len() || record.len() < self.record_len {
            return false;
        }
        let mut rest = record;
        for range in &self.ranges {
            let (Some(from), Some((to, behind))) = (image.get(range.clone()), rest.split_at_mut_checked(range.len()))
            else {
                return false;
            };
            to.copy_from_slice(from);
            rest = behind;
        }
        true
    }

    /// Copies the bits of a record that belong to points into an image, and no others. False, and nothing is copied,
    /// when image or record are too short. Neither allocates nor panics.
    #[must_use = "false says that nothing was copied"]
    pub fn scatter(&self, record: &[u8], image: &mut [u8]) -> bool {
        if image.len() < self.image_len() || record.len() < self.record_len {
            return false;
        }
        let mut packed = record.iter().zip(&self.mask);
        for range in &self.ranges {
            let bytes = image.get_mut(range.clone()).unwrap_or_default();
            for (byte, (from, mask)) in bytes.iter_mut().zip(packed.by_ref().take(range.len())) {
                *byte = *byte & !mask | from & mask;
            }
        }
        true
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
        assert!(Windows::default().gather(&[], &mut []));
    }

    #[test]
    fn scattering_leaves_the_bits_of_others() {
        let windows = Windows::cover(&[BitSpan::new(12, 2)]);
        let mut image = [0xff; 3];
        assert!(windows.scatter(&[0x00], &mut image));
        assert_eq!(image, [0xff, 0b1100_1111, 0xff]);
        assert!(!windows.scatter(&[0x00], &mut image[..1]));
        assert!(!windows.scatter(&[], &mut image));
    }
}
