//! The number of a parameter, written `S-0-0015` or `P-0-0053`.

use core::fmt;
use core::str::FromStr;

/// Identification number: whether the drive's standard defines it or its vendor, parameter set, number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Idn(pub u16);

impl Idn {
    /// Telegram type: which data go cyclically.
    pub const TELEGRAM_TYPE: Self = Self(15);
    /// Configuration list of the AT: the drive's inputs for the MainDevice, behind its status word.
    pub const AT_LIST: Self = Self(16);
    /// All IDNs of the drive.
    pub const ALL: Self = Self(17);
    /// Configuration list of the MDT: the drive's outputs from the MainDevice, behind its control word.
    pub const MDT_LIST: Self = Self(24);

    const PRODUCT: u16 = 0x8000;
    const LAST_NUMBER: u16 = 0x0fff;

    /// One of the standard, `S-set-number`: 3 bits and 12 bits.
    #[must_use]
    pub const fn standard(set: u8, number: u16) -> Self {
        Self((set as u16 & 0x07) << 12 | number & Self::LAST_NUMBER)
    }

    /// One of the vendor, `P-set-number`: 3 bits and 12 bits.
    #[must_use]
    pub const fn product(set: u8, number: u16) -> Self {
        Self(Self::standard(set, number).0 | Self::PRODUCT)
    }

    /// Whether the vendor defines it.
    #[must_use]
    pub const fn is_product(self) -> bool {
        self.0 & Self::PRODUCT != 0
    }

    /// Parameter set, 0 to 7.
    #[must_use]
    pub const fn set(self) -> u8 {
        let [_, high] = self.0.to_le_bytes();
        high >> 4 & 0x07
    }

    /// Number in the set, 0 to 4095.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0 & Self::LAST_NUMBER
    }
}

impl fmt::Display for Idn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = if self.is_product() { 'P' } else { 'S' };
        write!(f, "{letter}-{}-{:04}", self.set(), self.number())
    }
}

/// A text that is no IDN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnIdn;

impl fmt::Display for NotAnIdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no IDN, such as S-0-0015 or P-0-0053: S or P, set 0 to 7, number 0 to 4095")
    }
}

impl core::error::Error for NotAnIdn {}

impl FromStr for Idn {
    type Err = NotAnIdn;

    fn from_str(text: &str) -> Result<Self, NotAnIdn> {
        let digits = |part: Option<&str>| {
            let part = part.filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))?;
            part.parse::<u16>().ok()
        };
        let mut parts = text.split('-');
        let letter = parts.next().unwrap_or_default();
        let (set, number) = (digits(parts.next()).ok_or(NotAnIdn)?, digits(parts.next()).ok_or(NotAnIdn)?);
        let set = u8::try_from(set).ok().filter(|set| *set <= 7).ok_or(NotAnIdn)?;
        match letter {
            _ if number > Self::LAST_NUMBER || parts.next().is_some() => Err(NotAnIdn),
            "S" | "s" => Ok(Self::standard(set, number)),
            "P" | "p" => Ok(Self::product(set, number)),
            _ => Err(NotAnIdn),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn numbers_are_those_of_an_ax5203() {
        // From the log in libethercat's issue 34: 32860 is P-0-0092, 33072 is P-0-0304, 32838 is P-0-0070.
        for (raw, text) in [(32860, "P-0-0092"), (33072, "P-0-0304"), (32838, "P-0-0070"), (15, "S-0-0015")] {
            assert_eq!(Idn(raw).to_string(), text);
            assert_eq!(text.parse(), Ok(Idn(raw)));
        }
    }

    #[test]
    fn the_parameter_set_is_between_letter_and_number() {
        assert_eq!(Idn::product(7, 4095), Idn(0xffff));
        assert_eq!(Idn::standard(2, 100).to_string(), "S-2-0100");
        assert_eq!("s-2-100".parse(), Ok(Idn(0x2064)));
    }

    #[test]
    fn what_is_no_idn_is_refused() {
        for text in ["", "S", "S-0", "S-8-0001", "S-0-4096", "X-0-0001", "S-0-0001-", "S-0-+1", "S--1", "0x8010:01"] {
            assert_eq!(text.parse::<Idn>(), Err(NotAnIdn), "{text}");
        }
    }
}
