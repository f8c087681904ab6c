//! The diagnosis history, object 0x10F3 (ETG.1020, 13): a ring of messages in an object dictionary.
//!
//! Guarantees: it never has more messages than its maximum; what is overwritten before it was acknowledged, or discarded because the
//! history is full and keeps what wasn't, is told by the flag "messages lost".

use zerocat_wire::coe::AbortCode;
use zerocat_wire::coe::diagnosis::{ACKNOWLEDGED, FIRST, FLAGS, INDEX, MAXIMUM, NEW, NEWEST, flags};

use super::DataType;
use super::dictionary::{Dictionary, Entry, Object, ObjectCode, Store, access};

/// Messages that it holds.
const PLACES: u8 = 8;
/// Subindex of the last message.
const LAST: u8 = FIRST + PLACES - 1;

/// The object, without messages.
pub(crate) fn object() -> Object {
    let byte = |subindex, access, value, name| Entry::bytes(subindex, DataType::U8, access, &[value], name);
    let mut entries = vec![
        byte(0, access::READ, LAST, "SubIndex 000"),
        byte(MAXIMUM, access::READ, PLACES, "Maximum messages"),
        byte(NEWEST, access::READ, 0, "Newest message"),
        byte(ACKNOWLEDGED, access::WRITE, 0, "Newest acknowledged message"),
        Entry::bytes(NEW, DataType::Bool, access::READ, &[0], "New messages available"),
        Entry::bytes(FLAGS, DataType::U16, access::WRITE, &[0; 2], "Flags"),
    ];
    entries.extend((FIRST..=LAST).map(|subindex| {
        let name = format!("Diagnosis message {:03}", subindex - FIRST + 1);
        Entry::bytes(subindex, DataType::Octets, access::READ, &[], &name)
    }));
    Object { index: INDEX, code: ObjectCode::Record, name: "Diagnosis history".to_owned(), entries, counted: false }
}

const fn next(subindex: u8) -> u8 {
    if subindex < FIRST || subindex >= LAST { FIRST } else { subindex + 1 }
}

/// Whether a value may be written to a subindex.
pub(crate) fn check(dictionary: &Dictionary, subindex: u8, bytes: &[u8]) -> Result<(), AbortCode> {
    match (subindex, bytes.first().copied().unwrap_or(0)) {
        (ACKNOWLEDGED, 1..FIRST) => Err(AbortCode::VALUE_TOO_LOW),
        (ACKNOWLEDGED, value) if value > LAST => Err(AbortCode::VALUE_TOO_HIGH),
        (ACKNOWLEDGED, value @ FIRST..) if dictionary.is_empty_message(value) => Err(AbortCode::VALUE_RANGE),
        _ => Ok(()),
    }
}

impl Dictionary {
    /// Adds a message to the history, if there is one. Returns whether it was kept.
    pub(crate) fn add_diagnosis(&mut self, message: &[u8]) -> bool {
        let number =
            |dictionary: &Self, subindex| dictionary.number(INDEX, subindex).and_then(|n| u8::try_from(n).ok());
        let (Some(newest), Some(acknowledged)) = (number(self, NEWEST), number(self, ACKNOWLEDGED)) else {
            return false;
        };
        let now = self.number(INDEX, FLAGS).and_then(|flags| u16::try_from(flags).ok()).unwrap_or(0);
        let place = next(newest);
        // The place is that of the oldest one, which isn't newer than the one that was acknowledged, if that is still there.
        let unread = !self.is_empty_message(place) && acknowledged == 0;
        if unread {
            self.show(INDEX, FLAGS, (now | flags::LOST).into());
            if now & flags::ACKNOWLEDGE != 0 {
                return false;
            }
        }
        self.set_message(place, message);
        if place == acknowledged {
            self.show(INDEX, ACKNOWLEDGED, 0);
        }
        self.show(INDEX, NEWEST, place.into());
        self.show(INDEX, NEW, 1);
        true
    }

    /// What follows from a write to the object.
    pub(crate) fn settle_diagnosis(&mut self, subindex: u8) {
        if subindex != ACKNOWLEDGED {
            return;
        }
        if self.number(INDEX, ACKNOWLEDGED) == Some(0) {
            (FIRST..=LAST).for_each(|place| self.set_message(place, &[]));
            self.show(INDEX, NEWEST, 0);
        }
        let new = self.number(INDEX, ACKNOWLEDGED) != self.number(INDEX, NEWEST);
        let left = self.number(INDEX, FLAGS).unwrap_or(0) & !u64::from(flags::LOST);
        self.show(INDEX, NEW, new.into());
        self.show(INDEX, FLAGS, left);
    }

    fn is_empty_message(&self, subindex: u8) -> bool {
        let entry = self.object(INDEX).and_then(|object| object.entry(subindex));
        !matches!(entry.map(|entry| &entry.store), Some(Store::Bytes(bytes)) if !bytes.is_empty())
    }

    fn set_message(&mut self, subindex: u8, message: &[u8]) {
        let entries = self.object_mut(INDEX).map(|object| &mut object.entries);
        if let Some(entry) = entries.and_then(|entries| entries.iter_mut().find(|entry| entry.subindex == subindex)) {
            entry.bits = u16::try_from(8 * message.len()).unwrap_or(u16::MAX);
            entry.store = Store::Bytes(message.to_vec());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(messages: u8) -> Dictionary {
        let mut dictionary = Dictionary::of(vec![object()]);
        (0..messages).for_each(|n| assert!(dictionary.add_diagnosis(&[n; 16])));
        dictionary
    }

    fn shown(dictionary: &Dictionary) -> [Option<u64>; 4] {
        [NEWEST, ACKNOWLEDGED, NEW, FLAGS].map(|subindex| dictionary.number(INDEX, subindex))
    }

    fn acknowledge(dictionary: &mut Dictionary, subindex: u8) {
        check(dictionary, ACKNOWLEDGED, &[subindex]).unwrap();
        dictionary.show(INDEX, ACKNOWLEDGED, subindex.into());
        dictionary.settle_diagnosis(ACKNOWLEDGED);
    }

    #[test]
    fn the_oldest_message_is_overwritten_and_that_is_told() {
        assert_eq!(shown(&filled(8)), [Some(LAST.into()), Some(0), Some(1), Some(0)]);
        let ninth = filled(9);
        assert_eq!(shown(&ninth), [Some(FIRST.into()), Some(0), Some(1), Some(flags::LOST.into())]);
        assert_eq!(ninth.number(INDEX, FIRST), Some(0x0808_0808_0808_0808));
    }

    #[test]
    fn what_was_acknowledged_is_overwritten_without_loss_and_what_was_not_is_kept_where_asked_for() {
        let mut dictionary = filled(8);
        acknowledge(&mut dictionary, FIRST + 1);
        assert_eq!(dictionary.number(INDEX, NEW), Some(1));
        dictionary.show(INDEX, FLAGS, flags::ACKNOWLEDGE.into());
        assert!(dictionary.add_diagnosis(&[1; 16]) && dictionary.add_diagnosis(&[2; 16]));
        assert!(!dictionary.add_diagnosis(&[3; 16]), "the third wasn't acknowledged");
        assert_eq!(dictionary.number(INDEX, FLAGS), Some((flags::ACKNOWLEDGE | flags::LOST).into()));
        acknowledge(&mut dictionary, FIRST + 1);
        assert_eq!(dictionary.number(INDEX, NEW), Some(0));
    }

    #[test]
    fn zero_clears_all_and_what_is_no_message_is_refused() {
        let mut dictionary = filled(3);
        let refused = [1, 5, LAST + 1, FIRST + 3].map(|value| check(&dictionary, ACKNOWLEDGED, &[value]).unwrap_err());
        let expected =
            [AbortCode::VALUE_TOO_LOW, AbortCode::VALUE_TOO_LOW, AbortCode::VALUE_TOO_HIGH, AbortCode::VALUE_RANGE];
        assert_eq!(refused, expected);
        acknowledge(&mut dictionary, 0);
        assert_eq!(shown(&dictionary), [Some(0), Some(0), Some(0), Some(0)]);
        assert!(dictionary.is_empty_message(FIRST));
    }
}
