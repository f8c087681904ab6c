//! Files over a mailbox: reading and writing by FoE (ETG.1000.6, 5.8), in any state in which the SubDevice takes files.
//!
//! Guarantees: a packet follows the one before by its number, and one that came already is passed over; a SubDevice that is busy gets
//! the same packet again, and its time anew; the end of a file is a packet that doesn't fill the mailbox that carries it, so that
//! a file which fills its packets exactly is ended by an empty one; a transfer whose answer was lost for good begins anew.
//!
//! Not guaranteed: a bound on the whole. Whoever transfers drops the future at its deadline, and the SubDevice forgets the transfer
//! with the next request.

use crate::again::{Effect, TransferError, again};
use crate::datagrams::Datagrams;
use crate::error::Label;
use crate::mailbox::{MailError, MailFailure, Mailbox};
use std::cell::Cell;
use std::time::Duration;
use zerocat_wire::foe::{Foe, FoeError, HEADER_LEN};
use zerocat_wire::mailbox::{self, MailboxHeader, MailboxType};

/// Times of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileTimes {
    /// Until a packet must be answered: flash memory is erased meanwhile.
    pub response: Duration,
    /// How long the SubDevice may say in a row that it is busy.
    pub busy: Duration,
    /// Pause before a busy SubDevice is asked again.
    pub pause: Duration,
}

impl Default for FileTimes {
    fn default() -> Self {
        let (response, busy) = (Duration::from_secs(10), Duration::from_secs(120));
        Self { response, busy, pause: Duration::from_millis(10) }
    }
}

/// Which file of a SubDevice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File<'a> {
    /// Its name, in the bytes that the SubDevice knows it by.
    pub name: &'a str,
    /// Password, 0 for none.
    pub password: u32,
    /// Times of the transfer.
    pub times: FileTimes,
}

impl<'a> File<'a> {
    /// A file without a password.
    #[must_use]
    pub fn named(name: &'a str) -> Self {
        Self { name, password: 0, times: FileTimes::default() }
    }
}

/// How far a transfer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileProgress {
    /// So many bytes of the file went across.
    Bytes(usize),
    /// The SubDevice is busy with the last packet.
    Busy {
        /// How far its work is.
        done: u16,
        /// What `done` is out of; 0 where it counts in percent.
        entire: u16,
        /// In its words, may be empty.
        text: String,
    },
}

/// Which way a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileWay {
    /// From the SubDevice.
    Read,
    /// To the SubDevice.
    Write,
}

/// A transfer, as messages show it: `SubDevice 2 (EL6695): FoE read of "firmware.bin"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileTransfer {
    /// Whose file.
    pub who: Label,
    /// Which way.
    pub way: FileWay,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for FileTransfer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { who, way, name } = self;
        let way = match way {
            FileWay::Read => "read",
            FileWay::Write => "write",
        };
        write!(f, "{who}: FoE {way} of {name:?}")
    }
}

/// Why a file didn't go across.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The SubDevice refused.
    #[error("{transfer}: refused with {}{}", .code.with_base(), said(*.code, .text))]
    Refused {
        /// What was transferred.
        transfer: FileTransfer,
        /// Its code, as it came.
        code: FoeError,
        /// Its words, may be empty.
        text: String,
    },
    /// The mailbox failed.
    #[error("{transfer}: {source}")]
    Mail {
        /// What was transferred.
        transfer: FileTransfer,
        /// Why.
        source: MailError,
    },
    /// It stayed busy.
    #[error("{transfer}: the SubDevice was busy for {waited:?} with one packet")]
    Busy {
        /// What was transferred.
        transfer: FileTransfer,
        /// How long.
        waited: Duration,
    },
    /// A packet that doesn't follow the one before.
    #[error("{transfer}: packet {got} instead of {expected}")]
    Packet {
        /// What was transferred.
        transfer: FileTransfer,
        /// The packet that came or was acknowledged.
        got: u32,
        /// The one that should have been.
        expected: u32,
    },
    /// The file is longer than is wanted.
    #[error("{transfer}: the file is longer than {limit} bytes")]
    TooLong {
        /// What was transferred.
        transfer: FileTransfer,
        /// The limit.
        limit: usize,
    },
    /// The mailboxes have no room for a byte of a file.
    #[error("{transfer}: the mailbox of {room} bytes has no room for data")]
    NoRoom {
        /// What was transferred.
        transfer: FileTransfer,
        /// Bytes of the mailbox.
        room: usize,
    },
    /// The SubDevice has no mailbox, or none with FoE.
    #[error("{who} has no FoE mailbox")]
    NoFoe {
        /// Who.
        who: Label,
    },
}

impl TransferError for FileError {
    fn mail(&self) -> Option<&MailError> {
        match self {
            Self::Mail { source, .. } => Some(source),
            _ => None,
        }
    }

    fn other(&self) -> MailFailure {
        match self {
            Self::Refused { .. } => MailFailure::Abort,
            Self::Busy { .. } => MailFailure::Busy,
            Self::Packet { .. } => MailFailure::ParseReject,
            _ => MailFailure::Other,
        }
    }
}

/// Its words, where they say more than the code's.
fn said(code: FoeError, text: &str) -> String {
    if text.is_empty() || code.with_base().to_string().ends_with(text) { String::new() } else { format!(" ({text})") }
}

/// A packet that came, or the acknowledge of one.
struct Packet {
    number: u32,
    /// `None` in an acknowledge.
    data: Option<Vec<u8>>,
}

/// An answer, out of its mail.
enum Reply {
    Packet(Packet),
    Busy { done: u16, entire: u16, text: String },
    Error { code: FoeError, text: String },
}

impl Mailbox {
    /// Reads a file of at most `limit` bytes.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn read_file(
        &mut self,
        datagrams: &Datagrams,
        file: File<'_>,
        limit: usize,
        mut progress: impl FnMut(FileProgress),
    ) -> Result<Vec<u8>, FileError> {
        let once = async |mailbox: &mut Self| mailbox.read_once(datagrams, file, limit, &mut progress).await;
        again(self, datagrams, Effect::File, once).await
    }

    /// Writes a file.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn write_file(
        &mut self,
        datagrams: &Datagrams,
        file: File<'_>,
        content: &[u8],
        mut progress: impl FnMut(FileProgress),
    ) -> Result<(), FileError> {
        let once = async |mailbox: &mut Self| mailbox.write_once(datagrams, file, content, &mut progress).await;
        again(self, datagrams, Effect::File, once).await
    }

    async fn read_once(
        &mut self,
        datagrams: &Datagrams,
        file: File<'_>,
        limit: usize,
        progress: &mut impl FnMut(FileProgress),
    ) -> Result<Vec<u8>, FileError> {
        let transfer = self.file_transfer(FileWay::Read, file);
        let room = self.room_for_data(&transfer, self.info().read_len)?;
        let (mut content, mut packet) = (Vec::new(), 0);
        let mut request = Foe::ReadRequest { password: file.password, name: file.name.as_bytes() };
        loop {
            let wanted = packet + 1;
            let answer = self.ask_file(datagrams, &transfer, file.times, request, packet, progress).await?;
            let Packet { number, data: Some(data) } = answer else {
                return Err(self.out_of_turn(datagrams, transfer, answer.number, wanted).await);
            };
            if number != wanted {
                return Err(self.out_of_turn(datagrams, transfer, number, wanted).await);
            }
            if content.len() + data.len() > limit {
                self.end_file(datagrams, FoeError::DISK_FULL).await;
                return Err(FileError::TooLong { transfer, limit });
            }
            let last = data.len() < room;
            content.extend(data);
            progress(FileProgress::Bytes(content.len()));
            packet = wanted;
            request = Foe::Ack { packet };
            if last {
                self.tell_file(datagrams, request).await.map_err(|source| FileError::Mail { transfer, source })?;
                return Ok(content);
            }
        }
    }

    async fn write_once(
        &mut self,
        datagrams: &Datagrams,
        file: File<'_>,
        content: &[u8],
        progress: &mut impl FnMut(FileProgress),
    ) -> Result<(), FileError> {
        let transfer = self.file_transfer(FileWay::Write, file);
        let room = self.room_for_data(&transfer, self.info().write_len)?;
        let request = Foe::WriteRequest { password: file.password, name: file.name.as_bytes() };
        self.acknowledged(datagrams, &transfer, file.times, request, 0, progress).await?;
        let mut packet = 0;
        let mut sent = 0;
        loop {
            let data = &content[sent..content.len().min(sent + room)];
            packet += 1;
            let request = Foe::Data { packet, data };
            self.acknowledged(datagrams, &transfer, file.times, request, packet, progress).await?;
            sent += data.len();
            progress(FileProgress::Bytes(sent));
            if data.len() < room {
                return Ok(());
            }
        }
    }

    /// Sends a packet and has it acknowledged.
    async fn acknowledged(
        &mut self,
        datagrams: &Datagrams,
        transfer: &FileTransfer,
        times: FileTimes,
        request: Foe<'_>,
        expected: u32,
        progress: &mut impl FnMut(FileProgress),
    ) -> Result<(), FileError> {
        // An acknowledge of the packet before comes once more after a repetition.
        let before = expected.wrapping_sub(1);
        let answer = self.ask_file(datagrams, transfer, times, request, before, progress).await?;
        if answer.number == expected && answer.data.is_none() {
            return Ok(());
        }
        Err(self.out_of_turn(datagrams, transfer.clone(), answer.number, expected).await)
    }

    /// One request and its answer, which is neither an error nor `busy`. Packet `before` is an answer from before.
    async fn ask_file(
        &mut self,
        datagrams: &Datagrams,
        transfer: &FileTransfer,
        times: FileTimes,
        mut request: Foe<'_>,
        before: u32,
        progress: &mut impl FnMut(FileProgress),
    ) -> Result<Packet, FileError> {
        let start = datagrams.now();
        loop {
            let got = Cell::new(None);
            let answers = |header: &MailboxHeader, body: &[u8]| {
                let reply = reply(header, body, before);
                let answers = reply.is_some();
                got.set(reply);
                answers
            };
            let failed = |source| FileError::Mail { transfer: transfer.clone(), source };
            let emit = |mail: &mut [u8], counter: u8| {
                mailbox::emit(mail, MailboxHeader::new(MailboxType::Foe, counter, 0), |body| request.emit(body))
            };
            self.exchange_within(datagrams, times.response, emit, answers).await.map_err(failed)?;
            match got.take() {
                Some(Reply::Busy { done, entire, text }) => {
                    progress(FileProgress::Busy { done, entire, text });
                    let waited = datagrams.now().saturating_sub(start);
                    if waited > times.busy {
                        return Err(FileError::Busy { transfer: transfer.clone(), waited });
                    }
                    datagrams.pause(times.pause).await;
                    // A second request to read is an illegal operation to many.
                    if let Foe::ReadRequest { .. } = request {
                        request = Foe::Ack { packet: 0 };
                    }
                }
                Some(Reply::Error { code, text }) => {
                    return Err(FileError::Refused { transfer: transfer.clone(), code, text });
                }
                Some(Reply::Packet(packet)) => return Ok(packet),
                None => return Err(failed(MailError::Lost)),
            }
        }
    }

    async fn out_of_turn(
        &mut self,
        datagrams: &Datagrams,
        transfer: FileTransfer,
        got: u32,
        expected: u32,
    ) -> FileError {
        self.end_file(datagrams, FoeError::PACKET_NUMBER).await;
        FileError::Packet { transfer, got, expected }
    }

    /// Ends a transfer from this side. It isn't answered, and where it doesn't arrive the next request ends the transfer.
    async fn end_file(&mut self, datagrams: &Datagrams, code: FoeError) {
        let _ = self.tell_file(datagrams, Foe::Error { code, text: &[] }).await;
    }

    async fn tell_file(&mut self, datagrams: &Datagrams, told: Foe<'_>) -> Result<(), MailError> {
        let emit = |mail: &mut [u8], counter: u8| {
            mailbox::emit(mail, MailboxHeader::new(MailboxType::Foe, counter, 0), |body| told.emit(body))
        };
        self.send(datagrams, emit).await
    }

    fn file_transfer(&self, way: FileWay, file: File<'_>) -> FileTransfer {
        FileTransfer { who: self.who().clone(), way, name: file.name.to_owned() }
    }

    fn room_for_data(&self, transfer: &FileTransfer, mailbox: u16) -> Result<usize, FileError> {
        let room = usize::from(mailbox);
        match room.checked_sub(mailbox::HEADER_LEN + HEADER_LEN) {
            Some(data) if data > 0 => Ok(data),
            _ => Err(FileError::NoRoom { transfer: transfer.clone(), room }),
        }
    }
}

/// What a mail says to a file's request; `None` where it is of something else, or packet `before` once more.
fn reply(header: &MailboxHeader, body: &[u8], before: u32) -> Option<Reply> {
    if header.kind != MailboxType::Foe {
        return None;
    }
    let words = |text: &[u8]| String::from_utf8_lossy(text).trim_end_matches('\0').to_owned();
    match Foe::parse(body).ok()? {
        Foe::Data { packet, .. } | Foe::Ack { packet } if packet == before => None,
        Foe::Data { packet, data } => Some(Reply::Packet(Packet { number: packet, data: Some(data.to_vec()) })),
        Foe::Ack { packet } => Some(Reply::Packet(Packet { number: packet, data: None })),
        Foe::Busy { done, entire, text } => Some(Reply::Busy { done, entire, text: words(text) }),
        Foe::Error { code, text } => Some(Reply::Error { code, text: words(text) }),
        Foe::ReadRequest { .. } | Foe::WriteRequest { .. } => None,
    }
}
