//! What SubDevices send unasked: who, by the rig file's key too, what, in words.

use crate::bench_set::{Folder, Segment, demo_rig, in_op, read_json};
use nix::sys::signal::Signal;
use serde_json::json;
use zerocat_testkit::netns::in_private_netns;

#[test]
fn an_emergency_is_logged_with_name_key_and_words_and_is_in_the_report() {
    in_private_netns(|veth| {
        let (mut segment, folder) = (Segment::demo(veth), Folder::new());
        let report = folder.path("report.json");
        let mut program = in_op(&folder, &demo_rig(&veth.master), &["--report", &report]);
        segment.command("emergency axis 0x8611 0x21 1 2 3");
        program.await_error("SubDevice 5 (ZC-SERVO) `axis`: emergency 0x8611: following error (of a drive)");
        let ended = program.stop(Signal::SIGTERM).with_code(0);
        let line = ended.err.lines().find(|line| line.contains("0x8611")).unwrap();
        assert!(line.contains("WARN"), "{line}");
        let report = read_json(&report);
        let one = &report["emergencies"]["list"][0];
        let told = [&one["key"], &one["code"], &one["register"], &one["data"]];
        assert_eq!(told, [&json!("axis"), &json!(0x8611), &json!(0x21), &json!("0102030000")], "{report}");
        segment.end();
    });
}
