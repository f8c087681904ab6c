//! `zerocat init`: a rig file of what is on the bus, that is right, short and runs as it stands.

use crate::bench_set::{Folder, Segment, in_some_attempts};
use crate::program::zerocat;
use serde_json::Value;
use std::path::Path;
use zerocat_testkit::netns::in_private_netns;

const DEMO: &str = include_str!("drafts/demo.yaml");

/// The draft is the one that is kept; `ZEROCAT_BLESS=1` keeps this one.
fn is_kept(draft: &str) {
    if std::env::var_os("ZEROCAT_BLESS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/black_box/drafts/demo.yaml"), draft).unwrap();
        return;
    }
    assert_eq!(draft, DEMO);
}

#[test]
fn the_bus_of_the_demonstration_is_drafted_checked_and_run() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let folder = Folder::new();
        let file = folder.path("rig.yaml");
        let next = format!("{file}: 6 SubDevices; next: zerocat check {file}, zerocat run {file}");
        let said = zerocat(&["init", "--interface", &veth.master, &file]).with_code(0);
        assert!(said.out.contains(&next), "{}", said.out);
        is_kept(&std::fs::read_to_string(&file).unwrap());
        let checked = zerocat(&["check", &file]).with_code(0);
        assert!(checked.out.contains("no channel of `outputs` is enabled"), "{}", checked.out);
        // A busy machine keeps up with a fifth of the rate.
        let text = std::fs::read_to_string(&file).unwrap().replace("rate: 1000", "rate: 200");
        std::fs::write(&file, text + "engine: { watchdog: 1s }\n").unwrap();
        let ended = in_some_attempts(|| zerocat(&["run", &file, "--seconds", "1", "--json"]));
        let lines: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let tasks: Vec<_> =
            lines[lines.len() - 1]["tasks"].as_array().unwrap().iter().map(|task| &task["name"]).collect();
        assert_eq!(tasks, ["inputs"]);
    });
}

#[test]
fn a_draft_on_standard_output_stands_there_alone() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        for command in
            [&["init", "--interface", &veth.master, "-"][..], &["scan", "--interface", &veth.master, "--draft", "-"]]
        {
            is_kept(&in_some_attempts(|| zerocat(command)).out);
        }
        assert!(!Path::new("-").exists());
        zerocat(&["scan", "--interface", &veth.master, "--draft", "-", "--json"]).with_code(2).saying(&["--draft -"]);
    });
}
