//! A catalogue of devices as vendors describe them (ETG.2000): several sync managers a direction, mailboxes elsewhere,
//! modules in slots, and what a description says that a device can't do.

#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::error::Error;
use std::path::{Path, PathBuf};

use support::Rig;
use support::from_sii::FromSii;
use zerocat_sim::{SegmentConfig, SubDeviceConfig, esi};
use zerocat_wire::{Address, Command};

fn catalogue() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../esi/tests/samples/catalogue.xml")
}

fn device(name: &str) -> SubDeviceConfig {
    SubDeviceConfig::from_esi(&catalogue(), name, None).unwrap()
}

fn preop(name: &str) -> (Rig, FromSii) {
    let mut rig = Rig::new(&SegmentConfig::line(vec![device(name)]));
    let from_sii = FromSii::read(&mut rig, 0, 0);
    from_sii.preop(&mut rig);
    (rig, from_sii)
}

fn refused(name: &str) -> String {
    let error = SubDeviceConfig::from_esi(&catalogue(), name, None).unwrap_err();
    error.source().unwrap().to_string()
}

/// The modular device with these modules.
fn modular(slots: &[&str]) -> Result<SubDeviceConfig, String> {
    let path = catalogue();
    let slots: Vec<String> = slots.iter().map(|slot| (*slot).to_owned()).collect();
    let config = SubDeviceConfig { slots: Some(slots), file: Some(path), ..device("AXM200") };
    let mut segment = SegmentConfig::line(vec![config]);
    segment.read_files(Path::new("")).map_err(|error| {
        let described = error.source().unwrap();
        described.source().unwrap().to_string()
    })?;
    Ok(segment.subdevices.remove(0))
}

#[test]
fn every_device_reaches_op_with_what_its_sii_says() {
    let names = ["AXK100", "AX1008", "AX2008", "AX4102", "AX7031", "AXD200", "AXP300", "AXM200"];
    let mut rig = Rig::new(&SegmentConfig::line(names.iter().map(|name| device(name)).collect()));
    let (mut logical, mut all) = (0, Vec::new());
    for position in 0..8 {
        let one = FromSii::read(&mut rig, position, logical);
        logical = one.mapped().map(|area| area.logical + area.length).max().unwrap_or(logical);
        all.push(one);
    }
    for one in &all {
        one.op(&mut rig, logical.into());
    }
    // One working counter for each direction of each SubDevice: 1 reads, 2 writes.
    let (_, counter) = rig.send(Command::Lrw, Address::logical(0), &vec![0; logical.into()]);
    assert_eq!(counter, 1 + 2 + 2 + 3 + 3 + 3 + 3);
}

#[test]
fn each_of_several_sync_managers_has_its_pdos_and_its_assignment() {
    let (mut rig, mut drive) = preop("AXD200");
    let lengths: Vec<_> = drive.mapped().map(|area| (area.number, area.length)).collect();
    assert_eq!(lengths, [(2, 6), (3, 6), (4, 8), (5, 18)]);
    for (index, pdos) in
        [(0x1C12, vec![0x1600]), (0x1C13, vec![0x1A00]), (0x1C14, vec![0x1610]), (0x1C15, vec![0x1A10, 0x1A11])]
    {
        assert_eq!(drive.upload(&mut rig, index, 0).unwrap(), [u8::try_from(pdos.len()).unwrap()], "{index:#06x}");
        for (subindex, pdo) in (1..).zip(pdos) {
            assert_eq!(drive.upload(&mut rig, index, subindex).unwrap(), u16::to_le_bytes(pdo));
        }
    }
    assert_eq!(drive.upload(&mut rig, 0x1C00, 6).unwrap(), [4], "sync manager 5 has inputs");
}

#[test]
fn the_process_data_of_both_axes_go_their_own_ways() {
    let (mut rig, mut drive) = preop("AXD200");
    assert_eq!(drive.safeop(&mut rig), (4, 0));
    rig.write(0, 0x0120, &[8, 0]);
    rig.write(0, 0x1400, &[0x0f, 0, 1, 2, 3, 4]);
    assert_eq!(rig.read_u16(0, 0x0130), 4, "the outputs of the second axis are missing");
    rig.write(0, 0x1800, &[0x1f, 0, 5, 6, 7, 8, 9, 0]);
    assert_eq!(rig.read_u16(0, 0x0130), 8);
    assert_eq!(drive.upload(&mut rig, 0x607A, 0).unwrap(), [1, 2, 3, 4]);
    assert_eq!(drive.upload(&mut rig, 0x687A, 0).unwrap(), [5, 6, 7, 8]);
    assert_eq!(drive.upload(&mut rig, 0x6860, 0).unwrap(), [9]);
}

#[test]
fn one_sync_manager_of_several_that_doesnt_fit_is_refused() {
    for (number, start, length, control, code) in [(4, 0x1800, 7, 0x64, 0x1d), (5, 0x1a00, 17, 0x20, 0x1e)] {
        let (mut rig, drive) = preop("AXD200");
        let areas: Vec<_> = drive.mapped().filter(|area| area.number != number).copied().collect();
        for area in areas {
            rig.sync_manager(0, area.number, area.start, area.length, area.control);
        }
        rig.sync_manager(0, number, start, length, control);
        assert_eq!(rig.al(0, 4), (0x12, code));
    }
}

#[test]
fn an_assignment_of_a_later_sync_manager_changes_its_length_alone() {
    let (mut rig, mut drive) = preop("AXD200");
    drive.download(&mut rig, 0x1C15, 0, &[0]).unwrap();
    assert_eq!(drive.download(&mut rig, 0x1C15, 1, &[0x10, 0x16]), Err(0x0604_0041), "an RxPDO");
    drive.download(&mut rig, 0x1C15, 1, &[0x11, 0x1a]).unwrap();
    drive.download(&mut rig, 0x1C15, 0, &[1]).unwrap();
    drive.areas[5].length = 12;
    assert_eq!(drive.safeop(&mut rig), (4, 0));
}

#[test]
fn an_entry_of_more_than_64_bits_is_process_data_and_an_object() {
    let (mut rig, mut drive) = preop("AXD200");
    assert_eq!(drive.safeop(&mut rig), (4, 0));
    assert_eq!(drive.upload(&mut rig, 0x2800, 0).unwrap().len(), 12);
    assert_eq!(drive.upload(&mut rig, 0x1A11, 1).unwrap(), [96, 0, 0x00, 0x28]);
    // What it shows is the signal of inputs; process data and object agree on all of it.
    let inputs = rig.read(0, 0x1a00, 18);
    assert_eq!(drive.upload(&mut rig, 0x2800, 0).unwrap(), inputs[6..18]);
}

#[test]
fn what_a_description_says_that_coe_cant_do_is_refused() {
    let (mut rig, mut drive) = preop("AXD200");
    let (kind, reply) = drive.mail(&mut rig, &[0x00, 0x80, 0x01, 0, 0, 0, 1, 0]);
    assert_eq!((kind, reply), (0, vec![1, 0, 4, 0]), "no SDO information: the service is not supported");
    let (_, reply) = drive.mail(&mut rig, &[0x00, 0x20, 0x50, 0x18, 0x10, 1, 0, 0, 0, 0]);
    assert_eq!(reply[2..], [0x80, 0x18, 0x10, 1, 0x00, 0x00, 0x01, 0x06], "no complete access");
    assert_eq!(drive.download(&mut rig, 0x1610, 0, &[0]), Err(0x0601_0002), "a PDO with fixed content");
    drive.download(&mut rig, 0x1600, 0, &[0]).unwrap();

    let (mut rig, mut simple) = preop("AXP300");
    assert_eq!(simple.download(&mut rig, 0x1C10, 0, &[0]), Err(0x0601_0002), "no PDO assignment");
    assert_eq!(simple.download(&mut rig, 0x1600, 0, &[0]), Err(0x0601_0002), "no PDO configuration");
    assert_eq!(simple.mail(&mut rig, &[0x00, 0x80, 0x01, 0, 0, 0, 1, 0]).0, 3, "SDO information");
}

#[test]
fn mailboxes_may_stand_behind_the_process_data() {
    let (mut rig, mut simple) = preop("AXP300");
    assert_eq!(simple.upload(&mut rig, 0x1018, 1).unwrap(), [0xbc, 0x0a, 0, 0]);
    assert_eq!(simple.upload(&mut rig, 0x1C00, 3).unwrap(), [1], "sync manager 2 is the mailbox");
    assert_eq!(simple.safeop(&mut rig), (4, 0));
    rig.al(0, 1);
    rig.write(0, 0x0816, &[0, 0]);
    assert_eq!(rig.al(0, 2), (0x11, 0x16), "without its mailbox");
}

#[test]
fn slots_have_their_default_modules_at_shifted_indices() {
    let (mut rig, mut device) = preop("AXM200");
    let lengths: Vec<_> = device.mapped().map(|area| (area.number, area.length)).collect();
    assert_eq!(lengths, [(2, 2), (3, 1)]);
    let idents: Vec<_> = (1..=5).map(|slot| device.upload(&mut rig, 0xF050, slot).unwrap()[0]).collect();
    assert_eq!(idents, [0x10, 0x20, 0, 0, 0], "marked as default, the only one, and empty ones");
    assert_eq!(device.upload(&mut rig, 0x1601, 1).unwrap(), [16, 1, 0x10, 0x70]);
}

#[test]
fn modules_can_be_chosen_by_type_name_and_ident() {
    let config = modular(&["M-DI4", "Analogue output", "", "#x10", "M-AO1"]).unwrap();
    let mut rig = Rig::new(&SegmentConfig::line(vec![config]));
    let mut device = FromSii::read(&mut rig, 0, 0);
    device.preop(&mut rig);
    let idents: Vec<_> = (1..=5).map(|slot| device.upload(&mut rig, 0xF050, slot).unwrap()[0]).collect();
    assert_eq!(idents, [0x10, 0x20, 0, 0x10, 0x20]);
    assert_eq!(device.upload(&mut rig, 0x1A03, 1).unwrap(), [1, 1, 0x30, 0x60]);
    assert_eq!(device.upload(&mut rig, 0x1604, 1).unwrap(), [16, 1, 0x40, 0x70]);
    let expected = device.download(&mut rig, 0xF030, 1, &[0x20, 0, 0, 0]);
    assert_eq!((expected, device.safeop(&mut rig)), (Ok(()), (0x12, 0x70)), "another module is expected");
    device.download(&mut rig, 0xF030, 1, &[0, 0, 0, 0]).unwrap();
    rig.al(0, 0x12);
    assert_eq!(device.safeop(&mut rig), (4, 0));
}

#[test]
fn modules_that_dont_fit_a_slot_are_refused_with_those_that_do() {
    let said = modular(&["M-X"]).unwrap_err();
    assert!(said.contains("no module `M-X` for slot 0; M-DI4 (ident 0x00000010), M-AO1 (ident 0x00000020)"), "{said}");
    assert!(said.contains("Device[AXM200]/Slots/Slot[0]"), "{said}");
    let said = modular(&["", "", "", "", "", "M-AO1"]).unwrap_err();
    assert!(said.contains("6 modules, the device has 5 slots"), "{said}");
}

#[test]
fn an_unknown_name_lists_candidates_and_an_ambiguous_one_is_refused() {
    let said = refused("7031");
    let first = "no device `7031`; the file has AX7031 (AX7031 1Ch. Stepper motor output stage (24V, 1.5A); product code \
        0x1b773052, revision 0x001a0000), ";
    assert!(said.starts_with(first), "{said}");
    let said = refused("AX terminal");
    for part in ["is the name of several devices", "AXT1 (", "AXT2 (", "product code 0x00a40002"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains("AX7031"), "{said}");
    assert!(SubDeviceConfig::from_esi(&catalogue(), "axd200", None).is_ok(), "letter case doesn't matter");
}

#[test]
fn groups_and_startup_commands_are_listed() {
    let devices = esi::devices(&catalogue()).unwrap();
    let drive = devices.iter().find(|device| device.order == "AXD200").unwrap();
    assert_eq!(drive.group, "Servo and stepper drives");
    let [command] = drive.startup.as_slice() else { panic!("one that can be read: {:?}", drive.startup) };
    assert_eq!((command.index, command.subindex, command.complete), (0x60C2, 0, true));
    assert_eq!((command.transitions.join(" "), &command.data[..]), ("PS SO".to_owned(), &[2, 2, 0xfd][..]));
    let other = devices.iter().find(|device| device.order == "AXM200").unwrap();
    assert_eq!((other.group.as_str(), other.startup.len()), ("Modular", 0), "a group without a name");
}
