//! What a run writes: files that can't be written are found before anything is sent, and one that fails later costs the run
//! nothing else.

use crate::bench_set::{Folder, Segment, demo_rig, in_some_attempts, interface, read_draft, read_json, run};
use crate::program::{Program, zerocat};
use crate::words::fill;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::path::Path;
use zerocat_testkit::netns::in_private_netns;

/// The rig of the demonstration with samples to this path.
fn rig_with_sink(interface: &str, path: &str) -> Value {
    let mut rig = demo_rig(interface);
    rig["tasks"][0]["sink"] = json!({ "jsonl": path });
    rig
}

fn fifo(folder: &Folder) -> String {
    let path = folder.path("fifo");
    nix::unistd::mkfifo(Path::new(&path), nix::sys::stat::Mode::S_IRWXU).unwrap();
    path
}

#[test]
fn files_that_cannot_be_written_are_named_before_the_link_is_opened() {
    let folder = Folder::new();
    // There is no such interface: what is wrong with the files is found first.
    let rig = folder.json("rig.json", &demo_rig("nowhere0"));
    let (unread, nowhere) = (fifo(&folder), "/nowhere/at/all");
    for option in ["--report", "--capture"] {
        for path in [nowhere, &unread, "/"] {
            zerocat(&["run", &rig, option, path]).with_code(3).saying(&[path]);
        }
        zerocat(&["run", &rig, option, &unread]).with_code(3).saying(&["a FIFO that nobody reads"]);
    }
    for path in [nowhere, &unread] {
        let rig = folder.json("sink.json", &rig_with_sink("nowhere0", path));
        zerocat(&["run", &rig]).with_code(3).saying(&["task `demo-inputs`", path]);
    }
    let report = folder.path("report.json");
    zerocat(&["run", &rig, "--capture", nowhere, "--report", &report]).with_code(3);
    let report = read_json(&report);
    assert_eq!((&report["outcome"]["exit_code"], &report["phase"]), (&json!(3), &json!("link")));
    assert_eq!((&report["link"]["interface"], &report["network"]), (&json!("nowhere0"), &Value::Null));
}

#[test]
fn a_report_is_written_where_the_link_or_the_bus_fails() {
    in_private_netns(|veth| {
        let folder = Folder::new();
        let report = folder.path("report.json");
        run(&demo_rig("nowhere0"), &["--report", &report]).with_code(4);
        let written = read_json(&report);
        assert_eq!((&written["outcome"]["exit_code"], &written["phase"]), (&json!(4), &json!("link")));
        let ended = run(&demo_rig(&veth.master), &["--report", &report, "--json"]).with_code(5);
        let written = read_json(&report);
        assert_eq!((&written["outcome"]["exit_code"], &written["phase"]), (&json!(5), &json!("listen")));
        assert_eq!(written["link"]["mode_got"], "native_copy");
        assert!(written["frames"]["acyclic_sent"].as_u64() > Some(0), "{written}");
        assert!(written["outcome"]["text"].as_str().unwrap().contains("no SubDevice answered"), "{written}");
        assert_eq!(ended.json(), written);
        follows_its_schema(&written);
    });
}

fn follows_its_schema(report: &Value) {
    let schema = zerocat(&["schema", "report"]).with_code(0).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<_> = validator.iter_errors(report).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_capture_that_fails_is_said_at_once_and_costs_the_run_nothing_else() {
    in_private_netns(|veth| {
        let segment = Segment::demo(veth);
        let folder = Folder::new();
        let (rig, report) = (folder.json("rig.json", &demo_rig(&veth.master)), folder.path("report.json"));
        let arguments = ["run", &rig, "--capture", "/dev/full", "--report", &report];
        let mut program = Program::start(&arguments);
        program.await_error("the run goes on without its capture");
        program.await_error("SubDevices in OP after");
        program.await_error("cycle ");
        let ended = program.stop(Signal::SIGINT).with_code(1).saying(&["write the capture after"]);
        assert!(ended.out.contains("working counter faults"), "{}", ended.out);
        let report = read_json(&report);
        assert!(report["cycles"]["done"].as_u64() > Some(0), "{report}");
        assert!(report["capture"]["failed"].as_str().unwrap().contains("write the capture"), "{report}");
        assert!(report["capture"]["missed"].as_u64() > Some(0), "{report}");
        assert_eq!(report["outcome"]["exit_code"], 1);
        assert!(interface(&veth.master)["xdp"].is_null());
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}

#[test]
fn a_report_that_a_full_disk_does_not_take_is_a_failure_and_the_summary_is_printed() {
    let ended = zerocat(&["demo", "--in-process", "--seconds", "0.3", "--report", "/dev/full"]).with_code(1);
    assert!(ended.out.contains("working counter faults"), "{}", ended.out);
    ended.saying(&["write /dev/full: "]);
}

#[test]
fn samples_that_nobody_reads_stop_neither_the_run_nor_its_end() {
    in_private_netns(|veth| {
        let segment = Segment::demo(veth);
        let folder = Folder::new();
        let mut rig = demo_rig(&veth.master);
        for task in 0..2 {
            rig["tasks"][task]["sink"] = json!({ "jsonl": "-" });
        }
        let (rig, report) = (folder.json("rig.json", &rig), folder.path("report.json"));
        in_some_attempts(|| {
            let (reader, writer) = std::io::pipe().unwrap();
            fill(&writer);
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_zerocat"));
            command.args(["run", &rig, "--seconds", "2", "--report", &report]);
            let ended = Program::start_with_output(command, writer.into(), "a run whose samples nobody reads").end();
            drop(reader);
            ended
        });
        let report = read_json(&report);
        let lost = |task: usize| report["tasks"][task]["batches_lost"].as_u64().unwrap();
        assert!(lost(0) > 0, "{report}");
        // What the tasks command goes on all the same.
        assert!(report["tasks"][1]["commands"].as_u64() > Some(0), "{report}");
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}

#[test]
fn a_draft_is_not_written_over_a_file_that_is_there() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let folder = Folder::new();
        let draft = folder.file("draft.json", "mine");
        let scan = ["scan", "--interface", &veth.master, "--draft", &draft];
        zerocat(&scan).with_code(3).saying(&[&draft, "--overwrite"]);
        assert_eq!(std::fs::read_to_string(&draft).unwrap(), "mine");
        in_some_attempts(|| zerocat(&[&scan[..], &["--overwrite"]].concat()));
        assert!(read_draft(&draft)["slaves"].is_array());
        zerocat(&["scan", "--interface", &veth.master, "--draft", "/nowhere/draft.json"]).with_code(3);
        let other = folder.path("other.json");
        zerocat(&["scan", "--interface", "nowhere0", "--draft", &other]).with_code(4);
        assert!(!Path::new(&other).exists());
    });
}

#[test]
fn an_option_that_was_split_names_those_that_do_its_work() {
    let folder = Folder::new();
    let rig = folder.json("rig.json", &demo_rig("nowhere0"));
    for arguments in [&["run", &rig, "--force"][..], &["scan", "--interface", "nowhere0", "--force"]] {
        zerocat(arguments).with_code(2).saying(&["--replace-program", "--take-bus"]);
    }
    for command in ["run", "scan"] {
        assert!(!zerocat(&[command, "--help"]).with_code(0).out.contains("--force"));
    }
}
