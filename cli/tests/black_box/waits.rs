//! A start that waits for the power of its machine.

use crate::bench_set::{Folder, Segment, demo_rig, run};
use crate::program::Program;
use nix::sys::signal::Signal;
use serde_json::json;
use zerocat_testkit::netns::in_private_netns;

#[test]
fn a_start_waits_for_a_subdevice_that_comes_later_and_says_for_whom() {
    in_private_netns(|veth| {
        let (mut segment, folder) = (Segment::demo(veth), Folder::new());
        segment.command("pull axis");
        let file = folder.json("rig.json", &demo_rig(&veth.master));
        let mut program = Program::start(&["run", &file, "--link", "packet", "--wait"]);
        program.await_error("waiting for 1 of 6 SubDevices of the rig file:\n  `axis`");
        segment.command("plug axis");
        program.await_error("SubDevices in OP after");
        let said = program.errors();
        program.stop(Signal::SIGTERM).with_code(0);
        assert!(said.matches("waiting for 1 of 6").count() == 1, "once while nothing changes:\n{said}");
        assert!(said.matches("looking who is on the bus").count() <= 2, "attempts are no news:\n{said}");
    });
}

#[test]
fn a_start_that_waited_for_nobody_ends_with_its_time_or_a_signal() {
    in_private_netns(|veth| {
        let mut rig = demo_rig(&veth.master);
        rig["engine"]["link"] = json!("packet");
        rig["engine"]["wait_for_subdevices"] = json!("1s");
        run(&rig, &[]).with_code(5).saying(&["waiting for `", "nobody answers", "no SubDevice answered"]);
        let folder = Folder::new();
        let file = folder.json("rig.json", &rig);
        let mut program = Program::start(&["run", &file, "--wait=1h"]);
        program.await_error("nobody answers");
        let stopped = "stopped by SIGTERM before OP: waiting for SubDevices";
        program.stop(Signal::SIGTERM).with_code(0).saying(&[stopped]);
    });
}

#[test]
fn another_subdevice_in_the_place_of_one_is_not_waited_for() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let mut rig = demo_rig(&veth.master);
        let properties = &mut rig["slaves"][1]["properties"];
        assert!(properties["product_code"].is_number() || properties["product_code"].is_string(), "{properties}");
        properties["product_code"] = json!(0x1234);
        let ended = run(&rig, &["--link", "packet", "--wait"]);
        assert_ne!(ended.code, Some(0));
        ended.saying(&["are not on the bus as it wants them"]);
    });
}
