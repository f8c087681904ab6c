//! The FoE server: files of the SubDevice are read and written (ETG.1000.6, 5.8).
//!
//! Files last until power-off. A written file replaces the one of its name once its last packet has arrived; a transfer
//! that is broken off changes nothing. Any request starts a new transfer.

use std::collections::BTreeMap;

use zerocat_wire::foe::{self, FoeError};
use zerocat_wire::{MailboxError, WireError};

use super::mailbox::Answer;
use crate::config::FoeConfig;

/// Longest name of a file.
const LONGEST_NAME: usize = 64;
/// Most files.
const MOST_FILES: usize = 64;

#[derive(Debug, Default)]
enum Transfer {
    #[default]
    None,
    /// Packet `packet`, which ends at `end`, is on its way.
    Read { file: Vec<u8>, packet: u32, end: usize, last: bool },
    /// Packet `packet` is expected.
    Write { name: Vec<u8>, file: Vec<u8>, packet: u32, busy: u32 },
}

/// Files, and the transfer that goes on.
#[derive(Debug)]
pub(super) struct Foe {
    password: u32,
    capacity: usize,
    busy: u32,
    files: BTreeMap<Vec<u8>, Vec<u8>>,
    transfer: Transfer,
}

impl Foe {
    pub(super) fn new(config: &FoeConfig) -> Self {
        let file = |(name, text): (&String, &String)| (name.clone().into_bytes(), text.clone().into_bytes());
        Self {
            password: config.password,
            capacity: usize::try_from(config.capacity).unwrap_or(usize::MAX),
            busy: config.busy,
            files: config.files.iter().map(file).collect(),
            transfer: Transfer::None,
        }
    }

    pub(super) fn end_transfer(&mut self) {
        self.transfer = Transfer::None;
    }

    /// Answers the bytes behind a mailbox header. `mail_space` and `space` are the bytes behind the header of the
    /// mailbox that the MainDevice writes and of the other.
    pub(super) fn answer(&mut self, body: &[u8], mail_space: usize, space: usize) -> Answer {
        let request = foe::Foe::parse(body).map_err(|error| match error {
            WireError::Truncated { .. } => MailboxError::SIZE_TOO_SHORT,
            _ => MailboxError::INVALID_HEADER,
        })?;
        let room = space.saturating_sub(foe::HEADER_LEN);
        let answered = match request {
            foe::Foe::ReadRequest { password, name } => self.start_read(password, name, room),
            foe::Foe::WriteRequest { password, name } => self.start_write(password, name),
            foe::Foe::Data { packet, data } => {
                self.take(packet, data, data.len() < mail_space.saturating_sub(foe::HEADER_LEN))
            }
            foe::Foe::Ack { packet } => self.next(packet, room),
            // The MainDevice is busy: the packet that is on its way is sent again.
            foe::Foe::Busy { .. } => self.resend(room),
            foe::Foe::Error { .. } => {
                self.end_transfer();
                return Ok(Vec::new());
            }
        };
        let answered = answered.unwrap_or_else(|code| {
            self.end_transfer();
            let text = code.text().as_bytes();
            Some(emitted(&foe::Foe::Error { code, text: text.get(..text.len().min(room)).unwrap_or_default() }))
        });
        Ok(answered.into_iter().collect())
    }

    fn admit(&self, password: u32, name: &[u8]) -> Result<Vec<u8>, FoeError> {
        if self.password != 0 && password != self.password {
            return Err(FoeError::ACCESS_DENIED);
        }
        // Some masters send the zero that ends the name.
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        let named = (1..=LONGEST_NAME).contains(&name.len());
        if named { Ok(name.to_vec()) } else { Err(FoeError::ILLEGAL) }
    }

    fn start_read(&mut self, password: u32, name: &[u8], room: usize) -> Result<Option<Vec<u8>>, FoeError> {
        self.end_transfer();
        let name = self.admit(password, name)?;
        let file = self.files.get(&name).ok_or(FoeError::NOT_FOUND)?.clone();
        self.transfer = Transfer::Read { file, packet: 0, end: 0, last: false };
        self.next(0, room)
    }

    fn start_write(&mut self, password: u32, name: &[u8]) -> Result<Option<Vec<u8>>, FoeError> {
        self.end_transfer();
        let name = self.admit(password, name)?;
        if !self.files.contains_key(&name) && self.files.len() >= MOST_FILES {
            return Err(FoeError::DISK_FULL);
        }
        self.transfer = Transfer::Write { name, file: Vec::new(), packet: 1, busy: self.busy };
        Ok(Some(emitted(&foe::Foe::Ack { packet: 0 })))
    }

    /// The packet after the acknowledged one; none after the last.
    fn next(&mut self, acknowledged: u32, room: usize) -> Result<Option<Vec<u8>>, FoeError> {
        let Transfer::Read { file, packet, end, last } = &mut self.transfer else { return Err(FoeError::ILLEGAL) };
        if acknowledged != *packet {
            return Err(FoeError::PACKET_NUMBER);
        }
        if *last {
            self.end_transfer();
            return Ok(None);
        }
        let start = *end;
        *end = file.len().min(start + room);
        *last = *end - start < room;
        *packet = packet.wrapping_add(1);
        Ok(Some(emitted(&foe::Foe::Data { packet: *packet, data: &file[start..*end] })))
    }

    fn resend(&self, room: usize) -> Result<Option<Vec<u8>>, FoeError> {
        let Transfer::Read { file, packet, end, .. } = &self.transfer else { return Err(FoeError::ILLEGAL) };
        let before = usize::try_from(packet.saturating_sub(1)).unwrap_or(usize::MAX);
        let start = before.saturating_mul(room).min(*end);
        let data = file.get(start..*end).unwrap_or_default();
        Ok(Some(emitted(&foe::Foe::Data { packet: *packet, data })))
    }

    fn take(&mut self, number: u32, data: &[u8], last: bool) -> Result<Option<Vec<u8>>, FoeError> {
        let Transfer::Write { name, file, packet, busy } = &mut self.transfer else { return Err(FoeError::ILLEGAL) };
        if number != *packet {
            return Err(FoeError::PACKET_NUMBER);
        }
        if *busy > 0 {
            let done = u16::try_from(self.busy - *busy).unwrap_or(u16::MAX);
            let entire = u16::try_from(self.busy).unwrap_or(u16::MAX);
            *busy -= 1;
            return Ok(Some(emitted(&foe::Foe::Busy { done, entire, text: b"" })));
        }
        let others: usize = self.files.iter().filter(|(other, _)| *other != name).map(|(_, file)| file.len()).sum();
        if others + file.len() + data.len() > self.capacity {
            return Err(FoeError::DISK_FULL);
        }
        file.extend_from_slice(data);
        *packet = packet.wrapping_add(1);
        if last {
            let (name, file) = (std::mem::take(name), std::mem::take(file));
            self.files.insert(name, file);
            self.end_transfer();
        }
        Ok(Some(emitted(&foe::Foe::Ack { packet: number })))
    }
}

fn emitted(mail: &foe::Foe<'_>) -> Vec<u8> {
    let tail = match mail {
        foe::Foe::Data { data, .. } => data.len(),
        foe::Foe::Error { text, .. } => text.len(),
        _ => 0,
    };
    let mut body = vec![0; foe::HEADER_LEN + tail];
    let len = mail.emit(&mut body).unwrap_or(0);
    body.truncate(len);
    body
}
