//! Emergency (ETG.1000.6, 5.6.4, tables 55 and 56): a SubDevice sends it at any time, also between an SDO request and
//! its response.

use super::ErrorCode;
use crate::WireError;
use crate::field;
use core::fmt;

/// Bytes behind the CoE header.
pub const LEN: usize = 8;

/// An emergency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Emergency {
    /// Error code; 0x0000 says that the error is gone.
    pub code: u16,
    /// Error register (object 0x1001).
    pub register: u8,
    /// Diagnostic data.
    pub data: [u8; 5],
}

impl Emergency {
    /// Reads the bytes behind the CoE header.
    ///
    /// # Errors
    /// `Truncated` below 8 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        Ok(Self { code: field::u16_at(bytes, 0)?, register: field::u8_at(bytes, 2)?, data: field::array(bytes, 3)? })
    }

    /// Writes the bytes behind the CoE header and returns their number, 8.
    ///
    /// # Errors
    /// `NoRoom`.
    pub fn emit(&self, bytes: &mut [u8]) -> Result<usize, WireError> {
        field::put(bytes, 3, &self.data)?;
        field::put(bytes, 0, &self.code.to_le_bytes())?;
        field::put(bytes, 2, &[self.register])?;
        Ok(LEN)
    }

    /// Whether it says that errors are over ([`ErrorCode::is_reset`]).
    #[must_use]
    pub const fn is_reset(&self) -> bool {
        ErrorCode(self.code).is_reset()
    }
}

/// Code with its words, register and data: `0x8611: following error (of a drive) (error register 0x21, data 01 02 00 00 00)`.
impl fmt::Display for Emergency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, register, data: [a, b, c, d, e] } = *self;
        let code = ErrorCode(code);
        write!(f, "{code} (error register {register:#04x}, data {a:02x} {b:02x} {c:02x} {d:02x} {e:02x})")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn register_and_data_are_told_in_hexadecimal_as_the_code() {
        let emergency = Emergency { code: 0x8611, register: 0x21, data: [10, 2, 0, 0, 255] };
        let told = "0x8611: following error (of a drive) (error register 0x21, data 0a 02 00 00 ff)";
        assert_eq!(emergency.to_string(), told);
    }

    #[test]
    fn reads_and_writes_literal_bytes() {
        let bytes = [0x10, 0x31, 0x04, 1, 2, 3, 4, 5];
        let emergency = Emergency { code: 0x3110, register: 4, data: [1, 2, 3, 4, 5] };
        assert_eq!(Emergency::parse(&bytes), Ok(emergency));
        assert!(!emergency.is_reset());
        assert!(Emergency { code: 0, ..emergency }.is_reset());
        let mut emitted = [0xee; 8];
        assert_eq!(emergency.emit(&mut emitted), Ok(8));
        assert_eq!(emitted, bytes);
        assert!(Emergency::parse(&bytes[..7]).is_err());
        assert_eq!(emergency.emit(&mut emitted[..7]), Err(WireError::NoRoom));
    }
}
