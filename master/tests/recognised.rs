//! Who is who by device ID, and who is left out by vendor and product, under virtual time.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use serde_json::{Value, json};
use std::time::Duration;
use zerocat::config::Rig;
use zerocat::testing::{Bench, BenchError, ProfileKind, SegmentConfig, SubDeviceConfig};
use zerocat::{Bus, SessionEvent};

fn bus(network: Value, slaves: Value) -> Bus {
    let rig = json!({ "network": network, "slaves": slaves });
    Bus::from_rig(Rig::from_json(&rig.to_string()).unwrap().check().unwrap()).silent_after(Duration::from_millis(20))
}

fn servos(ids: &[u16]) -> SegmentConfig {
    let one = |id: &u16| SubDeviceConfig { device_id: *id, ..SubDeviceConfig::new(ProfileKind::Servo) };
    SegmentConfig::line(ids.iter().map(one).collect())
}

fn network() -> Value {
    json!({ "interface": "eth0", "rate": 1000 })
}

#[test]
fn twins_are_told_apart_by_device_id_wherever_they_are() {
    let slaves = json!([{ "key": "left", "device_id": 4 }, { "key": "right", "device_id": 9 }]);
    let mut bus = bus(network(), slaves);
    let mode = bus.output::<i8>("left", 0x6060);
    let (mut bench, mut io) = Bench::start(bus, &servos(&[9, 4])).unwrap();
    let cycle = bench.step(&mut io).unwrap();
    io.set(mode, 8);
    io.commit(&cycle).unwrap();
    bench.run(Duration::from_millis(5));
    let of = |n: usize| bench.segment().outputs(n).unwrap().contains(&8);
    assert_eq!([of(0), of(1)], [false, true]);
}

#[test]
fn another_device_id_is_said_with_the_line_to_change() {
    let slaves = json!([{ "key": "axis", "device_id": 4, "vendor_id": 0x7a63 }]);
    match Bench::start(bus(network(), slaves), &servos(&[5])) {
        Err(BenchError::Life(error)) => {
            let text = zerocat::chain(&error);
            assert!(
                text.contains("has the device ID 5, the rig file wants 4; to accept it write \"device_id\": 5"),
                "{text}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_excluded_by_its_kind_stays_in_init_and_is_not_told() {
    let mut network = network();
    network["exclude"] = json!([{ "vendor_id": 0x7a63 }]);
    network["unknown"] = json!("refuse");
    let slaves = json!([{ "key": "axis", "position": 1 }]);
    let (mut bench, _io) = Bench::start(bus(network, slaves), &servos(&[0, 0])).unwrap();
    let events = bench.events();
    bench.run(Duration::from_millis(100));
    let states: Vec<String> = bench.segment().snapshot().subdevices.iter().map(|one| one.state.to_string()).collect();
    assert_eq!(states, ["INIT", "OP"]);
    while let Ok(event) = events.recv(Duration::ZERO) {
        assert!(!matches!(event, SessionEvent::Unnamed(_)), "{event}");
    }
}
