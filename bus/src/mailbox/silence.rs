//! Whether a mailbox answers at all.
//!
//! Guarantees: silence begins with the first mail that has no answer, whoever asked and however long he waited, and is told once: when
//! the time of an answer is over, or when the SubDevice doesn't take mail for the time of a request. Its end is told once. Mails that
//! answer nothing by their nature (emergencies, notifications, frames of EoE) end no silence.
//!
//! Not here: a SubDevice that answers no datagrams, which supervision tells.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// News of a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailboxNews {
    /// It doesn't answer.
    Silent {
        /// For so long.
        waited: Duration,
    },
    /// It answers again.
    Answers {
        /// After so long.
        after: Duration,
    },
}

/// What is known, shared with whoever tells it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Silence(Rc<Cell<State>>);

#[derive(Debug, Clone, Copy, Default)]
enum State {
    /// Nothing is owed.
    #[default]
    Well,
    /// A mail has no answer yet.
    Asked { since: Duration, until: Duration },
    /// So it was told.
    Told { since: Duration },
    /// It answers again, which isn't told yet.
    Over { after: Duration },
}

impl Silence {
    /// A mail was written that is to be answered until a time.
    pub(super) fn asked(&self, since: Duration, until: Duration) {
        if matches!(self.0.get(), State::Well) {
            self.0.set(State::Asked { since, until });
        }
    }

    /// The SubDevice doesn't take its mail, since a time.
    pub(super) fn refused(&self, since: Duration, now: Duration) {
        match self.0.get() {
            State::Well => self.0.set(State::Asked { since, until: now }),
            State::Asked { since, .. } => self.0.set(State::Asked { since, until: now }),
            State::Told { .. } | State::Over { .. } => {}
        }
    }

    /// It answered.
    pub(super) fn answered(&self, now: Duration) {
        match self.0.get() {
            State::Well | State::Asked { .. } => self.0.set(State::Well),
            State::Told { since } => self.0.set(State::Over { after: now.saturating_sub(since) }),
            State::Over { .. } => {}
        }
    }

    /// What was asked is no matter any more: the SubDevice isn't there, or its mailbox is another one now.
    pub(super) fn forget(&self) {
        if matches!(self.0.get(), State::Asked { .. }) {
            self.0.set(State::Well);
        }
    }

    /// Whether nothing was heard of it for a time.
    pub(super) fn has_lasted(&self, time: Duration, now: Duration) -> bool {
        match self.0.get() {
            State::Asked { since, .. } | State::Told { since } => now.saturating_sub(since) >= time,
            State::Well | State::Over { .. } => false,
        }
    }

    /// Whether something is to be told, now or when a time has come.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.0.get(), State::Asked { .. } | State::Over { .. })
    }

    /// What is to be told now. Of a SubDevice that `is_well` doesn't say is there, nothing is.
    pub(crate) fn news(&self, now: Duration, is_well: impl FnOnce() -> bool) -> Option<MailboxNews> {
        match self.0.get() {
            State::Asked { since, until } if now >= until => {
                if !is_well() {
                    self.forget();
                    return None;
                }
                self.0.set(State::Told { since });
                Some(MailboxNews::Silent { waited: now.saturating_sub(since) })
            }
            State::Over { after } => {
                self.0.set(State::Well);
                Some(MailboxNews::Answers { after })
            }
            _ => None,
        }
    }

    /// Goes on from what was known of the same mailbox before: whether its silence was told.
    pub(super) fn go_on_from(&self, before: &Self) {
        if let told @ (State::Told { .. } | State::Over { .. }) = before.0.get() {
            self.0.set(told);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn news(silence: &Silence, at: u32) -> Option<MailboxNews> {
        silence.news(at * MS, || true)
    }

    #[test]
    fn a_silence_is_told_once_and_so_is_its_end() {
        let silence = Silence::default();
        silence.asked(5 * MS, 100 * MS);
        silence.asked(50 * MS, 150 * MS);
        assert_eq!(news(&silence, 99), None);
        assert_eq!(news(&silence, 105), Some(MailboxNews::Silent { waited: 100 * MS }));
        silence.asked(200 * MS, 300 * MS);
        silence.refused(300 * MS, 400 * MS);
        assert_eq!(news(&silence, 500), None);
        silence.answered(605 * MS);
        silence.asked(605 * MS, 700 * MS);
        assert_eq!(news(&silence, 606), Some(MailboxNews::Answers { after: 600 * MS }));
        assert_eq!(news(&silence, 800), None);
    }

    #[test]
    fn an_answer_in_time_and_a_subdevice_that_is_gone_are_no_silence() {
        let silence = Silence::default();
        silence.asked(Duration::ZERO, 100 * MS);
        silence.answered(99 * MS);
        assert_eq!(news(&silence, 100), None);
        silence.asked(100 * MS, 200 * MS);
        assert_eq!(silence.news(200 * MS, || false), None);
        assert_eq!(news(&silence, 201), None);
    }

    #[test]
    fn mail_that_isnt_taken_is_silence_at_once() {
        let silence = Silence::default();
        silence.refused(100 * MS, 600 * MS);
        assert_eq!(news(&silence, 600), Some(MailboxNews::Silent { waited: 500 * MS }));
        let after = Silence::default();
        after.go_on_from(&silence);
        after.answered(700 * MS);
        assert_eq!(news(&after, 700), Some(MailboxNews::Answers { after: 600 * MS }));
    }
}
