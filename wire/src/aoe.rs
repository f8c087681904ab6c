//! ADS over EtherCAT: the body of a mail of type AoE.
//!
//! It is an AMS header without the prefix that it has over TCP, and the ADS command behind it. Addresses are a NetID and a port:
//! what a SubDevice is, and what is behind it. A request is answered with target and sender swapped, and with its invoke ID, by
//! which the answer is known. What is longer than a mail goes in fragments ([`Fragment`]).
//!
//! The layout is that of public sources: Beckhoff's description of ADS (infosys, `AMS/TCP package`), the headers of its Slave
//! Stack Code (`ecataoe.h`), and Wireshark's dissector (`packet-ams`).
//!
//! Not here: what the data of an index group mean, other than that SSC's groups are named ([`group`]).

mod error;
mod fragment;
pub mod group;
mod net_id;
mod notification;
mod request;
mod response;

pub use error::AdsError;
pub use fragment::{Assembly, FIRST_LEN, Fragment, FragmentError, pieces};
pub use net_id::{NetId, NotANetId};
pub use notification::{SAMPLE_HEADER, STAMP_HEADER, Sample, emit_samples, samples};
pub use request::{AdsRequest, NotificationRequest};
pub use response::{AdsResponse, AdsState, DEVICE_NAME, DeviceInfo};

use crate::codes::named_codes;
use crate::mailbox::{self, MailboxHeader, MailboxType};
use crate::{WireError, field};

/// Bytes of the AMS header.
pub const HEADER_LEN: usize = 32;

/// Port of the SubDevice itself, and of a MainDevice, at its NetID (SSC, `aoeappl.c`).
pub const OWN_PORT: u16 = 0xffff;

/// Who sends or gets an ADS command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct AmsAddress {
    /// The device, or the network that it is a router of.
    pub net_id: NetId,
    /// Who of it.
    pub port: u16,
}

impl AmsAddress {
    const LEN: usize = 8;

    /// An address.
    #[must_use]
    pub const fn new(net_id: NetId, port: u16) -> Self {
        Self { net_id, port }
    }

    fn parse(bytes: &[u8], at: usize) -> Result<Self, WireError> {
        let net_id = NetId(field::array(bytes, at)?);
        Ok(Self { net_id, port: field::u16_at(bytes, at.saturating_add(NetId::LEN))? })
    }

    const fn emit(self) -> [u8; Self::LEN] {
        let NetId([a, b, c, d, e, f]) = self.net_id;
        let [low, high] = self.port.to_le_bytes();
        [a, b, c, d, e, f, low, high]
    }
}

impl core::fmt::Display for AmsAddress {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}:{:#06x}", self.net_id, self.port)
    }
}

/// What an AMS header is followed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct AmsCommand(pub u16);

named_codes! {
    AmsCommand, 4, _ => "unknown AMS command";
    DEVICE_INFO = 1, "read of device info";
    READ = 2, "read";
    WRITE = 3, "write";
    STATE = 4, "read of the state";
    WRITE_CONTROL = 5, "write of the state";
    ADD_NOTIFICATION = 6, "order of notifications";
    DELETE_NOTIFICATION = 7, "end of notifications";
    NOTIFICATION = 8, "notification";
    READ_WRITE = 9, "write and read";
    FRAGMENT = 0x0902, "fragment";
}

/// Flags of an AMS header.
pub mod flags {
    /// It is a response.
    pub const RESPONSE: u16 = 0x0001;
    /// No response is wanted.
    pub const NO_RETURN: u16 = 0x0002;
    /// It is an ADS command.
    pub const ADS: u16 = 0x0004;
}

/// The AMS header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AmsHeader {
    /// To whom.
    pub target: AmsAddress,
    /// From whom.
    pub sender: AmsAddress,
    /// What follows.
    pub command: AmsCommand,
    /// See [`flags`].
    pub flags: u16,
    /// Bytes that follow.
    pub length: u32,
    /// Why there is no more, in a response; else 0.
    pub error: AdsError,
    /// The response has that of its request. A fragment has its number and that of its packet here.
    pub invoke_id: u32,
}

impl AmsHeader {
    /// The header of a request.
    #[must_use]
    pub const fn request(target: AmsAddress, sender: AmsAddress, command: AmsCommand, invoke_id: u32) -> Self {
        Self { target, sender, command, flags: flags::ADS, length: 0, error: AdsError::NONE, invoke_id }
    }

    /// The header of a response to this request.
    #[must_use]
    pub const fn answered(self, error: AdsError) -> Self {
        let Self { target, sender, flags, .. } = self;
        Self { target: sender, sender: target, flags: flags | flags::RESPONSE, length: 0, error, ..self }
    }

    /// Whether it is a response.
    #[must_use]
    pub const fn is_response(&self) -> bool {
        self.flags & flags::RESPONSE != 0
    }

    /// Whether this is the header of the response to a request: by command, invoke ID, and the address that it goes to. Who says
    /// that it answers isn't compared: a SubDevice without a NetID answers with the one that it was called by, or with none.
    #[must_use]
    pub fn answers(&self, request: &Self) -> bool {
        self.is_response()
            && (self.command, self.invoke_id) == (request.command, request.invoke_id)
            && self.target == request.sender
    }

    /// Reads the header from the body of a mail, and gives what follows.
    ///
    /// # Errors
    /// `Truncated` below 32 bytes, and where less follows than the header says.
    pub fn parse(body: &[u8]) -> Result<(Self, &[u8]), WireError> {
        let header = Self {
            target: AmsAddress::parse(body, 0)?,
            sender: AmsAddress::parse(body, 8)?,
            command: AmsCommand(field::u16_at(body, 16)?),
            flags: field::u16_at(body, 18)?,
            length: field::u32_at(body, 20)?,
            error: AdsError(field::u32_at(body, 24)?),
            invoke_id: field::u32_at(body, 28)?,
        };
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        let needed = HEADER_LEN.saturating_add(length);
        let data = body.get(HEADER_LEN..needed).ok_or(WireError::Truncated { needed, got: body.len() })?;
        Ok((header, data))
    }

    /// The header's 32 bytes.
    #[must_use]
    pub const fn emit(self) -> [u8; HEADER_LEN] {
        let [t0, t1, t2, t3, t4, t5, t6, t7] = self.target.emit();
        let [s0, s1, s2, s3, s4, s5, s6, s7] = self.sender.emit();
        let ([c0, c1], [f0, f1]) = (self.command.0.to_le_bytes(), self.flags.to_le_bytes());
        let ([l0, l1, l2, l3], [e0, e1, e2, e3]) = (self.length.to_le_bytes(), self.error.0.to_le_bytes());
        let [i0, i1, i2, i3] = self.invoke_id.to_le_bytes();
        [
            t0, t1, t2, t3, t4, t5, t6, t7, s0, s1, s2, s3, s4, s5, s6, s7, c0, c1, f0, f1, l0, l1, l2, l3, e0, e1, e2,
            e3, i0, i1, i2, i3,
        ]
    }

    /// Writes the header and what follows it, with its length, and returns the length of both.
    ///
    /// # Errors
    /// `NoRoom`, `BadLength` where more follows than a length can say.
    pub fn emit_with(self, data: &[u8], body: &mut [u8]) -> Result<usize, WireError> {
        let length = u32::try_from(data.len()).map_err(|_| WireError::BadLength)?;
        field::put(body, HEADER_LEN, data)?;
        field::put(body, 0, &Self { length, ..self }.emit())?;
        Ok(HEADER_LEN.saturating_add(data.len()))
    }
}

/// Writes a whole mail: mailbox header, AMS header and data, and returns its length.
///
/// # Errors
/// Those of [`AmsHeader::emit_with`].
pub fn emit(mail: &mut [u8], counter: u8, header: AmsHeader, data: &[u8]) -> Result<usize, WireError> {
    mailbox::emit(mail, MailboxHeader::new(MailboxType::Aoe, counter, 0), |room| header.emit_with(data, room))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: AmsAddress = AmsAddress::new(NetId([172, 16, 17, 10, 2, 1]), 0x1001);
    const CALLER: AmsAddress = AmsAddress::new(NetId([172, 16, 17, 10, 1, 1]), 0x8001);

    /// An SDO upload of 1018:01 by AoE, field by field as `ecataoe.h` of SSC has them.
    #[rustfmt::skip]
    const UPLOAD: [u8; 32] = [
        172, 16, 17, 10, 2, 1, 0x01, 0x10, 172, 16, 17, 10, 1, 1, 0x01, 0x80,
        0x02, 0x00, 0x04, 0x00, 0x0c, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x78, 0x56, 0x34, 0x12,
    ];

    #[test]
    fn a_header_is_thirty_two_literal_bytes() {
        let header = AmsHeader { length: 12, ..AmsHeader::request(DEVICE, CALLER, AmsCommand::READ, 0x1234_5678) };
        assert_eq!(header.emit(), UPLOAD);
        let mut body = std::vec::Vec::from(UPLOAD);
        body.extend([2, 0xf3, 0, 0, 1, 0, 0x18, 0x10, 4, 0, 0, 0]);
        let (read, data) = AmsHeader::parse(&body).unwrap();
        assert_eq!((read, data.len()), (header, 12));
    }

    #[test]
    fn a_header_that_says_more_than_there_is_is_refused() {
        assert_eq!(AmsHeader::parse(&UPLOAD), Err(WireError::Truncated { needed: 44, got: 32 }));
        assert!(AmsHeader::parse(&UPLOAD[..31]).is_err());
        let mut huge = UPLOAD;
        huge[20..24].fill(0xff);
        assert!(AmsHeader::parse(&huge).is_err());
    }

    #[test]
    fn a_response_goes_back_where_the_request_came_from_and_is_known_by_its_invoke_id() {
        let request = AmsHeader::request(DEVICE, CALLER, AmsCommand::READ, 7);
        let response = request.answered(AdsError::NOT_FOUND);
        assert_eq!((response.target, response.sender, response.flags), (CALLER, DEVICE, 5));
        assert!(response.answers(&request) && !request.answers(&request));
        assert!(AmsHeader { sender: AmsAddress::default(), ..response }.answers(&request));
        assert!(!AmsHeader { invoke_id: 6, ..response }.answers(&request));
        assert!(!AmsHeader { command: AmsCommand::WRITE, ..response }.answers(&request));
        assert!(!AmsHeader { target: DEVICE, ..response }.answers(&request));
    }

    #[test]
    fn a_whole_mail_has_its_length_in_both_headers() {
        let mut mail = [0xee; 52];
        let header = AmsHeader::request(DEVICE, CALLER, AmsCommand::STATE, 1);
        assert_eq!(emit(&mut mail, 3, header, &[9; 12]), Ok(50));
        assert_eq!((mail[..6].to_vec(), mail[26], mail[50]), (std::vec![44, 0, 0, 0, 0, 0x31], 12, 0xee));
        assert_eq!(emit(&mut mail[..49], 3, header, &[9; 12]), Err(WireError::NoRoom));
    }

    #[test]
    fn addresses_and_commands_are_said_in_words() {
        assert_eq!(std::format!("{DEVICE}"), "172.16.17.10.2.1:0x1001");
        assert_eq!(AmsCommand::READ_WRITE.text(), "write and read");
        assert_eq!(std::format!("{}", AmsCommand(77)), "0x004d: unknown AMS command");
    }
}
