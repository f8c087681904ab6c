//! The datagram layer against memory that answers like one SubDevice.

mod support;

use std::ops::ControlFlow;
use std::pin::Pin;
use std::time::Duration;

use support::{Loss, rig};
use zerocat_bus::datagrams::PATIENCE;
use zerocat_bus::{DatagramError, Rest, Target, join_all};
use zerocat_wire::{Command, FrameViewMut};

/// Answers reads with bytes that tell the register, takes writes, and counts `working_counter` for each.
fn memory(working_counter: u16) -> impl FnMut(&mut [u8], Duration) -> bool {
    move |frame: &mut [u8], _now| {
        let mut frame = FrameViewMut::new_checked(frame).expect("a frame");
        frame.mark_returned();
        for mut datagram in frame.datagrams_mut() {
            let [low, _] = datagram.view().address().ado().to_le_bytes();
            if matches!(datagram.view().command(), Ok(Command::Brd | Command::Fprd | Command::Aprd)) {
                datagram.data_mut().fill(low);
            }
            datagram.add_working_counter(working_counter);
        }
        true
    }
}

#[test]
fn the_true_working_counter_of_a_read_and_of_a_write_is_seen() {
    let (datagrams, mut pump) = rig::<4, _>(memory(7));
    let read = pump.run(datagrams.read(Target::Broadcast, 0x0030, 2)).unwrap();
    assert_eq!((read.data, read.working_counter), (vec![0x30, 0x30], 7));
    let write = pump.run(datagrams.write(Target::Station(0x1001), 0x0120, &[1, 2, 3])).unwrap();
    assert_eq!((write.data, write.working_counter), (vec![1, 2, 3], 7));
}

#[test]
fn two_that_answer_one_station_are_an_error() {
    let (datagrams, mut pump) = rig::<4, _>(memory(2));
    let error = pump.run(datagrams.read_u16(Target::Station(0x1001), 0x0130)).unwrap_err();
    assert_eq!(error.to_string(), "FPRD station 0x1001, register 0x0130: working counter 2 instead of 1");
}

#[test]
fn a_lost_frame_is_repeated_and_counted() {
    let (datagrams, mut pump) = rig::<4, _>(memory(1));
    pump.loss = Loss::Both(2);
    for register in 0..20u16 {
        let [low, _] = register.to_le_bytes();
        assert_eq!(pump.run(datagrams.read_u8(Target::Station(1), register)), Ok(low));
    }
    let counters = datagrams.counters();
    assert_eq!(counters.repeated, pump.lost);
    assert!(counters.repeated > 0);
    assert_eq!((counters.sent, counters.unanswered), (pump.frames, 0));
}

#[test]
fn nobody_there_is_an_error_after_the_attempts_it_names() {
    let (datagrams, mut pump) = rig::<4, _>(memory(0));
    let datagrams = datagrams.with_attempts(3);
    let error = pump.run(datagrams.read_u8(Target::Position(5), 0x0000)).unwrap_err();
    assert_eq!(error.to_string(), "APRD position 5, register 0x0000, 1 bytes: no answer in 3 attempts");
    assert_eq!(pump.frames, 3);
}

#[test]
fn more_futures_than_frames_wait_for_the_pool_and_keep_their_data_apart() {
    let (datagrams, mut pump) = rig::<4, _>(memory(1));
    let reads = join_all((0..100u16).map(|register| datagrams.read_one(Target::Station(1), register, 8)));
    for (register, data) in (0..).zip(pump.run(reads)) {
        assert_eq!(data.unwrap(), [register; 8]);
    }
    assert!(datagrams.counters().pool_full > 0);
}

#[test]
fn more_than_a_frame_carries_is_refused_before_it_is_sent() {
    let (datagrams, mut pump) = rig::<4, _>(memory(1));
    let error = pump.run(datagrams.write(Target::Broadcast, 0x1000, &[0; 1487])).unwrap_err();
    assert_eq!(error, DatagramError::TooLong { len: 1487 });
    assert!(pump.run(datagrams.write(Target::Broadcast, 0x1000, &[0; 1486])).is_ok());
    assert_eq!(pump.frames, 1);
}

#[test]
fn a_datagram_that_nobody_sends_fails_within_its_patience() {
    let (datagrams, mut pump) = rig::<4, _>(memory(1));
    pump.stuck = true;
    let start = pump.now();
    let error = pump.run(datagrams.read_u8(Target::Station(1), 0x0130)).unwrap_err();
    assert!(matches!(error, DatagramError::NotMoved { register: 0x0130, .. }), "{error}");
    assert!(pump.now() - start < PATIENCE * 2);
}

#[test]
fn a_cancelled_request_costs_the_pool_nothing() {
    let (datagrams, mut pump) = rig::<4, _>(memory(1));
    for _ in 0..20 {
        pump.stuck = true;
        let end = datagrams.now() + Duration::from_millis(1);
        assert_eq!(pump.run(datagrams.by(end, datagrams.read_u8(Target::Station(1), 0))), None);
        assert_eq!(datagrams.abandoned(), 1);
        pump.stuck = false;
        pump.run(datagrams.pause(Duration::from_millis(1)));
        assert_eq!(datagrams.abandoned(), 0);
    }
    let all = pump.run(join_all((0..4).map(|_| datagrams.read_u8(Target::Station(1), 0))));
    assert!(all.iter().all(Result::is_ok));
}

#[test]
fn who_polls_is_told_how_long_it_may_sleep() {
    let (datagrams, mut pump) = rig::<4, _>(memory(1));
    assert_eq!(datagrams.rest(), Rest::Long);
    let end = datagrams.now() + Duration::from_secs(1);
    let waits = datagrams.by(end, std::future::pending::<()>());
    assert_eq!(zerocat_bus::try_block_on(waits, || ControlFlow::Break(())), None);
    assert_eq!(datagrams.rest(), Rest::Until(end));
    let asks = datagrams.read_u8(Target::Station(1), 0);
    assert_eq!(zerocat_bus::try_block_on(asks, || ControlFlow::Break(())), None);
    assert!(matches!(datagrams.rest(), Rest::Brief(_)), "its frame is out");
    pump.run(datagrams.pause(Duration::from_millis(1)));
    assert!(matches!(datagrams.rest(), Rest::Until(_)), "the pause that has ended was the last thing waited for");
    assert_eq!(datagrams.rest(), Rest::Long);
}

#[test]
fn a_frame_of_what_has_time_is_not_looked_for_soon() {
    let (datagrams, mut pump) = rig::<4, _>(memory(1));
    let asks = || datagrams.read_u8(Target::Station(1), 0);
    let rest_while = |asks: Pin<Box<dyn Future<Output = ()> + '_>>| {
        let mut rest = None;
        let polled = zerocat_bus::try_block_on(asks, || {
            rest = Some(datagrams.rest());
            ControlFlow::Break(())
        });
        assert_eq!(polled, None);
        rest
    };
    let Some(Rest::Until(time)) = rest_while(Box::pin(async { drop(datagrams.unhurried(asks()).await) })) else {
        panic!("it is looked for soon")
    };
    assert_eq!(time.as_nanos() % zerocat_bus::ABOUT.as_nanos(), 0);
    pump.run(datagrams.pause(Duration::from_millis(1)));
    let both = async {
        let beside = async { drop(datagrams.unhurried(asks()).await) };
        let hurried = async { drop(asks().await) };
        join_all([Box::pin(beside) as Pin<Box<dyn Future<Output = ()>>>, Box::pin(hurried)]).await;
    };
    assert!(matches!(rest_while(Box::pin(both)), Some(Rest::Brief(_))));
    pump.run(datagrams.pause(Duration::from_millis(1)));
    assert_eq!(pump.run(datagrams.unhurried(asks())).unwrap(), 0);
}

/// As `memory(1)`, but each second answer is a damaged copy: another working counter, and written data that comes back
/// as something else.
fn every_second_damaged(counter: u16) -> impl FnMut(&mut [u8], Duration) -> bool {
    let (mut whole, mut number) = (memory(1), 0u64);
    move |frame: &mut [u8], now| {
        number += 1;
        let done = whole(frame, now);
        if number % 2 == 1 {
            let mut frame = FrameViewMut::new_checked(frame).expect("a frame");
            for mut datagram in frame.datagrams_mut() {
                if matches!(datagram.view().command(), Ok(Command::Fpwr)) {
                    datagram.data_mut().fill(0xee);
                } else {
                    datagram.add_working_counter(counter);
                }
            }
        }
        done
    }
}

#[test]
fn an_answer_that_cannot_be_is_asked_for_again_and_counted() {
    for counter in [1, 20_735, u16::MAX - 1] {
        let (datagrams, mut pump) = rig::<4, _>(every_second_damaged(counter));
        assert_eq!(pump.run(datagrams.read_u8(Target::Station(1), 0x0130)), Ok(0x30));
        assert_eq!(pump.run(datagrams.write_u16(Target::Station(1), 0x0120, 1)), Ok(()));
        let counters = datagrams.counters();
        assert_eq!((counters.impossible, counters.repeated, counters.unanswered), (2, 2, 0));
    }
}

#[test]
fn an_answer_that_cannot_be_is_taken_for_a_lost_one_by_who_does_not_repeat() {
    let (datagrams, mut pump) = rig::<4, _>(every_second_damaged(20_735));
    assert_eq!(pump.run(datagrams.read_once(Target::Station(1), 0x1080, 4)).unwrap().working_counter, 0);
    assert_eq!(pump.run(datagrams.read_once(Target::Station(1), 0x1080, 4)).unwrap().working_counter, 1);
}

/// A bus of so many, each of which answers at its position; of each broadcast the working counter comes back damaged.
fn miscounted(count: u16) -> impl FnMut(&mut [u8], Duration) -> bool {
    move |frame: &mut [u8], _now| {
        let mut frame = FrameViewMut::new_checked(frame).expect("a frame");
        frame.mark_returned();
        for mut datagram in frame.datagrams_mut() {
            let position = 0u16.wrapping_sub(datagram.view().address().adp());
            match datagram.view().command() {
                Ok(Command::Brd) => datagram.add_working_counter(count ^ 0x5100),
                Ok(Command::Aprd) if position < count => datagram.add_working_counter(1),
                _ => {}
            }
        }
        true
    }
}

#[test]
fn a_count_that_is_damaged_in_the_same_way_each_time_is_found_by_the_positions() {
    for count in [1, 2, 6, 64, 100] {
        let (datagrams, mut pump) = rig::<4, _>(miscounted(count));
        assert_eq!(pump.run(datagrams.census(0, 1)).unwrap().working_counter, count);
        assert!(datagrams.counters().impossible > 0);
    }
}

#[test]
fn a_count_is_believed_once_two_answers_agree() {
    let (mut whole, mut number) = (memory(6), 0u64);
    let damaged = move |frame: &mut [u8], now| {
        number += 1;
        let done = whole(frame, now);
        if number.is_multiple_of(3) {
            let mut frame = FrameViewMut::new_checked(frame).expect("a frame");
            frame.datagrams_mut().next().expect("a datagram").add_working_counter(20_730);
        }
        done
    };
    let (datagrams, mut pump) = rig::<4, _>(damaged);
    for _ in 0..9 {
        assert_eq!(pump.run(datagrams.census(0, 1)).unwrap().working_counter, 6);
    }
    assert!(datagrams.counters().impossible > 0);
}
