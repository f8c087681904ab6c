//! Reading and writing objects as an SDO does, with the abort codes of ETG.1000.6, table 41.
//!
//! With complete access subindex 0 takes 16 bits, entries of 8 bits and more start at a byte, shorter ones follow each
//! other bit by bit, and subindices that are not there take no room. Entries that may not be read are 0 and those that
//! may not be written are skipped; if that holds for all of them, the access is aborted.

use zerocat_wire::AlState;
use zerocat_wire::coe::{AbortCode, SdoTarget};
use zerocat_wire::sii::general::coe;

use super::refusals::Refusals;
use super::{bits, object_rules};
use crate::describe::dictionary::{Dictionary, Entry, Object, ObjectCode, Store};
use crate::describe::{ValueId, WORD_BITS};
use crate::profile::Values;

/// The objects as a request finds them.
#[derive(Debug)]
pub(super) struct Objects<'a> {
    pub(super) dictionary: &'a mut Dictionary,
    pub(super) values: &'a mut Values,
    pub(super) refusals: &'a Refusals,
    pub(super) state: AlState,
    /// Lower half of the system time in ns; 0 without a clock.
    pub(super) time: u32,
    /// Configured station address.
    pub(super) station: u16,
}

/// Bit of an access word that stands for a state: 0 PRE-OP, 1 SAFE-OP, 2 OP.
fn state_bit(state: AlState) -> u16 {
    match state {
        AlState::SafeOp => 2,
        AlState::Op => 4,
        _ => 1,
    }
}

impl Objects<'_> {
    /// The object, if the SubDevice offers the kind of access.
    fn object(&self, target: SdoTarget) -> Result<&Object, AbortCode> {
        let object = self.dictionary.object(target.index).ok_or(AbortCode::NO_SUCH_OBJECT)?;
        let offered = !target.complete || self.dictionary.offers(coe::COMPLETE_ACCESS);
        if offered { Ok(object) } else { Err(AbortCode::UNSUPPORTED_ACCESS) }
    }

    /// Reads an entry or a whole object.
    pub(super) fn read(&self, target: SdoTarget) -> Result<Vec<u8>, AbortCode> {
        let object = self.object(target)?;
        if target.complete {
            return self.read_complete(object, target.subindex);
        }
        let entry = object.entry(target.subindex).ok_or(AbortCode::NO_SUCH_SUBINDEX)?;
        if object.counted && target.subindex > object.count() {
            return Err(AbortCode::NO_SUCH_SUBINDEX);
        }
        if entry.access & state_bit(self.state) == 0 {
            return Err(AbortCode::WRITE_ONLY);
        }
        Ok(self.bytes_of(entry))
    }

    fn bytes_of(&self, entry: &Entry) -> Vec<u8> {
        match &entry.store {
            Store::Bytes(bytes) => bytes.clone(),
            Store::Value(id) => {
                let len = usize::from(entry.bits);
                let mut bytes = vec![0; len.div_ceil(8)];
                for (n, at) in (id.0..).zip((0..len).step_by(WORD_BITS)) {
                    bits::put(&mut bytes, at, (len - at).min(WORD_BITS), self.values.raw(ValueId(n)));
                }
                bytes
            }
        }
    }

    fn read_complete(&self, object: &Object, first: u8) -> Result<Vec<u8>, AbortCode> {
        let layout = Layout::of(object, first, object.highest())?;
        let readable = state_bit(self.state);
        let mut entries = layout.entries.iter();
        if !layout.entries.is_empty() && entries.all(|(_, entry)| entry.access & readable == 0) {
            return Err(AbortCode::WRITE_ONLY);
        }
        let mut bytes = vec![0; layout.len()];
        for (at, entry) in layout.entries.iter().filter(|(_, entry)| entry.access & readable != 0) {
            let value = self.bytes_of(entry);
            if entry.bits < 8 {
                bits::put(&mut bytes, *at, usize::from(entry.bits), bits::get(&value, 0, usize::from(entry.bits)));
            } else if let Some(place) = bytes.get_mut(at / 8..at / 8 + value.len()) {
                place.copy_from_slice(&value);
            }
        }
        Ok(bytes)
    }

    /// Whether a download of `len` bytes could work, as far as that is known before the data.
    pub(super) fn admits(&self, target: SdoTarget, len: usize) -> Result<(), AbortCode> {
        let object = self.object(target)?;
        if target.complete {
            let layout = Layout::of(object, target.subindex, u8::MAX)?;
            self.check_complete_access(&layout)?;
            return if len > layout.len() { Err(AbortCode::LENGTH_TOO_HIGH) } else { Ok(()) };
        }
        let entry = object.entry(target.subindex).ok_or(AbortCode::NO_SUCH_SUBINDEX)?;
        self.check_access(entry)?;
        check_length(entry, len)
    }

    /// Writes an entry or a whole object.
    pub(super) fn write(&mut self, target: SdoTarget, bytes: &[u8]) -> Result<(), AbortCode> {
        if target.complete {
            self.write_complete(target, bytes)
        } else {
            self.write_entry(target.index, target.subindex, bytes)
        }
    }

    /// A counted object is emptied first, filled, and its count is written last.
    fn write_complete(&mut self, target: SdoTarget, bytes: &[u8]) -> Result<(), AbortCode> {
        let object = self.object(target)?;
        let counted = object.counted;
        let count = (target.subindex == 0).then(|| bytes.first().copied().unwrap_or(0));
        let last = if counted { count.unwrap_or(u8::MAX) } else { u8::MAX };
        let layout = Layout::of(object, target.subindex, last)?;
        self.check_complete_access(&layout)?;
        // Without its count, a list may be written as far as there are data.
        let open_end = counted && count.is_none();
        if bytes.len() > layout.len() {
            return Err(AbortCode::LENGTH_TOO_HIGH);
        }
        if bytes.len() < layout.len() && !open_end {
            return Err(AbortCode::LENGTH_TOO_LOW);
        }
        let ends = |(at, entry): &(usize, &Entry)| at + usize::from(entry.bits);
        let sent = bytes.len() * 8;
        if open_end && !layout.entries.iter().any(|entry| ends(entry) == sent) {
            return Err(AbortCode::LENGTH_MISMATCH);
        }
        let written = |entry: &&(usize, &Entry)| {
            let count = counted && entry.1.subindex == 0;
            ends(entry) <= sent && !count && self.check_access(entry.1).is_ok()
        };
        let write = |(at, entry): &(usize, &Entry)| (entry.subindex, cut(bytes, *at, entry));
        let writes: Vec<(u8, Vec<u8>)> = layout.entries.iter().filter(written).map(write).collect();
        if counted {
            self.write_entry(target.index, 0, &[0])?;
        }
        for (subindex, value) in writes {
            self.write_entry(target.index, subindex, &value)?;
        }
        match count {
            Some(count) if counted => self.write_entry(target.index, 0, &[count]),
            _ => Ok(()),
        }
    }

    fn write_entry(&mut self, index: u16, subindex: u8, bytes: &[u8]) -> Result<(), AbortCode> {
        let object = self.dictionary.object(index).ok_or(AbortCode::NO_SUCH_OBJECT)?;
        let entry = object.entry(subindex).ok_or(AbortCode::NO_SUCH_SUBINDEX)?;
        self.check_access(entry)?;
        check_length(entry, bytes.len())?;
        check_limits(entry, bytes)?;
        object_rules::check(self.dictionary, self.values, object, subindex, bytes)?;
        let Some(object) = self.dictionary.object_mut(index) else { return Err(AbortCode::NO_SUCH_OBJECT) };
        let Some(entry) = object.entries.iter_mut().find(|entry| entry.subindex == subindex) else {
            return Err(AbortCode::NO_SUCH_SUBINDEX);
        };
        match &mut entry.store {
            Store::Bytes(stored) => *stored = bytes.to_vec(),
            Store::Value(id) => {
                let len = usize::from(entry.bits);
                for (n, at) in (id.0..).zip((0..len).step_by(WORD_BITS)) {
                    self.values.set_raw(ValueId(n), bits::get(bytes, at, (len - at).min(WORD_BITS)));
                }
            }
        }
        if index == zerocat_wire::coe::diagnosis::INDEX {
            self.dictionary.settle_diagnosis(subindex);
        }
        Ok(())
    }

    fn check_access(&self, entry: &Entry) -> Result<(), AbortCode> {
        let writable = entry.access >> 3 & 0x07;
        if writable == 0 {
            return Err(AbortCode::READ_ONLY);
        }
        if writable & state_bit(self.state) == 0 {
            return Err(AbortCode::DEVICE_STATE);
        }
        Ok(())
    }

    /// One entry that may be written is enough.
    fn check_complete_access(&self, layout: &Layout<'_>) -> Result<(), AbortCode> {
        let mut refused = Err(AbortCode::READ_ONLY);
        for (_, entry) in &layout.entries {
            match self.check_access(entry) {
                Ok(()) => return Ok(()),
                Err(AbortCode::READ_ONLY) => {}
                other => refused = other,
            }
        }
        refused
    }
}

/// Where complete access puts the entries of an object, in bits.
struct Layout<'a> {
    entries: Vec<(usize, &'a Entry)>,
    bits: usize,
}

impl<'a> Layout<'a> {
    /// From subindex `first`, 0 or 1, to `last`.
    fn of(object: &'a Object, first: u8, last: u8) -> Result<Self, AbortCode> {
        if first > 1 {
            return Err(AbortCode::UNSUPPORTED_ACCESS);
        }
        let mut layout = Self { entries: Vec::with_capacity(object.entries.len()), bits: 0 };
        for entry in object.entries.iter().filter(|entry| (first..=last).contains(&entry.subindex)) {
            let at = if entry.bits < 8 { layout.bits } else { layout.bits.next_multiple_of(8) };
            layout.entries.push((at, entry));
            let padded = entry.subindex == 0 && object.code != ObjectCode::Variable;
            layout.bits = at + if padded { 16 } else { usize::from(entry.bits) };
        }
        if layout.entries.is_empty() && object.code == ObjectCode::Variable {
            return Err(AbortCode::NO_SUCH_SUBINDEX);
        }
        Ok(layout)
    }

    fn len(&self) -> usize {
        self.bits.div_ceil(8)
    }
}

/// The bytes of an entry out of those of an object.
fn cut(bytes: &[u8], at: usize, entry: &Entry) -> Vec<u8> {
    let len = usize::from(entry.bits).div_ceil(8);
    if entry.bits < 8 {
        return bits::get(bytes, at, usize::from(entry.bits)).to_le_bytes()[..len].to_vec();
    }
    bytes.get(at / 8..at / 8 + len).unwrap_or_default().to_vec()
}

fn check_length(entry: &Entry, len: usize) -> Result<(), AbortCode> {
    match len.cmp(&usize::from(entry.bits).div_ceil(8)) {
        std::cmp::Ordering::Greater => Err(AbortCode::LENGTH_TOO_HIGH),
        std::cmp::Ordering::Less => Err(AbortCode::LENGTH_TOO_LOW),
        std::cmp::Ordering::Equal => Ok(()),
    }
}

fn check_limits(entry: &Entry, bytes: &[u8]) -> Result<(), AbortCode> {
    let Some((lowest, highest)) = entry.limits else { return Ok(()) };
    let value = entry.data_type.number(bytes);
    if value > highest {
        return Err(AbortCode::VALUE_TOO_HIGH);
    }
    if value < lowest { Err(AbortCode::VALUE_TOO_LOW) } else { Ok(()) }
}
