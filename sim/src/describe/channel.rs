//! Channels: the values of a SubDevice that wires and commands name, with what fits into them.

use super::{DataType, PdoEntry, ValueId, WORD_BITS};

/// One channel. Its value is kept in the low bits of a word, a signed one in two's complement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Channel {
    pub(crate) value: ValueId,
    /// Length in bits, 64 at most.
    pub(crate) bits: u8,
    signed: bool,
}

impl Channel {
    /// A channel for a value that is not negative.
    pub(crate) const fn unsigned(value: ValueId, bits: u8) -> Self {
        Self { value, bits, signed: false }
    }

    /// A channel for a value that may be negative.
    pub(crate) const fn signed(value: ValueId, bits: u8) -> Self {
        Self { value, bits, signed: true }
    }

    /// The channel of an entry; `None` for padding and for one that is longer than a word.
    pub(crate) fn of(entry: &PdoEntry) -> Option<Self> {
        let value = entry.value.filter(|_| usize::from(entry.bits) <= WORD_BITS)?;
        let signed = matches!(entry.data_type, DataType::I8 | DataType::I16 | DataType::I24 | DataType::I32);
        Some(Self { value, bits: entry.bits, signed })
    }

    /// Lowest and highest value. 64 bits take any number that can be written.
    pub(crate) const fn range(self) -> (i64, i64) {
        match (self.bits, self.signed) {
            (64.., _) => (i64::MIN, i64::MAX),
            (0, _) => (0, 0),
            (bits, true) => (-1 << (bits - 1), (1 << (bits - 1)) - 1),
            (63, false) => (0, i64::MAX),
            (bits, false) => (0, (1 << bits) - 1),
        }
    }

    /// The number that a word holds.
    pub(crate) const fn number(self, word: u64) -> i64 {
        match (self.bits, self.signed) {
            (64.., _) => word.cast_signed(),
            (0, _) => 0,
            (bits, true) => word.cast_signed() << (64 - bits) >> (64 - bits),
            (bits, false) => (word << (64 - bits) >> (64 - bits)).cast_signed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_the_length_and_sign() {
        let id = ValueId(0);
        assert_eq!(Channel::unsigned(id, 1).range(), (0, 1));
        assert_eq!(Channel::unsigned(id, 63).range(), (0, i64::MAX));
        assert_eq!(Channel::unsigned(id, 64).range(), (i64::MIN, i64::MAX));
        assert_eq!(Channel::signed(id, 1).range(), (-1, 0));
        assert_eq!(Channel::signed(id, 16).range(), (-32768, 32767));
        assert_eq!(Channel::signed(id, 63).range(), (i64::MIN / 2, i64::MAX / 2));
    }

    #[test]
    fn a_word_is_cut_to_the_length_and_its_sign_extended() {
        let id = ValueId(0);
        assert_eq!(Channel::signed(id, 16).number(0xffff), -1);
        assert_eq!(Channel::unsigned(id, 16).number(u64::MAX), 0xffff);
        assert_eq!(Channel::signed(id, 64).number(u64::MAX), -1);
    }
}
