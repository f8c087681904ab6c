//! Diagnosis histories of a bus in operation, and requests to a bus that is lost, under virtual time.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::time::Duration;
use zerocat::testing::{Action, Bench, DiagnosisKind, End, ProfileKind, line};
use zerocat::{Events, RequestError, SessionEvent};

const SECOND: Duration = Duration::from_secs(1);

fn diagnosed(bench: &mut Bench, kind: DiagnosisKind, code: u16) {
    bench.act(Action::Diagnosis { subdevice: 0, kind, code, text_id: 0x1001 }).unwrap();
}

fn told(events: &Events) -> Vec<String> {
    let next = || events.recv(Duration::ZERO).ok();
    std::iter::from_fn(next)
        .filter(|event| matches!(event, SessionEvent::Diagnosis(_)))
        .map(|e| e.to_string())
        .collect()
}

#[test]
fn new_messages_are_told_in_words_and_those_of_before_are_not() {
    let (mut bench, _io) = Bench::start(Bench::bus(), &line(&[ProfileKind::Servo])).unwrap();
    let events = bench.events();
    diagnosed(&mut bench, DiagnosisKind::Error, 0x2310);
    bench.run(2 * SECOND);
    assert_eq!(told(&events), Vec::<String>::new(), "it was there at the first look");
    diagnosed(&mut bench, DiagnosisKind::Warning, 0x4210);
    diagnosed(&mut bench, DiagnosisKind::Info, 0x1000);
    bench.run(6 * SECOND);
    let told = told(&events);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("diagnosis warning, emergency code 0x4210: device temperature; in a drive: device temperature too high, text 0x1001"), "{told:?}");
    assert!(told[1].contains("diagnosis info, emergency code 0x1000: generic error"), "{told:?}");
}

#[test]
fn an_emergency_has_the_history_read_at_once() {
    let (mut bench, _io) = Bench::start(Bench::bus(), &line(&[ProfileKind::Servo])).unwrap();
    let events = bench.events();
    bench.run(2 * SECOND);
    diagnosed(&mut bench, DiagnosisKind::Error, 0x4310);
    bench.act(Action::Emergency { subdevice: 0, code: 0x4310, register: 1, data: [0; 5] }).unwrap();
    bench.run(SECOND / 2);
    assert_eq!(told(&events).len(), 1);
}

#[test]
fn a_request_that_is_made_in_an_outage_ends_by_its_deadline() {
    let (mut bench, _io) = Bench::start(Bench::bus(), &line(&[ProfileKind::Servo])).unwrap();
    bench.act(Action::PullEnd(End::First)).unwrap();
    bench.run(SECOND / 2);
    let servo = bench.subdevice(0).unwrap();
    let asked = servo.within(SECOND).sdo_read::<u16>(0x6041, 0);
    bench.run(2 * SECOND);
    let refused = asked.try_take().expect("it has ended");
    assert!(matches!(refused, Err(RequestError::Expired { .. } | RequestError::Unavailable(_))), "{refused:?}");
    bench.act(Action::PlugEnd(End::First)).unwrap();
    bench.run(3 * SECOND);
    let again = servo.sdo_read::<u16>(0x6041, 0);
    let counted = servo.mailbox_counters();
    bench.run(SECOND / 10);
    assert!(again.try_take().unwrap().is_ok());
    assert!(counted.try_take().unwrap().unwrap().is_some());
}
