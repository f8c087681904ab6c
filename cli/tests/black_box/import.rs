//! `zerocat import`: a rig file of a network description that is right and runs as it stands, and what is said of the rest.

use crate::bench_set::{Folder, Segment, in_some_attempts};
use crate::program::zerocat;
use serde_json::{Value, json};
use zerocat_testkit::netns::in_private_netns;

/// The network of the demonstration as TwinCAT would describe it, with other PDOs assigned than those of power-on.
const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/demo-network.xml");

#[test]
fn the_network_of_the_demonstration_is_imported_checked_and_reaches_op() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let folder = Folder::new();
        let file = folder.path("rig.yaml");
        let said = zerocat(&["import", DEMO, "-o", &file, "--interface", &veth.master]).with_code(0);
        assert!(said.out.contains("6 SubDevices at 200 Hz"), "{}", said.out);
        assert!(said.out.contains(&format!("next: zerocat check {file}, zerocat run {file}")), "{}", said.out);
        zerocat(&["check", &file]).with_code(0);
        let text = std::fs::read_to_string(&file).unwrap() + "engine: { watchdog: 1s }\n";
        std::fs::write(&file, text).unwrap();
        let ended = in_some_attempts(|| zerocat(&["run", &file, "--seconds", "1", "--json"]));
        let lines: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let sample = lines.iter().find(|line| line["data"].is_object() || line["values"].is_object());
        let all = format!("{lines:?}");
        assert!(all.contains("term_4_el3102_ai_compact_channel_1_value"), "{sample:?}");
        assert_eq!(lines[lines.len() - 1]["outcome"]["exit_code"], 0, "{}", ended.out);
    });
}

#[test]
fn what_is_left_out_is_said_and_stands_in_the_json_and_in_the_rig_file() {
    let folder = Folder::new();
    let file = folder.path("rig.json");
    let shown = zerocat(&["import", DEMO, "-o", &file]).with_code(0).out;
    assert!(shown.contains("the network interface: a network description names none"), "{shown}");
    assert!(shown.contains("the variable `Inputs.Frm0WcState`, the variable `Inputs.SlaveCount`"), "{shown}");
    assert!(std::fs::read_to_string(&file).unwrap().contains("// Left out: the network interface"));
    zerocat(&["import", DEMO, "-o", &file]).with_code(3).saying(&["--overwrite"]);
    let report = zerocat(&["import", DEMO, "-o", &file, "--overwrite", "--json"]).with_code(0).json();
    assert_eq!((&report["schema"], &report["rate"]), (&json!("zerocat-import/1"), &json!(200.0)));
    assert_eq!(report["subdevices"][5]["outputs"][1]["entry"], "drive_6_zc_servo.0x607a:00");
    let schema = zerocat(&["schema", "import"]).with_code(0).json();
    let schema = jsonschema::validator_for(&schema).unwrap();
    assert!(schema.is_valid(&report), "{report}");
}

#[test]
fn standard_output_has_the_rig_file_alone() {
    let said = zerocat(&["import", DEMO, "-o", "-", "--interface", "eth7"]).with_code(0);
    assert!(said.out.starts_with("# Rig file, imported by zerocat"), "{}", said.out);
    assert!(said.err.contains("6 SubDevices at 200 Hz"), "{}", said.err);
    zerocat(&["import", DEMO, "-o", "-", "--json"]).with_code(2).saying(&["-o -"]);
}

#[test]
fn a_file_that_is_no_network_description_is_refused_and_nothing_is_written() {
    let folder = Folder::new();
    let file = folder.path("rig.yaml");
    for (text, said) in [
        ("<EtherCATInfo/>", "device description (ESI)"),
        ("<EncryptedEtherCATConfig/>", "encrypted"),
        ("network: {}", "no element"),
    ] {
        let network = folder.file("network.xml", text);
        zerocat(&["import", &network, "-o", &file]).with_code(3).saying(&["network.xml", said]);
        assert!(!std::path::Path::new(&file).exists());
    }
}
