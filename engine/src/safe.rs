//! The safe outputs of an exchange: what is sent while traffic is [`Safe`](crate::Traffic::Safe).
//!
//! A bit of the output image either takes a value given beforehand or holds what was sent last; outputs that follow an
//! input are written over it ([`Follow`](crate::Follow)). Both buffers lie over the
//! whole image, so that safe values of single outputs fill the same ones. Bytes beyond their end are zero and not held.

use std::ops::Range;

/// What each output bit of the image is while outputs are safe, or before they are commanded for the first time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SafeOutputs {
    /// Values that bits take, except those that are held.
    pub values: Box<[u8]>,
    /// Bits that keep what was sent last.
    pub hold: Box<[u8]>,
}

impl SafeOutputs {
    /// All outputs zero.
    #[must_use]
    pub fn zero(image_len: usize) -> Self {
        Self { values: vec![0; image_len].into(), hold: vec![0; image_len].into() }
    }

    /// All outputs as they were sent last.
    #[must_use]
    pub fn hold(image_len: usize) -> Self {
        Self { values: vec![0; image_len].into(), hold: vec![0xff; image_len].into() }
    }

    /// Makes a range of outputs safe.
    pub(crate) fn apply(&self, range: &Range<usize>, image: &mut [u8]) {
        let Some(bytes) = image.get_mut(range.clone()) else { return };
        for (byte, at) in bytes.iter_mut().zip(range.clone()) {
            *byte = self.safe(*byte, at);
        }
    }

    /// Makes the bits of `mask` safe, which has a byte for each byte of the ranges.
    pub(crate) fn apply_masked(&self, ranges: &[Range<usize>], mask: &[u8], image: &mut [u8]) {
        for (at, mask) in ranges.iter().flat_map(Clone::clone).zip(mask) {
            if let Some(byte) = image.get_mut(at) {
                *byte = *byte & !mask | self.safe(*byte, at) & mask;
            }
        }
    }

    fn safe(&self, byte: u8, at: usize) -> u8 {
        let of = |bytes: &[u8]| bytes.get(at).copied().unwrap_or(0);
        let hold = of(&self.hold);
        byte & hold | of(&self.values) & !hold
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_bits_stay_and_the_others_take_their_values() {
        let safe = SafeOutputs { values: vec![0xff, 0x0f, 0xaa].into(), hold: vec![0, 0xf0, 0xff].into() };
        let mut image = [0x12, 0x34, 0x56, 0x78];
        safe.apply(&(0..4), &mut image);
        assert_eq!(image, [0xff, 0x3f, 0x56, 0]);
    }

    #[test]
    fn only_the_bits_of_the_mask_become_safe() {
        let mut image = [0xff; 4];
        SafeOutputs::zero(4).apply_masked(&[0..1, 2..4], &[0x0f, 0xff, 0], &mut image);
        assert_eq!(image, [0xf0, 0xff, 0, 0xff]);
        SafeOutputs::hold(4).apply_masked(&[0..1, 3..9], &[0xff; 7], &mut image);
        assert_eq!(image, [0xf0, 0xff, 0, 0xff]);
    }
}
