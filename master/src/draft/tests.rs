//! What a draft says.

use super::*;
use zerocat_bus::Identity;
use zerocat_pdi::{DataType, Entry, Pdo};

fn entry(index: u16, name: &str, bit_length: u8, type_code: u16) -> Entry {
    Entry { index, subindex: 1, bit_length, name: name.to_owned(), type_code }
}

fn found(position: u16, name: &str, serial: u32, alias: u16) -> Scanned {
    let pdo = |index, entries| Pdo { index, name: format!("Channel {index:x}"), entries };
    Scanned {
        position,
        name: name.to_owned(),
        identity: Identity { vendor_id: 2, product_code: 0x0c1e_3052, revision: 0x10, serial },
        alias,
        device_id: None,
        parent: None,
        open_ports: [true, false, false, false],
        port_errors: <[zerocat_bus::PortErrors; 4]>::default(),
        dc: false,
        clock: crate::scan::ScannedClock::default(),
        op_modes: Vec::new(),
        synchronization: None,
        coe: true,
        protocols: vec!["CoE"],
        pdo_source: None,
        input_bits: 37,
        output_bits: 0,
        inputs: vec![
            pdo(0x1a00, vec![entry(0x6000, "Value", 16, 0x0003), entry(0, "", 3, 0)]),
            pdo(0x1a01, vec![entry(0x6010, "Value", 16, 0x0003), entry(0x6011, "", 2, 0)]),
        ],
        outputs: vec![pdo(0x1600, vec![entry(0x7000, "Out", 1, 0x0001)])],
        sii: Content::Programmed,
        esc: zerocat_bus::EscInfo::default(),
        description: None,
        described: None,
        notes: Vec::new(),
        error: None,
    }
}

fn scan(subdevices: Vec<Scanned>) -> Scan {
    Scan { schema: "zerocat-scan/1", subdevices, esi: Vec::new(), descriptions_left_out: Vec::new() }
}

fn reads(rig: &Rig) -> &[ReadChannel] {
    let Task::Read(read) = &rig.tasks[0] else { panic!("{rig:?}") };
    &read.config.channels
}

/// Both texts of a draft are read as the draft.
fn both_texts(scan: &Scan) -> [String; 2] {
    let rig = draft_rig(scan, "eth7");
    let [yaml, json] = [DraftFormat::Yaml, DraftFormat::Json].map(|format| draft_text(scan, "eth7", format));
    assert_eq!(Rig::from_yaml(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}")), rig, "{yaml}");
    assert_eq!(Rig::from_json(&json).unwrap_or_else(|error| panic!("{error}\n{json}")), rig, "{json}");
    [yaml, json]
}

#[test]
fn a_draft_has_no_problems_and_its_text_is_read_as_it() {
    let scan = scan(vec![found(3, "EL3102", 0, 0)]);
    assert_eq!(draft_rig(&scan, "eth7").problems(), []);
    both_texts(&scan);
}

#[test]
fn entries_get_names_of_their_own_and_padding_none() {
    let rig = draft_rig(&scan(vec![found(3, "EL3102", 0, 0)]), "eth7");
    let names: Vec<_> = reads(&rig).iter().map(|channel| channel.name.as_str()).collect();
    assert_eq!(names, ["el3102_3_value", "el3102_3_channel_1a01_value", "el3102_3_channel_1a01"]);
    let types = reads(&rig).iter().map(|channel| match channel.target {
        Target::Manual { data_type, .. } => data_type,
        Target::Automatic { .. } | Target::Untyped { .. } => DataType::Bytes,
    });
    assert_eq!(types.collect::<Vec<_>>(), [DataType::Int16, DataType::Int16, DataType::Uint8]);
}

#[test]
fn samples_go_to_standard_output_and_outputs_wait_to_be_enabled() {
    let rig = draft_rig(&scan(vec![found(3, "EL3102", 0, 0)]), "eth7");
    assert_eq!(rig.tasks[0].sinks(), [Sink::jsonl("-")]);
    assert!(rig.tasks[1].is_idle() && !rig.tasks[0].is_idle(), "{rig:?}");
}

#[test]
fn the_only_one_of_its_kind_needs_no_position_and_no_serial() {
    let rig = draft_rig(&scan(vec![found(0, "EL3102", 7, 9)]), "eth7");
    let slave = &rig.slaves[0];
    assert_eq!((&slave.properties.serial, slave.alias, slave.properties.position), (&Match::Any, None, None));
}

#[test]
fn twins_are_told_apart_by_what_the_bus_has() {
    let all = vec![found(0, "A", 7, 0), found(1, "A", 0, 9), found(2, "A", 0, 0), found(3, "A", 0, 0)];
    let scan = scan(all);
    let rig = draft_rig(&scan, "eth7");
    let by = |slave: &Slave| (slave.properties.serial.equal(), slave.alias, slave.properties.position);
    let expected = [(Some(7), None, None), (None, Some(9), None), (None, None, Some(2)), (None, None, Some(3))];
    assert_eq!(rig.slaves.iter().map(by).collect::<Vec<_>>(), expected);
    let [yaml, _] = both_texts(&scan);
    assert!(yaml.contains("# A twin of those at 3: only its position tells it apart."), "{yaml}");
}

#[test]
fn keys_are_made_of_name_and_position_whatever_the_name_is() {
    let key = |name: &str| key(&found(4, name, 0, 0));
    assert_eq!(key("EL1004"), "el1004_4");
    assert_eq!(key("750-354"), "sd_750_354_4");
    assert_eq!([key(""), key("-"), key("輸入")], ["subdevice_4"; 3]);
    assert_eq!(key("A drive with a name that goes on and on"), "a_drive_with_a_name_that_4");
}

#[test]
fn names_that_would_be_the_same_are_counted() {
    let mut other = found(2, "x", 0, 0);
    other.inputs[0].entries[0].name = "1 value".to_owned();
    let mut one = found(1, "x 2", 0, 0);
    one.inputs[0].entries[0].name = "value".to_owned();
    let rig = draft_rig(&scan(vec![one, other]), "eth7");
    assert_eq!(rig.problems(), []);
    let names: Vec<_> = reads(&rig).iter().map(|channel| channel.name.as_str()).collect();
    assert_eq!((names[0], names[3]), ("x_2_1_value", "x_2_1_value_2"));
}

#[test]
fn texts_of_the_bus_break_no_line() {
    let mut odd = found(0, "A\n- {x: \"y\"}", 0, 0);
    odd.error = Some("it\nfailed: \"why\" #\u{7f}\u{2028}".to_owned());
    odd.notes = vec!["*/ \r\n }".to_owned()];
    both_texts(&scan(vec![odd]));
}

/// A drive, its description, and what it maps.
fn described() -> Scanned {
    let text = include_bytes!("../../../cli/tests/black_box/drafts/drive.xml");
    let text = String::from_utf8_lossy(text);
    // Its default mode has SYNC.
    let text = text.replacen("<AssignActivate>#x0<", "<AssignActivate>#x300<", 1);
    let query = zerocat_esi::DeviceQuery { device: "AXIS-1", revision: None, product: None, modules: None };
    let device = zerocat_esi::read_bytes(text.as_bytes(), query).unwrap();
    let description = crate::descriptions::Description {
        file: "drive.xml".to_owned(),
        order: "AXIS-1".to_owned(),
        revision: 0x20,
        choice: "exact",
        modules: None,
    };
    let mut drive = found(0, "AXIS-1", 0, 0);
    drive.dc = true;
    drive.outputs =
        vec![Pdo { index: 0x1600, name: String::new(), entries: vec![entry(0x6040, "Control word", 16, 6)] }];
    drive.description = Some(description.clone());
    drive.described = Some(std::sync::Arc::new(crate::descriptions::Described { description, device }));
    drive
}

#[test]
fn idns_that_a_description_advises_are_drafted_with_its_bytes() {
    let mut drive = described();
    let mut known = std::sync::Arc::unwrap_or_clone(drive.described.take().unwrap());
    let idn = |drive, idn, data: &[u8], adapted| zerocat_esi::IdnStartup {
        transitions: vec!["PS".to_owned()],
        drive,
        idn: zerocat_pdi::Idn(idn),
        data: data.to_vec(),
        adapted,
        comment: "Telegram".to_owned(),
    };
    known.device.startup.clear();
    known.device.objects = None;
    known.device.idn_startup =
        vec![idn(0, 15, &[7, 0], false), idn(1, 16, &[0, 0, 8, 0], false), idn(0, 1, &[0, 0], true)];
    drive.described = Some(std::sync::Arc::new(known));
    let scan = Scan { esi: vec!["esi".into()], ..scan(vec![drive]) };
    let rig = draft_rig(&scan, "eth7");
    assert_eq!(rig.problems(), Vec::new(), "{rig:?}");
    let written: Vec<_> = rig.slaves[0].startup.iter().map(|command| command.idn_write().unwrap().unwrap()).collect();
    let bytes = |drive, idn, bytes: &[u8]| zerocat_config::IdnWrite {
        drive,
        idn: zerocat_pdi::Idn(idn),
        value: zerocat_pdi::IdnValue::Bytes(bytes.to_vec()),
    };
    assert_eq!(written, [bytes(0, 15, &[7, 0]), bytes(1, 16, &[0, 0, 8, 0])]);
    let [yaml, _] = both_texts(&scan);
    assert!(yaml.contains("Advises S-0-0001 with a value that tools choose"), "{yaml}");
}

#[test]
fn what_a_description_advises_is_drafted_and_read_back() {
    let scan = Scan { esi: vec!["esi".into()], ..scan(vec![described()]) };
    let rig = draft_rig(&scan, "eth7");
    assert_eq!((rig.problems(), rig.warnings().len()), (Vec::new(), 1), "{rig:?}");
    assert_eq!(rig.slaves[0].dc, Some(zerocat_config::dc::SubDeviceDc::mode("FreeRun")));
    let written: Vec<_> =
        rig.slaves[0].startup.iter().map(|command| (command.object.as_str(), command.value.clone())).collect();
    assert_eq!(written, [("0x60c2:01", 1.into()), ("0x60c2:02", (-3).into()), ("0x6060:00", 8.into())]);
    let [yaml, _] = both_texts(&scan);
    assert!(yaml.contains("From drive.xml: Cyclic synchronous position"), "{yaml}");
}

#[test]
fn an_advised_command_whose_object_no_dictionary_lists_may_fail() {
    let mut drive = described();
    let mut known = std::sync::Arc::unwrap_or_clone(drive.described.take().unwrap());
    known.device.objects = None;
    drive.described = Some(std::sync::Arc::new(known));
    let scan = Scan { esi: vec!["esi".into()], ..scan(vec![drive]) };
    let startup = &draft_rig(&scan, "eth7").slaves[0].startup;
    assert!(!startup.is_empty());
    assert!(startup.iter().all(|command| command.on_error == zerocat_config::OnError::Warn), "{startup:?}");
    let [yaml, _] = both_texts(&scan);
    assert!(yaml.contains("that is told and the run goes on"), "{yaml}");
}

#[test]
fn entries_of_a_drive_with_soe_are_written_as_idns_and_its_position_follows() {
    let mut drive = found(0, "AX-SOE", 0, 0);
    (drive.coe, drive.protocols) = (false, vec!["SoE"]);
    let position = |idn, name: &str| Entry { subindex: 0, ..entry(idn, name, 32, 0x0004) };
    drive.inputs = vec![Pdo { index: 0x1a00, name: "AT".to_owned(), entries: vec![position(51, "Position feedback")] }];
    drive.outputs =
        vec![Pdo { index: 0x1600, name: "MDT".to_owned(), entries: vec![position(47, "Position command")] }];
    let scan = scan(vec![drive]);
    assert_eq!(draft_rig(&scan, "eth7").problems(), Vec::new());
    let [yaml, _] = both_texts(&scan);
    assert!(yaml.contains("entry: ax_soe_0.S-0-0051") || yaml.contains("entry: \"ax_soe_0.S-0-0051\""), "{yaml}");
    assert!(yaml.contains("ax_soe_0.S-0-0047") && yaml.contains("safe: { from: "), "{yaml}");
}
