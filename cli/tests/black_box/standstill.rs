//! A run that is stopped by SIGSTOP while it comes up says so, and comes to OP.

use crate::bench_set::{Folder, Segment, demo_rig};
use crate::program::Program;
use nix::sys::signal::Signal;
use std::time::Duration;
use zerocat_testkit::netns::in_private_netns;

/// What is said in each phase of bring-up.
const PHASES: [&str; 6] = [
    "listening whether",
    "looking who is on the bus",
    "going to PRE-OP",
    "reading process data maps",
    "programming, going to SAFE-OP",
    "starting the cyclic exchange",
];

#[test]
fn a_run_that_is_stopped_for_some_time_in_any_phase_of_bring_up_says_so_and_comes_to_op() {
    in_private_netns(|veth| {
        let (segment, folder) = (Segment::demo(veth), Folder::new());
        let rig = folder.json("rig.json", &demo_rig(&veth.master));
        for phase in PHASES {
            let mut program = Program::start(&["run", &rig]);
            program.await_error(phase);
            program.signal(Signal::SIGSTOP);
            // Longer than the patience with a datagram, and than the watchdog.
            std::thread::sleep(Duration::from_millis(2200));
            program.signal(Signal::SIGCONT);
            program.await_error("by a signal (SIGSTOP, or Ctrl-Z), and continued");
            program.await_error("SubDevices in OP after");
            program.stop(Signal::SIGINT).with_code(0).saying(&["stopped for 2."]);
        }
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}
