//! SII memories as real devices have them: damaged, cut off, or never programmed. All of them are served as they are.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use support::Rig;
use zerocat_sim::{SegmentConfig, SubDeviceConfig};
use zerocat_wire::sii::fixed::protocol;
use zerocat_wire::sii::{
    CategoryType, Composer, Fixed, Identity, Mailboxes, Pdo, PdoEntry, SyncManagerEntry, SyncManagerUse,
};

const DRIVE: Fixed = Fixed {
    pdi_control: 0x0e89,
    identity: Identity { vendor: 0x7a63, product: 5, revision: 1, serial: 0 },
    mailbox: Mailboxes { receive_offset: 0x1000, receive_size: 128, send_offset: 0x1400, send_size: 128 },
    protocols: protocol::COE | protocol::FOE,
    pdi_config: 0,
    sync_impulse: 0,
    pdi_config_2: 0,
    alias: 0,
    checksum: 0,
    boot_mailbox: Mailboxes { receive_offset: 0, receive_size: 0, send_offset: 0, send_size: 0 },
    size: 0,
    version: 1,
};

const fn channel(start: u16, length: u16, control: u8, enable: u8, usage: SyncManagerUse) -> SyncManagerEntry {
    SyncManagerEntry { start, length, control, status: 0, enable, usage }
}

const MAILBOXES: [SyncManagerEntry; 2] = [
    channel(0x1000, 128, 0x26, 1, SyncManagerUse::MailboxOut),
    channel(0x1400, 128, 0x22, 1, SyncManagerUse::MailboxIn),
];

/// An image with names, mailboxes and what `rest` appends; without the end mark's second word.
fn image(fixed: &Fixed, rest: impl FnOnce(&mut Composer<'_>)) -> Vec<u8> {
    let mut bytes = vec![0; 2048];
    let mut composer = Composer::new(&mut bytes, fixed).unwrap();
    composer.strings(&["CASE"]).unwrap();
    rest(&mut composer);
    let len = composer.finish().unwrap();
    bytes.truncate(len);
    bytes
}

fn served(image: &[u8]) -> (Rig, Vec<String>) {
    let config = SegmentConfig::line(vec![SubDeviceConfig::from_sii_bytes(image)]);
    let warnings = config.warnings();
    let mut rig = Rig::new(&config);
    let memory = rig.sii(0, image.len());
    assert_eq!(memory[..image.len()], *image, "byte for byte");
    (rig, warnings)
}

#[test]
fn a_memory_that_was_never_programmed_is_an_esc_that_nobody_stands_behind() {
    for byte in [0xff, 0] {
        let (mut rig, warnings) = served(&[byte; 2048]);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].starts_with("subdevices[0], SII image") && warnings[0].contains("never programmed"));
        assert_eq!(rig.al(0, 2), (1, 0), "nobody answers to AL control");
        assert_eq!(rig.read(0, 0x0004, 2), [8, 8], "the ESC says what it has");
    }
}

#[test]
fn the_esc_shows_a_checksum_that_is_wrong_and_the_device_comes_up() {
    let mut bytes = image(&DRIVE, |composer| composer.sync_managers(&MAILBOXES).unwrap());
    bytes[14] ^= 0x55;
    let (mut rig, warnings) = served(&bytes);
    assert!(warnings[0].contains("word 0x0007: the checksum is wrong"), "{warnings:?}");
    assert_ne!(rig.read_u16(0, 0x0502) & 0x0800, 0, "checksum error");
    rig.preop(0);
}

#[test]
fn a_memory_that_ends_with_its_fixed_area_has_its_mailboxes_in_the_first_two_sync_managers() {
    let bytes = &image(&DRIVE, |_| ())[..128];
    let (mut rig, warnings) = served(bytes);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("categories: truncated") && warnings[1].contains("taken for 0 and 1"), "{warnings:?}");
    rig.sync_manager(0, 0, 0x1000, 128, 0x26);
    rig.sync_manager(0, 1, 0x1400, 128, 0x22);
    assert_eq!(rig.al(0, 2), (2, 0));
    assert_eq!(rig.al(0, 4), (4, 0), "it has no process data");
}

#[test]
fn what_stands_before_a_category_that_ends_behind_the_memory_is_used() {
    let mut bytes = image(&DRIVE, |composer| composer.sync_managers(&MAILBOXES).unwrap());
    bytes.truncate(bytes.len() - 2);
    bytes.extend([50, 0, 0xa0, 0x0f]);
    bytes.extend([1; 40]);
    let (mut rig, warnings) = served(&bytes);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("what is before is used"), "{warnings:?}");
    rig.preop(0);
}

#[test]
fn strings_without_a_letter_are_no_names() {
    let bytes = image(&DRIVE, |composer| {
        composer.category(CategoryType(10), &[5, 0, 0, 0, 0, 0]).unwrap();
        composer.category(CategoryType::GENERAL, &[1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap();
        composer.sync_managers(&MAILBOXES).unwrap();
    });
    let (mut rig, warnings) = served(&bytes);
    assert_eq!(warnings, [""; 0]);
    assert_eq!(rig.segment.snapshot().subdevices[0].order, "");
    rig.preop(0);
}

/// A drive's memory with mailboxes, and an RxPDO of one entry of 16 bits on sync manager 2.
fn with_rx_pdo(third: SyncManagerEntry, pdo: u16, object: u16) -> Vec<u8> {
    let header = Pdo { index: pdo, entries: 0, sync_manager: 2, dc_sync: 0, name: 0, flags: 0 };
    let entry = PdoEntry { index: object, subindex: 1, name: 0, data_type: 6, bit_length: 16, flags: 0 };
    image(&Fixed { protocols: protocol::FOE, ..DRIVE }, |composer| {
        composer.sync_managers(&[MAILBOXES[0], MAILBOXES[1], third]).unwrap();
        composer.pdos(CategoryType::RX_PDO, [(header, &[entry][..])]).unwrap();
    })
}

#[test]
fn sync_managers_that_say_nothing_are_for_the_pdos_that_are_on_them() {
    let silent = channel(0x1800, 0, 0, 0, SyncManagerUse::Unused);
    let (mut rig, warnings) = served(&with_rx_pdo(silent, 0x1600, 0x7000));
    assert_eq!(warnings, [""; 0]);
    rig.preop(0);
    rig.sync_manager(0, 2, 0x1800, 2, 0x24);
    assert_eq!(rig.al(0, 4), (4, 0));
}

#[test]
fn a_pdo_on_a_sync_manager_of_the_other_direction_goes_that_way() {
    let inputs = channel(0x1800, 2, 0x20, 1, SyncManagerUse::Inputs);
    let (mut rig, warnings) = served(&with_rx_pdo(inputs, 0x1a00, 0x6000));
    assert!(warnings[0].contains("PDO 0x1a00 is on sync manager 2"), "{warnings:?}");
    rig.preop(0);
    rig.sync_manager(0, 2, 0x1800, 2, 0x20);
    assert_eq!(rig.al(0, 4), (4, 0));
}
