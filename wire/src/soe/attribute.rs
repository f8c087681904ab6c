//! The attribute of an IDN: how its value is stored and shown.
//!
//! The bits are those of SOEM's header (`ec_soe.h`) and of the manual of Beckhoff's AX5000. The conversion factor and the
//! number of decimal places are kept as they stand and not applied.

use crate::codes::coded_enum;
use crate::{AlState, WireError, field};

coded_enum! {
    /// Bytes of the value, or of each item of a list.
    pub enum Size: u8 {
        /// 1 byte.
        One = 0,
        /// 2 bytes.
        Two = 1,
        /// 4 bytes.
        Four = 2,
        /// 8 bytes.
        Eight = 3,
    }
}

impl Size {
    /// Number of bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        1 << self as u8
    }
}

coded_enum! {
    /// What the value is, and how it is shown.
    pub enum Display: u8 {
        /// Bits.
        Binary = 0,
        /// Number without sign, decimal.
        Unsigned = 1,
        /// Number with sign, decimal.
        Signed = 2,
        /// Number without sign, hexadecimal.
        Hex = 3,
        /// Text.
        Text = 4,
        /// IDN.
        Idn = 5,
        /// Floating point.
        Float = 6,
        /// Reserved; SOEM calls it a parameter.
        Other = 7,
    }
}

/// The attribute, 4 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Attribute(pub u32);

impl Attribute {
    const LIST: u32 = 1 << 18;
    const COMMAND: u32 = 1 << 19;

    /// Reads the element.
    ///
    /// # Errors
    /// `Truncated` below 4 bytes.
    pub fn parse(data: &[u8]) -> Result<Self, WireError> {
        field::u32_at(data, 0).map(Self)
    }

    /// Of a single value with factor 1.
    #[must_use]
    pub const fn value(size: Size, display: Display) -> Self {
        Self(1 | (size as u32) << 16 | (display as u32) << 20)
    }

    /// Of a list with factor 1.
    #[must_use]
    pub const fn list(size: Size, display: Display) -> Self {
        Self(Self::value(size, display).0 | Self::LIST)
    }

    /// Of a procedure command.
    #[must_use]
    pub const fn command() -> Self {
        Self(Self::value(Size::Two, Display::Binary).0 | Self::COMMAND)
    }

    /// The same, protected against writes in these states of PRE-OP, SAFE-OP and OP.
    #[must_use]
    pub const fn protected(self, pre_op: bool, safe_op: bool, op: bool) -> Self {
        Self(self.0 | (pre_op as u32) << 28 | (safe_op as u32) << 29 | (op as u32) << 30)
    }

    /// Bytes of the value or of an item.
    #[must_use]
    pub const fn size(self) -> Size {
        match self.0 >> 16 & 3 {
            0 => Size::One,
            1 => Size::Two,
            2 => Size::Four,
            _ => Size::Eight,
        }
    }

    /// Whether it is a list of items.
    #[must_use]
    pub const fn is_list(self) -> bool {
        self.0 & Self::LIST != 0
    }

    /// Whether it is a procedure command: written to start it, then cleared.
    #[must_use]
    pub const fn is_command(self) -> bool {
        self.0 & Self::COMMAND != 0
    }

    /// What the value is.
    #[must_use]
    pub const fn display(self) -> Display {
        match self.0 >> 20 & 7 {
            0 => Display::Binary,
            1 => Display::Unsigned,
            2 => Display::Signed,
            3 => Display::Hex,
            4 => Display::Text,
            5 => Display::Idn,
            6 => Display::Float,
            _ => Display::Other,
        }
    }

    /// Places behind the decimal point, where it is shown.
    #[must_use]
    pub const fn decimals(self) -> u8 {
        let [_, _, _, high] = self.0.to_le_bytes();
        high & 0x0f
    }

    /// Whether the value is protected against writes in this state.
    #[must_use]
    pub const fn is_protected(self, state: AlState) -> bool {
        let bit = match state {
            AlState::PreOp => 28,
            AlState::SafeOp => 29,
            AlState::Op => 30,
            AlState::Init | AlState::Boot => return false,
        };
        self.0 >> bit & 1 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_four_bytes_with_sign_is_a_literal_word() {
        let attribute = Attribute::value(Size::Four, Display::Signed).protected(false, true, true);
        assert_eq!(attribute.0, 0x6022_0001);
        assert_eq!(Attribute::parse(&[0x01, 0x00, 0x22, 0x60]), Ok(attribute));
        assert_eq!((attribute.size().bytes(), attribute.display()), (4, Display::Signed));
        assert!(!attribute.is_protected(AlState::PreOp) && attribute.is_protected(AlState::Op));
        assert!(!attribute.is_list() && !attribute.is_command());
    }

    #[test]
    fn a_list_of_idns_has_the_list_bit_and_items_of_two_bytes() {
        let attribute = Attribute::list(Size::Two, Display::Idn);
        assert_eq!(attribute.0, 0x0055_0001);
        assert!(attribute.is_list() && attribute.size() == Size::Two && attribute.display() == Display::Idn);
        assert!(Attribute::command().is_command());
        assert!(Attribute::parse(&[0, 0, 0]).is_err());
    }

    #[test]
    fn decimals_and_every_display_are_read() {
        assert_eq!(Attribute(0x0400_0001).decimals(), 4);
        for code in 0..=7u8 {
            assert_eq!(Display::from_code(code), Ok(Attribute(u32::from(code) << 20).display()));
        }
    }
}
