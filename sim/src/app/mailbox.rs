//! The mailbox of a SubDevice: one request in, one reply out (ETG.1000.4, 5.6; ETG.1000.6, 5.6).
//!
//! A request is taken only when the reply before it has been read and nothing waits to be sent. A request with the
//! counter of the one before is a repetition and dropped. A reply that got lost is put back when the MainDevice
//! toggles the repeat request.

use std::collections::VecDeque;

use zerocat_wire::mailbox::{self, MailboxError, MailboxHeader, MailboxType};
use zerocat_wire::{AlState, WireError, coe};

use super::sdo::SdoServer;
use super::sdo_info;
use crate::describe::dictionary::Dictionary;
use crate::esc::Esc;
use crate::profile::Values;

const OUT: u8 = 0;
const IN: u8 = 1;

/// Shortest mailbox: header, CoE header and one expedited SDO.
pub(super) const SHORTEST: u16 = 16;
/// Longest mail that is built.
const LONGEST: usize = 1486;

/// State of the mailbox.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    requests: u64,
    sdo: SdoServer,
    /// Counter of the last request; 0 before the first.
    heard: u8,
    /// Counter of the last reply.
    said: u8,
    /// The last reply, in case it is asked for again.
    last: Vec<u8>,
    /// Mails that wait for the reply mailbox.
    waiting: VecDeque<Vec<u8>>,
}

impl Mailbox {
    /// A fresh mailbox that goes on counting requests.
    pub(super) fn after_reset(&self) -> Self {
        Self { requests: self.requests, ..Self::default() }
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    /// Does what can be done now.
    pub(super) fn run(&mut self, esc: &mut Esc, dictionary: &mut Dictionary, values: &mut Values, state: AlState) {
        if esc.repeat_asked(IN) {
            if !self.last.is_empty() {
                esc.put_mail(IN, &self.last);
            }
            esc.acknowledge_repeat(IN);
        }
        self.send(esc);
        while esc.mail_waits(OUT) && !esc.mail_waits(IN) && self.waiting.is_empty() {
            let mail = esc.area(OUT).to_vec();
            esc.take_mail(OUT);
            self.take(&mail, usize::from(esc.sync_manager(IN).length), dictionary, values, state);
            self.send(esc);
        }
    }

    fn send(&mut self, esc: &mut Esc) {
        if !esc.mail_waits(IN)
            && let Some(mail) = self.waiting.pop_front()
        {
            esc.put_mail(IN, &mail);
            self.last = mail;
        }
    }

    fn take(&mut self, mail: &[u8], room: usize, dictionary: &mut Dictionary, values: &mut Values, state: AlState) {
        let header = MailboxHeader::parse(mail);
        if let Ok(header) = header {
            if header.counter != 0 && header.counter == self.heard {
                return;
            }
            self.heard = header.counter;
        }
        self.requests += 1;
        let room = room.min(LONGEST);
        let answer = match mailbox::open(mail) {
            Ok((MailboxHeader { kind: MailboxType::Coe, .. }, body)) => self.coe(body, room, dictionary, values, state),
            Ok(_) => Err(MailboxError::UNSUPPORTED_PROTOCOL),
            Err(WireError::Truncated { .. }) => Err(MailboxError::INVALID_SIZE),
            Err(_) => Err(MailboxError::UNSUPPORTED_PROTOCOL),
        };
        if let Err(error) = answer {
            self.queue(room, |mail, counter| {
                let header = MailboxHeader::new(MailboxType::Error, counter, 0);
                mailbox::emit(mail, header, |body| error.emit(body))
            });
        }
    }

    fn coe(
        &mut self,
        body: &[u8],
        room: usize,
        dictionary: &mut Dictionary,
        values: &mut Values,
        state: AlState,
    ) -> Result<(), MailboxError> {
        let (header, body) = coe::CoeHeader::parse(body).map_err(|_| MailboxError::INVALID_HEADER)?;
        match header.service {
            coe::CoeService::SdoRequest => {
                let mut server = std::mem::take(&mut self.sdo);
                let reply = server.request(body, room, dictionary, values, state);
                self.sdo = server;
                if let Some((service, reply)) = reply {
                    self.queue_coe(room, service, &reply);
                }
                Ok(())
            }
            coe::CoeService::SdoInformation => {
                let space = room.saturating_sub(mailbox::HEADER_LEN + coe::HEADER_LEN);
                for reply in sdo_info::answer(body, space, dictionary) {
                    self.queue_coe(room, coe::CoeService::SdoInformation, &reply);
                }
                Ok(())
            }
            _ => Err(MailboxError::SERVICE_NOT_SUPPORTED),
        }
    }

    fn queue_coe(&mut self, room: usize, service: coe::CoeService, reply: &[u8]) {
        self.queue(room, |mail, counter| {
            coe::emit(mail, counter, service, |body| {
                body.get_mut(..reply.len()).ok_or(WireError::NoRoom)?.copy_from_slice(reply);
                Ok(reply.len())
            })
        });
    }

    fn queue(&mut self, room: usize, write: impl FnOnce(&mut [u8], u8) -> Result<usize, WireError>) {
        let mut mail = vec![0; room];
        let counter = mailbox::next_counter(self.said);
        if let Ok(len) = write(&mut mail, counter) {
            mail.truncate(len);
            self.said = counter;
            self.waiting.push_back(mail);
        }
    }
}
