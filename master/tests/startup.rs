//! Startup commands of the rig file under virtual time: they are sent in bring-up, in their order, and again in a recovery; one that
//! is refused is told with SubDevice, object, value and abort code.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use serde_json::{Value, json};
use std::time::Duration;
use zerocat::config::Rig;
use zerocat::testing::{Action, Bench, BenchError, End, ProfileKind, line};
use zerocat::{Bus, SessionEvent};

fn bus(startup: Value) -> Bus {
    let rig = json!({
        "network": { "interface": "eth0", "rate": 1000 },
        "slaves": [{ "key": "axis", "position": 0, "startup": startup }],
    });
    Bus::from_rig(Rig::from_json(&rig.to_string()).unwrap().check().unwrap()).silent_after(Duration::from_millis(20))
}

fn write(object: &str, data_type: &str, value: Value) -> Value {
    json!({ "transition": "PS", "object": object, "data_type": data_type, "value": value, "verify": true })
}

fn start(startup: Value) -> Result<Bench, BenchError> {
    Bench::start(bus(startup), &line(&[ProfileKind::Servo])).map(|(bench, _)| bench)
}

/// An error with its causes.
fn refused(startup: Value) -> String {
    match start(startup) {
        Err(BenchError::Life(error)) => zerocat::chain(&error),
        other => panic!("{other:?}"),
    }
}

#[test]
fn objects_are_written_and_read_back_in_each_transition() {
    let later = json!({ "transition": "SO", "object": "0x6081", "data_type": "UDINT", "value": 5000, "verify": true });
    let early = json!({ "transition": "IP", "object": "0x6084", "value": "40420f00", "verify": true });
    start(json!([write("0x6065", "uint32", json!(1000)), later, early])).unwrap();
}

#[test]
fn an_abort_ends_bring_up_with_subdevice_object_value_and_reason() {
    let text = refused(json!([write("0x6065", "uint32", json!(1000)), write("0x7777:03", "uint16", json!(0x0102))]));
    assert!(text.contains("startup[1] (PS): startup command 0x7777:03 = 258"), "{text}");
    assert!(text.contains("SubDevice 0") && text.contains("abort 0x06020000: Object doesn't exist"), "{text}");
}

#[test]
fn a_value_of_another_length_is_refused_by_the_subdevice_and_told() {
    let text = refused(json!([write("0x6065", "uint16", json!(1000))]));
    assert!(text.contains("0x6065 = 1000: abort 0x0607") && text.contains("correct `data_type`"), "{text}");
}

#[test]
fn one_that_may_fail_keeps_nobody() {
    let may = json!({ "transition": "PS", "object": "0x7777", "data_type": "uint8", "value": 1, "on_error": "warn" });
    start(json!([may, write("0x6065", "uint32", json!(1000))])).unwrap();
}

fn idn(idn: &str, value: Value) -> Value {
    json!({ "transition": "PS", "object": idn, "value": value, "verify": true })
}

fn start_drive(startup: Value) -> Result<Bench, BenchError> {
    Bench::start(bus(startup), &line(&[ProfileKind::SoeServo])).map(|(bench, _)| bench)
}

fn refused_by_drive(startup: Value) -> String {
    match start_drive(startup) {
        Err(BenchError::Life(error)) => zerocat::chain(&error),
        other => panic!("{other:?}"),
    }
}

#[test]
fn idns_are_written_as_the_attribute_of_the_drive_says() {
    let later = json!({ "transition": "SO", "object": "S-0-0091", "value": 5000, "verify": true });
    let typed =
        json!({ "transition": "IP", "object": "S-0-0001", "data_type": "uint16", "value": 1000, "verify": true });
    let text = idn("P-0-0001", json!("a text that is longer than a mailbox of 128 bytes ".repeat(5)));
    start_drive(json!([idn("S-0-0015", json!(7)), idn("S-0-0052", json!(-5)), text, later, typed])).unwrap();
}

#[test]
fn a_refused_idn_ends_bring_up_with_subdevice_idn_value_and_reason() {
    let text = refused_by_drive(json!([idn("S-0-0015", json!(7)), idn("S-0-0091", json!(6001))]));
    assert!(text.contains("SubDevice 0") && text.contains("startup command S-0-0091 = 6001: "), "{text}");
    assert!(text.contains("error 0x7007: Value is above the maximum"), "{text}");
    let text = refused_by_drive(json!([idn("P-0-4000", json!(1))]));
    assert!(text.contains("P-0-4000 = 1: ") && text.contains("error 0x1001: There is no such IDN"), "{text}");
    let text = refused_by_drive(json!([idn("S-0-0015", json!(70_000))]));
    assert!(text.contains("startup command S-0-0015 = 70000: 70000 is out of range"), "{text}");
}

#[test]
fn an_idn_that_is_protected_in_safeop_is_told_and_may_fail() {
    let may = json!({ "transition": "SO", "object": "S-0-0016", "value": [], "on_error": "warn" });
    start_drive(json!([may])).unwrap();
    let must = json!({ "transition": "SO", "object": "S-0-0016", "value": [] });
    let text = refused_by_drive(json!([must]));
    assert!(text.contains("S-0-0016 = []: ") && text.contains("write-protected at present"), "{text}");
}

#[test]
fn a_subdevice_without_soe_is_told_with_its_command() {
    let text = refused(json!([idn("S-0-0015", json!(7))]));
    assert!(text.contains("startup command S-0-0015 = 7") && text.contains("no SoE mailbox"), "{text}");
}

#[test]
fn a_subdevice_without_coe_is_told_with_its_command() {
    let digital = line(&[ProfileKind::DigitalIn]);
    match Bench::start(bus(json!([write("0x8000:01", "uint8", json!(1))])), &digital) {
        Err(BenchError::Life(error)) => {
            let text = zerocat::chain(&error);
            assert!(text.contains("startup command 0x8000:01 = 1") && text.contains("no CoE mailbox"), "{text}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn they_are_sent_again_when_the_network_is_back_and_one_that_fails_is_told() {
    let may = json!({ "transition": "PS", "object": "0x7777", "data_type": "uint8", "value": 1, "on_error": "warn" });
    let mut bench = start(json!([may])).unwrap();
    let events = bench.events();
    bench.act(Action::PullEnd(End::First)).unwrap();
    bench.run(Duration::from_millis(500));
    bench.act(Action::PlugEnd(End::First)).unwrap();
    bench.run(Duration::from_secs(3));
    let mut told = Vec::new();
    while let Ok(event) = events.recv(Duration::ZERO) {
        told.push(event);
    }
    assert!(told.iter().any(|event| matches!(event, SessionEvent::Recovered { .. })), "{told:?}");
    let failed: Vec<_> = told.iter().filter(|event| matches!(event, SessionEvent::StartupFailed(_))).collect();
    let [failed] = failed.as_slice() else { panic!("{told:?}") };
    assert!(failed.to_string().contains("startup command 0x7777 = 1: "), "{failed}");
}

/// The events since they were asked for.
fn told(events: &zerocat::Events) -> Vec<SessionEvent> {
    let mut told = Vec::new();
    while let Ok(event) = events.recv(Duration::ZERO) {
        told.push(event);
    }
    told
}

fn back(transition: &str, object: &str) -> Value {
    json!({ "transition": transition, "object": object, "data_type": "uint8", "value": 1 })
}

#[test]
fn those_of_transitions_back_are_sent_at_shutdown_and_keep_nobody_from_init() {
    let mut bench =
        start(json!([back("OS", "0x7771"), back("SP", "0x7772"), back("PI", "0x7773"), back("PI", "0x7774")])).unwrap();
    let events = bench.events();
    bench.stop().unwrap();
    let failed: Vec<String> = told(&events).iter().map(ToString::to_string).collect();
    let of = |object: &str| failed.iter().filter(|text| text.contains(&format!("startup command {object}"))).count();
    let each = ["0x7771", "0x7772", "0x7773", "0x7774"].map(of);
    assert_eq!(each, [1; 4], "{failed:?}");
    let states: Vec<String> = bench.segment().snapshot().subdevices.iter().map(|one| one.state.to_string()).collect();
    assert_eq!(states, ["INIT"]);
}

#[test]
fn those_of_transitions_back_are_sent_after_an_outage_before_bring_up_begins_anew() {
    let mut bench = start(json!([back("SP", "0x7772"), back("PI", "0x7773")])).unwrap();
    let events = bench.events();
    bench.act(Action::PullEnd(End::First)).unwrap();
    bench.run(Duration::from_millis(500));
    bench.act(Action::PlugEnd(End::First)).unwrap();
    bench.run(Duration::from_secs(3));
    let told = told(&events);
    assert!(told.iter().any(|event| matches!(event, SessionEvent::Recovered { .. })), "{told:?}");
    let failed = told.iter().filter(|event| matches!(event, SessionEvent::StartupFailed(_))).count();
    assert_eq!(failed, 2, "{told:?}");
}
