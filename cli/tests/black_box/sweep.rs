//! `zerocat sweep` and what is said of XML files that are something else.

use crate::bench_set::Folder;
use crate::program::zerocat;
use serde_json::json;

/// A description of one device with two digital inputs, in one line.
fn description(kind: &str, inside: &str) -> String {
    format!(
        "<EtherCATInfo><Vendor><Id>9</Id><Name>Works</Name></Vendor><Descriptions><Devices>\
         <Device Physics='YY'><Type ProductCode='#x1' RevisionNo='#x2'>{kind}</Type><Name>{kind}</Name>{inside}</Device>\
         </Devices></Descriptions></EtherCATInfo>"
    )
}

const INPUTS: &str = "<Fmmu>Inputs</Fmmu><Sm StartAddress='#x1000' ControlByte='0' Enable='1'>Inputs</Sm>\
    <TxPdo Fixed='1' Sm='0'><Index>#x1a00</Index><Name>Channel 1</Name><Entry><Index>#x6000</Index>\
    <SubIndex>1</SubIndex><BitLen>8</BitLen><Name>Input</Name><DataType>USINT</DataType></Entry></TxPdo>";

#[test]
fn a_sweep_counts_who_reached_op_and_says_why_others_did_not() {
    let folder = Folder::new();
    folder.file("good.xml", &description("GOOD", INPUTS));
    folder.file("BAD.XML", &description("BAD", "<Sm StartAddress='here'>Inputs</Sm>"));
    folder.file("eni.xml", "<EtherCATConfig><Config/></EtherCATConfig>");
    let path = folder.path("");
    let report = zerocat(&["sweep", &path, "--json"]).with_code(1).json();
    assert_eq!(
        (&report["schema"], &report["devices"], &report["op"]),
        (&json!("zerocat-sweep/1"), &json!(2), &json!(1))
    );
    let failed = &report["failed"][0];
    assert_eq!(
        (&failed["file"], &failed["type"], &failed["stage"]),
        (&json!("BAD.XML"), &json!("BAD"), &json!("read"))
    );
    assert!(failed["reason"].as_str().unwrap().contains("`here` is not a number"), "{failed}");
    assert!(report["left_out"][0]["reason"].as_str().unwrap().contains("network description (ENI)"), "{report}");
    let table = zerocat(&["sweep", &path, "--jobs", "1"]).with_code(1).out;
    assert!(table.contains("1 of 2 devices in 2 files reached OP (50.0 %)"), "{table}");
}

#[test]
fn a_draw_is_that_of_its_seed() {
    let folder = Folder::new();
    for n in 0..20 {
        folder.file(&format!("{n}.xml"), &description(&format!("D{n}"), INPUTS));
    }
    let path = folder.path("");
    let drawn =
        |seed| zerocat(&["sweep", &path, "--draw", "5", "--seed", seed, "--list", "--json"]).with_code(0).json();
    assert_eq!(drawn("7")["devices"].as_array().unwrap().len(), 5);
    assert_eq!(drawn("7"), drawn("7"));
    assert_ne!(drawn("7"), drawn("8"));
}

#[test]
fn a_folder_without_descriptions_ends_with_code_3() {
    let folder = Folder::new();
    let path = folder.path("");
    assert!(zerocat(&["sweep", &path]).with_code(3).err.contains("no device description"));
    assert!(zerocat(&["sweep", &folder.path("none")]).with_code(3).err.contains("none"));
}

#[test]
fn xml_where_a_rig_file_is_wanted_is_named() {
    let folder = Folder::new();
    let eni = folder.file("eni.xml", "\u{feff}<?xml version='1.0'?><EtherCATConfig/>");
    for command in ["check", "run"] {
        let said = zerocat(&[command, &eni]).with_code(3).err;
        assert!(said.contains("XML: a rig file is JSON or YAML"), "{command}: {said}");
    }
    let said = zerocat(&["sim", "--esi", &eni]).with_code(3).err;
    assert!(said.contains("this is a network description (ENI), not a device description (ESI)"), "{said}");
}
