//! A SubDevice that has nothing but two mailboxes and plain memory, and answers mails as a test tells it to: what a
//! simulated device with manners would never do.

use std::collections::VecDeque;
use std::time::Duration;

use zerocat_bus::{Label, Mailbox, MailboxInfo};
use zerocat_wire::coe::{self, CoeService, Emergency, SdoRequest, SdoResponse};
use zerocat_wire::mailbox::{self, MailboxHeader};
use zerocat_wire::{Command, FrameViewMut};

use super::Segment;

pub(crate) const STATION: u16 = 0x1001;
const WRITE: usize = 0x1000;
const READ: usize = 0x1080;
const LEN: usize = 128;
const SM0: usize = 0x0800;
const SM1: usize = 0x0808;

pub(crate) fn mailbox() -> Mailbox {
    let info = MailboxInfo {
        write_channel: 0,
        write_start: 0x1000,
        write_len: 128,
        read_channel: 1,
        read_start: 0x1080,
        read_len: 128,
        protocols: 4,
    };
    Mailbox::new(Label { position: 3, name: "EL3002".into() }, STATION, info)
}

/// Takes a mail (header and the bytes behind it) and gives the mails that come back, in order.
type Answer = Box<dyn FnMut(MailboxHeader, &[u8]) -> Vec<Vec<u8>>>;

pub(crate) struct Mailman {
    memory: Vec<u8>,
    answer: Answer,
    waiting: VecDeque<Vec<u8>>,
    last: Vec<u8>,
    heard: u8,
    pub(crate) repeats: bool,
    /// A repeat request brings the mail before the last one.
    pub(crate) forgets: bool,
    before: Vec<u8>,
    pub(crate) requests: u32,
    /// Takes no mail: what is written stays in the mailbox.
    pub(crate) frozen: bool,
    /// Looks at a full mailbox after which it takes its mail all the same; the status shows it as full until then.
    pub(crate) slow: u32,
    /// A mail that comes at a time, whatever is asked.
    pub(crate) later: Option<(Duration, Vec<u8>)>,
    /// Status bytes that were read.
    pub(crate) statuses: u32,
    /// Its status never says that the mailbox that is read is full.
    pub(crate) hides: bool,
}

impl Mailman {
    pub(crate) fn new(answer: impl FnMut(MailboxHeader, &[u8]) -> Vec<Vec<u8>> + 'static) -> Self {
        let (waiting, last) = (VecDeque::new(), Vec::new());
        let answer = Box::new(answer);
        Self {
            memory: vec![0; 0x2000],
            answer,
            waiting,
            last,
            heard: 0,
            repeats: true,
            forgets: false,
            before: Vec::new(),
            requests: 0,
            frozen: false,
            slow: 0,
            later: None,
            statuses: 0,
            hides: false,
        }
    }

    /// Answers SDO requests only, with SDO responses.
    pub(crate) fn sdo(mut answer: impl FnMut(SdoRequest<'_>) -> Vec<Vec<u8>> + 'static) -> Self {
        Self::new(move |_, body| {
            let (_, rest) = coe::CoeHeader::parse(body).expect("CoE");
            answer(SdoRequest::parse(rest).expect("an SDO request"))
        })
    }

    /// Has a mail in the mailbox that is written, which it hasn't taken yet.
    pub(crate) fn fill(&mut self) {
        self.memory[SM0 + 5] |= 0x08;
    }

    /// Puts a mail into the reply mailbox, or behind those that wait for it.
    pub(crate) fn post(&mut self, mail: Vec<u8>) {
        self.waiting.push_back(mail);
        self.deliver();
    }

    fn full(&self, channel: usize) -> bool {
        self.memory[channel + 5] & 0x08 != 0
    }

    fn deliver(&mut self) {
        if !self.full(SM1)
            && let Some(mail) = self.waiting.pop_front()
        {
            self.put(&mail);
            self.before = std::mem::replace(&mut self.last, mail);
        }
    }

    fn put(&mut self, mail: &[u8]) {
        self.memory[READ..READ + LEN].fill(0);
        self.memory[READ..READ + mail.len()].copy_from_slice(mail);
        self.memory[SM1 + 5] |= 0x08;
    }

    fn read(&mut self, at: usize, data: &mut [u8]) -> bool {
        if at == READ && !self.full(SM1) {
            return false;
        }
        data.copy_from_slice(&self.memory[at..at + data.len()]);
        if at == SM0 + 5 || at == SM1 + 5 {
            self.statuses += 1;
            if self.hides && at + data.len() > SM1 + 5 {
                data[SM1 + 5 - at] &= !0x08;
            }
            self.slow = self.slow.saturating_sub(1);
            if self.slow == 0 && !self.frozen {
                self.memory[SM0 + 5] &= !0x08;
            }
        }
        if at == READ {
            self.memory[SM1 + 5] &= !0x08;
        }
        true
    }

    fn write(&mut self, at: usize, data: &[u8]) -> bool {
        if at == WRITE && self.full(SM0) {
            return false;
        }
        self.memory[at..at + data.len()].copy_from_slice(data);
        if at == SM1 + 6 && self.repeats {
            self.memory[SM1 + 7] = data[0] & 0x02;
            let again = if self.forgets { self.before.clone() } else { self.last.clone() };
            // Who has nothing to repeat acknowledges all the same.
            if !again.is_empty() {
                self.put(&again);
            }
        }
        if at == WRITE && self.frozen {
            self.memory[SM0 + 5] |= 0x08;
        } else if at == WRITE {
            let (header, body) = mailbox::open(data).expect("a mail");
            if header.counter == self.heard {
                return true;
            }
            self.heard = header.counter;
            self.requests += 1;
            self.waiting.extend((self.answer)(header, body));
        }
        true
    }
}

impl Segment for Mailman {
    fn process(&mut self, frame: &mut [u8], now: Duration) -> bool {
        if let Some((_, mail)) = self.later.take_if(|(at, _)| *at <= now) {
            self.post(mail);
        }
        let mut frame = FrameViewMut::new_checked(frame).expect("a frame");
        frame.mark_returned();
        for mut datagram in frame.datagrams_mut() {
            let (command, address) = (datagram.view().command(), datagram.view().address());
            let at = usize::from(address.ado());
            let done = match command {
                Ok(Command::Fprd) if address.adp() == STATION => self.read(at, datagram.data_mut()),
                Ok(Command::Fpwr) if address.adp() == STATION => self.write(at, datagram.view().data()),
                _ => false,
            };
            datagram.add_working_counter(u16::from(done));
        }
        self.deliver();
        true
    }
}

/// A mail with an SDO response. The counter is one that answers nobody's.
pub(crate) fn response(response: &SdoResponse<'_>) -> Vec<u8> {
    mail(CoeService::SdoResponse, |room| response.emit(room))
}

/// A mail with an emergency.
pub(crate) fn emergency(code: u16) -> Vec<u8> {
    let emergency = Emergency { code, register: 1, data: [0; 5] };
    mail(CoeService::Emergency, |room| emergency.emit(room))
}

fn mail(service: CoeService, body: impl FnOnce(&mut [u8]) -> Result<usize, zerocat_wire::WireError>) -> Vec<u8> {
    let mut mail = vec![0; LEN];
    let len = coe::emit(&mut mail, 5, service, body).expect("fits");
    mail.truncate(len);
    mail
}
