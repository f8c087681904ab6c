//! Rules of `engine.dc` and of `dc` of a SubDevice: each broken rule is found, with the path of its key.

mod support;

use serde_json::{Value, json};
use std::time::Duration;
use support::{names, parsed, set, with};

fn asks(dc: Value) -> Value {
    with("/slaves/0/dc", dc)
}

fn asks_at(dc: Value, rate: f64) -> Value {
    let mut rig = asks(dc);
    set(&mut rig, "/network/properties/rate", json!(rate));
    rig
}

#[test]
fn sync_fits_the_cycle_of_the_network() {
    for cycle in ["250us", "1ms", "4ms"] {
        let rig = asks(json!({ "assign_activate": 0x0300, "sync0": { "cycle": cycle, "shift_ns": 100_000 } }));
        assert_eq!(parsed(&rig).problems(), [], "{cycle}");
    }
    let rig = asks(json!({ "assign_activate": 0x0300, "sync0": { "cycle": "300us" } }));
    assert!(names(&rig, "slaves[0].dc.sync0.cycle", "300000 ns is neither a whole multiple nor a whole part"));
    let rig = asks(json!({ "assign_activate": 0x0300, "sync0": { "shift_ns": 1_000_000 } }));
    assert!(names(&rig, "slaves[0].dc.sync0.shift_ns", "not less than the cycle"));
    let rig = asks(json!({ "assign_activate": 0x0300, "sync1": { "delay": "10us" } }));
    assert!(names(&rig, "slaves[0].dc.sync1", "leaves SYNC1 off"));
}

#[test]
fn a_slave_of_a_slow_sync_unit_has_a_slow_sync0() {
    let mut rig = asks(json!({ "assign_activate": 0x0300 }));
    set(&mut rig, "/engine", json!({ "sync_units": [{ "name": "slow", "every": 4, "slaves": ["dev"] }] }));
    let rig = parsed(&rig);
    assert_eq!((rig.exchanged_every("dev"), rig.exchanged_every("other")), (rig.period() * 4, rig.period()));
    let times = rig.slaves[0].dc.as_ref().unwrap().times(rig.period(), rig.exchanged_every("dev"), &[]);
    assert_eq!(Duration::from_nanos(times.unwrap().unwrap().sync0_cycle.into()), Duration::from_millis(4));
}

#[test]
fn sync_needs_a_cycle_of_whole_nanoseconds() {
    let dc = json!({ "mode": "DC" });
    assert!(names(&asks_at(dc.clone(), 3000.0), "network.properties.rate", "a cycle of 333333.333 ns"));
    let mut off = asks_at(json!({ "assign_activate": 0 }), 3000.0);
    assert!(!parsed(&off).asks_for_sync());
    assert!(parsed(&off).problems().iter().all(|problem| problem.path != "network.properties.rate"));
    set(&mut off, "/engine", json!({ "dc": "on" }));
    assert!(names(&off, "network.properties.rate", "whole nanoseconds"));
    for rate in [1000.0, 8000.0, 62.5, 1e6 / 333.0] {
        let problems = parsed(&asks_at(dc.clone(), rate)).problems();
        assert!(problems.iter().all(|problem| problem.path != "network.properties.rate"), "{rate}: {problems:?}");
    }
}

#[test]
fn a_mode_or_a_word_is_given_and_not_both() {
    let both = json!({ "mode": "DC", "assign_activate": 0x0300 });
    assert!(names(&asks(both), "slaves[0].dc.assign_activate", "`mode` is given as well"));
    assert!(names(&asks(json!({ "sync0": {} })), "slaves[0].dc.mode", "0x0300 for SYNC0"));
    assert!(names(&asks(json!({ "mode": "" })), "slaves[0].dc.mode", "empty"));
    let twice = json!({ "assign_activate": 0x0700, "sync1": { "delay": "1us", "shift_ns": 1 } });
    assert!(names(&asks(twice), "slaves[0].dc.sync1.delay", "`cycle` or `shift_ns`"));
    assert!(names(&asks(json!({ "assign_activate": 0x0100 })), "slaves[0].dc.assign_activate", "switches no SYNC on"));
}

#[test]
fn nobody_asks_for_sync_where_clocks_are_off() {
    let mut rig = asks(json!({ "mode": "DC" }));
    set(&mut rig, "/engine", json!({ "dc": "off" }));
    assert!(names(&rig, "slaves[0].dc", "`engine.dc` is \"off\""));
    let mut rig = asks(json!({ "assign_activate": 0 }));
    set(&mut rig, "/engine", json!({ "dc": "off" }));
    assert_eq!(parsed(&rig).problems(), []);
}

#[test]
fn settings_of_the_network_are_within_bounds() {
    let clocks = |dc: Value| with("/engine", json!({ "dc": dc }));
    assert!(names(&clocks(json!({ "reference": "dve" })), "engine.dc.reference", "did you mean `dev`?"));
    for lead in ["0s", "1ms"] {
        assert!(names(&clocks(json!({ "lead": lead })), "engine.dc.lead", "is not in 0 < lead < 1ms"));
    }
    assert!(names(&clocks(json!({ "phase": "100us" })), "engine.dc.phase", "runs by its reference clock"));
    assert!(names(&clocks(json!({ "follow": "host", "phase": "1ms" })), "engine.dc.phase", "not less than the cycle"));
    assert!(names(&clocks(json!({ "settle_timeout": "2min" })), "engine.dc.settle_timeout", "more than 60s"));
    assert!(names(&clocks(json!({ "settled_below": "0s" })), "engine.dc.settled_below", "it is 0"));
    assert_eq!(parsed(&clocks(json!({ "follow": "host", "phase": "0s", "reference": "dev" }))).problems(), []);
}

#[test]
fn a_cycle_of_sync0_fits_also_beside_a_mode() {
    let beside = |cycle: &str| asks(json!({ "mode": "DC", "sync0": { "cycle": cycle } }));
    assert_eq!(parsed(&beside("2ms")).problems(), []);
    assert!(names(&beside("3500us"), "slaves[0].dc.sync0.cycle", "neither a whole multiple nor a whole part"));
}

#[test]
fn times_beside_a_word_without_sync_have_no_effect() {
    for key in ["sync0", "sync1"] {
        let mut dc = json!({ "assign_activate": 0 });
        dc[key] = json!({ "cycle": "1ms" });
        assert!(names(&asks(dc), &format!("slaves[0].dc.{key}"), "which is no SYNC"), "{key}");
    }
    assert_eq!(parsed(&asks(json!({ "assign_activate": 0 }))).problems(), []);
}
