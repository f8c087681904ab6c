//! Vendor specific profile over EtherCAT: the body of a mail of type VoE.
//!
//! A vendor ID and a type that the vendor defines stand before the data, as the VoE handlers of the IgH master write them
//! (`ecrt_voe_handler_send_header`). Nothing is said of the order of mails, nor of answers.

use crate::mailbox::{self, MailboxHeader, MailboxType};
use crate::{WireError, field};

/// Bytes of the header.
pub const HEADER_LEN: usize = 6;

/// The header of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct VoeHeader {
    /// Vendor ID, as given by the ETG.
    pub vendor_id: u32,
    /// What the vendor makes of it.
    pub vendor_type: u16,
}

impl VoeHeader {
    /// Reads the bytes behind a mailbox header and gives those behind this one.
    ///
    /// # Errors
    /// `Truncated` below 6 bytes.
    pub fn parse(body: &[u8]) -> Result<(Self, &[u8]), WireError> {
        let header = Self { vendor_id: field::u32_at(body, 0)?, vendor_type: field::u16_at(body, 4)? };
        Ok((header, body.get(HEADER_LEN..).unwrap_or_default()))
    }

    /// The header's 6 bytes.
    #[must_use]
    pub const fn emit(self) -> [u8; HEADER_LEN] {
        let ([a, b, c, d], [e, f]) = (self.vendor_id.to_le_bytes(), self.vendor_type.to_le_bytes());
        [a, b, c, d, e, f]
    }
}

/// Writes a whole mail: mailbox header, VoE header and data, and returns its length.
///
/// # Errors
/// `NoRoom`.
pub fn emit(mail: &mut [u8], counter: u8, header: VoeHeader, data: &[u8]) -> Result<usize, WireError> {
    mailbox::emit(mail, MailboxHeader::new(MailboxType::Voe, counter, 0), |room| {
        field::put(room, HEADER_LEN, data)?;
        field::put(room, 0, &header.emit())?;
        Ok(HEADER_LEN.saturating_add(data.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_mail_is_literal_bytes() {
        let mut mail = [0xee; 16];
        let header = VoeHeader { vendor_id: 0x0102_0304, vendor_type: 0x0506 };
        assert_eq!(emit(&mut mail, 2, header, b"hi"), Ok(14));
        assert_eq!(mail, [8, 0, 0, 0, 0, 0x2f, 4, 3, 2, 1, 6, 5, b'h', b'i', 0xee, 0xee]);
        assert_eq!(VoeHeader::parse(&mail[6..14]), Ok((header, &b"hi"[..])));
        assert!(VoeHeader::parse(&mail[6..11]).is_err());
        assert_eq!(emit(&mut mail[..13], 2, header, b"hi"), Err(WireError::NoRoom));
    }
}
