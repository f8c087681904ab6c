//! Claims about a thread that was stopped for longer than the SubDevices' watchdog.

use crate::commanded::{Commanded, safe};
use crate::support::{Fate, Memory};
use std::time::Duration;
use zerocat_engine::{CommandState, CycleFault, SafeOutputs, Traffic};

const MILLIS: fn(u64) -> Duration = Duration::from_millis;
const LIMIT: Duration = Duration::from_millis(100);

/// Live, with 0x11 and 0x22 as its outputs.
fn live(safe: SafeOutputs) -> Commanded {
    let mut rig = Commanded::with_limit(safe, Some(LIMIT));
    rig.switch(Traffic::Live);
    rig.push([0x11, 0x22]).unwrap();
    assert_eq!(rig.next(), Some([0x11, 0x22]));
    rig
}

#[test]
fn the_first_frame_after_a_stall_carries_safe_outputs() {
    let mut rig = live(safe([0x70, 0x0f], [0, 0xf0]));
    assert_eq!(rig.skip(150), Some([0x70, 0x2f]));
    let counters = *rig.engine.counters();
    assert_eq!((counters.stalls, counters.stall_longest, counters.stall_last_ns), (1, 151_000_000, 151_000_000));
    assert_eq!((counters.epoch, rig.commands.state()), (2, CommandState { epoch: 2, silences: 0, live: false }));
    let faults: Vec<_> = std::iter::from_fn(|| rig.parts.events.pop()).map(|event| event.fault).collect();
    assert_eq!(faults, [CycleFault::Stall(MILLIS(151))]);
}

#[test]
fn a_gap_as_long_as_the_watchdog_is_none() {
    let mut rig = live(SafeOutputs::zero(4));
    assert_eq!(rig.skip(99), Some([0x11, 0x22]));
    assert_eq!((rig.engine.counters().stalls, rig.engine.counters().epoch), (0, 1));
}

#[test]
fn without_a_watchdog_no_gap_is_too_long() {
    let mut rig = Commanded::new(SafeOutputs::zero(4));
    rig.switch(Traffic::Live);
    rig.push([1, 2]).unwrap();
    rig.next();
    assert_eq!(rig.skip(1_000_000), Some([1, 2]));
}

#[test]
fn a_stop_between_the_preparation_and_the_tick_is_found_before_what_was_prepared_is_sent() {
    let mut rig = live(SafeOutputs::zero(4));
    rig.push([0x33, 0x44]).unwrap();
    assert_eq!(rig.next_after(LIMIT), Some([0, 0]));
    assert_eq!(rig.engine.counters().stalls, 1);
}

#[test]
fn outputs_stay_safe_after_a_stall_until_live_traffic_is_asked_for_again() {
    let mut rig = live(SafeOutputs::zero(4));
    rig.skip(150);
    rig.push([5, 5]).unwrap();
    assert_eq!([rig.next(), rig.next()], [Some([0, 0]); 2]);
    rig.switch(Traffic::Live);
    assert_eq!(rig.next(), Some([0, 0]), "nothing was commanded since");
    rig.push([6, 6]).unwrap();
    assert_eq!(rig.next(), Some([6, 6]));
}

#[test]
fn live_traffic_that_was_asked_for_before_the_stall_was_known_is_refused() {
    let mut rig = Commanded::with_limit(SafeOutputs::zero(4), Some(LIMIT));
    rig.next();
    rig.parts.controls.traffic(Traffic::Live).unwrap();
    rig.skip(150);
    assert_eq!((rig.engine.counters().stalls, rig.parts.counters.read().live), (1, 0));
    rig.switch(Traffic::Live);
    assert_eq!(rig.parts.counters.read().live, 1);
}

#[test]
fn what_was_commanded_for_the_epoch_before_a_stall_is_not_sent_after_it() {
    let mut rig = live(SafeOutputs::zero(4));
    let before = rig.commands.epoch();
    rig.skip(150);
    rig.switch(Traffic::Live);
    rig.commands.push(&[9, 9], before).unwrap();
    assert_eq!(rig.next(), Some([0, 0]));
    assert_eq!(rig.engine.counters().stale_commands, 1);
}

#[test]
fn a_link_that_takes_no_frames_for_as_long_as_the_watchdog_is_one_interruption() {
    let refusals: [fn(&mut Memory, bool); 2] = [|link, on| link.down = on, |link, on| link.busy = on];
    for refuse in refusals {
        let mut rig = live(SafeOutputs::zero(4));
        let withdrawn = rig.engine.link().withdrawn;
        refuse(rig.engine.link_mut(), true);
        for _ in 0..350 {
            rig.next();
        }
        let interruptions = |rig: &Commanded| rig.engine.counters().stalls + rig.engine.counters().silences;
        assert_eq!(interruptions(&rig), 1);
        assert_eq!(rig.engine.link().withdrawn, withdrawn + 1, "what it holds of before");
        refuse(rig.engine.link_mut(), false);
        assert_eq!(rig.next(), Some([0, 0]));
        assert_eq!(interruptions(&rig), 1);
    }
}

#[test]
fn each_stall_is_counted_and_the_longest_kept() {
    let mut rig = live(SafeOutputs::zero(4));
    for ticks in [200, 500, 300] {
        rig.skip(ticks);
        rig.next();
    }
    let counters = *rig.engine.counters();
    assert_eq!((counters.stalls, counters.stall_longest, counters.stall_last_ns), (3, 501_000_000, 301_000_000));
    assert_eq!(counters.epoch, 4);
}

#[test]
fn a_silence_as_long_as_the_watchdog_makes_outputs_safe_once_and_voids_what_was_commanded() {
    let mut rig = live(SafeOutputs::zero(4));
    let before = rig.commands.epoch();
    rig.engine.link_mut().fates.extend(std::iter::repeat_n(Fate::Lost, 300));
    for _ in 0..300 {
        rig.next();
    }
    let counters = *rig.engine.counters();
    assert_eq!((counters.silences, counters.stalls, counters.epoch), (1, 0, before + 1));
    rig.commands.push(&[9, 9], before).unwrap();
    assert_eq!(rig.next(), Some([0, 0]));
}

#[test]
fn a_silence_as_long_as_the_watchdog_makes_outputs_safe_before_the_next_frame() {
    let mut rig = live(SafeOutputs::zero(4));
    rig.engine.link_mut().fates.extend([Fate::Lost; 250]);
    // Heard last one cycle ago.
    for _ in 1..100 {
        assert_eq!(rig.next(), Some([0x11, 0x22]));
    }
    rig.parts.controls.traffic(Traffic::Live).unwrap();
    assert_eq!(rig.next(), Some([0, 0]));
    for _ in 0..150 {
        assert_eq!(rig.next(), Some([0, 0]), "and they stay so, also if live traffic was asked for before");
    }
    let counters = *rig.engine.counters();
    assert_eq!((counters.silences, counters.stalls, counters.epoch), (1, 0, 2));
}

#[test]
fn a_silence_shorter_than_the_watchdog_is_borne() {
    let mut rig = live(SafeOutputs::zero(4));
    for _ in 0..3 {
        rig.engine.link_mut().fates.extend([Fate::Lost; 98]);
        for _ in 0..99 {
            assert_eq!(rig.next(), Some([0x11, 0x22]));
        }
    }
    assert_eq!(rig.engine.counters().silences, 0);
}

#[test]
fn time_in_which_the_machine_was_suspended_counts_as_a_gap() {
    let mut rig = live(SafeOutputs::zero(4));
    rig.engine.note_suspended(MILLIS(7_000));
    assert_eq!(rig.next(), Some([0x11, 0x22]), "long ago");
    rig.engine.note_suspended(MILLIS(7_050));
    assert_eq!(rig.next(), Some([0x11, 0x22]), "shorter than the watchdog");
    rig.engine.note_suspended(MILLIS(7_200));
    assert_eq!(rig.next(), Some([0, 0]));
    assert_eq!((rig.engine.counters().stalls, rig.engine.counters().stall_longest), (1, 151_000_000));
}
