//! What a client's mail asks, as far as its answer and its place in a transfer depend on it.
//!
//! Guarantees: no bytes make it panic; what isn't a request of a protocol that is handed on is told apart.

use zerocat_wire::aoe::{AmsCommand, AmsHeader};
use zerocat_wire::coe::{
    CoeHeader, CoeService, EntryQuery, InfoHeader, InfoOp, ListQuery, ListType, ObjectQuery, SdoInitiate, SdoRequest,
};
use zerocat_wire::foe::Foe;
use zerocat_wire::mailbox::MailboxType;
use zerocat_wire::soe::{Idn, Part, SoeHeader, SoeOp};

/// ADS commands that only read.
const ADS_READS: [AmsCommand; 3] = [AmsCommand::DEVICE_INFO, AmsCommand::READ, AmsCommand::STATE];

/// What a mail asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// CoE: begins to read an entry.
    Upload {
        /// Index.
        index: u16,
        /// Subindex.
        subindex: u8,
    },
    /// CoE: the next segment.
    UploadSegment {
        /// Its toggle bit.
        toggle: bool,
    },
    /// CoE: begins to write an entry.
    Download {
        /// Index.
        index: u16,
        /// Subindex.
        subindex: u8,
        /// Whether segments follow.
        segments: bool,
    },
    /// CoE: the next segment.
    DownloadSegment {
        /// Its toggle bit.
        toggle: bool,
        /// Whether it is the last.
        last: bool,
    },
    /// CoE: ends a transfer. It has no answer.
    Abort,
    /// SDO information: objects of a list.
    List {
        /// Which.
        kind: ListType,
    },
    /// SDO information: an object.
    Object {
        /// Index.
        index: u16,
    },
    /// SDO information: an entry.
    Entry {
        /// Index.
        index: u16,
        /// Subindex.
        subindex: u8,
    },
    /// FoE: begins to read a file.
    ReadFile,
    /// FoE: begins to write a file.
    WriteFile,
    /// FoE: a packet of a file that is written.
    Packet {
        /// Its number.
        packet: u32,
        /// Bytes of the file in it.
        bytes: usize,
    },
    /// FoE: acknowledges a packet of a file that is read.
    Acknowledge {
        /// Its number.
        packet: u32,
    },
    /// FoE: ends a transfer. It has no answer.
    FileError,
    /// SoE: reads elements of an IDN.
    ReadIdn {
        /// Drive in the SubDevice.
        drive: u8,
        /// The IDN.
        idn: Idn,
    },
    /// SoE: writes elements of an IDN, or a fragment of one.
    WriteIdn {
        /// Drive in the SubDevice.
        drive: u8,
        /// The IDN, or how many fragments are left.
        part: Part,
    },
    /// AoE, whole in one mail.
    Ads {
        /// Header of the command.
        header: AmsHeader,
    },
    /// VoE.
    Vendor {
        /// Vendor.
        vendor: u32,
    },
}

/// Why a mail isn't handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAsk {
    /// It can't be read.
    #[error("it can't be read as a mail")]
    Damaged,
    /// Its protocol isn't handed on, or not in that form.
    #[error("its protocol isn't handed on")]
    Protocol,
    /// It isn't a request.
    #[error("it is no request")]
    NoRequest,
}

/// A mail's place in a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It begins one, or is all of it.
    First,
    /// It goes on with one.
    Following,
    /// It doesn't say.
    Either,
}

impl Ask {
    /// What a mail asks, by its protocol and its body.
    ///
    /// # Errors
    /// [`NoAsk`].
    pub fn of(kind: MailboxType, body: &[u8]) -> Result<Self, NoAsk> {
        match kind {
            MailboxType::Coe => Self::coe(body),
            MailboxType::Foe => Self::foe(body),
            MailboxType::Soe => Self::soe(body),
            MailboxType::Aoe => Self::aoe(body),
            MailboxType::Voe => {
                let vendor = body.first_chunk().copied().map(u32::from_le_bytes).ok_or(NoAsk::Damaged)?;
                Ok(Self::Vendor { vendor })
            }
            MailboxType::Eoe => Err(NoAsk::Protocol),
            MailboxType::Error => Err(NoAsk::NoRequest),
        }
    }

    fn coe(body: &[u8]) -> Result<Self, NoAsk> {
        let (header, rest) = CoeHeader::parse(body).map_err(|_| NoAsk::Damaged)?;
        match header.service {
            CoeService::SdoRequest => Self::sdo(rest),
            CoeService::SdoInformation => Self::info(rest),
            _ => Err(NoAsk::NoRequest),
        }
    }

    fn sdo(rest: &[u8]) -> Result<Self, NoAsk> {
        Ok(match SdoRequest::parse(rest).map_err(|_| NoAsk::Damaged)? {
            SdoRequest::Upload { target } => Self::Upload { index: target.index, subindex: target.subindex },
            SdoRequest::UploadSegment { toggle } => Self::UploadSegment { toggle },
            SdoRequest::Download(begin) => {
                let target = begin.target();
                let segments = match begin {
                    SdoInitiate::Expedited { .. } => false,
                    SdoInitiate::Normal { size, data, .. } => usize::try_from(size).is_ok_and(|size| data.len() < size),
                };
                Self::Download { index: target.index, subindex: target.subindex, segments }
            }
            SdoRequest::DownloadSegment(segment) => {
                Self::DownloadSegment { toggle: segment.toggle, last: segment.last }
            }
            SdoRequest::Abort(_) => Self::Abort,
        })
    }

    fn info(rest: &[u8]) -> Result<Self, NoAsk> {
        let (header, rest) = InfoHeader::parse(rest).map_err(|_| NoAsk::Damaged)?;
        let ask = match header.op {
            InfoOp::ListRequest => ListQuery::parse(rest).map(|ListQuery(kind)| Self::List { kind }),
            InfoOp::ObjectRequest => ObjectQuery::parse(rest).map(|ObjectQuery { index }| Self::Object { index }),
            InfoOp::EntryRequest => {
                EntryQuery::parse(rest).map(|query| Self::Entry { index: query.index, subindex: query.subindex })
            }
            _ => return Err(NoAsk::NoRequest),
        };
        ask.map_err(|_| NoAsk::Damaged)
    }

    fn foe(body: &[u8]) -> Result<Self, NoAsk> {
        Ok(match Foe::parse(body).map_err(|_| NoAsk::Damaged)? {
            Foe::ReadRequest { .. } => Self::ReadFile,
            Foe::WriteRequest { .. } => Self::WriteFile,
            Foe::Data { packet, data } => Self::Packet { packet, bytes: data.len() },
            Foe::Ack { packet } => Self::Acknowledge { packet },
            Foe::Error { .. } => Self::FileError,
            Foe::Busy { .. } => return Err(NoAsk::NoRequest),
        })
    }

    fn soe(body: &[u8]) -> Result<Self, NoAsk> {
        let (header, _) = SoeHeader::parse(body).map_err(|_| NoAsk::Damaged)?;
        match (header.op, header.part) {
            (SoeOp::ReadRequest, Part::Last(idn)) => Ok(Self::ReadIdn { drive: header.drive, idn }),
            (SoeOp::WriteRequest, part) => Ok(Self::WriteIdn { drive: header.drive, part }),
            _ => Err(NoAsk::NoRequest),
        }
    }

    fn aoe(body: &[u8]) -> Result<Self, NoAsk> {
        let (header, _) = AmsHeader::parse(body).map_err(|_| NoAsk::Damaged)?;
        match header.command {
            _ if header.is_response() => Err(NoAsk::NoRequest),
            AmsCommand::FRAGMENT => Err(NoAsk::Protocol),
            _ => Ok(Self::Ads { header }),
        }
    }

    /// Its place in a transfer.
    #[must_use]
    pub const fn turn(&self) -> Turn {
        match self {
            Self::UploadSegment { .. }
            | Self::DownloadSegment { .. }
            | Self::Abort
            | Self::Packet { .. }
            | Self::Acknowledge { .. }
            | Self::FileError => Turn::Following,
            Self::WriteIdn { .. } => Turn::Either,
            _ => Turn::First,
        }
    }

    /// Whether others may follow it in a transfer that it begins.
    #[must_use]
    pub const fn begins_transfer(&self) -> bool {
        match self {
            Self::Upload { .. } | Self::ReadFile | Self::WriteFile => true,
            Self::Download { segments, .. } => *segments,
            Self::WriteIdn { part, .. } => matches!(part, Part::More { .. }),
            _ => false,
        }
    }

    /// Whether it changes something in the SubDevice, or may: what a vendor's mail and an ADS command other than the reading ones do
    /// isn't known.
    #[must_use]
    pub fn writes(&self) -> bool {
        match self {
            Self::Download { .. }
            | Self::DownloadSegment { .. }
            | Self::WriteFile
            | Self::Packet { .. }
            | Self::WriteIdn { .. }
            | Self::Vendor { .. } => true,
            Self::Ads { header } => !ADS_READS.contains(&header.command),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_wire::mailbox;

    fn ask(mail: &[u8]) -> Result<Ask, NoAsk> {
        let (header, body) = mailbox::open(mail).unwrap();
        Ask::of(header.kind, body)
    }

    #[test]
    fn a_captured_request_of_twinsafe_loader_is_an_upload() {
        // etherlab-dev, 2021.
        let mail = [0x0a, 0, 0xe9, 0x03, 0, 0x23, 0, 0x20, 0x41, 0x80, 0xf9, 0x02, 0, 0, 0, 0];
        let asked = ask(&mail).unwrap();
        assert_eq!(asked, Ask::Upload { index: 0xf980, subindex: 2 });
        assert!(!asked.writes() && asked.turn() == Turn::First);
    }

    #[test]
    fn what_writes_in_any_protocol_is_known() {
        let soe = |op: u8| ask(&[4, 0, 0, 0, 0, 5, op, 0x40, 15, 0]).unwrap().writes();
        assert!(soe(3) && !soe(1));
        let foe = |op: u8| ask(&[6, 0, 0, 0, 0, 4, op, 0, 0, 0, 0, 0]).unwrap().writes();
        assert!(foe(2) && foe(3) && !foe(1) && !foe(4));
        let mut ams = [0; 6 + 32];
        (ams[0], ams[5], ams[6 + 18]) = (32, 1, 4);
        let writes: Vec<u8> = (1..=9)
            .filter(|command| {
                ams[6 + 16] = *command;
                ask(&ams).unwrap().writes()
            })
            .collect();
        assert_eq!(writes, [3, 5, 6, 7, 8, 9]);
        assert!(ask(&[8, 0, 0, 0, 0, 15, 1, 2, 3, 4, 0, 0, 0, 0]).unwrap().writes());
        let sdo = |command: u8| ask(&[10, 0, 0, 0, 0, 3, 0, 0x20, command, 0, 0, 0, 0, 0, 0, 0]).unwrap().writes();
        assert!(sdo(0x23) && sdo(0x21) && sdo(0x00) && !sdo(0x40) && !sdo(0x60) && !sdo(0x80));
    }

    #[test]
    fn what_is_no_request_is_told_apart() {
        assert_eq!(ask(&[4, 0, 0, 0, 0, 2, 0, 0, 0, 0]), Err(NoAsk::Protocol));
        assert_eq!(ask(&[4, 0, 0, 0, 0, 0, 1, 0, 2, 0]), Err(NoAsk::NoRequest));
        assert_eq!(ask(&[10, 0, 0, 0, 0, 3, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0]), Err(NoAsk::NoRequest));
        assert_eq!(ask(&[2, 0, 0, 0, 0, 3, 0, 0x20]), Err(NoAsk::Damaged));
        assert_eq!(ask(&[0, 0, 0, 0, 0, 15]), Err(NoAsk::Damaged));
    }
}
