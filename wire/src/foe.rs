//! File access over EtherCAT (ETG.1000.6, 5.8, tables 89 to 95): the body of a mail of type FoE.
//!
//! A file goes in packets, counted from 1. A packet shorter than the mailbox has room for is the last one; it may be
//! empty. The caller checks that packet numbers follow each other.

use crate::WireError;
use crate::codes::named_codes;
use crate::field;

/// Bytes before the data of a packet, the name of a request, or the text of an error: operation, reserved, number.
pub const HEADER_LEN: usize = 6;

/// A mail of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foe<'a> {
    /// Asks to read a file (1). Answered with the first data packet.
    ReadRequest {
        /// Password, 0 for none.
        password: u32,
        /// Name of the file, not terminated.
        name: &'a [u8],
    },
    /// Asks to write a file (2). Answered with acknowledge 0.
    WriteRequest {
        /// Password, 0 for none.
        password: u32,
        /// Name of the file, not terminated.
        name: &'a [u8],
    },
    /// A part of a file (3).
    Data {
        /// Number of the packet, from 1.
        packet: u32,
        /// The bytes.
        data: &'a [u8],
    },
    /// Acknowledges a packet, or a write request with number 0 (4).
    Ack {
        /// Number of the packet.
        packet: u32,
    },
    /// Ends the transfer (5).
    Error {
        /// Why.
        code: FoeError,
        /// In words, may be empty.
        text: &'a [u8],
    },
    /// The packet was not taken: it is to be sent again (6).
    Busy {
        /// How far the work is that keeps it busy.
        done: u16,
        /// What `done` is out of.
        entire: u16,
        /// In words, may be empty.
        text: &'a [u8],
    },
}

impl<'a> Foe<'a> {
    /// Reads the bytes behind a mailbox header.
    ///
    /// # Errors
    /// `Truncated` below 6 bytes, `BadValue` for a reserved operation.
    pub fn parse(body: &'a [u8]) -> Result<Self, WireError> {
        let operation = field::u8_at(body, 0)?;
        let number = field::u32_at(body, 2)?;
        let rest = body.get(HEADER_LEN..).unwrap_or_default();
        Ok(match operation {
            1 => Self::ReadRequest { password: number, name: rest },
            2 => Self::WriteRequest { password: number, name: rest },
            3 => Self::Data { packet: number, data: rest },
            4 => Self::Ack { packet: number },
            5 => Self::Error { code: FoeError(number), text: rest },
            6 => Self::Busy { done: field::u16_at(body, 2)?, entire: field::u16_at(body, 4)?, text: rest },
            other => return Err(WireError::BadValue(u32::from(other))),
        })
    }

    /// Writes the bytes behind a mailbox header and returns their number.
    ///
    /// # Errors
    /// `NoRoom`.
    pub fn emit(&self, body: &mut [u8]) -> Result<usize, WireError> {
        let (operation, number, rest) = match *self {
            Self::ReadRequest { password, name } => (1, password, name),
            Self::WriteRequest { password, name } => (2, password, name),
            Self::Data { packet, data } => (3, packet, data),
            Self::Ack { packet } => (4, packet, Default::default()),
            Self::Error { code, text } => (5, code.0, text),
            Self::Busy { done, entire, text } => (6, u32::from(done) | u32::from(entire) << 16, text),
        };
        field::put(body, HEADER_LEN, rest)?;
        field::put(body, 0, &[operation, 0])?;
        field::put(body, 2, &number.to_le_bytes())?;
        Ok(HEADER_LEN.saturating_add(rest.len()))
    }
}

/// Why a transfer ended (ETG.1000.6, table 93; from 0x800C on as the Slave Stack Code has them).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FoeError(pub u32);

named_codes! {
    FoeError, 4, _ => "unknown FoE error";
    NOT_DEFINED = 0x8000, "Not defined";
    NOT_FOUND = 0x8001, "File not found";
    ACCESS_DENIED = 0x8002, "Access denied";
    DISK_FULL = 0x8003, "Disk full";
    ILLEGAL = 0x8004, "Illegal operation";
    PACKET_NUMBER = 0x8005, "Packet number is wrong";
    ALREADY_EXISTS = 0x8006, "File exists already";
    NO_USER = 0x8007, "No such user";
    BOOT_ONLY = 0x8008, "File access in BOOT only";
    NOT_IN_BOOT = 0x8009, "File access not in BOOT";
    NO_RIGHTS = 0x800A, "No rights";
    PROGRAM_ERROR = 0x800B, "Program error";
    CHECKSUM = 0x800C, "Checksum is wrong";
    UNFIT = 0x800D, "Firmware doesn't fit the hardware";
    NO_FILE = 0x800F, "No file to read";
    NO_HEADER = 0x8010, "File header is missing";
    FLASH = 0x8011, "Flash memory failed";
}

impl FoeError {
    /// The code with its base of 0x8000, which some SubDevices leave out.
    #[must_use]
    pub const fn with_base(self) -> Self {
        if self.0 < 0x8000 { Self(self.0 | 0x8000) } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(value: Foe<'_>, bytes: &[u8]) {
        let mut emitted = [0xee; 32];
        assert_eq!(value.emit(&mut emitted), Ok(bytes.len()));
        assert_eq!(emitted[..bytes.len()], *bytes);
        assert_eq!(Foe::parse(bytes), Ok(value));
        assert_eq!(value.emit(&mut emitted[..bytes.len() - 1]), Err(WireError::NoRoom));
    }

    #[test]
    fn every_operation_is_literal_bytes() {
        holds(Foe::ReadRequest { password: 0x1234_5678, name: b"a.b" }, &[1, 0, 0x78, 0x56, 0x34, 0x12, 97, 46, 98]);
        holds(Foe::WriteRequest { password: 0, name: b"fw" }, &[2, 0, 0, 0, 0, 0, 0x66, 0x77]);
        holds(Foe::Data { packet: 258, data: &[9, 8] }, &[3, 0, 2, 1, 0, 0, 9, 8]);
        holds(Foe::Ack { packet: 7 }, &[4, 0, 7, 0, 0, 0]);
        holds(Foe::Error { code: FoeError::NOT_FOUND, text: b"?" }, &[5, 0, 0x01, 0x80, 0, 0, 0x3f]);
        holds(Foe::Busy { done: 3, entire: 10, text: &[] }, &[6, 0, 3, 0, 10, 0]);
    }

    #[test]
    fn a_reserved_operation_and_a_cut_header_are_refused() {
        assert_eq!(Foe::parse(&[7, 0, 0, 0, 0, 0]), Err(WireError::BadValue(7)));
        assert_eq!(Foe::parse(&[0, 0, 0, 0, 0, 0]), Err(WireError::BadValue(0)));
        assert!(Foe::parse(&[1, 0, 0, 0, 0]).is_err());
        assert!(Foe::parse(&[]).is_err());
    }

    #[test]
    fn a_code_is_said_in_words() {
        assert_eq!(std::format!("{}", FoeError::DISK_FULL), "0x8003: Disk full");
        assert_eq!(FoeError(1).text(), "unknown FoE error");
    }

    #[test]
    fn a_code_without_its_base_is_the_one_with_it() {
        assert_eq!(FoeError(1).with_base(), FoeError::NOT_FOUND);
        assert_eq!(FoeError::FLASH.with_base(), FoeError::FLASH);
    }
}
