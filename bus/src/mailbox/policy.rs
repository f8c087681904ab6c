//! How the mailbox of a SubDevice is used: what is looked at before it is read and written, and when a transfer is done again.
//!
//! Guarantees: every number is bounded; pauses grow, up to [`LONGEST_PAUSE`]. Not here: how long is waited ([`MailTimes`]).
//!
//! [`MailTimes`]: super::MailTimes

use std::time::Duration;

/// Longest pause before a transfer is done again.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Times that a transfer may be done again.
pub const MOST_RETRIES: u8 = 20;

/// What is looked at before a mailbox is read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Strategy {
    /// The SubDevice must have taken the mail before by the third look, or the transfer is busy; its mailbox is read only where its
    /// status says that it is full.
    Strict,
    /// As strict, but a mail is written also where the mailbox seems full after three looks, and every third look for an answer
    /// reads the mailbox whatever its status says.
    #[default]
    Hybrid,
    /// The status isn't read: the working counter of a mail that is written or read says whether it went through.
    Poll,
}

/// How the mailbox of a SubDevice is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailPolicy {
    /// What is looked at.
    pub strategy: Strategy,
    /// Times that a transfer is done again, where that is harmless; at most [`MOST_RETRIES`].
    pub retries: u8,
    /// Pause before the first repetition. Each further one is twice as long, up to [`LONGEST_PAUSE`].
    pub back_off: Duration,
    /// Whether its diagnosis history (object 0x10F3) is read in operation.
    pub diagnosis: bool,
}

impl Default for MailPolicy {
    fn default() -> Self {
        Self { strategy: Strategy::default(), retries: 2, back_off: Duration::from_millis(10), diagnosis: true }
    }
}

impl MailPolicy {
    /// The pause before the `nth` repetition, 1 for the first.
    #[must_use]
    pub fn pause(&self, nth: u8) -> Duration {
        let doubled = 1u32.checked_shl(nth.saturating_sub(1).into()).unwrap_or(u32::MAX);
        self.back_off.saturating_mul(doubled).min(LONGEST_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_bounded() {
        let policy = MailPolicy::default();
        let pauses = [1, 2, 3, 200].map(|nth| policy.pause(nth).as_millis());
        assert_eq!(pauses, [10, 20, 40, 1000]);
    }
}
