//! `--quiet`: problems only, whatever runs.

use crate::bench_set::{Folder, Segment, demo_rig, in_some_attempts};
use crate::program::{Program, zerocat};
use crate::signals::await_handler;
use nix::sys::signal::Signal;
use zerocat_testkit::netns::in_private_netns;

/// What is a problem of this machine, and no figure.
fn is_problem(line: &str) -> bool {
    ["WARN", "warning: ", "unavailable: "].iter().any(|mark| line.contains(mark))
}

#[test]
fn a_quiet_run_says_problems_only() {
    in_private_netns(|veth| {
        let (mut segment, folder) = (Segment::demo(veth), Folder::new());
        let rig = folder.json("rig.json", &demo_rig(&veth.master));
        let ended = in_some_attempts(|| zerocat(&["run", &rig, "--quiet", "--seconds", "0.3"]));
        assert_eq!(ended.out, "");
        let other: Vec<_> = ended.err.lines().filter(|line| !is_problem(line)).collect();
        assert!(other.is_empty(), "{other:#?}");

        let mut program = Program::start(&["run", &rig, "-q"]);
        await_handler(&mut program, Signal::SIGUSR1 as i32);
        program.await_so("an exchange", |program| {
            program.signal(Signal::SIGUSR1);
            program.errors().contains("status: in OP")
        });
        segment.command("pull axis");
        program.await_error("working counter ");
        program.stop(Signal::SIGTERM);
    });
}

#[test]
fn a_quiet_segment_says_problems_only() {
    in_private_netns(|veth| {
        let mut program = Program::start(&["sim", "--interface", &veth.peer, "--quiet"]);
        let mut input = program.input();
        input.line("pull axis");
        input.line("nonsense");
        program.await_error("nonsense");
        let ended = program.stop(Signal::SIGTERM).with_code(0);
        assert_eq!((ended.out.as_str(), ended.err.lines().count()), ("", 1), "{}", ended.err);
    });
}
