//! The diagnosis history, object 0x10F3, and its messages (ETG.1020, 13; layout from the manuals of several vendors that cite it).
//!
//! Guarantees: no input panics; a message whose parameters are cut short or of an unknown kind is read as far as it goes.
//! Not here: the texts of text IDs, which are in the vendor's device description.

use super::ErrorCode;
use crate::{WireError, field};

/// The object.
pub const INDEX: u16 = 0x10F3;
/// Subindex of the number of messages that it can hold.
pub const MAXIMUM: u8 = 1;
/// Subindex of the subindex of the newest message; 0 where there is none.
pub const NEWEST: u8 = 2;
/// Subindex of the subindex of the newest message that was acknowledged. Writing 0 clears the history.
pub const ACKNOWLEDGED: u8 = 3;
/// Subindex that says whether there is a message that wasn't acknowledged.
pub const NEW: u8 = 4;
/// Subindex of the flags ([`flags`]).
pub const FLAGS: u8 = 5;
/// Subindex of the first message; the others follow, in a ring.
pub const FIRST: u8 = 6;
/// Bytes of a message without its parameters.
pub const HEADER_LEN: usize = 16;
/// Low word of a diagnosis code whose high word is an error code as emergencies have it.
pub const EMERGENCY_CODE: u16 = 0xE800;

/// Bits of [`FLAGS`].
pub mod flags {
    /// Messages are sent as emergencies too.
    pub const EMERGENCIES: u16 = 1;
    /// Messages of information aren't kept.
    pub const NO_INFO: u16 = 1 << 1;
    /// Warnings aren't kept.
    pub const NO_WARNINGS: u16 = 1 << 2;
    /// Errors aren't kept.
    pub const NO_ERRORS: u16 = 1 << 3;
    /// What wasn't acknowledged isn't overwritten.
    pub const ACKNOWLEDGE: u16 = 1 << 4;
    /// Messages were lost: overwritten, or discarded because the history is full.
    pub const LOST: u16 = 1 << 5;
}

/// How grave a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DiagnosisKind {
    /// Information.
    Info,
    /// A warning.
    Warning,
    /// An error.
    Error,
    /// Another code.
    Other(u8),
}

impl DiagnosisKind {
    /// Of the low four bits of a message's flags.
    #[must_use]
    pub const fn of(flags: u16) -> Self {
        match flags.to_le_bytes()[0] & 0x0f {
            0 => Self::Info,
            1 => Self::Warning,
            2 => Self::Error,
            other => Self::Other(other),
        }
    }

    /// The low four bits of a message's flags.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Info => 0,
            Self::Warning => 1,
            Self::Error => 2,
            Self::Other(other) => other & 0x0f,
        }
    }

    /// In a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Other(_) => "message",
        }
    }
}

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiagnosisMessage<'m> {
    /// Diagnosis code: what kind of code it is in the low word, the code in the high one ([`DiagnosisMessage::class`]).
    pub code: u32,
    /// Its flags: [`DiagnosisKind`] in bits 0 to 3, bit 4 where the time is of a local clock, the number of parameters in bits 8 to 15.
    pub flags: u16,
    /// Number of its text in the vendor's description; 0: none.
    pub text_id: u16,
    /// When, in ns since 2000-01-01 where the SubDevice knows it, else of a clock of its own.
    pub time_ns: u64,
    /// The parameters as they came ([`Self::parameters`]).
    pub raw_parameters: &'m [u8],
}

impl<'m> DiagnosisMessage<'m> {
    /// Reads a message as it was uploaded.
    ///
    /// # Errors
    /// `Truncated` below 16 bytes.
    pub fn parse(bytes: &'m [u8]) -> Result<Self, WireError> {
        Ok(Self {
            code: field::u32_at(bytes, 0)?,
            flags: field::u16_at(bytes, 4)?,
            text_id: field::u16_at(bytes, 6)?,
            time_ns: u64::from_le_bytes(field::array(bytes, 8)?),
            raw_parameters: bytes.get(HEADER_LEN..).unwrap_or_default(),
        })
    }

    /// Writes the message and returns its length.
    ///
    /// # Errors
    /// `NoRoom`.
    pub fn emit(&self, bytes: &mut [u8]) -> Result<usize, WireError> {
        field::put(bytes, HEADER_LEN, self.raw_parameters)?;
        field::put(bytes, 0, &self.code.to_le_bytes())?;
        field::put(bytes, 4, &self.flags.to_le_bytes())?;
        field::put(bytes, 6, &self.text_id.to_le_bytes())?;
        field::put(bytes, 8, &self.time_ns.to_le_bytes())?;
        Ok(HEADER_LEN.saturating_add(self.raw_parameters.len()))
    }

    /// How grave it is.
    #[must_use]
    pub const fn kind(&self) -> DiagnosisKind {
        DiagnosisKind::of(self.flags)
    }

    /// Whether its time is of a clock of the SubDevice's own.
    #[must_use]
    pub const fn is_local_time(&self) -> bool {
        self.flags & 1 << 4 != 0
    }

    /// The class of its code in words.
    #[must_use]
    pub const fn class(&self) -> &'static str {
        let [low, high, ..] = self.code.to_le_bytes();
        match u16::from_le_bytes([low, high]) {
            0xE000..=0xE7FF => "code of the vendor",
            EMERGENCY_CODE => "emergency code",
            0xEE00..=0xEFFF => "code of a profile",
            _ => "unknown code",
        }
    }

    /// Its code where it is one that emergencies have too.
    #[must_use]
    pub const fn error_code(&self) -> Option<ErrorCode> {
        error_code(self.code)
    }

    /// Its parameters, as far as they can be read.
    #[must_use]
    pub fn parameters(&self) -> Parameters<'m> {
        Parameters { rest: self.raw_parameters, left: self.flags.to_le_bytes()[1] }
    }
}

/// The error code in a diagnosis code: in its high word, where the low word says that it is one of emergencies.
#[must_use]
pub const fn error_code(code: u32) -> Option<ErrorCode> {
    let [a, b, c, d] = code.to_le_bytes();
    match u16::from_le_bytes([a, b]) {
        EMERGENCY_CODE => Some(ErrorCode(u16::from_le_bytes([c, d]))),
        _ => None,
    }
}

/// A parameter of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter<'m> {
    /// A number of this base data type, little-endian.
    Number(u16, &'m [u8]),
    /// Bytes.
    Bytes(&'m [u8]),
    /// A text in ASCII.
    Text(&'m [u8]),
    /// A text in UTF-16.
    Unicode(&'m [u8]),
    /// The number of a text in the vendor's description.
    TextId(u16),
}

impl core::fmt::Display for Parameter<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            Self::Number(kind, bytes) => write_number(f, kind, bytes),
            Self::Bytes(bytes) | Self::Unicode(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Self::Text(text) => {
                let printable = text.iter().filter(|byte| byte.is_ascii_graphic() || **byte == b' ');
                printable.map(|byte| char::from(*byte)).try_for_each(|character| write!(f, "{character}"))
            }
            Self::TextId(id) => write!(f, "text {id:#06x}"),
        }
    }
}

fn write_number(f: &mut core::fmt::Formatter<'_>, kind: u16, bytes: &[u8]) -> core::fmt::Result {
    let mut wide = [0; 8];
    for (to, from) in wide.iter_mut().zip(bytes) {
        *to = *from;
    }
    let unsigned = u64::from_le_bytes(wide);
    match (kind, bytes) {
        (2..=4 | 0x15, _) => {
            // The sign of a number that is shorter than 64 bits.
            let missing = u32::try_from(bytes.len()).unwrap_or(8).min(8).saturating_mul(8);
            let shift = 64u32.saturating_sub(missing).min(63);
            write!(f, "{}", unsigned.wrapping_shl(shift).cast_signed().wrapping_shr(shift))
        }
        (8, [a, b, c, d]) => write!(f, "{}", f32::from_le_bytes([*a, *b, *c, *d])),
        (0x11, _) => write!(f, "{}", f64::from_le_bytes(wide)),
        _ => write!(f, "{unsigned}"),
    }
}

/// The parameters of a message, one after the other.
#[derive(Debug, Clone)]
pub struct Parameters<'m> {
    rest: &'m [u8],
    left: u8,
}

impl<'m> Iterator for Parameters<'m> {
    type Item = Parameter<'m>;

    fn next(&mut self) -> Option<Parameter<'m>> {
        self.left = self.left.checked_sub(1)?;
        let flags = field::u16_at(self.rest, 0).ok()?;
        let (kind, what) = (flags >> 12, flags & 0x0fff);
        let len = match kind {
            0 => size_of_type(what)?,
            1..=3 => usize::from(what),
            4 => 2,
            _ => return None,
        };
        let behind = self.rest.get(2..)?;
        let (value, rest) = behind.split_at_checked(len)?;
        self.rest = rest;
        Some(match kind {
            0 => Parameter::Number(what, value),
            1 => Parameter::Bytes(value),
            2 => Parameter::Text(value),
            3 => Parameter::Unicode(value),
            _ => Parameter::TextId(field::u16_at(value, 0).ok()?),
        })
    }
}

/// Bytes of a base data type (ETG.1020, base data types).
const fn size_of_type(code: u16) -> Option<usize> {
    Some(match code {
        0x01 | 0x02 | 0x05 => 1,
        0x03 | 0x06 => 2,
        0x04 | 0x07 | 0x08 => 4,
        0x11 | 0x15 | 0x1b => 8,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;
    use std::vec::Vec;

    /// An error of CiA 402 with a number, a text and a number of a text; then what no parameter is.
    const MESSAGE: [u8; 33] = [
        0x00, 0xe8, 0x10, 0x31, 0x02, 0x03, 0x34, 0x12, 0x00, 0xca, 0x9a, 0x3b, 0, 0, 0, 0, //
        0x03, 0x00, 0xfe, 0xff, // INT
        0x05, 0x20, b'a', b'x', b'i', b's', b'1', // text
        0x00, 0x40, 0x07, 0x00, // text ID
        0x00, 0x00,
    ];

    #[test]
    fn a_message_is_read_with_its_parameters_and_written_as_it_was() {
        let message = DiagnosisMessage::parse(&MESSAGE).unwrap();
        assert_eq!((message.error_code(), message.class()), (Some(ErrorCode(0x3110)), "emergency code"));
        assert_eq!(error_code(0x3110_e000), None, "a vendor's own");
        assert_eq!((message.kind(), message.text_id, message.time_ns), (DiagnosisKind::Error, 0x1234, 1_000_000_000));
        let parameters: Vec<_> = message.parameters().map(|parameter| parameter.to_string()).collect();
        assert_eq!(parameters, ["-2", "axis1", "text 0x0007"]);
        let mut bytes = [0; 40];
        let len = message.emit(&mut bytes).unwrap();
        assert_eq!(bytes[..len], MESSAGE);
    }

    #[test]
    fn what_is_cut_short_or_unknown_ends_the_parameters() {
        for len in 0..MESSAGE.len() {
            let Ok(message) = DiagnosisMessage::parse(&MESSAGE[..len]) else { continue };
            assert!(message.parameters().count() <= 3);
        }
        let mut odd = MESSAGE;
        odd[17] = 0xf0;
        assert_eq!(DiagnosisMessage::parse(&odd).unwrap().parameters().count(), 0);
    }
}
