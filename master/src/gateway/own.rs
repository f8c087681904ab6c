//! The MainDevice's own CoE server: what a client gets that asks the address 0.
//!
//! Guarantees: an answer is whole in one mail, but for a list of objects, which goes in fragments; nothing is written.

use super::dictionary::Dictionary;
use super::object::{Entry, Object, Source};
use zerocat_bus::ForeignMail;
use zerocat_bus::relay::Ask;
use zerocat_wire::coe::{
    AbortCode, CoeHeader, CoeService, EntryAnswer, InfoHeader, InfoOp, ListType, ObjectAnswer, ObjectCode, SdoAbort,
    SdoInitiate, SdoRequest, SdoResponse, SdoTarget, info,
};
use zerocat_wire::mailbox::{self, MailboxError, MailboxType};

/// Most bytes of a list in one mail: it fits into the mailboxes of most clients.
const FRAGMENT: usize = 480;
/// Most bytes of an answer in one mail.
const ROOM: usize = 1480;

/// What becomes of a mail to the MainDevice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Own {
    /// It is answered.
    Answered(Vec<Vec<u8>>),
    /// It is refused.
    Refused(Vec<u8>),
    /// It has no answer.
    Nothing,
    /// A SubDevice must be asked for these first; [`OwnServer::fetched`] answers then.
    Fetch(Vec<Source>),
}

/// The server: a dictionary and a mailbox counter.
#[derive(Debug, Default)]
pub(super) struct OwnServer {
    dictionary: Dictionary,
    counter: u8,
}

impl OwnServer {
    pub(super) const fn new(dictionary: Dictionary) -> Self {
        Self { dictionary, counter: 0 }
    }

    /// Answers a mail.
    pub(super) fn answer(&mut self, mail: &ForeignMail) -> Own {
        match mail.ask {
            Ask::Upload { index, subindex } => self.upload(mail, index, subindex),
            Ask::Download { index, subindex, .. } => {
                let code = self.entry(index, subindex).map_or_else(|code| code, |_| AbortCode::READ_ONLY);
                Own::Refused(self.abort(mail, SdoTarget::entry(index, subindex), code))
            }
            // All values fit into their first mail.
            Ask::UploadSegment { .. } | Ask::DownloadSegment { .. } => {
                Own::Refused(self.abort(mail, SdoTarget::entry(0, 0), AbortCode::COMMAND))
            }
            Ask::Abort => Own::Nothing,
            Ask::List { kind } => Own::Answered(self.list(mail, kind)),
            Ask::Object { index } => Own::Answered(vec![self.object(mail, index)]),
            Ask::Entry { index, subindex } => Own::Answered(vec![self.description(mail, index, subindex)]),
            _ => Own::Refused(self.error(mail, MailboxError::UNSUPPORTED_PROTOCOL)),
        }
    }

    /// The answer to an upload, with what came from a SubDevice for each source, in turn; `None` where nothing did.
    pub(super) fn fetched(&mut self, mail: &ForeignMail, values: &[Option<Vec<u8>>]) -> Vec<u8> {
        let Ask::Upload { index, subindex } = mail.ask else {
            return self.error(mail, MailboxError::SERVICE_NOT_SUPPORTED);
        };
        self.uploaded(mail, uploaded(mail, index, subindex), values)
    }

    fn upload(&mut self, mail: &ForeignMail, index: u16, subindex: u8) -> Own {
        let target = uploaded(mail, index, subindex);
        let entries = self.entries(target).unwrap_or_default();
        let fetch = entries.iter().map(|entry| &entry.source).filter(|source| !matches!(source, Source::Bytes(_)));
        let fetch: Vec<Source> = fetch.cloned().collect();
        if fetch.is_empty() { Own::Answered(vec![self.uploaded(mail, target, &[])]) } else { Own::Fetch(fetch) }
    }

    fn uploaded(&mut self, mail: &ForeignMail, target: SdoTarget, fetched: &[Option<Vec<u8>>]) -> Vec<u8> {
        match self.bytes(target, fetched) {
            Ok(bytes) => self.value(mail, target, &bytes),
            Err(code) => self.abort(mail, target, code),
        }
    }

    /// The value of an entry, or those of all, one behind the other; with complete access subindex 0 takes 16 bits.
    fn bytes(&self, target: SdoTarget, fetched: &[Option<Vec<u8>>]) -> Result<Vec<u8>, AbortCode> {
        let (mut bytes, mut fetched) = (Vec::new(), fetched.iter());
        for entry in self.entries(target)? {
            match &entry.source {
                Source::Bytes(known) => bytes.extend_from_slice(known),
                _ => bytes.extend_from_slice(fetched.next().and_then(Option::as_ref).ok_or(AbortCode::HARDWARE)?),
            }
        }
        if target.complete && target.subindex == 0 {
            bytes.insert(1, 0);
        }
        Ok(bytes)
    }

    /// What an upload is about: with complete access all entries of an object that has several, from subindex 0 or 1 on.
    fn entries(&self, target: SdoTarget) -> Result<Vec<&Entry>, AbortCode> {
        if !target.complete {
            return Ok(vec![self.entry(target.index, target.subindex)?]);
        }
        let object = self.found(target.index)?;
        if object.code == ObjectCode::Variable || target.subindex > 1 {
            return Err(AbortCode::COMPLETE_ACCESS);
        }
        Ok(object.entries.range(target.subindex..).map(|(_, entry)| entry).collect())
    }

    fn entry(&self, index: u16, subindex: u8) -> Result<&Entry, AbortCode> {
        let object = self.found(index)?;
        // A gap is there without a value.
        let gap = if subindex > object.highest() { AbortCode::NO_SUCH_SUBINDEX } else { AbortCode::NOT_STORED };
        object.entries.get(&subindex).ok_or(gap)
    }

    fn found(&self, index: u16) -> Result<&Object, AbortCode> {
        self.dictionary.0.get(&index).ok_or(AbortCode::NO_SUCH_OBJECT)
    }

    fn value(&mut self, mail: &ForeignMail, target: SdoTarget, value: &[u8]) -> Vec<u8> {
        let initiate = match value.len() {
            1..=4 => SdoInitiate::Expedited { target, data: value },
            len => SdoInitiate::Normal { target, size: u32::try_from(len).unwrap_or(u32::MAX), data: value },
        };
        self.sdo(mail, &SdoResponse::Upload(initiate))
    }

    fn abort(&mut self, mail: &ForeignMail, target: SdoTarget, code: AbortCode) -> Vec<u8> {
        self.sdo(mail, &SdoResponse::Abort(SdoAbort { target, code }))
    }

    fn sdo(&mut self, mail: &ForeignMail, response: &SdoResponse<'_>) -> Vec<u8> {
        let mut room = [0; ROOM];
        let len = response.emit(&mut room).unwrap_or_default();
        self.coe(mail, CoeService::SdoResponse, room.get(..len).unwrap_or_default())
    }

    fn list(&mut self, mail: &ForeignMail, kind: ListType) -> Vec<Vec<u8>> {
        let all = || self.dictionary.0.keys().copied();
        let words: Vec<u16> = match kind {
            ListType::Lengths => vec![u16::try_from(all().count()).unwrap_or(u16::MAX), 0, 0, 0, 0],
            ListType::All => all().collect(),
            _ => Vec::new(),
        };
        let bytes: Vec<u8> = std::iter::once(kind as u16).chain(words).flat_map(u16::to_le_bytes).collect();
        let parts: Vec<&[u8]> = bytes.chunks(FRAGMENT).collect();
        let fragments = parts.iter().enumerate().map(|(n, part)| {
            let left = u16::try_from(parts.len() - 1 - n).unwrap_or(u16::MAX);
            let header =
                InfoHeader { incomplete: left > 0, fragments_left: left, ..InfoHeader::new(InfoOp::ListResponse) };
            self.coe(mail, CoeService::SdoInformation, &[&header.emit()[..], part].concat())
        });
        fragments.collect()
    }

    fn object(&mut self, mail: &ForeignMail, index: u16) -> Vec<u8> {
        let mut room = [0; ROOM];
        let written = self.found(index).map(|object| {
            let (name, data_type) = (object.name.as_bytes(), object.data_type);
            let (max_subindex, code) = (object.highest(), object.code);
            ObjectAnswer { index, data_type, max_subindex, code, name }.emit(&mut room).unwrap_or_default()
        });
        self.information(mail, written, &room)
    }

    fn description(&mut self, mail: &ForeignMail, index: u16, subindex: u8) -> Vec<u8> {
        let mut room = [0; ROOM];
        let written = self.entry(index, subindex).map(|entry| {
            let answer = EntryAnswer {
                index,
                subindex,
                value_info: 0,
                data_type: entry.kind as u16,
                bit_length: entry.bits(),
                access: info::access::READ,
                data: entry.name.as_bytes(),
            };
            answer.emit(&mut room).unwrap_or_default()
        });
        self.information(mail, written, &room)
    }

    fn information(&mut self, mail: &ForeignMail, written: Result<usize, AbortCode>, room: &[u8]) -> Vec<u8> {
        match written {
            Ok(len) => self.coe(mail, CoeService::SdoInformation, room.get(..len).unwrap_or_default()),
            Err(code) => {
                let mut error = [0; 8];
                let len = info::InfoError(code).emit(&mut error).unwrap_or_default();
                self.coe(mail, CoeService::SdoInformation, error.get(..len).unwrap_or_default())
            }
        }
    }

    fn coe(&mut self, mail: &ForeignMail, service: CoeService, body: &[u8]) -> Vec<u8> {
        self.counter = mailbox::next_counter(self.counter);
        mail.reply(MailboxType::Coe, self.counter, &[&CoeHeader::new(service).emit()[..], body].concat())
    }

    fn error(&mut self, mail: &ForeignMail, error: MailboxError) -> Vec<u8> {
        self.counter = mailbox::next_counter(self.counter);
        let mut body = [0; MailboxError::LEN];
        // The room is what it needs.
        let _ = error.emit(&mut body);
        mail.reply(MailboxType::Error, self.counter, &body)
    }
}

/// What an upload names, and whether it is about a whole object.
fn uploaded(mail: &ForeignMail, index: u16, subindex: u8) -> SdoTarget {
    let request = CoeHeader::parse(mail.body()).and_then(|(_, rest)| SdoRequest::parse(rest));
    let complete = matches!(request, Ok(SdoRequest::Upload { target }) if target.complete);
    SdoTarget { complete, ..SdoTarget::entry(index, subindex) }
}

#[cfg(test)]
mod tests {
    use super::super::directory::{Directory, Known};
    use super::*;

    fn server(count: u16) -> OwnServer {
        let known = |n| Known { station: 0x1001 + n, ..Known::default() };
        OwnServer::new(Dictionary::of(&Directory((0..count).map(known).collect())))
    }

    fn asked(server: &mut OwnServer, service: u8, body: &[u8]) -> Own {
        let len = u8::try_from(body.len() + 2).unwrap();
        let mail = [&[len, 0, 0, 0, 0, 0x23, 0, service << 4], body].concat();
        server.answer(&ForeignMail::parse(&mail).unwrap())
    }

    #[test]
    fn a_value_is_read_expedited_and_a_text_whole() {
        let mut server = server(1);
        let Own::Answered(mails) = asked(&mut server, 2, &[0x41, 0x18, 0x10, 1, 0, 0, 0, 0]) else { panic!() };
        assert_eq!(mails, [[0x0a, 0, 0, 0, 0, 0x13, 0, 0x30, 0x43, 0x18, 0x10, 1, 0, 0, 0, 0]]);
        let Own::Answered(mails) = asked(&mut server, 2, &[0x40, 0x08, 0x10, 0, 0, 0, 0, 0]) else { panic!() };
        assert_eq!(mails[0][8..], *b"\x41\x08\x10\0\x07\0\0\0zerocat");
    }

    #[test]
    fn states_and_links_are_asked_for_when_they_are_read() {
        let mut server = server(2);
        let al = asked(&mut server, 2, &[0x40, 0x01, 0xa0, 1, 0, 0, 0, 0]);
        assert_eq!(al, Own::Fetch(vec![Source::Register { position: 1, register: 0x0130 }]));
        let mail = ForeignMail::parse(&[0x0a, 0, 0, 0, 0, 3, 0, 0x20, 0x40, 0x01, 0xa0, 1, 0, 0, 0, 0]).unwrap();
        assert_eq!(server.fetched(&mail, &[Some(vec![8, 0])])[8..], [0x4b, 0x01, 0xa0, 1, 8, 0, 0, 0]);
        assert_eq!(server.fetched(&mail, &[None])[8..], [0x80, 0x01, 0xa0, 1, 0, 0, 6, 6]);
    }

    #[test]
    fn whole_objects_are_read_by_complete_access() {
        let mut server = server(2);
        let Own::Answered(mails) = asked(&mut server, 2, &[0x50, 0x20, 0xf0, 0, 0, 0, 0, 0]) else { panic!() };
        assert_eq!(mails[0][8..], [0x51, 0x20, 0xf0, 0, 6, 0, 0, 0, 2, 0, 0x01, 0x10, 0x02, 0x10]);
        let Own::Answered(mails) = asked(&mut server, 2, &[0x50, 0x20, 0xf0, 1, 0, 0, 0, 0]) else { panic!() };
        assert_eq!(mails[0][8..], [0x53, 0x20, 0xf0, 1, 0x01, 0x10, 0x02, 0x10]);
        let shown = [0x50, 0x01, 0xa0, 0, 0, 0, 0, 0];
        let registers = [0x0130, 0x0120].map(|register| Source::Register { position: 1, register });
        assert_eq!(asked(&mut server, 2, &shown), Own::Fetch(registers.to_vec()));
        let mail = ForeignMail::parse(&[&[0x0a, 0, 0, 0, 0, 3, 0, 0x20], &shown[..]].concat()).unwrap();
        let answer = server.fetched(&mail, &[Some(vec![8, 0]), Some(vec![4, 0])]);
        assert_eq!(answer[8..], [0x51, 0x01, 0xa0, 0, 6, 0, 0, 0, 2, 0, 8, 0, 4, 0]);
        assert_eq!(server.fetched(&mail, &[Some(vec![8, 0]), None])[8..12], [0x80, 0x01, 0xa0, 0]);
    }

    #[test]
    fn nothing_is_written_and_what_is_not_there_is_said() {
        let mut server = server(1);
        let mut code = |command: u8, index: u16, subindex: u8| {
            let [low, high] = index.to_le_bytes();
            match asked(&mut server, 2, &[command, low, high, subindex, 1, 0, 0, 0]) {
                Own::Answered(mails) => u32::from_le_bytes(mails[0][12..16].try_into().unwrap()),
                Own::Refused(mail) => u32::from_le_bytes(mail[12..16].try_into().unwrap()),
                other => panic!("{other:?}"),
            }
        };
        // The AL control, which would change a state; and a scan.
        assert_eq!(code(0x2b, 0xa000, 2), 0x0601_0002);
        assert_eq!(code(0x2b, 0xf002, 1), 0x0601_0002);
        assert_eq!(code(0x40, 0x8000, 9), 0x0800_0020);
        assert_eq!(code(0x40, 0x8000, 41), 0x0609_0011);
        assert_eq!(code(0x40, 0x8001, 1), 0x0602_0000);
        assert_eq!(code(0x50, 0x1000, 0), 0x0601_0004);
        assert_eq!(code(0x50, 0x1018, 2), 0x0601_0004);
        assert_eq!(code(0x60, 0, 0), 0x0504_0001);
    }

    #[test]
    fn the_dictionary_is_listed_in_fragments_and_described() {
        let mut server = server(200);
        let Own::Answered(mails) = asked(&mut server, 8, &[1, 0, 0, 0, 1, 0]) else { panic!() };
        assert_eq!(mails.len(), 3);
        let bytes: Vec<u8> = mails.iter().flat_map(|mail| mail[12..].to_vec()).collect();
        assert_eq!(mails.iter().map(|mail| (mail[8], mail[10])).collect::<Vec<_>>(), [(0x82, 2), (0x82, 1), (0x02, 0)]);
        let indexes: Vec<u16> = bytes.chunks_exact(2).map(|word| u16::from_le_bytes([word[0], word[1]])).collect();
        assert_eq!((indexes[0], indexes.len()), (1, 1 + 7 + 3 * 200 + 2));
        let Own::Answered(mails) = asked(&mut server, 8, &[3, 0, 0, 0, 0x00, 0x80]) else { panic!() };
        assert_eq!(mails[0][8..18], [4, 0, 0, 0, 0x00, 0x80, 0x2a, 0, 40, 9]);
        let Own::Answered(mails) = asked(&mut server, 8, &[5, 0, 0, 0, 0x00, 0xa0, 1, 0]) else { panic!() };
        assert_eq!(mails[0][8..22], [6, 0, 0, 0, 0x00, 0xa0, 1, 0, 6, 0, 16, 0, 7, 0]);
        assert!(mails[0].ends_with(b"AL Status"));
        let Own::Answered(mails) = asked(&mut server, 8, &[3, 0, 0, 0, 0x00, 0x70]) else { panic!() };
        assert_eq!(mails[0][8..], [7, 0, 0, 0, 0, 0, 2, 6]);
    }
}
