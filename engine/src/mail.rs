//! Whose mail waits: a bit for each SubDevice, from the status bytes of the cyclic frames to the thread that reads mailboxes.
//!
//! A status byte that maps a mailbox's sync manager says in each cycle whether the mailbox is full. Guarantees: neither side ever
//! waits or makes a system call; where no status byte changed it costs one comparison of the bytes, and nothing is stored. A
//! SubDevice that took no part in the frame has no mail that could be read.
//!
//! Not guaranteed: that each mail is seen. A mailbox that is emptied and full again between two frames looks as if it had been full
//! all the time, so whoever has read one mail looks again. SubDevices without a byte, or with another register behind it, never
//! have their bit set ([`MailReader::is_told`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zerocat_pdi::NOBODY;
use zerocat_wire::sync_manager::status;

/// SubDevices in a word.
const BITS: usize = 64;

/// What both sides share.
#[derive(Debug, Default)]
struct Board {
    /// Bit n of word m: SubDevice 64 m + n has mail.
    waiting: Box<[AtomicU64]>,
    /// Whose status byte tells of a mailbox. Never changes.
    told: Box<[u64]>,
}

/// The reading end, for any thread.
#[derive(Debug, Clone, Default)]
pub struct MailReader(Arc<Board>);

/// The realtime end.
#[derive(Debug, Default)]
pub struct MailPort(Arc<Board>);

/// Both ends. `told` says for each SubDevice, by position, whether its status byte is the status of the mailbox that is read.
#[must_use]
pub fn mail(told: impl IntoIterator<Item = bool>) -> (MailReader, MailPort) {
    let mut words = Vec::new();
    for (position, told) in told.into_iter().enumerate() {
        if position % BITS == 0 {
            words.push(0);
        }
        if let Some(word) = words.last_mut() {
            *word |= u64::from(told) << (position % BITS);
        }
    }
    let waiting = words.iter().map(|_| AtomicU64::new(0)).collect();
    let board = Arc::new(Board { waiting, told: words.into_boxed_slice() });
    (MailReader(Arc::clone(&board)), MailPort(board))
}

/// A position's word and bit.
const fn place(position: u16) -> (usize, u64) {
    let position = position as usize;
    (position / BITS, 1 << (position % BITS))
}

impl MailReader {
    /// Whether the frames tell of a SubDevice's mailbox at all.
    #[must_use]
    pub fn is_told(&self, position: u16) -> bool {
        let (word, bit) = place(position);
        self.0.told.get(word).is_some_and(|told| told & bit != 0)
    }

    /// Whether a SubDevice had mail in the last cycle that told of it.
    #[must_use]
    pub fn waits(&self, position: u16) -> bool {
        let (word, bit) = place(position);
        // SYNC: one word and nothing behind it. Pairs with the release store in MailPort::look.
        self.0.waiting.get(word).is_some_and(|waiting| waiting.load(Ordering::Acquire) & bit != 0)
    }

    /// Positions of those that have mail.
    pub fn waiting(&self) -> impl Iterator<Item = u16> + '_ {
        let words = self.0.waiting.iter().zip((0u16..=u16::MAX).step_by(BITS));
        words.flat_map(|(waiting, first)| {
            // SYNC: as in waits.
            let waiting = waiting.load(Ordering::Acquire);
            (0u16..64).filter(move |bit| waiting >> bit & 1 != 0).map(move |bit| first.saturating_add(bit))
        })
    }
}

impl MailPort {
    /// Takes status bytes that aren't those of before, and whose they are. Returns whether somebody has mail that had none.
    #[cold]
    pub(crate) fn look(&self, positions: &[u16], bytes: &[u8]) -> bool {
        let mut came = false;
        for (position, byte) in positions.iter().zip(bytes) {
            let (word, bit) = place(*position);
            let (Some(waiting), Some(told)) = (self.0.waiting.get(word), self.0.told.get(word)) else { continue };
            if told & bit == 0 {
                continue;
            }
            // SYNC: this thread alone stores it.
            let before = waiting.load(Ordering::Relaxed);
            let now = if *byte != NOBODY && byte & status::MAILBOX_FULL != 0 { before | bit } else { before & !bit };
            if now != before {
                // SYNC: publishes one word and nothing behind it. Pairs with the acquire loads in MailReader.
                waiting.store(now, Ordering::Release);
                came |= now > before;
            }
        }
        came
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_mailbox_is_told_by_position_until_it_is_empty_or_away() {
        let (reader, port) = mail((0..130).map(|position| position != 3));
        assert!(port.look(&[0, 129], &[0x48, 0x48]));
        assert_eq!(reader.waiting().collect::<Vec<_>>(), [0, 129]);
        assert!(!port.look(&[0, 129], &[0x49, NOBODY]), "the same mail; one that is away");
        assert_eq!(reader.waiting().collect::<Vec<_>>(), [0]);
        assert!(!port.look(&[0, 129], &[0x40, 0x40]));
        assert!(!reader.waits(0));
    }

    #[test]
    fn a_byte_that_is_an_al_status_is_no_mail() {
        let (reader, port) = mail([true, false]);
        assert!(!port.look(&[1, 5], &[0x08, 0x08]), "OP, and one without a bit");
        assert_eq!((reader.is_told(0), reader.is_told(1), reader.is_told(5)), (true, false, false));
        assert_eq!(reader.waiting().count(), 0);
    }
}
