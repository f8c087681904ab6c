//! What the exit code and the message at the end of a run tell of its bus.

use crate::bench_set::{Folder, Segment, demo_rig, in_op, read_json};
use crate::program::zerocat;
use nix::sys::signal::Signal;
use serde_json::json;
use zerocat_testkit::netns::in_private_netns;

#[test]
fn a_subdevice_that_is_out_of_op_at_the_end_has_an_exit_code_of_its_own_and_a_line() {
    in_private_netns(|veth| {
        let mut segment = Segment::demo(veth);
        let folder = Folder::new();
        let report = folder.path("report.json");
        let mut program = in_op(&folder, &demo_rig(&veth.master), &["--report", &report]);
        segment.command("power off axis");
        program.await_error("SubDevice 5 (ZC-SERVO) `axis` doesn't answer");
        let ended = program.stop(Signal::SIGINT).with_code(8).saying(&["zerocat: not in OP at the end\n  SubDevice 5"]);
        let (_, last) = ended.err.rsplit_once("not in OP at the end").unwrap();
        // A line each: who was left out, and what could not be shut down.
        assert!(last.lines().filter(|line| line.contains("SubDevice 5")).count() <= 2, "{last}");
        assert_eq!(read_json(&report)["outcome"]["exit_code"], json!(8));
    });
}

#[test]
fn the_help_of_a_run_tells_its_bounds_and_signals() {
    let help = zerocat(&["run", "--help"]).with_code(0).out;
    for text in ["Bounds: bring-up ends within 60 s", "the shutdown within 10 s", "SIGUSR1"] {
        assert!(help.split_whitespace().collect::<Vec<_>>().join(" ").contains(text), "{text} in {help}");
    }
}

#[test]
fn the_help_tells_every_exit_code_that_the_document_has() {
    let help = zerocat(&["--help"]).with_code(0).out;
    let document = include_str!("../../../docs/exit-codes.md");
    for code in 0..=9 {
        assert!(help.contains(&format!("\n  {code}  ")), "{code} in {help}");
        assert!(document.contains(&format!("\n| {code} | ")), "{code} in the document");
    }
}
