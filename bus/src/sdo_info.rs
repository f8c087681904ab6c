//! SDO information: how a SubDevice describes its object dictionary (ETG.1000.6, 5.6.3).
//!
//! Guarantees: an answer in fragments is put together, up to [`MAX_FRAGMENTS`] and [`MAX_ANSWER`]; it belongs to what was
//! asked by service and, in its first fragment, by index and subindex. Its end is where no fragment follows by the header's
//! bit or by its count, since SubDevices set one or the other.
//! Not guaranteed: that a SubDevice which announces the service has it.

use zerocat_wire::WireError;
use zerocat_wire::coe::{
    self, CoeHeader, CoeService, EntryAnswer, EntryQuery, InfoError, InfoHeader, InfoOp, ListAnswer, ListQuery,
    ListType, ObjectAnswer, ObjectQuery,
};
use zerocat_wire::mailbox::{MailboxHeader, MailboxType};

use crate::again::{Effect, again};
use crate::coe::{SdoError, SdoService, Transfer};
use crate::datagrams::Datagrams;
use crate::mailbox::Mailbox;

/// Most fragments of an answer.
pub const MAX_FRAGMENTS: usize = 128;
/// Most bytes of an answer.
pub const MAX_ANSWER: usize = 64 * 1024;

/// What a SubDevice says of an object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectDescription {
    /// Data type (index in the object dictionary); 0 for records.
    pub data_type: u16,
    /// Highest subindex.
    pub max_subindex: u8,
    /// Its name; empty where it has none.
    pub name: String,
}

/// What a SubDevice says of an entry of an object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EntryDescription {
    /// Data type (index in the object dictionary).
    pub data_type: u16,
    /// Length in bits.
    pub bit_length: u16,
    /// Its name; empty where it has none.
    pub name: String,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
enum Query {
    List(ListQuery),
    Object(ObjectQuery),
    Entry(EntryQuery),
}

impl Query {
    fn emit(self, room: &mut [u8]) -> Result<usize, WireError> {
        match self {
            Self::List(query) => query.emit(room),
            Self::Object(query) => query.emit(room),
            Self::Entry(query) => query.emit(room),
        }
    }

    const fn response(self) -> InfoOp {
        match self {
            Self::List(_) => InfoOp::ListResponse,
            Self::Object(_) => InfoOp::ObjectResponse,
            Self::Entry(_) => InfoOp::EntryResponse,
        }
    }

    /// Whether the first fragment of an answer answers it.
    fn is_answered_by(self, body: &[u8]) -> bool {
        match self {
            Self::List(ListQuery(kind)) => body.get(..2).is_some_and(|is| is == (kind as u16).to_le_bytes()),
            Self::Object(query) => body.get(..2).is_some_and(|index| index == query.index.to_le_bytes()),
            Self::Entry(query) => {
                let [low, high] = query.index.to_le_bytes();
                body.get(..3).is_some_and(|place| place == [low, high, query.subindex])
            }
        }
    }
}

impl Mailbox {
    /// The indexes of all objects, as the SubDevice lists them.
    ///
    /// # Errors
    /// [`SdoError`].
    pub async fn list_objects(&mut self, datagrams: &Datagrams) -> Result<Vec<u16>, SdoError> {
        let (transfer, query) = (self.question(0, 0), Query::List(ListQuery(ListType::All)));
        let body = self.inquire(datagrams, &transfer, query).await?;
        let list = ListAnswer::parse(&body).map_err(|error| senseless(&transfer, error))?;
        Ok(list.words().collect())
    }

    /// Asks what an object is.
    ///
    /// # Errors
    /// [`SdoError`]; `Abort` also where the SubDevice doesn't know the object.
    pub async fn describe_object(&mut self, datagrams: &Datagrams, index: u16) -> Result<ObjectDescription, SdoError> {
        let (transfer, query) = (self.question(index, 0), Query::Object(ObjectQuery { index }));
        let body = self.inquire(datagrams, &transfer, query).await?;
        let ObjectAnswer { data_type, max_subindex, name, .. } =
            ObjectAnswer::parse(&body).map_err(|error| senseless(&transfer, error))?;
        Ok(ObjectDescription { data_type, max_subindex, name: text(name) })
    }

    /// Asks what an entry of an object is.
    ///
    /// # Errors
    /// [`SdoError`]; `Abort` also where the SubDevice doesn't know the entry.
    pub async fn describe_entry(
        &mut self,
        datagrams: &Datagrams,
        index: u16,
        subindex: u8,
    ) -> Result<EntryDescription, SdoError> {
        let query = EntryQuery { index, subindex, value_info: 0 };
        let transfer = self.question(index, subindex);
        let body = self.inquire(datagrams, &transfer, Query::Entry(query)).await?;
        let answer = EntryAnswer::parse(&body).map_err(|error| senseless(&transfer, error))?;
        let EntryAnswer { data_type, bit_length, .. } = answer;
        Ok(EntryDescription { data_type, bit_length, name: text(answer.name()) })
    }

    fn question(&self, index: u16, subindex: u8) -> Transfer {
        Transfer { who: self.who().clone(), service: SdoService::Information, index, subindex }
    }

    /// Asks again where the answer got lost: a question does no harm twice.
    async fn inquire(&mut self, datagrams: &Datagrams, transfer: &Transfer, query: Query) -> Result<Vec<u8>, SdoError> {
        again(self, datagrams, Effect::None, async |mailbox| mailbox.inquire_once(datagrams, transfer, query).await)
            .await
    }

    /// The bytes of an answer behind its header, of all fragments.
    async fn inquire_once(
        &mut self,
        datagrams: &Datagrams,
        transfer: &Transfer,
        query: Query,
    ) -> Result<Vec<u8>, SdoError> {
        let failed = |source| SdoError::Mail { transfer: transfer.clone(), source };
        let emit = |mail: &mut [u8], counter: u8| {
            coe::emit(mail, counter, CoeService::SdoInformation, |room| query.emit(room))
        };
        let first = |header: &MailboxHeader, body: &[u8]| match fragment(header, body) {
            Some((InfoHeader { op: InfoOp::Error, .. }, _)) => true,
            Some((header, data)) => header.op == query.response() && query.is_answered_by(data),
            None => false,
        };
        let behind = |header: &MailboxHeader, body: &[u8]| {
            fragment(header, body)
                .is_some_and(|(header, _)| header.op == query.response() || header.op == InfoOp::Error)
        };
        let mut mail = self.exchange(datagrams, emit, first).await.map_err(failed)?;
        let mut all = Vec::new();
        for _ in 0..MAX_FRAGMENTS {
            let header = MailboxHeader::new(MailboxType::Coe, 0, 0);
            let Some((header, data)) = fragment(&header, &mail) else { break };
            if header.op == InfoOp::Error {
                let InfoError(code) = InfoError::parse(data).map_err(|error| senseless(transfer, error))?;
                return Err(SdoError::Abort { transfer: transfer.clone(), code });
            }
            all.extend_from_slice(data);
            if !header.incomplete || header.fragments_left == 0 {
                return Ok(all);
            }
            if all.len() > MAX_ANSWER {
                break;
            }
            mail = self.answer(datagrams, behind).await.map_err(failed)?;
        }
        Err(senseless(transfer, format!("more than {MAX_FRAGMENTS} fragments, or {MAX_ANSWER} bytes")))
    }
}

/// The header of a mail of the service, and what is behind it.
fn fragment<'m>(header: &MailboxHeader, body: &'m [u8]) -> Option<(InfoHeader, &'m [u8])> {
    let (coe, rest) = CoeHeader::parse(body).ok().filter(|_| header.kind == MailboxType::Coe)?;
    InfoHeader::parse(rest).ok().filter(|_| coe.service == CoeService::SdoInformation)
}

/// A name as people read it. It isn't terminated, but some SubDevices terminate it, or fill it with blanks.
fn text(bytes: &[u8]) -> String {
    let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    };
    text.chars().filter(|character| !character.is_control()).collect::<String>().trim().to_owned()
}

fn senseless(transfer: &Transfer, what: impl std::fmt::Display) -> SdoError {
    SdoError::Answer { transfer: transfer.clone(), what: what.to_string() }
}
