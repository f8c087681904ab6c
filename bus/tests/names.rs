//! Names and data types of entries that only the object dictionary knows.

mod support;

use std::collections::BTreeSet;
use std::path::PathBuf;

use support::simulated::{Simulated, segment};
use zerocat_bus::names::{NameBook, PER_SUBDEVICE};
use zerocat_bus::{Kind, Network, Options, SubDevice, WantedTypes, types};
use zerocat_sim::{Action, SegmentConfig};

const KIND: Kind = Kind { vendor_id: 2748, product_code: 0x100, revision: 1 };

/// A coupler and two drives of one kind whose SIIs name no entry.
fn drives() -> SegmentConfig {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/samples/nameless-drives.json");
    SegmentConfig::load(&file).expect("a good segment")
}

/// Names of what a SubDevice maps, with type codes.
fn names(subdevice: &SubDevice) -> Vec<(&str, u16)> {
    let pdos = subdevice.sync_managers.iter().flat_map(|manager| &manager.pdos);
    pdos.flat_map(|pdo| &pdo.entries).map(|entry| (entry.name.as_str(), entry.type_code)).collect()
}

fn explored<'d>(pump: &mut Simulated, datagrams: &'d zerocat_bus::Datagrams) -> Network<'d> {
    let mut network = pump.run(Network::discover(datagrams, Options::default())).expect("found");
    assert!(pump.run(network.explore()).iter().all(Result::is_ok));
    network
}

const NAMES: [(&str, u16); 5] =
    [("Control word", 6), ("Status word", 6), ("Position actual value", 4), ("Torque 1", 6), ("Peak", 6)];

#[test]
fn entries_without_a_name_in_the_sii_are_called_as_the_dictionary_calls_them() {
    let (datagrams, mut pump) = segment(&drives());
    let mut network = explored(&mut pump, &datagrams);
    assert!(names(&network.subdevices()[1]).iter().all(|(name, _)| name.is_empty()));
    let mut book = NameBook::default();
    pump.run(network.read_names(&mut book));
    for drive in &network.subdevices()[1..] {
        assert_eq!(names(drive), NAMES);
        assert_eq!(drive.notes, Vec::<String>::new());
    }
    assert_eq!(book.learned.iter().collect::<Vec<_>>(), [&KIND]);
    assert_eq!(book.known[&KIND].entries.len(), NAMES.len());
}

#[test]
fn what_is_known_of_a_kind_is_not_asked_again() {
    let (datagrams, mut pump) = segment(&drives());
    let mut network = explored(&mut pump, &datagrams);
    let mut book = NameBook::default();
    pump.run(network.read_names(&mut book));
    book.learned.clear();
    let mut network = explored(&mut pump, &datagrams);
    let before = pump.frames;
    pump.run(network.read_names(&mut book));
    assert_eq!((pump.frames, book.learned.len()), (before, 0));
    assert_eq!(names(&network.subdevices()[2]), NAMES);
}

#[test]
fn a_subdevice_that_falls_silent_costs_its_names_and_no_more_than_its_time() {
    let (datagrams, mut pump) = segment(&drives());
    let mut network = explored(&mut pump, &datagrams);
    let now = pump.now();
    for subdevice in [1, 2] {
        pump.segment.act(Action::FreezeMailbox { subdevice, frozen: true }, now).expect("a mailbox");
    }
    pump.run(network.read_names(&mut NameBook::default()));
    assert!(pump.now() - now <= 3 * PER_SUBDEVICE, "the first of its kind, then its twin");
    let drive = &network.subdevices()[1];
    assert!(drive.notes[0].starts_with("names of entries are missing: SubDevice 1 (NL100)"), "{:?}", drive.notes);
    assert!(names(drive).iter().all(|(name, _)| name.is_empty()));
}

/// Type codes of what a SubDevice maps.
fn codes(subdevice: &SubDevice) -> Vec<u16> {
    names(subdevice).into_iter().map(|(_, code)| code).collect()
}

/// Those that the SII of a drive has.
const SII: [u16; 5] = [6, 0, 4, 6, 0];

/// The status word of the first drive.
fn status_word() -> WantedTypes {
    WantedTypes::from([(1, BTreeSet::from([(0x6041, 0)]))])
}

#[test]
fn types_are_asked_for_of_the_entries_that_are_meant_and_once() {
    let (datagrams, mut pump) = segment(&drives());
    let mut network = explored(&mut pump, &datagrams);
    assert_eq!(codes(&network.subdevices()[1]), SII);
    pump.run(network.read_types(&status_word()));
    assert_eq!(codes(&network.subdevices()[1]), [6, 6, 4, 6, 0]);
    assert_eq!(codes(&network.subdevices()[2]), SII);
    let before = pump.frames;
    pump.run(network.read_types(&status_word()));
    assert_eq!(pump.frames, before);
}

#[test]
fn a_subdevice_that_falls_silent_costs_its_types_and_no_more_than_its_time() {
    let (datagrams, mut pump) = segment(&drives());
    let mut network = explored(&mut pump, &datagrams);
    let now = pump.now();
    pump.segment.act(Action::FreezeMailbox { subdevice: 1, frozen: true }, now).expect("a mailbox");
    pump.run(network.read_types(&status_word()));
    assert!(pump.now() - now <= types::PER_SUBDEVICE + types::PER_SUBDEVICE / 10);
    assert_eq!(codes(&network.subdevices()[1]), SII);
}
