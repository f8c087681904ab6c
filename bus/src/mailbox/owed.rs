//! The answer to a request that was given up: a SubDevice may send it when something else has been asked already.
//!
//! Guarantees: before the same question is asked anew, its answer is waited for, as long as an answer may take. To any other
//! question it is no answer, so it is waited for only there.

use std::time::Duration;

use zerocat_wire::mailbox::{self, MailboxType};

use super::wait::Wait;
use super::{Mail, MailError, Mailbox};
use crate::datagrams::Datagrams;

/// Bytes of a mail behind its header that say what it asks: the CoE header, the command, index and subindex.
const QUESTION: usize = 6;

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

    /// Whether the answer to this may be taken for the answer to another.
    fn is_like(&self, other: &Self) -> bool {
        if self.kind != other.kind {
            return false;
        }
        match (self.kind, self.question.as_slice(), other.question.as_slice()) {
            // The command without its flags, which say how long the value is.
            (Some(MailboxType::Coe), [.., a, x, y, z], [.., b, u, v, w]) => (a >> 5, x, y, z) == (b >> 5, u, v, w),
            (Some(MailboxType::Soe), asked, now) => asked.get(..4) == now.get(..4),
            (Some(MailboxType::Foe), ..) => true,
            _ => false,
        }
    }
}

impl Mailbox {
    /// Waits for the answer to a request that was given up, if it could be taken for that to this mail.
    pub(super) async fn await_owed(&mut self, datagrams: &Datagrams, mail: &[u8]) -> Result<(), MailError> {
        let Some(owed) = self.owed.take() else { return Ok(()) };
        let now = datagrams.now();
        if now >= owed.until || !owed.is_like(&Owed::of(mail, owed.until)) {
            return Ok(());
        }
        let mut wait = Wait::new(now, owed.until.saturating_sub(now));
        // Given up once more, it is owed still.
        self.owed = Some(owed);
        loop {
            match self.next_mail(datagrams, &mut wait).await {
                Ok(Mail::Other(header, body)) => {
                    let came = !matches!(header.kind, MailboxType::Eoe | MailboxType::Voe | MailboxType::Aoe);
                    self.pass(datagrams.now(), header, body);
                    if came {
                        break;
                    }
                }
                Ok(Mail::Kept | Mail::Damaged | Mail::Duplicate) => {}
                Err(MailError::NoAnswer { .. } | MailError::Lost | MailError::Older) => break,
                Err(other) => return Err(other),
            }
            wait.passed += 1;
        }
        self.owed = None;
        Ok(())
    }
}
