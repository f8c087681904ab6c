//! What a segment says about itself while it is disturbed: outputs applied and on the wire, AL errors that leave working
//! counters alone, watchdogs that expire.

#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::time::Duration;

use support::operating::{self, Operating};
use zerocat_link::fault::{FaultInjector, FaultPlan, Rate};
use zerocat_link::{Link, Sizing, Slot};
use zerocat_sim::{Action, Outcome, OutputsOnWire, SegmentLink};
use zerocat_wire::{AlState, AlStatusCode, FrameView};

const MS: Duration = Duration::from_millis(1);
/// Of `operating::mixed(6)`: numbers in the file.
const DIGITAL_OUT: usize = 2;
const ANALOGUE_IN: usize = 3;
const ANALOGUE_OUT: usize = 4;
const SERVO: usize = 5;
/// First bytes of their outputs in the image: digital in, digital out, analogue in, analogue out, servo.
const IMAGE: [(usize, std::ops::Range<usize>); 3] = [(DIGITAL_OUT, 1..2), (ANALOGUE_OUT, 10..14), (SERVO, 14..22)];
/// Where the data of the only datagram begins.
const DATA: usize = 26;

/// Sends the image with these outputs in it and returns the working counter.
fn cycle(all: &mut Operating, outputs: u8) -> Option<u16> {
    let mut frame = all.frames().pop().unwrap();
    for (_, range) in IMAGE {
        frame[DATA + range.start..DATA + range.end].fill(outputs);
    }
    all.rig.now += MS;
    let outcome = all.rig.segment.process(&mut frame, all.rig.now);
    let view = FrameView::new_checked(&frame).unwrap();
    let counter = view.datagrams().next().unwrap().unwrap().working_counter();
    (outcome == Outcome::Returned).then_some(counter)
}

fn act(all: &mut Operating, action: Action) {
    all.rig.segment.act(action, all.rig.now).unwrap();
}

/// State, error flag and code of all, at the present time.
fn states(all: &mut Operating) -> Vec<(AlState, bool, AlStatusCode)> {
    all.rig.segment.step(all.rig.now);
    all.rig.segment.snapshot().subdevices.iter().map(|one| (one.state, one.error, one.code)).collect()
}

fn outputs(all: &Operating) -> Vec<Vec<u8>> {
    IMAGE.iter().map(|(subdevice, _)| all.rig.segment.outputs(*subdevice).unwrap()).collect()
}

#[test]
fn outputs_are_told_as_they_are_applied_and_by_channel() {
    let mut all = operating::mixed(6);
    assert_eq!(cycle(&mut all, 0x05), Some(all.counter));
    assert_eq!(outputs(&all), [vec![0x05], vec![0x05; 4], vec![0x05; 8]]);
    let segment = &all.rig.segment;
    let digital: Vec<_> = (0..=5).map(|channel| segment.output(DIGITAL_OUT, channel)).collect();
    assert_eq!(digital, [None, Some(1), Some(0), Some(1), Some(0), None]);
    assert_eq!(segment.output(ANALOGUE_OUT, 1), Some(0x0505));
    assert_eq!((segment.outputs(0), segment.outputs(6)), (Some(vec![]), None));
    cycle(&mut all, 0xff);
    assert_eq!(all.rig.segment.output(ANALOGUE_OUT, 2), Some(-1));
}

#[test]
fn an_al_error_leaves_the_working_counter_alone_and_outputs_as_its_state_has_them() {
    let mut all = operating::mixed(6);
    act(&mut all, Action::AlError { subdevice: ANALOGUE_IN, state: None, code: 0x8000 });
    act(&mut all, Action::AlError { subdevice: SERVO, state: None, code: 0x8001 });
    act(&mut all, Action::AlError { subdevice: ANALOGUE_OUT, state: Some(AlState::SafeOp), code: 0x001b });
    assert_eq!(cycle(&mut all, 0x05), Some(all.counter));
    let now = states(&mut all);
    assert_eq!(now[ANALOGUE_IN], (AlState::Op, true, AlStatusCode(0x8000)));
    assert_eq!(now[SERVO], (AlState::Op, true, AlStatusCode(0x8001)));
    assert_eq!(now[ANALOGUE_OUT], (AlState::SafeOp, true, AlStatusCode(0x001b)));
    assert_eq!(outputs(&all), [vec![0x05], vec![0; 4], vec![0x05; 8]]);
}

#[test]
fn watchdogs_expire_when_no_frame_brings_outputs() {
    let mut all = operating::mixed(6);
    // 10 ms for all; without power-on's divider nothing else is needed.
    for position in 0..6 {
        all.rig.write(position, 0x0420, &100u16.to_le_bytes());
    }
    cycle(&mut all, 0x05);
    all.rig.now += 9 * MS;
    assert!(states(&mut all)[1..].iter().all(|one| one.0 == AlState::Op));
    assert_eq!(outputs(&all), [vec![0x05], vec![0x05; 4], vec![0x05; 8]]);
    all.rig.now += MS;
    let expired = (AlState::SafeOp, true, AlStatusCode::SYNC_MANAGER_WATCHDOG);
    let now = states(&mut all);
    assert_eq!((now[ANALOGUE_OUT], now[SERVO]), (expired, expired));
    let ok = (AlState::Op, false, AlStatusCode::NO_ERROR);
    assert_eq!((now[ANALOGUE_IN], now[DIGITAL_OUT]), (ok, ok), "no outputs; no application");
    assert_eq!(outputs(&all), [vec![0], vec![0; 4], vec![0; 8]]);
    // The terminal takes outputs again, the others wait for OP.
    assert_eq!(cycle(&mut all, 0x03), Some(all.counter));
    assert_eq!(outputs(&all), [vec![0x03], vec![0; 4], vec![0; 8]]);
}

#[test]
fn outputs_that_come_too_late_for_the_watchdog_are_not_applied() {
    let mut all = operating::mixed(6);
    all.rig.write(5, 0x0420, &100u16.to_le_bytes());
    cycle(&mut all, 0x05);
    // Time passes just before the watchdog expires, and outputs come just after.
    all.rig.now += 10 * MS - Duration::from_micros(20);
    assert_eq!(states(&mut all)[SERVO].0, AlState::Op);
    all.rig.now -= MS - Duration::from_micros(40);
    cycle(&mut all, 0x05);
    let snapshot = all.rig.segment.snapshot();
    let servo = &snapshot.subdevices[SERVO];
    assert_eq!((servo.state, servo.code), (AlState::SafeOp, AlStatusCode::SYNC_MANAGER_WATCHDOG));
    assert_eq!(servo.watchdog_expiries, 1);
    assert_eq!(outputs(&all)[2], [0; 8]);
}

#[test]
fn outputs_on_the_wire_are_recorded_frame_by_frame() {
    let mut all = operating::mixed(6);
    let first = all.rig.segment.totals().frames;
    all.rig.segment.record_outputs(4);
    cycle(&mut all, 0x05);
    let recorded = all.rig.segment.take_recorded_outputs();
    let servo = OutputsOnWire {
        frame: first + 1,
        at: all.rig.now,
        subdevice: SERVO,
        bytes: vec![0x05; 8],
        state: AlState::Op,
        applied: true,
    };
    assert!(recorded.len() == 3 && recorded.contains(&servo), "{recorded:?}");
    act(&mut all, Action::AlError { subdevice: SERVO, state: Some(AlState::SafeOp), code: 1 });
    cycle(&mut all, 0x06);
    cycle(&mut all, 0x07);
    let recorded = all.rig.segment.take_recorded_outputs();
    assert_eq!(recorded.len(), 4, "the newest of six");
    let of_servo = recorded.iter().rfind(|one| one.subdevice == SERVO).unwrap();
    let state = (of_servo.frame, of_servo.bytes.as_slice(), of_servo.state, of_servo.applied);
    assert_eq!(state, (first + 3, [0x07; 8].as_slice(), AlState::SafeOp, false));
    all.rig.segment.record_outputs(0);
    cycle(&mut all, 0x08);
    assert!(all.rig.segment.take_recorded_outputs().is_empty());
}

#[test]
fn frames_are_lost_between_a_link_in_the_same_process_and_its_segment() {
    let all = operating::mixed(6);
    let (frame, now) = (all.frames().pop().unwrap(), all.rig.now);
    let link = SegmentLink::new(all.rig.segment, Sizing { slots: 8, receive: 8 }, move || now);
    let quiet = FaultPlan::default();
    let mut link = FaultInjector::new(link, quiet, quiet, 1);
    let mut send = |sending, receiving| {
        link.set_plans(sending, receiving);
        link.slot_mut(Slot(0)).unwrap()[..frame.len()].copy_from_slice(&frame);
        link.post(Slot(0), frame.len()).unwrap();
        link.kick().unwrap();
        let back = link.receive().unwrap().is_some();
        (link.inner_mut().segment_mut().totals().frames, back)
    };
    let drop = FaultPlan { drop: Rate::Every(1), ..quiet };
    let (before, back) = send(quiet, quiet);
    assert!(back);
    assert_eq!(send(drop, quiet), (before, false), "no SubDevice saw it");
    assert_eq!(send(quiet, drop), (before + 1, false), "all have seen it");
}
