//! SubDevices from vendors' device descriptions (ETG.2000) and from SII images (ETG.2010).

#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use support::Rig;
use support::from_sii::FromSii;
use zerocat_sim::{ProfileKind, SegmentConfig, SubDeviceConfig, esi};

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../esi/tests/samples").join(name)
}

fn one(file: &str, device: &str) -> Rig {
    Rig::new(&SegmentConfig::line(vec![SubDeviceConfig::from_esi(&sample(file), device, None).unwrap()]))
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

#[test]
fn a_file_lists_its_devices_with_their_revisions() {
    let devices = esi::devices(&sample("analogue.xml")).unwrap();
    let listed: Vec<_> = devices.iter().map(|device| (device.order.as_str(), device.revision)).collect();
    assert_eq!(listed, [("AX3102", 0x0010_0000), ("AX3102", 0x0012_0000)]);
    assert_eq!(devices[1].name, "AX3102 2Ch. Ana. Input +/- 10V", "English before German");
}

#[test]
fn a_device_that_is_not_there_is_refused_with_those_that_are() {
    let said = chain(&SubDeviceConfig::from_esi(&sample("terminals.xml"), "AX9999", None).unwrap_err());
    for name in ["`AX9999`", "product code 0x07d83052, revision 0x00100000", "AX6900 (AX6900 Logic; ", "AXM100"] {
        assert!(said.contains(name), "{said}");
    }
    let said = chain(&SubDeviceConfig::from_esi(&sample("analogue.xml"), "AX3102", Some(7)).unwrap_err());
    assert!(said.contains("AX3102 (revision 0x00000007)"), "{said}");
    let said = chain(&SubDeviceConfig::from_esi(&sample("no-such.xml"), "AX3102", None).unwrap_err());
    assert!(said.contains("no-such.xml"), "{said}");
}

#[test]
fn a_pdo_that_a_file_leaves_empty_may_stay_so() {
    let text = std::fs::read_to_string(sample("terminals.xml")).unwrap();
    let spare = r##"<RxPdo Sm="2"><Index>#x1601</Index><Name>Spare</Name></RxPdo><RxPdo Sm="2"><Index>#x1600<"##;
    let text = text.replace(r##"<RxPdo Sm="2"><Index>#x1600<"##, spare);
    let config = SubDeviceConfig::from_esi_bytes(text.as_bytes(), "AXM100").unwrap();
    let mut rig = Rig::new(&SegmentConfig::line(vec![config]));
    let mut device = FromSii::read(&mut rig, 0, 0);
    device.preop(&mut rig);
    assert_eq!(device.upload(&mut rig, 0x1C12, 0).unwrap(), [2], "both are assigned");
    assert_eq!(device.safeop(&mut rig), (4, 0));
}

#[test]
fn names_that_make_an_image_too_long_are_left_out_of_it() {
    let text = std::fs::read_to_string(sample("terminals.xml")).unwrap();
    let entry = |n: u8| {
        let long = "a name of an entry that takes much room ".repeat(2);
        format!(
            "<Entry><Index>#x7000</Index><SubIndex>{n}</SubIndex><BitLen>8</BitLen><Name>{long}{n}</Name><DataType>USINT</DataType></Entry>"
        )
    };
    let length = |entries: u8| {
        let all: String = (1..=entries).map(entry).collect();
        let more = format!(
            r##"<RxPdo Sm="2"><Index>#x1601</Index><Name>Many</Name>{all}</RxPdo><RxPdo Sm="2"><Index>#x1600<"##
        );
        let text = text.replace(r##"<RxPdo Sm="2"><Index>#x1600<"##, &more);
        let config = SubDeviceConfig::from_esi_bytes(text.as_bytes(), "AXM100").unwrap();
        let mut rig = Rig::new(&SegmentConfig::line(vec![config]));
        let image = rig.sii(0, 16 * 1024);
        let kbit = usize::from(u16::from_le_bytes([image[0x7c], image[0x7d]]));
        let named = image.windows(6).any(|six| six == b"a name");
        let pdo = image.windows(4).any(|four| four == b"Many");
        ((kbit + 1) * 128, named, pdo)
    };
    assert_eq!(length(20), (4096, true, true));
    assert_eq!(length(100), (2048, false, true), "of the entries");
}

#[test]
fn a_description_of_many_subdevices_is_read_once() {
    let path = sample("analogue.xml");
    let path = path.display();
    let one = |device: &str| format!(r#"{{"profile": "esi", "file": "{path}", "device": "{device}"}}"#);
    let file = |devices: &[&str]| {
        let all: Vec<_> = devices.iter().map(|device| one(device)).collect();
        format!(r#"{{"subdevices": [{}]}}"#, all.join(","))
    };
    let load = |name: &str, text: String| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, text).unwrap();
        SegmentConfig::load(&path)
    };
    let mut rig = Rig::new(&load("many.json", file(&["AX3102"; 300])).unwrap());
    assert_eq!(rig.read_u16(299, 0x0130), 1);
    let said = chain(&load("wrong.json", file(&["AX3102", "AX3102", "AX1"])).unwrap_err());
    assert!(said.starts_with("subdevices[2].file"), "{said}");
}

#[test]
fn the_sii_has_identity_mailboxes_and_configuration_of_the_file() {
    let mut rig = one("analogue.xml", "AX3102");
    let image = rig.sii(0, 4096);
    assert_eq!(image[..10], [0x05, 0x0e, 0x03, 0xee, 0x0a, 0, 0, 0, 0, 0], "ConfigData");
    let identity = [0xbc, 0x0a, 0, 0, 0x52, 0x30, 0x1e, 0x0c, 0, 0, 0x12, 0, 0, 0, 0, 0];
    assert_eq!(image[16..32], identity, "vendor, product, the newest revision, serial");
    assert_eq!(image[0x28..0x30], [0x00, 0x10, 0x80, 0x00, 0x80, 0x10, 0x80, 0x00], "BootStrap");
    assert_eq!(
        image[0x30..0x3a],
        [0x00, 0x10, 0x80, 0x00, 0x80, 0x10, 0x80, 0x00, 0x0c, 0x00],
        "mailboxes, CoE and FoE"
    );
    assert_eq!(image[0x7c..0x80], [31, 0, 1, 0], "32 kbit, version 1");
    assert_eq!(rig.read_u16(0, 0x0140), 0x0e05, "loaded into the ESC");
}

#[test]
fn the_sii_has_the_clock_modes_of_the_file() {
    use zerocat_wire::sii::{Categories, CategoryType, ClockMode, Strings};
    let image = one("analogue.xml", "AX3102").sii(0, 4096);
    let strings = Strings::new(Categories::find(&image, CategoryType::STRINGS).unwrap());
    let modes: Vec<ClockMode> = ClockMode::walk(Categories::find(&image, CategoryType::CLOCK).unwrap()).collect();
    let names: Vec<_> = modes.iter().map(|mode| (strings.get(mode.name).unwrap(), mode.assign_activate)).collect();
    assert_eq!(names, [("Synchron", 0), ("DC", 0x0320)]);
    assert_eq!((modes[1].shift_time_0, modes[1].sync0_cycle_factor, modes[1].sync1_cycle_factor), (-500, 1, -1));
}

#[test]
fn the_dictionary_is_the_files_and_identity_and_assignment_are_the_devices() {
    let config =
        SubDeviceConfig { serial: 77, ..SubDeviceConfig::from_esi(&sample("analogue.xml"), "AX3102", None).unwrap() };
    let mut rig = Rig::new(&SegmentConfig::line(vec![config]));
    rig.preop(0);
    let mut counter = 0;
    let mut upload = |index: u16, subindex: u8| {
        let [low, high] = index.to_le_bytes();
        counter = counter % 7 + 1;
        rig.coe(0, counter, &[0x00, 0x20, 0x40, low, high, subindex, 0, 0, 0, 0]).unwrap()[2..].to_vec()
    };
    assert_eq!(upload(0x1018, 4)[4..8], [77, 0, 0, 0], "serial number of the configuration");
    assert_eq!(upload(0x1000, 0)[4..8], [0x89, 0x13, 0x2c, 0x01], "device type of the file");
    assert_eq!(upload(0x100A, 0)[4..6], *b"07");
    assert_eq!(upload(0x8000, 0x11)[4..6], (-5i16).to_le_bytes());
    assert_eq!(upload(0x1C13, 0)[4], 2);
    assert_eq!(upload(0x1C13, 2)[4..6], [0x02, 0x1a]);
    assert_eq!(upload(0x1A00, 4)[4..8], [12, 0, 0, 0], "padding");
    let missing = [0x00, 0x00, 0x02, 0x06];
    assert_eq!(upload(0x1C12, 0)[4..8], missing, "the file lists no RxPDO assignment");
    assert_eq!(upload(0x1009, 0)[4..8], missing);
}

#[test]
fn write_restrictions_of_the_file_hold() {
    let mut rig = one("analogue.xml", "AX3102");
    rig.preop(0);
    let write = |rig: &mut Rig, counter, subindex| {
        rig.coe(0, counter, &[0x00, 0x20, 0x2b, 0x00, 0x80, subindex, 9, 0, 0, 0]).unwrap()
    };
    assert_eq!(write(&mut rig, 1, 0x11)[2], 0x60, "rw");
    assert_eq!(write(&mut rig, 2, 0x00)[2..10], [0x80, 0x00, 0x80, 0x00, 0x02, 0x00, 0x01, 0x06], "ro");
}

#[test]
fn the_values_of_mapped_entries_are_those_of_the_process_data() {
    let mut rig = one("analogue.xml", "AX3102");
    rig.preop(0);
    rig.sync_manager(0, 3, 0x1180, 8, 0x20);
    assert_eq!(rig.al(0, 4), (4, 0));
    rig.now += Duration::from_millis(300);
    let inputs = rig.read(0, 0x1180, 8);
    let value = rig.coe(0, 1, &[0x00, 0x20, 0x40, 0x00, 0x60, 0x11, 0, 0, 0, 0]).unwrap();
    assert_eq!(value[6..8], inputs[2..4]);
    assert_ne!(value[6..8], [0, 0]);
    assert_eq!(inputs[..2], [0, 0], "status bits stay 0");
}

#[test]
fn a_wire_joins_devices_of_files() {
    let mut rig =
        Rig::new(&SegmentConfig::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/esi/segment.json")).unwrap());
    rig.sync_manager(1, 0, 0x0f00, 1, 0x44);
    rig.sync_manager(2, 0, 0x1000, 1, 0x00);
    for state in [2, 4, 8] {
        rig.al(1, state);
        rig.al(2, state);
    }
    rig.write(1, 0x0f00, &[0x02]);
    assert_eq!(rig.read(2, 0x1000, 1)[0] & 0x08, 0x08);
    rig.write(1, 0x0f00, &[0x00]);
    assert_eq!(rig.read(2, 0x1000, 1)[0] & 0x08, 0x00);
}

#[test]
fn keys_of_files_are_checked() {
    let said = |text: &str| chain(&SegmentConfig::from_json(&format!(r#"{{"subdevices": [{text}]}}"#)).unwrap_err());
    assert!(said(r#"{"profile": "esi"}"#).contains("needs the key `device`"));
    assert!(said(r#"{"profile": "sii"}"#).contains("needs the key `file`"));
    assert!(
        said(r#"{"profile": "servo", "file": "a.xml"}"#).starts_with("subdevices[0].file: this profile has no file")
    );
    assert!(said(r#"{"profile": "sii", "file": "a.bin"}"#).starts_with("subdevices[0].file: the file that describes"));
}

#[test]
fn an_sii_image_is_served_byte_for_byte() {
    let mut rig = one("analogue.xml", "AX3102");
    let mut image = rig.sii(0, 4096);
    // What no composer would write: a category of the vendor's behind the last one.
    let end = image.iter().rposition(|byte| *byte != 0xff).unwrap() + 1;
    let end = end.next_multiple_of(2);
    image[end..end + 8].copy_from_slice(&[0x00, 0x08, 0x02, 0x00, 0xde, 0xad, 0xbe, 0xef]);
    let file = temporary("image", &image);
    let mut served = Rig::new(&SegmentConfig::line(vec![SubDeviceConfig::from_sii(&file.0).unwrap()]));
    assert_eq!(served.sii(0, 4096), image);
    let snapshot = served.segment.snapshot();
    assert_eq!(snapshot.subdevices[0].order, "AX3102");
    served.preop(0);
    served.sync_manager(0, 3, 0x1180, 8, 0x20);
    assert_eq!(served.al(0, 4), (4, 0), "the PDOs of the image");
}

#[test]
fn keys_change_identity_and_alias_in_an_sii_image() {
    let mut rig = one("terminals.xml", "AX6900");
    let image = rig.sii(0, 2048);
    let file = temporary("changed", &image);
    let from_image = SubDeviceConfig::from_sii(&file.0).unwrap();
    let config = SubDeviceConfig { serial: 5, alias: 9, ..from_image };
    let mut changed = Rig::new(&SegmentConfig::line(vec![config]));
    let other = changed.sii(0, 2048);
    let differ: Vec<usize> = (0..2048).filter(|n| image[*n] != other[*n]).collect();
    assert_eq!(differ, [8, 14, 28], "alias, checksum, serial");
    assert_eq!(changed.read_u16(0, 0x0012), 9, "the checksum holds");
}

#[test]
fn profile_kinds_of_files_are_in_the_schema() {
    let schema = SegmentConfig::json_schema().to_string();
    assert!(schema.contains("\"esi\"") && schema.contains("\"sii\"") && !schema.contains("described\""));
    assert_eq!(SubDeviceConfig::new(ProfileKind::Esi).file, None);
}

/// A file that is removed with the test.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

fn temporary(name: &str, bytes: &[u8]) -> Temporary {
    let path = std::env::temp_dir().join(format!("zerocat-sim-{}-{name}.bin", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    Temporary(path)
}
