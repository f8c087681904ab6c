//! Numbers for the values that PDO entries map. An entry that several PDOs map has one value.

use std::collections::HashMap;

use super::ValueId;

/// Longest value that the application keeps.
const LONGEST: u8 = 64;

/// The numbers that were given so far.
#[derive(Debug, Default)]
pub(crate) struct ValueIds(HashMap<(u16, u8), ValueId>);

impl ValueIds {
    /// The number of an entry's value. Padding, entries above 64 bits, and those behind the 65,535th value have none
    /// and stay 0.
    pub(crate) fn of(&mut self, index: u16, subindex: u8, bits: u8) -> Option<ValueId> {
        let next = self.count();
        match self.0.get(&(index, subindex)) {
            Some(known) => Some(*known),
            None if index == 0 || bits > LONGEST || next == u16::MAX => None,
            None => Some(*self.0.entry((index, subindex)).or_insert(ValueId(next))),
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u16 {
        u16::try_from(self.0.len()).unwrap_or(u16::MAX)
    }
}
