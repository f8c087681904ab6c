//! The values of a SubDevice's application: up to 64 bits each, by number.

use crate::describe::ValueId;

/// All values of one SubDevice. Signed ones are kept in two's complement.
#[derive(Debug)]
pub(crate) struct Values {
    words: Vec<u64>,
    /// Whether the input buffers may show something else by now.
    changed: bool,
}

impl Values {
    pub(crate) fn new(count: u16) -> Self {
        Self { words: vec![0; usize::from(count)], changed: true }
    }

    #[inline]
    pub(crate) fn raw(&self, id: ValueId) -> u64 {
        self.words.get(usize::from(id.0)).copied().unwrap_or(0)
    }

    #[inline]
    pub(crate) fn set_raw(&mut self, id: ValueId, value: u64) {
        if let Some(word) = self.words.get_mut(usize::from(id.0)) {
            self.changed |= *word != value;
            *word = value;
        }
    }

    /// Some values from a number on, if all of them are there.
    pub(crate) fn several(&self, first: ValueId, count: u16) -> Option<&[u64]> {
        let first = usize::from(first.0);
        self.words.get(first..first + usize::from(count))
    }

    /// Sets values from a number on. Those that aren't there are left out.
    pub(crate) fn set_several(&mut self, first: ValueId, values: impl Iterator<Item = u64>) {
        let mut differences = 0;
        for (word, value) in self.words.iter_mut().skip(first.0.into()).zip(values) {
            differences |= *word ^ value;
            *word = value;
        }
        self.changed |= differences != 0;
    }

    /// The input buffers are mapped anew.
    pub(crate) fn touch(&mut self) {
        self.changed = true;
    }

    /// Whether any value has changed since [`Values::shown`].
    pub(crate) fn changed(&self) -> bool {
        self.changed
    }

    /// The input buffers show the present values.
    pub(crate) fn shown(&mut self) {
        self.changed = false;
    }

    pub(crate) fn u16(&self, id: ValueId) -> u16 {
        let [a, b, ..] = self.raw(id).to_le_bytes();
        u16::from_le_bytes([a, b])
    }

    pub(crate) fn u32(&self, id: ValueId) -> u32 {
        let [a, b, c, d, ..] = self.raw(id).to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    pub(crate) fn i16(&self, id: ValueId) -> i16 {
        let [a, b, ..] = self.raw(id).to_le_bytes();
        i16::from_le_bytes([a, b])
    }

    pub(crate) fn i8(&self, id: ValueId) -> i8 {
        let [a, ..] = self.raw(id).to_le_bytes();
        i8::from_le_bytes([a])
    }

    pub(crate) fn i32(&self, id: ValueId) -> i32 {
        let [a, b, c, d, ..] = self.raw(id).to_le_bytes();
        i32::from_le_bytes([a, b, c, d])
    }

    pub(crate) fn set_u16(&mut self, id: ValueId, value: u16) {
        self.set_raw(id, u64::from(value));
    }

    pub(crate) fn set_i8(&mut self, id: ValueId, value: i8) {
        let [a] = value.to_le_bytes();
        self.set_raw(id, u64::from(a));
    }

    #[inline]
    pub(crate) fn set_i16(&mut self, id: ValueId, value: i16) {
        self.set_raw(id, u64::from(u16::from_le_bytes(value.to_le_bytes())));
    }

    pub(crate) fn set_i32(&mut self, id: ValueId, value: i32) {
        self.set_raw(id, u64::from(u32::from_le_bytes(value.to_le_bytes())));
    }
}
