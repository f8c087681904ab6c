//! An optional SubDevice that isn't there: it is told once, its inputs are never good, its outputs go nowhere, and the others run.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use serde_json::{Value, json};
use std::time::Duration;
use zerocat::config::Rig;
use zerocat::testing::{Action, Bench, BenchError, End, ProfileKind, line};
use zerocat::{Bus, SessionEvent};

fn bus(slaves: Value) -> Bus {
    let rig = json!({ "network": { "interface": "eth0", "rate": 1000 }, "slaves": slaves });
    Bus::from_rig(Rig::from_json(&rig.to_string()).unwrap().check().unwrap()).silent_after(Duration::from_millis(20))
}

fn slaves(optional: bool) -> Value {
    json!([{ "key": "axis", "position": 0 }, { "key": "gripper", "position": 1, "optional": optional }])
}

#[test]
fn one_that_is_missing_and_not_optional_ends_the_start() {
    match Bench::start(bus(slaves(false)), &line(&[ProfileKind::Servo])) {
        Err(BenchError::Life(error)) => assert!(zerocat::chain(&error).contains("nothing is at position 1")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_others_run_without_it_also_after_an_outage() {
    let mut bus = bus(slaves(true));
    let mode = bus.output::<i8>("axis", 0x6060);
    let (mut bench, mut io) = Bench::start(bus, &line(&[ProfileKind::Servo])).unwrap();
    let events = bench.events();
    bench.act(Action::PullEnd(End::First)).unwrap();
    bench.run(Duration::from_millis(500));
    bench.act(Action::PlugEnd(End::First)).unwrap();
    bench.run(Duration::from_secs(3));
    let cycle = bench.step(&mut io).unwrap();
    io.set(mode, 8);
    io.commit(&cycle).unwrap();
    bench.run(Duration::from_millis(5));
    assert!(bench.segment().outputs(0).unwrap().contains(&8));
    let mut told = Vec::new();
    while let Ok(event) = events.recv(Duration::ZERO) {
        told.push(event);
    }
    assert!(told.iter().any(|event| matches!(event, SessionEvent::Recovered { .. })), "{told:?}");
}
