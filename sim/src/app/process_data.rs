//! Process data of one SubDevice: what the assigned PDOs put where in the buffers of its sync managers. A direction
//! may have several of them, each with its own assignment.

use zerocat_wire::AlStatusCode;
use zerocat_wire::sii::sync_manager::enable;
use zerocat_wire::sync_manager::control;

use super::run::{Field, Run};
use crate::describe::dictionary::{Dictionary, Store, assignment_index};
use crate::describe::{Description, Pdo, Purpose, ValueId};
use crate::esc::Esc;
use crate::profile::Values;

/// The fields of one sync manager.
#[derive(Debug, Default)]
struct Layout {
    runs: Vec<Run>,
    bits: usize,
}

impl Layout {
    /// `entries`: the value, if it is no padding, and the length in bits.
    fn compile(&mut self, entries: impl Iterator<Item = (Option<ValueId>, u8)>) {
        self.runs.clear();
        self.bits = 0;
        for (value, bits) in entries {
            let bits = usize::from(bits);
            if let Some(value) = value {
                Field::words(self.bits, bits, value).for_each(|field| Run::add(&mut self.runs, field));
            }
            self.bits += bits;
        }
    }

    /// As the description says.
    fn fixed<'a>(&mut self, pdos: impl Iterator<Item = &'a Pdo>) {
        self.compile(pdos.flat_map(|pdo| pdo.entries.iter().map(|entry| (entry.value, entry.bits))));
    }

    /// As assignment and mapping in the object dictionary say. Returns whether every PDO that is assigned is there
    /// and has entries, or had none at power-on: then it is a place for entries that may stay empty.
    fn configured(&mut self, description: &Description, dictionary: &Dictionary, assignment: u16) -> bool {
        let assigned = dictionary.assigned(assignment);
        let pdos: Vec<Vec<u32>> = assigned.iter().map(|pdo| dictionary.mapping(*pdo)).collect();
        let entry = |mapped: &u32| {
            let [bits, subindex, i0, i1] = mapped.to_le_bytes();
            let object = dictionary.object(u16::from_le_bytes([i0, i1]));
            match object.and_then(|object| object.entry(subindex)).map(|entry| &entry.store) {
                Some(Store::Value(id)) => (Some(*id), bits),
                _ => (None, bits),
            }
        };
        self.compile(pdos.iter().flatten().map(entry));
        assigned.iter().zip(&pdos).all(|(index, entries)| !entries.is_empty() || description.is_empty_pdo(*index))
    }

    fn bytes(&self) -> usize {
        self.bits.div_ceil(8)
    }

    fn fields(&self) -> impl Iterator<Item = Field> {
        self.runs.iter().flat_map(|run| run.fields())
    }
}

/// One sync manager with process data.
#[derive(Debug)]
struct Area {
    sync_manager: u8,
    /// One buffer in mailbox mode, by its own control byte: written once, then read once.
    mailbox: bool,
    /// The sync manager may be off before OP.
    op_only: bool,
    layout: Layout,
    /// Inputs as they were put into the buffer last; outputs as they were taken from it last, 0 before.
    image: Vec<u8>,
}

impl Area {
    fn new(description: &Description, purpose: Purpose, sync_manager: u8) -> Self {
        let mut layout = Layout::default();
        layout.fixed(description.assigned(purpose, sync_manager));
        let image = vec![0; layout.bytes()];
        let plan = description.sync_managers.get(usize::from(sync_manager));
        let mailbox = plan.is_some_and(|plan| plan.control & control::MODE == control::MAILBOX);
        let op_only = description.enable(sync_manager) & enable::OP_ONLY != 0;
        Self { sync_manager, mailbox, op_only, layout, image }
    }

    /// Takes over what the object dictionary says, if it has an assignment object; otherwise the PDOs are those of
    /// power-on. Returns whether the assignment is valid.
    fn configure(&mut self, description: &Description, dictionary: &Dictionary) -> bool {
        let index = assignment_index(self.sync_manager);
        let right = dictionary.object(index).is_none() || self.layout.configured(description, dictionary, index);
        self.image.clear();
        self.image.resize(self.layout.bytes(), 0);
        right
    }

    /// Whether the sync manager fits the assigned PDOs.
    fn fits(&self, esc: &Esc, purpose: Purpose) -> bool {
        let sm = esc.sync_manager(self.sync_manager);
        let on = sm.enabled() && sm.length > 0;
        let bytes = self.layout.bytes();
        if bytes == 0 {
            return !on;
        }
        if self.op_only && !on {
            return true;
        }
        let end = usize::from(sm.start) + usize::from(sm.length);
        let direction = sm.is_written() == (purpose == Purpose::Outputs);
        on && sm.is_mailbox() == self.mailbox && direction && usize::from(sm.length) == bytes && end <= esc.ram_end()
    }
}

/// Both directions.
#[derive(Debug)]
pub(super) struct ProcessData {
    outputs: Vec<Area>,
    inputs: Vec<Area>,
}

impl ProcessData {
    /// With the default assignment. A virtual sync manager has no buffer: what is mapped there are registers, or memory
    /// that nobody guards.
    pub(super) fn new(description: &Description) -> Self {
        let areas =
            |purpose| description.channels_for(purpose).map(|n| Area::new(description, purpose, n)).collect::<Vec<_>>();
        Self { outputs: areas(Purpose::Outputs), inputs: areas(Purpose::Inputs) }
    }

    /// Takes assignment and mapping from the object dictionary, where the SubDevice has one. No output may be mapped
    /// twice, unless the default PDOs do so.
    pub(super) fn compile(&mut self, description: &Description, dictionary: &Dictionary) -> Result<(), AlStatusCode> {
        if !description.has_coe() {
            return Ok(());
        }
        // All of them are configured, whatever the first says.
        let configure = |areas: &mut Vec<Area>| {
            let right: Vec<bool> = areas.iter_mut().map(|area| area.configure(description, dictionary)).collect();
            !right.contains(&false)
        };
        let (outputs, inputs) = (configure(&mut self.outputs), configure(&mut self.inputs));
        let mut mapped = std::collections::HashSet::new();
        let once = description.maps_outputs_twice()
            || self.outputs.iter().flat_map(|area| area.layout.fields()).all(|field| mapped.insert(field.value.0));
        match (outputs && once, inputs) {
            (false, _) => Err(AlStatusCode::INVALID_OUTPUT_MAPPING),
            (_, false) => Err(AlStatusCode::INVALID_INPUT_MAPPING),
            _ => Ok(()),
        }
    }

    /// Takes the telegrams of a drive with SoE: value and bits of each part, or none where they are those of power-on. They are
    /// on the first sync manager of their direction.
    pub(super) fn take_telegrams(
        &mut self,
        description: &Description,
        telegram: impl Fn(Purpose) -> Option<Vec<(Option<ValueId>, u8)>>,
    ) {
        for (areas, purpose) in [(&mut self.outputs, Purpose::Outputs), (&mut self.inputs, Purpose::Inputs)] {
            let Some(area) = areas.first_mut() else { continue };
            match telegram(purpose) {
                Some(parts) => area.layout.compile(parts.into_iter()),
                None => area.layout.fixed(description.assigned(purpose, area.sync_manager)),
            }
            area.image.clear();
            area.image.resize(area.layout.bytes(), 0);
        }
    }

    /// Sync managers with outputs, one bit each.
    pub(super) fn output_channels(&self) -> u16 {
        let mapped = self.outputs.iter().filter(|area| area.layout.bits > 0);
        mapped.fold(0, |bits, area| bits | 1 << area.sync_manager)
    }

    /// The same for those whose outputs must have come before OP is entered.
    pub(super) fn awaited_channels(&self) -> u16 {
        let awaited = self.outputs.iter().filter(|area| area.layout.bits > 0 && !area.op_only);
        awaited.fold(0, |bits, area| bits | 1 << area.sync_manager)
    }

    /// Output channels in mailbox mode that hold what nobody has taken.
    pub(super) fn waiting(&self, esc: &Esc) -> u16 {
        let waiting = self.outputs.iter().filter(|area| area.mailbox && esc.mail_waits(area.sync_manager));
        waiting.fold(0, |bits, area| bits | 1 << area.sync_manager)
    }

    /// Makes room for the next outputs in channels in mailbox mode, without a look at the present ones: they don't count
    /// before OP. Those that are for OP only are left alone, so their writes go unanswered.
    pub(super) fn pass_over(&self, esc: &mut Esc, channels: u16) {
        let passed = self.outputs.iter().filter(|area| area.mailbox && !area.op_only);
        passed.filter(|area| channels & 1 << area.sync_manager != 0).for_each(|area| esc.take_mail(area.sync_manager));
    }

    /// All sync managers with process data.
    pub(super) fn sync_managers(&self) -> impl Iterator<Item = u8> {
        self.outputs.iter().chain(&self.inputs).map(|area| area.sync_manager)
    }

    /// Whether the sync managers fit the assigned PDOs.
    pub(super) fn check(&self, esc: &Esc) -> Result<(), AlStatusCode> {
        let fit = |areas: &[Area], purpose| areas.iter().all(|area| area.fits(esc, purpose));
        if !fit(&self.outputs, Purpose::Outputs) {
            return Err(AlStatusCode::INVALID_OUTPUT_CONFIGURATION);
        }
        if fit(&self.inputs, Purpose::Inputs) { Ok(()) } else { Err(AlStatusCode::INVALID_INPUT_CONFIGURATION) }
    }

    /// Takes the output buffers of some sync managers (one bit each) over into values.
    pub(super) fn take_outputs(&mut self, esc: &mut Esc, channels: u16, values: &mut Values) {
        for area in self.outputs.iter_mut().filter(|area| channels & 1 << area.sync_manager != 0) {
            let buffer = esc.area(area.sync_manager);
            // They have one length since SAFE-OP.
            if area.image.len() == buffer.len() {
                area.image.copy_from_slice(buffer);
            }
            area.layout.runs.iter().for_each(|run| run.take(buffer, values));
            if area.mailbox {
                esc.take_mail(area.sync_manager);
            }
        }
    }

    /// The output values, packed as the buffers of the sync managers have them, with the padding as it was taken over.
    pub(super) fn applied_outputs(&self, values: &Values) -> Vec<u8> {
        let mut packed = Vec::new();
        for Area { layout, image, .. } in &self.outputs {
            let mut buffer = image.clone();
            layout.runs.iter().for_each(|run| run.put(&mut buffer, values));
            packed.extend(buffer);
        }
        packed
    }

    /// The output buffers, one behind the other.
    pub(super) fn outputs_on_wire(&self, esc: &Esc) -> Vec<u8> {
        self.outputs.iter().flat_map(|area| esc.area(area.sync_manager)).copied().collect()
    }

    /// The input buffers, one behind the other.
    pub(super) fn inputs_on_wire(&self, esc: &Esc) -> Vec<u8> {
        self.inputs.iter().flat_map(|area| esc.area(area.sync_manager)).copied().collect()
    }

    /// Sets all output values to 0.
    pub(super) fn clear_outputs(&mut self, values: &mut Values) {
        for area in &mut self.outputs {
            area.image.fill(0);
            area.layout.fields().for_each(|field| values.set_raw(field.value, 0));
        }
    }

    /// Input channels in mailbox mode, one bit each: they are filled anew as soon as they were read.
    pub(super) fn refilled(&self) -> u16 {
        self.inputs.iter().filter(|area| area.mailbox).fold(0, |bits, area| bits | 1 << area.sync_manager)
    }

    /// Puts values into the input buffers.
    pub(super) fn put_inputs(&mut self, esc: &mut Esc, values: &mut Values) {
        for area in self.inputs.iter_mut().filter(|area| !area.image.is_empty()) {
            if values.changed() {
                area.layout.runs.iter().for_each(|run| run.put(&mut area.image, values));
            }
            if !area.mailbox {
                esc.put_inputs(area.sync_manager, &area.image);
            } else if !esc.mail_waits(area.sync_manager) && area.fits(esc, Purpose::Inputs) {
                esc.put_mail(area.sync_manager, &area.image);
            }
        }
        values.shown();
    }
}
