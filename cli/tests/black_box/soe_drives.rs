//! Drives with SoE from outside: a scan tells them, a draft of them runs, IDNs of startup commands are written, and the process
//! data follow the lists that they wrote.

use crate::bench_set::{Folder, Segment, read_draft, read_json, unless_starved};
use crate::program::zerocat;
use serde_json::{Value, json};
use zerocat_sim::{ProfileKind, SegmentConfig, SubDeviceConfig};
use zerocat_testkit::netns::in_private_netns;

fn axes() -> SegmentConfig {
    SegmentConfig::line(vec![SubDeviceConfig::new(ProfileKind::SoeServo).with_channels(2)])
}

fn rig(interface: &str, startup: Value, inputs: Value) -> Value {
    json!({
        "network": { "interface": interface, "rate": 200 },
        "engine": { "watchdog": "1s" },
        "slaves": [{ "key": "axes", "position": 0, "startup": startup }],
        "tasks": [{ "type": "ethercat_read", "name": "inputs", "sample_rate": 100, "channels": inputs }]
    })
}

fn write(object: &str, drive: u8, value: Value) -> Value {
    json!({ "transition": "PS", "object": object, "drive": drive, "value": value, "verify": true })
}

#[test]
fn a_scan_tells_a_drive_with_soe_and_its_draft_runs() {
    in_private_netns(|veth| {
        let _segment = Segment::of(veth, &axes());
        let folder = Folder::new();
        let said = zerocat(&["scan", "--interface", &veth.master, "-v"]).with_code(0).out;
        assert!(said.contains("mailbox: SoE"), "{said}");
        let file = folder.path("draft.json");
        zerocat(&["scan", "--interface", &veth.master, "--draft", &file]).with_code(0);
        zerocat(&["check", &file]).with_code(0);
        let mut rig = read_draft(&file);
        (rig["network"]["rate"], rig["engine"]) = (json!(200), json!({ "watchdog": "1s" }));
        let file = folder.json("rig.json", &rig);
        unless_starved(|| zerocat(&["run", &file, "--seconds", "0.3"])).with_code(0);
    });
}

#[test]
fn process_data_follow_the_lists_that_startup_commands_write() {
    in_private_netns(|veth| {
        let _segment = Segment::of(veth, &axes());
        let folder = Folder::new();
        let startup = json!([
            write("S-0-0015", 0, json!(7)),
            write("S-0-0016", 1, json!(["S-0-0051", "S-0-0084", "S-0-0189"])),
            write("S-0-0024", 0, json!(["S-0-0036"])),
        ]);
        let inputs = json!(["axes.S-0-0051", "axes.0x0054:01", "axes.S-0-0189:01"]);
        let file = folder.json("rig.json", &rig(&veth.master, startup, inputs));
        zerocat(&["check", &file]).with_code(0);
        let report = folder.path("report.json");
        unless_starved(|| zerocat(&["run", &file, "--seconds", "0.3", "--report", &report])).with_code(0);
        let report = read_json(&report);
        let channels = report["tasks"][0]["channels"].as_array().unwrap();
        let types: Vec<_> = channels.iter().map(|channel| &channel["type"]).collect();
        assert_eq!(types, ["int32", "int16", "int32"]);
    });
}

#[test]
fn an_idn_that_the_drive_refuses_ends_the_run_in_words() {
    in_private_netns(|veth| {
        let _segment = Segment::of(veth, &axes());
        let folder = Folder::new();
        let startup = json!([write("S-0-0091", 1, json!(6001))]);
        let file = folder.json("rig.json", &rig(&veth.master, startup, json!(["axes.0x0033:00"])));
        let ended = zerocat(&["run", &file, "--seconds", "0.3"]).with_code(5);
        let said = "startup command S-0-0091 of drive 1 = 6001: ";
        assert!(
            ended.err.contains(said) && ended.err.contains("error 0x7007: Value is above the maximum"),
            "{}",
            ended.err
        );
        let wrong = json!([write("S-9-0091", 0, json!(1))]);
        let file = folder.json("wrong.json", &rig(&veth.master, wrong, json!(["axes.0x0033:00"])));
        let ended = zerocat(&["check", &file]).with_code(3);
        assert!(
            ended.err.contains("slaves[0].startup[0].object") && ended.err.contains("no IDN, such as S-0-0015"),
            "{}",
            ended.err
        );
    });
}
