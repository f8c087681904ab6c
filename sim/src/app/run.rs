//! Mapped values and where they lie in the buffer of a sync manager. Those that follow one another there as they do among the values are
//! a run: a frame moves thousands of values, and those of a run of words need no look at each.

use super::bits;
use crate::describe::{ValueId, WORD_BITS};
use crate::profile::Values;

/// Bits of the values that are moved without a look at each.
const FAST: u8 = 16;

/// A mapped value, or a word of a long one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    at: u32,
    bits: u8,
    pub(super) value: ValueId,
}

impl Field {
    /// The words of a value of `bits` bits that begins at the bit `at`.
    pub(super) fn words(at: usize, bits: usize, value: ValueId) -> impl Iterator<Item = Self> {
        let parts = (0..bits).step_by(WORD_BITS);
        (value.0..).zip(parts).map(move |(word, from)| Self {
            // A sync manager has 2^19 bits at most.
            at: u32::try_from(at + from).unwrap_or(u32::MAX),
            bits: u8::try_from((bits - from).min(WORD_BITS)).unwrap_or(0),
            value: ValueId(word),
        })
    }

    fn get(self, buffer: &[u8]) -> u64 {
        bits::get(buffer, self.at as usize, self.bits.into())
    }

    /// Puts a value into the buffer.
    pub(super) fn put(self, buffer: &mut [u8], value: u64) {
        bits::put(buffer, self.at as usize, self.bits.into(), value);
    }
}

/// Fields of one length, one behind the other, whose values are so too.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    first: Field,
    count: u16,
}

impl Run {
    /// Adds a field behind the runs.
    pub(super) fn add(runs: &mut Vec<Self>, field: Field) {
        if let Some(last) = runs.last_mut()
            && last.count < u16::MAX
            && last.field(last.count) == Some(field)
        {
            last.count += 1;
        } else {
            runs.push(Self { first: field, count: 1 });
        }
    }

    fn field(self, n: u16) -> Option<Field> {
        let Field { at, bits, value } = self.first;
        let at = at.checked_add(u32::from(n) * u32::from(bits))?;
        Some(Field { at, bits, value: ValueId(value.0.checked_add(n)?) })
    }

    /// Its fields.
    pub(super) fn fields(self) -> impl Iterator<Item = Field> {
        (0..self.count).filter_map(move |n| self.field(n))
    }

    /// The bytes that it takes, where its values are words that begin with a byte.
    fn bytes(self) -> Option<std::ops::Range<usize>> {
        let Field { at, bits, .. } = self.first;
        let start = at as usize / 8;
        (bits == FAST && at.is_multiple_of(8)).then(|| start..start + 2 * usize::from(self.count))
    }

    /// Takes its values from a buffer.
    pub(super) fn take(self, buffer: &[u8], values: &mut Values) {
        match self.bytes().and_then(|bytes| buffer.get(bytes)) {
            Some(words) => {
                let words = words.as_chunks().0.iter().map(|word| u16::from_le_bytes(*word).into());
                values.set_several(self.first.value, words);
            }
            None => self.fields().for_each(|field| values.set_raw(field.value, field.get(buffer))),
        }
    }

    /// Puts its values into a buffer.
    pub(super) fn put(self, buffer: &mut [u8], values: &Values) {
        let place = self.bytes().and_then(|bytes| buffer.get_mut(bytes));
        match place.zip(values.several(self.first.value, self.count)) {
            Some((words, values)) => {
                for (word, value) in words.as_chunks_mut().0.iter_mut().zip(values) {
                    let [low, high, ..] = value.to_le_bytes();
                    *word = [low, high];
                }
            }
            None => self.fields().for_each(|field| field.put(buffer, values.raw(field.value))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fields of so many bits each, of these values, one behind the other from the bit `at` on.
    fn fields(at: usize, bits: usize, values: &[u16]) -> Vec<Field> {
        values.iter().enumerate().flat_map(|(n, value)| Field::words(at + n * bits, bits, ValueId(*value))).collect()
    }

    fn runs(fields: &[Field]) -> Vec<Run> {
        let mut runs = Vec::new();
        fields.iter().for_each(|field| Run::add(&mut runs, *field));
        runs
    }

    #[test]
    fn fields_that_follow_one_another_in_both_are_a_run() {
        let mapped = [fields(0, 16, &[0, 1, 2]), fields(48, 16, &[7, 8]), fields(88, 1, &[9, 10])].concat();
        let runs = runs(&mapped);
        assert_eq!(runs.iter().map(|run| run.count).collect::<Vec<_>>(), [3, 2, 2]);
        assert_eq!(runs.iter().flat_map(|run| run.fields()).collect::<Vec<_>>(), mapped);
    }

    #[test]
    fn a_run_moves_what_its_fields_would() {
        let buffer: Vec<u8> = (0u8..23).map(|n| n.wrapping_mul(37)).collect();
        for (at, bits) in [(0, 16), (3, 16), (8, 16), (8, 8), (5, 1), (16, 32), (120, 16), (0, 13)] {
            let mapped = fields(at, bits, &[2, 3, 4, 5, 6]);
            let (mut by_runs, mut by_fields) = (Values::new(6), Values::new(6));
            runs(&mapped).iter().for_each(|run| run.take(&buffer, &mut by_runs));
            mapped.iter().for_each(|field| by_fields.set_raw(field.value, field.get(&buffer)));
            let all = |values: &Values| (0..8).map(|n| values.raw(ValueId(n))).collect::<Vec<_>>();
            assert_eq!(all(&by_runs), all(&by_fields), "{bits} bits at {at}, and one value that isn't there");
            let (mut one, mut other) = (vec![0xff; 23], vec![0xff; 23]);
            runs(&mapped).iter().for_each(|run| run.put(&mut one, &by_runs));
            mapped.iter().for_each(|field| field.put(&mut other, by_fields.raw(field.value)));
            assert_eq!(one, other, "{bits} bits at {at}");
        }
    }

    #[test]
    fn values_that_come_again_as_they_are_change_nothing() {
        let mapped = runs(&fields(0, 16, &[0, 1]));
        let mut values = Values::new(2);
        mapped.iter().for_each(|run| run.take(&[1, 2, 3, 4], &mut values));
        assert!(values.changed());
        values.shown();
        mapped.iter().for_each(|run| run.take(&[1, 2, 3, 4], &mut values));
        assert!(!values.changed());
        mapped.iter().for_each(|run| run.take(&[1, 2, 3, 5], &mut values));
        assert!(values.changed());
    }
}
