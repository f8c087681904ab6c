//! `zerocat sim` while it runs: commands on standard input and from a script, what a MainDevice notices of them, JSON
//! lines, UNIX datagram sockets.
//!
//! Tests with a network make a namespace of their own; they need root and iproute2, and fail without.

#![allow(clippy::unwrap_used, reason = "a test fails there")]

#[allow(dead_code, reason = "made for another suite, which uses all of it")]
#[path = "black_box/program.rs"]
mod program;

use nix::sys::signal::Signal;
use program::{PATIENCE, Program, zerocat};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Instant;
use zerocat_link::datagram::DatagramLink;
use zerocat_link::testing::{Veth, in_private_netns};
use zerocat_link::{Link, Sizing, Slot};
use zerocat_sim::SegmentConfig;

/// A path that nothing else uses; what is there at the end is removed.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("zerocat-sim-commands-{}-{name}", std::process::id())))
    }

    fn with(name: &str, text: &str) -> Self {
        let place = Self::new(name);
        std::fs::write(&place.0, text).unwrap();
        place
    }

    fn text(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A segment with events on standard output.
fn sim(veth: &Veth, options: &[&str]) -> Program {
    let mut program = Program::start(&[&["sim", "--interface", &veth.peer, "--json"], options].concat());
    program.await_error("serving");
    program
}

fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// Gives a command and waits until it is told what became of it.
fn command(program: &mut Program, input: &mut program::Input, text: &str) {
    let so_far = Instant::now();
    input.line(text);
    program.await_line(&format!("event of `{text}`"), |line| parse(line)["command"] == text);
    assert!(so_far.elapsed() < PATIENCE);
}

/// Serial numbers of who is on the bus; those of the demo's segment are 1001 to 1006.
fn scan(veth: &Veth) -> Vec<u64> {
    let found = zerocat(&["scan", "--interface", &veth.master, "--json", "--basic"]).with_code(0).json();
    let all = found["subdevices"].as_array().unwrap();
    all.iter().map(|one| one["serial"].as_u64().unwrap()).collect()
}

#[test]
fn a_cable_is_pulled_by_a_script_and_put_back_from_standard_input() {
    in_private_netns(|veth| {
        let script = Place::with("pull", "# before anybody looks\npull sensors\n");
        let mut program = sim(veth, &["--script", script.text()]);
        assert_eq!(scan(veth), [1001, 1002, 1003]);
        let mut input = program.input();
        command(&mut program, &mut input, "plug sensors");
        assert_eq!(scan(veth).len(), 6);
        command(&mut program, &mut input, "power off 2");
        assert_eq!(scan(veth), [1001, 1002]);
        command(&mut program, &mut input, "power on switches");
        assert_eq!(scan(veth).len(), 6);
        input.line("quit");
        let ended = program.end().with_code(0);
        let first = parse(ended.out.lines().nth(1).unwrap());
        assert_eq!(
            (&first["event"], &first["script_line"], &first["command"]),
            (&json!("command"), &json!(2), &json!("pull sensors"))
        );
    });
}

#[test]
fn frames_are_dropped_until_the_faults_are_off() {
    in_private_netns(|veth| {
        let mut program = sim(veth, &["--seed", "7"]);
        let mut input = program.input();
        command(&mut program, &mut input, "drop every 1");
        zerocat(&["scan", "--interface", &veth.master]).with_code(5);
        command(&mut program, &mut input, "faults off");
        assert_eq!(scan(veth).len(), 6);
        let ended = program.stop(Signal::SIGTERM).with_code(0);
        let served = parse(ended.out.lines().last().unwrap());
        assert!(served["faults"]["dropped"].as_u64() > Some(0), "{served}");
    });
}

#[test]
fn events_tell_commands_and_states_and_the_summary_is_last() {
    in_private_netns(|veth| {
        let mut program = sim(veth, &[]);
        let mut input = program.input();
        command(&mut program, &mut input, "al-error axis 0x001b");
        command(&mut program, &mut input, "pull axiz");
        command(&mut program, &mut input, "input switches 99 on");
        input.line("quit");
        let ended = program.end().with_code(0);
        let lines: Vec<Value> = ended.out.lines().map(parse).collect();
        assert_eq!((&lines[0]["event"], &lines[0]["seed"]), (&json!("serving"), &json!(1)));
        let about = |text: &str| lines.iter().find(|line| line["command"] == text).unwrap();
        assert_eq!(about("al-error axis 0x001b")["done"], true);
        let problem = about("pull axiz")["problem"].as_str().unwrap();
        assert!(problem.starts_with("column 6: `axiz` can't stand here") && problem.contains("axis"), "{problem}");
        let problem = about("input switches 99 on")["problem"].as_str().unwrap();
        assert!(problem.contains("99"), "{problem}");
        let state = lines.iter().find(|line| line["event"] == "state").unwrap();
        assert_eq!((&state["name"], &state["error"], &state["code"]), (&json!("axis"), &json!(true), &json!(27)));
        assert_eq!(lines.last().unwrap()["schema"], "zerocat-served/1");
    });
}

#[test]
fn a_wrong_script_is_refused_before_anything_is_opened() {
    let script = Place::with("wrong", "show\n+1s pul axis\n");
    let ended = zerocat(&["sim", "--interface", "nowhere0", "--script", script.text()]).with_code(3);
    ended.saying(&[script.text(), "line 2, column 5: `pul` can't stand here, it must be one of pull, plug"]);
    zerocat(&["sim", "--interface", "nowhere0", "--script", "/nonexistent"]).with_code(3).saying(&["/nonexistent"]);
}

#[test]
fn a_printed_segment_file_is_the_segment() {
    let printed = zerocat(&["sim", "--mixed", "8", "--print-config"]).with_code(0);
    assert_eq!(SegmentConfig::from_json(&printed.out).unwrap(), SegmentConfig::mixed(8));
    let printed = zerocat(&["sim", "--print-config"]).with_code(0);
    assert_eq!(SegmentConfig::from_json(&printed.out).unwrap(), SegmentConfig::demo());
}

/// Sends a broadcast read of the AL status, and returns the working counter.
fn broadcast_read(link: &mut DatagramLink) -> u16 {
    let frame = link.slot_mut(Slot(0)).unwrap();
    frame[..60].fill(0);
    frame[..6].fill(0xff);
    frame[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
    // BRD of 2 bytes at 0x0130 (ETG.1000.4, table 20), 14 bytes of datagram.
    frame[12..24].copy_from_slice(&[0x88, 0xa4, 14, 0x10, 7, 0, 0, 0, 0x30, 0x01, 2, 0]);
    link.post(Slot(0), 60).unwrap();
    link.kick().unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        link.wait(PATIENCE);
        if let Some(frame) = link.receive().unwrap() {
            return u16::from_le_bytes([frame[28], frame[29]]);
        }
        assert!(Instant::now() < deadline, "no answer");
    }
}

#[test]
fn a_segment_answers_over_unix_datagrams_and_takes_its_socket_away() {
    let (ours, theirs) = (Place::new("segment.sock"), Place::new("master.sock"));
    let paths = format!("{}:{}", ours.text(), theirs.text());
    let mut program = Program::start(&["sim", "--unix", &paths, "--mixed", "8"]);
    program.await_error("serving");
    let sizing = Sizing { slots: 4, receive: 4 };
    for _ in 0..2 {
        // The other end comes and goes as it likes.
        let mut link = DatagramLink::open(&theirs.0, &ours.0, sizing).unwrap();
        assert_eq!(broadcast_read(&mut link), 8);
    }
    zerocat(&["sim", "--unix", &paths]).with_code(4).saying(&[ours.text(), "in use"]);
    program.stop(Signal::SIGTERM).with_code(0);
    assert!(!Path::new(ours.text()).exists());
    zerocat(&["sim", "--unix", "only-one"]).with_code(2).saying(&["colon"]);
}

#[test]
fn a_device_description_alone_is_listed() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../sim/tests/esi/catalogue.xml");
    let printed = zerocat(&["sim", "--esi", file]).with_code(0);
    let line = printed.out.lines().find(|line| line.contains("AXD200")).unwrap();
    for part in ["Servo and stepper drives", "0x00d20001", "0x00000003"] {
        assert!(line.contains(part), "{line}");
    }
    let printed = zerocat(&["sim", "--esi", file, "--json"]).with_code(0);
    let listed = parse(&printed.out);
    assert_eq!(listed["schema"], "zerocat-devices/1");
    assert_eq!(listed["devices"][5]["startup"][0]["index"], 0x60c2);
}
