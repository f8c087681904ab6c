//! A rig file drafted from a scan, for a user to begin with: every SubDevice with its identity, a read task over all inputs,
//! whose samples go to standard output, and a write task over all outputs, none of which is enabled.
//!
//! Guarantees: the same bus gives the same draft; whatever was scanned, the draft has no problems, and all of its channels are
//! bound on the same bus. A SubDevice that couldn't be read is the exception: the draft says so, and that is a problem.

mod advice;
mod entries;
mod idns;
mod outputs;
pub(crate) mod page;
mod text;

pub use entries::data_type;
pub(crate) use entries::{Names, entries, is_said};
pub(crate) use outputs::{Standing, standing};
pub use page::DraftFormat;
pub use text::draft_text;
pub(crate) use text::{output_value, plain, slave_line, text};

use crate::scan::{Scan, Scanned};
use std::collections::BTreeSet;
use std::time::Duration;
use zerocat_bus::FoundBy;
use zerocat_bus::sii::Content;
use zerocat_config::{
    Match, Network, PdoEntry, ReadChannel, ReadConfig, ReadTask, Rig, Sink, Slave, SlaveProperties, Target, Task,
    WriteChannel, WriteConfig, WriteTask, sanitised,
};

const RATE: f64 = 1000.0;
const SAMPLE_RATE: f64 = 100.0;
/// Batches and states per second: what a rig file has where it says nothing.
const STREAM_RATE: f64 = 10.0;
/// Most bytes of a name in a key.
const MOST_OF_A_NAME: usize = 24;

/// Drafts a rig file for the bus that was scanned on `interface`. [`draft_text`] writes it for people.
#[must_use]
pub fn draft_rig(scan: &Scan, interface: &str) -> Rig {
    let network = Network::on(interface, RATE);
    let told_apart = scan.told_apart_by();
    let mut channels = Channels::default();
    let mut slaves = Vec::with_capacity(scan.subdevices.len());
    let cycle = Rig::of(network.clone()).period();
    for (found, by) in scan.subdevices.iter().zip(told_apart) {
        let slave = slave(found, by, cycle);
        channels.add(found, &slave.key);
        slaves.push(slave);
    }
    let (reads, writes) = channels.numbered();
    let tasks = read_task(reads, &network.key).into_iter().chain(write_task(writes, &network.key)).collect();
    Rig { slaves, tasks, esi: scan.esi.clone(), ..Rig::of(network) }
}

fn read_task(channels: Vec<ReadChannel>, network: &str) -> Option<Task> {
    let config = ReadConfig {
        device: network.to_owned(),
        sample_rate: SAMPLE_RATE,
        stream_rate: STREAM_RATE,
        data_saving: true,
        channels,
        flat: true,
    };
    let any = !config.channels.is_empty();
    any.then(|| Task::Read(ReadTask { name: "inputs".to_owned(), config, sinks: vec![Sink::jsonl("-")] }))
}

fn write_task(channels: Vec<WriteChannel>, network: &str) -> Option<Task> {
    let device = network.to_owned();
    let config = WriteConfig { device, state_rate: STREAM_RATE, data_saving: true, channels, flat: true };
    let (source, after_outage) = Default::default();
    let any = !config.channels.is_empty();
    any.then(|| Task::Write(WriteTask { name: "outputs".to_owned(), config, source, after_outage, sinks: Vec::new() }))
}

/// The channels of all SubDevices, with names that only one of them has.
#[derive(Debug, Default)]
struct Channels {
    names: BTreeSet<String>,
    reads: Vec<ReadChannel>,
    writes: Vec<WriteChannel>,
}

impl Channels {
    fn add(&mut self, found: &Scanned, key: &str) {
        let mut names = Names::default();
        let inputs = entries::entries(&found.inputs, &mut names);
        let outputs = entries::entries(&found.outputs, &mut names);
        for input in &inputs {
            let channel = self.channel(key, input);
            self.reads.push(channel);
        }
        for output in &outputs {
            let ReadChannel { device, target, bit, channel, numbered, name, unit, .. } = self.channel(key, output);
            let by_idn = idns::is_idn(found, output.index).then(|| idns::standing(output, &inputs, key)).flatten();
            let standing = by_idn.unwrap_or_else(|| outputs::standing(output, &outputs, &inputs, key));
            let outputs::Standing { initial, safe } = standing;
            let (state_channel, waveform, enabled) = (None, None, false);
            self.writes.push(WriteChannel {
                device,
                target,
                bit,
                channel,
                numbered,
                name,
                unit,
                state_channel,
                enabled,
                initial,
                safe,
                waveform,
            });
        }
    }

    fn channel(&mut self, key: &str, entry: &PdoEntry) -> ReadChannel {
        let PdoEntry { index, subindex, place, bit_length, data_type, .. } = *entry;
        let name = self.free(format!("{key}_{}", entry.name));
        let target = Target::Manual { index, subindex, place, bit_length, data_type };
        ReadChannel { target, numbered: false, name, ..ReadChannel::of(key, "", 0) }
    }

    fn free(&mut self, name: String) -> String {
        let counted = (2..u32::MAX).map(|n| format!("{name}_{n}"));
        let free = std::iter::once(name.clone()).chain(counted).find(|name| !self.names.contains(name));
        let name = free.unwrap_or(name);
        self.names.insert(name.clone());
        name
    }

    /// With the numbers that a rig file gives channels that have none.
    fn numbered(mut self) -> (Vec<ReadChannel>, Vec<WriteChannel>) {
        let reads = self.reads.iter_mut().map(|channel| &mut channel.channel);
        let numbers = reads.chain(self.writes.iter_mut().map(|channel| &mut channel.channel));
        numbers.zip(1..).for_each(|(number, next)| *number = next);
        (self.reads, self.writes)
    }
}

fn slave(found: &Scanned, by: FoundBy, cycle: Duration) -> Slave {
    let advice::Advice { startup, dc, .. } = advice::of(found, cycle);
    let properties = SlaveProperties {
        serial: if by == FoundBy::Serial { found.identity.serial.into() } else { Match::Any },
        vendor_id: found.identity.vendor_id.into(),
        product_code: found.identity.product_code.into(),
        revision: Match::AtLeast(found.identity.revision),
        position: (by == FoundBy::Position).then_some(found.position),
        flat: true,
        ..SlaveProperties::default()
    };
    Slave {
        alias: (by == FoundBy::Alias).then_some(found.alias),
        device_id: found.device_id.filter(|_| by == FoundBy::DeviceId),
        properties,
        startup: startup.into_iter().map(|(command, _)| command).collect(),
        dc,
        unread: found.error.as_deref().map(page::clean),
        ..Slave::at(key(found), found.position)
    }
}

fn key(found: &Scanned) -> String {
    key_of(found.position, &found.name, found.sii)
}

/// The key of a SubDevice that no rig file names: order name and position, `el1004_2`.
pub(crate) fn key_of(position: u16, name: &str, sii: Content) -> String {
    let name = if sii == Content::Programmed { sanitised(name) } else { String::new() };
    let name: String = name.chars().take(MOST_OF_A_NAME).collect();
    let before = match name.chars().next() {
        None => "subdevice",
        Some(digit) if digit.is_ascii_digit() => "sd_",
        Some(_) => "",
    };
    format!("{before}{}_{position}", name.trim_end_matches('_'))
}

#[cfg(test)]
mod tests;
