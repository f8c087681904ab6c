//! A rig file drafted from a scan, for a user to begin with: every SubDevice with every entry that it maps, and a read
//! task over all inputs.

use crate::scan::{Scan, Scanned};
use std::collections::BTreeSet;
use zerocat_config::{
    Engine, Network, NetworkProperties, PdoEntry, Pdos, ReadChannel, ReadConfig, ReadTask, Rig, Slave, SlaveProperties,
    Target, Task,
};
use zerocat_pdi::{DataType, Entry, Pdo};

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
        },
        sink: None,
    };
    let tasks = if read.config.channels.is_empty() { Vec::new() } else { vec![Task::Read(read)] };
    Rig {
        network: Network {
            key: NETWORK.to_owned(),
            name: format!("EtherCAT on {interface}"),
            make: "EtherCAT".to_owned(),
            model: "Network".to_owned(),
            properties: NetworkProperties { interface: interface.to_owned(), rate: RATE },
        },
        slaves,
        tasks,
        engine: Engine::default(),
    }
}

fn channels_of(slave: &Slave) -> Vec<ReadChannel> {
    let channel = |entry: &PdoEntry| ReadChannel {
        device: slave.key.clone(),
        target: Target::Automatic { pdo: entry.name.clone() },
        channel: 0,
        enabled: true,
    };
    slave.properties.pdos.inputs.iter().map(channel).collect()
}

fn slave(found: &Scanned) -> Slave {
    let mut taken = BTreeSet::new();
    let pdos = Pdos { inputs: entries(&found.inputs, &mut taken), outputs: entries(&found.outputs, &mut taken) };
    Slave {
        key: format!("slave_{}", found.position),
        name: found.name.clone(),
        make: format!("vendor {:#010x}", found.identity.vendor_id),
        model: found.name.clone(),
        properties: SlaveProperties {
            serial: found.identity.serial,
            vendor_id: found.identity.vendor_id,
            product_code: found.identity.product_code,
            revision: found.identity.revision,
            name: found.name.clone(),
            position: found.position,
            pdos,
        },
    }
}

fn entries(pdos: &[Pdo], taken: &mut BTreeSet<String>) -> Vec<PdoEntry> {
    let mapped = pdos.iter().flat_map(|pdo| pdo.entries.iter().map(move |entry| (pdo, entry)));
    mapped.filter(|(_, entry)| !entry.is_padding()).map(|(pdo, entry)| pdo_entry(pdo, entry, taken)).collect()
}

fn pdo_entry(pdo: &Pdo, entry: &Entry, taken: &mut BTreeSet<String>) -> PdoEntry {
    let address = format!("{:04x}_{:02x}", entry.index, entry.subindex);
    let plain = sanitised(&entry.name);
    let qualified = sanitised(&format!("{} {}", pdo.name, entry.name));
    let candidates = [plain, qualified.clone(), format!("{qualified}_{address}")];
    let free = candidates.into_iter().find(|name| !name.is_empty() && !taken.contains(name));
    let name = free.unwrap_or_else(|| format!("entry_{address}"));
    taken.insert(name.clone());
    PdoEntry {
        name,
        index: entry.index,
        subindex: entry.subindex,
        bit_length: entry.bit_length,
        data_type: data_type(entry),
    }
}

/// Lower case, underscores only, as the specification's rule for channel names has it.
fn sanitised(name: &str) -> String {
    let mut clean = String::new();
    for letter in name.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() {
            clean.push(letter);
        } else if !clean.is_empty() && !clean.ends_with('_') {
            clean.push('_');
        }
    }
    clean.trim_end_matches('_').to_owned()
}

/// By the base data type (ETG.1020, table 98) where it fits the length, else the smallest unsigned one.
fn data_type(entry: &Entry) -> DataType {
    let by_code = match entry.type_code {
        0x0001 => Some(DataType::Bool),
        0x0002 => Some(DataType::Int8),
        0x0003 => Some(DataType::Int16),
        0x0004 => Some(DataType::Int32),
        0x0008 => Some(DataType::Float32),
        0x0011 => Some(DataType::Float64),
        0x0015 => Some(DataType::Int64),
        _ => None,
    };
    by_code.filter(|data_type| data_type.fits(entry.bit_length)).unwrap_or(match entry.bit_length {
        1 => DataType::Bool,
        2..=8 => DataType::Uint8,
        9..=16 => DataType::Uint16,
        17..=32 => DataType::Uint32,
        _ => DataType::Uint64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Scan;
    use zerocat_bus::Identity;

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
            dc: false,
            coe: true,
            pdo_source: None,
            input_bits: 37,
            output_bits: 0,
            inputs,
            outputs: Vec::new(),
            error: None,
        };
        Scan { schema: "zerocat-scan/1", subdevices: vec![found] }
    }

    #[test]
    fn a_draft_has_no_problems_and_survives_its_own_parser() {
        let rig = draft_rig(&scan(), "eth7");
        assert_eq!(rig.problems(), []);
        assert_eq!(Rig::from_json(&rig.to_json().unwrap()).unwrap(), rig);
    }

    #[test]
    fn entries_get_names_of_their_own_and_padding_none() {
        let rig = draft_rig(&scan(), "eth7");
        let names: Vec<_> = rig.slaves[0].properties.pdos.inputs.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["value", "channel_1a01_value", "channel_1a01"]);
        let types: Vec<_> = rig.slaves[0].properties.pdos.inputs.iter().map(|entry| entry.data_type).collect();
        assert_eq!(types, [DataType::Int16, DataType::Int16, DataType::Uint8]);
    }
}
