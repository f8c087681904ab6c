//! SYNC in numbers: modes as real devices describe them, what a rig says in their place, and what is refused.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use super::*;
use zerocat_esi::ClockMode;

const MS: Duration = Duration::from_millis(1);

fn named(name: &str, mode: ClockMode) -> OpMode {
    OpMode { name: name.to_owned(), description: String::new(), mode }
}

fn times(dc: &SubDeviceDc, modes: &[OpMode]) -> Result<Option<SyncTimes>, SyncProblem> {
    dc.times(MS, MS, modes)
}

/// Cycle and delay that a mode's factors and shift come to, at a cycle of 1 ms.
fn of(factor0: i16, factor1: i16, shift1: i32) -> (u32, u32) {
    let mode = ClockMode {
        assign_activate: 0x0700,
        sync0_cycle_factor: factor0,
        sync1_cycle_factor: factor1,
        shift_time_1: shift1,
        ..ClockMode::default()
    };
    let got = times(&SubDeviceDc::mode("DC"), &[named("DC", mode)]).unwrap().unwrap();
    (got.sync0_cycle, got.sync1_delay)
}

#[test]
fn factors_of_modes_are_of_the_cycle_and_of_sync0() {
    // EL3702 with four samples a cycle, EL3174, EL7201, as their descriptions have them.
    assert_eq!(of(-4, -1, 0), (250_000, 750_000));
    assert_eq!(of(1, 1, 25_000), (1_000_000, 25_000));
    assert_eq!(of(1, -1, 1_000), (1_000_000, 1_000));
    assert_eq!(of(0, 0, 0), (1_000_000, 0));
    assert_eq!(of(2, 0, 0), (2_000_000, 0));
}

#[test]
fn a_mode_gives_its_word_and_shift_and_the_rig_overrides_them() {
    let mode = ClockMode { assign_activate: 0x0300, shift_time_0: -100_000, ..ClockMode::default() };
    let modes = [named("FreeRun", ClockMode::default()), named("DC", mode)];
    let expected = SyncTimes { assign_activate: 0x0300, sync0_cycle: 1_000_000, sync1_delay: 0, shift_ns: -100_000 };
    assert_eq!(times(&SubDeviceDc::mode("DC"), &modes), Ok(Some(expected)));
    let other = SubDeviceDc::mode("DC").cycle(MS / 4).shift_ns(30_000);
    let expected = SyncTimes { sync0_cycle: 250_000, shift_ns: 30_000, ..expected };
    assert_eq!(times(&other, &modes), Ok(Some(expected)));
}

#[test]
fn sync1_has_a_delay_or_a_cycle_and_a_shift() {
    let delay = |sync1| {
        let dc = SubDeviceDc { sync1: Some(sync1), ..SubDeviceDc::activate(0x0700).cycle(MS / 4) };
        times(&dc, &[]).unwrap().unwrap().sync1_delay
    };
    assert_eq!(delay(Sync1 { delay: Some(MS / 10), ..Sync1::default() }), 100_000);
    assert_eq!(delay(Sync1 { cycle: Some(MS), ..Sync1::default() }), 750_000);
    assert_eq!(delay(Sync1 { shift_ns: Some(25_000), ..Sync1::default() }), 25_000);
    assert_eq!(delay(Sync1::default()), 0);
}

#[test]
fn a_slow_exchange_has_a_slow_sync0() {
    let slow = SubDeviceDc::activate(0x0300).times(MS, MS * 4, &[]).unwrap().unwrap();
    assert_eq!(slow.sync0_cycle, 4_000_000);
    assert_eq!(times(&SubDeviceDc::activate(0), &[]), Ok(None));
    assert_eq!(times(&SubDeviceDc::mode("SM"), &[named("SM", ClockMode::default())]), Ok(None));
}

#[test]
fn what_no_subdevice_can_have_is_refused_with_the_numbers() {
    let said = |dc: &SubDeviceDc| times(dc, &[named("DC Sync", ClockMode::default())]).unwrap_err().to_string();
    let sync0 = SubDeviceDc::activate(0x0300);
    let all = [
        said(&sync0.clone().cycle(Duration::from_micros(300))),
        said(&sync0.clone().cycle(MS * 5000)),
        said(&sync0.clone().shift_ns(-1_000_000)),
        said(&SubDeviceDc { sync1: Some(Sync1::default()), ..sync0 }),
        said(&SubDeviceDc {
            sync1: Some(Sync1 { shift_ns: Some(-1), ..Sync1::default() }),
            ..SubDeviceDc::activate(0x0700)
        }),
        said(&SubDeviceDc::activate(0x0200)),
        said(&SubDeviceDc::mode("DC Snc")),
        said(&SubDeviceDc::default()),
    ];
    let expected = [
        "SYNC0 every 300000 ns is neither a whole multiple nor a whole part of the cycle of 1000000 ns",
        "a cycle of SYNC0 of 5000000000 ns is not in 1 to 4294967295 ns, what register 0x09a0 holds",
        "a shift of -1000000 ns is not less than the cycle of SYNC0, 1000000 ns",
        "AssignActivate 0x0300 leaves SYNC1 off; 0x0700 is SYNC0 and SYNC1",
        "a delay of SYNC1 of -1 ns is not in 0 to 4294967295 ns, what register 0x09a4 holds",
        "AssignActivate 0x0200 switches no SYNC on; 0x0300 is SYNC0, 0x0700 SYNC0 and SYNC1",
        "there is no operation mode `DC Snc`, did you mean `DC Sync`?; its description has DC Sync",
        "neither `mode` nor `assign_activate` is given",
    ];
    assert_eq!(all, expected);
}
