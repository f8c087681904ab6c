//! PDO assignment of the rig file under virtual time: the layout follows what was written, also after an outage; one that is
//! refused ends the start with SubDevice, object and reason.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use serde_json::{Value, json};
use std::time::Duration;
use zerocat::config::Rig;
use zerocat::testing::{Action, Bench, BenchError, ProfileKind, line};
use zerocat::{Bus, Entry, Io, Out, SessionEvent};

fn bus(assign: &Value) -> Bus {
    let rig = json!({
        "network": { "interface": "eth0", "rate": 1000 },
        "slaves": [{ "key": "axis", "position": 0, "assign": assign }],
    });
    Bus::from_rig(Rig::from_json(&rig.to_string()).unwrap().check().unwrap()).silent_after(Duration::from_millis(20))
}

fn servo() -> zerocat::testing::SegmentConfig {
    line(&[ProfileKind::Servo])
}

fn mapped() -> Value {
    let entry = |object: &str, data_type: &str| json!({ "object": object, "data_type": data_type });
    let outputs = json!([{ "index": "0x1602", "entries": [
        entry("0x6040:00", "uint16"), { "bit_length": 8 }, entry("0x6060:00", "int8"), entry("0x60ff:00", "int32")] }]);
    json!({ "inputs": ["0x1a03"], "outputs": outputs })
}

#[test]
fn what_is_mapped_anew_is_exchanged() {
    let mut bus = bus(&mapped());
    let (velocity, torque) = (bus.output::<i32>("axis", 0x60ff), bus.input::<i16>("axis", 0x6077));
    let (mut bench, mut io) = Bench::start(bus, &servo()).unwrap();
    command(&mut bench, &mut io, velocity);
    assert!(io.is_good(torque));
}

/// Commands a velocity, which stands behind the control word, the padding and the mode.
fn command(bench: &mut Bench, io: &mut Io, velocity: Out<i32>) {
    let cycle = bench.step(io).unwrap();
    io.set(velocity, 1000);
    io.commit(&cycle).unwrap();
    bench.run(Duration::from_millis(5));
    assert_eq!(bench.segment().outputs(0).unwrap()[4..8], 1000i32.to_le_bytes());
}

#[test]
fn what_is_not_assigned_any_more_cannot_be_asked_for() {
    let mut bus = bus(&mapped());
    let _ = bus.output::<i32>("axis", Entry::at(0x607a, 0));
    match Bench::start(bus, &servo()) {
        Err(error) => assert!(zerocat::chain(&error).contains("0x607a:00"), "{error}"),
        Ok(_) => panic!("0x607a isn't mapped"),
    }
}

#[test]
fn a_pdo_that_is_not_there_ends_the_start_with_those_that_are_there() {
    match Bench::start(bus(&json!({ "outputs": ["0x1610"] })), &servo()) {
        Err(BenchError::Life(error)) => {
            let text = zerocat::chain(&error);
            assert!(
                text.contains("SubDevice 0 (") && text.contains("there is no PDO 0x1610; there are 0x1600"),
                "{text}"
            );
            assert_eq!(text.matches("SubDevice 0 (").count(), 1, "{text}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_is_written_again_when_the_subdevice_comes_back_from_power_off() {
    let mut bus = bus(&mapped());
    let velocity = bus.output::<i32>("axis", 0x60ff);
    let (mut bench, mut io) = Bench::start(bus, &servo()).unwrap();
    let events = bench.events();
    bench.act(Action::PowerOff { subdevice: 0 }).unwrap();
    bench.run(Duration::from_millis(500));
    bench.act(Action::PowerOn { subdevice: 0 }).unwrap();
    bench.run(Duration::from_secs(3));
    let mut told = Vec::new();
    while let Ok(event) = events.recv(Duration::ZERO) {
        told.push(event);
    }
    assert!(told.iter().any(|event| matches!(event, SessionEvent::Recovered { .. })), "{told:?}");
    command(&mut bench, &mut io, velocity);
}
