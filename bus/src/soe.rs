//! Elements of IDNs, read and written by SoE, in fragments where they don't fit into a mail.
//!
//! Guarantees: an answer is known by service, drive, element and IDN, fragments before the last by all but the IDN, which they
//! don't carry; error codes are said in words; emergencies and notifications that come in between are kept and disturb
//! nothing; a transfer whose answer got lost is done again, as with SDOs. A transfer that the drive refused is not.
//!
//! Not guaranteed: that a drive that refuses a fragmented write before its last fragment is heard at once. Such a refusal is
//! looked for before each fragment; one that comes later may be taken for a stale mail.

mod command;

use std::fmt;

use zerocat_wire::mailbox::{HEADER_LEN as MAILBOX_HEADER, MailboxHeader, MailboxType};
use zerocat_wire::soe::{self, Attribute, Elements, Idn, List, Part, SoeError, SoeHeader, SoeOp};

use crate::again::{Effect, TransferError, again};
use crate::datagrams::Datagrams;
use crate::error::Label;
use crate::mailbox::{MailError, MailFailure, Mailbox};

/// Most bytes of an element: a list of 65,535 with its header.
const LONGEST: usize = List::HEADER_LEN + 65_535;

/// Which way an element goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SoeService {
    /// From the drive.
    Read,
    /// To the drive.
    Write,
}

/// What a transfer was about, as messages show it: `SubDevice 2 (AX5203): SoE write of S-0-0015`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdnTransfer {
    /// Whose.
    pub who: Label,
    /// Which way.
    pub service: SoeService,
    /// Drive in the SubDevice.
    pub drive: u8,
    /// Which IDN.
    pub idn: Idn,
    /// Which element of it.
    pub element: Elements,
}

impl fmt::Display for IdnTransfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { who, service, drive, idn, element } = self;
        let service = if *service == SoeService::Read { "read" } else { "write" };
        write!(f, "{who}: SoE {service} of {idn}")?;
        if *element != Elements::VALUE {
            write!(f, " ({})", element.name())?;
        }
        if *drive == 0 { Ok(()) } else { write!(f, " of drive {drive}") }
    }
}

/// Why an element wasn't read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdnError {
    /// The drive refused.
    #[error("{transfer}: error {code}")]
    Refused {
        /// What was to be transferred.
        transfer: IdnTransfer,
        /// Why.
        code: SoeError,
    },
    /// The mailbox failed.
    #[error("{transfer}: {source}")]
    Mail {
        /// What was to be transferred.
        transfer: IdnTransfer,
        /// Why.
        source: MailError,
    },
    /// The answer doesn't make sense.
    #[error("{transfer}: answer makes no sense: {what}")]
    Answer {
        /// What was to be transferred.
        transfer: IdnTransfer,
        /// What is wrong with it.
        what: String,
    },
    /// A procedure command ended with an error.
    #[error("{transfer}: the procedure command failed (data state {state:#06x})")]
    Command {
        /// Which one.
        transfer: IdnTransfer,
        /// Its data state.
        state: u16,
    },
    /// The SubDevice has no mailbox, or none with SoE.
    #[error("{who} has no SoE mailbox")]
    NoSoe {
        /// Who.
        who: Label,
    },
}

impl IdnError {
    /// The SubDevice that it is about.
    #[must_use]
    pub const fn who(&self) -> &Label {
        match self {
            Self::Refused { transfer, .. }
            | Self::Mail { transfer, .. }
            | Self::Answer { transfer, .. }
            | Self::Command { transfer, .. } => &transfer.who,
            Self::NoSoe { who } => who,
        }
    }

    /// The code of a refusal.
    #[must_use]
    pub const fn code(&self) -> Option<SoeError> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }
}

impl TransferError for IdnError {
    fn mail(&self) -> Option<&MailError> {
        match self {
            Self::Mail { source, .. } => Some(source),
            _ => None,
        }
    }

    fn other(&self) -> MailFailure {
        match self {
            Self::Refused { .. } => MailFailure::Abort,
            Self::Answer { .. } => MailFailure::ParseReject,
            _ => MailFailure::Other,
        }
    }
}

impl Mailbox {
    /// Reads an element of an IDN: `element` is one of the constants of [`Elements`].
    ///
    /// # Errors
    /// [`IdnError`].
    pub async fn read_idn(
        &mut self,
        datagrams: &Datagrams,
        drive: u8,
        idn: Idn,
        element: Elements,
    ) -> Result<Vec<u8>, IdnError> {
        let transfer = self.idn_transfer(SoeService::Read, drive, idn, element);
        let once = async |mailbox: &mut Self| mailbox.read_idn_once(datagrams, &transfer).await;
        again(self, datagrams, Effect::None, once).await
    }

    /// Reads the attribute of an IDN.
    ///
    /// # Errors
    /// [`IdnError`].
    pub async fn read_attribute(&mut self, datagrams: &Datagrams, drive: u8, idn: Idn) -> Result<Attribute, IdnError> {
        let data = self.read_idn(datagrams, drive, idn, Elements::ATTRIBUTE).await?;
        let transfer = self.idn_transfer(SoeService::Read, drive, idn, Elements::ATTRIBUTE);
        Attribute::parse(&data).map_err(|error| senseless(&transfer, error.to_string()))
    }

    /// Reads the value of an IDN that is a list of IDNs.
    ///
    /// # Errors
    /// [`IdnError`].
    pub async fn read_idn_list(&mut self, datagrams: &Datagrams, drive: u8, idn: Idn) -> Result<Vec<Idn>, IdnError> {
        let data = self.read_idn(datagrams, drive, idn, Elements::VALUE).await?;
        let transfer = self.idn_transfer(SoeService::Read, drive, idn, Elements::VALUE);
        let list = List::parse(&data).map_err(|error| senseless(&transfer, error.to_string()))?;
        Ok(list.words().map(Idn).collect())
    }

    /// Writes the value of an IDN: of a list with its header.
    ///
    /// # Errors
    /// [`IdnError`].
    pub async fn write_idn(&mut self, datagrams: &Datagrams, drive: u8, idn: Idn, data: &[u8]) -> Result<(), IdnError> {
        self.write_element(datagrams, drive, idn, Elements::VALUE, data).await
    }

    /// Writes an element of an IDN, which most drives allow of values only.
    ///
    /// # Errors
    /// [`IdnError`].
    pub async fn write_element(
        &mut self,
        datagrams: &Datagrams,
        drive: u8,
        idn: Idn,
        element: Elements,
        data: &[u8],
    ) -> Result<(), IdnError> {
        let transfer = self.idn_transfer(SoeService::Write, drive, idn, element);
        let once = async |mailbox: &mut Self| mailbox.write_idn_once(datagrams, &transfer, data).await;
        again(self, datagrams, Effect::Writes, once).await
    }

    fn idn_transfer(&self, service: SoeService, drive: u8, idn: Idn, element: Elements) -> IdnTransfer {
        IdnTransfer { who: self.who().clone(), service, drive, idn, element }
    }

    async fn read_idn_once(&mut self, datagrams: &Datagrams, transfer: &IdnTransfer) -> Result<Vec<u8>, IdnError> {
        let failed = |source| IdnError::Mail { transfer: transfer.clone(), source };
        let request = transfer.header(SoeOp::ReadRequest);
        let answers = |header: &MailboxHeader, body: &[u8]| transfer.is_answered(SoeOp::ReadResponse, header, body);
        let emit = |mail: &mut [u8], counter: u8| soe::emit(mail, counter, request, &[]);
        let mut body = self.exchange(datagrams, emit, answers).await.map_err(failed)?;
        let mut value = Vec::new();
        loop {
            let (part, data) = transfer.open(&body)?;
            if value.len() + data.len() > LONGEST {
                return Err(senseless(transfer, format!("more than {LONGEST} bytes")));
            }
            value.extend(data);
            if let Part::Last(_) = part {
                return Ok(value);
            }
            if data.is_empty() {
                return Err(senseless(transfer, "a fragment without data".into()));
            }
            body = self.answer(datagrams, answers).await.map_err(failed)?;
        }
    }

    async fn write_idn_once(
        &mut self,
        datagrams: &Datagrams,
        transfer: &IdnTransfer,
        data: &[u8],
    ) -> Result<(), IdnError> {
        let failed = |source| IdnError::Mail { transfer: transfer.clone(), source };
        let answers = |header: &MailboxHeader, body: &[u8]| transfer.is_answered(SoeOp::WriteResponse, header, body);
        let room = usize::from(self.info().write_len).saturating_sub(MAILBOX_HEADER + soe::HEADER_LEN).max(1);
        let whole = transfer.header(SoeOp::WriteRequest);
        let mut rest = data;
        while rest.len() > room {
            let (data, behind) = rest.split_at(room);
            let left = u16::try_from(behind.len().div_ceil(room)).unwrap_or(u16::MAX);
            let header = SoeHeader { part: Part::More { left }, ..whole };
            if let Some(early) = self.come(datagrams, answers).await.map_err(failed)? {
                return transfer.open(&early).map(drop);
            }
            let emit = |mail: &mut [u8], counter: u8| soe::emit(mail, counter, header, data);
            self.send(datagrams, emit).await.map_err(failed)?;
            rest = behind;
        }
        let emit = |mail: &mut [u8], counter: u8| soe::emit(mail, counter, whole, rest);
        let body = self.exchange(datagrams, emit, answers).await.map_err(failed)?;
        transfer.open(&body).map(drop)
    }
}

impl IdnTransfer {
    fn header(&self, op: SoeOp) -> SoeHeader {
        SoeHeader::new(op, self.drive, self.element, self.idn)
    }

    /// Whether a mail answers it.
    fn is_answered(&self, op: SoeOp, header: &MailboxHeader, body: &[u8]) -> bool {
        header.kind == MailboxType::Soe
            && SoeHeader::parse(body).is_ok_and(|(soe, _)| {
                let idn = soe.idn().is_none_or(|idn| idn == self.idn);
                (soe.op, soe.drive, soe.elements) == (op, self.drive, self.element) && idn
            })
    }

    /// Part and data of an answer.
    fn open<'a>(&self, body: &'a [u8]) -> Result<(Part, &'a [u8]), IdnError> {
        let (header, data) = SoeHeader::parse(body).map_err(|error| senseless(self, error.to_string()))?;
        if !header.error {
            return Ok((header.part, data));
        }
        let code = SoeError::of(data).map_err(|_| senseless(self, "an error without a code".into()))?;
        Err(IdnError::Refused { transfer: self.clone(), code })
    }
}

fn senseless(transfer: &IdnTransfer, what: String) -> IdnError {
    IdnError::Answer { transfer: transfer.clone(), what }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer(drive: u8) -> IdnTransfer {
        let who = Label { position: 2, name: "AX5203".into() };
        IdnTransfer { who, service: SoeService::Write, drive, idn: Idn::TELEGRAM_TYPE, element: Elements::VALUE }
    }

    #[test]
    fn an_error_is_said_with_who_idn_drive_and_words() {
        let error = IdnError::Refused { transfer: transfer(0), code: SoeError::VALUE_PROTECTED };
        let said = "SubDevice 2 (AX5203): SoE write of S-0-0015: error 0x7005: Value is write-protected at present";
        assert_eq!(error.to_string(), said);
        assert_eq!(transfer(1).to_string(), "SubDevice 2 (AX5203): SoE write of S-0-0015 of drive 1");
        let name = IdnTransfer { element: Elements::NAME, service: SoeService::Read, ..transfer(0) };
        assert_eq!(name.to_string(), "SubDevice 2 (AX5203): SoE read of S-0-0015 (name)");
    }

    #[test]
    fn an_answer_is_known_by_service_drive_element_and_idn_whatever_its_counter() {
        let ours = transfer(1);
        let right = ours.header(SoeOp::WriteResponse);
        let is = |soe: SoeHeader| {
            let header = MailboxHeader::new(MailboxType::Soe, 5, 4);
            ours.is_answered(SoeOp::WriteResponse, &header, &soe.emit())
        };
        assert!(
            is(right)
                && is(SoeHeader { error: true, ..right })
                && is(SoeHeader { part: Part::More { left: 1 }, ..right })
        );
        assert!(!is(SoeHeader { drive: 0, ..right }));
        assert!(!is(SoeHeader { elements: Elements::NAME, ..right }));
        assert!(!is(SoeHeader { op: SoeOp::ReadResponse, ..right }));
        assert!(!is(SoeHeader { part: Part::Last(Idn(16)), ..right }));
    }
}
