//! The answer to a request that was given up, or had none in time: a SubDevice may send it when something else has been asked already.
//!
//! Guarantees: before the same question is asked anew, its answer is waited for: as long as an answer may take after the question
//! was written, and once more as long where it was too late. To any other question it is no answer, so it is waited for only there. By FoE,
//! AoE and VoE all questions are the same: their answers don't say enough.
//!
//! Not guaranteed: that an answer which takes more than twice its time answers nothing else. Nothing in it would tell.

use std::time::Duration;

use zerocat_wire::mailbox::{self, MailboxType};

use super::wait::Wait;
use super::{Mail, MailError, Mailbox};
use crate::datagrams::Datagrams;

/// Bytes of a mail behind its header that say what it asks: the CoE header, the command, index and subindex.
const QUESTION: usize = 6;

/// Questions without an answer that are remembered.
const OWED: usize = 8;

/// A request without its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owed {
    kind: Option<MailboxType>,
    question: Vec<u8>,
    /// When it need no longer be waited for.
    until: Duration,
}

impl Owed {
    pub(super) fn of(mail: &[u8], until: Duration) -> Self {
        let opened = mailbox::open(mail).ok();
        let kind = opened.map(|(header, _)| header.kind);
        let question = opened.map(|(_, body)| body.iter().copied().take(QUESTION).collect()).unwrap_or_default();
        Self { kind, question, until }
    }

    /// When it need no longer be waited for.
    pub(super) const fn until(&self) -> Duration {
        self.until
    }

    /// Its answer may come until a later time.
    pub(super) fn for_longer(self, until: Duration) -> Self {
        Self { until, ..self }
    }

    /// Whether the answer to this may be taken for the answer to another.
    fn is_like(&self, other: &Self) -> bool {
        if self.kind != other.kind {
            return false;
        }
        match (self.kind, self.question.as_slice(), other.question.as_slice()) {
            // The command without its flags, which say how long the value is.
            (Some(MailboxType::Coe), [.., a, x, y, z], [.., b, u, v, w]) => (a >> 5, x, y, z) == (b >> 5, u, v, w),
            (Some(MailboxType::Soe), asked, now) => asked.get(..4) == now.get(..4),
            (Some(MailboxType::Foe | MailboxType::Aoe | MailboxType::Voe), ..) => true,
            _ => false,
        }
    }
}

impl Mailbox {
    /// Takes note of a question whose answer may come when something else is asked.
    pub(super) fn owe(&mut self, question: Option<Owed>) {
        self.owed.extend(question);
        let beyond = self.owed.len().saturating_sub(OWED);
        self.owed.drain(..beyond);
    }

    /// A mail came that nobody waits for: it may be the answer to the oldest question of its protocol.
    pub(super) fn settle(&mut self, kind: MailboxType) {
        let answered = |owed: &Owed| kind == MailboxType::Error || owed.kind == Some(kind);
        if let Some(at) = self.owed.iter().position(answered) {
            self.owed.remove(at);
        }
    }

    /// Waits for the answers to questions that have none, if they could be taken for that to this mail.
    pub(super) async fn await_owed(&mut self, datagrams: &Datagrams, mail: &[u8]) -> Result<(), MailError> {
        let given_up = self.asking.take();
        self.owe(given_up);
        let question = Owed::of(mail, datagrams.now());
        loop {
            let now = datagrams.now();
            self.owed.retain(|owed| now < owed.until);
            let alike = self.owed.iter().filter(|owed| owed.is_like(&question));
            let Some(until) = alike.map(Owed::until).max() else { return Ok(()) };
            match self.next_mail(datagrams, &mut Wait::new(now, until.saturating_sub(now))).await {
                Ok(Mail::Other(header, body)) => self.pass(datagrams.now(), header, body),
                Ok(Mail::Kept | Mail::Damaged | Mail::Duplicate) | Err(MailError::NoAnswer { .. }) => {}
                Err(MailError::Lost | MailError::Older) => self.owed.retain(|owed| !owed.is_like(&question)),
                Err(other) => return Err(other),
            }
        }
    }
}
