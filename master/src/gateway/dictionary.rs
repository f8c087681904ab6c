//! The MainDevice's object dictionary (ETG.1510, second-hand: as the MainDevices of KickCAT and libethercat have it).
//!
//! Guarantees: all of it may be read and nothing written: what writing would do (the AL control of a SubDevice, a scan of the bus) is
//! not for whoever reaches the gateway. States and links are those of the moment in which they are read.

use super::directory::{Directory, Known};
use super::object::{Entry, Object, Source, Type};
use std::collections::BTreeMap;
use zerocat_wire::register;

/// Objects of SubDevices at most, from 0x8000, 0x9000 and 0xA000 on (0xF000:02).
const MOST: u16 = 4080;
/// Addresses in one object of 0xF02n and 0xF04n.
const ADDRESSES: usize = 255;
/// Objects of such addresses.
const ADDRESS_OBJECTS: u16 = 16;
/// Device type of a SubDevice, and its diagnosis history.
const DEVICE_TYPE: u16 = 0x1000;

/// Objects by index.
#[derive(Debug, Clone, Default)]
pub(super) struct Dictionary(pub(super) BTreeMap<u16, Object>);

impl Dictionary {
    /// Of a network.
    pub(super) fn of(directory: &Directory) -> Self {
        let mut objects = BTreeMap::from(own());
        for (n, known) in (0..MOST).zip(&directory.0) {
            objects.insert(0x8000 + n, configured(n, known));
            objects.insert(0x9000 + n, found(n, known));
            objects.insert(0xa000 + n, shown(n));
        }
        let stations: Vec<u16> = directory.0.iter().map(|known| known.station).collect();
        for (n, part) in (0..ADDRESS_OBJECTS).zip(stations.chunks(ADDRESSES)) {
            objects.insert(0xf020 + n, addresses("Configured Address List Slaves", n, part));
            objects.insert(0xf040 + n, addresses("Detected Address List Slaves", n, part));
        }
        Self(objects)
    }
}

/// What it says of the MainDevice itself. It has no vendor ID of the ETG.
fn own() -> [(u16, Object); 7] {
    let version = env!("CARGO_PKG_VERSION");
    let identity = ["Vendor ID", "Product Code", "Revision Number", "Serial Number"].map(|name| Entry::u32(name, 0));
    let modular = [
        Entry::u16("Index Distance", 1),
        Entry::u16("Maximum Number of Modules", MOST),
        Entry::u32("General Configuration", 0),
        Entry::u32("General Information", 0),
    ];
    let scan = [
        Entry::bytes("Scan Command Request", Type::Octets, [0; 2]),
        Entry::bytes("Scan Command Status", Type::U8, [0]),
        Entry::bytes("Scan Command Response", Type::Octets, [0; 6]),
    ];
    [
        (0x1000, Object::variable(Entry::u32("Device Type", 0))),
        (0x1008, Object::variable(Entry::text("Manufacturer Device Name", "zerocat"))),
        (0x1009, Object::variable(Entry::text("Manufacturer Hardware Version", "-"))),
        (0x100a, Object::variable(Entry::text("Manufacturer Software Version", version))),
        (0x1018, Object::record("Identity Object", (1..).zip(identity))),
        (0xf000, Object::record("Modular Device Profile", (1..).zip(modular))),
        (0xf002, Object::record("Detect Modules Command", (1..).zip(scan))),
    ]
}

/// 0x8nnn. What lies between its subindices is a gap.
fn configured(n: u16, known: &Known) -> Object {
    let mailbox = known.mailbox.unwrap_or_default();
    let mut entries = vec![
        (1, Entry::u16("Fixed Station Address", known.station)),
        (2, Entry::text("Type", &known.kind)),
        (3, Entry::text("Name", &known.name)),
        (4, device_type(n, known)),
    ];
    entries.extend(identity(known));
    entries.extend([
        (33, Entry::u16("Mailbox Out Size", mailbox.write_len)),
        (34, Entry::u16("Mailbox In Size", mailbox.read_len)),
        (35, Entry::bytes("Link Status", Type::U8, [0])),
        (36, Entry::bytes("Link Preset", Type::U8, [0])),
        (37, Entry::bytes("Flags", Type::U8, [0])),
        (38, Entry::u16("Port Physics", known.ports)),
        (39, Entry::u16("Mailbox Protocols Supported", mailbox.protocols)),
        (40, Entry::bytes("Diagnosis History Object Supported", Type::Bool, [0])),
    ]);
    Object::record(format!("Configuration Data Slave {n}"), entries)
}

fn device_type(n: u16, known: &Known) -> Entry {
    let source = match known.coe {
        true => Source::Object { position: n, index: DEVICE_TYPE },
        false => Source::Bytes(vec![0; 4]),
    };
    Entry::new("Device Type", Type::U32, source)
}

fn identity(known: &Known) -> [(u8, Entry); 4] {
    let identity = known.identity;
    [
        (5, Entry::u32("Vendor ID", identity.vendor_id)),
        (6, Entry::u32("Product Code", identity.product_code)),
        (7, Entry::u32("Revision Number", identity.revision)),
        (8, Entry::u32("Serial Number", identity.serial)),
    ]
}

/// 0x9nnn.
fn found(n: u16, known: &Known) -> Object {
    let mut entries = vec![(1, Entry::u16("Fixed Station Address", known.station))];
    entries.extend(identity(known));
    let status = Source::Register { position: n, register: register::DL_STATUS };
    entries.push((32, Entry::new("DL Status Register", Type::U16, status)));
    Object::record(format!("Information Data Slave {n}"), entries)
}

/// 0xAnnn.
fn shown(n: u16) -> Object {
    let of = |name, register| Entry::new(name, Type::U16, Source::Register { position: n, register });
    let entries = [(1, of("AL Status", register::AL_STATUS)), (2, of("AL Control", register::AL_CONTROL))];
    Object::record(format!("Diagnosis Data Slave {n}"), entries)
}

/// 0xF02n and 0xF04n.
fn addresses(name: &'static str, n: u16, stations: &[u16]) -> Object {
    let from = usize::from(n) * ADDRESSES;
    let entries = (1..=u8::MAX).zip(stations).map(|(subindex, station)| (subindex, Entry::u16("Slave", *station)));
    Object::array(format!("{name} {from}-{}", from + ADDRESSES - 1), Type::U16, entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(count: u16) -> Dictionary {
        let known = |n| Known { station: 0x1001 + n, kind: "EL3002".to_owned(), ..Known::default() };
        Dictionary::of(&Directory((0..count).map(known).collect()))
    }

    fn value(dictionary: &Dictionary, index: u16, subindex: u8) -> Option<Vec<u8>> {
        match &dictionary.0.get(&index)?.entries.get(&subindex)?.source {
            Source::Bytes(bytes) => Some(bytes.clone()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_subdevice_has_its_objects_and_gaps_stay_gaps() {
        let dictionary = network(3);
        assert_eq!(value(&dictionary, 0x8002, 1), Some(vec![0x03, 0x10]));
        assert_eq!(value(&dictionary, 0x8002, 2), Some(b"EL3002".to_vec()));
        assert_eq!(value(&dictionary, 0x8002, 0), Some(vec![40]));
        assert_eq!(value(&dictionary, 0x8002, 9), None);
        assert_eq!(value(&dictionary, 0x8003, 1), None);
        assert_eq!(dictionary.0[&0xa001].entries[&1].bits(), 16);
    }

    #[test]
    fn addresses_go_by_255_in_an_object() {
        let dictionary = network(600);
        assert_eq!(value(&dictionary, 0xf020, 0), Some(vec![255]));
        assert_eq!(value(&dictionary, 0xf021, 1), Some(vec![0x00, 0x11]));
        assert_eq!(value(&dictionary, 0xf042, 0), Some(vec![90]));
        assert_eq!(value(&dictionary, 0xf023, 0), None);
        assert_eq!(value(&network(0), 0xf020, 0), None);
    }
}
