//! The rig file of the demonstration describes each SubDevice as the bus finds it.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::time::Instant;
use zerocat::config::{PdoEntry, Rig};
use zerocat::{Depth, DrivenBus, SCAN_SLOTS, Scan, ScanOptions, scan};
use zerocat_link::Sizing;
use zerocat_pdi::Pdo;
use zerocat_sim::{Segment, SegmentConfig, SegmentLink};

const RIG: &str = include_str!("../../examples/demo-rig.json");

fn found() -> Scan {
    let segment = Segment::new(&SegmentConfig::demo()).unwrap();
    let start = Instant::now();
    let link = SegmentLink::new(segment, Sizing { slots: SCAN_SLOTS, receive: 64 }, move || start.elapsed());
    let options = ScanOptions::new(Depth::Deep, DrivenBus::Refuse);
    scan(Box::new(link), options, || false).unwrap()
}

/// Index, subindex and bits of each entry that is no padding.
fn mapped(pdos: &[Pdo]) -> Vec<(u16, u8, u8)> {
    let entries = pdos.iter().flat_map(|pdo| &pdo.entries).filter(|entry| !entry.is_padding());
    entries.map(|entry| (entry.index, entry.subindex, entry.bit_length)).collect()
}

fn configured(entries: &[PdoEntry]) -> Vec<(u16, u8, u8)> {
    entries.iter().map(|entry| (entry.index, entry.subindex, entry.bit_length)).collect()
}

#[test]
fn each_slave_has_the_identity_that_the_bus_finds_at_its_position() {
    let (rig, scan) = (Rig::from_json(RIG).unwrap(), found());
    assert_eq!(rig.slaves.len(), scan.subdevices.len());
    for (slave, found) in rig.slaves.iter().zip(&scan.subdevices) {
        let ours = &slave.properties;
        assert_eq!(found.error, None);
        assert_eq!(ours.position, Some(found.position));
        let identity = found.identity;
        let rules = [&ours.vendor_id, &ours.product_code, &ours.revision, &ours.serial].map(|rule| rule.equal());
        let found_to_be = [identity.vendor_id, identity.product_code, identity.revision, identity.serial].map(Some);
        assert_eq!(rules, found_to_be, "{}", slave.key);
        assert_eq!(slave.model, found.name);
    }
}

#[test]
fn each_slave_has_the_entries_that_the_bus_finds_in_their_order() {
    let (rig, scan) = (Rig::from_json(RIG).unwrap(), found());
    for (slave, found) in rig.slaves.iter().zip(&scan.subdevices) {
        let pdos = &slave.properties.pdos;
        assert_eq!(configured(&pdos.inputs), mapped(&found.inputs), "inputs of {}", slave.key);
        assert_eq!(configured(&pdos.outputs), mapped(&found.outputs), "outputs of {}", slave.key);
    }
}
