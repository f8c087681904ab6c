//! What a rig file may ask of the exchange, over a veth pair: large images in one burst, inputs over outputs, SubDevices
//! without LRW, several rates.

use crate::bench_set::{Segment, demo_rig, run};
use serde_json::{Value, json};
use zerocat_sim::{ProfileKind, SegmentConfig};
use zerocat_testkit::netns::in_private_netns;

/// A rig that names nobody: whoever is on the bus takes part. Slow and patient, for a machine that does other things.
fn anybody(interface: &str, engine: &Value) -> Value {
    let mut rig = json!({
        "network": {
            "key": "net", "name": "Network", "make": "EtherCAT", "model": "Network",
            "properties": { "interface": interface, "rate": 50 }
        },
        "engine": { "watchdog": "5s" }
    });
    let keys = engine.as_object().unwrap().clone();
    rig["engine"].as_object_mut().unwrap().extend(keys);
    rig
}

/// SubDevices and bytes of the large image: as many as an unoptimised build asks for its maps within the time of a test.
const SUBDEVICES: usize = 10;
const BYTES: usize = 3_200;

fn large(engine: &Value) -> Value {
    let mut report = Value::Null;
    in_private_netns(|veth| {
        let segment = Segment::of(veth, &SegmentConfig::large(SUBDEVICES, BYTES));
        report = run(&anybody(&veth.master, engine), &["--seconds", "2", "--json"]).with_code(0).json();
        assert_eq!(segment.end().states(), vec!["INIT"; SUBDEVICES]);
    });
    assert_eq!((&report["working_counter_faults"], &report["network"]["subdevices"]), (&json!(0), &json!(SUBDEVICES)));
    assert!(report["round_trip_ns"]["n"].as_u64() > Some(0), "no cycle was complete: {report}");
    assert_eq!((&report["nic_errors"]["received"], &report["nic_errors"]["sent"]), (&json!(0), &json!(0)));
    report
}

/// Kicks are one a cycle and one for each handful of acyclic frames, never one a frame.
fn goes_out_in_one_burst(report: &Value) {
    let count = |pointer: &str| report.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{report}"));
    let (kicks, cycles, acyclic) = (count("/link_calls/kicks"), count("/cycles/done"), count("/frames/acyclic_sent"));
    assert!(kicks <= cycles + acyclic, "{kicks} kicks in {cycles} cycles, {acyclic} acyclic frames");
    assert!(acyclic > 0);
}

#[test]
fn a_large_image_goes_out_in_one_burst_over_af_xdp() {
    let report = large(&json!({}));
    assert_eq!((&report["network"]["frames"], &report["network"]["image_bytes"]), (&json!(3), &json!(BYTES)));
    assert_eq!(report["network"]["access"], json!({ "lrw": SUBDEVICES, "lrw_overlapping": 0, "lwr_lrd": 0 }));
    goes_out_in_one_burst(&report);
}

#[test]
fn inputs_over_outputs_halve_the_frames_of_a_large_image() {
    let report = large(&json!({ "overlap": "auto" }));
    assert!(report["network"]["frames"].as_u64() <= Some(2), "{report}");
    assert_eq!(report["network"]["access"], json!({ "lrw": 0, "lrw_overlapping": SUBDEVICES, "lwr_lrd": 0 }));
    goes_out_in_one_burst(&report);
}

#[test]
fn a_slow_unit_and_subdevices_without_lrw_are_in_the_report_and_nothing_is_miscounted() {
    in_private_netns(|veth| {
        let mut config = SegmentConfig::demo();
        let axis = config.subdevices.iter_mut().find(|one| one.profile == ProfileKind::Servo).unwrap();
        axis.lrw = false;
        let segment = Segment::of(veth, &config);
        let mut rig = demo_rig(&veth.master);
        let axis = rig["slaves"].as_array_mut().unwrap().iter_mut().find(|slave| slave["key"] == "axis").unwrap();
        // A simulated device without LRW is a revision of its own.
        axis["properties"]["revision"] = json!("0x00000002");
        rig["engine"]["without_lrw"] = json!(["valves"]);
        rig["engine"]["sync_units"] =
            json!([{ "name": "slow", "every": 10, "phase": 3, "slaves": ["sensors", "axis"] }]);
        let ended = run(&rig, &["--seconds", "1.5", "--json"]).with_code(0);
        let report = ended.json();
        assert_eq!(report["network"]["access"], json!({ "lrw": 3, "lrw_overlapping": 0, "lwr_lrd": 2 }));
        let units = report["network"]["units"].as_array().unwrap();
        let of = |unit: &Value| [unit["name"].clone(), unit["every"].clone(), unit["subdevices"].clone()];
        assert_eq!(
            units.iter().map(of).collect::<Vec<_>>(),
            [[Value::Null, json!(1), json!(3)], [json!("slow"), json!(10), json!(2)]]
        );
        assert_eq!(
            (&units[1]["phase"], &units[1]["rate_hz"], &units[1]["frames"]),
            (&json!(3), &json!(20.0), &json!(1))
        );
        assert_eq!(report["working_counter_faults"], 0);
        let served = segment.end();
        assert_eq!(served.states(), ["INIT"; 6]);
        let took_part = |name: &str| served.subdevice(name)["cyclic"].as_u64().unwrap();
        assert!(took_part("axis") > 0 && took_part("sensors") < took_part("switches") / 2, "{}", served.0);
    });
}

#[test]
fn a_unit_that_is_slower_than_its_watchdog_is_refused_with_key_and_times() {
    let mut rig = demo_rig("lo");
    rig["engine"]["sync_units"] = json!([{ "name": "slow", "every": 200, "slaves": ["valves"] }]);
    run(&rig, &["--seconds", "1"]).with_code(3).saying(&[
        "engine.sync_units[0].every",
        "`slow` is exchanged every 1s (200 cycles of 5ms) and has outputs, whose watchdog of 1s is not longer",
    ]);
}
