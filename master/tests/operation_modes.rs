//! The SYNC that a rig file asks for by an operation mode's name, under virtual time: modes are read from the SubDevice, and what it
//! can't have is refused before it leaves INIT.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use serde_json::{Value, json};
use zerocat::config::Rig;
use zerocat::testing::{Bench, BenchError, ProfileKind, SegmentConfig, SubDeviceConfig, line};
use zerocat::{Bus, chain};

/// It has the modes `Synchron`, without SYNC, and `DC`.
const ESI: &[u8] = include_bytes!("../../esi/tests/samples/analogue.xml");

fn start(dc: &Value, segment: &SegmentConfig) -> Result<Bench, BenchError> {
    let rig = json!({
        "network": { "interface": "eth0", "rate": 1000 },
        "slaves": [{ "key": "sensor", "position": 0, "dc": dc }],
    });
    let bus = Bus::from_rig(Rig::from_json(&rig.to_string()).unwrap().check().unwrap());
    Bench::start(bus, segment).map(|(bench, _)| bench)
}

fn described() -> SegmentConfig {
    SegmentConfig::line(vec![SubDeviceConfig::from_esi_bytes(ESI, "AX3102").unwrap()])
}

/// An error with its causes.
fn refused(dc: &Value, segment: &SegmentConfig) -> String {
    match start(dc, segment) {
        Err(BenchError::Life(error)) => chain(&error),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_mode_that_the_subdevice_does_not_have_is_told_with_those_that_it_has() {
    let text = refused(&json!({ "mode": "DC-Synchron" }), &described());
    assert!(
        text.contains("`sensor` can't have the SYNC") && text.contains("no operation mode `DC-Synchron`"),
        "{text}"
    );
    assert!(text.contains("has Synchron, DC"), "{text}");
    let text = refused(&json!({ "mode": "DC" }), &line(&[ProfileKind::Servo]));
    assert!(text.contains("its description names none; give `assign_activate`"), "{text}");
}

#[test]
fn times_in_place_of_those_of_a_mode_are_judged_when_the_mode_is_known() {
    let text = refused(&json!({ "mode": "DC", "sync1": { "delay": "25us" } }), &described());
    assert!(text.contains("AssignActivate 0x0320 leaves SYNC1 off"), "{text}");
}

#[test]
fn a_mode_without_sync_asks_for_none() {
    start(&json!({ "mode": "Synchron" }), &described()).unwrap();
}
