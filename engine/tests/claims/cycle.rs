//! Claims about the steps of a cycle, over a link that is the test's.

use crate::support::{Fate, Memory, cycle, exchanging, plan};
use zerocat_engine::{
    CycleFault, CyclicLane, Engine, EngineParts, Exchange, LaneOptions, ReaderSpec, SampleReader, Traffic, reader,
};
use zerocat_link::Slot;

fn last_sample(samples: &mut SampleReader) -> (u64, bool, Vec<u8>) {
    let mut bytes = vec![0; samples.record_len()];
    let mut last = None;
    while let Some(header) = samples.pop(&mut bytes) {
        last = Some((header.cycle, header.stale, bytes.clone()));
    }
    last.expect("a sample")
}

fn link(engine: &mut Engine<Memory>) -> &mut Memory {
    engine.link_mut()
}

#[test]
fn inputs_of_all_frames_reach_the_reader() {
    let (mut engine, _parts, mut samples) = exchanging(3);
    link(&mut engine).fill = 0x5a;
    cycle(&mut engine, 1);
    assert_eq!(last_sample(&mut samples), (1, false, [0, 0, 0x5a, 0x5a].repeat(3)));
    assert_eq!((engine.counters().working_counter, engine.counters().expected_working_counter), (9, 9));
    assert_eq!((engine.counters().cycles, engine.counters().lost_cycles), (1, 0));
}

#[test]
fn frames_may_return_in_any_order_and_only_theirs_counts() {
    let (mut engine, _parts, mut samples) = exchanging(2);
    link(&mut engine).fates.extend([Fate::Doubled, Fate::Answered]);
    link(&mut engine).fill = 7;
    cycle(&mut engine, 1);
    engine.poll();
    assert_eq!(engine.counters().late_frames, 1, "the copy");
    assert!(!last_sample(&mut samples).1);
}

#[test]
fn a_lost_frame_leaves_its_inputs_and_flags_them() {
    let (mut engine, mut parts, mut samples) = exchanging(2);
    link(&mut engine).fill = 1;
    cycle(&mut engine, 1);
    link(&mut engine).fill = 2;
    link(&mut engine).fates.extend([Fate::Answered, Fate::Lost]);
    cycle(&mut engine, 2);
    assert_eq!(last_sample(&mut samples), (2, true, vec![0, 0, 2, 2, 0, 0, 1, 1]));
    assert_eq!((engine.counters().lost_frames, engine.counters().lost_cycles), (1, 1));
    let faults: Vec<_> = std::iter::from_fn(|| parts.events.pop()).map(|event| (event.cycle, event.fault)).collect();
    assert_eq!(faults, [(2, CycleFault::Lost { frame: 1 })]);
}

#[test]
fn a_wrong_working_counter_is_a_fault_in_both_directions() {
    let (mut engine, mut parts, mut samples) = exchanging(1);
    link(&mut engine).fill = 9;
    link(&mut engine).fates.push_back(Fate::Miscounted);
    cycle(&mut engine, 1);
    assert_eq!(last_sample(&mut samples), (1, true, vec![0; 4]));
    assert_eq!(engine.counters().working_counter_faults, 2, "LRW and AL status");
    let fault = parts.events.pop().unwrap().fault;
    assert_eq!(fault, CycleFault::WorkingCounter { frame: 0, datagram: 0, expected: 3, got: 4 });
    assert_eq!(engine.counters().lost_cycles, 0, "it did come back");
}

#[test]
fn a_frame_of_an_earlier_cycle_is_late_and_not_taken() {
    let (mut engine, _parts, mut samples) = exchanging(1);
    link(&mut engine).fill = 3;
    link(&mut engine).fates.push_back(Fate::Delayed);
    cycle(&mut engine, 1);
    link(&mut engine).fill = 4;
    cycle(&mut engine, 2);
    assert_eq!((engine.counters().late_frames, engine.counters().lost_frames), (1, 1));
    assert_eq!(engine.counters().late_cycles, 1);
    assert_eq!(last_sample(&mut samples), (2, false, vec![0, 0, 4, 4]));
}

#[test]
fn a_frame_held_back_for_hundreds_of_cycles_is_still_late() {
    let (mut engine, _parts, mut samples) = exchanging(1);
    link(&mut engine).fill = 3;
    link(&mut engine).fates.push_back(Fate::Delayed);
    cycle(&mut engine, 1);
    link(&mut engine).fill = 4;
    link(&mut engine).fates.push_back(Fate::Lost);
    cycle(&mut engine, 257);
    assert_eq!((engine.counters().late_frames, engine.counters().lost_frames), (1, 2));
    assert_eq!(last_sample(&mut samples), (257, true, vec![0; 4]), "nothing of cycle 1 in cycle 257");
}

#[test]
fn foreign_and_malformed_frames_are_counted_and_dropped() {
    let (mut engine, _parts, _samples) = exchanging(1);
    link(&mut engine).inject(vec![0xff; 60]);
    link(&mut engine).inject(vec![1, 2, 3]);
    let mut forged = link(&mut engine).sent.last().unwrap_or(&vec![0; 60]).clone();
    cycle(&mut engine, 1);
    assert_eq!(engine.counters().foreign_frames, 2);
    forged.clone_from(&link(&mut engine).sent[0]);
    forged[6] |= 0x02;
    forged[16] = 0x0b;
    link(&mut engine).inject(forged);
    engine.poll();
    assert_eq!(engine.counters().malformed_frames, 1);
    assert_eq!(engine.counters().lost_cycles, 0);
}

#[test]
fn a_slot_that_is_with_the_network_is_not_sent_and_counted() {
    let (mut engine, _parts, _samples) = exchanging(2);
    link(&mut engine).busy = true;
    cycle(&mut engine, 1);
    assert_eq!((engine.counters().unsent_frames, engine.counters().lost_frames), (2, 2));
    link(&mut engine).busy = false;
    cycle(&mut engine, 2);
    assert_eq!(engine.counters().lost_cycles, 1);
}

#[test]
fn a_reader_that_stops_is_counted_and_nothing_waits() {
    let (mut engine, parts, samples) = exchanging(1);
    for number in 1..=100 {
        cycle(&mut engine, number);
    }
    assert_eq!(samples.overruns(), 36);
    assert_eq!(parts.counters.read().overruns, 36);
    assert_eq!(parts.counters.read().cycles, 100);
}

#[test]
fn a_change_of_the_al_status_is_an_event() {
    let (mut engine, mut parts, _samples) = exchanging(1);
    cycle(&mut engine, 1);
    cycle(&mut engine, 2);
    link(&mut engine).fates.push_back(Fate::Miscounted);
    cycle(&mut engine, 3);
    let changes = std::iter::from_fn(|| parts.events.pop())
        .filter(|event| matches!(event.fault, CycleFault::AlStatus { responding: 2, .. }))
        .count();
    assert_eq!(changes, 1);
}

#[test]
fn a_retired_exchange_sends_nothing_more() {
    let (mut engine, mut parts, _samples) = exchanging(1);
    parts.controls.retire().unwrap();
    cycle(&mut engine, 1);
    let sent = link(&mut engine).sent.len();
    cycle(&mut engine, 2);
    assert_eq!(link(&mut engine).sent.len(), sent);
    assert!(!engine.is_exchanging());
}

#[test]
fn a_retired_exchange_is_kept_with_its_rings_until_it_is_collected() {
    let (mut engine, mut parts, _samples) = exchanging(1);
    parts.controls.retire().unwrap();
    cycle(&mut engine, 1);
    parts.controls.traffic(Traffic::Safe).unwrap();
    cycle(&mut engine, 2);
    assert_eq!(parts.controls.collect().map(|exchange| exchange.readers.len()), Some(1));
    assert!(parts.controls.collect().is_none());
}

#[test]
fn an_exchange_that_cannot_be_installed_comes_back_with_its_rings() {
    let (mut engine, mut parts, _samples) = exchanging(1);
    parts.controls.retire().unwrap();
    cycle(&mut engine, 1);
    let exchange = parts.controls.collect().unwrap();
    link(&mut engine).busy = true;
    parts.controls.install(*exchange).unwrap();
    cycle(&mut engine, 2);
    assert!(!engine.is_exchanging());
    assert_eq!(parts.controls.collect().map(|exchange| exchange.readers.len()), Some(1));
}

#[test]
fn silence_is_cycles_in_a_row_in_which_nothing_came_back_not_even_late() {
    let (mut engine, _parts, _samples) = exchanging(2);
    let silence = |engine: &Engine<Memory>| (engine.counters().silent_cycles, engine.counters().silent_longest);
    cycle(&mut engine, 1);
    for number in 2..5 {
        link(&mut engine).fates.extend([Fate::Lost, Fate::Lost]);
        cycle(&mut engine, number);
    }
    assert_eq!(silence(&engine), (3, 3));
    link(&mut engine).fates.extend([Fate::Lost, Fate::Answered]);
    cycle(&mut engine, 5);
    assert_eq!((silence(&engine), engine.counters().lost_cycles), ((0, 3), 4), "one of two frames is no silence");
    link(&mut engine).fates.extend([Fate::Delayed, Fate::Lost]);
    cycle(&mut engine, 6);
    assert_eq!(silence(&engine), (1, 3));
    link(&mut engine).fates.extend([Fate::Lost, Fate::Lost]);
    cycle(&mut engine, 7);
    assert_eq!(silence(&engine), (0, 3), "the frame of cycle 6 came late");
}

#[test]
fn no_exchange_is_freed_before_the_ordinary_end_takes_it_back() {
    let (mut engine, mut parts, samples) = exchanging(1);
    link(&mut engine).busy = true;
    // None of them can be installed: each retires what is there, and itself.
    let readers: Vec<_> = (0..16).map(|_| install_another(&mut parts)).chain([samples]).collect();
    cycle(&mut engine, 1);
    assert_eq!(readers.iter().filter(|reader| reader.is_closed()).count(), 0);
    let mut back = parts.controls.collect();
    for number in 2..5 {
        cycle(&mut engine, number);
        back = parts.controls.collect().or(back);
    }
    drop(back);
    assert!(readers.iter().all(SampleReader::is_closed), "all came back");
}

fn install_another(parts: &mut EngineParts) -> SampleReader {
    let lane = CyclicLane::new(&plan(1), LaneOptions { first_slot: Slot(0), al_status: None }).unwrap();
    let (port, samples) =
        reader(ReaderSpec { ranges: std::iter::once(0..4).collect(), every: 1, depth: 4, ..ReaderSpec::default() });
    parts.controls.install(Exchange { readers: vec![port], ..Exchange::new(lane) }).unwrap();
    samples
}
