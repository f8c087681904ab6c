//! Claims about an engine that nobody controls any more.

use crate::commanded::{Commanded, safe};
use crate::support::{cycle, exchanging_plan, plan};
use zerocat_engine::{EndReason, SafeOutputs, Traffic};
use zerocat_pdi::Turn;

/// An engine with its controls dropped; the other ends stay.
fn abandon(rig: Commanded) -> (Commanded, zerocat_engine::CountersReader) {
    let Commanded { engine, parts, commands, states, number, concluded } = rig;
    let counters = parts.counters.clone();
    drop(parts);
    // A part of another engine stands in for the one that is gone.
    let other = Commanded::new(SafeOutputs::zero(4));
    (Commanded { engine, parts: other.parts, commands, states, number, concluded }, counters)
}

#[test]
fn an_engine_whose_controls_are_abandoned_goes_to_safe_outputs_and_ends() {
    let mut rig = Commanded::new(safe([0x0a, 0x0b], [0, 0]));
    rig.switch(Traffic::Live);
    rig.push([1, 2]).unwrap();
    assert_eq!(rig.next(), Some([1, 2]));
    let (mut rig, counters) = abandon(rig);
    assert_eq!(rig.next(), Some([1, 2]), "the cycle in which it is found");
    for left in (0..5).rev() {
        rig.push([3, 4]).unwrap();
        assert_eq!((rig.next(), rig.concluded.end.is_none()), (Some([0x0a, 0x0b]), left > 0));
    }
    assert_eq!(rig.concluded.end, Some(EndReason::Abandoned));
    assert_eq!((counters.read().safe_cycles, counters.read().epoch), (5, 2));
}

#[test]
fn an_engine_without_an_exchange_ends_at_once_when_it_is_abandoned() {
    let mut rig = Commanded::new(SafeOutputs::zero(4));
    rig.take_out();
    let (mut rig, _) = abandon(rig);
    rig.next();
    assert_eq!(rig.concluded.end, Some(EndReason::Abandoned));
}

#[test]
fn messages_that_were_sent_before_the_controls_were_dropped_are_obeyed_first() {
    let mut rig = Commanded::new(SafeOutputs::zero(4));
    rig.parts.controls.stop().unwrap();
    let (mut rig, _) = abandon(rig);
    rig.next();
    assert_eq!(rig.concluded.end, Some(EndReason::Stopped));
}

#[test]
fn an_abandoned_engine_ends_also_when_its_link_takes_no_frames() {
    let rig = Commanded::new(SafeOutputs::zero(4));
    let (mut rig, counters) = abandon(rig);
    rig.engine.link_mut().down = true;
    let cycles = (0..10).take_while(|_| {
        rig.next();
        rig.concluded.end.is_none()
    });
    assert_eq!(cycles.count(), 5);
    assert_eq!(counters.read().safe_cycles, 0);
}

#[test]
fn every_sync_unit_is_sent_with_safe_outputs_before_an_abandoned_engine_ends() {
    let mut slow = plan(2);
    slow.frames[1].turn = Turn::new(20, 7);
    let (mut engine, parts, _samples) = exchanging_plan(&slow);
    cycle(&mut engine, 8);
    drop(parts);
    cycle(&mut engine, 9);
    engine.link_mut().sent.clear();
    (10..30).for_each(|number| cycle(&mut engine, number));
    let slow = engine.link().sent.iter().filter(|frame| frame[11] == 1).count();
    assert_eq!((slow, engine.link().sent.len()), (1, 21));
}
