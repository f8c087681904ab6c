//! Whether another MainDevice drives a bus, found out by reading.

mod support;

use std::cell::Cell;
use std::pin::Pin;
use std::time::Duration;

use support::Loss;
use support::simulated::{cycle, operate, prepare, segment};
use zerocat_bus::{Datagrams, Occupancy, Options, SignOfLife, occupancy};
use zerocat_pdi::Plan;
use zerocat_sim::SegmentConfig;
use zerocat_wire::AlState;

/// Looks while somebody exchanges process data.
async fn look_meanwhile(datagrams: &Datagrams, plan: &Plan) -> Occupancy {
    let done = Cell::new(false);
    let found = Cell::new(None);
    let exchange: Pin<Box<dyn Future<Output = ()>>> = Box::pin(async {
        let mut image = vec![0; plan.image_len];
        while !done.get() {
            cycle(datagrams, plan, &mut image).await;
            datagrams.pause(Duration::from_micros(900)).await;
        }
    });
    let look: Pin<Box<dyn Future<Output = ()>>> = Box::pin(async {
        found.set(occupancy(datagrams).await.ok());
        done.set(true);
    });
    zerocat_bus::join_all([exchange, look]).await;
    found.into_inner().expect("it looked")
}

#[test]
fn a_bus_in_init_is_free_and_nothing_is_changed_on_it() {
    let (datagrams, mut pump) = segment(&SegmentConfig::demo());
    assert_eq!(pump.run(occupancy(&datagrams)).unwrap(), Occupancy::Free { subdevices: 6 });
    assert_eq!(pump.frames, 3, "two reads that agree, and one of the last position");
}

#[test]
fn where_nobody_answers_one_read_is_all_that_is_sent() {
    let (datagrams, mut pump) = support::rig::<4, _>(|_: &mut [u8], _: Duration| false);
    assert_eq!(pump.run(occupancy(&datagrams)).unwrap(), Occupancy::Silent);
    assert_eq!(pump.frames, u64::from(zerocat_bus::datagrams::ATTEMPTS));
}

#[test]
fn a_bus_whose_outputs_are_written_is_driven_and_stays_as_it_is() {
    let (datagrams, mut pump) = segment(&SegmentConfig::demo());
    let (mut network, plan) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    pump.run(network.to_safe_op()).unwrap();
    let mut image = vec![0; plan.image_len];
    pump.run(operate(&datagrams, &mut network, &plan, &mut image)).unwrap();
    let before = pump.states();
    let Occupancy::Driven(driven) = pump.run(look_meanwhile(&datagrams, &plan)) else { panic!("it is driven") };
    assert!(driven.iter().all(|one| one.sign == SignOfLife::Buffers));
    assert!(driven.iter().any(|one| one.position == 5), "the servo has outputs");
    assert_eq!((pump.states(), before.contains(&AlState::Op)), (before.clone(), true));
    assert!(driven[0].to_string().contains("somebody writes its outputs"), "{}", driven[0]);
}

#[test]
fn a_bus_that_a_dead_main_device_left_in_op_is_free() {
    let (datagrams, mut pump) = segment(&SegmentConfig::demo());
    let (mut network, plan) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    pump.run(network.to_safe_op()).unwrap();
    let mut image = vec![0; plan.image_len];
    pump.run(operate(&datagrams, &mut network, &plan, &mut image)).unwrap();
    // At once: its watchdogs still run.
    assert_eq!(pump.run(occupancy(&datagrams)).unwrap(), Occupancy::Free { subdevices: 6 });
}

#[test]
fn a_bus_that_was_left_in_safe_op_before_its_first_outputs_is_free() {
    let (datagrams, mut pump) = segment(&SegmentConfig::demo());
    let (mut network, _plan) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    pump.run(network.to_safe_op()).unwrap();
    // Its watchdogs were never triggered, which looks as if they ran.
    assert_eq!(pump.run(occupancy(&datagrams)).unwrap(), Occupancy::Free { subdevices: 6 });
}

#[test]
fn a_sync_manager_that_cannot_be_read_for_a_moment_is_no_sign_of_life() {
    let (datagrams, mut pump) = segment(&SegmentConfig::demo());
    let (mut network, plan) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    pump.run(network.to_safe_op()).unwrap();
    let mut image = vec![0; plan.image_len];
    pump.run(operate(&datagrams, &mut network, &plan, &mut image)).unwrap();
    // Another buffer than the first, which an unread status would look like.
    pump.run(cycle(&datagrams, &plan, &mut image));
    // Longer than a reading is repeated.
    let now = pump.now();
    pump.loss = Loss::Between(now + Duration::from_millis(22), now + Duration::from_millis(28));
    assert_eq!(pump.run(occupancy(&datagrams)).unwrap(), Occupancy::Free { subdevices: 6 });
    assert!(pump.lost > 0);
}
