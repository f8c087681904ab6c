//! Signals: those that stop a command do so in order at any time, and the others end nothing.

use crate::bench_set::{Folder, Segment, demo_rig, in_op, in_some_attempts, interface, read_json, run};
use crate::program::Program;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use std::process::{Command, Stdio};
use std::time::Duration;
use zerocat_testkit::netns::in_private_netns;

/// First realtime signal that a program may use.
const FIRST_REALTIME: i32 = 34;

/// Waits until a program has taken a signal over.
pub(crate) fn await_handler(program: &mut Program, signal: i32) {
    program.await_so("a handler of the signal", |program| {
        let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0").trim();
        u64::from_str_radix(mask, 16).unwrap() >> (signal - 1) & 1 == 1
    });
}

#[test]
fn a_run_that_is_stopped_at_any_time_before_op_ends_with_0_and_writes_how_far_it_came() {
    in_private_netns(|veth| {
        let segment = Segment::demo(veth);
        let folder = Folder::new();
        let rig = folder.json("rig.json", &demo_rig(&veth.master));
        for (wait, signal) in
            [0, 10, 50, 100, 200, 400].into_iter().zip([Signal::SIGTERM, Signal::SIGHUP].iter().cycle())
        {
            let report = folder.path("report.json");
            let mut program = Program::start(&["run", &rig, "--report", &report]);
            await_handler(&mut program, *signal as i32);
            std::thread::sleep(Duration::from_millis(wait));
            let ended = program.stop(*signal).with_code(0);
            let report = read_json(&report);
            assert_eq!(report["outcome"]["exit_code"], 0, "{report}");
            let text = report["outcome"]["text"].as_str().unwrap();
            if report["time_to_op_ms"].is_null() {
                assert_eq!(text, format!("stopped by {signal} before OP"));
                ended.saying(&[&format!("stopped by {signal} before OP: ")]);
                assert_ne!(report["phase"], "running");
            } else {
                assert_eq!((text, &report["phase"]), (format!("stopped by {signal}").as_str(), &json!("running")));
            }
        }
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}

#[test]
fn signals_that_mean_nothing_to_a_run_end_nothing_and_one_asks_for_a_status_line() {
    in_private_netns(|veth| {
        let segment = Segment::demo(veth);
        let folder = Folder::new();
        let report = folder.path("report.json");
        let rig = folder.json("rig.json", &demo_rig(&veth.master));
        let mut program = Program::start(&["run", &rig, "--quiet", "--report", &report]);
        await_handler(&mut program, FIRST_REALTIME);
        // While it comes up, and in OP.
        for _ in 0..2 {
            let named =
                ["USR2", "ALRM", "VTALRM", "PROF", "IO", "PWR", "STKFLT", "WINCH", "XFSZ", "PIPE", "URG", "CHLD"];
            for name in named.into_iter().chain(["34", "64"]) {
                let id = program.id().to_string();
                assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success(), "{name}");
            }
            program.signal(Signal::SIGUSR1);
            program.await_error("status: ");
            std::thread::sleep(Duration::from_secs(2));
            assert!(program.is_running());
        }
        program.stop(Signal::SIGQUIT).with_code(0);
        assert_eq!(read_json(&report)["outcome"]["text"], "stopped by SIGQUIT");
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}

#[test]
fn a_status_line_tells_the_phase_and_in_op_the_figures() {
    in_private_netns(|veth| {
        let mut segment = Segment::demo(veth);
        // Its mailbox doesn't answer, so what it maps takes long to read.
        segment.command("freeze axis");
        let folder = Folder::new();
        let mut program = Program::start(&["run", &folder.json("rig.json", &demo_rig(&veth.master))]);
        program.await_error("reading process data maps");
        program.signal(Signal::SIGUSR1);
        program.await_error("status: reading process data maps");
        program.stop(Signal::SIGTERM).with_code(0).saying(&["before OP: "]);
        segment.command("thaw axis");
        let mut program = in_op(&folder, &demo_rig(&veth.master), &[]);
        program.await_error("cycle ");
        program.signal(Signal::SIGUSR1);
        program.await_error("status: in OP | cycle ");
        program.stop(Signal::SIGTERM).with_code(0);
    });
}

#[test]
fn a_scan_that_a_signal_ends_has_no_result_and_says_which_command_it_was() {
    in_private_netns(|veth| {
        let (mut segment, folder) = (Segment::demo(veth), Folder::new());
        // Its mailbox doesn't answer, so what it maps takes long to read.
        segment.command("freeze axis");
        let draft = folder.path("rig.yaml");
        for command in [&["scan"][..], &["init", &draft]] {
            let mut program = Program::start(&[command, &["--interface", &veth.master, "-v"]].concat());
            program.await_error("identified");
            let said = format!("zerocat: {} {}: stopped before it was done", command[0], veth.master);
            program.stop(Signal::SIGINT).with_code(1).saying(&[&said]);
        }
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}

#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    in_private_netns(|veth| {
        let zerocat = env!("CARGO_BIN_EXE_zerocat");
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("trap '' HUP QUIT USR1; exec {zerocat} sim --interface {}", veth.peer)]);
        let mut sim = Program::start_command(shell, "a simulator that ignores signals");
        sim.await_error("serving");
        for signal in [Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGUSR1] {
            sim.signal(signal);
        }
        std::thread::sleep(Duration::from_millis(500));
        assert!(sim.is_running());
        sim.stop(Signal::SIGTERM).with_code(0);
    });
}

#[test]
fn a_simulator_stops_in_order_for_each_of_the_signals_that_ask_for_it() {
    in_private_netns(|veth| {
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT] {
            let mut sim = Program::start(&["sim", "--interface", &veth.peer, "--json"]);
            sim.await_error("serving");
            sim.signal(Signal::SIGUSR1);
            sim.await_error("frames | ");
            let ended = sim.stop(signal).with_code(0);
            assert!(ended.out.lines().last().unwrap_or_default().contains("zerocat-served/1"), "{}", ended.out);
        }
    });
}

#[test]
fn a_second_signal_ends_a_command_that_waits_for_a_reader() {
    let (reader, writer) = std::io::pipe().unwrap();
    // More than a pipe holds.
    let mut command = Command::new(env!("CARGO_BIN_EXE_zerocat"));
    command.args(["sim", "--mixed", "1000", "--print-config"]);
    let mut program = Program::start_with_output(command, Stdio::from(writer), "a segment file that nobody reads");
    await_handler(&mut program, Signal::SIGINT as i32);
    program.signal(Signal::SIGINT);
    std::thread::sleep(Duration::from_millis(300));
    assert!(program.is_running());
    // Others than these two don't insist.
    program.signal(Signal::SIGHUP);
    program.signal(Signal::SIGHUP);
    std::thread::sleep(Duration::from_millis(300));
    assert!(program.is_running());
    program.stop(Signal::SIGTERM).with_code(1);
    drop(reader);
}

#[test]
fn a_command_that_leaves_nothing_behind_is_ended_at_once() {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = Command::new("sh");
    let zerocat = env!("CARGO_BIN_EXE_zerocat");
    command.args(["-c", &format!("yes | head -c 60000; exec {zerocat} schema rig")]);
    let mut program = Program::start_with_output(command, Stdio::from(writer), "a schema that nobody reads");
    program.await_so("zerocat instead of the shell", |program| {
        std::fs::read_to_string(format!("/proc/{}/comm", program.id())).is_ok_and(|name| name.trim() == "zerocat")
    });
    await_handler(&mut program, Signal::SIGTERM as i32);
    kill(Pid::from_raw(program.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    let ended = program.end();
    assert_eq!((ended.code, ended.signal), (None, Some(Signal::SIGTERM as i32)));
    drop(reader);
}

#[test]
fn an_audit_that_is_stopped_leaves_its_bus_in_order() {
    in_private_netns(|veth| {
        let ends = ["--interface", &veth.master, "--segment", &veth.peer];
        let rest = ["--cycles", "100000000", "--rate", "200", "--links", "xdp", "--waits", "sleep"];
        let mut audit = Program::start(&[&["bench", "audit"], &ends[..], &rest].concat());
        audit.await_so("an XDP program", |_| !interface(&veth.master)["xdp"].is_null());
        audit.stop(Signal::SIGTERM).with_code(1).saying(&["stopped on request"]);
        assert!(interface(&veth.master)["xdp"].is_null());
    });
}

#[test]
fn a_bench_that_is_stopped_says_so_and_gives_no_figures() {
    for arguments in [&["bench", "segment", "--cycles", "100000000"][..], &["bench", "wakeup", "--seconds", "1000"]] {
        let mut bench = Program::start(arguments);
        bench.await_so("a thread that measures", |bench| {
            let threads = std::fs::read_dir(format!("/proc/{}/task", bench.id())).unwrap();
            let names = threads.filter_map(|thread| std::fs::read_to_string(thread.unwrap().path().join("comm")).ok());
            names.into_iter().any(|name| name.trim() == "zc-measure")
        });
        let ended = bench.stop(Signal::SIGTERM).with_code(1).saying(&["stopped by SIGTERM before it was done"]);
        assert_eq!(ended.out, "");
    }
}

#[test]
fn a_segment_whose_events_nobody_reads_is_served_and_ends() {
    in_private_netns(|veth| {
        let (reader, writer) = std::io::pipe().unwrap();
        // The pipe is full before the first event.
        let mut command = Command::new("sh");
        let zerocat = env!("CARGO_BIN_EXE_zerocat");
        let fill = "dd if=/dev/zero oflag=nonblock bs=4096 count=16 2> /dev/null";
        command.args(["-c", &format!("{fill}; exec {zerocat} sim --json --interface {}", veth.peer)]);
        let sim = Program::start_with_output(command, Stdio::from(writer), "a segment whose events nobody reads");
        in_some_attempts(|| run(&demo_rig(&veth.master), &["--seconds", "0.3"]));
        sim.stop(Signal::SIGTERM).with_code(1).saying(&["standard output: nobody reads it"]);
        drop(reader);
    });
}
