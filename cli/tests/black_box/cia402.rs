//! The recipe of docs/cia402.md: the program of the examples drives the servo of the demonstration.

use crate::bench_set::{Folder, Segment, in_some_attempts};
use crate::program::Program;
use std::process::Command;
use zerocat_testkit::netns::in_private_netns;

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

#[test]
fn the_page_shows_what_the_program_knows() {
    let (page, program) = (include_str!("../../../docs/cia402.md"), include_str!("../../../examples/cia402.py"));
    for (state, word) in [("0x40", "0x06"), ("0x21", "0x07"), ("0x23", "0x0F")] {
        assert!(page.contains(&format!("| {state} | {word} |")), "{state}");
        assert!(program.contains(state) && program.contains(&format!("[{word}]")), "{state}");
    }
}
