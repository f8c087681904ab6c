//! What an import took from a network description, and what it left out.

use super::Import;
use serde::Serialize;

/// What was imported, and what was not.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImportReport {
    /// Cycles per second of the rig file, in Hz.
    pub rate: f64,
    /// The SubDevices, in the order of the bus.
    pub subdevices: Vec<ImportedSubDevice>,
    /// What was left out and is no SubDevice's.
    pub left_out: Vec<NotImported>,
}

/// A SubDevice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImportedSubDevice {
    /// Its position on the bus, from 0.
    pub position: u16,
    /// Its key in the rig file.
    pub key: String,
    /// What the tool calls it; may be empty.
    pub name: String,
    /// Vendor that the tool expects; 0 where it doesn't say.
    pub vendor_id: u32,
    /// Product code that it expects; 0 where it doesn't say.
    pub product_code: u32,
    /// Revision that it expects; 0 where it doesn't say.
    pub revision: u32,
    /// Channels of its inputs.
    pub inputs: Vec<ImportedChannel>,
    /// Channels of its outputs.
    pub outputs: Vec<ImportedChannel>,
    /// How many startup commands it has.
    pub startup: usize,
    /// Whether the rig file assigns its PDOs (`assign`).
    pub assign: bool,
    /// Whether it asks for SYNC of distributed clocks (`dc`).
    pub dc: bool,
    /// What was left out.
    pub left_out: Vec<NotImported>,
}

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImportedChannel {
    /// Its name in the rig file.
    pub name: String,
    /// Its entry, such as `axis.0x6041:00`.
    pub entry: String,
    /// What the tool calls it in its process image; null where it has no name there.
    pub variable: Option<String>,
}

/// Something that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NotImported {
    /// The thing.
    pub what: String,
    /// The reason, or what to do in its place.
    pub why: String,
}

impl NotImported {
    pub(super) fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into() }
    }
}

impl ImportReport {
    /// How many things were left out.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out.len() + self.subdevices.iter().map(|subdevice| subdevice.left_out.len()).sum::<usize>()
    }
}

pub(super) fn of(import: &Import) -> ImportReport {
    let subdevices = import.subdevices.iter().map(|subdevice| ImportedSubDevice {
        position: subdevice.position,
        key: subdevice.key.clone(),
        name: subdevice.name.clone(),
        vendor_id: subdevice.identity.vendor,
        product_code: subdevice.identity.product,
        revision: subdevice.identity.revision,
        inputs: subdevice.inputs.iter().map(|channel| channel.told(&subdevice.key)).collect(),
        outputs: subdevice.outputs.iter().map(|(channel, _)| channel.told(&subdevice.key)).collect(),
        startup: subdevice.startup.len(),
        assign: subdevice.assign.is_some(),
        dc: subdevice.dc.is_some(),
        left_out: subdevice.left_out.clone(),
    });
    ImportReport { rate: import.cycle.rate, subdevices: subdevices.collect(), left_out: import.left_out.clone() }
}

/// Things with the same reason together, in the order of the first of each: the reason, and what it is of.
pub(super) fn grouped(left_out: &[NotImported]) -> Vec<(&str, Vec<&str>)> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for NotImported { what, why } in left_out {
        match groups.iter_mut().find(|(reason, _)| reason == why) {
            Some((_, things)) => things.push(what),
            None => groups.push((why, vec![what])),
        }
    }
    groups
}

impl NotImported {
    /// Lines for people: things with the same reason in one line, of which it names so many at most.
    #[must_use]
    pub fn lines(left_out: &[Self], most: usize) -> Vec<String> {
        let line = |(why, things): (&str, Vec<&str>)| {
            let shown = things.iter().take(most).copied().collect::<Vec<_>>().join(", ");
            let more = things.len().saturating_sub(most);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{shown}{more}: {why}")
        };
        grouped(left_out).into_iter().map(line).collect()
    }
}
