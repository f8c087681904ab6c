//! Refusals in the words of each protocol, which a client gets without anybody having been asked.

use super::ask::Ask;
use super::{ForeignMail, mail_to};
use zerocat_wire::aoe::{AdsError, flags};
use zerocat_wire::coe::{AbortCode, CoeHeader, CoeService, SdoAbort, SdoRequest, SdoTarget};
use zerocat_wire::foe::{Foe, FoeError};
use zerocat_wire::mailbox::{MailboxError, MailboxHeader, MailboxType};
use zerocat_wire::soe::{Part, SoeError, SoeHeader, SoeOp};

/// ADS error 0x723, access denied (from memory of Beckhoff's list of ADS return codes).
const ADS_DENIED: AdsError = AdsError(0x723);

/// Why a mail isn't handed on although it could be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It would write, and writing isn't allowed.
    ReadOnly,
    /// It goes on with a transfer that isn't there, or is over.
    NoTransfer,
}

impl Refused {
    const fn abort(self) -> AbortCode {
        match self {
            Self::ReadOnly => AbortCode::READ_ONLY,
            Self::NoTransfer => AbortCode::TIMEOUT,
        }
    }

    const fn file(self) -> FoeError {
        match self {
            Self::ReadOnly => FoeError::ACCESS_DENIED,
            Self::NoTransfer => FoeError::ILLEGAL,
        }
    }
}

impl ForeignMail {
    /// The mail that refuses it; `None` where its protocol has no answer there.
    #[must_use]
    pub fn refusal(&self, why: Refused) -> Option<Vec<u8>> {
        let target = match self.ask {
            Ask::Upload { index, subindex } | Ask::Download { index, subindex, .. } => {
                SdoTarget::entry(index, subindex)
            }
            _ => SdoTarget::entry(0, 0),
        };
        Some(match self.ask {
            Ask::Upload { .. } | Ask::UploadSegment { .. } | Ask::Download { .. } | Ask::DownloadSegment { .. } => {
                self.reply(MailboxType::Coe, 0, &abort(CoeService::SdoResponse, target, why.abort()))
            }
            Ask::ReadFile | Ask::WriteFile | Ask::Packet { .. } | Ask::Acknowledge { .. } => {
                self.reply(MailboxType::Foe, 0, &file_error(why.file()))
            }
            Ask::WriteIdn { part: Part::Last(_), .. } => self.reply(MailboxType::Soe, 0, &self.idn_read_only()?),
            Ask::Ads { header } if header.flags & flags::NO_RETURN == 0 => {
                self.reply(MailboxType::Aoe, 0, &header.answered(ADS_DENIED).emit())
            }
            Ask::Vendor { .. } => error_mail(self, MailboxError::SERVICE_NOT_SUPPORTED),
            _ => return None,
        })
    }

    fn idn_read_only(&self) -> Option<Vec<u8>> {
        let (header, _) = SoeHeader::parse(self.body()).ok()?;
        let header = SoeHeader { op: SoeOp::WriteResponse, error: true, ..header };
        Some([&header.emit()[..], &SoeError::VALUE_READ_ONLY.0.to_le_bytes()].concat())
    }
}

/// A mailbox error for whoever sent a mail.
pub(super) fn error_mail(mail: &ForeignMail, error: MailboxError) -> Vec<u8> {
    mail.reply(MailboxType::Error, 0, &error_body(error))
}

/// What a whole mail of a protocol that isn't served is answered.
#[must_use]
pub fn unsupported(mail: &[u8]) -> Option<Vec<u8>> {
    let header = MailboxHeader::parse(mail).ok()?;
    Some(mail_to(header.address, MailboxType::Error, 0, &error_body(MailboxError::UNSUPPORTED_PROTOCOL)))
}

/// The body of a mailbox error.
fn error_body(error: MailboxError) -> [u8; MailboxError::LEN] {
    let mut body = [0; MailboxError::LEN];
    // The room is what it needs.
    let _ = error.emit(&mut body);
    body
}

/// What tells a SubDevice that a transfer doesn't go on, after this mail of it.
pub(super) fn given_up(last: &Ask) -> Option<(MailboxType, Vec<u8>)> {
    match *last {
        Ask::Upload { index, subindex } | Ask::Download { index, subindex, .. } => {
            let target = SdoTarget::entry(index, subindex);
            Some((MailboxType::Coe, abort(CoeService::SdoRequest, target, AbortCode::TIMEOUT)))
        }
        Ask::UploadSegment { .. } | Ask::DownloadSegment { .. } => {
            Some((MailboxType::Coe, abort(CoeService::SdoRequest, SdoTarget::entry(0, 0), AbortCode::TIMEOUT)))
        }
        Ask::ReadFile | Ask::WriteFile | Ask::Packet { .. } | Ask::Acknowledge { .. } => {
            Some((MailboxType::Foe, file_error(FoeError::NOT_DEFINED)))
        }
        _ => None,
    }
}

fn abort(service: CoeService, target: SdoTarget, code: AbortCode) -> Vec<u8> {
    let mut body = [0; 10];
    let (head, rest) = body.split_at_mut(2);
    head.copy_from_slice(&CoeHeader::new(service).emit());
    // The room is what it needs.
    let _ = SdoRequest::Abort(SdoAbort { target, code }).emit(rest);
    body.to_vec()
}

fn file_error(code: FoeError) -> Vec<u8> {
    let mut body = [0; 6];
    // The room is what it needs.
    let _ = Foe::Error { code, text: &[] }.emit(&mut body);
    body.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(mail: &[u8], why: Refused) -> Option<Vec<u8>> {
        ForeignMail::parse(mail).unwrap().refusal(why)
    }

    #[test]
    fn a_download_is_refused_by_an_abort_with_the_clients_address() {
        let mail = [0x0a, 0, 0xe9, 0x03, 0, 0x23, 0, 0x20, 0x2b, 0x60, 0x60, 0, 1, 2, 0, 0];
        #[rustfmt::skip]
        assert_eq!(refused(&mail, Refused::ReadOnly).unwrap(), [
            0x0a, 0, 0xe9, 0x03, 0, 0x03, 0, 0x30, 0x80, 0x60, 0x60, 0, 0x02, 0x00, 0x01, 0x06,
        ]);
    }

    #[test]
    fn each_protocol_is_refused_in_its_own_words() {
        let foe = [6, 0, 1, 0x10, 0, 4, 2, 0, 0, 0, 0, 0];
        assert_eq!(refused(&foe, Refused::ReadOnly).unwrap()[5..], [4, 5, 0, 0x02, 0x80, 0, 0]);
        let soe = [6, 0, 1, 0x10, 0, 5, 0x23, 0x40, 15, 0, 7, 0];
        assert_eq!(refused(&soe, Refused::ReadOnly).unwrap()[5..], [5, 0x34, 0x40, 15, 0, 0x04, 0x70]);
        let voe = [6, 0, 1, 0x10, 0, 15, 1, 0, 0, 0, 0, 0];
        assert_eq!(refused(&voe, Refused::ReadOnly).unwrap(), [4, 0, 1, 0x10, 0, 0, 1, 0, 4, 0]);
        let mut ads = vec![32, 0, 1, 0x10, 0, 1];
        ads.extend(0..32);
        ads[6 + 18..6 + 24].copy_from_slice(&[4, 0, 0, 0, 0, 0]);
        let told = refused(&ads, Refused::ReadOnly).unwrap();
        assert_eq!(told[6..14], [8, 9, 10, 11, 12, 13, 14, 15], "the sender is the target now");
        assert_eq!(told[6 + 16..6 + 20], [16, 17, 5, 0]);
        assert_eq!(told[6 + 24..], [0x23, 0x07, 0, 0, 28, 29, 30, 31]);
    }

    #[test]
    fn what_has_no_answer_is_not_refused_aloud() {
        let abort = [0x0a, 0, 0, 0, 0, 3, 0, 0x20, 0x80, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(refused(&abort, Refused::NoTransfer), None);
        assert_eq!(refused(&[4, 0, 0, 0, 0, 5, 0x0b, 0x40, 2, 0], Refused::ReadOnly), None);
    }
}
