//! A rig file drafted from a scan, for a user to begin with: every SubDevice with every entry that it maps, and a read
//! task over all inputs, whose samples go to standard output.
//!
//! Guarantees: whatever was scanned, the draft has no problems, and all of its channels are bound on the same bus. A SubDevice
//! that couldn't be read is the exception: the draft says so, and that is a problem.

mod entries;

pub use entries::data_type;

use crate::scan::{Scan, Scanned};
use entries::Names;
use zerocat_config::{
    Match, Network, PdoEntry, Pdos, ReadChannel, ReadConfig, ReadTask, Rig, Sink, Slave, SlaveProperties, Task,
};

const NETWORK: &str = "network";
const RATE: f64 = 1000.0;
const SAMPLE_RATE: f64 = 100.0;
const STREAM_RATE: f64 = 20.0;

/// Drafts a rig file for the bus that was scanned on `interface`.
#[must_use]
pub fn draft_rig(scan: &Scan, interface: &str) -> Rig {
    let slaves: Vec<Slave> = scan.subdevices.iter().map(slave).collect();
    let channels = slaves.iter().flat_map(channels_of);
    let channels: Vec<_> =
        channels.zip(1..).map(|(channel, number)| ReadChannel { channel: number, ..channel }).collect();
    let read = ReadTask {
        name: "all inputs".to_owned(),
        config: ReadConfig {
            device: NETWORK.to_owned(),
            sample_rate: SAMPLE_RATE,
            stream_rate: STREAM_RATE,
            data_saving: true,
            channels,
            flat: true,
        },
        sinks: vec![Sink::jsonl("-")],
    };
    let tasks = if read.config.channels.is_empty() { Vec::new() } else { vec![Task::Read(read)] };
    Rig { slaves, tasks, ..Rig::of(Network::on(interface, RATE)) }
}

fn channels_of(slave: &Slave) -> Vec<ReadChannel> {
    let channel = |entry: &PdoEntry| ReadChannel::of(&slave.key, &entry.name, 0);
    slave.properties.pdos.inputs.iter().map(channel).collect()
}

fn slave(found: &Scanned) -> Slave {
    let mut names = Names::default();
    let inputs = entries::entries(&found.inputs, &mut names);
    let pdos = Pdos { inputs, outputs: entries::entries(&found.outputs, &mut names) };
    Slave {
        name: found.name.clone(),
        make: found.identity.vendor(),
        model: found.name.clone(),
        properties: SlaveProperties {
            serial: serial(found.identity.serial),
            vendor_id: found.identity.vendor_id.into(),
            product_code: found.identity.product_code.into(),
            revision: found.identity.revision.into(),
            name: found.name.clone(),
            position: Some(found.position),
            pdos,
            flat: true,
        },
        unread: found.error.clone(),
        ..Slave::at(format!("slave_{}", found.position), found.position)
    }
}

/// 0 is none.
fn serial(number: u32) -> Match {
    if number == 0 { Match::Any } else { number.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Scan;
    use zerocat_bus::Identity;
    use zerocat_pdi::{DataType, Entry, Pdo};

    fn entry(index: u16, name: &str, bit_length: u8, type_code: u16) -> Entry {
        Entry { index, subindex: 1, bit_length, name: name.to_owned(), type_code }
    }

    fn scan() -> Scan {
        let input = |index, entries| Pdo { index, name: format!("Channel {index:x}"), entries };
        let inputs = vec![
            input(0x1a00, vec![entry(0x6000, "Value", 16, 0x0003), entry(0, "", 3, 0)]),
            input(0x1a01, vec![entry(0x6010, "Value", 16, 0x0003), entry(0x6011, "", 2, 0)]),
        ];
        let found = Scanned {
            position: 3,
            name: "EL3102".to_owned(),
            identity: Identity { vendor_id: 2, product_code: 0x0c1e_3052, revision: 0x10, serial: 0 },
            alias: 0,
            parent: Some(2),
            open_ports: [true, false, false, false],
            port_errors: <[zerocat_bus::PortErrors; 4]>::default(),
            dc: false,
            coe: true,
            pdo_source: None,
            input_bits: 37,
            output_bits: 0,
            inputs,
            outputs: Vec::new(),
            sii: zerocat_bus::sii::Content::Programmed,
            esc: zerocat_bus::EscInfo::default(),
            notes: Vec::new(),
            error: None,
        };
        Scan { schema: "zerocat-scan/1", subdevices: vec![found] }
    }

    #[test]
    fn a_draft_has_no_problems_and_survives_its_own_parser() {
        let rig = draft_rig(&scan(), "eth7");
        assert_eq!(rig.problems(), []);
        let text = rig.to_json().unwrap();
        assert_eq!(Rig::from_json(&text).unwrap().to_json().unwrap(), text);
    }

    #[test]
    fn entries_get_names_of_their_own_and_padding_none() {
        let rig = draft_rig(&scan(), "eth7");
        let names: Vec<_> = rig.slaves[0].properties.pdos.inputs.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["value", "channel_1a01_value", "channel_1a01"]);
        let types: Vec<_> = rig.slaves[0].properties.pdos.inputs.iter().map(|entry| entry.data_type).collect();
        assert_eq!(types, [DataType::Int16, DataType::Int16, DataType::Uint8]);
    }

    #[test]
    fn samples_go_to_standard_output() {
        let rig = draft_rig(&scan(), "eth7");
        let Task::Read(read) = &rig.tasks[0] else { panic!("{rig:?}") };
        assert_eq!(read.sinks, [Sink::jsonl("-")]);
    }
}
