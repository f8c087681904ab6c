//! `zerocat bench compare`: rows are processes, ours and those of others, and the report says of each what it gave.

use crate::bench_set::{Folder, interface, read_json};
use crate::program::zerocat;
use serde_json::Value;
use zerocat_testkit::netns::in_private_netns;

/// A peer as docs/bench.md describes one, in shell.
const PEER: &str = r#"read -r plan
echo ready
read -r go
case "$plan" in *'"size":60,'*) ;; *) echo "no plan: $plan" >&2; exit 1 ;; esac
echo '{"schema":"zerocat-bench-row/1","set_up":"a shell script","cycle_ns":[[5000,90],[7000,10]],"lost":2,"working_counter_faults":0}'
"#;

fn row<'a>(scenario: &'a Value, name: &str) -> &'a Value {
    let rows = scenario["rows"].as_array().unwrap();
    rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name} in {scenario}"))
}

#[test]
fn rows_are_measured_interleaved_and_one_that_fails_is_named() {
    let folder = Folder::new();
    let script = folder.file("peer.sh", PEER);
    let (html, json) = (folder.path("report.html"), folder.path("report.json"));
    let (talks, fails) = (format!("talks=sh {script}"), "fails=false".to_owned());
    let (ended, left) = in_private_netns(|veth| {
        let options = ["--rounds", "2", "--cycles", "40", "--seconds", "0.05", "--subdevices", "3", "--priority", "0"];
        let both = ["--interface", &veth.master, "--reflector", &veth.peer, "--deadline", "50000", "--all-modes"];
        let peers = ["--peer", &talks, "--peer", &fails, "--html", &html, "--report", &json];
        let scenarios = ["--scenarios", "60@flat,60x4@500:sleep"];
        let command = [&["bench", "compare"][..], &both, &options, &peers, &scenarios].concat();
        (zerocat(&command).with_code(0), [interface(&veth.master), interface(&veth.peer)])
    });
    let report = read_json(&json);
    assert_eq!(report["schema"], "zerocat-bench-compare/1");
    let [flat, paced] = report["scenarios"].as_array().unwrap().as_slice() else { panic!("{report}") };
    for (scenario, wakes) in [(flat, 0), (paced, 1)] {
        for name in ["engine-xdp", "floor-xdp", "engine-xdp-generic", "engine-packet-spin", "floor-packet-block"] {
            let row = row(scenario, name);
            assert!(row["failed"].is_null() && row["cycle_ns"]["p50"].as_u64() > Some(0), "{row}");
            assert_eq!(row["working_counter_faults"], 0, "{row}");
            assert_eq!(usize::from(row["wake_up_ns"].is_object()), wakes, "{row}");
        }
        let failed = row(scenario, "fails");
        assert!(failed["failed"].as_str().unwrap().contains("exit status: 1"), "{failed}");
        assert!(failed["cycle_ns"].is_null());
    }
    let engine = row(flat, "engine-xdp");
    assert_eq!(engine["n"].as_u64().unwrap() + engine["lost"].as_u64().unwrap(), 80);
    assert_eq!((&engine["mode"], &engine["ratio_p50"]), (&"native_copy".into(), &1.0.into()));
    let talks = row(flat, "talks");
    assert_eq!((&talks["n"], &talks["lost"], &talks["set_up"]), (&200.into(), &4.into(), &"a shell script".into()));

    let page = std::fs::read_to_string(&html).unwrap();
    assert!(page.contains("zerocat-bench-compare/1") && page.contains("a shell script"));
    assert!(ended.out.contains("60x4@500:sleep") && ended.out.contains("not measured"), "{}", ended.out);
    for interface in left {
        assert!(interface["xdp"].is_null(), "a program is left: {interface}");
    }
}

#[test]
fn a_scenario_that_is_none_is_refused_with_an_example() {
    let ended = zerocat(&["bench", "compare", "--interface", "lo", "--scenarios", "60"]).with_code(2);
    assert!(ended.err.contains("60@1000:spin"), "{}", ended.err);
}
