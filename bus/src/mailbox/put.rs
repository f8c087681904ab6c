//! Writing a mail, by strategy ([`Strategy`]).
//!
//! Guarantees: a mail is written into a mailbox that its SubDevice has emptied, and once; a write that came back with working
//! counter 0 is repeated with the same counter, where the mailbox isn't full of it. Mails that wait are read before: some
//! SubDevices take none before theirs was read.

use std::time::Duration;

use zerocat_wire::mailbox;
use zerocat_wire::sync_manager::{self, status};

use super::owed::Owed;
use super::{EMERGENCIES, Mail, MailError, Mailbox, STATUS, Strategy};
use crate::datagrams::Datagrams;
use crate::error::DatagramError;

/// Looks at a mailbox that is full.
const PROBES: u32 = 3;
/// Pause between two of them.
const PROBE: Duration = Duration::from_millis(1);
/// Bytes from one sync manager's registers to the next one's.
const APART: u16 = 8;

/// What is to be done next.
enum Turn {
    Write,
    Wait,
    /// What was written has arrived.
    Arrived,
}

/// A mail on its way into the mailbox.
#[derive(Debug, Default)]
struct Writing {
    /// Looks that found the mailbox full.
    probes: u32,
    /// It was empty before the mail was written, so if it is full now, it is full of that.
    sent: bool,
    /// Times that it was written.
    times: u32,
    drained: bool,
}

impl Mailbox {
    /// Writes the whole mailbox once it is empty. A write that came back with working counter 0 was lost before or
    /// after the SubDevice: a full mailbox tells that it arrived, an empty one gets the same mail with the same counter.
    pub(super) async fn put(
        &mut self,
        datagrams: &Datagrams,
        mail: &[u8],
        mut owed: Option<Owed>,
    ) -> Result<(), MailError> {
        let start = datagrams.now();
        let mut writing = Writing::default();
        self.drop_early(datagrams);
        for look in 0.. {
            match self.turn(datagrams, &mut writing).await? {
                Turn::Arrived => break,
                Turn::Write => {
                    self.counters.rewritten += u64::from(writing.times > 0);
                    writing.times += 1;
                    self.taken = false;
                    if let Some(owed) = owed.take() {
                        self.silence.asked(datagrams.now(), owed.until());
                        self.asking = Some(owed);
                    }
                    let answer = datagrams.write_once(self.target, self.info.write_start, mail).await?;
                    if answer.working_counter != 0 {
                        break;
                    }
                }
                Turn::Wait => {}
            }
            let waited = datagrams.now().saturating_sub(start);
            let refused = self.policy.strategy == Strategy::Strict && !writing.sent && writing.probes >= PROBES;
            if refused || waited > self.times.request {
                self.asking = None;
                if !refused {
                    self.silence.refused(start, datagrams.now());
                }
                return Err(MailError::Full { waited });
            }
            let probing = writing.probes > 0 && writing.probes < PROBES;
            datagrams.pause(if probing { PROBE } else { self.times.pause(look) }).await;
        }
        self.counters.written += 1;
        if let Ok((header, _)) = mailbox::open(mail) {
            self.counters.protocols.of(header.kind).written += 1;
        }
        Ok(())
    }

    async fn turn(&mut self, datagrams: &Datagrams, writing: &mut Writing) -> Result<Turn, MailError> {
        if self.policy.strategy == Strategy::Poll {
            self.make_room(datagrams, writing).await?;
            return Ok(Turn::Write);
        }
        if self.is_known_to_be_ready() {
            self.seen_empty |= self.sign.get() == Some(false);
            writing.sent = true;
            return Ok(Turn::Write);
        }
        let (full, mail) = self.statuses(datagrams).await?;
        if full && writing.sent {
            return Ok(Turn::Arrived);
        }
        // Before a request once; where the mailbox is full, every time.
        if mail && (full || (!writing.drained && writing.times == 0)) {
            writing.drained = true;
            self.make_room(datagrams, writing).await?;
        }
        if !full {
            writing.sent = true;
            return Ok(Turn::Write);
        }
        writing.probes += 1;
        let anyway = self.policy.strategy == Strategy::Hybrid && writing.probes.is_multiple_of(PROBES);
        Ok(if anyway { Turn::Write } else { Turn::Wait })
    }

    /// Reads the mails that wait. Once the request was written one of them may be its answer, though nothing says yet that it arrived.
    async fn make_room(&mut self, datagrams: &Datagrams, writing: &Writing) -> Result<(), MailError> {
        if writing.times == 0 {
            return self.drain(datagrams).await;
        }
        while self.early.len() < EMERGENCIES {
            match self.peek(datagrams).await {
                Ok(Some(mail @ Mail::Other(..))) => self.early.push_back(mail),
                Ok(Some(_)) | Err(MailError::Lost | MailError::Older) => {}
                Ok(None) => break,
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    /// Whether both mailboxes are empty, as far as that can be known without looking: the last mail was answered, and the cyclic
    /// frames say that none waits, or say nothing newer than what was read since.
    fn is_known_to_be_ready(&self) -> bool {
        let waits = match self.sign.get() {
            Some(full) => full && self.seen_empty,
            None => return false,
        };
        self.policy.strategy == Strategy::Hybrid && self.taken && !waits
    }

    /// Whether the mailbox that is written is full, and the one that is read: in one datagram where they are neighbours.
    async fn statuses(&self, datagrams: &Datagrams) -> Result<(bool, bool), DatagramError> {
        let (write, read) = (self.info.write_channel, self.info.read_channel);
        let is_full = |byte: Option<&u8>| byte.is_some_and(|byte| byte & status::MAILBOX_FULL != 0);
        if write.checked_add(1) == Some(read) {
            let register = sync_manager::register(write) + STATUS;
            let bytes = datagrams.read_one(self.target, register, usize::from(APART) + 1).await?;
            return Ok((is_full(bytes.first()), is_full(bytes.get(usize::from(APART)))));
        }
        Ok((self.full(datagrams, write).await?, self.full(datagrams, read).await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Label;
    use crate::mailbox::MailPolicy;
    use crate::subdevice::MailboxInfo;

    #[test]
    fn nothing_is_looked_at_where_the_last_mail_was_answered_and_no_newer_one_is_told_of() {
        let mut mailbox = Mailbox::new(Label::default(), 0x1001, MailboxInfo::default());
        mailbox.taken = true;
        let mut is_ready = |sign, seen_empty| {
            mailbox.seen_empty = seen_empty;
            mailbox.sign.set(sign);
            mailbox.is_known_to_be_ready()
        };
        assert!(is_ready(Some(false), false) && is_ready(Some(false), true));
        assert!(is_ready(Some(true), false), "the cycle was before the mailbox was read");
        assert!(!is_ready(Some(true), true), "a mail has come since");
        assert!(!is_ready(None, false) && !is_ready(None, true), "the frames don't say");
        mailbox.sign.set(Some(false));
        mailbox.taken = false;
        assert!(!mailbox.is_known_to_be_ready(), "the last mail may be there still");
        mailbox.taken = true;
        mailbox.set_policy(MailPolicy { strategy: Strategy::Strict, ..MailPolicy::default() });
        assert!(!mailbox.is_known_to_be_ready(), "strict looks always");
    }
}
