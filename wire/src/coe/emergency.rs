//! Emergency (ETG.1000.6, 5.6.4, tables 55 and 56): a SubDevice sends it at any time, also between an SDO request and
//! its response.

use crate::WireError;
use crate::field;

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

    /// Whether it says that errors are over: its code is `00xx` (CiA 301, table 26, from memory).
    #[must_use]
    pub const fn is_reset(&self) -> bool {
        self.code < 0x0100
    }

    /// The class of the error code in words (CiA 301, table 26).
    #[must_use]
    pub const fn text(&self) -> &'static str {
        match self.code {
            0x0000..=0x00ff => "error reset or no error",
            0x1000..=0x10ff => "generic error",
            0x2000..=0x20ff => "current",
            0x2100..=0x21ff => "current, device input side",
            0x2200..=0x22ff => "current inside the device",
            0x2300..=0x23ff => "current, device output side",
            0x3000..=0x30ff => "voltage",
            0x3100..=0x31ff => "mains voltage",
            0x3200..=0x32ff => "voltage inside the device",
            0x3300..=0x33ff => "output voltage",
            0x4000..=0x40ff => "temperature",
            0x4100..=0x41ff => "ambient temperature",
            0x4200..=0x42ff => "device temperature",
            0x5000..=0x50ff => "device hardware",
            0x6000..=0x60ff => "device software",
            0x6100..=0x61ff => "internal software",
            0x6200..=0x62ff => "user software",
            0x6300..=0x63ff => "data set",
            0x7000..=0x70ff => "additional modules",
            0x8000..=0x80ff => "monitoring",
            0x8100..=0x81ff => "communication",
            0x8200..=0x82ff => "protocol error",
            0x9000..=0x90ff => "external error",
            0xa000..=0xa0ff => "EtherCAT state machine transition error",
            0xf000..=0xf0ff => "additional functions",
            0xff00..=0xffff => "device specific",
            _ => "unknown error code",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_literal_bytes() {
        let bytes = [0x10, 0x31, 0x04, 1, 2, 3, 4, 5];
        let emergency = Emergency { code: 0x3110, register: 4, data: [1, 2, 3, 4, 5] };
        assert_eq!(Emergency::parse(&bytes), Ok(emergency));
        assert_eq!((emergency.text(), emergency.is_reset()), ("mains voltage", false));
        assert!(Emergency { code: 0, ..emergency }.is_reset());
        let mut emitted = [0xee; 8];
        assert_eq!(emergency.emit(&mut emitted), Ok(8));
        assert_eq!(emitted, bytes);
        assert!(Emergency::parse(&bytes[..7]).is_err());
        assert_eq!(emergency.emit(&mut emitted[..7]), Err(WireError::NoRoom));
    }
}
