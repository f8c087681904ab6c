//! Vendors' device descriptions (ESI): what they advise is in the draft, and the draft is checked and run.

use crate::bench_set::{Folder, Segment, in_some_attempts};
use crate::program::zerocat;
use serde_json::Value;
use zerocat_sim::{SegmentConfig, SubDeviceConfig};
use zerocat_testkit::netns::{Veth, in_private_netns};

const DRIVE: &str = include_str!("drafts/drive.xml");

/// A segment of one drive that its description was made into.
fn segment(veth: &Veth, folder: &Folder) -> Segment {
    let file = folder.file("made-of.xml", DRIVE);
    let drive = SubDeviceConfig::from_esi(file.as_ref(), "AXIS-1", None).unwrap();
    Segment::of(veth, &SegmentConfig::line(vec![drive]))
}

/// A draft in a folder, made with descriptions of a folder beside it.
fn drafted(veth: &Veth, folder: &Folder, description: &str) -> (String, String) {
    std::fs::create_dir(folder.path("esi")).unwrap();
    folder.file("esi/drive.xml", description);
    let (esi, rig) = (folder.path("esi"), folder.path("rig.yaml"));
    let said = zerocat(&["init", "--interface", &veth.master, "--esi", &esi, &rig]).with_code(0);
    (rig, said.err)
}

#[test]
fn a_draft_has_what_the_description_advises_each_with_its_source_and_runs_to_op() {
    in_private_netns(|veth| {
        let folder = Folder::new();
        let _segment = segment(veth, &folder);
        let (rig, _) = drafted(veth, &folder, DRIVE);
        let draft = std::fs::read_to_string(&rig).unwrap();
        for expected in [
            "Described by AXIS-1 in drive.xml.",
            "From drive.xml: Cyclic synchronous position",
            r#"- { transition: PS, object: "0x6060:00", data_type: int8, value: 8 }"#,
            r#"- { transition: PS, object: "0x60c2:01", data_type: uint8, value: 1 }"#,
            r#"- { transition: PS, object: "0x60c2:02", data_type: int8, value: -3 }"#,
            "0x1601 Velocity (48 bits, in place of 0x1600)",
            "FreeRun, DC",
        ] {
            let unbroken = draft.replace("\n  # ", " ");
            assert!(unbroken.contains(expected), "{expected} in\n{draft}");
        }
        assert!(!draft.contains("2 ms"), "the cycle counts, not the vendor's example:\n{draft}");
        let checked = zerocat(&["check", &rig]).with_code(0);
        assert!(checked.out.contains("`axis_1_0`: AXIS-1 in drive.xml"), "{}", checked.out);
        // A busy machine keeps up with a fifth of the rate, which the drive is not told.
        let slower = draft.replace("rate: 1000", "rate: 200") + "engine: { watchdog: 1s }\n";
        let slow = folder.file("slow.yaml", &slower);
        let warned = zerocat(&["check", &slow]).with_code(0);
        assert!(warned.out.contains("the drive interpolates over 1ms then"), "{}", warned.out);
        let ended = in_some_attempts(|| zerocat(&["run", &slow, "--seconds", "1", "--json"]));
        assert!(
            ended.err.contains("interpolates over 1ms (0x60c2), and its outputs are exchanged every 5ms"),
            "{}",
            ended.err
        );
        assert!(ended.err.contains(r#""object": "0x60c2:01", "data_type": "uint8", "value": 5"#), "{}", ended.err);
        let right = slower
            .replace(r#""0x60c2:01", data_type: uint8, value: 1 "#, r#""0x60c2:01", data_type: uint8, value: 5 "#);
        assert_ne!(right, slower);
        let right = folder.file("right.yaml", &right);
        let ended = in_some_attempts(|| zerocat(&["run", &right, "--seconds", "1", "--json"]));
        assert!(!ended.err.contains("interpolates over"), "{}", ended.err);
    });
}

#[test]
fn a_description_of_another_revision_is_taken_and_told_and_a_bad_file_is_left_out() {
    in_private_netns(|veth| {
        let folder = Folder::new();
        let _segment = segment(veth, &folder);
        let (rig, _) = drafted(veth, &folder, &DRIVE.replace("#x00000020", "#x00000010"));
        folder.file("esi/notes.xml", "<notes/>");
        let draft = std::fs::read_to_string(&rig).unwrap().replace("\n  # ", " ");
        assert!(draft.contains("of revision 0x00000010, which is older"), "{draft}");
        let esi = folder.path("esi");
        let scanned = zerocat(&["scan", "--interface", &veth.master, "--esi", &esi, "--json"]).with_code(0);
        let found: Value = scanned.json();
        let description = &found["subdevices"][0]["description"];
        assert_eq!((&description["choice"], &description["revision"]), (&"older".into(), &0x10.into()), "{found}");
        assert!(scanned.err.contains("notes.xml"), "{}", scanned.err);
    });
}

#[test]
fn a_folder_without_descriptions_is_refused_before_anything_is_sent() {
    let folder = Folder::new();
    let rig = folder.file("rig.yaml", "network: { interface: eth7 }\nesi: [nowhere]\n");
    zerocat(&["check", &rig]).with_code(3).saying(&["rig.yaml: esi[0]: read ", "nowhere", "name a folder"]);
    zerocat(&["run", &rig]).with_code(3).saying(&["nowhere"]);
    zerocat(&["init", "--interface", "nope0", "--esi", &folder.path("nowhere"), "-"]).with_code(3).saying(&["nowhere"]);
}

#[test]
fn check_warns_of_what_a_description_says_that_a_run_refuses() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("esi")).unwrap();
    folder.file("esi/drive.xml", DRIVE);
    let asking = |what: &str| {
        let slave = format!("{{ key: axis, vendor_id: 0xabc, product_code: 0x402, {what} }}");
        let rig = folder.file("rig.yaml", &format!("network: {{ interface: eth7 }}\nesi: [esi]\nslaves: [{slave}]\n"));
        zerocat(&["check", &rig]).with_code(0).out
    };
    for (what, warned) in [
        ("dc: { mode: DCC }", "there is no operation mode `DCC`, did you mean `DC`?"),
        ("assign: { outputs: [0x1600, 0x1601] }", "PDO 0x1600 excludes PDO 0x1601"),
        ("assign: { outputs: [0x1677] }", "there is no PDO 0x1677; there are 0x1600, 0x1601"),
        (
            "assign: { outputs: [{ index: 0x1600, entries: [{ object: \"0x6040:00\", data_type: uint16 }] }] }",
            "0x1600 is fixed",
        ),
    ] {
        let out = asking(what);
        assert!(out.contains(warned) && out.contains("by AXIS-1 in drive.xml"), "{warned} in\n{out}");
    }
    let out = asking("dc: { mode: DC }, assign: { outputs: [0x1601] }");
    assert!(!out.contains("would refuse"), "{out}");
}
