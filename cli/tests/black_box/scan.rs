//! `zerocat scan`: who is on the bus, and a rig file to begin with.

use crate::bench_set::{Folder, Segment, demo_rig, in_op, in_some_attempts, read_draft, run, unless_starved};
use crate::program::zerocat;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use zerocat_sim::{AlErrorConfig, Millis, ProfileKind, SegmentConfig, SubDeviceConfig, TargetState};
use zerocat_testkit::netns::{Veth, in_private_netns, ip};

/// Name, vendor, product, revision, serial, bits of inputs, bits of outputs. Padding counts.
const DEMO: [(&str, u32, u32, u32, u32, u32, u32); 6] = [
    ("EK1100", 2, 0x044c_2c52, 0x0011_0000, 1001, 0, 0),
    ("EL2004", 2, 0x07d4_3052, 0x0011_0000, 1002, 0, 4),
    ("EL1004", 2, 0x03ec_3052, 0x0011_0000, 1003, 4, 0),
    ("EL3102", 2, 0x0c1e_3052, 0x0011_0000, 1004, 64, 0),
    ("EL4102", 2, 0x1006_3052, 0x0011_0000, 1005, 0, 32),
    ("ZC-SERVO", 0x7a63, 0x402, 1, 1006, 96, 64),
];

#[test]
fn the_table_shows_every_subdevice_with_identity_and_bits() {
    in_private_netns(|veth| {
        let segment = Segment::demo(veth);
        for link in ["packet", "xdp"] {
            let out = zerocat(&["scan", "--interface", &veth.master, "--link", link]).with_code(0).out;
            assert!(out.contains("6 SubDevices"), "{out}");
            for (position, (name, vendor, product, revision, serial, inputs, outputs)) in DEMO.iter().enumerate() {
                let row = out.lines().find(|line| line.split_whitespace().nth(1) == Some(name));
                let row = row.unwrap_or_else(|| panic!("{name} in\n{out}"));
                let cells: Vec<_> = row.split_whitespace().collect();
                assert_eq!(cells[0], position.to_string(), "{row}");
                let vendor = if *vendor == 2 { "Beckhoff".to_owned() } else { format!("{vendor:#010x}") };
                assert_eq!(cells[2], vendor, "{row}");
                assert_eq!(cells[3..5], [product, revision].map(|id| format!("{id:#010x}")), "{row}");
                assert_eq!(cells[5], serial.to_string(), "{row}");
                assert!(row.contains(&format!("{inputs} bit")) && row.contains(&format!("{outputs} bit")), "{row}");
            }
        }
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}

#[test]
fn json_shows_identities_bits_and_where_the_maps_were_read() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let found = zerocat(&["scan", "--interface", &veth.master, "--json"]).with_code(0).json();
        assert_eq!(found["schema"], "zerocat-scan/1");
        let all = found["subdevices"].as_array().unwrap();
        assert_eq!(all.len(), DEMO.len());
        for (position, (subdevice, expected)) in all.iter().zip(DEMO).enumerate() {
            let number = |key: &str| u32::try_from(subdevice[key].as_u64().unwrap()).unwrap();
            let name = subdevice["name"].as_str().unwrap();
            let ids = ["vendor_id", "product_code", "revision", "serial"].map(number);
            let bits = ["input_bits", "output_bits"].map(number);
            assert_eq!((name, ids[0], ids[1], ids[2], ids[3], bits[0], bits[1]), expected);
            assert_eq!(subdevice["position"], position);
            assert_eq!(subdevice["error"], Value::Null);
        }
        let sources = all.iter().map(|subdevice| &subdevice["pdo_source"]).collect::<Vec<_>>();
        assert_eq!(sources[1..], [&json!("sii"), &json!("sii"), &json!("coe"), &json!("coe"), &json!("coe")]);
    });
}

#[test]
fn an_empty_memory_is_shown_with_what_the_esc_says_and_the_rest_comes_up() {
    in_private_netns(|veth| {
        let folder = Folder::new();
        let blank = folder.path("blank.bin");
        std::fs::write(&blank, [0xff; 2048]).unwrap();
        let mut config = SegmentConfig::demo();
        config.wires.clear();
        config.subdevices.insert(1, SubDeviceConfig::from_sii(Path::new(&blank)).unwrap());
        config.subdevices.truncate(3);
        let _segment = Segment::of(veth, &config);
        let draft = folder.path("draft.json");
        let out = zerocat(&["scan", "--interface", &veth.master, "--draft", &draft]).with_code(0).out;
        assert!(out.contains("SII empty") && out.contains("SubDevice 1 (SII empty): its ESC says: type"), "{out}");
        let found = zerocat(&["scan", "--interface", &veth.master, "--json"]).with_code(0).json();
        assert_eq!(
            (&found["subdevices"][0]["sii"], &found["subdevices"][1]["sii"]),
            (&json!("programmed"), &json!("empty"))
        );
        assert!(found["subdevices"][1]["notes"][0].as_str().unwrap().contains("never programmed"), "{found}");
        zerocat(&["check", &draft]).with_code(0);
        // The draft names it; without a word of it the rest comes up as well.
        let mut rig = read_draft(&draft);
        rig["network"]["rate"] = json!(200);
        rig["engine"] = json!({ "watchdog": "1s" });
        let mut unnamed = rig.clone();
        unnamed["slaves"].as_array_mut().unwrap().remove(1);
        for (name, rig) in [("named.json", rig), ("unnamed.json", unnamed)] {
            let rig = folder.json(name, &rig);
            let said = ["2 SubDevices in OP", "left in INIT: SubDevice 1 (SII empty)"];
            zerocat(&["run", &rig, "--seconds", "1"]).with_code(0).saying(&said);
        }
    });
}

#[test]
fn one_that_refuses_init_and_one_without_an_sii_interface_are_told_and_end_a_run_only_where_it_names_them() {
    in_private_netns(|veth| {
        let of = SubDeviceConfig::new;
        let silent = SubDeviceConfig { sii_silent: true, ..of(ProfileKind::AnalogueIn) };
        let al_error = Some(AlErrorConfig { on: TargetState::Init, code: 0x0014, times: u32::MAX });
        let refusing = SubDeviceConfig { al_error, ..of(ProfileKind::Servo) };
        let devices = vec![of(ProfileKind::Coupler), silent, refusing, of(ProfileKind::DigitalOut)];
        let _segment = Segment::of(veth, &SegmentConfig::line(devices));
        let refusal = "SubDevice 2 (ZC-SERVO): asked for INIT, shows INIT + ERROR, AL status code 0x0014";
        let scanned = zerocat(&["scan", "--interface", &veth.master]).with_code(5);
        let out = scanned.out.clone();
        assert!(["EK1100", "SII unreadable", "ZC-SERVO", "EL2004"].iter().all(|name| out.contains(name)), "{out}");
        scanned.saying(&["the SII interface doesn't answer: FPRD station 0x1002, register 0x0500", refusal]);
        let folder = Folder::new();
        let rig = |name: &str, slaves: Value| {
            let network = json!({ "interface": veth.master, "rate": 200, "unknown": "ignore" });
            folder.json(name, &json!({ "network": network, "engine": { "watchdog": "1s" }, "slaves": slaves }))
        };
        let at = |key: &str, position: u16, product: &str| {
            json!([{ "key": key, "name": key, "make": "M", "model": "M",
                     "properties": { "vendor_id": "any", "product_code": product, "position": position } }])
        };
        let run = |rig: &str| zerocat(&["run", rig, "--seconds", "1"]);
        run(&rig("others.json", json!([]))).with_code(0).saying(&["2 SubDevices in OP", "left in INIT: SubDevice 1"]);
        run(&rig("refusing.json", at("axis", 2, "any"))).with_code(5).saying(&[refusal]);
        let unknown = "SII unreadable at position 1 says nothing of itself (the SII interface doesn't answer";
        run(&rig("silent.json", at("sensors", 1, "0x0c1e3052"))).with_code(5).saying(&[unknown]);
    });
}

#[test]
fn subdevices_that_only_their_position_tells_apart_are_said_to_be_alike() {
    in_private_netns(|veth| {
        let of = SubDeviceConfig::new;
        let mut serial = of(ProfileKind::DigitalOut);
        serial.serial = 7;
        let devices = [of(ProfileKind::Coupler), of(ProfileKind::DigitalOut), serial, of(ProfileKind::DigitalOut)];
        let _segment = Segment::of(veth, &SegmentConfig::line(devices.to_vec()));
        let ended = zerocat(&["scan", "--interface", &veth.master, "--basic"]).with_code(0);
        ended.saying(&["SubDevices 1, 3 (EL2004) are alike"]);
    });
}

#[test]
fn a_basic_scan_shows_identities_without_maps() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let found = zerocat(&["scan", "--interface", &veth.master, "--json", "--basic"]).with_code(0).json();
        let all = found["subdevices"].as_array().unwrap();
        let serials: Vec<_> = all.iter().map(|subdevice| subdevice["serial"].as_u64().unwrap()).collect();
        assert_eq!(serials, [1001, 1002, 1003, 1004, 1005, 1006]);
        assert!(all.iter().all(|subdevice| subdevice["pdo_source"].is_null()), "{found}");
    });
}

#[test]
fn a_drafted_rig_is_right_and_comes_to_op() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let folder = Folder::new();
        let draft = folder.path("draft.json");
        zerocat(&["scan", "--interface", &veth.master, "--draft", &draft]).with_code(0);
        zerocat(&["check", &draft]).with_code(0);
        let rig = read_draft(&draft);
        assert_eq!(rig["network"]["interface"], veth.master);
        let keys = rig["slaves"].as_array().unwrap().iter().map(|slave| &slave["key"]);
        assert_eq!(
            keys.collect::<Vec<_>>(),
            ["ek1100_0", "el2004_1", "el1004_2", "el3102_3", "el4102_4", "zc_servo_5"]
        );
        let schema = zerocat(&["schema", "rig"]).with_code(0).json();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let wrong: Vec<_> = validator.iter_errors(&rig).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
        // A busy machine keeps up with a slower cycle.
        let text = std::fs::read_to_string(&draft).unwrap().replace("\"rate\": 1000", "\"rate\": 200");
        let slower = text.replacen('{', "{ \"engine\": { \"watchdog\": \"2s\" },", 1);
        std::fs::write(&draft, slower).unwrap();
        let ended = in_some_attempts(|| zerocat(&["run", &draft, "--seconds", "0.5", "--json"]));
        let lines: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let (report, samples) = lines.split_last().unwrap();
        assert!(!samples.is_empty() && samples.iter().all(|line| line["task"] == "inputs"), "{}", ended.out);
        assert_eq!((&report["network"]["subdevices"], &report["working_counter_faults"]), (&json!(6), &json!(0)));
        assert!(report["tasks"][0]["samples"].as_u64() > Some(0), "{report}");
    });
}

#[test]
fn a_bus_that_another_zerocat_runs_is_not_touched() {
    in_private_netns(|veth| {
        let segment = Segment::demo(veth);
        let folder = Folder::new();
        let running = in_op(&folder, &demo_rig(&veth.master), &["--link", "packet"]);
        zerocat(&["scan", "--interface", &veth.master]).with_code(4).saying(&["uses zc-master already"]);
        let ended = running.stop(Signal::SIGTERM).with_code(0);
        assert!(ended.out.contains("0 working counter faults"), "{}", ended.out);
        for subdevice in segment.end().0["subdevices"].as_array().unwrap() {
            assert_eq!(subdevice["watchdog_expiries"], 0, "{subdevice}");
        }
    });
}

#[test]
fn a_bus_that_was_left_in_op_and_that_nobody_drives_is_scanned() {
    in_private_netns(|veth| {
        let segment = Segment::demo(veth);
        let folder = Folder::new();
        in_op(&folder, &demo_rig(&veth.master), &[]).stop(Signal::SIGKILL);
        let found = zerocat(&["scan", "--interface", &veth.master, "--json"]).with_code(0).json();
        assert_eq!(found["subdevices"].as_array().unwrap().len(), 6);
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}

#[test]
fn a_bus_that_another_maindevice_drives_is_left_alone() {
    in_private_netns(|_| {
        // Two hosts on one cable: a bridge that floods frames between them and the segment.
        ip("link add zc-cable type bridge mcast_snooping 0");
        ip("link set zc-cable up");
        for end in ["zc-one", "zc-two", "zc-sim"] {
            ip(&format!("link add {end} type veth peer name {end}-b"));
            ip(&format!("link set {end}-b master zc-cable"));
            ip(&format!("link set {end} up"));
            ip(&format!("link set {end}-b up"));
        }
        let segment = Segment::demo(&Veth { master: "zc-one".to_owned(), peer: "zc-sim".to_owned() });
        let folder = Folder::new();
        let running = in_op(&folder, &demo_rig("zc-one"), &["--link", "packet"]);
        let refused = "another MainDevice drives this bus";
        let scan = || zerocat(&["scan", "--interface", "zc-two"]);
        unless_starved(scan).with_code(5).saying(&[refused, "--take-bus"]);
        let run = || run(&demo_rig("zc-two"), &["--link", "packet"]);
        unless_starved(run).with_code(5).saying(&[refused, "--take-bus"]);
        let ended = running.stop(Signal::SIGTERM).with_code(0);
        assert!(ended.out.contains("0 working counter faults"), "{}", ended.out);
        in_some_attempts(scan);
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}

/// A coupler, a drive that takes 4 s for each transition, and a terminal behind it.
fn slow_drive() -> SegmentConfig {
    let slow = SubDeviceConfig {
        transition_delay: Millis(Duration::from_secs(4)),
        ..SubDeviceConfig::new(ProfileKind::Servo)
    };
    let [coupler, inputs] = [ProfileKind::Coupler, ProfileKind::DigitalIn].map(SubDeviceConfig::new);
    SegmentConfig::line(vec![coupler, slow, inputs])
}

#[test]
fn a_subdevice_that_cannot_be_read_fails_the_scan_and_its_draft_and_keeps_nobody_from_being_read() {
    in_private_netns(|veth| {
        let _segment = Segment::of(veth, &slow_drive());
        let folder = Folder::new();
        let draft = folder.path("draft.json");
        let scanned = zerocat(&["scan", "--interface", &veth.master, "--draft", &draft]).with_code(5);
        let why = "SubDevice 1 (ZC-SERVO): asked for PRE-OP, still shows INIT after 3";
        let scanned = scanned.saying(&["1 of 3 SubDevices could not be read", "--timeout", why]);
        assert_eq!(scanned.err.matches("ZC-SERVO").count(), 1, "{}", scanned.err);
        assert!(!scanned.err.contains("ERROR"), "{}", scanned.err);
        let row = |name: &str| scanned.out.lines().find(|line| line.contains(name)).unwrap().to_owned();
        assert!(row("ZC-SERVO").contains("not read"), "{}", scanned.out);
        assert!(row("EL1004").contains("4 bit"), "{}", scanned.out);
        assert_eq!(read_draft(&draft)["slaves"][1]["unread"].as_str().map(|text| text.starts_with(why)), Some(true));
        zerocat(&["check", &draft]).with_code(3).saying(&["slaves[1].unread", "could not read what it maps"]);
    });
}

#[test]
fn a_slow_subdevice_is_waited_for_where_that_is_asked_for() {
    in_private_netns(|veth| {
        let _segment = Segment::of(veth, &slow_drive());
        let scan = || zerocat(&["scan", "--interface", &veth.master, "--timeout", "20", "--json"]);
        let found = unless_starved(scan).with_code(0).json();
        assert_eq!(
            (&found["subdevices"][1]["pdo_source"], &found["subdevices"][1]["error"]),
            (&json!("coe"), &Value::Null)
        );
    });
}

#[test]
fn entries_with_their_places_and_what_ports_have_counted_are_shown_if_it_is_asked_to_say_more() {
    in_private_netns(|veth| {
        let mut segment = Segment::demo(veth);
        let plain = zerocat(&["scan", "--interface", &veth.master]).with_code(0).out;
        // They are found by the scan that follows.
        segment.command("damage axis 3");
        std::thread::sleep(std::time::Duration::from_millis(200));
        let ended = zerocat(&["scan", "--interface", &veth.master, "-v"]).with_code(0);
        let detail =
            ended.out.strip_prefix(&plain).unwrap_or_else(|| panic!("{plain}\nis not in front of\n{}", ended.out));
        let row = |of: [&str; 4]| detail.lines().any(|line| of.iter().all(|part| line.contains(part)));
        assert!(row(["out", "0.0", "0x6040:00", "16"]), "{detail}");
        assert!(row(["in", "0x1a0", "0x6041:00", "uint16"]), "{detail}");
        assert!(detail.contains("SubDevice 5 ZC-SERVO"), "{detail}");
        assert!(detail.contains("3 invalid frames, 3 physical errors"), "{detail}");
        let json = zerocat(&["scan", "--interface", &veth.master, "--json"]).with_code(0).json();
        for subdevice in json["subdevices"].as_array().unwrap() {
            assert_eq!(subdevice["port_errors"].as_array().unwrap().len(), 4, "{subdevice}");
        }
    });
}
