//! Claims about the acyclic lane: every frame of the pool comes back to it exactly once.

use crate::support::{Fate, Memory};
use ethercrab::{Command, MainDevice, MainDeviceConfig, RetryBehaviour, Timeouts, WrappedRead, error::Error};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use zerocat_engine::{AcyclicSettings, Engine, EngineParts, Pool, Slack, Timing};
use zerocat_link::Slot;
use zerocat_sched::{Time, link_idle_timer};

/// A request; gives the working counter of its answer.
type Request = Pin<Box<dyn Future<Output = u16>>>;

fn engine(in_flight: u16) -> (Engine<Memory>, EngineParts, &'static MainDevice<'static>) {
    link_idle_timer();
    let (pool, pdu_loop) = Pool::new();
    let config = MainDeviceConfig { dc_static_sync_iterations: 0, retry_behaviour: RetryBehaviour::None };
    let timeouts = Timeouts { pdu: Duration::from_secs(3600), ..Timeouts::default() };
    let main_device = Box::leak(Box::new(MainDevice::new(pdu_loop, timeouts, config)));
    let acyclic = AcyclicSettings { first_slot: Slot(0), in_flight, timeout: Duration::from_millis(10) };
    let (engine, parts) = Engine::new(Memory::new(16), Timing::for_period(Duration::from_millis(1)), pool, acyclic);
    (engine, parts, main_device)
}

fn request(main_device: &'static MainDevice<'static>) -> Request {
    asking(main_device, Command::brd(0x0130))
}

/// A request to a single SubDevice.
fn request_to_one(main_device: &'static MainDevice<'static>) -> Request {
    asking(main_device, Command::fprd(0x1001, 0x0130))
}

fn asking(main_device: &'static MainDevice<'static>, read: WrappedRead) -> Request {
    let mut request: Request = Box::pin(async move {
        let answer = read.ignore_wkc().receive_slice(main_device, 2).await.unwrap();
        match answer.wkc(u16::MAX) {
            Err(Error::WorkingCounter { received, .. }) => received,
            other => panic!("{other:?}"),
        }
    });
    assert!(poll(&mut request).is_none(), "the frame isn't even sent");
    request
}

fn poll(request: &mut Request) -> Option<u16> {
    match request.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Pending => None,
        Poll::Ready(counter) => Some(counter),
    }
}

fn slack(engine: &mut Engine<Memory>, millis: u64) -> Slack {
    engine.slack(Time(millis * 1_000_000), Time(u64::MAX))
}

#[test]
fn an_answer_comes_back_with_its_working_counter() {
    let (mut engine, _parts, main_device) = engine(2);
    let mut asked = request(main_device);
    assert_eq!(slack(&mut engine, 1), Slack::Sent);
    slack(&mut engine, 1);
    assert_eq!(poll(&mut asked), Some(1));
}

#[test]
fn the_next_request_is_looked_for_behind_an_answer_too() {
    let (mut engine, _parts, main_device) = engine(2);
    let mut asked = request(main_device);
    let at = |engine: &mut Engine<Memory>, micros: u64| engine.slack(Time(micros * 1_000), Time(u64::MAX));
    assert_eq!(at(&mut engine, 1_000), Slack::Sent);
    assert_eq!(at(&mut engine, 2_000), Slack::Busy, "it came back just now");
    assert_eq!(poll(&mut asked), Some(1));
    assert_eq!(at(&mut engine, 2_299), Slack::Busy);
    assert_eq!(at(&mut engine, 2_300), Slack::Idle);
}

#[test]
fn a_lost_frame_comes_back_once_with_working_counter_0() {
    let (mut engine, _parts, main_device) = engine(2);
    engine.link_mut().fates.push_back(Fate::Lost);
    let mut asked = request(main_device);
    slack(&mut engine, 1);
    assert_eq!(slack(&mut engine, 10), Slack::Busy);
    assert_eq!(poll(&mut asked), None, "not before its time");
    slack(&mut engine, 11);
    assert_eq!(poll(&mut asked), Some(0));
}

#[test]
fn a_copy_whose_working_counter_cannot_be_is_passed_over_for_the_answer_behind_it() {
    let (mut engine, parts, main_device) = engine(2);
    engine.link_mut().fates.push_back(Fate::Copied);
    let mut asked = request_to_one(main_device);
    slack(&mut engine, 1);
    slack(&mut engine, 1);
    assert_eq!(poll(&mut asked), Some(1));
    engine.prepare(0);
    engine.conclude(zerocat_sched::Tick { number: 0, at: Time(0), skipped: 0 }, Time(0), Time(0));
    let counters = parts.counters.read();
    assert_eq!((counters.acyclic_stray, counters.acyclic_lost, counters.acyclic_sent), (1, 0, 1));
}

#[test]
fn an_answer_that_cannot_be_is_given_once_no_better_one_came_in_time() {
    let (mut engine, _parts, main_device) = engine(2);
    engine.link_mut().fates.push_back(Fate::Miscounted);
    let mut asked = request_to_one(main_device);
    slack(&mut engine, 1);
    slack(&mut engine, 10);
    assert_eq!(poll(&mut asked), None, "not before its time");
    slack(&mut engine, 11);
    assert_eq!(poll(&mut asked), Some(2));
    // Of a broadcast any count can be.
    engine.link_mut().fates.push_back(Fate::Miscounted);
    let mut counted = request(main_device);
    slack(&mut engine, 20);
    slack(&mut engine, 20);
    assert_eq!(poll(&mut counted), Some(2));
}

#[test]
fn an_answer_after_its_frame_was_given_up_is_a_stray() {
    let (mut engine, parts, main_device) = engine(2);
    engine.link_mut().fates.push_back(Fate::Delayed);
    let mut first = request(main_device);
    slack(&mut engine, 1);
    slack(&mut engine, 11);
    assert_eq!(poll(&mut first), Some(0));
    // The same datagram again: the late answer arrives at this frame's kick and must not answer it.
    for _ in 0..255 {
        let mut passing = request(main_device);
        engine.link_mut().fates.push_front(Fate::Lost);
        slack(&mut engine, 11);
        slack(&mut engine, 30);
        assert_eq!(poll(&mut passing), Some(0));
    }
    engine.prepare(0);
    let concluded = engine.conclude(zerocat_sched::Tick { number: 0, at: Time(0), skipped: 0 }, Time(0), Time(0));
    assert_eq!(concluded.end, None);
    let counters = parts.counters.read();
    assert_eq!((counters.acyclic_stray, counters.acyclic_lost, counters.acyclic_sent), (1, 256, 256));
}

#[test]
fn more_requests_than_slots_wait_in_the_pool_and_none_is_forgotten() {
    let (mut engine, _parts, main_device) = engine(2);
    let mut asked: Vec<_> = (0..10).map(|_| request(main_device)).collect();
    let mut answered = 0;
    for _ in 0..20 {
        slack(&mut engine, 1);
        asked.retain_mut(|request| match poll(request) {
            Some(counter) => {
                assert_eq!(counter, 1);
                answered += 1;
                false
            }
            None => true,
        });
    }
    assert_eq!(answered, 10);
}

#[test]
fn the_pool_never_leaks_a_frame_however_many_are_lost() {
    let (mut engine, _parts, main_device) = engine(4);
    for round in 0..500u64 {
        let at = round * 20;
        engine.link_mut().fates.clear();
        engine.link_mut().fates.extend([Fate::Lost, Fate::Answered, Fate::Doubled, Fate::Delayed]);
        let mut asked: Vec<_> = (0..4).map(|_| request(main_device)).collect();
        slack(&mut engine, at);
        slack(&mut engine, at);
        slack(&mut engine, at + 15);
        assert!(asked.iter_mut().all(|request| poll(request).is_some()), "round {round}");
    }
}

#[test]
fn a_link_that_is_down_gives_every_frame_back_as_lost() {
    let (mut engine, _parts, main_device) = engine(2);
    engine.link_mut().down = true;
    let mut asked = request(main_device);
    slack(&mut engine, 1);
    slack(&mut engine, 12);
    assert_eq!(poll(&mut asked), Some(0));
}

#[test]
fn one_frame_is_sent_in_a_cycle_that_left_no_time_for_it() {
    let (mut engine, _parts, main_device) = engine(4);
    let mut asked: Vec<_> = (0..3).map(|_| request(main_device)).collect();
    for number in 1..=4 {
        // The deadline of the cycle's frames has passed, and the guard before the next tick has begun.
        let (now, next) = (Time(number * 1_000_000 + 900_000), Time((number + 1) * 1_000_000));
        engine.prepare(number);
        engine.send(Time(number * 1_000_000));
        let first = engine.slack(now, next);
        assert_eq!(first == Slack::Sent, number <= 3, "cycle {number}");
        assert_ne!(engine.slack(now, next), Slack::Sent, "one frame a cycle, so that the next tick is not late");
    }
    engine.poll();
    assert!(asked.iter_mut().all(|request| poll(request) == Some(1)));
}

#[test]
fn a_request_that_finds_no_slot_is_given_back_as_lost() {
    let (mut engine, _parts, main_device) = engine(2);
    engine.link_mut().busy = true;
    let mut asked = request(main_device);
    slack(&mut engine, 1);
    slack(&mut engine, 10);
    assert_eq!(poll(&mut asked), None, "not before its time");
    slack(&mut engine, 11);
    assert_eq!(poll(&mut asked), Some(0));
    let mut next = request(main_device);
    slack(&mut engine, 12);
    assert_eq!(poll(&mut next), None, "it has a time of its own");
    engine.link_mut().busy = false;
    slack(&mut engine, 13);
    slack(&mut engine, 13);
    assert_eq!(poll(&mut next), Some(1));
}

/// One cycle whose frames took all of its time, with the slack that is left. Whether a frame went out.
fn full_cycle(engine: &mut Engine<Memory>, number: u64) -> bool {
    engine.prepare(number);
    engine.send(Time(number * 1_000_000));
    let late = Time(number * 1_000_000 + 900_000);
    engine.slack(late, Time((number + 1) * 1_000_000)) == Slack::Sent
}

#[test]
fn where_frames_of_full_cycles_are_lost_each_is_waited_for_longer() {
    let (mut engine, _parts, main_device) = engine(2);
    let sent = |engine: &mut Engine<Memory>, cycles: std::ops::Range<u64>| {
        let mut asked = request(main_device);
        let sent = cycles.filter(|number| {
            engine.link_mut().fates.push_front(Fate::Lost);
            // Given back as lost: asked again, as the bus does.
            if poll(&mut asked).is_some() {
                asked = request(main_device);
            }
            full_cycle(engine, *number)
        });
        sent.collect::<Vec<_>>()
    };
    // Given back after 10, 20, 40, 50, 50 ms, and sent again in the next cycle.
    assert_eq!(sent(&mut engine, 1..180), [1, 12, 33, 74, 125, 176]);
    engine.link_mut().fates.clear();
    let mut asked = request(main_device);
    assert!(full_cycle(&mut engine, 230));
    engine.poll();
    assert_eq!(poll(&mut asked), Some(1), "an answer ends that");
    assert_eq!(sent(&mut engine, 240..270), [240, 251]);
}

#[test]
fn every_cycle_has_a_turn_also_while_all_frames_are_lost() {
    let (mut engine, _parts, main_device) = engine(8);
    let mut asked = Vec::new();
    let sent = (1..=40).filter(|number| {
        engine.link_mut().fates.push_front(Fate::Lost);
        asked.retain_mut(|asked| poll(asked).is_none());
        asked.push(request(main_device));
        full_cycle(&mut engine, *number)
    });
    // The first is lost in cycle 11; until then, and while less than eight are out, each cycle sends one.
    assert_eq!(sent.take_while(|number| *number <= 8).count(), 8);
}

#[test]
fn a_link_that_holds_all_slots_is_kicked_once_in_each_cycle_while_frames_wait() {
    let (mut engine, _parts, main_device) = engine(2);
    engine.link_mut().busy = true;
    let mut asked = request(main_device);
    slack(&mut engine, 1);
    assert_eq!(engine.link().kicks, 0, "no cycle has begun");
    for number in 1..=5 {
        engine.prepare(number);
        slack(&mut engine, number);
        slack(&mut engine, number);
    }
    assert_eq!((engine.link().kicks, poll(&mut asked)), (5, None));
}
