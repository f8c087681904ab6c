//! The diagnosis history of a SubDevice, object 0x10F3 (ETG.1020, 13), as it is read while the bus is in operation.
//!
//! Guarantees: nothing is written to the object, so what a vendor's tool shows or acknowledges isn't touched; each message that is
//! new since the last look is given once, oldest first, and how many couldn't be read any more is known; a look is bounded, whatever the SubDevice
//! says of itself. Messages that were there at the first look are not new.
//!
//! Not guaranteed: that each message is seen; the history is a ring, and may go round between two looks.

use std::time::Duration;

use zerocat_wire::coe::diagnosis::{self, DiagnosisKind, DiagnosisMessage};

use crate::coe::SdoError;
use crate::datagrams::Datagrams;
use crate::mailbox::Mailbox;

/// Messages that are read in one look; older ones are left out.
pub const MOST_MESSAGES: u8 = 32;
/// Parameters of a message that are kept.
const MOST_PARAMETERS: usize = 16;

/// A message of the diagnosis history, and when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedDiagnosis {
    /// When it was read, on the clock of [`Datagrams`].
    pub at: Duration,
    /// How grave it is.
    pub kind: DiagnosisKind,
    /// Its code: what kind of code it is in the low word, the code in the high one.
    pub code: u32,
    /// The kind of code in words.
    pub class: &'static str,
    /// Number of its text in the vendor's description; 0: none.
    pub text_id: u16,
    /// When it came up, in ns: since 2000-01-01, or of a clock of the SubDevice's own.
    pub time_ns: u64,
    /// Whether that is of a clock of its own.
    pub is_local_time: bool,
    /// Its parameters, as text.
    pub parameters: Vec<String>,
    /// Messages before it that were gone when they were to be read, at least: nothing says how often the history went round.
    pub missed: u8,
}

/// What is known of a history.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum History {
    /// Nothing.
    #[default]
    Unknown,
    /// The SubDevice has none.
    Absent,
    /// How it was at the last look.
    Seen {
        /// Messages that it holds at most.
        maximum: u8,
        /// Subindex of the newest; 0: none.
        newest: u8,
        /// Its bytes.
        last: Vec<u8>,
    },
}

/// The subindexes of the messages behind `before` up to `newest`, oldest first, and how many are left out at least; `before` 0: there
/// was none. `round`: the last one that was seen is overwritten, so the history went round since, once or more often. At most
/// [`MOST_MESSAGES`].
fn behind(before: u8, newest: u8, maximum: u8, round: bool) -> (Vec<u8>, u8) {
    let place = |subindex: u8| u16::from(subindex.saturating_sub(diagnosis::FIRST));
    let (all, place_of_newest) = (u16::from(maximum.max(1)), place(newest));
    let apart = if before == 0 { place_of_newest + 1 } else { (place_of_newest + all - place(before)) % all };
    let count = if round { apart + all } else { apart };
    let read = count.min(all).min(u16::from(MOST_MESSAGES));
    let at =
        |n: u16| u8::try_from((place_of_newest + all - n) % all).unwrap_or(u8::MAX).saturating_add(diagnosis::FIRST);
    ((0..read).rev().map(at).collect(), u8::try_from(count - read).unwrap_or(u8::MAX))
}

impl Mailbox {
    /// The messages of the diagnosis history that are new since the last look; none at the first one.
    ///
    /// # Errors
    /// [`SdoError`] where the SubDevice has a history, or it isn't known yet, and it couldn't be read.
    pub async fn new_diagnosis(&mut self, datagrams: &Datagrams) -> Result<Vec<ReceivedDiagnosis>, SdoError> {
        let (maximum, before, last) = match self.history.clone() {
            History::Absent => return Ok(Vec::new()),
            History::Unknown => return self.first_look(datagrams).await,
            History::Seen { maximum, newest, last } => (maximum, newest, last),
        };
        let newest = self.newest(datagrams, maximum).await?;
        let bytes = self.message(datagrams, newest).await?;
        if newest == 0 || (newest == before && bytes == last) {
            self.history = History::Seen { maximum, newest, last: bytes };
            return Ok(Vec::new());
        }
        let (before, round) = match newest == before {
            true => (before, true),
            false => self.went_round(datagrams, (before, &last), newest, maximum).await?,
        };
        self.history = History::Seen { maximum, newest, last: bytes.clone() };
        let (subindexes, mut missed) = behind(before, newest, maximum, round);
        let mut messages = Vec::new();
        for subindex in subindexes {
            let bytes = if subindex == newest { bytes.clone() } else { self.message(datagrams, subindex).await? };
            match DiagnosisMessage::parse(&bytes) {
                Ok(message) => messages.push(received(datagrams.now(), &message, std::mem::take(&mut missed))),
                Err(_) => missed = missed.saturating_add(1),
            }
        }
        Ok(messages)
    }

    /// Whether the SubDevice may have a diagnosis history that is to be read.
    pub(crate) const fn may_have_diagnosis(&self) -> bool {
        self.policy().diagnosis && self.info().coe() && !self.has_no_diagnosis()
    }

    /// Whether the SubDevice is known to have no diagnosis history.
    pub(crate) const fn has_no_diagnosis(&self) -> bool {
        matches!(self.history, History::Absent)
    }

    async fn first_look(&mut self, datagrams: &Datagrams) -> Result<Vec<ReceivedDiagnosis>, SdoError> {
        let maximum = match self.upload(datagrams, diagnosis::INDEX, diagnosis::MAXIMUM).await {
            Ok(bytes) => bytes.first().copied().unwrap_or(0).min(u8::MAX - diagnosis::FIRST),
            Err(SdoError::Abort { .. }) => 0,
            Err(other) => return Err(other),
        };
        if maximum == 0 {
            self.history = History::Absent;
            return Ok(Vec::new());
        }
        let newest = self.newest(datagrams, maximum).await?;
        let last = self.message(datagrams, newest).await?;
        if newest != 0 {
            tracing::debug!(subdevice = %self.who(), "the diagnosis history has messages of before");
        }
        self.history = History::Seen { maximum, newest, last };
        Ok(Vec::new())
    }

    /// The last message that was seen, 0 where it was cleared away with all others, and whether the history went round since: it is
    /// overwritten, or where there was none, there is one in the last place now.
    async fn went_round(
        &mut self,
        datagrams: &Datagrams,
        (before, last): (u8, &[u8]),
        newest: u8,
        maximum: u8,
    ) -> Result<(u8, bool), SdoError> {
        if before != 0 {
            let bytes = self.message(datagrams, before).await?;
            return Ok(if bytes.is_empty() { (0, false) } else { (before, bytes != last) });
        }
        let end = diagnosis::FIRST.saturating_add(maximum - 1);
        Ok((0, newest != end && DiagnosisMessage::parse(&self.message(datagrams, end).await?).is_ok()))
    }

    /// The subindex of the newest message; 0 where there is none, or it can't be one of a message.
    async fn newest(&mut self, datagrams: &Datagrams, maximum: u8) -> Result<u8, SdoError> {
        let bytes = self.upload(datagrams, diagnosis::INDEX, diagnosis::NEWEST).await?;
        let newest = bytes.first().copied().unwrap_or(0);
        let last = diagnosis::FIRST.saturating_add(maximum - 1);
        Ok(if (diagnosis::FIRST..=last).contains(&newest) { newest } else { 0 })
    }

    /// The bytes of a message; none where it is gone.
    async fn message(&mut self, datagrams: &Datagrams, subindex: u8) -> Result<Vec<u8>, SdoError> {
        if subindex == 0 {
            return Ok(Vec::new());
        }
        match self.upload(datagrams, diagnosis::INDEX, subindex).await {
            Err(SdoError::Abort { .. }) => Ok(Vec::new()),
            done => done,
        }
    }
}

fn received(at: Duration, message: &DiagnosisMessage<'_>, missed: u8) -> ReceivedDiagnosis {
    let parameters = message.parameters().take(MOST_PARAMETERS).map(|one| one.to_string()).collect();
    ReceivedDiagnosis {
        at,
        kind: message.kind(),
        code: message.code,
        class: message.class(),
        text_id: message.text_id,
        time_ns: message.time_ns,
        is_local_time: message.is_local_time(),
        parameters,
        missed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_behind_the_last_one_are_found_round_the_ring() {
        assert_eq!(behind(0, 6, 5, false), (vec![6], 0));
        assert_eq!(behind(0, 8, 5, false), (vec![6, 7, 8], 0));
        assert_eq!(behind(0, 10, 5, false), (vec![6, 7, 8, 9, 10], 0));
        assert_eq!(behind(7, 9, 5, false), (vec![8, 9], 0));
        assert_eq!(behind(9, 7, 5, false), (vec![10, 6, 7], 0));
        assert_eq!(behind(10, 6, 5, false), (vec![6], 0));
        let (read, missed) = behind(6, 105, 200, false);
        assert_eq!((read.len(), read.last(), missed), (32, Some(&105), 67));
    }
    #[test]
    fn a_history_that_went_round_has_all_its_messages_and_lacks_some() {
        assert_eq!(behind(8, 8, 5, true), (vec![9, 10, 6, 7, 8], 0), "as many as it holds");
        assert_eq!(behind(8, 9, 5, true), (vec![10, 6, 7, 8, 9], 1));
        assert_eq!(behind(9, 7, 5, true), (vec![8, 9, 10, 6, 7], 3));
        assert_eq!(behind(0, 7, 5, true), (vec![8, 9, 10, 6, 7], 2));
    }
}
