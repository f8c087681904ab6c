//! The mailbox gateway's message (ETG.8200, second-hand: etherlab-dev's captures, Wireshark, KickCAT): an EtherCAT header of type 5
//! and one mail, over UDP or TCP.
//!
//! The length counts the mail, not the header. Some clients send the whole mailbox, so what follows a mail within the length is
//! theirs and means nothing.

use crate::{WireError, field, mailbox};

/// UDP and TCP port of a gateway, 34980.
pub const PORT: u16 = 0x88a4;
/// Bytes of the header.
pub const HEADER_LEN: usize = 2;
/// Longest mail that the length can tell.
pub const LONGEST_MAIL: usize = LENGTH as usize;

const LENGTH: u16 = 0x07ff;
/// EtherCAT header type of a mailbox gateway.
const KIND: u16 = 5;

/// The bytes that follow a header: at least a mailbox header.
///
/// # Errors
/// `BadValue` for another type, `BadLength` where no mail fits into the length.
pub fn length_behind(header: [u8; HEADER_LEN]) -> Result<usize, WireError> {
    let word = u16::from_le_bytes(header);
    if word >> 12 != KIND {
        return Err(WireError::BadValue(u32::from(word >> 12)));
    }
    let length = usize::from(word & LENGTH);
    if length < mailbox::HEADER_LEN { Err(WireError::BadLength) } else { Ok(length) }
}

/// The mail in a whole message, as long as its own header says.
///
/// # Errors
/// As [`length_behind`], and `Truncated` where the message or the mail is cut.
pub fn open(message: &[u8]) -> Result<&[u8], WireError> {
    let length = length_behind(field::array(message, 0)?)?;
    let needed = HEADER_LEN.saturating_add(length);
    let mail = message.get(HEADER_LEN..needed).ok_or(WireError::Truncated { needed, got: message.len() })?;
    let own = mailbox::HEADER_LEN.saturating_add(usize::from(field::u16_at(mail, 0)?));
    mail.get(..own).ok_or(WireError::Truncated { needed: own, got: mail.len() })
}

/// The header before a mail.
///
/// # Errors
/// `BadLength` where the length can't tell it.
pub fn header(mail: &[u8]) -> Result<[u8; HEADER_LEN], WireError> {
    let length = u16::try_from(mail.len()).ok().filter(|length| *length <= LENGTH).ok_or(WireError::BadLength)?;
    Ok((length | KIND << 12).to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request of TwinSAFE Loader and its answer (etherlab-dev, 2021).
    const REQUEST: [u8; 18] = [0x10, 0x50, 0x0a, 0, 0xe9, 0x03, 0, 0x23, 0, 0x20, 0x41, 0x80, 0xf9, 0x02, 0, 0, 0, 0];
    const ANSWER: [u8; 18] =
        [0x10, 0x50, 0x0a, 0, 0xe9, 0x03, 0, 0x13, 0, 0x30, 0x43, 0x80, 0xf9, 0x02, 0xea, 0x82, 0x1e, 0];

    #[test]
    fn what_was_captured_is_read_and_written() {
        for message in [REQUEST, ANSWER] {
            let mail = open(&message).unwrap();
            assert_eq!(mail, &message[2..]);
            assert_eq!(header(mail), Ok([0x10, 0x50]));
        }
    }

    #[test]
    fn a_mailbox_sent_whole_is_cut_to_its_mail() {
        let mut message = [0; 2 + 128];
        message[..18].copy_from_slice(&REQUEST);
        message[0] = 128;
        assert_eq!(open(&message), Ok(&REQUEST[2..]));
        assert_eq!(open(&message[..100]), Err(WireError::Truncated { needed: 130, got: 100 }));
    }

    #[test]
    fn other_types_and_lengths_without_a_mail_are_refused() {
        assert_eq!(length_behind([0x10, 0x10]), Err(WireError::BadValue(1)));
        assert_eq!(length_behind([0x05, 0x50]), Err(WireError::BadLength));
        assert_eq!(length_behind([0xff, 0x57]), Ok(LONGEST_MAIL));
        let mut long = REQUEST;
        long[2] = 0x0b;
        assert_eq!(open(&long), Err(WireError::Truncated { needed: 17, got: 16 }));
        assert!(open(&[0x10]).is_err());
        assert_eq!(header(&[0; LONGEST_MAIL + 1]), Err(WireError::BadLength));
    }
}
