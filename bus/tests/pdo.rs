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
    let objects: BTreeMap<_, _> = objects.iter().map(|(index, sub, value)| ((*index, *sub), value.to_vec())).collect();
    Mailman::sdo(move |request| {
        let SdoRequest::Upload { target } = request else { return vec![] };
        let answer = match objects.get(&(target.index, target.subindex)) {
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
    assert_eq!(map.notes, ["no object 0x1c13; PDOs of sync manager 3 as in the SII"]);
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
fn an_assigned_pdo_without_mapping_object_is_taken_from_the_sii() {
    let map = map(dictionary(&[(0x1c12, 0, &[1]), (0x1c12, 1, &[0x00, 0x16]), (0x1c13, 0, &[0])]));
    assert_eq!(short(&map), [(2, Direction::Output, 0x1100, vec![(0x7000, 16)])]);
    assert_eq!(map.notes, ["PDO 0x1600 is assigned and has no mapping object; its entries as in the SII"]);
}
