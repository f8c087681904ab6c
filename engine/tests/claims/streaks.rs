//! Claims about what is counted in a row: complete cycles, and silence.

use crate::support::{Fate, Memory, cycle, cycle_at, exchanging, exchanging_plan, plan};
use zerocat_engine::{Engine, EngineParts};
use zerocat_pdi::{Plan, Turn};
use zerocat_sched::Time;

/// One frame, sent in every fourth cycle.
fn slow() -> Plan {
    let mut plan = plan(1);
    plan.frames[0].turn = Turn::new(4, 0);
    plan
}

fn streak(engine: &Engine<Memory>) -> u64 {
    engine.counters().complete_streak
}

fn silence(engine: &Engine<Memory>) -> (u64, u64) {
    (engine.counters().silent_ns / 1_000_000, engine.counters().silent_longest_ns / 1_000_000)
}

fn fate(engine: &mut Engine<Memory>, fates: &[Fate]) {
    engine.link_mut().fates.extend(fates);
}

#[test]
fn complete_cycles_are_counted_in_each_cycle_and_any_fault_ends_the_row() {
    let (mut engine, _parts, _samples) = exchanging(2);
    (1..=5).for_each(|number| cycle(&mut engine, number));
    assert_eq!(streak(&engine), 5);
    fate(&mut engine, &[Fate::Answered, Fate::Miscounted]);
    cycle(&mut engine, 6);
    assert_eq!(streak(&engine), 0);
    cycle(&mut engine, 7);
    assert_eq!(streak(&engine), 1);
    fate(&mut engine, &[Fate::Lost, Fate::Answered]);
    cycle(&mut engine, 8);
    assert_eq!(streak(&engine), 0);
    cycle(&mut engine, 9);
    engine.link_mut().busy = true;
    cycle(&mut engine, 10);
    assert_eq!(streak(&engine), 0, "nothing was sent");
}

#[test]
fn a_skipped_tick_on_which_a_frame_was_due_ends_the_row_of_complete_cycles() {
    let (mut engine, _parts, _samples) = exchanging(1);
    (1..=5).for_each(|number| cycle(&mut engine, number));
    cycle_at(&mut engine, 8, 2, Time(8_000_000));
    assert_eq!(streak(&engine), 1, "cycle 8 alone");
    let (mut engine, _parts, _samples) = exchanging_plan(&slow());
    (1..=8).for_each(|number| cycle(&mut engine, number));
    cycle_at(&mut engine, 11, 2, Time(11_000_000));
    assert_eq!(streak(&engine), 2, "nothing was due in 9 and 10");
    cycle_at(&mut engine, 13, 1, Time(13_000_000));
    assert_eq!(streak(&engine), 1, "12 was skipped");
}

#[test]
fn cycles_without_a_frame_due_neither_count_nor_end_the_row_of_complete_cycles() {
    let (mut engine, _parts, _samples) = exchanging_plan(&slow());
    (1..=16).for_each(|number| cycle(&mut engine, number));
    assert_eq!(streak(&engine), 4);
    (17..=19).for_each(|number| cycle(&mut engine, number));
    fate(&mut engine, &[Fate::Miscounted]);
    cycle(&mut engine, 20);
    assert_eq!(streak(&engine), 0);
    let mut mixed = plan(2);
    mixed.frames[1].turn = Turn::new(4, 0);
    let (mut engine, _parts, _samples) = exchanging_plan(&mixed);
    (1..=3).for_each(|number| cycle(&mut engine, number));
    fate(&mut engine, &[Fate::Answered, Fate::Lost]);
    cycle(&mut engine, 4);
    assert_eq!(streak(&engine), 0, "a fault of the slow unit");
}

#[test]
fn silence_is_measured_in_time_however_seldom_frames_are_due() {
    let (mut engine, _parts, _samples) = exchanging_plan(&slow());
    (1..=4).for_each(|number| cycle(&mut engine, number));
    assert_eq!(silence(&engine), (0, 0), "nothing was due before the first frame");
    (5..=7).for_each(|number| cycle(&mut engine, number));
    assert_eq!(silence(&engine).0, 0, "nothing was due");
    fate(&mut engine, &[Fate::Lost; 2]);
    for number in 8..=13 {
        cycle(&mut engine, number);
        assert_eq!(silence(&engine), (number - 4, number - 4), "also in cycles without a frame");
    }
    (14..=16).for_each(|number| cycle(&mut engine, number));
    assert_eq!(silence(&engine), (0, 11));
}

#[test]
fn a_network_that_never_answers_is_silent_from_the_installation_on() {
    let (mut engine, _parts, _samples) = exchanging_plan(&slow());
    fate(&mut engine, &[Fate::Lost; 3]);
    (1..=10).for_each(|number| cycle(&mut engine, number));
    assert_eq!(silence(&engine), (10, 10));
}

#[test]
fn a_late_frame_ends_a_silence_too() {
    let (mut engine, _parts, _samples) = exchanging(1);
    cycle(&mut engine, 1);
    fate(&mut engine, &[Fate::Delayed, Fate::Lost, Fate::Lost]);
    cycle(&mut engine, 2);
    assert_eq!(silence(&engine), (1, 1));
    cycle(&mut engine, 3);
    assert_eq!(silence(&engine), (0, 1));
    cycle(&mut engine, 4);
    assert_eq!(silence(&engine), (1, 1));
}

#[test]
fn a_new_exchange_begins_its_rows_anew() {
    let (mut engine, mut parts, _samples) = exchanging(1);
    (1..=3).for_each(|number| cycle(&mut engine, number));
    fate(&mut engine, &[Fate::Lost; 3]);
    (4..=6).for_each(|number| cycle(&mut engine, number));
    reinstall(&mut engine, &mut parts);
    assert_eq!((silence(&engine), streak(&engine)), ((0, 0), 0));
}

fn reinstall(engine: &mut Engine<Memory>, parts: &mut EngineParts) {
    parts.controls.retire().unwrap();
    cycle(engine, 7);
    let exchange = parts.controls.collect().unwrap();
    parts.controls.install(*exchange).unwrap();
    cycle(engine, 8);
    assert!(engine.is_exchanging());
}

#[test]
fn a_cycle_without_a_frame_due_has_no_round_trip() {
    let (mut engine, _parts, _samples) = exchanging_plan(&slow());
    (1..=9).for_each(|number| cycle(&mut engine, number));
    assert_eq!(engine.measurements().round_trip.summary().map(|summary| summary.n), Some(2));
}

#[test]
fn the_al_status_is_read_as_often_as_the_fastest_unit_is_exchanged() {
    let mut plan = plan(3);
    plan.frames[0].turn = Turn::new(8, 0);
    plan.frames[1].turn = Turn::new(2, 0);
    plan.frames[2].turn = Turn::new(4, 0);
    let (mut engine, _parts, _samples) = exchanging_plan(&plan);
    cycle(&mut engine, 1);
    cycle(&mut engine, 2);
    assert_eq!(engine.counters().al_responding, 1);
}
