//! The recipe of docs/cia402.md: the program of the examples drives the servo of the demonstration.

use crate::bench_set::{Folder, Segment, in_some_attempts};
use crate::program::{Input, Program};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::process::Command;
use zerocat_testkit::netns::{in_private_netns, ip};

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/cia402.py");

/// The rig file of the recipe, in a way that a busy machine keeps up with.
fn rig() -> String {
    let text = include_str!("../../../examples/axis-rig.json");
    let slower = text.replace(r#""rate": 1000 },"#, r#""rate": 200 }, "engine": { "watchdog": "2s" },"#);
    assert_ne!(slower, text);
    slower
}

#[test]
fn a_drive_is_enabled_without_a_jump_and_goes_where_it_is_told_over_both_links() {
    in_private_netns(|veth| {
        let segment = Segment::demo(veth);
        let folder = Folder::new();
        let rig = folder.file("axis-rig.json", &rig());
        for (start, goal, link) in [(0, 3000, "xdp"), (3000, -2000, "packet")] {
            let ended = in_some_attempts(|| {
                let mut command = Command::new("python3");
                command.args([PROGRAM, &goal.to_string(), env!("CARGO_BIN_EXE_zerocat"), "run", &rig]);
                command.args(["--interface", &veth.master, "--link", link]);
                Program::start_command(command, "the program of the recipe").end()
            });
            let expected = format!("enabled at {start}, moved by 0 meanwhile\nstands at {goal}\n");
            assert_eq!(ended.out, expected, "{}", ended.err);
        }
        let served = segment.end();
        assert_eq!(served.states(), ["INIT"; 6]);
        assert_eq!(served.subdevice("axis")["error"], false);
    });
}

/// The newest value of a channel in a line of samples.
fn newest(line: &str, channel: &str) -> Option<i64> {
    serde_json::from_str::<Value>(line).ok()?["channels"][channel].as_array()?.last()?.as_i64()
}

fn await_value(program: &mut Program, channel: &str, wanted: impl Fn(i64) -> bool) {
    program.await_line(channel, |line| newest(line, channel).is_some_and(&wanted));
}

/// Walks the drive to operation enabled, state by state.
fn enable(program: &mut Program, input: &mut Input) {
    for (word, state) in [(0x06, 0x21), (0x07, 0x23), (0x0f, 0x27)] {
        input.line(&json!({ "100010": word }).to_string());
        await_value(program, "100001", |status| status & 0x6f == state);
    }
}

#[test]
fn an_axis_that_is_enabled_again_after_an_outage_stays_where_it_is() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let folder = Folder::new();
        let rig = folder.file("axis-rig.json", &rig());
        let mut program = Program::start(&["run", &rig, "--interface", &veth.master]);
        program.await_error("SubDevices in OP after");
        let mut input = program.input();
        enable(&mut program, &mut input);
        let way: Vec<_> = (1..=60).map(|step| json!({ "100012": 50 * step }).to_string()).collect();
        input.line(&way.join("\n"));
        await_value(&mut program, "100002", |position| position == 3000);
        ip(&format!("link set {} down", veth.peer));
        program.await_error("the network is lost: outputs are safe, waiting for it");
        ip(&format!("link set {} up", veth.peer));
        program.await_error("s and is in OP again");
        let before = program.output().len();
        enable(&mut program, &mut input);
        for _ in 0..20 {
            await_value(&mut program, "100002", |_| true);
        }
        let positions: Vec<_> = program.output()[before..].lines().filter_map(|line| newest(line, "100002")).collect();
        assert!(positions.len() >= 20 && positions.iter().all(|position| *position == 3000), "{positions:?}");
        program.stop(Signal::SIGTERM).with_code(0);
    });
}

#[test]
fn the_page_shows_what_the_program_knows() {
    let (page, program) = (include_str!("../../../docs/cia402.md"), include_str!("../../../examples/cia402.py"));
    for (state, word) in [("0x40", "0x06"), ("0x21", "0x07"), ("0x23", "0x0F")] {
        assert!(page.contains(&format!("| {state} | {word} |")), "{state}");
        assert!(program.contains(state) && program.contains(&format!("[{word}]")), "{state}");
    }
}
