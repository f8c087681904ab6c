//! Process data of one SubDevice: what the assigned PDOs put where in the buffers of its sync managers.

use zerocat_wire::AlStatusCode;

use super::bits;
use crate::describe::dictionary::{Dictionary, assignment_index};
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
    fn compile(&mut self, pdos: &[Pdo], assigned: impl Iterator<Item = u16>) {
        self.fields.clear();
        self.bits = 0;
        for pdo in assigned.filter_map(|index| pdos.iter().find(|pdo| pdo.index == index)) {
            for entry in &pdo.entries {
                let bits = usize::from(entry.bits);
                if let Some(value) = entry.value {
                    self.fields.push(Field { at: self.bits, bits, value });
                }
                self.bits += bits;
            }
        }
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
        let assigned = |pdos: &[Pdo]| -> Vec<u16> { pdos.iter().filter(|p| p.assigned).map(|p| p.index).collect() };
        this.output.compile(&description.rx_pdos, assigned(&description.rx_pdos).into_iter());
        this.input.compile(&description.tx_pdos, assigned(&description.tx_pdos).into_iter());
        this.image.resize(this.input.bytes(), 0);
        this
    }

    /// Takes the assignment from the object dictionary, where the SubDevice has one.
    pub(super) fn compile(&mut self, description: &Description, dictionary: &Dictionary) {
        if description.mailbox.is_none() {
            return;
        }
        if let Some(n) = self.outputs {
            self.output.compile(&description.rx_pdos, dictionary.assigned(assignment_index(n)).into_iter());
        }
        if let Some(n) = self.inputs {
            self.input.compile(&description.tx_pdos, dictionary.assigned(assignment_index(n)).into_iter());
        }
        self.image.clear();
        self.image.resize(self.input.bytes(), 0);
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
