//! A SubDevice whose mailbox freezes while the bus is in operation, under virtual time.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::time::Duration;
use support::answer;
use zerocat::testing::{Action, Bench, ProfileKind, line};
use zerocat::{Events, Fault, SessionEvent};

const SECOND: Duration = Duration::from_secs(1);

fn bench() -> (Bench, Events) {
    let bench = Bench::start(Bench::bus(), &line(&[ProfileKind::Coupler, ProfileKind::Servo])).unwrap().0;
    let events = bench.events();
    (bench, events)
}

fn freeze(bench: &mut Bench, frozen: bool) {
    bench.act(Action::FreezeMailbox { subdevice: 1, frozen }).unwrap();
}

/// What was told of the mailbox: whether it is a fault, and the words.
fn told(events: &Events) -> Vec<(Option<Fault>, String)> {
    let all = std::iter::from_fn(|| events.recv(Duration::ZERO).ok());
    let mailbox =
        |event: &SessionEvent| matches!(event, SessionEvent::MailboxSilent(_) | SessionEvent::MailboxAnswers(_));
    all.filter(mailbox).map(|event| (event.fault(), event.to_string())).collect()
}

#[test]
fn a_frozen_mailbox_is_told_once_and_so_is_its_first_answer() {
    let (mut bench, events) = bench();
    let servo = bench.subdevice(1).unwrap().within(SECOND);
    freeze(&mut bench, true);
    for _ in 0..10 {
        assert!(answer(&mut bench, servo.sdo_read::<u16>(0x6041, 0)).is_err());
    }
    let silent = told(&events);
    assert_eq!(silent.len(), 1, "{silent:?}");
    assert_eq!(silent[0].0, Some(Fault::MailboxSilent));
    let words = "SubDevice 1 (ZC-SERVO): its mailbox has not answered for 2.5 s";
    assert!(silent[0].1.starts_with(words), "{silent:?}");
    freeze(&mut bench, false);
    bench.run(SECOND);
    assert!(answer(&mut bench, servo.sdo_read::<u16>(0x6041, 0)).is_ok());
    bench.run(SECOND);
    let again = told(&events);
    assert_eq!(again.len(), 1, "{again:?}");
    assert!(again[0].0.is_none() && again[0].1.contains("its mailbox answers again, after "), "{again:?}");
    freeze(&mut bench, true);
    assert!(answer(&mut bench, servo.sdo_read::<u16>(0x6041, 0)).is_err());
    bench.run(3 * SECOND);
    assert_eq!(told(&events).len(), 1, "another silence");
}

#[test]
fn one_request_that_is_given_up_early_is_enough() {
    let (mut bench, events) = bench();
    let servo = bench.subdevice(1).unwrap().within(SECOND / 10);
    freeze(&mut bench, true);
    assert!(answer(&mut bench, servo.sdo_read::<u16>(0x6041, 0)).is_err());
    assert_eq!(told(&events), []);
    bench.run(3 * SECOND);
    assert_eq!(told(&events).len(), 1);
}

#[test]
fn requests_that_a_frozen_mailbox_leaves_without_answer_are_counted_as_timed_out() {
    let (mut bench, _events) = bench();
    let servo = bench.subdevice(1).unwrap().within(SECOND);
    let counted = |bench: &mut Bench| answer(bench, servo.mailbox_counters()).unwrap().unwrap().failed;
    freeze(&mut bench, true);
    assert!(answer(&mut bench, servo.sdo_read::<u16>(0x6041, 0)).is_err());
    let failed = counted(&mut bench);
    assert_eq!((failed.timeout, failed.given_up), (1, 0), "{failed:?}");
    // Nobody wants this one any more.
    drop(servo.sdo_read::<u16>(0x6040, 0));
    let asked = servo.sdo_read::<u16>(0x6040, 0);
    bench.run(SECOND / 10);
    drop(asked);
    bench.run(SECOND / 10);
    let failed = counted(&mut bench);
    assert_eq!((failed.timeout, failed.given_up), (1, 1), "{failed:?}");
}

#[test]
fn of_a_subdevice_without_power_its_mailbox_isnt_told() {
    let (mut bench, events) = bench();
    let servo = bench.subdevice(1).unwrap().within(SECOND / 10);
    freeze(&mut bench, true);
    let asked = servo.sdo_read::<u16>(0x6041, 0);
    bench.run(SECOND / 20);
    bench.act(Action::PowerOff { subdevice: 1 }).unwrap();
    bench.run(5 * SECOND);
    assert!(asked.try_take().unwrap().is_err());
    assert_eq!(told(&events), []);
}
