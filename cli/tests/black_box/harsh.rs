//! What a run goes through that nobody wished for: stopped processes, lost frames, interfaces that go, SubDevices that
//! fail. It ends in the way that is documented, and says what happened. Each case with either link.

use crate::bench_set::{Folder, demo_rig, interface, read_json, run};
use crate::program::{Ended, Program};
use crate::running::{Running, parse};
use crate::slow_line::SlowLine;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::time::Duration;
use zerocat_testkit::netns::{OtherNetns, Veth, cable_with_queues, in_private_netns, ip, second_cable};

const SUBDEVICES: [&str; 6] = ["coupler", "valves", "switches", "sensors", "setpoints", "axis"];
const NOBODY: &str = "no SubDevice answered";
/// Attempts at what a busy machine may spoil.
const ATTEMPTS: usize = 10;
/// How long after a fault a signal comes: sooner than anybody has noticed it.
const AT_ONCE: Duration = Duration::from_millis(30);

/// The rig of the demonstration over a link.
fn rig(interface: &str, link: &str) -> Value {
    let mut rig = demo_rig(interface);
    rig["engine"]["link"] = json!(link);
    rig["network"]["properties"]["rate"] = json!(200);
    rig
}

/// A run in OP on the segment of the demonstration, and the file that its report goes to.
struct Bench {
    sim: Running,
    program: Program,
    folder: Folder,
}

impl Bench {
    fn in_op(veth: &Veth, rig: &Value) -> Self {
        let (sim, folder) = (Running::at(veth, &[]), Folder::new());
        let program = in_op(&folder, rig);
        Self { sim, program, folder }
    }

    /// Ends the run, and gives how it ended, its report, and the AL states in bus order that it left.
    fn stop(self) -> (Ended, Value, Vec<String>) {
        let ended = self.program.stop(Signal::SIGTERM);
        (ended, read_json(self.folder.path("report.json")), states(&self.sim.served()))
    }
}

/// Starts a run that writes a report, and waits until it is in OP; in some attempts, because a segment that has no CPU for
/// long is one that doesn't answer.
fn in_op(folder: &Folder, rig: &Value) -> Program {
    let (file, report) = (folder.json("rig.json", rig), folder.path("report.json"));
    let start = || {
        let mut program = Program::start(&["run", &file, "--report", &report]);
        program.says_before_it_ends("SubDevices in OP after").then_some(program)
    };
    (0..ATTEMPTS).find_map(|_| start()).unwrap()
}

/// Runs a rig to its end, which is to come with these words; in some attempts, as above.
fn refused(rig: &Value, with: &str) -> Ended {
    let runs = (0..ATTEMPTS).map(|_| run(rig, &["--seconds", "1"]));
    let mut said = String::new();
    let mut runs = runs.map(|ended| ended.with_code(5));
    let wanted = runs.find(|ended| {
        said.push_str(&ended.err);
        ended.err.contains(with)
    });
    wanted.unwrap_or_else(|| panic!("`{with}` is not in:\n{said}"))
}

/// Does a case with either link, each in a network of its own.
fn over_either_link(case: impl Fn(&Veth, &str) + Sync) {
    for link in ["xdp", "packet"] {
        in_private_netns(|veth| case(veth, link));
    }
}

/// AL states in what a segment served.
fn states(served: &Value) -> Vec<String> {
    let all = served["subdevices"].as_array().unwrap();
    all.iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect()
}

/// Whether the last that a segment told of each SubDevice is that it is in a state, without an error.
fn all_in(said: &str, state: &str) -> bool {
    let whole = said.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let told: Vec<Value> = whole.map(parse).filter(|line| line["event"] == "state").collect();
    let is_in = |name: &&str| {
        told.iter()
            .rfind(|line| line["name"] == **name)
            .is_some_and(|line| line["state"] == state && line["error"] == false)
    };
    SUBDEVICES.iter().all(is_in)
}

#[test]
fn a_run_that_stood_still_says_so_and_brings_its_network_to_op_again() {
    over_either_link(|veth, link| {
        let mut rig = rig(&veth.master, link);
        rig["engine"]["watchdog"] = json!("500ms");
        let mut bench = Bench::in_op(veth, &rig);
        bench.program.signal(Signal::SIGSTOP);
        std::thread::sleep(Duration::from_millis(1500));
        bench.program.signal(Signal::SIGCONT);
        bench.program.await_error("the program stood still for");
        bench.program.await_error("s and is in OP again");
        bench.sim.program.await_output("all in OP", |said| all_in(said, "OP"));
        let (ended, report, states) = bench.stop();
        ended.with_code(0);
        let outages = report["outages"]["list"].as_array().unwrap();
        let cause = |outage: &&Value| outage["cause"].as_str().unwrap().starts_with("the program stood still for");
        let outage = outages.iter().find(cause).unwrap_or_else(|| panic!("{outages:?}"));
        assert_eq!((&outage["recovered"], states), (&json!(true), vec!["INIT".to_owned(); 6]));
    });
}

/// A slow line from a veth pair to a segment, with a rig whose period is shorter than a round trip over it can be made.
fn slow_line(veth: &Veth, link: &str) -> (Running, SlowLine, Value) {
    let far = second_cable();
    let line = SlowLine::between(&veth.peer, &far.master);
    let mut rig = rig(&veth.master, link);
    rig["network"]["properties"]["rate"] = json!(500);
    (Running::at(&far, &[]), line, rig)
}

/// Longer than the period of that rig.
const TOO_LONG: Duration = Duration::from_millis(4);

#[test]
fn a_round_trip_longer_than_the_period_ends_bring_up_and_is_named() {
    over_either_link(|veth, link| {
        let (sim, line, rig) = slow_line(veth, link);
        line.delay(TOO_LONG);
        let ended = refused(&rig, "frames come back, but later than");
        ended.saying(&["the round trip is too long for this period"]);
        assert_eq!(states(&sim.served()), ["INIT"; 6]);
    });
}

#[test]
fn a_round_trip_that_becomes_longer_than_the_period_does_not_keep_a_run_from_ending_in_init() {
    over_either_link(|veth, link| {
        let (mut sim, line, rig) = slow_line(veth, link);
        let folder = Folder::new();
        let program = in_op(&folder, &rig);
        line.delay(TOO_LONG);
        std::thread::sleep(Duration::from_millis(300));
        let ended = program.stop(Signal::SIGTERM);
        assert!(matches!(ended.code, Some(0 | 1)), "{ended:?}");
        // A segment that had no CPU for long answered nobody, and so wasn't shut down.
        if !ended.err.contains(NOBODY) {
            sim.program.await_output("all in INIT", |said| all_in(said, "INIT"));
        }
    });
}

#[test]
fn answers_that_become_later_than_a_cycle_waits_are_said_in_words_and_so_is_that_they_are_in_time_again() {
    over_either_link(|veth, link| {
        let (_sim, line, mut rig) = slow_line(veth, link);
        rig["engine"]["watchdog"] = json!("2s");
        let folder = Folder::new();
        let mut program = in_op(&folder, &rig);
        line.delay(TOO_LONG);
        program.await_error("the period is too short for this network, lower the rate");
        line.delay(Duration::ZERO);
        program.await_error("answers are in time again, after");
        let ended = program.stop(Signal::SIGTERM);
        let late = read_json(folder.path("report.json"))["late"].clone();
        assert!(late["count"].as_u64().unwrap() >= 1 && late["most_cycles"].as_u64().unwrap() >= 1, "{late}");
        assert!(ended.out.contains("late      answers came up to"), "{}", ended.out);
    });
}

/// Cuts a network off in OP and stops the run at once.
fn ends_after(command: &str) {
    over_either_link(|veth, link| {
        let mut bench = Bench::in_op(veth, &rig(&veth.master, link));
        bench.sim.done(command);
        std::thread::sleep(AT_ONCE);
        bench.program.stop(Signal::SIGTERM).with_code(1).saying(&["the shutdown failed", NOBODY]);
        assert!(interface(&veth.master)["xdp"].is_null(), "{command}");
    });
}

#[test]
fn a_run_that_is_stopped_right_after_its_frames_were_lost_ends_and_says_that_nobody_answered() {
    ends_after("drop every 1");
}

#[test]
fn a_run_that_is_stopped_right_after_its_cable_was_pulled_ends_and_says_that_nobody_answered() {
    ends_after("pull 0");
}

#[test]
fn a_run_that_is_stopped_right_after_its_interface_was_set_down_ends_and_takes_its_program_off() {
    over_either_link(|veth, link| {
        let bench = Bench::in_op(veth, &rig(&veth.master, link));
        ip(&format!("link set {} down", veth.master));
        std::thread::sleep(AT_ONCE);
        bench.program.stop(Signal::SIGTERM).with_code(1).saying(&["the shutdown failed"]);
        assert!(interface(&veth.master)["xdp"].is_null());
    });
}

/// Takes the interface away from a run: it ends by itself, and also where a signal comes before it has noticed.
fn ends_without_its_interface(take: impl Fn(&Veth) + Sync) {
    const SENTENCE: &str = "the interface zc-master was removed, or moved to another network namespace";
    over_either_link(|veth, link| {
        let bench = Bench::in_op(veth, &rig(&veth.master, link));
        take(veth);
        bench.program.end().with_code(4).saying(&[SENTENCE]);
        let report = read_json(bench.folder.path("report.json"));
        assert_eq!(report["outcome"]["exit_code"], 4, "{report}");
    });
    over_either_link(|veth, link| {
        let bench = Bench::in_op(veth, &rig(&veth.master, link));
        take(veth);
        std::thread::sleep(AT_ONCE);
        let ended = bench.program.stop(Signal::SIGTERM);
        assert!(matches!(ended.code, Some(1 | 4)), "{ended:?}");
    });
}

#[test]
fn a_run_whose_interface_is_removed_ends_by_itself_and_says_so() {
    ends_without_its_interface(|veth| ip(&format!("link del {}", veth.master)));
}

#[test]
fn a_run_whose_interface_is_moved_to_another_namespace_ends_by_itself_and_says_so() {
    let elsewhere = std::sync::Mutex::new(Vec::new());
    ends_without_its_interface(|veth| {
        let other = OtherNetns::new();
        other.take(&veth.master);
        elsewhere.lock().unwrap().push(other);
    });
}

#[test]
fn a_subdevice_that_leaves_op_is_told_by_key_state_and_code_in_words() {
    const TOLD: &str =
        "SubDevice 5 (ZC-SERVO) `axis` left OP: it is in SAFE-OP + ERROR, 0x0023: SubDevice needs SAFE-OP";
    over_either_link(|veth, link| {
        let mut bench = Bench::in_op(veth, &rig(&veth.master, link));
        bench.sim.done("al-error axis 0x0023 SAFE-OP");
        bench.program.await_error(TOLD);
        let (ended, report, _) = bench.stop();
        let ended = ended.with_code(8).saying(&["not in OP at the end", TOLD]);
        assert!(ended.out.contains(&format!("not in OP {TOLD}")), "{}", ended.out);
        let out = &report["out_of_op"][0];
        assert_eq!(
            (&out["key"], &out["state"], &out["code"]),
            (&json!("axis"), &json!("SAFE-OP + ERROR"), &json!(0x23))
        );
        assert_eq!((&report["left_op"], &report["outages"]["count"]), (&json!(1), &json!(0)));
    });
}

#[test]
fn a_subdevice_with_an_error_that_stays_in_op_is_told_to_be_in_op() {
    const TOLD: &str = "SubDevice 5 (ZC-SERVO) `axis` is in OP with an error: 0x0023: SubDevice needs SAFE-OP";
    over_either_link(|veth, link| {
        let mut bench = Bench::in_op(veth, &rig(&veth.master, link));
        bench.sim.done("al-error axis 0x0023");
        bench.program.await_error(TOLD);
        let (ended, report, _) = bench.stop();
        let ended = ended.with_code(8).saying(&["with an error at the end", TOLD]);
        assert!(ended.out.contains(&format!("error     {TOLD}")), "{}", ended.out);
        assert_eq!(report["outcome"]["name"], "subdevice_error_in_op", "{report}");
    });
}

#[test]
fn subdevices_that_were_parted_from_the_others_for_a_moment_were_not_restarted() {
    const BRANCH: &str = "the 2 SubDevices behind port ";
    const AGAIN: &str =
        "SubDevice 5 (ZC-SERVO) `axis` answers again, in SAFE-OP + ERROR, 0x001b: Sync manager watchdog";
    over_either_link(|veth, link| {
        let mut rig = rig(&veth.master, link);
        rig["engine"]["watchdog"] = json!("100ms");
        let mut bench = Bench::in_op(veth, &rig);
        bench.sim.done("pull 4");
        bench.program.await_error("SubDevice 5 (ZC-SERVO) `axis` doesn't answer");
        bench.program.await_error(BRANCH);
        bench.sim.done("plug 4");
        bench.program.await_error(AGAIN);
        let (ended, report, _) = bench.stop();
        let ended = ended.with_code(8);
        assert_eq!(ended.err.matches(BRANCH).count(), 1, "{}", ended.err);
        assert!(report["faults"]["subdevice_restarted"].is_null(), "{report}");
    });
}

#[test]
fn a_subdevice_that_was_switched_off_and_on_is_told_to_be_silent_and_then_to_be_in_init() {
    const AGAIN: &str =
        "SubDevice 5 (ZC-SERVO) `axis` was restarted, it has lost its station address: it is in INIT: this version";
    over_either_link(|veth, link| {
        let mut bench = Bench::in_op(veth, &rig(&veth.master, link));
        bench.sim.done("power off axis");
        bench.program.await_error("SubDevice 5 (ZC-SERVO) `axis` doesn't answer");
        bench.sim.done("power on axis");
        bench.program.await_error(AGAIN);
        let (ended, report, states) = bench.stop();
        ended.with_code(8).saying(&["not in OP at the end", AGAIN]);
        assert_eq!((&report["out_of_op"][0]["state"], &report["left_op"]), (&json!("INIT"), &json!(1)), "{report}");
        assert_eq!(states, ["INIT"; 6]);
    });
}

#[test]
fn a_run_that_ends_while_another_main_device_drives_the_bus_that_it_lost_leaves_it_alone() {
    const TAKEN: &str = "another MainDevice drives this bus";
    over_either_link(|veth, link| {
        let (second, down) = (second_cable(), cable_with_queues("zc-down", "zc-far", 1));
        ip("link add zc-switch type bridge");
        for port in [&veth.peer, &second.peer, &down.master] {
            ip(&format!("link set {port} master zc-switch"));
        }
        ip("link set zc-switch up");
        let bench = Bench::in_op(&Veth { peer: down.peer, ..veth.clone() }, &rig(&veth.master, link));
        let Bench { mut program, sim, .. } = bench;
        ip(&format!("link set {} down", veth.peer));
        program.await_error("the network is lost");
        let folder = Folder::new();
        let mut rig_of_second = rig(&second.master, link);
        // Longer than a busy machine holds a process up: a bus whose MainDevice is in an outage isn't driven.
        rig_of_second["engine"]["watchdog"] = json!("5s");
        let taker = in_op(&folder, &rig_of_second);
        ip(&format!("link set {} up", veth.peer));
        program.await_error(TAKEN);
        program.stop(Signal::SIGINT).with_code(1).saying(&["the shutdown failed", TAKEN]);
        taker.stop(Signal::SIGTERM).with_code(0);
        let report = read_json(folder.path("report.json"));
        assert_eq!((&report["outages"]["count"], &report["left_op"]), (&json!(0), &json!(0)), "{report}");
        assert_eq!(states(&sim.served()), ["INIT"; 6]);
    });
}

#[test]
fn a_bus_that_another_main_device_drives_is_refused_and_the_other_runs_on() {
    over_either_link(|veth, link| {
        // Two MainDevices and a segment at a switch.
        let (second, down) = (second_cable(), cable_with_queues("zc-down", "zc-far", 1));
        ip("link add zc-switch type bridge");
        for port in [&veth.peer, &second.peer, &down.master] {
            ip(&format!("link set {port} master zc-switch"));
        }
        ip("link set zc-switch up");
        let mut rig_of_first = rig(&veth.master, link);
        // Longer than a busy machine holds a process up: a bus whose MainDevice is in an outage isn't driven.
        rig_of_first["engine"]["watchdog"] = json!("5s");
        let mut bench = Bench::in_op(&Veth { peer: down.peer, ..veth.clone() }, &rig_of_first);
        bench.sim.program.await_output("all in OP", |said| all_in(said, "OP"));
        for link in ["xdp", "packet"] {
            let ended = refused(&rig(&second.master, link), "another MainDevice drives this bus");
            ended.saying(&["somebody writes its outputs", "--take-bus"]);
        }
        let (ended, report, states) = bench.stop();
        ended.with_code(0);
        assert_eq!(report["outages"]["count"], 0, "{report}");
        assert_eq!((&report["working_counter_faults"], states), (&json!(0), vec!["INIT".to_owned(); 6]), "{report}");
    });
}
