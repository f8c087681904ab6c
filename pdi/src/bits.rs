//! Bit fields of 1 to 64 bits at any alignment in a byte image, least significant bit first (ETG.1000.6, 5.6.7.3).
//!
//! A field that isn't wholly inside the image is neither read nor written. Writing a field never changes a bit beside
//! it. Nothing here allocates or panics.

use std::ops::Range;

/// A bit field in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BitSpan {
    /// First bit, counted from bit 0 of byte 0.
    pub offset: usize,
    /// Number of bits, 1 to 64. An entry that is no number (an octet string) may be longer; it is neither extracted
    /// nor inserted.
    pub len: u8,
}

/// Bytes that a field of 64 bits may touch.
const WIDEST: usize = 9;

impl BitSpan {
    /// A field of `len` bits from bit `offset` on.
    #[must_use]
    pub const fn new(offset: usize, len: u8) -> Self {
        Self { offset, len }
    }

    /// First bit behind the field, saturating.
    #[must_use]
    pub fn end(self) -> usize {
        self.offset.saturating_add(usize::from(self.len))
    }

    /// Bytes that the field touches; empty for a field of 0 bits.
    #[must_use]
    pub fn bytes(self) -> Range<usize> {
        let start = self.offset / 8;
        if self.len == 0 { start..start } else { start..self.end().div_ceil(8) }
    }

    /// The field's bits, right-aligned. `None` when it isn't wholly in the image or not of 1 to 64 bits.
    #[must_use]
    pub fn extract(self, image: &[u8]) -> Option<u64> {
        let mask = low_mask(self.len)?;
        let bytes = image.get(self.bytes())?;
        let mut wide = [0; 16];
        wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
        low_half(u128::from_le_bytes(wide) >> (self.offset % 8) & u128::from(mask))
    }

    /// Writes the low bits of `raw` into the field and ignores the others. Returns false and writes nothing when the
    /// field isn't wholly in the image or not of 1 to 64 bits.
    #[must_use = "false says that nothing was written"]
    pub fn insert(self, image: &mut [u8], raw: u64) -> bool {
        self.splice(image, raw).is_some()
    }

    fn splice(self, image: &mut [u8], raw: u64) -> Option<()> {
        let shift = self.offset % 8;
        let mask = u128::from(low_mask(self.len)?) << shift;
        let bytes = image.get_mut(self.bytes())?;
        debug_assert!(bytes.len() <= WIDEST, "64 bits touch 9 bytes at most");
        let mut wide = [0; 16];
        wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
        let wide = u128::from_le_bytes(wide) & !mask | u128::from(raw) << shift & mask;
        bytes.copy_from_slice(wide.to_le_bytes().get(..bytes.len())?);
        Some(())
    }
}

/// A mask of the low `len` bits; `None` outside of 1 to 64.
pub(crate) fn low_mask(len: u8) -> Option<u64> {
    if len == 0 { None } else { u64::MAX.checked_shr(64u32.checked_sub(u32::from(len))?) }
}

fn low_half(wide: u128) -> Option<u64> {
    u64::try_from(wide).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bit_is_the_lowest_of_the_first_byte() {
        let image = [0b0000_0001, 0b1000_0000];
        assert_eq!(BitSpan::new(0, 1).extract(&image), Some(1));
        assert_eq!(BitSpan::new(15, 1).extract(&image), Some(1));
        assert_eq!(BitSpan::new(1, 14).extract(&image), Some(0));
    }

    #[test]
    fn sixty_four_bits_cross_nine_bytes() {
        let mut image = [0; 9];
        assert!(BitSpan::new(3, 64).insert(&mut image, 0x0123_4567_89ab_cdef));
        assert_eq!(image, [0x78, 0x6f, 0x5e, 0x4d, 0x3c, 0x2b, 0x1a, 0x09, 0x00]);
        assert_eq!(BitSpan::new(3, 64).extract(&image), Some(0x0123_4567_89ab_cdef));
    }

    #[test]
    fn a_field_behind_the_image_is_refused_whole() {
        let mut image = [0xff; 2];
        for span in [BitSpan::new(15, 2), BitSpan::new(16, 1), BitSpan::new(usize::MAX, 8), BitSpan::new(0, 17)] {
            assert_eq!(span.extract(&image), None, "{span:?}");
            assert!(!span.insert(&mut image, 0), "{span:?}");
        }
        assert_eq!(image, [0xff; 2]);
    }

    #[test]
    fn a_field_of_no_bits_or_more_than_64_is_refused() {
        let mut image = [0; 32];
        for len in [0, 65, 255] {
            assert_eq!(BitSpan::new(0, len).extract(&image), None);
            assert!(!BitSpan::new(0, len).insert(&mut image, 1));
        }
    }
}
