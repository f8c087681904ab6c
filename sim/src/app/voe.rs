//! The VoE server: a vendor's mail comes back as it was sent.

use zerocat_wire::MailboxError;
use zerocat_wire::voe::VoeHeader;

use super::mailbox::Answer;

/// Answers the bytes behind a mailbox header.
pub(super) fn answer(body: &[u8], space: usize) -> Answer {
    VoeHeader::parse(body).map_err(|_| MailboxError::SIZE_TOO_SHORT)?;
    if body.len() > space { Err(MailboxError::INVALID_SIZE) } else { Ok(vec![body.to_vec()]) }
}
