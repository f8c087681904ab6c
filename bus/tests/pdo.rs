//! PDO maps of SubDevices whose object dictionary has gaps.

mod support;

use std::collections::BTreeMap;

use support::mailman::{Mailman, mailbox, response};
use support::rig;
use zerocat_bus::PdoSource;
use zerocat_bus::pdo::{PdoMap, read};
use zerocat_bus::sii::{Sii, SiiPdo};
use zerocat_pdi::{Direction, Entry, Pdo};
use zerocat_wire::coe::{AbortCode, SdoAbort, SdoInitiate, SdoRequest, SdoResponse};
use zerocat_wire::sii::{SyncManagerEntry, SyncManagerUse};

/// A dictionary of these objects; each value with the bytes that it has.
fn dictionary(objects: &[(u16, u8, &[u8])]) -> Mailman {
    refusing(objects, &[])
}

/// The same, with accesses that are refused by an abort code of their own.
fn refusing(objects: &[(u16, u8, &[u8])], refused: &[(u16, u8, u32)]) -> Mailman {
    let refused: BTreeMap<_, _> = refused.iter().map(|(index, sub, code)| ((*index, *sub), AbortCode(*code))).collect();
    let objects: BTreeMap<_, _> = objects.iter().map(|(index, sub, value)| ((*index, *sub), value.to_vec())).collect();
    Mailman::sdo(move |request| {
        let SdoRequest::Upload { target } = request else { return vec![] };
        let place = (target.index, target.subindex);
        if let Some(code) = refused.get(&place).copied() {
            return vec![response(&SdoResponse::Abort(SdoAbort { target, code }))];
        }
        let answer = match objects.get(&place) {
            Some(data) => SdoResponse::Upload(SdoInitiate::Expedited { target, data }),
            None => SdoResponse::Abort(SdoAbort { target, code: AbortCode::NO_SUCH_OBJECT }),
        };
        vec![response(&answer)]
    })
}

fn sii() -> Sii {
    let channel = |start, control, usage| SyncManagerEntry { start, length: 4, control, status: 0, enable: 1, usage };
    let pdo = |index, entry, bits, sync_manager| {
        let entry = Entry { index: entry, subindex: 1, bit_length: bits, name: format!("E{entry:04x}"), type_code: 6 };
        SiiPdo {
            pdo: Pdo { index, name: format!("P{index:04x}"), entries: vec![entry] },
            sync_manager: Some(sync_manager),
            flags: 0,
        }
    };
    Sii {
        sync_managers: vec![
            channel(0x1000, 0x26, SyncManagerUse::MailboxOut),
            channel(0x1080, 0x22, SyncManagerUse::MailboxIn),
            channel(0x1100, 0x64, SyncManagerUse::Outputs),
            channel(0x1180, 0x20, SyncManagerUse::Inputs),
        ],
        rx_pdos: vec![pdo(0x1600, 0x7000, 16, 2)],
        tx_pdos: vec![pdo(0x1a00, 0x6000, 16, 3)],
        ..Sii::default()
    }
}

fn map(device: Mailman) -> PdoMap {
    let (datagrams, mut pump) = rig::<4, _>(device);
    pump.run(read(&datagrams, &sii(), Some(&mut mailbox()))).expect("a map")
}

fn error(device: Mailman) -> String {
    let (datagrams, mut pump) = rig::<4, _>(device);
    pump.run(read(&datagrams, &sii(), Some(&mut mailbox()))).expect_err("no map").to_string()
}

/// Number, direction and start of a sync manager, index and bits of what is mapped on it.
type Short = (u8, Direction, u16, Vec<(u16, u8)>);

fn short(map: &PdoMap) -> Vec<Short> {
    let entries = |pdos: &[Pdo]| pdos.iter().flat_map(|pdo| &pdo.entries).map(|e| (e.index, e.bit_length)).collect();
    map.sync_managers.iter().map(|sm| (sm.number, sm.direction, sm.start, entries(&sm.pdos))).collect()
}

#[test]
fn the_dictionary_comes_before_the_sii_and_keeps_its_padding() {
    let map = map(dictionary(&[
        (0x1c12, 0, &[1]),
        (0x1c12, 1, &[0x00, 0x16]),
        (0x1600, 0, &[3]),
        (0x1600, 1, &[1, 1, 0x00, 0x70]),
        (0x1600, 2, &[7, 0, 0, 0]),
        (0x1600, 3, &[8, 2, 0x00, 0x70]),
        (0x1c13, 0, &[0]),
    ]));
    assert_eq!(short(&map), [(2, Direction::Output, 0x1100, vec![(0x7000, 1), (0, 7), (0x7000, 8)])]);
    assert_eq!(map.source, Some(PdoSource::Coe));
    let names: Vec<_> = map.sync_managers[0].pdos[0].entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!((map.sync_managers[0].pdos[0].name.as_str(), names), ("P1600", vec!["E7000", "", ""]));
    assert!(map.notes.is_empty());
}

#[test]
fn a_missing_assignment_of_one_direction_is_taken_from_the_sii_and_said() {
    let map = map(dictionary(&[
        (0x1c12, 0, &[1]),
        (0x1c12, 1, &[0x00, 0x16]),
        (0x1600, 0, &[1]),
        (0x1600, 1, &[32, 1, 0x00, 0x70]),
    ]));
    let inputs = (3, Direction::Input, 0x1180, vec![(0x6000, 16)]);
    assert_eq!(short(&map), [(2, Direction::Output, 0x1100, vec![(0x7000, 32)]), inputs]);
    assert_eq!(
        map.notes,
        [
            "0x1c13:00: abort 0x06020000: Object doesn't exist in the object dictionary; PDOs of sync manager 3 as in the SII"
        ]
    );
}

#[test]
fn coe_without_any_assignment_object_leaves_the_sii() {
    let map = map(dictionary(&[(0x1000, 0, &[0, 0, 0, 0])]));
    assert_eq!(map.source, Some(PdoSource::Sii));
    assert_eq!(short(&map).len(), 2);
}

#[test]
fn the_uses_of_sync_managers_come_from_their_object() {
    // Inputs on sync manager 2 and none on 3, unlike the SII says.
    let map = map(dictionary(&[
        (0x1c00, 0, &[3]),
        (0x1c00, 1, &[1]),
        (0x1c00, 2, &[2]),
        (0x1c00, 3, &[4]),
        (0x1c12, 0, &[1]),
        (0x1c12, 1, &[0x00, 0x1a]),
        (0x1a00, 0, &[1]),
        (0x1a00, 1, &[16, 1, 0x00, 0x60]),
    ]));
    assert_eq!(short(&map), [(2, Direction::Input, 0x1100, vec![(0x6000, 16)])]);
    // 0x64 in the SII: the direction is changed, the rest is kept.
    assert_eq!((map.sync_managers[0].control, map.notes.len()), (0x60, 1));
}

#[test]
fn uses_that_all_other_sources_contradict_are_not_believed() {
    // 0x1C00 has outputs and inputs swapped, and then doesn't name the inputs at all.
    for (second, third) in [(4, 3), (3, 0)] {
        let map = map(dictionary(&[
            (0x1c00, 0, &[4]),
            (0x1c00, 1, &[1]),
            (0x1c00, 2, &[2]),
            (0x1c00, 3, &[second]),
            (0x1c00, 4, &[third]),
            (0x1c12, 0, &[1]),
            (0x1c12, 1, &[0x00, 0x16]),
            (0x1600, 0, &[1]),
            (0x1600, 1, &[16, 1, 0x00, 0x70]),
            (0x1c13, 0, &[1]),
            (0x1c13, 1, &[0x00, 0x1a]),
            (0x1a00, 0, &[1]),
            (0x1a00, 1, &[16, 1, 0x00, 0x60]),
        ]));
        let outputs = (2, Direction::Output, 0x1100, vec![(0x7000, 16)]);
        let inputs = (3, Direction::Input, 0x1180, vec![(0x6000, 16)]);
        assert_eq!(short(&map), [outputs, inputs]);
        assert!(map.notes.iter().all(|note| note.contains("0x1C00")) && !map.notes.is_empty(), "{:?}", map.notes);
    }
}

#[test]
fn an_assigned_pdo_without_mapping_object_is_taken_from_the_sii() {
    let map = map(dictionary(&[(0x1c12, 0, &[1]), (0x1c12, 1, &[0x00, 0x16]), (0x1c13, 0, &[0])]));
    assert_eq!(short(&map), [(2, Direction::Output, 0x1100, vec![(0x7000, 16)])]);
    assert_eq!(
        map.notes,
        ["0x1600:00: abort 0x06020000: Object doesn't exist in the object dictionary; PDO 0x1600 as in the SII"]
    );
}

/// One PDO out, none in.
const ONE_OUT: [(u16, u8, &[u8]); 5] = [
    (0x1c12, 0, &[1]),
    (0x1c12, 1, &[0x00, 0x16]),
    (0x1600, 0, &[1]),
    (0x1600, 1, &[16, 1, 0x00, 0x70]),
    (0x1c13, 0, &[0]),
];
const OUTPUT: Short = (2, Direction::Output, 0x1100, Vec::new());

fn output(entries: &[(u16, u8)]) -> Short {
    (OUTPUT.0, OUTPUT.1, OUTPUT.2, entries.to_vec())
}

#[test]
fn whatever_the_abort_code_of_an_assignment_the_sii_takes_its_place_and_the_code_is_said() {
    for code in [0x0601_0000, 0x0601_0001, 0x0607_0013, 0x0800_0000, 0x1234_5678] {
        let map = map(refusing(&ONE_OUT, &[(0x1c12, 0, code)]));
        assert_eq!(short(&map), [output(&[(0x7000, 16)])]);
        let [note] = map.notes.as_slice() else { panic!("{:?}", map.notes) };
        assert!(note.starts_with(&format!("0x1c12:00: abort {code:#010x}")), "{note}");
        assert!(note.ends_with("PDOs of sync manager 2 as in the SII"), "{note}");
    }
}

#[test]
fn whatever_the_abort_code_of_a_mapping_the_sii_takes_its_place_and_the_code_is_said() {
    let map = map(refusing(&ONE_OUT, &[(0x1600, 0, 0x0601_0000)]));
    assert_eq!((short(&map), map.source), (vec![output(&[(0x7000, 16)])], Some(PdoSource::Coe)));
    assert_eq!(map.notes, ["0x1600:00: abort 0x06010000: Unsupported access to an object; PDO 0x1600 as in the SII"]);
}

#[test]
fn assignments_that_are_all_refused_leave_the_sii_and_tell_why() {
    let map = map(refusing(&[], &[(0x1c12, 0, 0x0601_0000), (0x1c13, 0, 0x0601_0000)]));
    assert_eq!((map.source, map.notes.len()), (Some(PdoSource::Sii), 2));
    assert_eq!(short(&map).len(), 2);
}

#[test]
fn a_mapping_with_a_hole_is_taken_from_the_sii_where_that_agrees() {
    let map = map(refusing(&ONE_OUT, &[(0x1600, 1, 0x0609_0011)]));
    assert_eq!(short(&map), [output(&[(0x7000, 16)])]);
    let [note] = map.notes.as_slice() else { panic!("{:?}", map.notes) };
    assert!(note.starts_with("0x1600:01: abort 0x06090011") && note.ends_with("PDO 0x1600 as in the SII"), "{note}");
}

#[test]
fn a_mapping_with_a_hole_that_the_sii_cannot_fill_is_an_error_with_object_and_code() {
    // The SII's PDO has one entry, this one three.
    let mut objects = ONE_OUT.to_vec();
    objects.extend([(0x1600, 0, [3].as_slice()), (0x1600, 3, [8, 3, 0x00, 0x70].as_slice())]);
    let told = error(refusing(&objects, &[(0x1600, 2, 0x0609_0011)]));
    assert!(told.starts_with("SubDevice 3 (EL3002): SDO upload of 0x1600:02: abort 0x06090011"), "{told}");
    // A PDO that the SII doesn't know at all.
    let objects: &[(u16, u8, &[u8])] = &[(0x1c12, 0, &[1]), (0x1c12, 1, &[0x10, 0x16]), (0x1c13, 0, &[0])];
    let told = error(refusing(objects, &[(0x1610, 0, 0x0601_0000)]));
    assert!(told.contains("0x1610:00: abort 0x06010000"), "{told}");
    assert!(told.ends_with("PDO 0x1610 can't be placed without it, and the SII doesn't have that PDO"), "{told}");
}

#[test]
fn an_assignment_with_a_hole_is_taken_from_the_sii_or_is_an_error() {
    let mut objects = ONE_OUT.to_vec();
    objects[0].2 = &[2];
    objects.push((0x1c12, 2, &[0x00, 0x16]));
    let told = error(refusing(&objects, &[(0x1c12, 1, 0x0609_0011)]));
    assert!(told.starts_with("SubDevice 3 (EL3002): SDO upload of 0x1c12:01: abort 0x06090011"), "{told}");
    // Refused as a whole for another reason than that it isn't there: one PDO, as in the SII.
    let map = map(refusing(&ONE_OUT, &[(0x1c12, 1, 0x0601_0001)]));
    assert_eq!(short(&map), [output(&[(0x7000, 16)])]);
    assert!(map.notes[0].starts_with("0x1c12:01: abort 0x06010001"), "{:?}", map.notes);
}

#[test]
fn what_does_not_exist_up_to_the_end_of_an_assignment_is_not_assigned_and_said() {
    let mut objects = ONE_OUT.to_vec();
    objects[0].2 = &[3];
    objects[4].2 = &[1];
    let map = map(refusing(&objects, &[(0x1c13, 1, 0x0609_0011), (0x1c12, 3, 0x0609_0011)]));
    assert_eq!(short(&map), [output(&[(0x7000, 16)])]);
    let [out, inputs] = map.notes.as_slice() else { panic!("{:?}", map.notes) };
    assert!(out.ends_with("nor anything behind it; 1 of 3 PDOs are assigned to sync manager 2"), "{out}");
    assert!(inputs.starts_with("0x1c13:01: abort 0x06090011"), "{inputs}");
    assert!(inputs.ends_with("nor anything behind it; nothing is assigned to sync manager 3"), "{inputs}");
}

#[test]
fn an_unreadable_use_of_a_sync_manager_is_that_of_the_sii() {
    let uses: [(u16, u8, &[u8]); 4] = [(0x1c00, 0, &[4]), (0x1c00, 1, &[1]), (0x1c00, 2, &[2]), (0x1c00, 4, &[4])];
    let map = map(refusing(&[&uses[..], &ONE_OUT].concat(), &[(0x1c00, 3, 0x0800_0000)]));
    assert_eq!(short(&map), [output(&[(0x7000, 16)])]);
    assert!(map.notes[0].ends_with("use of sync manager 2 as in the SII"), "{:?}", map.notes);
}
