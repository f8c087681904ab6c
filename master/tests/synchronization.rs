//! What a drive with SYNC says of its cycle and counts, and that SYNC ends with the run, under virtual time.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use serde_json::json;
use std::time::Duration;
use zerocat::config::Rig;
use zerocat::testing::{Bench, BenchError, ProfileKind, SegmentConfig, line};
use zerocat::{Bus, chain};

/// A servo whose least cycle is so many microseconds.
fn servo(least_us: u32) -> SegmentConfig {
    let mut segment = serde_json::to_value(line(&[ProfileKind::Servo])).unwrap();
    segment["subdevices"][0]["clock"] = json!({ "shortest_cycle": format!("{least_us}us") });
    serde_json::from_value(segment).unwrap()
}

fn start(rate: u32, segment: &SegmentConfig) -> Result<Bench, BenchError> {
    let rig = json!({
        "network": { "interface": "eth0", "rate": rate },
        "slaves": [{ "key": "axis", "position": 0, "dc": { "assign_activate": "0x0300" } }],
    });
    let bus = Bus::from_rig(Rig::from_json(&rig.to_string()).unwrap().check().unwrap());
    Bench::start(bus, segment).map(|(bench, _)| bench)
}

#[test]
fn a_cycle_that_the_drive_cannot_do_is_refused_with_the_numbers() {
    let Err(BenchError::Life(error)) = start(2000, &servo(600)) else { panic!("it came up") };
    let text = chain(&error);
    assert!(text.contains("`axis` is to work every 500000 ns by its SYNC"), "{text}");
    assert!(text.contains("can't below 600000 ns (0x1c32:05)"), "{text}");
}

#[test]
fn sync_is_off_after_an_orderly_shutdown() {
    let mut bench = start(1000, &servo(100)).unwrap();
    let pulses = |bench: &Bench| bench.segment().clock(0, Duration::from_secs(60)).unwrap().pulses;
    assert!(pulses(&bench).is_some());
    assert_eq!(bench.stop().unwrap(), Vec::<String>::new());
    assert_eq!(pulses(&bench), None);
}

#[test]
fn sync0_in_the_frame_is_refused_with_the_least_lead() {
    let rig = json!({
        "network": { "interface": "eth0", "rate": 1000 },
        "slaves": [{ "key": "axis", "position": 0, "dc": { "assign_activate": "0x0300", "sync0": { "shift_ns": -300_000 } } }],
    });
    let bus = Bus::from_rig(Rig::from_json(&rig.to_string()).unwrap().check().unwrap());
    let Err(BenchError::Life(error)) = Bench::start(bus, &servo(100)) else { panic!("it came up") };
    let text = chain(&error);
    assert!(text.contains("SYNC0 of SubDevice 0 (ZC-SERVO) `axis` is in the frame: it comes 0.00 us after"), "{text}");
    assert!(text.contains("with its shift of -300000 ns set `engine.dc.lead` to 3"), "{text}");
}
