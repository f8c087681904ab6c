//! A network that is lost for longer than its watchdogs comes back to OP in the same process.

use crate::bench_set::{Folder, Segment, demo_rig, in_op, interface, read_json};
use crate::program::Program;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use zerocat_sim::SegmentConfig;
use zerocat_testkit::netns::{Veth, in_private_netns, ip};
use zerocat_xdp::{AttachedProgram, Mode, Reflector};

const LOST: &str = "the network is lost: outputs are safe, waiting for it";
const NOT_YET: &str = "the network isn't back yet: ";
const AGAIN: &str = "s and is in OP again";

/// A rig whose samples go to standard output and whose watchdogs expire soon.
fn rig(interface: &str, link: &str) -> Value {
    let mut rig = demo_rig(interface);
    rig["engine"]["watchdog"] = json!("200ms");
    rig["engine"]["link"] = json!(link);
    for task in rig["tasks"].as_array_mut().unwrap() {
        task.as_object_mut().unwrap().remove("sink");
    }
    rig["tasks"][0]["sink"] = json!({ "jsonl": "-" });
    rig
}

fn await_samples(program: &mut Program) {
    program.await_line("a sample", |line| line.contains("\"index\""));
}

/// The segment of the demonstration, and a run over AF_XDP that is in OP on it. The folder holds its files.
fn demo_in_op(veth: &Veth) -> (Segment, Program, Folder) {
    let (segment, folder) = (Segment::demo(veth), Folder::new());
    let program = in_op(&folder, &rig(&veth.master, "xdp"), &[]);
    (segment, program, folder)
}

/// Takes `end` of the cable down and up while a run is in OP, and checks that it ends in order, in OP before.
fn comes_back_after(link: &str, end: impl Fn(&Veth) -> &str + Sync) {
    in_private_netns(|veth| {
        let segment = Segment::demo(veth);
        let before = interface(&veth.master);
        let folder = Folder::new();
        let report = folder.path("report.json");
        let mut program = in_op(&folder, &rig(&veth.master, link), &["--report", &report]);
        await_samples(&mut program);
        ip(&format!("link set {} down", end(veth)));
        program.await_error(LOST);
        ip(&format!("link set {} up", end(veth)));
        program.await_error(AGAIN);
        await_samples(&mut program);
        program.stop(Signal::SIGINT).with_code(0);
        assert_eq!(interface(&veth.master)["xdp"], before["xdp"]);
        let report = read_json(&report);
        assert_eq!((&report["outages"]["count"], &report["outages"]["recovered"]), (&json!(1), &json!(1)));
        assert!(report["outages"]["longest_ms"].as_f64().unwrap() > 0.0, "{report}");
        assert_eq!(report["rt"]["allocations"], json!(0));
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}

#[test]
fn a_cable_pulled_at_the_segment_and_put_back_ends_in_op_over_af_xdp() {
    comes_back_after("xdp", |veth| &veth.peer);
}

#[test]
fn a_cable_pulled_at_the_segment_and_put_back_ends_in_op_over_af_packet() {
    comes_back_after("packet", |veth| &veth.peer);
}

#[test]
fn an_interface_set_down_and_up_ends_in_op() {
    comes_back_after("xdp", |veth| &veth.master);
}

/// Takes the XDP program off an interface, as `bpftool link detach` does.
fn detach(interface: &str) {
    AttachedProgram::of_interface(interface).unwrap().unwrap().take_off().unwrap();
}

#[test]
fn a_program_that_somebody_detaches_is_attached_again_and_the_run_ends_in_op() {
    for mode in ["generic", "native_copy"] {
        in_private_netns(|veth| {
            let (segment, folder) = (Segment::demo(veth), Folder::new());
            let mut rig = rig(&veth.master, "xdp");
            rig["engine"]["mode"] = json!(mode);
            let report = folder.path("report.json");
            let mut program = in_op(&folder, &rig, &["--report", &report]);
            await_samples(&mut program);
            let before = interface(&veth.master)["xdp"].clone();
            for time in 1..=2 {
                detach(&veth.master);
                for said in ["somebody detached the XDP program", "the XDP program is attached again", AGAIN] {
                    program.await_errors(said, time);
                }
            }
            await_samples(&mut program);
            assert_eq!(interface(&veth.master)["xdp"]["mode"], before["mode"], "{mode}");
            program.stop(Signal::SIGINT).with_code(0);
            assert!(interface(&veth.master)["xdp"].is_null());
            let report = read_json(&report);
            let causes = report["outages"]["list"].as_array().unwrap().iter();
            let detached = causes.filter(|outage| outage["cause"].as_str().unwrap().contains("detached"));
            assert_eq!(detached.count(), 2, "{report}");
            assert_eq!(segment.end().states(), ["INIT"; 6]);
        });
    }
}

#[test]
fn a_program_that_somebody_puts_in_place_of_ours_is_said_and_left_there_and_ours_comes_back_behind_it() {
    in_private_netns(|veth| {
        let (segment, mut program, _folder) = demo_in_op(veth);
        detach(&veth.master);
        let stranger = Reflector::attach(&veth.master, Mode::Generic).unwrap();
        program.await_error("somebody put another XDP program on zc-master");
        drop(stranger);
        program.await_error(AGAIN);
        program.stop(Signal::SIGINT).with_code(0);
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}

#[test]
fn a_segment_that_was_switched_off_and_on_ends_in_op() {
    in_private_netns(|veth| {
        let (segment, mut program, _folder) = demo_in_op(veth);
        segment.end();
        // The carrier stays: only the frames don't come back.
        program.await_error(LOST);
        program.await_error(NOT_YET);
        let segment = Segment::demo(veth);
        program.await_error(AGAIN);
        await_samples(&mut program);
        let ended = program.stop(Signal::SIGINT).with_code(0);
        let not_yet: Vec<_> = ended.err.lines().filter(|line| line.contains(NOT_YET)).collect();
        assert!(not_yet.len() == 1 && not_yet[0].contains("WARN"), "why it waits is told once: {}", ended.err);
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}

#[test]
fn another_network_than_before_is_said_and_not_driven() {
    in_private_netns(|veth| {
        let (segment, mut program, _folder) = demo_in_op(veth);
        segment.end();
        program.await_error(LOST);
        let mut doubled = SegmentConfig::demo();
        let last = doubled.subdevices.last().unwrap().clone();
        doubled.subdevices.push(last);
        let other = Segment::of(veth, &doubled);
        program.await_error("the network that came back is another");
        assert!(program.is_running());
        let ended = program.stop(Signal::SIGINT);
        assert!(!ended.err.contains(AGAIN), "{}", ended.err);
        assert!(!other.end().states().contains(&"OP"));
    });
}

#[test]
fn a_run_that_is_stopped_while_its_network_is_lost_says_so_and_takes_its_program_off() {
    in_private_netns(|veth| {
        let (segment, folder) = (Segment::demo(veth), Folder::new());
        let report = folder.path("report.json");
        let mut program = in_op(&folder, &rig(&veth.master, "xdp"), &["--report", &report]);
        ip("link set zc-peer down");
        program.await_error(LOST);
        program.stop(Signal::SIGINT).with_code(1).saying(&["the shutdown failed"]);
        let outcome = &read_json(&report)["outcome"];
        assert_eq!((&outcome["name"], &outcome["category"]), (&json!("shutdown_unanswered"), &json!("network")));
        ip("link set zc-peer up");
        assert!(interface(&veth.master)["xdp"].is_null());
        drop(segment);
    });
}
