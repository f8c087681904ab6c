//! The CoE server: SDO and SDO information (ETG.1000.6, 5.6).

use zerocat_wire::coe::{CoeHeader, CoeService, Emergency, HEADER_LEN, emergency};
use zerocat_wire::sii::general::coe;
use zerocat_wire::{MailboxError, WireError};

use super::habits::SdoHabits;
use super::mailbox::Answer;
use super::object_access::Objects;
use super::sdo::SdoServer;
use super::sdo_info;

/// One server.
#[derive(Debug)]
pub(super) struct Coe {
    sdo: SdoServer,
}

impl Coe {
    pub(super) fn new(habits: SdoHabits) -> Self {
        Self { sdo: SdoServer::new(habits) }
    }

    /// Abandons the transfer that goes on.
    pub(super) fn end_transfer(&mut self) {
        self.sdo.end_transfer();
    }

    /// Answers the bytes behind a mailbox header with bodies of at most `space` bytes.
    pub(super) fn answer(&mut self, body: &[u8], space: usize, objects: &mut Objects<'_>) -> Answer {
        let (header, body) = CoeHeader::parse(body).map_err(|error| match error {
            WireError::Truncated { .. } => MailboxError::SIZE_TOO_SHORT,
            _ => MailboxError::INVALID_HEADER,
        })?;
        let space = space.saturating_sub(HEADER_LEN);
        match header.service {
            CoeService::SdoRequest => {
                let reply = self.sdo.request(body, space, objects)?;
                Ok(reply.map(|(service, reply)| with_header(service, &reply)).into_iter().collect())
            }
            CoeService::SdoInformation if !objects.dictionary.offers(coe::SDO_INFO) => {
                Err(MailboxError::SERVICE_NOT_SUPPORTED)
            }
            CoeService::SdoInformation => {
                let fragments = sdo_info::answer(body, space, objects.dictionary);
                Ok(fragments.iter().map(|reply| with_header(CoeService::SdoInformation, reply)).collect())
            }
            _ => Err(MailboxError::SERVICE_NOT_SUPPORTED),
        }
    }
}

/// A body with its CoE header.
pub(super) fn with_header(service: CoeService, body: &[u8]) -> Vec<u8> {
    [&CoeHeader::new(service).emit(), body].concat()
}

/// An emergency as the body of a mail.
pub(super) fn emergency_body(emergency: &Emergency) -> Vec<u8> {
    let mut body = [0; emergency::LEN];
    let len = emergency.emit(&mut body).unwrap_or(0);
    with_header(CoeService::Emergency, &body[..len])
}
