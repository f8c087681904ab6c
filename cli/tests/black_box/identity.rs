//! Who is who on the bus: what the rig file says of a SubDevice is a rule, and what is otherwise is told with the line to
//! write.

use crate::bench_set::{Folder, Segment, demo_rig, in_op, run, unless_starved};
use crate::program::Ended;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use zerocat_sim::{ProfileKind, SegmentConfig, SubDeviceConfig};
use zerocat_testkit::netns::in_private_netns;

/// Place of the servo in the segment and in the rig of the demonstration.
const AXIS: usize = 5;

/// The segment of the demonstration with another servo.
fn with_axis(change: impl Fn(&mut SubDeviceConfig)) -> SegmentConfig {
    let mut config = SegmentConfig::demo();
    change(&mut config.subdevices[AXIS]);
    config
}

/// A rig file that says something else of the servo.
fn axis_by(interface: &str, key: &str, value: &Value) -> Value {
    let mut rig = demo_rig(interface);
    rig["slaves"][AXIS]["properties"][key] = value.clone();
    rig
}

fn short_run(rig: &Value) -> Ended {
    unless_starved(|| run(rig, &["--seconds", "0.3"]))
}

#[test]
fn a_newer_revision_is_refused_with_the_line_that_accepts_it() {
    in_private_netns(|veth| {
        let wanted = &demo_rig("")["slaves"][AXIS]["properties"]["revision"];
        let wanted = u32::from_str_radix(wanted.as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
        let newer = wanted + 1;
        let _segment = Segment::of(veth, &with_axis(|axis| axis.revision = Some(newer)));
        let line = format!("\"revision\": \">= {wanted:#010x}\"");
        let ended = short_run(&demo_rig(&veth.master)).with_code(5);
        ended.saying(&["`axis`: ", &format!("at position 5 has revision {newer:#010x}"), &line]);
        short_run(&axis_by(&veth.master, "revision", &json!(format!(">= {wanted:#010x}")))).with_code(0);
    });
}

#[test]
fn a_serial_number_that_the_file_says_is_a_rule_also_where_the_bus_has_none() {
    in_private_netns(|veth| {
        let _segment = Segment::of(veth, &with_axis(|axis| axis.serial = 0));
        let ended = short_run(&demo_rig(&veth.master)).with_code(5);
        ended.saying(&["`axis`: ", "has no serial number (0), the rig file wants 1006", "write \"serial\": \"any\""]);
        for none in [json!("any"), json!(0)] {
            short_run(&axis_by(&veth.master, "serial", &none)).with_code(0);
        }
    });
}

#[test]
fn a_replacement_is_named_with_the_line_to_change() {
    in_private_netns(|veth| {
        let _segment = Segment::of(veth, &with_axis(|axis| axis.serial = 77));
        let ended = short_run(&demo_rig(&veth.master)).with_code(5);
        ended.saying(&["`axis`: ", "has serial number 77, the rig file wants 1006", "write \"serial\": 77"]);
        short_run(&axis_by(&veth.master, "serial", &json!(77))).with_code(0);
    });
}

#[test]
fn one_that_the_rig_file_does_not_name_is_told_or_refused_or_ignored() {
    in_private_netns(|veth| {
        let mut config = SegmentConfig::demo();
        config.subdevices.push(SubDeviceConfig::new(ProfileKind::DigitalIn).named("stranger"));
        let _segment = Segment::of(veth, &config);
        let unnamed = "SubDevice 6 (";
        let ended = short_run(&demo_rig(&veth.master)).with_code(0);
        ended.saying(&[unnamed, "is not in the rig file: vendor 0x", "it takes part without channels"]);
        let with = |unknown: &str| {
            let mut rig = demo_rig(&veth.master);
            rig["network"]["unknown"] = json!(unknown);
            short_run(&rig)
        };
        with("refuse").with_code(5).saying(&["`network.unknown`", unnamed, "is not in the rig file: vendor 0x"]);
        let ended = with("ignore").with_code(0);
        assert!(!ended.err.contains("not in the rig file"), "{}", ended.err);
    });
}

#[test]
fn one_that_is_found_by_its_serial_number_at_another_position_is_told() {
    in_private_netns(|veth| {
        let mut config = SegmentConfig::demo();
        config.subdevices.swap(1, 2);
        config.wires.clear();
        let _segment = Segment::of(veth, &config);
        let ended = short_run(&demo_rig(&veth.master)).with_code(0);
        ended.saying(&["`valves` moved from position 1 to 2", "`switches` moved from position 2 to 1"]);
    });
}

const LOST: &str = "the network is lost: outputs are safe, waiting for it";

#[test]
fn one_that_stays_away_after_an_outage_is_named() {
    in_private_netns(|veth| {
        let (segment, folder) = (Segment::demo(veth), Folder::new());
        let mut rig = demo_rig(&veth.master);
        rig["engine"]["watchdog"] = json!("200ms");
        let mut program = in_op(&folder, &rig, &[]);
        segment.end();
        program.await_error(LOST);
        let mut config = SegmentConfig::demo();
        config.subdevices.pop();
        let other = Segment::of(veth, &config);
        program.await_error("`axis`: no SubDevice has serial number 1006");
        program.stop(Signal::SIGINT);
        other.end();
    });
}

#[test]
fn after_an_outage_the_same_rules_hold() {
    in_private_netns(|veth| {
        for (serial, said) in [
            (json!(1006), "the rig file wants 1006"),
            (json!("any"), "is another unit than before the outage: serial number 77, was 1006"),
        ] {
            let (segment, folder) = (Segment::demo(veth), Folder::new());
            let mut rig = axis_by(&veth.master, "serial", &serial);
            rig["engine"]["watchdog"] = json!("200ms");
            let mut program = in_op(&folder, &rig, &[]);
            segment.end();
            program.await_error(LOST);
            let other = Segment::of(veth, &with_axis(|axis| axis.serial = 77));
            program.await_error(said);
            program.stop(Signal::SIGINT);
            other.end();
        }
    });
}
