//! Mails of somebody else's, handed to a SubDevice beside the MainDevice's own: what a mailbox gateway does on the bus thread.
//!
//! Guarantees: a mail gets the mailbox's own counter and address 0, whatever it came with; what is told as its answer answers it by
//! protocol and content, and bears the address that it came with; while a transfer goes on, of which the client sends every mail,
//! nobody else has the mailbox; a client that sends nothing more for the hold time is given up, and the SubDevice is told so. What
//! only reads is asked again where its answer got lost.
//!
//! Not guaranteed: that a SubDevice takes the mail. One that it doesn't speak the protocol of says so itself.

mod answer;
mod ask;
mod refusal;

pub use ask::{Ask, NoAsk, Turn};
pub use refusal::{Refused, unsupported};

use crate::datagrams::Datagrams;
use crate::foe::FileTimes;
use crate::job::Place;
use crate::mailbox::{MailError, Mailbox};
use crate::request::RequestError;
use answer::{Rooms, Then, To};
use std::cell::Cell;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::task::Poll;
use std::time::Duration;
use zerocat_wire::WireError;
use zerocat_wire::mailbox::{self, MailboxError, MailboxHeader, MailboxType};

/// Times that a mail which only reads is sent while its answers get lost.
const ATTEMPTS: u8 = 3;
/// Mails that may make up one answer: a list of 65,536 objects in the smallest mailboxes.
const PARTS: usize = 8192;

/// A mail that a client sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignMail {
    /// Its header as it came.
    pub header: MailboxHeader,
    /// What it asks.
    pub ask: Ask,
    body: Vec<u8>,
}

impl ForeignMail {
    /// Reads a whole mail; bytes behind it don't count.
    ///
    /// # Errors
    /// [`NoAsk`].
    pub fn parse(mail: &[u8]) -> Result<Self, NoAsk> {
        let (header, body) = mailbox::open(mail).map_err(|_| NoAsk::Damaged)?;
        Ok(Self { header, ask: Ask::of(header.kind, body)?, body: body.to_vec() })
    }

    /// What is behind its header.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// A mail to whoever sent it: with the address that it came with.
    #[must_use]
    pub fn reply(&self, kind: MailboxType, counter: u8, body: &[u8]) -> Vec<u8> {
        mail_to(self.header.address, kind, counter, body)
    }
}

/// A whole mail with an address.
#[must_use]
pub fn mail_to(address: u16, kind: MailboxType, counter: u8, body: &[u8]) -> Vec<u8> {
    // A body comes out of a mail, whose length has 16 bits.
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
    let header = MailboxHeader { address, ..MailboxHeader::new(kind, counter, length) };
    [&header.emit(), body.get(..usize::from(length)).unwrap_or_default()].concat()
}

/// What becomes of a client's mails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelayEvent {
    /// The mailbox is theirs.
    Begun,
    /// A mail for the client.
    Answer(Vec<u8>),
    /// The SubDevice gave no answer.
    Silent(MailError),
    /// A mail that followed when its transfer was over already: it is handed to nobody.
    TooLate(ForeignMail),
}

/// A client's mail and those that follow it in the same transfer.
#[derive(Debug)]
pub struct Relay<T> {
    /// The first mail.
    pub first: ForeignMail,
    /// What follows. Its other end dropped ends the transfer.
    pub following: Receiver<ForeignMail>,
    /// How long the next mail of a transfer is waited for.
    pub hold: Duration,
    /// Who is told, on the bus thread: it is to be brief.
    pub tell: T,
}

impl<T: FnMut(RelayEvent)> Relay<T> {
    /// Hands the mails to a SubDevice, as work for [`Requests::mail`](crate::Requests::mail).
    ///
    /// # Errors
    /// None: what fails is told.
    pub async fn run(self, at: Place<'_>) -> Result<(), RequestError> {
        let Self { first, following, hold, mut tell } = self;
        tell(RelayEvent::Begun);
        let Place { datagrams, mailbox: Some(mailbox), .. } = at else { return Ok(()) };
        let rooms = Rooms { write: usize::from(mailbox.info().write_len), read: usize::from(mailbox.info().read_len) };
        let (mut mail, mut course) = (first, Course { rooms, file_ended: false });
        loop {
            let then = match course.exchange(datagrams, mailbox, &mail, &mut tell).await {
                Ok(then) => then,
                Err(source) => {
                    tell(RelayEvent::Silent(source));
                    // In the middle of a transfer a client may ask again.
                    if mail.ask.turn() == Turn::Following { Then::Continues } else { Then::Over }
                }
            };
            if then == Then::Over {
                following.try_iter().for_each(|mail| tell(RelayEvent::TooLate(mail)));
                return Ok(());
            }
            let Some(next) = next_of(datagrams, &following, hold).await else { break };
            mail = next;
        }
        give_up(datagrams, mailbox, &mail).await;
        Ok(())
    }
}

/// The next mail of a transfer, if it comes in time.
async fn next_of(datagrams: &Datagrams, following: &Receiver<ForeignMail>, hold: Duration) -> Option<ForeignMail> {
    let end = datagrams.now().saturating_add(hold);
    let next = std::future::poll_fn(|_| match following.try_recv() {
        Ok(mail) => Poll::Ready(Some(mail)),
        Err(TryRecvError::Empty) => Poll::Pending,
        Err(TryRecvError::Disconnected) => Poll::Ready(None),
    });
    datagrams.by(end, next).await.flatten()
}

/// Tells a SubDevice that a transfer doesn't go on.
async fn give_up(datagrams: &Datagrams, mailbox: &mut Mailbox, last: &ForeignMail) {
    let Some((kind, body)) = refusal::given_up(&last.ask) else { return };
    let told = mailbox.send(datagrams, |mail, counter| write(mail, MailboxHeader::new(kind, counter, 0), &body)).await;
    if let Err(error) = told {
        tracing::debug!(subdevice = %mailbox.who(), %error, "a client's transfer isn't ended");
    }
}

/// How far a transfer is.
struct Course {
    rooms: Rooms,
    /// The last packet of a file has come.
    file_ended: bool,
}

impl Course {
    /// One mail and its answer, which may be several mails.
    async fn exchange(
        &mut self,
        datagrams: &Datagrams,
        mailbox: &mut Mailbox,
        mail: &ForeignMail,
        tell: &mut impl FnMut(RelayEvent),
    ) -> Result<Then, MailError> {
        if let Some(then) = mail.ask.without_answer(self.file_ended) {
            mailbox.send(datagrams, |room, counter| emit(mail, room, counter)).await?;
            return Ok(then);
        }
        let mut attempts = if mail.ask.writes() || mail.ask.turn() != Turn::First { 1 } else { ATTEMPTS };
        let error = loop {
            attempts -= 1;
            match self.first_answer(datagrams, mailbox, mail).await {
                Err(MailError::Lost | MailError::Older) if attempts > 0 => {}
                Err(MailError::Refused(error)) => break error,
                Err(MailError::TooLong { .. }) => break MailboxError::INVALID_SIZE,
                Err(other) => return Err(other),
                Ok(answer) => return self.rest(datagrams, mailbox, mail, answer, tell).await,
            }
        };
        tell(RelayEvent::Answer(refusal::error_mail(mail, error)));
        Ok(Then::Over)
    }

    async fn first_answer(
        &self,
        datagrams: &Datagrams,
        mailbox: &mut Mailbox,
        mail: &ForeignMail,
    ) -> Result<Answer, MailError> {
        let found = Cell::new(None);
        let answers = |header: &MailboxHeader, body: &[u8]| self.note(&found, mail, To::First, header, body);
        let emit = |room: &mut [u8], counter: u8| emit(mail, room, counter);
        let body = if mail.header.kind == MailboxType::Foe {
            mailbox.exchange_within(datagrams, FileTimes::default().response, emit, answers).await?
        } else {
            mailbox.exchange(datagrams, emit, answers).await?
        };
        Answer::of(&found, body)
    }

    /// Tells an answer and the mails that belong to it.
    async fn rest(
        &mut self,
        datagrams: &Datagrams,
        mailbox: &mut Mailbox,
        mail: &ForeignMail,
        mut answer: Answer,
        tell: &mut impl FnMut(RelayEvent),
    ) -> Result<Then, MailError> {
        for _ in 0..PARTS {
            self.file_ended = answer.then == Then::FileEnds;
            tell(RelayEvent::Answer(mail.reply(answer.header.kind, answer.header.counter, &answer.body)));
            if answer.then != Then::MoreComes {
                break;
            }
            let found = Cell::new(None);
            let answers = |header: &MailboxHeader, body: &[u8]| self.note(&found, mail, To::Rest, header, body);
            let body = mailbox.answer(datagrams, answers).await?;
            answer = Answer::of(&found, body)?;
        }
        Ok(if answer.then == Then::MoreComes { Then::Over } else { answer.then })
    }

    /// Whether a mail is the answer; its header and what follows then are noted.
    fn note(
        &self,
        found: &Cell<Option<(MailboxHeader, Then)>>,
        mail: &ForeignMail,
        to: To,
        header: &MailboxHeader,
        body: &[u8],
    ) -> bool {
        let then = answer::then(&mail.ask, to, header.kind, body, self.rooms);
        if let Some(then) = then {
            found.set(Some((*header, then)));
        }
        then.is_some()
    }
}

/// A mail that answers.
struct Answer {
    header: MailboxHeader,
    then: Then,
    body: Vec<u8>,
}

impl Answer {
    fn of(found: &Cell<Option<(MailboxHeader, Then)>>, body: Vec<u8>) -> Result<Self, MailError> {
        let (header, then) = found.take().ok_or(MailError::Lost)?;
        Ok(Self { header, then, body })
    }
}

/// Writes a client's mail as the MainDevice's own.
fn emit(mail: &ForeignMail, room: &mut [u8], counter: u8) -> Result<usize, WireError> {
    write(room, MailboxHeader { address: 0, counter, ..mail.header }, &mail.body)
}

fn write(mail: &mut [u8], header: MailboxHeader, body: &[u8]) -> Result<usize, WireError> {
    mailbox::emit(mail, header, |room| {
        room.get_mut(..body.len()).ok_or(WireError::NoRoom)?.copy_from_slice(body);
        Ok(body.len())
    })
}
