//! A SubDevice whose mailbox doesn't answer while its process data is exchanged, and when it answers again.

use std::fmt;
use std::time::Duration;
use zerocat_bus::Label;
use zerocat_bus::named;

/// A mailbox that doesn't answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailboxSilent {
    /// Whose.
    pub who: Label,
    /// Its key in the rig file; `None` where it isn't named there.
    pub key: Option<String>,
    /// How long the first mail without an answer waits for one.
    pub waited: Duration,
}

/// A mailbox that answers again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailboxAnswers {
    /// Whose.
    pub who: Label,
    /// Its key in the rig file; `None` where it isn't named there.
    pub key: Option<String>,
    /// How long it didn't.
    pub after: Duration,
}

impl fmt::Display for MailboxSilent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (who, waited) = (named(&self.who, self.key.as_deref()), self.waited.as_secs_f64());
        write!(
            f,
            "{who}: its mailbox has not answered for {waited:.1} s; what is asked of it fails, its process data is exchanged as \
             before. If it stays so, bring it to OP anew or switch it off and on"
        )
    }
}

impl fmt::Display for MailboxAnswers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (who, after) = (named(&self.who, self.key.as_deref()), self.after.as_secs_f64());
        write!(f, "{who}: its mailbox answers again, after {after:.1} s")
    }
}
