//! How a run ends: in order on a signal, and without any order when it is killed.

use crate::bench_set::{Folder, Segment, demo_rig, in_op, interface, read_json, run};
use crate::program::Program;
use nix::sys::signal::Signal;
use serde_json::json;
use std::time::Duration;
use zerocat_testkit::netns::{Veth, in_private_netns, ip};

#[test]
fn sigint_ends_a_run_in_order() {
    in_private_netns(|veth| assert_ends_in_order(veth, Signal::SIGINT));
}

#[test]
fn sigterm_ends_a_run_in_order() {
    in_private_netns(|veth| assert_ends_in_order(veth, Signal::SIGTERM));
}

fn assert_ends_in_order(veth: &Veth, signal: Signal) {
    let segment = Segment::demo(veth);
    let before = interface(&veth.master);
    let folder = Folder::new();
    let program = in_op(&folder, &demo_rig(&veth.master), &[]);
    let during = interface(&veth.master);
    assert!(during["xdp"]["prog"]["id"].is_u64(), "an XDP program while it runs: {during}");
    let ended = program.stop(signal).with_code(0);
    assert!(!ended.err.contains("outage"), "{}", ended.err);
    assert_eq!(interface(&veth.master), before);
    let served = segment.end();
    assert_eq!(served.states(), ["INIT"; 6]);
    for subdevice in served.0["subdevices"].as_array().unwrap() {
        assert_eq!((&subdevice["error"], &subdevice["watchdog_expiries"]), (&json!(false), &json!(0)), "{subdevice}");
    }
}

#[test]
fn a_signal_before_op_ends_the_attempt_and_takes_the_program_off() {
    in_private_netns(|veth| {
        let before = interface(&veth.master);
        let folder = Folder::new();
        let file = folder.json("rig.json", &demo_rig(&veth.master));
        // Nobody is at the other end, so it is looking for SubDevices when the signal comes.
        let mut program = Program::start(&["run", &file]);
        program.await_error("listening whether somebody drives the bus");
        program.stop(Signal::SIGINT).with_code(0);
        assert_eq!(interface(&veth.master), before);
    });
}

#[test]
fn a_signal_while_a_carrier_is_waited_for_ends_the_wait_and_nothing_is_sent() {
    in_private_netns(|veth| {
        let before = interface(&veth.master);
        let folder = Folder::new();
        let (file, report) = (folder.json("rig.json", &demo_rig(&veth.master)), folder.path("report.json"));
        ip(&format!("link set {} down", veth.peer));
        let mut program = Program::start(&["run", &file, "--report", &report]);
        program.await_error("waiting for the carrier");
        program.signal(Signal::SIGSTOP);
        std::thread::sleep(Duration::from_millis(500));
        program.signal(Signal::SIGCONT);
        program.await_error("by a signal (SIGSTOP, or Ctrl-Z), and continued");
        let ended =
            program.stop(Signal::SIGINT).with_code(0).saying(&["stopped by SIGINT before OP: opening the link"]);
        assert!(!ended.err.contains("listening"), "{}", ended.err);
        assert_eq!(read_json(&report)["outcome"]["exit_code"], 0);
        ip(&format!("link set {} up", veth.peer));
        assert_eq!(interface(&veth.master)["xdp"], before["xdp"]);
    });
}

#[test]
fn a_killed_run_leaves_no_program_and_the_watchdogs_take_the_outputs_over() {
    in_private_netns(|veth| {
        let segment = Segment::demo(veth);
        let before = interface(&veth.master);
        let mut rig = demo_rig(&veth.master);
        rig["engine"]["watchdog"] = json!("100ms");
        let folder = Folder::new();
        let ended = in_op(&folder, &rig, &[]).stop(Signal::SIGKILL);
        assert_eq!((ended.code, ended.signal), (None, Some(9)));
        assert_eq!(interface(&veth.master), before);
        // Ten times the watchdog.
        std::thread::sleep(Duration::from_secs(1));
        let served = segment.end();
        let axis = served.subdevice("axis");
        assert!(axis["watchdog_expiries"].as_u64() > Some(0), "{axis}");
        assert_eq!((&axis["state"], &axis["error"]), (&json!("SAFE-OP"), &json!(true)), "{axis}");
        assert_eq!(axis["code_text"], "Sync manager watchdog", "{axis}");
        assert!(served.subdevice("valves")["watchdog_expiries"].as_u64() > Some(0), "{}", served.0);
    });
}

#[test]
fn a_bus_that_a_killed_run_left_comes_up_again() {
    in_private_netns(|veth| {
        let segment = Segment::demo(veth);
        let mut rig = demo_rig(&veth.master);
        rig["engine"]["watchdog"] = json!("100ms");
        let folder = Folder::new();
        in_op(&folder, &rig, &[]).stop(Signal::SIGKILL);
        // Twice: at once, with frames and states as they were, and after the watchdogs have expired.
        run(&demo_rig(&veth.master), &["--seconds", "0.3"]).with_code(0);
        in_op(&folder, &rig, &[]).stop(Signal::SIGKILL);
        std::thread::sleep(Duration::from_millis(500));
        run(&demo_rig(&veth.master), &["--seconds", "0.3"]).with_code(0);
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}
