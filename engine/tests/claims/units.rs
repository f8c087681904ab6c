//! Claims about sync units: frames that are due on some cycles only.

use crate::support::{Fate, cycle, exchanging_plan, plan};
use zerocat_engine::{CycleFault, SampleReader};
use zerocat_pdi::{Plan, Turn};

/// A frame of every cycle, one of every fourth, and one of every fourth a cycle later.
fn mixed() -> Plan {
    let mut plan = plan(3);
    plan.frames[1].turn = Turn::new(4, 1);
    plan.frames[2].turn = Turn::new(4, 2);
    plan
}

fn last_sample(samples: &mut SampleReader) -> (bool, Vec<u8>) {
    let mut bytes = vec![0; samples.record_len()];
    let mut last = None;
    while let Some(header) = samples.pop(&mut bytes) {
        last = Some((header.stale, bytes.clone()));
    }
    last.expect("a sample")
}

/// Numbers of the frames that were sent since the last look, from their source addresses.
fn sent(engine: &mut zerocat_engine::Engine<crate::support::Memory>) -> Vec<u8> {
    std::mem::take(&mut engine.link_mut().sent).iter().map(|frame| frame[11]).collect()
}

#[test]
fn only_frames_that_are_due_are_sent_and_expected() {
    let (mut engine, _parts, _samples) = exchanging_plan(&mixed());
    let mut frames = Vec::new();
    for number in 1..=8 {
        cycle(&mut engine, number);
        frames.push(sent(&mut engine));
        let counters = engine.counters();
        assert_eq!(counters.working_counter, counters.expected_working_counter);
        assert_eq!(counters.expected_working_counter, 3 * frames.last().unwrap().len() as u64);
    }
    assert_eq!(frames, [vec![0, 1], vec![0, 2], vec![0], vec![0], vec![0, 1], vec![0, 2], vec![0], vec![0]]);
    assert_eq!((engine.counters().lost_frames, engine.counters().late_frames), (0, 0));
}

#[test]
fn inputs_of_a_unit_that_is_not_due_are_those_of_its_last_exchange_and_not_stale() {
    let (mut engine, _parts, mut samples) = exchanging_plan(&mixed());
    for number in 1..=2 {
        engine.link_mut().fill = u8::try_from(number).unwrap();
        cycle(&mut engine, number);
    }
    assert_eq!(last_sample(&mut samples), (false, vec![0, 0, 2, 2, 0, 0, 1, 1, 0, 0, 2, 2]));
    engine.link_mut().fill = 3;
    cycle(&mut engine, 3);
    assert_eq!(last_sample(&mut samples), (false, vec![0, 0, 3, 3, 0, 0, 1, 1, 0, 0, 2, 2]));
}

#[test]
fn inputs_are_stale_until_the_first_exchange_of_their_unit() {
    let (mut engine, _parts, mut samples) = exchanging_plan(&mixed());
    cycle(&mut engine, 1);
    assert!(last_sample(&mut samples).0, "frame 2 was never exchanged");
    cycle(&mut engine, 2);
    assert!(!last_sample(&mut samples).0);
}

#[test]
fn a_lost_frame_of_a_slow_unit_is_counted_once_and_stale_until_its_next_exchange() {
    let (mut engine, mut parts, mut samples) = exchanging_plan(&mixed());
    (1..=4).for_each(|number| cycle(&mut engine, number));
    engine.link_mut().fates.extend([Fate::Answered, Fate::Lost]);
    let stale: Vec<_> = (5..=9)
        .map(|number| {
            cycle(&mut engine, number);
            last_sample(&mut samples).0
        })
        .collect();
    assert_eq!(stale, [true, true, true, true, false]);
    assert_eq!((engine.counters().lost_frames, engine.counters().lost_cycles), (1, 1));
    let faults: Vec<_> = std::iter::from_fn(|| parts.events.pop()).map(|event| (event.cycle, event.fault)).collect();
    assert_eq!(faults, [(5, CycleFault::Lost { frame: 1 })]);
}

#[test]
fn a_turn_on_a_cycle_that_was_skipped_is_taken_on_the_next_one() {
    let (mut engine, _parts, _samples) = exchanging_plan(&mixed());
    cycle(&mut engine, 4);
    sent(&mut engine);
    cycle(&mut engine, 7);
    assert_eq!(sent(&mut engine), [0, 1, 2]);
    cycle(&mut engine, 8);
    assert_eq!(sent(&mut engine), [0]);
    cycle(&mut engine, 9);
    assert_eq!(sent(&mut engine), [0, 1]);
}

#[test]
fn a_cycle_in_which_nothing_is_due_is_complete_at_once() {
    let mut slow = plan(1);
    slow.frames[0].turn = Turn::new(3, 0);
    let (mut engine, _parts, _samples) = exchanging_plan(&slow);
    (1..=6).for_each(|number| cycle(&mut engine, number));
    assert_eq!(sent(&mut engine).len(), 2);
    assert_eq!((engine.counters().cycles, engine.counters().lost_cycles), (6, 0));
}
