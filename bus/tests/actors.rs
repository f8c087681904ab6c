//! Requests to the SubDevices of a network in operation.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::time::Duration;

use support::simulated::{Simulated, prepare, segment};
use zerocat_bus::{Actors, BringUpError, Datagrams, Inbox, Options, Pending, RequestError, Requests, requests};
use zerocat_sim::{Action, SegmentConfig};
use zerocat_wire::AlState;

const SECOND: Duration = Duration::from_secs(1);
/// Status word of a CiA 402 drive.
const STATUS_WORD: u16 = 0x6041;
const SERVO: u16 = 5;

struct Bus {
    datagrams: &'static Datagrams,
    pump: Simulated,
    actors: Actors<'static>,
    requests: Requests,
    inbox: Inbox,
}

fn bus() -> Bus {
    let (datagrams, mut pump) = segment(&SegmentConfig::demo());
    let datagrams: &'static Datagrams = Box::leak(Box::new(datagrams));
    let (mut network, _) = pump.run(prepare(datagrams, Options::default())).unwrap();
    let (requests, inbox) = requests();
    Bus { datagrams, pump, actors: Actors::of(&mut network), requests, inbox }
}

impl Bus {
    /// Runs the actors for some virtual time.
    fn run(&mut self, time: Duration) {
        let end = self.datagrams.now() + time;
        let _ = self.pump.run(self.datagrams.by(end, self.actors.run(&self.inbox, &())));
    }

    fn upload(&self, position: u16, within: Duration) -> Pending<Vec<u8>> {
        self.requests.upload(position, STATUS_WORD, 0, within)
    }
}

#[test]
fn objects_are_read_and_states_told_meanwhile() {
    let mut bus = bus();
    let (object, states) = (bus.upload(SERVO, SECOND), bus.requests.states(SECOND));
    bus.run(SECOND / 2);
    assert_eq!(object.wait().unwrap().len(), 2);
    assert_eq!(states.wait().unwrap().len(), 6);
}

#[test]
fn who_has_no_coe_and_who_is_not_there_are_said() {
    let mut bus = bus();
    let (terminal, nobody) = (bus.upload(1, SECOND), bus.upload(99, SECOND));
    bus.run(SECOND / 10);
    assert!(matches!(terminal.wait(), Err(RequestError::Failed(BringUpError::Sdo(_)))));
    let nobody = nobody.wait().unwrap_err();
    assert_eq!(nobody, BringUpError::NoSuchPosition { position: 99, count: 6 }.into());
}

#[test]
fn a_request_ends_by_its_deadline_and_the_next_one_is_done() {
    let mut bus = bus();
    bus.pump.stuck = true;
    let late = bus.upload(SERVO, SECOND / 10);
    bus.run(SECOND / 2);
    assert_eq!(late.try_take(), Some(Err(RequestError::Expired { within: SECOND / 10 })));
    bus.pump.stuck = false;
    let next = bus.upload(SERVO, SECOND);
    bus.run(SECOND);
    assert!(next.wait().is_ok());
    // Those of looks at mailboxes that the end of the operation left.
    bus.pump.run(bus.datagrams.pause(SECOND / 1000));
    assert_eq!(bus.datagrams.abandoned(), 0);
}

#[test]
fn a_dropped_request_is_cancelled_and_leaves_no_frame_behind() {
    let mut bus = bus();
    bus.pump.stuck = true;
    drop(bus.upload(SERVO, 100 * SECOND));
    bus.run(SECOND / 10);
    bus.pump.stuck = false;
    let next = bus.upload(SERVO, SECOND);
    bus.run(SECOND);
    assert!(next.wait().is_ok());
    // Those of looks at mailboxes that the end of the operation left.
    bus.pump.run(bus.datagrams.pause(SECOND / 1000));
    assert_eq!(bus.datagrams.abandoned(), 0);
}

#[test]
fn a_full_channel_refuses_and_a_thread_that_has_ended_is_told() {
    let bus = bus();
    let waiting: Vec<_> = (0..64).map(|_| bus.upload(SERVO, SECOND)).collect();
    assert_eq!(bus.requests.states(SECOND).wait(), Err(RequestError::Full));
    drop(waiting);
    drop(bus.inbox);
    assert_eq!(bus.requests.states(SECOND).wait(), Err(RequestError::Ended));
}

#[test]
fn a_bus_that_is_not_in_operation_refuses_requests_with_the_reason() {
    let mut bus = bus();
    let asked = bus.upload(SERVO, SECOND);
    let end = bus.datagrams.now() + SECOND;
    let _ = bus.pump.run(bus.datagrams.by(end, bus.inbox.refuse("it is being brought up")));
    assert_eq!(asked.wait(), Err(RequestError::Unavailable("it is being brought up")));
}

#[test]
fn a_subdevice_that_was_switched_off_and_on_is_seen_in_init_without_its_station_address() {
    let mut bus = bus();
    let shown = |bus: &mut Bus| {
        let states = bus.requests.states(SECOND);
        bus.run(SECOND);
        states.wait().unwrap().pop().unwrap().shown.ok().and_then(|shown| shown.status.state())
    };
    assert_eq!(shown(&mut bus), Some(AlState::PreOp));
    let now = bus.datagrams.now();
    bus.pump.segment.act(Action::PowerOff { subdevice: SERVO.into() }, now).unwrap();
    assert_eq!(shown(&mut bus), None);
    let now = bus.datagrams.now();
    bus.pump.segment.act(Action::PowerOn { subdevice: SERVO.into() }, now).unwrap();
    assert_eq!(shown(&mut bus), Some(AlState::Init));
}

/// Asks each SubDevice once, and gives who reported, in the order of the reports, with the state.
fn look(bus: &mut Bus) -> Vec<(u16, Option<AlState>)> {
    let mut seen = Vec::new();
    bus.pump.run(bus.actors.look_once(|report| {
        seen.push((report.who.position, report.shown.ok().and_then(|shown| shown.status.state())));
    }));
    seen
}

#[test]
fn a_look_tells_of_those_that_answer_before_those_that_do_not_and_repeats_nothing() {
    let mut bus = bus();
    let before = bus.datagrams.counters();
    let all: Vec<_> = (0..6).map(|position| (position, Some(AlState::PreOp))).collect();
    assert_eq!(look(&mut bus), all);
    let now = bus.datagrams.now();
    bus.pump.segment.act(Action::PullCable { child: 2 }, now).unwrap();
    let cut: Vec<_> = (0..6).map(|position| (position, (position < 2).then_some(AlState::PreOp))).collect();
    assert_eq!(look(&mut bus), cut);
    let after = bus.datagrams.counters();
    // Each SubDevice twice, and once how many answer.
    assert_eq!((after.sent - before.sent, after.repeated - before.repeated), (13, 0));
}

#[test]
fn a_look_finds_a_subdevice_that_was_switched_off_and_on() {
    let mut bus = bus();
    let now = bus.datagrams.now();
    bus.pump.segment.act(Action::PowerOff { subdevice: SERVO.into() }, now).unwrap();
    bus.pump.segment.act(Action::PowerOn { subdevice: SERVO.into() }, now).unwrap();
    assert_eq!(look(&mut bus).last(), Some(&(SERVO, Some(AlState::Init))));
}

#[test]
fn an_answer_is_awaited_as_a_future_as_well() {
    let mut bus = bus();
    let asked = bus.upload(SERVO, SECOND);
    let end = bus.datagrams.now() + SECOND;
    let actors = async {
        bus.actors.run(&bus.inbox, &()).await;
        None
    };
    let answered = futures_lite::future::or(async { Some(asked.await) }, actors);
    let got = bus.pump.run(bus.datagrams.by(end, answered));
    assert_eq!(got.flatten().unwrap().unwrap().len(), 2);
}

#[test]
fn what_waits_behind_slow_work_ends_by_its_own_deadline_or_is_done_in_the_next_operation() {
    let mut bus = bus();
    let slow = bus.requests.mail(SERVO, SECOND, async |at| {
        at.datagrams.pause(SECOND / 2).await;
        Ok(())
    });
    let (behind, patient) = (bus.upload(SERVO, SECOND / 10), bus.upload(SERVO, SECOND));
    bus.run(SECOND / 5);
    assert_eq!(behind.try_take(), Some(Err(RequestError::Expired { within: SECOND / 10 })));
    bus.run(SECOND / 2);
    assert_eq!(patient.wait().unwrap().len(), 2);
    // The first operation ended while it was at work.
    assert!(matches!(slow.wait(), Err(RequestError::Unavailable(_))));
}

#[test]
fn registers_are_read_while_the_mailbox_is_at_work() {
    let mut bus = bus();
    let slow = bus.requests.mail(SERVO, SECOND, async |at| {
        at.datagrams.pause(SECOND / 2).await;
        Ok(())
    });
    let esc = bus.requests.registers(SERVO, SECOND, async |at| {
        Ok(at.datagrams.read_u8(at.target, 0).await.map_err(BringUpError::from)?)
    });
    bus.run(SECOND / 100);
    assert!(matches!(esc.try_take(), Some(Ok(kind)) if kind != 0));
    assert!(matches!(slow.wait(), Err(RequestError::Unavailable(_))));
}

#[test]
fn more_than_a_mailbox_can_do_is_refused_at_once_and_the_others_are_served() {
    let mut bus = bus();
    let many: Vec<_> = (0..40).map(|_| bus.upload(SERVO, 10 * SECOND)).collect();
    let other = bus.upload(0, SECOND);
    bus.run(5 * SECOND);
    let answers: Vec<_> = many.into_iter().map(Pending::wait).collect();
    let full = answers.iter().filter(|answer| **answer == Err(RequestError::Full)).count();
    let served = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!((full + served, full > 0), (40, true));
    assert!(!matches!(other.wait(), Err(RequestError::Expired { .. })));
}

#[test]
fn a_request_that_waits_for_the_bus_ends_by_its_deadline() {
    let mut bus = bus();
    let (soon, later) = (bus.upload(SERVO, SECOND / 10), bus.upload(SERVO, 100 * SECOND));
    let end = bus.datagrams.now() + SECOND;
    let held = bus.inbox.clone();
    let _ = bus.pump.run(bus.datagrams.by(end, held.hold(bus.datagrams)));
    assert_eq!(soon.try_take(), Some(Err(RequestError::Expired { within: SECOND / 10 })));
    assert!(later.try_take().is_none());
    bus.run(SECOND);
    assert_eq!(later.wait().unwrap().len(), 2);
}

#[test]
fn a_request_that_waits_behind_states_ends_by_its_deadline() {
    let mut bus = bus();
    bus.pump.stuck = true;
    let states = bus.requests.states(SECOND);
    let behind = bus.upload(SERVO, SECOND / 10);
    bus.run(SECOND / 2);
    assert_eq!(behind.try_take(), Some(Err(RequestError::Expired { within: SECOND / 10 })));
    drop(states);
}
