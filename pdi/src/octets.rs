//! The bits of one entry as bytes: what an entry that is no number has for a value.
//!
//! As text they are hexadecimal, two digits a byte, in the order of the process image. Guarantees: never more bytes than
//! an entry can have, so a value is `Copy` and nothing here allocates but the text; no text panics.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::str::FromStr;

/// Most bytes of an entry: its length in bits is a byte (ETG.1000.6, 5.6.7.4.7, by memory).
const MOST: usize = 32;

/// The bytes of an entry, 32 at most, the first in the process image first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Octets {
    len: u8,
    /// Zero from `len` on, so that equality is that of the bytes.
    bytes: [u8; MOST],
}

/// Why a text is not bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OctetsError {
    /// A half byte is left over.
    Odd(usize),
    /// A letter that is no digit.
    Digit(char),
    /// More bytes than an entry has.
    Long(usize),
}

impl fmt::Display for OctetsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Odd(digits) => {
                write!(f, "{digits} hexadecimal digits are no whole bytes; give two digits a byte, such as \"00ff\"")
            }
            Self::Digit(letter) => {
                write!(f, "`{letter}` is not a hexadecimal digit; give two digits a byte, such as \"00ff\"")
            }
            Self::Long(bytes) => write!(f, "{bytes} bytes are more than the {MOST} that an entry can have"),
        }
    }
}

impl core::error::Error for OctetsError {}

impl Octets {
    /// Most bytes.
    pub const MOST: usize = MOST;

    /// These bytes; none if there are more than [`Self::MOST`].
    #[must_use]
    pub fn new(from: &[u8]) -> Option<Self> {
        let mut bytes = [0; MOST];
        bytes.get_mut(..from.len())?.copy_from_slice(from);
        Some(Self { len: u8::try_from(from.len()).ok()?, bytes })
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&self.bytes)
    }

    /// Zeros, as many bytes as an entry of `bits` takes.
    #[must_use]
    pub const fn zeros(bits: u8) -> Self {
        Self { len: bits.div_ceil(8), bytes: [0; MOST] }
    }

    /// Whether they are as many as an entry of `bits` takes, with no bit set behind its last one.
    #[must_use]
    pub fn fit(&self, bits: u8) -> bool {
        let unused = (8 - bits % 8) % 8;
        let last = self.as_bytes().last().copied().unwrap_or(0);
        self.len == bits.div_ceil(8) && u32::from(unused) <= last.leading_zeros()
    }

    /// Bits 64 n to 64 n + 63 as a number, zeros where there are none.
    pub(crate) fn word(&self, n: usize) -> u64 {
        let mut word = [0; 8];
        let bytes = self.bytes.chunks_exact(8).nth(n).unwrap_or(&[]);
        word.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        u64::from_le_bytes(word)
    }

    /// Sets bits 64 n to 64 n + 63, as far as there are bytes for them.
    pub(crate) fn set_word(&mut self, n: usize, word: u64) {
        let bytes = self.bytes.get_mut(..usize::from(self.len)).unwrap_or_default();
        let there = bytes.chunks_mut(8).nth(n).unwrap_or_default();
        there.iter_mut().zip(word.to_le_bytes()).for_each(|(to, from)| *to = from);
    }
}

impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(2 * MOST);
        self.as_bytes().iter().try_for_each(|byte| write!(text, "{byte:02x}"))?;
        f.pad(&text)
    }
}

impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Octets({self})")
    }
}

impl FromStr for Octets {
    type Err = OctetsError;

    fn from_str(text: &str) -> Result<Self, OctetsError> {
        if let Some(odd) = text.chars().find(|letter| !letter.is_ascii_hexdigit()) {
            return Err(OctetsError::Digit(odd));
        }
        if !text.len().is_multiple_of(2) {
            return Err(OctetsError::Odd(text.len()));
        }
        let pairs = text.as_bytes().chunks_exact(2).filter_map(|pair| core::str::from_utf8(pair).ok());
        let bytes: Vec<u8> = pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect();
        Self::new(&bytes).ok_or(OctetsError::Long(bytes.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_two_digits_a_byte_in_the_order_of_the_image() {
        let octets = Octets::new(&[0x00, 0xff, 0x0a]).unwrap();
        assert_eq!(octets.to_string(), "00ff0a");
        assert_eq!("00FF0a".parse(), Ok(octets));
        assert_eq!("".parse(), Ok(Octets::zeros(0)));
    }

    #[test]
    fn what_is_no_bytes_is_refused_with_the_reason() {
        let refused = |text: &str| text.parse::<Octets>().unwrap_err();
        assert_eq!(refused("0"), OctetsError::Odd(1));
        assert_eq!(refused("0x00"), OctetsError::Digit('x'));
        assert_eq!(refused("+1"), OctetsError::Digit('+'));
        assert_eq!(refused(&"00".repeat(33)), OctetsError::Long(33));
    }

    #[test]
    fn bytes_fit_an_entry_of_their_length_with_nothing_behind_its_last_bit() {
        let octets = Octets::new(&[0xff, 0x07]).unwrap();
        let fits: Vec<u8> = (0..=255).filter(|bits| octets.fit(*bits)).collect();
        assert_eq!(fits, [11, 12, 13, 14, 15, 16]);
        assert!(Octets::zeros(255).fit(255) && Octets::zeros(1).fit(1) && Octets::zeros(0).fit(0));
    }
}
