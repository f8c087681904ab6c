//! Servo drive profile over EtherCAT: the body of a mail of type SoE.
//!
//! A drive's parameters are IDNs, each with up to eight elements: data state, name, attribute, unit, minimum, maximum, value,
//! default. A mail reads or writes elements of one IDN. What doesn't fit into one mail goes in fragments, of which all but
//! the last carry how many are left in the place of the IDN; a fragmented write is answered once, after its last fragment.
//!
//! The layout is that of public sources: the headers of Beckhoff's Slave Stack Code (`ecatsoe.h`) and Wireshark's dissector
//! (`packet-ecatmb`). Whether elements other than the one asked for may stand together in a mail is left to the caller.

mod attribute;
mod error;
mod idn;
mod list;

pub use attribute::{Attribute, Display, Size};
pub use error::SoeError;
pub use idn::Idn;
pub use list::List;

use crate::codes::coded_enum;
use crate::mailbox::{self, MailboxHeader, MailboxType};
use crate::{WireError, field};

/// Bytes of the SoE header.
pub const HEADER_LEN: usize = 4;

/// Drives that a SubDevice can have: the header has 3 bits for their number.
pub const DRIVES: u8 = 8;

coded_enum! {
    /// What a mail is.
    pub enum SoeOp: u8 {
        /// Asks for elements.
        ReadRequest = 1,
        /// Elements that were asked for.
        ReadResponse = 2,
        /// Elements to be written.
        WriteRequest = 3,
        /// They have been written.
        WriteResponse = 4,
        /// A procedure command has ended; sent unasked.
        Notification = 5,
        /// As the emergency of CoE; sent unasked.
        Emergency = 6,
    }
}

/// Elements of an IDN, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Elements(pub u8);

impl Elements {
    /// State of the data: of a procedure command, how far it is.
    pub const DATA_STATE: Self = Self(0x01);
    /// Name, a list of characters.
    pub const NAME: Self = Self(0x02);
    /// [`Attribute`].
    pub const ATTRIBUTE: Self = Self(0x04);
    /// Unit, a list of characters.
    pub const UNIT: Self = Self(0x08);
    /// Least value.
    pub const MIN: Self = Self(0x10);
    /// Greatest value.
    pub const MAX: Self = Self(0x20);
    /// The value.
    pub const VALUE: Self = Self(0x40);
    /// Value by default.
    pub const DEFAULT: Self = Self(0x80);

    /// In words; of several together, `elements`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DATA_STATE => "data state",
            Self::NAME => "name",
            Self::ATTRIBUTE => "attribute",
            Self::UNIT => "unit",
            Self::MIN => "minimum",
            Self::MAX => "maximum",
            Self::VALUE => "value",
            Self::DEFAULT => "default",
            _ => "elements",
        }
    }
}

/// What the header's last word says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The mail is the whole, or its last fragment.
    Last(Idn),
    /// So many fragments are still to come.
    More {
        /// Fragments behind this one.
        left: u16,
    },
}

/// The SoE header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoeHeader {
    /// What the mail is.
    pub op: SoeOp,
    /// Whether the mail ends in a [`SoeError`] ([`SoeError::of`]).
    pub error: bool,
    /// Number of the drive in the SubDevice, 3 bits.
    pub drive: u8,
    /// Elements that are asked for, or follow.
    pub elements: Elements,
    /// Which IDN, or how much is still to come.
    pub part: Part,
}

impl SoeHeader {
    const INCOMPLETE: u8 = 0x08;
    const ERROR: u8 = 0x10;

    /// The header of a mail in one piece, without an error.
    #[must_use]
    pub const fn new(op: SoeOp, drive: u8, elements: Elements, idn: Idn) -> Self {
        Self { op, error: false, drive, elements, part: Part::Last(idn) }
    }

    /// Reads the header and gives the bytes behind it.
    ///
    /// # Errors
    /// `Truncated` below 4 bytes, `BadValue` for a reserved operation.
    pub fn parse(body: &[u8]) -> Result<(Self, &[u8]), WireError> {
        let [flags, elements] = field::array(body, 0)?;
        let word = field::u16_at(body, 2)?;
        let more = flags & Self::INCOMPLETE != 0;
        let header = Self {
            op: SoeOp::from_code(flags & 0x07)?,
            error: flags & Self::ERROR != 0,
            drive: flags >> 5,
            elements: Elements(elements),
            part: if more { Part::More { left: word } } else { Part::Last(Idn(word)) },
        };
        Ok((header, body.get(HEADER_LEN..).unwrap_or_default()))
    }

    /// The header's 4 bytes.
    #[must_use]
    pub const fn emit(self) -> [u8; HEADER_LEN] {
        let (incomplete, word) = match self.part {
            Part::Last(Idn(idn)) => (0, idn),
            Part::More { left } => (Self::INCOMPLETE, left),
        };
        let error = if self.error { Self::ERROR } else { 0 };
        let [low, high] = word.to_le_bytes();
        [self.op as u8 | incomplete | error | (self.drive & 0x07) << 5, self.elements.0, low, high]
    }

    /// The IDN; none in a fragment that isn't the last.
    #[must_use]
    pub const fn idn(&self) -> Option<Idn> {
        match self.part {
            Part::Last(idn) => Some(idn),
            Part::More { .. } => None,
        }
    }
}

/// Writes a whole mail: mailbox header, SoE header and data, and returns its length.
///
/// # Errors
/// `NoRoom`.
pub fn emit(mail: &mut [u8], counter: u8, header: SoeHeader, data: &[u8]) -> Result<usize, WireError> {
    mailbox::emit(mail, MailboxHeader::new(MailboxType::Soe, counter, 0), |room| {
        field::put(room, HEADER_LEN, data)?;
        field::put(room, 0, &header.emit())?;
        Ok(HEADER_LEN.saturating_add(data.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(header: SoeHeader, bytes: [u8; 4]) {
        assert_eq!(header.emit(), bytes);
        assert_eq!(SoeHeader::parse(&bytes), Ok((header, &[][..])));
    }

    #[test]
    fn headers_are_literal_bytes() {
        // Writes to a Beckhoff AX5203 and their responses, from the log in libethercat's issue 34: P-0-0010 of drive 0
        // (`idn 32778, elements 64`) and S-0-0024 of drive 1 (`atn 1, idn 24`).
        holds(SoeHeader::new(SoeOp::WriteRequest, 0, Elements::VALUE, Idn(32778)), [0x03, 0x40, 0x0a, 0x80]);
        holds(SoeHeader::new(SoeOp::WriteResponse, 0, Elements::VALUE, Idn(32778)), [0x04, 0x40, 0x0a, 0x80]);
        holds(SoeHeader::new(SoeOp::WriteRequest, 1, Elements::VALUE, Idn(24)), [0x23, 0x40, 0x18, 0x00]);
        // The flags of SSC's `ecatsoe.h`: a notification of drive 7, data state of S-0-0099.
        holds(SoeHeader::new(SoeOp::Notification, 7, Elements::DATA_STATE, Idn(99)), [0xe5, 0x01, 0x63, 0x00]);
    }

    #[test]
    fn a_fragment_that_is_not_the_last_says_how_many_are_left() {
        let whole = SoeHeader::new(SoeOp::ReadResponse, 2, Elements::NAME, Idn(16));
        holds(SoeHeader { part: Part::More { left: 3 }, ..whole }, [0x4a, 0x02, 0x03, 0x00]);
        assert_eq!(SoeHeader { part: Part::More { left: 3 }, ..whole }.idn(), None);
        assert_eq!(whole.idn(), Some(Idn(16)));
    }

    #[test]
    fn an_error_response_ends_in_its_code() {
        // What SSC's sample answers to a write of two bytes (`SOE_WriteInd`): error 0x7002.
        let body = [0x14, 0x40, 0x0f, 0x00, 0x02, 0x70];
        let (header, rest) = SoeHeader::parse(&body).unwrap();
        assert!(header.error && header.op == SoeOp::WriteResponse && header.idn() == Some(Idn(15)));
        assert_eq!(SoeError::of(rest), Ok(SoeError::VALUE_TOO_SHORT));
    }

    #[test]
    fn a_whole_mail_is_eighteen_literal_bytes() {
        // `FF1F000000000000` to P-0-0010 of an AX5203, from the log in libethercat's issue 34.
        let mut mail = [0xee; 20];
        let header = SoeHeader::new(SoeOp::WriteRequest, 0, Elements::VALUE, Idn::product(0, 10));
        assert_eq!(emit(&mut mail, 1, header, &[0xff, 0x1f, 0, 0, 0, 0, 0, 0]), Ok(18));
        #[rustfmt::skip]
        assert_eq!(mail, [
            0x0c, 0x00, 0x00, 0x00, 0x00, 0x15,
            0x03, 0x40, 0x0a, 0x80, 0xff, 0x1f, 0, 0, 0, 0, 0, 0, 0xee, 0xee,
        ]);
        assert_eq!(emit(&mut mail[..17], 1, header, &[0; 8]), Err(WireError::NoRoom));
    }

    #[test]
    fn a_reserved_operation_and_a_cut_header_are_refused() {
        assert_eq!(SoeHeader::parse(&[0x07, 0, 0, 0]), Err(WireError::BadValue(7)));
        assert_eq!(SoeHeader::parse(&[0x40, 0, 0, 0]), Err(WireError::BadValue(0)));
        assert!(SoeHeader::parse(&[1, 0, 0]).is_err());
    }
}
