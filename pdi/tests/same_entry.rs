//! Entries that share index and subindex: in several PDOs, in PDOs of one index, and within one PDO.
#![allow(clippy::unwrap_used, reason = "a test")]

use proptest::prelude::*;
use std::collections::BTreeSet;
use zerocat_pdi::{Access, Activation, Direction, Entry, Pdo, SubDeviceLayout, SyncManagerLayout, SyncUnit, lay_out};

/// PDOs by index, each with the subindexes and lengths of its entries; subindex 0 is padding.
type Map = Vec<(u16, Vec<(u8, u8)>)>;

fn pdos(map: &Map, object: u16) -> Vec<Pdo> {
    let entry = |(subindex, bit_length): &(u8, u8)| {
        let index = if *subindex == 0 { 0 } else { object };
        Entry { index, subindex: *subindex, bit_length: *bit_length, name: String::new(), type_code: 0 }
    };
    let pdo = |(index, entries): &(u16, Vec<(u8, u8)>)| Pdo {
        index: *index,
        name: String::new(),
        entries: entries.iter().map(entry).collect(),
    };
    map.iter().map(pdo).collect()
}

fn subdevice(managers: &[Map]) -> SubDeviceLayout {
    let manager = |(number, map): (u8, &Map)| {
        let direction = if number % 2 == 0 { Direction::Output } else { Direction::Input };
        let (start, control) = (0x1000 + 0x200 * u16::from(number), 0x24);
        SyncManagerLayout { number, direction, start, control, activation: Activation::SafeOp, pdos: pdos(map, 0x6000) }
    };
    let sync_managers = (2..).zip(managers).map(manager).collect();
    SubDeviceLayout { position: 0, sync_managers, fmmus: 8, status: None, access: Access::Lrw, unit: 0 }
}

fn any_map() -> impl Strategy<Value = Map> {
    let entries = prop::collection::vec((0u8..4, 1u8..=255), 0..6);
    prop::collection::vec((0x1a00u16..0x1a03, entries), 0..5)
}

const EVERY: SyncUnit = SyncUnit { every: 1, phase: None };

proptest! {
    #[test]
    fn two_entries_never_share_a_place_nor_a_name(managers in prop::collection::vec(any_map(), 1..6)) {
        let plan = lay_out(&[subdevice(&managers)], &[EVERY], 1486).unwrap();
        let entries = &plan.subdevices[0].entries;
        let mapped: usize = managers.iter().flatten().map(|(_, entries)| entries.iter().filter(|e| e.0 != 0).count()).sum();
        prop_assert_eq!(entries.len(), mapped);
        for (n, one) in entries.iter().enumerate() {
            prop_assert!(one.span.len > 0 && one.span.bytes().end <= plan.image_len);
            prop_assert!(entries[..n].iter().all(|other| !other.span.overlaps(one.span)), "{:?}", one);
        }
        // Direction, PDO and place in it are a name.
        let mut names = BTreeSet::new();
        for entry in entries {
            let output = entry.direction == Direction::Output;
            prop_assert!(names.insert((output, entry.pdo, entry.pdo_nth, entry.span.offset)));
        }
    }
}

#[test]
fn pdos_of_one_index_are_counted_across_the_sync_managers_of_a_direction_empty_ones_too() {
    let managers: [Map; 4] = [
        vec![(0x1600, vec![(1, 8)])],
        vec![(0x1a00, vec![]), (0x1a00, vec![(1, 8), (1, 8)]), (0x1a01, vec![(1, 8)])],
        vec![(0x1600, vec![(1, 8)])],
        vec![(0x1a00, vec![(0, 7), (1, 1)])],
    ];
    let plan = lay_out(&[subdevice(&managers)], &[EVERY], 1486).unwrap();
    let nths = |direction| -> Vec<_> {
        let all = plan.subdevices[0].entries.iter().filter(|entry| entry.direction == direction);
        all.map(|entry| (entry.pdo, entry.pdo_nth)).collect()
    };
    assert_eq!(nths(Direction::Output), [(0x1600, 1), (0x1600, 2)]);
    assert_eq!(nths(Direction::Input), [(0x1a00, 2), (0x1a00, 2), (0x1a01, 1), (0x1a00, 3)]);
}
