//! Waiting for a mail, by strategy ([`Strategy`]) and by what the cyclic frames say.
//!
//! Guarantees: a wait ends by its patience, whatever comes meanwhile; looks become rarer the longer it lasts; where the cyclic
//! frames say whether a mailbox is full, a wait costs some looks at its begin and nearly none later. A mail whose frame was
//! lost is had again also where the mailbox is read without knowing whether it is full.
//!
//! What the frames say is of the last cycle, so of a time before the mailbox was read maybe: that it is full counts where they have
//! said since that it is empty, and a mailbox that gives nothing then was empty; else its status is read.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use super::{Mail, MailError, Mailbox, Repeat, Strategy};
use crate::datagrams::{Datagrams, last_multiple};

/// Looks at a mailbox's status before what the cyclic frames say is relied on: many answer within them, sooner than in the next
/// cycle.
const QUICK: u32 = 3;
/// Which idle look reads the mailbox whatever its status says.
const BLIND: u32 = 3;
/// Time from one look at what the cyclic frames say to the next. Looks of all SubDevices are at the same times.
const GLANCE: Duration = Duration::from_micros(250);
/// Time from one look at the mailbox's status to the next while the frames say that it is empty.
const RARELY: Duration = Duration::from_millis(20);
/// A read that takes so much longer than the quickest one is likely to have been lost: whoever moves the frames waits as long for
/// one that doesn't come back.
const LATE: Duration = Duration::from_millis(10);

/// Times that a mail is asked for again without knowing whether there was one.
const DOUBTS: u32 = 3;

/// What the cyclic frames say of a mailbox: that it is full, or empty; `None` where they don't.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sign(Rc<Cell<Option<bool>>>);

impl Sign {
    pub(crate) fn set(&self, full: Option<bool>) {
        self.0.set(full);
    }

    pub(crate) fn get(&self) -> Option<bool> {
        self.0.get()
    }
}

/// Mails that were asked for again without knowing whether there was one.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    /// How often.
    asked: u32,
    /// Older ones that came so.
    dropped: u32,
}

impl Doubt {
    /// How the next mail comes.
    pub(super) const fn repeat(&self) -> Repeat {
        if self.asked > self.dropped { Repeat::InDoubt } else { Repeat::No }
    }

    /// Takes note of a mail.
    pub(super) fn note(&mut self, mail: &Mail) {
        self.dropped += u32::from(matches!(mail, Mail::Duplicate) && self.asked > self.dropped);
    }
}

/// One wait.
#[derive(Debug)]
pub(super) struct Wait {
    start: Duration,
    patience: Duration,
    /// Mails that came and were none that is waited for.
    pub(super) passed: u32,
    /// Looks that found nothing.
    idle: u32,
    /// The mailbox was read without knowing whether it is full.
    blind: bool,
    doubt: Doubt,
}

impl Wait {
    pub(super) const fn new(start: Duration, patience: Duration) -> Self {
        Self { start, patience, passed: 0, idle: 0, blind: false, doubt: Doubt { asked: 0, dropped: 0 } }
    }

    fn waited(&self, datagrams: &Datagrams) -> Duration {
        datagrams.now().saturating_sub(self.start)
    }
}

/// What a look shows.
enum Sight {
    Full,
    Empty,
    Unknown,
}

impl Mailbox {
    /// The next mail.
    pub(super) async fn next_mail(&mut self, datagrams: &Datagrams, wait: &mut Wait) -> Result<Mail, MailError> {
        if let Some(mail) = self.early.pop_front() {
            return Ok(mail);
        }
        loop {
            let waited = wait.waited(datagrams);
            // Also where one mail follows the other and none is the answer.
            let over = waited > wait.patience;
            if over && wait.passed > 0 {
                return Err(MailError::NoAnswer { waited, passed: wait.passed });
            }
            let found = match self.sight(datagrams, wait.idle).await? {
                Sight::Full => Some(self.fetch(datagrams, &mut wait.doubt).await?),
                Sight::Unknown => {
                    wait.blind = true;
                    self.try_fetch(datagrams, &mut wait.doubt).await?
                }
                Sight::Empty => None,
            };
            if let Some(mail) = found {
                return Ok(mail);
            }
            if over {
                return Err(MailError::NoAnswer { waited, passed: wait.passed });
            }
            // It may have been read by a frame that was lost, as quickly as another.
            if wait.blind && waited > wait.patience / 8 * (4 + wait.doubt.asked) {
                self.ask_in_doubt(datagrams, &mut wait.doubt).await?;
            }
            wait.idle += 1;
            self.rest(datagrams, wait).await;
        }
    }

    /// The mail that is there now, if there is one.
    pub(super) async fn peek(&mut self, datagrams: &Datagrams) -> Result<Option<Mail>, MailError> {
        let mut doubt = Doubt::default();
        match self.sight(datagrams, 0).await? {
            Sight::Full => self.fetch(datagrams, &mut doubt).await.map(Some),
            Sight::Unknown => self.try_fetch(datagrams, &mut doubt).await,
            Sight::Empty => Ok(None),
        }
    }

    /// What the `idle`th look shows, 0 for the first.
    async fn sight(&mut self, datagrams: &Datagrams, idle: u32) -> Result<Sight, MailError> {
        let (strategy, said) = (self.policy.strategy, self.sign.get());
        let was_empty = self.seen_empty;
        self.seen_empty |= said == Some(false);
        match strategy {
            Strategy::Poll => return Ok(Sight::Unknown),
            Strategy::Hybrid if was_empty && said == Some(true) => return Ok(Sight::Unknown),
            Strategy::Hybrid | Strategy::Strict => {}
        }
        if self.full(datagrams, self.info.read_channel).await? {
            return Ok(Sight::Full);
        }
        // While the frames are to be relied on soon, the whole mailbox isn't read in vain.
        let relied_on = said.is_some() && idle < QUICK;
        let blind = strategy == Strategy::Hybrid && idle % BLIND == BLIND - 1 && !relied_on;
        Ok(if blind { Sight::Unknown } else { Sight::Empty })
    }

    /// Reads the mailbox without knowing whether it is full. One that gives nothing, late, may have been read by a frame that was
    /// lost.
    async fn try_fetch(&mut self, datagrams: &Datagrams, doubt: &mut Doubt) -> Result<Option<Mail>, MailError> {
        let start = datagrams.now();
        if let Some(data) = self.read_mailbox(datagrams).await? {
            let mail = self.accept(datagrams.now(), &data, doubt.repeat());
            doubt.note(&mail);
            return Ok(Some(mail));
        }
        if datagrams.now().saturating_sub(start) > self.quickest.saturating_add(LATE) {
            self.ask_in_doubt(datagrams, doubt).await?;
        }
        Ok(None)
    }

    /// Asks for a mail again that may have been lost, a few times in a wait.
    async fn ask_in_doubt(&mut self, datagrams: &Datagrams, doubt: &mut Doubt) -> Result<(), MailError> {
        if doubt.asked >= DOUBTS {
            return Ok(());
        }
        doubt.asked += 1;
        match self.repeat(datagrams).await {
            // It may be that there was none.
            Ok(()) | Err(MailError::Lost) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// The time to the next look.
    async fn rest(&mut self, datagrams: &Datagrams, wait: &Wait) {
        if self.policy.strategy == Strategy::Poll || self.sign.get().is_none() || wait.idle < QUICK {
            return datagrams.pause(self.times.pause(wait.idle - 1)).await;
        }
        let end = datagrams.now().saturating_add(RARELY).min(wait.start.saturating_add(wait.patience));
        loop {
            datagrams.pause(to_next_glance(datagrams.now())).await;
            let said = self.sign.get();
            self.seen_empty |= said == Some(false);
            if said != Some(false) || datagrams.now() >= end {
                return;
            }
        }
    }
}

fn to_next_glance(now: Duration) -> Duration {
    last_multiple(GLANCE, now.saturating_add(GLANCE)).saturating_sub(now)
}
