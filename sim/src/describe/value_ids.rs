//! Numbers for the values that PDO entries map. An entry that several PDOs map has one value.

use std::collections::HashMap;

use super::{ValueId, WORD_BITS};

/// The numbers that were given so far.
#[derive(Debug, Default)]
pub(crate) struct ValueIds {
    /// Of each entry, the first number and how many it has.
    known: HashMap<(u16, u8), (ValueId, u16)>,
    count: u16,
}

impl ValueIds {
    /// The first number of an entry's value. Padding, an entry that is longer than where it was mapped before, and
    /// those behind the 65,535th number have none and stay 0.
    pub(crate) fn of(&mut self, index: u16, subindex: u8, bits: u8) -> Option<ValueId> {
        let words = words(bits);
        if let Some((first, has)) = self.known.get(&(index, subindex)) {
            return (*has >= words).then_some(*first);
        }
        let first = self.another(index, bits)?;
        self.known.insert((index, subindex), (first, words));
        Some(first)
    }

    /// The first number of a value of its own, for an entry that is mapped once more. Padding has none.
    pub(crate) fn another(&mut self, index: u16, bits: u8) -> Option<ValueId> {
        let first = ValueId(self.count);
        self.count = self.count.checked_add(words(bits)).filter(|_| index != 0)?;
        Some(first)
    }

    /// How many there are.
    pub(crate) const fn count(&self) -> u16 {
        self.count
    }
}

/// Numbers that an entry takes.
fn words(bits: u8) -> u16 {
    u16::try_from(usize::from(bits).div_ceil(WORD_BITS)).unwrap_or(1).max(1)
}
