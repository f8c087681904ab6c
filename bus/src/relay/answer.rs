//! What answers a client's mail, and what comes after it.
//!
//! Guarantees: an answer is known by its content (service, index and subindex; in segments the toggle bit; packet, IDN, invoke ID),
//! never by counter or address.

use super::ask::Ask;
use zerocat_wire::aoe::{AmsHeader, flags};
use zerocat_wire::coe::{
    CoeHeader, CoeService, EntryAnswer, InfoHeader, InfoOp, ListAnswer, ObjectAnswer, SdoInitiate, SdoResponse,
    SdoTarget,
};
use zerocat_wire::foe::{self, Foe};
use zerocat_wire::mailbox::{HEADER_LEN, MailboxType};
use zerocat_wire::soe::{Part, SoeHeader, SoeOp};

/// Bytes of a SubDevice's two mailboxes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rooms {
    pub(super) write: usize,
    pub(super) read: usize,
}

/// What comes after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// Nothing.
    Over,
    /// Another mail of the same answer.
    MoreComes,
    /// The client goes on.
    Continues,
    /// The client acknowledges the last packet of a file.
    FileEnds,
}

/// Whether the first mail of an answer is looked for, or another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    First,
    Rest,
}

impl Ask {
    /// What comes after a mail that has no answer; `None` for one that has.
    pub(super) const fn without_answer(&self, file_ended: bool) -> Option<Then> {
        match self {
            Self::Abort | Self::FileError => Some(Then::Over),
            Self::Ads { header } if header.flags & flags::NO_RETURN != 0 => Some(Then::Over),
            Self::Acknowledge { .. } if file_ended => Some(Then::Over),
            Self::WriteIdn { part: Part::More { .. }, .. } => Some(Then::Continues),
            _ => None,
        }
    }
}

/// What comes after a mail, where it is the answer.
pub(super) fn then(ask: &Ask, to: To, kind: MailboxType, body: &[u8], rooms: Rooms) -> Option<Then> {
    match *ask {
        Ask::Upload { .. }
        | Ask::UploadSegment { .. }
        | Ask::Download { .. }
        | Ask::DownloadSegment { .. }
        | Ask::List { .. }
        | Ask::Object { .. }
        | Ask::Entry { .. }
            if kind == MailboxType::Coe =>
        {
            coe(ask, to, body)
        }
        Ask::ReadFile | Ask::WriteFile | Ask::Packet { .. } | Ask::Acknowledge { .. } if kind == MailboxType::Foe => {
            file(ask, body, rooms)
        }
        Ask::ReadIdn { .. } | Ask::WriteIdn { .. } if kind == MailboxType::Soe => idn(ask, body),
        Ask::Ads { header } if kind == MailboxType::Aoe => {
            let (theirs, _) = AmsHeader::parse(body).ok()?;
            theirs.answers(&header).then_some(Then::Over)
        }
        Ask::Vendor { vendor } if kind == MailboxType::Voe => {
            let theirs = body.first_chunk().copied().map(u32::from_le_bytes)?;
            (theirs == vendor).then_some(Then::Over)
        }
        _ => None,
    }
}

fn coe(ask: &Ask, to: To, body: &[u8]) -> Option<Then> {
    let (header, rest) = CoeHeader::parse(body).ok()?;
    match header.service {
        CoeService::SdoInformation => info(ask, to, rest),
        CoeService::SdoResponse => sdo(ask, SdoResponse::parse(rest).ok()?),
        // An abort may come as a request, by those who see it as their own.
        CoeService::SdoRequest => match SdoResponse::parse(rest).ok()? {
            abort @ SdoResponse::Abort(_) => sdo(ask, abort),
            _ => None,
        },
        _ => None,
    }
}

fn sdo(ask: &Ask, response: SdoResponse<'_>) -> Option<Then> {
    let of = |target: SdoTarget, index, subindex| (target.index, target.subindex) == (index, subindex);
    match (*ask, response) {
        (Ask::Upload { index, subindex } | Ask::Download { index, subindex, .. }, SdoResponse::Abort(abort)) => {
            of(abort.target, index, subindex).then_some(Then::Over)
        }
        // Not everybody repeats the index in the middle of a transfer.
        (Ask::UploadSegment { .. } | Ask::DownloadSegment { .. }, SdoResponse::Abort(_)) => Some(Then::Over),
        (Ask::Upload { index, subindex }, SdoResponse::Upload(begin)) if of(begin.target(), index, subindex) => {
            Some(match begin {
                SdoInitiate::Expedited { .. } => Then::Over,
                // A size of 0 is one that isn't given: the client reads on.
                SdoInitiate::Normal { size, data, .. } => {
                    let all = size > 0 && usize::try_from(size).is_ok_and(|size| data.len() >= size);
                    if all { Then::Over } else { Then::Continues }
                }
            })
        }
        (Ask::UploadSegment { toggle }, SdoResponse::UploadSegment(segment)) if segment.toggle == toggle => {
            Some(if segment.last { Then::Over } else { Then::Continues })
        }
        (Ask::Download { index, subindex, segments }, SdoResponse::Download { target }) => {
            of(target, index, subindex).then_some(if segments { Then::Continues } else { Then::Over })
        }
        (Ask::DownloadSegment { toggle, last }, SdoResponse::DownloadSegment { toggle: same }) if same == toggle => {
            Some(if last { Then::Over } else { Then::Continues })
        }
        _ => None,
    }
}

fn info(ask: &Ask, to: To, rest: &[u8]) -> Option<Then> {
    let (header, rest) = InfoHeader::parse(rest).ok()?;
    let wanted = match ask {
        Ask::List { .. } => InfoOp::ListResponse,
        Ask::Object { .. } => InfoOp::ObjectResponse,
        Ask::Entry { .. } => InfoOp::EntryResponse,
        _ => return None,
    };
    if header.op == InfoOp::Error {
        return Some(Then::Over);
    }
    // Only the first mail says which.
    let ours = header.op == wanted
        && (to == To::Rest
            || match *ask {
                Ask::List { kind } => ListAnswer::parse(rest).is_ok_and(|answer| answer.kind == kind),
                Ask::Object { index } => ObjectAnswer::parse(rest).is_ok_and(|answer| answer.index == index),
                Ask::Entry { index, subindex } => {
                    EntryAnswer::parse(rest).is_ok_and(|answer| (answer.index, answer.subindex) == (index, subindex))
                }
                _ => false,
            });
    let more = header.incomplete && header.fragments_left > 0;
    ours.then_some(if more { Then::MoreComes } else { Then::Over })
}

fn file(ask: &Ask, body: &[u8], rooms: Rooms) -> Option<Then> {
    let full = |bytes: usize, room: usize| bytes.saturating_add(HEADER_LEN + foe::HEADER_LEN) >= room;
    let expected = match *ask {
        Ask::ReadFile => 1,
        Ask::Acknowledge { packet } => packet.wrapping_add(1),
        Ask::Packet { packet, .. } => packet,
        _ => 0,
    };
    match (ask, Foe::parse(body).ok()?) {
        (_, Foe::Error { .. }) => Some(Then::Over),
        (_, Foe::Busy { .. }) => Some(Then::Continues),
        (Ask::ReadFile | Ask::Acknowledge { .. }, Foe::Data { packet, data }) if packet == expected => {
            Some(if full(data.len(), rooms.read) { Then::Continues } else { Then::FileEnds })
        }
        (Ask::WriteFile, Foe::Ack { packet: 0 }) => Some(Then::Continues),
        (Ask::Packet { bytes, .. }, Foe::Ack { packet }) if packet == expected => {
            Some(if full(*bytes, rooms.write) { Then::Continues } else { Then::Over })
        }
        _ => None,
    }
}

fn idn(ask: &Ask, body: &[u8]) -> Option<Then> {
    let (header, _) = SoeHeader::parse(body).ok()?;
    let (op, drive, wanted) = match *ask {
        Ask::ReadIdn { drive, idn } => (SoeOp::ReadResponse, drive, Part::Last(idn)),
        Ask::WriteIdn { drive, part } => (SoeOp::WriteResponse, drive, part),
        _ => return None,
    };
    if header.op != op || header.drive != drive {
        return None;
    }
    match header.part {
        Part::More { .. } if op == SoeOp::ReadResponse && !header.error => Some(Then::MoreComes),
        part => (part == wanted).then_some(Then::Over),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOMS: Rooms = Rooms { write: 128, read: 64 };

    fn coe_then(ask: Ask, body: &[u8]) -> Option<Then> {
        then(&ask, To::First, MailboxType::Coe, body, ROOMS)
    }

    #[test]
    fn an_upload_is_answered_by_its_own_index_and_goes_on_where_its_data_are_not_all_there() {
        let ask = Ask::Upload { index: 0x1008, subindex: 0 };
        let segmented = [0, 0x30, 0x41, 0x08, 0x10, 0, 20, 0, 0, 0, b'a', b'b'];
        assert_eq!(coe_then(ask, &segmented), Some(Then::Continues));
        assert_eq!(coe_then(ask, &[0, 0x30, 0x41, 0x08, 0x10, 0, 2, 0, 0, 0, b'a', b'b']), Some(Then::Over));
        assert_eq!(coe_then(ask, &[0, 0x30, 0x43, 0x08, 0x10, 0, 2, 0, 0, 0]), Some(Then::Over));
        assert_eq!(coe_then(ask, &[0, 0x30, 0x43, 0x08, 0x10, 1, 2, 0, 0, 0]), None);
        assert_eq!(coe_then(ask, &[0, 0x30, 0x43, 0x18, 0x10, 0, 2, 0, 0, 0]), None);
        let abort = [0, 0x20, 0x80, 0x08, 0x10, 0, 0, 0, 2, 6];
        assert_eq!(coe_then(ask, &abort), Some(Then::Over));
        assert_eq!(coe_then(Ask::Upload { index: 0x1009, subindex: 0 }, &abort), None);
    }

    #[test]
    fn a_segment_is_answered_by_its_toggle() {
        let first = Ask::UploadSegment { toggle: false };
        assert_eq!(coe_then(first, &[0, 0x30, 0x00, 1, 2, 3, 4, 5, 6, 7]), Some(Then::Continues));
        assert_eq!(coe_then(first, &[0, 0x30, 0x01, 1, 2, 3, 4, 5, 6, 7]), Some(Then::Over));
        assert_eq!(coe_then(first, &[0, 0x30, 0x10, 1, 2, 3, 4, 5, 6, 7]), None);
        let write = Ask::DownloadSegment { toggle: true, last: true };
        assert_eq!(coe_then(write, &[0, 0x30, 0x30, 0, 0, 0, 0, 0, 0, 0]), Some(Then::Over));
        assert_eq!(coe_then(write, &[0, 0x30, 0x20, 0, 0, 0, 0, 0, 0, 0]), None);
    }

    #[test]
    fn only_the_first_mail_of_a_list_says_which_list_it_is() {
        let ask = Ask::List { kind: zerocat_wire::coe::ListType::All };
        let fragment = [0, 0x80, 0x82, 0, 1, 0, 0x34, 0x12];
        assert_eq!(coe_then(ask, &fragment), None, "a fragment of another list");
        assert_eq!(then(&ask, To::Rest, MailboxType::Coe, &fragment, ROOMS), Some(Then::MoreComes));
        assert_eq!(coe_then(ask, &[0, 0x80, 0x02, 0, 0, 0, 1, 0, 0, 0x10]), Some(Then::Over));
    }

    #[test]
    fn a_file_ends_with_a_packet_that_does_not_fill_its_mailbox() {
        let packet = |number: u8, len: usize| [&[3, 0, number, 0, 0, 0], &vec![0; len][..]].concat();
        let of = |ask: Ask, body: &[u8]| then(&ask, To::First, MailboxType::Foe, body, ROOMS);
        assert_eq!(of(Ask::ReadFile, &packet(1, 52)), Some(Then::Continues));
        assert_eq!(of(Ask::ReadFile, &packet(1, 51)), Some(Then::FileEnds));
        assert_eq!(of(Ask::Acknowledge { packet: 1 }, &packet(1, 52)), None, "the packet before");
        assert_eq!(of(Ask::Acknowledge { packet: 1 }, &packet(2, 0)), Some(Then::FileEnds));
        assert_eq!(of(Ask::WriteFile, &[4, 0, 0, 0, 0, 0]), Some(Then::Continues));
        assert_eq!(of(Ask::Packet { packet: 3, bytes: 116 }, &[4, 0, 3, 0, 0, 0]), Some(Then::Continues));
        assert_eq!(of(Ask::Packet { packet: 3, bytes: 115 }, &[4, 0, 3, 0, 0, 0]), Some(Then::Over));
        assert_eq!(of(Ask::Packet { packet: 3, bytes: 115 }, &[6, 0, 0, 0, 0, 0]), Some(Then::Continues));
        assert_eq!(Ask::Acknowledge { packet: 2 }.without_answer(true), Some(Then::Over));
    }

    #[test]
    fn answers_of_other_protocols_are_no_answers() {
        let ask = Ask::Vendor { vendor: 2 };
        assert_eq!(then(&ask, To::First, MailboxType::Voe, &[2, 0, 0, 0, 1], ROOMS), Some(Then::Over));
        assert_eq!(then(&ask, To::First, MailboxType::Voe, &[3, 0, 0, 0, 1], ROOMS), None);
        assert_eq!(then(&ask, To::First, MailboxType::Coe, &[2, 0, 0, 0, 1], ROOMS), None);
    }
}
