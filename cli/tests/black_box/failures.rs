//! What can't be had ends with an exit code of its kind, and a message that names it and says what to do.

use crate::bench_set::{Segment, demo_rig, in_some_attempts, interface, run, unless_starved};
use crate::program::zerocat;
use serde_json::json;
use zerocat_sim::{AlErrorConfig, SegmentConfig, TargetState};
use zerocat_testkit::cpus::pin;
use zerocat_testkit::netns::{cable_with_queues, in_private_netns, ip};

#[test]
fn zero_copy_that_is_forced_on_veth_is_refused_with_the_modes_that_work() {
    in_private_netns(|veth| {
        let before = interface(&veth.master);
        let ended = run(&demo_rig(&veth.master), &["--mode", "zero-copy", "--seconds", "1"]);
        ended.with_code(4).saying(&["zero-copy on zc-master is not available", "these modes work", "native"]);
        assert_eq!(interface(&veth.master), before);
    });
}

#[test]
fn auto_takes_the_best_mode_that_there_is_says_why_once_and_is_strict_about_it() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let ended = in_some_attempts(|| run(&demo_rig(&veth.master), &["--seconds", "0.3", "--json"]));
        let why = "native_copy is the best mode that zc-master gives (zero-copy: bind the socket: ";
        assert_eq!(ended.err.matches(why).count(), 1, "{}", ended.err);
        let report = ended.json();
        assert!(report["link"]["mode_why"].as_str().unwrap().starts_with("zero-copy: "), "{}", report["link"]);
        // What else may be unavailable is the machine's, and no mode.
        let strict = unless_starved(|| run(&demo_rig(&veth.master), &["--strict", "--seconds", "0.3"]));
        let missing = report["missing"].as_array().unwrap();
        assert_eq!(strict.code, Some(if missing.is_empty() { 0 } else { 4 }), "{missing:?}\n{}", strict.err);
        assert!(!strict.err.contains("zero-copy on zc-master"), "{}", strict.err);
    });
}

#[test]
fn a_servo_that_refuses_safe_op_is_named_with_its_al_status_code_in_words() {
    in_private_netns(|veth| {
        let mut config = SegmentConfig::demo();
        let error = AlErrorConfig { on: TargetState::SafeOp, code: 0x001e, times: u32::MAX };
        config.subdevices.last_mut().unwrap().al_error = Some(error);
        let segment = Segment::of(veth, &config);
        let before = interface(&veth.master);
        let ended = run(&demo_rig(&veth.master), &["--seconds", "1"]).with_code(5);
        ended.saying(&["SubDevice 5 (", "SAFE-OP", "0x001e", "Invalid input configuration"]);
        assert_eq!(interface(&veth.master), before);
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}

#[test]
fn an_al_error_that_passes_is_acknowledged_and_op_is_reached() {
    in_private_netns(|veth| {
        let mut config = SegmentConfig::demo();
        let error = AlErrorConfig { on: TargetState::SafeOp, code: 0x001e, times: 1 };
        config.subdevices.last_mut().unwrap().al_error = Some(error);
        let _segment = Segment::of(veth, &config);
        run(&demo_rig(&veth.master), &["--seconds", "0.3"]).with_code(0);
    });
}

#[test]
fn a_subdevice_that_is_missing_is_named() {
    in_private_netns(|veth| {
        let mut config = SegmentConfig::demo();
        config.subdevices.pop();
        let segment = Segment::of(veth, &config);
        let ended = run(&demo_rig(&veth.master), &["--seconds", "1"]).with_code(5);
        ended.saying(&[
            "1 of 6 SubDevices of the rig file",
            "`axis`: no SubDevice has serial number 1006",
            "position 5",
        ]);
        assert_eq!(segment.end().states(), ["INIT"; 5]);
    });
}

#[test]
fn an_interface_that_does_not_exist_is_named_with_those_that_do() {
    in_private_netns(|veth| {
        for link in ["xdp", "packet"] {
            run(&demo_rig("nowhere0"), &["--link", link]).with_code(4).saying(&["nowhere0"]);
            zerocat(&["scan", "--interface", "nowhere0", "--link", link]).with_code(4).saying(&["nowhere0"]);
        }
        run(&demo_rig("nowhere0"), &[]).saying(&["there are: ", &veth.master, &veth.peer]);
        zerocat(&["sim", "--interface", "nowhere0"]).with_code(4).saying(&["nowhere0"]);
    });
}

#[test]
fn an_interface_that_is_down_is_refused_with_the_command_that_sets_it_up() {
    in_private_netns(|veth| {
        ip(&format!("link set {} down", veth.master));
        run(&demo_rig(&veth.master), &[]).with_code(4).saying(&["ip link set dev zc-master up"]);
    });
}

#[test]
fn a_queue_that_is_not_there_is_refused_with_their_number() {
    in_private_netns(|veth| {
        let mut rig = demo_rig(&veth.master);
        rig["engine"]["queue"] = json!(5);
        let ended = run(&rig, &["--seconds", "1"]).with_code(4);
        ended.saying(&["zc-master has 1 receive queues, counted from 0; there is no queue 5"]);
    });
}

#[test]
fn a_bus_that_answers_on_another_queue_is_told_from_a_dead_one() {
    in_private_netns(|_| {
        let veth = cable_with_queues("zc-two", "zc-far", 2);
        // A segment sends from the queue of the core that it runs on, and veth delivers to that of the same number.
        pin(&[1]);
        let segment = Segment::demo(&veth);
        pin(&[0, 1]);
        let ended = run(&demo_rig(&veth.master), &["--seconds", "1"]).with_code(5);
        ended.saying(&["no SubDevice answered", "arrived on other queues than 0", "ethtool -L zc-two combined 1"]);
        let ended = zerocat(&["scan", "--interface", &veth.master, "--link", "xdp"]).with_code(5);
        ended.saying(&[
            "no SubDevice answered",
            "unavailable: EtherCAT frames of zc-two arrived on other queues than 0",
        ]);
        let mut rig = demo_rig(&veth.master);
        rig["engine"]["queue"] = json!(1);
        run(&rig, &["--seconds", "0.3"]).with_code(0);
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}

#[test]
fn a_bus_where_nobody_answers_is_said_to_be_one() {
    in_private_netns(|veth| {
        for link in ["xdp", "packet"] {
            run(&demo_rig(&veth.master), &["--link", link, "--seconds", "1"])
                .with_code(5)
                .saying(&["no SubDevice answered"]);
        }
        zerocat(&["scan", "--interface", &veth.master]).with_code(5).saying(&["zc-master", "no SubDevice answered"]);
    });
}

#[test]
fn a_channel_that_the_subdevice_does_not_map_is_named() {
    in_private_netns(|veth| {
        let segment = Segment::demo(veth);
        let mut rig = demo_rig(&veth.master);
        rig["slaves"][5]["properties"]["pdos"]["inputs"][1]["index"] = json!("0x6099");
        let ended = run(&rig, &["--seconds", "1"]).with_code(5);
        ended.saying(&[
            "channel `axis_position_actual` of task `demo-inputs`",
            "`axis` does not map 0x6099:00",
            "0x6064:00",
        ]);
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}
