//! Process data of one SubDevice: what the assigned PDOs put where in the buffers of its sync managers.

use zerocat_wire::AlStatusCode;

use super::bits;
use crate::describe::dictionary::{Dictionary, Store, assignment_index};
use crate::describe::{Description, Pdo, Purpose, ValueId};
use crate::esc::Esc;
use crate::profile::Values;

/// A mapped value.
#[derive(Debug, Clone, Copy)]
struct Field {
    at: usize,
    bits: usize,
    value: ValueId,
}

/// The fields of one direction.
#[derive(Debug, Default)]
struct Layout {
    fields: Vec<Field>,
    bits: usize,
}

impl Layout {
    /// `entries`: the value, if it is no padding, and the length in bits.
    fn compile(&mut self, entries: impl Iterator<Item = (Option<ValueId>, u8)>) {
        self.fields.clear();
        self.bits = 0;
        for (value, bits) in entries {
            let bits = usize::from(bits);
            if let Some(value) = value {
                self.fields.push(Field { at: self.bits, bits, value });
            }
            self.bits += bits;
        }
    }

    /// As the description says.
    fn fixed(&mut self, pdos: &[Pdo]) {
        let assigned = pdos.iter().filter(|pdo| pdo.assigned);
        self.compile(assigned.flat_map(|pdo| pdo.entries.iter().map(|entry| (entry.value, entry.bits))));
    }

    /// As assignment and mapping in the object dictionary say. Returns whether they make sense: every PDO that is
    /// assigned is there and has entries, and `unique` asks that no value is mapped twice.
    fn configured(&mut self, dictionary: &Dictionary, assignment: u16, unique: bool) -> bool {
        let pdos: Vec<Vec<u32>> = dictionary.assigned(assignment).iter().map(|pdo| dictionary.mapping(*pdo)).collect();
        let entry = |mapped: &u32| {
            let [bits, subindex, i0, i1] = mapped.to_le_bytes();
            let object = dictionary.object(u16::from_le_bytes([i0, i1]));
            match object.and_then(|object| object.entry(subindex)).map(|entry| &entry.store) {
                Some(Store::Value(id)) => (Some(*id), bits),
                _ => (None, bits),
            }
        };
        self.compile(pdos.iter().flatten().map(entry));
        let value = |n: usize| self.fields[n].value;
        let twice = (1..self.fields.len()).any(|n| (0..n).any(|before| value(before) == value(n)));
        pdos.iter().all(|pdo| !pdo.is_empty()) && !(unique && twice)
    }

    fn bytes(&self) -> usize {
        self.bits.div_ceil(8)
    }
}

/// Both directions.
#[derive(Debug)]
pub(super) struct ProcessData {
    /// Sync manager of the outputs.
    pub(super) outputs: Option<u8>,
    /// Sync manager of the inputs.
    pub(super) inputs: Option<u8>,
    output: Layout,
    input: Layout,
    image: Vec<u8>,
}

impl ProcessData {
    /// With the default assignment.
    pub(super) fn new(description: &Description) -> Self {
        let mut this = Self {
            outputs: description.sync_manager(Purpose::Outputs),
            inputs: description.sync_manager(Purpose::Inputs),
            output: Layout::default(),
            input: Layout::default(),
            image: Vec::new(),
        };
        this.output.fixed(&description.rx_pdos);
        this.input.fixed(&description.tx_pdos);
        this.image.resize(this.input.bytes(), 0);
        this
    }

    /// Takes assignment and mapping from the object dictionary, where the SubDevice has one.
    pub(super) fn compile(&mut self, description: &Description, dictionary: &Dictionary) -> Result<(), AlStatusCode> {
        if !description.has_coe() {
            return Ok(());
        }
        // A SubDevice may have CoE and no assignment object; its PDOs are then those of power-on.
        let listed = |n: &u8| dictionary.object(assignment_index(*n)).is_some();
        let (mut outputs, mut inputs) = (true, true);
        if let Some(n) = self.outputs.filter(listed) {
            outputs = self.output.configured(dictionary, assignment_index(n), true);
        }
        if let Some(n) = self.inputs.filter(listed) {
            inputs = self.input.configured(dictionary, assignment_index(n), false);
        }
        self.image.clear();
        self.image.resize(self.input.bytes(), 0);
        match (outputs, inputs) {
            (false, _) => Err(AlStatusCode::INVALID_OUTPUT_MAPPING),
            (_, false) => Err(AlStatusCode::INVALID_INPUT_MAPPING),
            _ => Ok(()),
        }
    }

    pub(super) fn output_bits(&self) -> usize {
        self.output.bits
    }

    /// Whether the sync manager fits the assigned PDOs.
    pub(super) fn check(&self, esc: &Esc, purpose: Purpose) -> Result<(), AlStatusCode> {
        let (n, bytes, code) = match purpose {
            Purpose::Outputs => (self.outputs, self.output.bytes(), AlStatusCode::INVALID_OUTPUT_CONFIGURATION),
            _ => (self.inputs, self.input.bytes(), AlStatusCode::INVALID_INPUT_CONFIGURATION),
        };
        let Some(n) = n else { return Ok(()) };
        let sm = esc.sync_manager(n);
        let on = sm.enabled() && sm.length > 0;
        let right = if bytes == 0 {
            !on
        } else {
            let end = usize::from(sm.start) + usize::from(sm.length);
            let direction = sm.is_written() == (purpose == Purpose::Outputs);
            on && !sm.is_mailbox() && direction && usize::from(sm.length) == bytes && end <= esc.ram_end()
        };
        if right { Ok(()) } else { Err(code) }
    }

    /// Takes the output buffer over into values.
    pub(super) fn take_outputs(&self, esc: &Esc, values: &mut Values) {
        let Some(n) = self.outputs else { return };
        let buffer = esc.area(n);
        for field in &self.output.fields {
            values.set_raw(field.value, bits::get(buffer, field.at, field.bits));
        }
    }

    /// Sets all output values to 0.
    pub(super) fn clear_outputs(&self, values: &mut Values) {
        for field in &self.output.fields {
            values.set_raw(field.value, 0);
        }
    }

    /// Puts values into the input buffer.
    pub(super) fn put_inputs(&mut self, esc: &mut Esc, values: &Values) {
        let Some(n) = self.inputs else { return };
        if self.image.is_empty() {
            return;
        }
        for field in &self.input.fields {
            bits::put(&mut self.image, field.at, field.bits, values.raw(field.value));
        }
        esc.put_inputs(n, &self.image);
    }
}
