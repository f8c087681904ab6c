//! CAN application protocol over EtherCAT (ETG.1000.6, 5.6): a 2-byte header and the service's bytes.
//!
//! What is parsed here is the body of a mail of type CoE (see [`crate::mailbox::open`]): first
//! [`CoeHeader::parse`], then the value of the service on the bytes behind it.

pub mod abort;
pub mod describe;
pub mod diagnosis;
pub mod emergency;
pub mod error_code;
pub mod info;
pub mod sdo;

pub use abort::AbortCode;
pub use describe::{EntryAnswer, EntryQuery, ObjectAnswer, ObjectCode, ObjectQuery};
pub use diagnosis::{DiagnosisKind, DiagnosisMessage};
pub use emergency::Emergency;
pub use error_code::ErrorCode;
pub use info::{InfoError, InfoHeader, InfoOp, ListAnswer, ListQuery, ListType};
pub use sdo::{SdoAbort, SdoInitiate, SdoRequest, SdoResponse, SdoSegment, SdoTarget};

use crate::codes::coded_enum;
use crate::mailbox::{self, MailboxHeader, MailboxType};
use crate::{WireError, field};

/// Bytes of the CoE header.
pub const HEADER_LEN: usize = 2;

coded_enum! {
    /// What follows the header.
    pub enum CoeService: u8 {
        /// Emergency.
        Emergency = 1,
        /// SDO request.
        SdoRequest = 2,
        /// SDO response.
        SdoResponse = 3,
        /// TxPDO.
        TxPdo = 4,
        /// RxPDO.
        RxPdo = 5,
        /// Remote request of a TxPDO.
        TxPdoRequest = 6,
        /// Remote request of an RxPDO.
        RxPdoRequest = 7,
        /// SDO information.
        SdoInformation = 8,
    }
}

/// The CoE header (ETG.1000.6, table 28).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoeHeader {
    /// 9 bits: number of the PDO for PDO services, else 0.
    pub number: u16,
    /// What follows.
    pub service: CoeService,
}

impl CoeHeader {
    /// The header of a service that has no number.
    #[must_use]
    pub const fn new(service: CoeService) -> Self {
        Self { number: 0, service }
    }

    /// Reads the header and gives the bytes behind it.
    ///
    /// # Errors
    /// `Truncated` below 2 bytes, `BadValue` for a reserved service.
    pub fn parse(body: &[u8]) -> Result<(Self, &[u8]), WireError> {
        let raw = field::u16_at(body, 0)?;
        let [_, high] = raw.to_le_bytes();
        let header = Self { number: raw & 0x01ff, service: CoeService::from_code(high >> 4)? };
        Ok((header, body.get(HEADER_LEN..).unwrap_or_default()))
    }

    /// The header's 2 bytes.
    #[must_use]
    pub const fn emit(self) -> [u8; HEADER_LEN] {
        (self.number & 0x01ff | (self.service as u16) << 12).to_le_bytes()
    }
}

/// Writes a whole mail: mailbox header, CoE header and what `body` writes, and returns its length.
///
/// # Errors
/// `NoRoom`, and those of `body`.
pub fn emit<F>(mail: &mut [u8], counter: u8, service: CoeService, body: F) -> Result<usize, WireError>
where
    F: FnOnce(&mut [u8]) -> Result<usize, WireError>,
{
    mailbox::emit(mail, MailboxHeader::new(MailboxType::Coe, counter, 0), |room| {
        field::put(room, 0, &CoeHeader::new(service).emit())?;
        let len = body(room.get_mut(HEADER_LEN..).ok_or(WireError::NoRoom)?)?;
        Ok(len.saturating_add(HEADER_LEN))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_two_literal_bytes() {
        assert_eq!(CoeHeader::new(CoeService::SdoRequest).emit(), [0x00, 0x20]);
        let (header, rest) = CoeHeader::parse(&[0x05, 0x41, 0xaa]).unwrap();
        assert_eq!((header.number, header.service), (0x105, CoeService::TxPdo));
        assert_eq!(rest, [0xaa]);
        assert_eq!(CoeHeader::parse(&[0, 0]), Err(WireError::BadValue(0)));
        assert!(CoeHeader::parse(&[0]).is_err());
    }

    #[test]
    fn an_upload_of_the_vendor_is_sixteen_literal_bytes() {
        let mut mail = [0xee; 16];
        let request = SdoRequest::Upload { target: SdoTarget::entry(0x1018, 1) };
        let len = emit(&mut mail, 1, CoeService::SdoRequest, |room| request.emit(room));
        assert_eq!(len, Ok(16));
        #[rustfmt::skip]
        assert_eq!(mail, [
            0x0a, 0x00, 0x00, 0x00, 0x00, 0x13, 0x00, 0x20,
            0x40, 0x18, 0x10, 0x01, 0x00, 0x00, 0x00, 0x00,
        ]);
    }
}
