//! The mailbox header and the mailbox error reply (ETG.1000.4, 5.6, tables 29 and 30; ETG.1000.6, 5.6.1).
//!
//! A mail starts at the first byte of its sync manager. The sync manager is full when its last byte is written, so a
//! mail is sent as the whole mailbox, or as its bytes followed by a write of the last byte.

use crate::WireError;
use crate::codes::coded_enum;
use crate::field;

/// Bytes of the header.
pub const HEADER_LEN: usize = 6;

coded_enum! {
    /// Protocol of a mail.
    pub enum MailboxType: u8 {
        /// Mailbox error reply.
        Error = 0,
        /// ADS over EtherCAT.
        Aoe = 1,
        /// Ethernet over EtherCAT.
        Eoe = 2,
        /// CAN application protocol over EtherCAT.
        Coe = 3,
        /// File access over EtherCAT.
        Foe = 4,
        /// Servo drive profile over EtherCAT.
        Soe = 5,
        /// Vendor specific.
        Voe = 15,
    }
}

impl MailboxType {
    /// The field's name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "mailbox error",
            Self::Aoe => "AoE",
            Self::Eoe => "EoE",
            Self::Coe => "CoE",
            Self::Foe => "FoE",
            Self::Soe => "SoE",
            Self::Voe => "VoE",
        }
    }
}

/// The header of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailboxHeader {
    /// Bytes behind the header.
    pub length: u16,
    /// Station address of the source (from the MainDevice: 0) or, between SubDevices, of the destination.
    pub address: u16,
    /// Channel, 6 bits, reserved: 0.
    pub channel: u8,
    /// Priority, 0 (lowest) to 3.
    pub priority: u8,
    /// Protocol.
    pub kind: MailboxType,
    /// 1 to 7, counted by each side for itself; 0: not supported. A repeated mail repeats it.
    pub counter: u8,
}

impl MailboxHeader {
    /// A header as the MainDevice sends it.
    #[must_use]
    pub const fn new(kind: MailboxType, counter: u8, length: u16) -> Self {
        Self { length, address: 0, channel: 0, priority: 0, kind, counter }
    }

    /// Reads the header.
    ///
    /// # Errors
    /// `Truncated` below 6 bytes, `BadValue` for a reserved type.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let [channel, kind] = field::array(bytes, 4)?;
        Ok(Self {
            length: field::u16_at(bytes, 0)?,
            address: field::u16_at(bytes, 2)?,
            channel: channel & 0x3f,
            priority: channel >> 6,
            kind: MailboxType::from_code(kind & 0x0f)?,
            counter: kind >> 4 & 0x07,
        })
    }

    /// The header's 6 bytes.
    #[must_use]
    pub const fn emit(&self) -> [u8; HEADER_LEN] {
        let [l0, l1] = self.length.to_le_bytes();
        let [a0, a1] = self.address.to_le_bytes();
        let channel = self.channel & 0x3f | (self.priority & 0x03) << 6;
        [l0, l1, a0, a1, channel, self.kind as u8 | (self.counter & 0x07) << 4]
    }
}

/// The header of a mail and the bytes behind it that it says are its own.
///
/// # Errors
/// As [`MailboxHeader::parse`], and `Truncated` when the length says more than is there.
pub fn open(mail: &[u8]) -> Result<(MailboxHeader, &[u8]), WireError> {
    let header = MailboxHeader::parse(mail)?;
    let needed = HEADER_LEN.saturating_add(usize::from(header.length));
    let body = mail.get(HEADER_LEN..needed).ok_or(WireError::Truncated { needed, got: mail.len() })?;
    Ok((header, body))
}

/// Writes a mail: `body` writes what follows the header and returns its length, which goes into the header in place
/// of the one given. Returns the length of the mail; what lies behind it in `mail` is not touched.
///
/// # Errors
/// `NoRoom`, those of `body`, and `BadLength` when it says more than there is.
pub fn emit<F>(mail: &mut [u8], header: MailboxHeader, body: F) -> Result<usize, WireError>
where
    F: FnOnce(&mut [u8]) -> Result<usize, WireError>,
{
    let room = mail.get_mut(HEADER_LEN..).ok_or(WireError::NoRoom)?;
    let len = body(room)?;
    if len > room.len() {
        return Err(WireError::BadLength);
    }
    let length = u16::try_from(len).map_err(|_| WireError::BadLength)?;
    field::put(mail, 0, &MailboxHeader { length, ..header }.emit())?;
    Ok(HEADER_LEN.saturating_add(len))
}

/// The counter behind `counter`: 1 to 7, and 1 again.
#[must_use]
pub const fn next_counter(counter: u8) -> u8 {
    match counter {
        1..=6 => counter.saturating_add(1),
        _ => 1,
    }
}

/// What a SubDevice answers to a mail that it can't take (behind a header of type [`MailboxType::Error`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MailboxError(pub u16);

impl MailboxError {
    /// Bytes of the reply.
    pub const LEN: usize = 4;
    /// Syntax of the header is wrong.
    pub const SYNTAX: Self = Self(1);
    /// The protocol is not supported.
    pub const UNSUPPORTED_PROTOCOL: Self = Self(2);
    /// The channel has a wrong value.
    pub const INVALID_CHANNEL: Self = Self(3);
    /// The service of the protocol is not supported.
    pub const SERVICE_NOT_SUPPORTED: Self = Self(4);
    /// The header of the protocol is wrong.
    pub const INVALID_HEADER: Self = Self(5);
    /// The mail is too short.
    pub const SIZE_TOO_SHORT: Self = Self(6);
    /// No memory.
    pub const NO_MEMORY: Self = Self(7);
    /// Lengths contradict each other.
    pub const INVALID_SIZE: Self = Self(8);
    /// The service is being worked on.
    pub const SERVICE_IN_WORK: Self = Self(9);

    const COMMAND: u16 = 1;

    /// Reads the reply behind the mailbox header.
    ///
    /// # Errors
    /// `Truncated` below 4 bytes, `BadValue` when its type is not 1 (mailbox command).
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        let kind = field::u16_at(body, 0)?;
        let detail = field::u16_at(body, 2)?;
        if kind == Self::COMMAND { Ok(Self(detail)) } else { Err(WireError::BadValue(u32::from(kind))) }
    }

    /// Writes the reply and returns its length, 4.
    ///
    /// # Errors
    /// `NoRoom`.
    pub fn emit(self, body: &mut [u8]) -> Result<usize, WireError> {
        let room = body.get_mut(..Self::LEN).ok_or(WireError::NoRoom)?;
        field::put_words(room, 0, [Self::COMMAND, self.0])?;
        Ok(Self::LEN)
    }

    /// The error in words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::SYNTAX => "Syntax of the mailbox header is wrong",
            Self::UNSUPPORTED_PROTOCOL => "Mailbox protocol is not supported",
            Self::INVALID_CHANNEL => "Channel has a wrong value",
            Self::SERVICE_NOT_SUPPORTED => "Service of the mailbox protocol is not supported",
            Self::INVALID_HEADER => "Header of the mailbox protocol is wrong",
            Self::SIZE_TOO_SHORT => "Received mail is too short",
            Self::NO_MEMORY => "Mail can't be processed for lack of memory",
            Self::INVALID_SIZE => "Lengths in the mail contradict each other",
            Self::SERVICE_IN_WORK => "Service is in work",
            _ => "unknown mailbox error",
        }
    }
}

impl core::fmt::Display for MailboxError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:#06x}: {}", self.0, self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_the_literal_header() {
        let bytes = [0x0a, 0x00, 0x01, 0x10, 0xc0, 0x53];
        let header =
            MailboxHeader { length: 10, address: 0x1001, channel: 0, priority: 3, kind: MailboxType::Coe, counter: 5 };
        assert_eq!(MailboxHeader::parse(&bytes), Ok(header));
        assert_eq!(header.emit(), bytes);
        assert_eq!(MailboxHeader::parse(&[0, 0, 0, 0, 0, 0x06]), Err(WireError::BadValue(6)));
        assert!(MailboxHeader::parse(&bytes[..5]).is_err());
    }

    #[test]
    fn a_length_behind_the_mailbox_is_refused() {
        let mail = [0x02, 0x00, 0, 0, 0, 0x13, 0xaa, 0xbb, 0xcc];
        assert_eq!(open(&mail).unwrap().1, [0xaa, 0xbb]);
        assert_eq!(open(&mail[..7]), Err(WireError::Truncated { needed: 8, got: 7 }));
    }

    #[test]
    fn the_counter_never_is_zero_again() {
        let mut counter = 0;
        let counted: std::vec::Vec<u8> = (0..9)
            .map(|_| {
                counter = next_counter(counter);
                counter
            })
            .collect();
        assert_eq!(counted, [1, 2, 3, 4, 5, 6, 7, 1, 2]);
    }

    #[test]
    fn an_error_reply_is_ten_literal_bytes() {
        let mut mail = [0xee; 12];
        let header = MailboxHeader::new(MailboxType::Error, 0, 0);
        let len = emit(&mut mail, header, |body| MailboxError::UNSUPPORTED_PROTOCOL.emit(body));
        assert_eq!(len, Ok(10));
        assert_eq!(mail, [4, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0xee, 0xee]);
        let (header, body) = open(&mail).unwrap();
        assert_eq!(header.kind, MailboxType::Error);
        assert_eq!(MailboxError::parse(body), Ok(MailboxError::UNSUPPORTED_PROTOCOL));
        assert_eq!(MailboxError(8).text(), "Lengths in the mail contradict each other");
    }

    #[test]
    fn a_mail_that_claims_more_than_its_room_is_refused() {
        let header = MailboxHeader::new(MailboxType::Coe, 1, 0);
        assert_eq!(emit(&mut [0; 10], header, |_| Ok(5)), Err(WireError::BadLength));
        assert_eq!(emit(&mut [0; 5], header, |_| Ok(0)), Err(WireError::NoRoom));
    }
}
