//! Bit fields of 1 to 255 bits at any alignment in a byte image, least significant bit first (ETG.1000.6, 5.6.7.3): up to
//! 64 of them as a number, any of them as bytes.
//!
//! A field that isn't wholly inside the image is neither read nor written. Writing a field never changes a bit beside
//! it. Nothing here allocates or panics.

use crate::octets::Octets;
use core::ops::Range;

/// A bit field in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BitSpan {
    /// First bit, counted from bit 0 of byte 0.
    pub offset: usize,
    /// Number of bits, at least 1. One of more than 64 is bytes, not a number.
    pub len: u8,
}

/// Bits that are handled at once.
const WORD: u8 = 64;
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

    /// The field's bits as bytes, from its first bit on. `None` when it isn't wholly in the image or has no bits.
    #[must_use]
    pub fn extract_octets(self, image: &[u8]) -> Option<Octets> {
        image.get(self.bytes()).filter(|bytes| !bytes.is_empty())?;
        let mut octets = Octets::zeros(self.len);
        for (n, word) in self.words().enumerate() {
            octets.set_word(n, word.extract(image)?);
        }
        Some(octets)
    }

    /// Writes bytes into the field, from its first bit on; bits that are missing are 0, those too many are ignored.
    /// Returns false and writes nothing when the field isn't wholly in the image or has no bits.
    #[must_use = "false says that nothing was written"]
    pub fn insert_octets(self, image: &mut [u8], octets: Octets) -> bool {
        if image.get(self.bytes()).is_none_or(<[u8]>::is_empty) {
            return false;
        }
        self.words().enumerate().all(|(n, word)| word.insert(image, octets.word(n)))
    }

    /// Sets all bits of the field, or clears them. Returns false and changes nothing when it isn't wholly in the image.
    #[must_use = "false says that nothing was written"]
    pub fn fill(self, image: &mut [u8], set: bool) -> bool {
        let word = if set { u64::MAX } else { 0 };
        let inside = image.get(self.bytes()).is_some_and(|bytes| !bytes.is_empty());
        inside && self.words().all(|part| part.insert(image, word))
    }

    /// One bit of the field, the least significant one first; `None` behind its last one.
    #[must_use]
    pub fn bit(self, n: u8) -> Option<Self> {
        (n < self.len).then(|| Self::new(self.offset.saturating_add(usize::from(n)), 1))
    }

    /// Whether the two have a bit in common.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.offset.max(other.offset) < self.end().min(other.end())
    }

    /// The field in parts of 64 bits, the last one of the rest.
    fn words(self) -> impl Iterator<Item = Self> {
        let word = move |start: u8| {
            Self::new(self.offset.saturating_add(usize::from(start)), self.len.saturating_sub(start).min(WORD))
        };
        (0..self.len).step_by(usize::from(WORD)).map(word)
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
    fn bytes_stand_in_the_image_in_their_order_and_bits_beside_them_stay() {
        let text = "00112233445566778899aabbccddeeff102030405060708090a0b0c0d0e0f001";
        let octets: Octets = text.parse().unwrap();
        let mut image = [0xff; 34];
        assert!(BitSpan::new(8, 249).insert_octets(&mut image, octets));
        assert_eq!(image[1..32], octets.as_bytes()[..31]);
        assert_eq!((image[0], image[32], image[33]), (0xff, 0xff, 0xff));
        assert_eq!(BitSpan::new(8, 249).extract_octets(&image), Some(octets));
        assert!(!BitSpan::new(24, 249).insert_octets(&mut image, octets));
        assert_eq!((image[3], BitSpan::new(24, 249).extract_octets(&image)), (0x22, None));
        assert_eq!(BitSpan::new(0, 0).extract_octets(&image), None);
        assert!(BitSpan::new(4, 249).fill(&mut image, false) && !BitSpan::new(24, 249).fill(&mut image, true));
        assert_eq!((image[0], image[1..31].iter().all(|byte| *byte == 0), image[31]), (0x0f, true, 0xe0));
    }

    #[test]
    fn a_bit_of_a_field_is_a_field() {
        let field = BitSpan::new(12, 3);
        let bits: Vec<_> = (0..4).map(|n| field.bit(n)).collect();
        assert_eq!(bits, [Some(BitSpan::new(12, 1)), Some(BitSpan::new(13, 1)), Some(BitSpan::new(14, 1)), None]);
        assert!(field.overlaps(BitSpan::new(14, 1)) && field.overlaps(field) && BitSpan::new(0, 13).overlaps(field));
        assert!(!field.overlaps(BitSpan::new(15, 1)) && !BitSpan::new(0, 12).overlaps(field));
        assert!(!field.overlaps(BitSpan::new(13, 0)));
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
