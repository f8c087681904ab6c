//! Emergencies that SubDevices send while the bus is in operation.

use crate::bring_up::Planned;
use crate::diagnosis::Diagnosis;
use crate::events::{Observer, SessionEvent};
use crate::health::OutOfOp;
use crate::mailbox_silence::{MailboxAnswers, MailboxSilent};
use crate::notification::CommandNotified;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use zerocat_bus::named;
use zerocat_bus::{
    Inbox, Label, MailboxNews, ReceivedDiagnosis, ReceivedEmergency, ReceivedNotification, Unasked, UnaskedMail,
};
use zerocat_wire::coe;

/// What a SubDevice reported unasked, by CoE (ETG.1000.6, 5.6.4) or in the same form by SoE.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Emergency {
    /// Who.
    pub who: Label,
    /// Its key in the rig file; `None` where it isn't named there.
    pub key: Option<String>,
    /// When it was read, on the clock of the session's cycles.
    pub at: Duration,
    /// Error code; 0x00xx says that errors are over.
    pub code: u16,
    /// Error register (object 0x1001).
    pub register: u8,
    /// What the vendor's manual explains.
    pub data: [u8; 5],
}

impl Emergency {
    const fn wire(&self) -> coe::Emergency {
        coe::Emergency { code: self.code, register: self.register, data: self.data }
    }

    /// Whether it says that errors are over.
    #[must_use]
    pub const fn is_reset(&self) -> bool {
        self.wire().is_reset()
    }

    /// Its code in words: its class, and what it means in a drive.
    #[must_use]
    pub fn text(&self) -> String {
        coe::ErrorCode(self.code).words().to_string()
    }
}

impl fmt::Display for Emergency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: emergency {}", named(&self.who, self.key.as_deref()), self.wire())
    }
}

/// Hears what SubDevices of a network send unasked.
pub(crate) struct Heard<'a> {
    pub(crate) planned: &'a Planned<'a>,
    pub(crate) observer: &'a Observer,
    pub(crate) inbox: &'a Inbox,
    /// SubDevices that are out of OP now.
    pub(crate) out_of_op: &'a Mutex<Vec<OutOfOp>>,
}

impl Unasked for Heard<'_> {
    fn waits(&self, position: u16) -> Option<bool> {
        let mail = &self.planned.mail;
        mail.is_told(position).then(|| mail.waits(position))
    }

    fn emergency(&self, who: &Label, received: ReceivedEmergency) {
        let ReceivedEmergency { at, emergency: coe::Emergency { code, register, data } } = received;
        let key = self.planned.key(who.position);
        // It is in the log already.
        self.observer.tell(&SessionEvent::Emergency(Emergency { who: who.clone(), key, at, code, register, data }));
    }

    fn diagnosis(&self, who: &Label, received: ReceivedDiagnosis) {
        let diagnosis = Diagnosis::of(who, self.planned.key(who.position), received);
        let is_trouble = diagnosis.is_trouble();
        let event = SessionEvent::Diagnosis(diagnosis);
        if is_trouble {
            self.observer.warn(&event);
        } else {
            tracing::info!("{event}");
            self.observer.tell(&event);
        }
    }

    fn notification(&self, who: &Label, received: ReceivedNotification) {
        let ReceivedNotification { at, drive, idn, state } = received;
        let key = self.planned.key(who.position);
        let told = CommandNotified { who: who.clone(), key, at, drive, idn, state };
        self.observer.tell(&SessionEvent::CommandNotified(told));
    }

    fn is_well(&self, position: u16) -> bool {
        let out = self.out_of_op.lock().unwrap_or_else(PoisonError::into_inner);
        out.iter().all(|one| one.who.position != position)
    }

    fn mailbox(&self, who: &Label, news: MailboxNews) {
        let (who, key) = (who.clone(), self.planned.key(who.position));
        self.observer.warn(&match news {
            MailboxNews::Silent { waited } => SessionEvent::MailboxSilent(MailboxSilent { who, key, waited }),
            MailboxNews::Answers { after } => SessionEvent::MailboxAnswers(MailboxAnswers { who, key, after }),
        });
    }

    fn mail(&self, who: &Label, mail: UnaskedMail) {
        self.inbox.pass(who.position, &mail);
    }
}
