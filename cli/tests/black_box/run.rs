//! `zerocat run` against `zerocat sim`: to OP, exchange, report, and back.

use crate::bench_set::{Folder, Segment, demo_rig, in_op, interface, read_json, run};
use crate::program::zerocat;
use serde_json::{Value, json};
use zerocat_testkit::netns::in_private_netns;

#[test]
fn a_rig_reaches_op_over_af_xdp_and_leaves_bus_and_interface_as_they_were() {
    in_private_netns(|veth| {
        let segment = Segment::demo(veth);
        let before = interface(&veth.master);
        let folder = Folder::new();
        let file = folder.path("report.json");
        let ended = run(&demo_rig(&veth.master), &["--seconds", "1.5", "--report", &file]).with_code(0);
        assert_eq!(interface(&veth.master), before);
        assert!(ended.out.contains("native_copy (asked: auto)"), "{}", ended.out);

        let report = read_json(&file);
        assert_eq!(report["link"]["kind"], "xdp");
        assert_eq!(report["link"]["mode_asked"], "auto");
        assert_eq!(report["link"]["mode_got"], "native_copy");
        assert_eq!(report["link"]["interface"], veth.master);
        assert_stable_keys(&report);
        assert_follows_its_schema(&report);

        let served = segment.end();
        assert_eq!(served.states(), ["INIT"; 6]);
        for subdevice in served.0["subdevices"].as_array().unwrap() {
            assert_eq!((&subdevice["error"], &subdevice["code"]), (&json!(false), &json!(0)), "{subdevice}");
            assert_eq!(subdevice["watchdog_expiries"], 0, "an orderly stop leaves nothing to a watchdog: {subdevice}");
        }
        assert!(served.subdevice("axis")["cyclic"].as_u64() > Some(0));
    });
}

#[test]
fn a_rig_reaches_op_over_af_packet_and_the_report_is_printed_as_json() {
    in_private_netns(|veth| {
        let segment = Segment::demo(veth);
        let ended = run(&demo_rig(&veth.master), &["--link", "packet", "--seconds", "1", "--json"]).with_code(0);
        let report = ended.json();
        assert_eq!(report["link"]["kind"], "packet");
        assert_eq!((&report["link"]["mode_asked"], &report["link"]["mode_got"]), (&Value::Null, &Value::Null));
        assert_stable_keys(&report);
        assert_follows_its_schema(&report);
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}

#[test]
fn generic_mode_is_had_where_it_is_forced() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let ended = run(&demo_rig(&veth.master), &["--mode", "generic", "--seconds", "0.5", "--json"]).with_code(0);
        let report = ended.json();
        assert_eq!(
            (&report["link"]["mode_asked"], &report["link"]["mode_got"]),
            (&json!("generic"), &json!("generic"))
        );
    });
}

#[test]
fn a_subdevice_that_the_rig_does_not_name_takes_part_without_channels() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let mut rig = demo_rig(&veth.master);
        rig["slaves"].as_array_mut().unwrap().retain(|slave| slave["key"] != "setpoints");
        rig["tasks"][1]["config"]["channels"]
            .as_array_mut()
            .unwrap()
            .retain(|channel| channel["device"] != "setpoints");
        let report = run(&rig, &["--seconds", "0.5", "--json"]).with_code(0).json();
        assert_eq!((&report["network"]["subdevices"], &report["working_counter_faults"]), (&json!(6), &json!(0)));
    });
}

#[test]
fn a_second_run_on_the_same_interface_is_refused_and_the_first_goes_on() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let folder = Folder::new();
        let rig = demo_rig(&veth.master);
        let mut first = in_op(&folder, &rig, &[]);
        for link in ["xdp", "packet"] {
            let mut second = rig.clone();
            second["engine"]["link"] = json!(link);
            run(&second, &["--seconds", "1"]).with_code(4).saying(&["zerocat (process ", "uses zc-master already"]);
            run(&second, &["--seconds", "1", "--replace-program"]).with_code(4).saying(&["uses zc-master already"]);
        }
        zerocat(&["scan", "--interface", &veth.master]).with_code(4).saying(&["uses zc-master already"]);
        assert!(first.is_running());
        let ended = first.stop(nix::sys::signal::Signal::SIGTERM).with_code(0);
        assert!(ended.out.contains("0 working counter faults"), "{}", ended.out);
    });
}

#[test]
fn the_demonstration_runs_in_one_process_without_a_network() {
    let folder = Folder::new();
    let file = folder.path("report.json");
    zerocat(&["demo", "--in-process", "--seconds", "1", "--report", &file]).with_code(0);
    let report = read_json(&file);
    assert_eq!(report["link"]["kind"], "in_process");
    assert_stable_keys(&report);
    assert_follows_its_schema(&report);
}

/// The keys that later measurements rely on, with values that a run of the demonstration can have.
fn assert_stable_keys(report: &Value) {
    assert_eq!(report["schema"], "zerocat-report/1");
    assert!(report["host"]["kernel"].as_str().is_some_and(|kernel| !kernel.is_empty()), "{report}");
    assert!(report["host"]["cores"].as_u64() > Some(0) && report["host"]["preempt_rt"].is_boolean(), "{report}");
    let done = report["cycles"]["done"].as_u64().unwrap();
    assert!(done > 100, "{report}");
    assert!(report["cycles"]["skipped"].is_u64() && report["cycles"]["lost"].as_u64() < Some(done), "{report}");
    assert_eq!(report["working_counter_faults"], 0);
    // With a margin longer than a look for requests it may never sleep before a tick.
    let margin = report["spin_margin"]["margin_ns"].as_u64();
    let slept = margin < Some(1_000_000) || !report["sleep_latency_ns"].is_null();
    let timed = ["round_trip_ns", "wakeup_jitter_ns", "post_jitter_ns", "send_jitter_ns", "sleep_latency_ns"];
    for figures in &timed[..timed.len() - usize::from(!slept)] {
        let figure = |key: &str| report[figures][key].as_u64().unwrap_or_else(|| panic!("{figures}.{key} in {report}"));
        let rising = ["min", "p50", "p99", "p999", "max"].map(figure);
        assert!(rising.is_sorted(), "{figures}: {rising:?}");
        assert!((1..=done).contains(&figure("n")), "{report}");
    }
    assert_learned(&report["spin_margin"]);
    assert!(report["round_trip_ns"]["min"].as_u64() > Some(0), "{report}");
    assert_tasks(&report["tasks"]);
    let rt = |key: &str| report["rt"][key].as_u64().unwrap_or_else(|| panic!("rt.{key} in {report}"));
    assert_eq!(rt("allocations"), 0);
    for key in ["page_faults_minor", "page_faults_major", "involuntary_switches"] {
        rt(key);
    }
    let hole = |key: &str| report["rt"]["holes"][key].as_u64().unwrap_or_else(|| panic!("rt.holes.{key} in {report}"));
    assert!(hole("longest_ns") <= hole("total_ns"), "{report}");
    assert_eq!(hole("count") == 0, hole("total_ns") == 0, "{report}");
    assert!(report["time_to_op_ms"].as_f64() > Some(0.0), "{report}");
}

/// Between 20 us and half the period of 5 ms.
fn assert_learned(margin: &Value) {
    assert!((20_000..=2_500_000).contains(&margin["margin_ns"].as_u64().unwrap()), "{margin}");
    assert_eq!(margin["learned"]["wake_ups"], 64);
}

fn assert_tasks(tasks: &Value) {
    let [read, write] = tasks.as_array().unwrap().as_slice() else { panic!("{tasks}") };
    assert_eq!((&read["name"], &read["kind"]), (&json!("demo-inputs"), &json!("read")));
    assert_eq!((&write["name"], &write["kind"]), (&json!("demo-outputs"), &json!("write")));
    for task in [read, write] {
        assert!(task["samples"].as_u64() > Some(0) && task["overrun"].is_u64(), "{task}");
    }
    assert_eq!(read["commands"], 0);
    assert!(write["commands"].as_u64() > Some(0), "{write}");
}

fn assert_follows_its_schema(report: &Value) {
    let schema = zerocat(&["schema", "report"]).with_code(0).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<_> = validator.iter_errors(report).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
