//! SII images: words read from real SubDevices (EK1100, EK1914, EL2828), composed images, and damaged ones.
#![allow(clippy::unwrap_used, reason = "a test")]

use zerocat_wire::WireError;
use zerocat_wire::sii::general::PortKind;
use zerocat_wire::sii::{
    Categories, CategoryHeader, CategoryType, ClockMode, Composer, Fixed, FmmuUsage, General, Identity, Mailboxes, Pdo,
    PdoEntry, Pdos, Strings, SyncManagerEntry, SyncManagerUse, fixed, general,
};

/// Words 0x00 to 0x0f of an EK1100.
const EK1100: [u8; 32] = [
    0x00, 0x0d, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x46, 0x00, 0x02, 0x00, 0x00,
    0x00, 0x52, 0x2c, 0x4c, 0x04, 0x00, 0x00, 0x12, 0x00, 0x00, 0x00, 0x00, 0x00,
];

/// The category general of an EK1100, up to its ports.
const EK1100_GENERAL: [u8; 20] = [
    0x02, 0x00, 0x01, 0x04, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x30, 0xf8, 0x03, 0x00, 0x31, 0x01, 0x00,
    0x00,
];

/// Words 0x18 to 0x1c of an EK1914.
const EK1914_MAILBOX: [u8; 10] = [0x00, 0x10, 0x00, 0x01, 0x00, 0x11, 0x00, 0x01, 0x0c, 0x00];

/// FMMUs, sync managers and the first of the RxPDOs of an EL2828, and the end.
const EL2828: [u8; 40] = [
    0x28, 0x00, 0x01, 0x00, 0x01, 0xff, 0x29, 0x00, 0x04, 0x00, 0x00, 0x0f, 0x01, 0x00, 0x44, 0x00, 0x09, 0x03, 0x33,
    0x00, 0x08, 0x00, 0x00, 0x16, 0x01, 0x00, 0x00, 0x05, 0x11, 0x00, 0x00, 0x70, 0x01, 0x06, 0x01, 0x01, 0x00, 0x00,
    0xff, 0xff,
];

fn image_of(words: &[(u32, &[u8])]) -> Vec<u8> {
    let mut image = vec![0; fixed::LEN];
    for (word, bytes) in words {
        let start = fixed::at(*word);
        image.resize(image.len().max(start + bytes.len()), 0);
        image[start..start + bytes.len()].copy_from_slice(bytes);
    }
    image
}

#[test]
fn the_checksum_of_an_ek1100_holds() {
    assert_eq!(fixed::checksum(&EK1100), Ok(0x46));
    assert_eq!(fixed::checksum_holds(&EK1100), Ok(true));
    let mut damaged = EK1100;
    damaged[8] = 1;
    assert_eq!(fixed::checksum_holds(&damaged), Ok(false));
    assert!(fixed::checksum(&EK1100[..13]).is_err());
}

#[test]
fn reads_the_identity_of_an_ek1100_and_the_mailboxes_of_an_ek1914() {
    let image = image_of(&[(0, &EK1100), (fixed::word::MAILBOX, &EK1914_MAILBOX)]);
    let read = Fixed::parse(&image).unwrap();
    let identity = Identity { vendor: 2, product: 0x044c_2c52, revision: 0x0012_0000, serial: 0 };
    assert_eq!((read.identity, read.pdi_control, read.checksum), (identity, 0x0d00, 0x46));
    let mailbox = Mailboxes { receive_offset: 0x1000, receive_size: 256, send_offset: 0x1100, send_size: 256 };
    assert_eq!(read.mailbox, mailbox);
    assert_eq!(read.protocols, fixed::protocol::COE | fixed::protocol::FOE);
    assert!(read.mailbox.are_there() && !read.boot_mailbox.are_there());
    assert_eq!(Fixed::parse(&image[..127]), Err(WireError::Truncated { needed: 128, got: 127 }));
}

#[test]
fn what_is_emitted_has_the_right_checksum_and_parses_to_itself() {
    let image = image_of(&[(0, &EK1100), (fixed::word::MAILBOX, &EK1914_MAILBOX)]);
    let read = Fixed { checksum: 0, ..Fixed::parse(&image).unwrap() };
    let mut emitted = [0xee; 128];
    assert_eq!(read.emit(&mut emitted), Ok(128));
    assert_eq!(emitted[..], image[..]);
    assert_eq!(read.emit(&mut emitted[..127]), Err(WireError::NoRoom));
}

#[test]
fn reads_the_general_category_of_an_ek1100() {
    let read = General::parse(&EK1100_GENERAL).unwrap();
    assert_eq!((read.name, read.ebus_current, read.coe, read.flags), (4, -2000, 0, 0));
    let ports: Vec<_> = (0..4).map(|port| read.port(port)).collect();
    assert_eq!(ports, [PortKind::Mii, PortKind::Ebus, PortKind::Mii, PortKind::Unused]);
}

#[test]
fn walks_the_categories_of_an_el2828() {
    let image = image_of(&[(fixed::CATEGORIES, &EL2828)]);
    let kinds: Vec<_> = Categories::new(&image).map(|category| category.unwrap().kind).collect();
    assert_eq!(kinds, [CategoryType::FMMU, CategoryType::SYNC_MANAGER, CategoryType::RX_PDO]);

    let fmmus: Vec<_> = FmmuUsage::walk(Categories::find(&image, CategoryType::FMMU).unwrap()).collect();
    assert_eq!(fmmus, [FmmuUsage::Outputs, FmmuUsage::Unused]);
    let data = Categories::find(&image, CategoryType::SYNC_MANAGER).unwrap();
    let managers: Vec<_> = SyncManagerEntry::walk(data).collect();
    let expected = SyncManagerEntry {
        start: 0x0f00,
        length: 1,
        control: 0x44,
        status: 0,
        enable: 0x09,
        usage: SyncManagerUse::Outputs,
    };
    assert_eq!(managers, [expected]);
    let pdo = Pdos::new(Categories::find(&image, CategoryType::RX_PDO).unwrap()).next().unwrap().unwrap();
    assert_eq!((pdo.header().index, pdo.header().sync_manager, pdo.header().flags), (0x1600, 0, 0x0011));
    let entries: Vec<_> = pdo.entries().collect();
    let bit = PdoEntry { index: 0x7000, subindex: 1, name: 6, data_type: 1, bit_length: 1, flags: 0 };
    assert_eq!(entries, [bit]);
    assert_eq!(Categories::find(&image, CategoryType::CLOCK), None);
}

#[test]
fn an_image_that_ends_early_is_one_error() {
    let image = image_of(&[(fixed::CATEGORIES, &EL2828)]);
    for end in fixed::LEN..image.len() - 1 {
        let walked: Vec<_> = Categories::new(&image[..end]).collect();
        assert_eq!(walked.iter().filter(|step| step.is_err()).count(), 1, "{end} bytes");
        assert!(walked.last().unwrap().is_err(), "{end} bytes");
    }
    let short: Vec<_> = Categories::new(&image[..10]).collect();
    assert_eq!(short, [Err(WireError::Truncated { needed: 128, got: 10 })]);
}

#[test]
fn empty_categories_do_not_stop_the_walk() {
    let image = image_of(&[(fixed::CATEGORIES, &[0, 0, 0, 0, 0, 0, 0, 0, 30, 0, 1, 0, 7, 8, 0xff, 0xff])]);
    let kinds: Vec<_> = Categories::new(&image).map(|category| category.unwrap().kind.name()).collect();
    assert_eq!(kinds, ["nop", "nop", "general"]);
}

#[test]
fn a_header_says_where_the_next_one_is() {
    let header = CategoryHeader::parse(&[0x33, 0x00, 0x40, 0x00]).unwrap();
    assert_eq!((header.kind, header.data_len(), header.next(0x100)), (CategoryType::RX_PDO, 128, 0x142));
    assert_eq!(header.emit(), [0x33, 0x00, 0x40, 0x00]);
    let end = CategoryHeader::parse(&[0xff, 0xff]).unwrap();
    assert_eq!((end.kind, end.words, end.emit()), (CategoryType::END, 0, [0xff; 4]));
    assert!(CategoryHeader::parse(&[0x33, 0x00, 0x40]).is_err());
}

const MANAGERS: [SyncManagerEntry; 2] = [
    SyncManagerEntry { start: 0x1100, length: 2, control: 0x24, status: 0, enable: 1, usage: SyncManagerUse::Outputs },
    SyncManagerEntry { start: 0x1180, length: 1, control: 0x20, status: 0, enable: 1, usage: SyncManagerUse::Inputs },
];
const PDO: Pdo = Pdo { index: 0x1a00, entries: 0, sync_manager: 3, dc_sync: 0, name: 2, flags: 0x10 };
const ENTRIES: [PdoEntry; 2] = [
    PdoEntry { index: 0x6000, subindex: 1, name: 2, data_type: 1, bit_length: 1, flags: 0 },
    PdoEntry { index: 0, subindex: 0, name: 0, data_type: 0, bit_length: 7, flags: 0 },
];

fn composed(image: &mut [u8]) -> Result<usize, WireError> {
    let mut composer = Composer::new(image, &Fixed { alias: 7, ..Fixed::default() })?;
    composer.strings(&["EL1008", "Input", "odd"])?;
    composer.general(&General { name: 1, coe: general::coe::SDO, ebus_current: 90, ..General::default() })?;
    composer.fmmus(&[FmmuUsage::Outputs, FmmuUsage::Inputs, FmmuUsage::MailboxState])?;
    composer.sync_managers(&MANAGERS)?;
    composer.pdos(CategoryType::TX_PDO, [(PDO, ENTRIES.as_slice())])?;
    composer.clocks(&[ClockMode { assign_activate: 0x300, ..ClockMode::default() }])?;
    composer.category(CategoryType(0x0800), &[1, 2, 3])?;
    composer.finish()
}

#[test]
fn what_is_composed_is_read_back() {
    let mut image = [0; 512];
    let end = composed(&mut image).unwrap();
    let image = &image[..end];
    assert_eq!(Fixed::parse(image).unwrap().alias, 7);
    assert_eq!(fixed::checksum_holds(image), Ok(true));
    assert_eq!(Categories::new(image).filter(Result::is_err).count(), 0);
    let find = |kind| Categories::find(image, kind).unwrap();
    let strings = Strings::new(find(CategoryType::STRINGS));
    assert_eq!((strings.get(1), strings.get(2), strings.get(3)), (Some("EL1008"), Some("Input"), Some("odd")));
    assert_eq!(General::parse(find(CategoryType::GENERAL)).unwrap().ebus_current, 90);
    let fmmus: Vec<_> = FmmuUsage::walk(find(CategoryType::FMMU)).collect();
    assert_eq!(fmmus, [FmmuUsage::Outputs, FmmuUsage::Inputs, FmmuUsage::MailboxState, FmmuUsage::Unused]);
    let managers: Vec<_> = SyncManagerEntry::walk(find(CategoryType::SYNC_MANAGER)).collect();
    assert_eq!(managers, MANAGERS);
    let pdos: Vec<_> = Pdos::new(find(CategoryType::TX_PDO)).map(Result::unwrap).collect();
    assert_eq!(pdos[0].header(), Pdo { entries: 2, ..PDO });
    assert_eq!(pdos[0].entries().collect::<Vec<_>>(), ENTRIES);
    assert_eq!(ClockMode::walk(find(CategoryType::CLOCK)).next().unwrap().assign_activate, 0x300);
    assert_eq!(find(CategoryType(0x0800)), [1, 2, 3, 0]);
}

#[test]
fn an_image_too_small_is_refused_at_every_size() {
    let mut image = [0; 512];
    let end = composed(&mut image).unwrap();
    for len in 0..end {
        assert_eq!(composed(&mut image[..len]), Err(WireError::NoRoom), "{len} bytes");
    }
    assert_eq!(composed(&mut image[..end]), Ok(end));
}

#[test]
fn a_category_that_failed_leaves_the_image_as_it_was() {
    let mut image = [0; 200];
    let mut composer = Composer::new(&mut image, &Fixed::default()).unwrap();
    let long = "x".repeat(256);
    assert_eq!(composer.strings(&["good", &long]), Err(WireError::BadLength));
    assert_eq!(composer.strings(&["good"]), Ok(()));
    let end = composer.finish().unwrap();
    assert_eq!(end, 128 + 4 + 6 + 2);
    assert!(image[end..].iter().all(|byte| *byte == 0xff));
}
