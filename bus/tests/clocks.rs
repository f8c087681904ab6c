//! Clocks are measured and set against the simulated segment, whose delays and clocks are known.

#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::time::Duration;

use support::Loss;
use support::simulated::{Simulated, segment};
use zerocat_bus::clock::survey::ClockClass;
use zerocat_bus::clock::{ClockOptions, ClockProblem, Clocks, compensate};
use zerocat_bus::{BringUpError, Datagrams, Network, Options, SiiNames};
use zerocat_sim::{ClockConfig, Millis, ProfileKind, SegmentConfig, SubDeviceConfig};
use zerocat_wire::register;

/// What the reference is to show when the bench's clock begins.
const EPOCH: u64 = 800_000_000_000_000_000;

/// A SubDevice with a clock that is off in its own way, on a cable of its own length.
fn clocked(n: u16, on: Option<(u16, u8)>) -> SubDeviceConfig {
    let n = u64::from(n);
    SubDeviceConfig {
        parent: on.map(|(parent, _)| parent),
        port: on.map(|(_, port)| port),
        cable_delay: Millis(Duration::from_nanos(100 + 37 * n)),
        clock: ClockConfig {
            offset: Millis(Duration::from_nanos(n * 7_000_000_123)),
            drift_ppm: [0.0, 40.0, -75.0][usize::try_from(n % 3).unwrap()],
            ..ClockConfig::default()
        },
        ..SubDeviceConfig::new(ProfileKind::Coupler)
    }
}

fn tree(parents: &[Option<(u16, u8)>]) -> SegmentConfig {
    SegmentConfig::line((0..).zip(parents).map(|(n, on)| clocked(n, *on)).collect())
}

fn line(count: usize) -> Vec<Option<(u16, u8)>> {
    (0..count).map(|n| n.checked_sub(1).map(|before| (u16::try_from(before).unwrap(), 1))).collect()
}

async fn discovered(datagrams: &Datagrams) -> Network<'_> {
    let options = Options { names: SiiNames::Device, ..Options::default() };
    Network::discover(datagrams, options).await.unwrap()
}

fn compensated(
    config: &SegmentConfig,
    options: &ClockOptions,
    loss: Loss,
) -> (Result<Option<Clocks>, BringUpError>, Simulated) {
    let (datagrams, mut pump) = segment(config);
    let network = pump.run(discovered(&datagrams));
    pump.loss = loss;
    let now = || EPOCH + u64::try_from(datagrams.now().as_nanos()).unwrap();
    let clocks = pump.run(compensate(&datagrams, network.subdevices(), options, &now));
    (clocks, pump)
}

/// Options that know what the simulated ESCs take: as much for forwarding as for processing.
fn known(count: usize) -> ClockOptions {
    ClockOptions { differences: vec![Some(0); count], ..ClockOptions::default() }
}

/// Nanoseconds by which a clock is ahead of the reference.
fn ahead(pump: &Simulated, at: usize, reference: usize) -> i64 {
    let clock = |at| pump.segment.clock(at, pump.now()).unwrap();
    clock(at).difference(&clock(reference))
}

/// The places in the file of SubDevices in bus order.
fn in_bus_order(pump: &Simulated) -> Vec<usize> {
    let snapshot = pump.segment.snapshot();
    let mut places: Vec<_> = (0..snapshot.subdevices.len()).collect();
    places.sort_by_key(|place| snapshot.subdevices[*place].position);
    places
}

fn delays_are_those_of_the_segment(parents: &[Option<(u16, u8)>]) {
    let (clocks, pump) = compensated(&tree(parents), &known(parents.len()), Loss::None);
    let clocks = clocks.unwrap().unwrap();
    let places = in_bus_order(&pump);
    assert_eq!((clocks.list.len(), &clocks.oddities[..]), (parents.len(), &[][..]));
    let first = pump.segment.passage(places[0]).unwrap();
    for (clock, place) in clocks.list.iter().zip(&places) {
        let truth = i64::from(pump.segment.passage(*place).unwrap() - first);
        // Receive times are told in the time of crystals that are up to 75 ppm off, over up to 60 us.
        let off = 5;
        assert!((clock.delay_ns - truth).abs() <= off, "{}: {} ns, in truth {truth} ns", clock.who, clock.delay_ns);
        assert_eq!(clock.uncertain_ns, Some(0));
        // What crystals drift apart since the latch.
        assert!(ahead(&pump, *place, places[0]).abs() < 1_000, "{}: {} ns", clock.who, ahead(&pump, *place, places[0]));
    }
}

#[test]
fn delays_and_clocks_are_right_in_lines_stars_and_junctions_in_junctions() {
    let star = [None, Some((0, 1)), Some((0, 2)), Some((0, 3)), Some((3, 1))];
    let nested = [
        None,
        Some((0, 1)),
        Some((1, 2)),
        Some((1, 3)),
        Some((3, 2)),
        Some((3, 1)),
        Some((3, 3)),
        Some((4, 1)),
        Some((0, 2)),
        Some((0, 3)),
    ];
    for parents in [&line(1)[..], &line(30), &star, &nested] {
        delays_are_those_of_the_segment(parents);
    }
}

#[test]
fn the_reference_shows_the_time_that_was_asked_for() {
    let (clocks, pump) = compensated(&tree(&line(3)), &known(3), Loss::None);
    let clocks = clocks.unwrap().unwrap();
    assert_eq!(clocks.reference().who.position, 0);
    let (shown, now) = (pump.segment.clock(0, pump.now()).unwrap().system, pump.now());
    let wanted = EPOCH + u64::try_from(now.as_nanos()).unwrap();
    // The way of the frame that latched.
    assert!(shown.abs_diff(wanted) < 100_000, "{}", shown.abs_diff(wanted));
}

#[test]
fn lost_frames_cost_repetitions_and_no_exactness() {
    let (clocks, pump) = compensated(&tree(&line(12)), &known(12), Loss::Random(7));
    let clocks = clocks.unwrap().unwrap();
    assert_eq!((clocks.list.len(), &clocks.oddities[..]), (12, &[][..]));
    for at in 1..12 {
        assert!(ahead(&pump, at, 0).abs() < 10_000, "{at}: {} ns", ahead(&pump, at, 0));
    }
}

#[test]
fn classes_are_found_and_narrow_and_wide_clocks_agree() {
    let bits = [Some(64), Some(32), Some(0), Some(0), Some(32), Some(64)];
    let mut config = tree(&line(bits.len()));
    for (subdevice, bits) in config.subdevices.iter_mut().zip(bits) {
        subdevice.clock.bits = bits;
    }
    config.subdevices[3].clock.receive_times = false;
    let (clocks, pump) = compensated(&config, &known(bits.len()), Loss::None);
    let clocks = clocks.unwrap().unwrap();
    let classes: Vec<_> = clocks.list.iter().map(|clock| (clock.who.position, clock.info.class)).collect();
    use ClockClass::{Narrow, Wide};
    assert_eq!(classes, [(0, Wide), (1, Narrow), (4, Narrow), (5, Wide)]);
    assert!(clocks.list.iter().all(|clock| clock.info.sync_unit));
    for at in [1, 4, 5] {
        assert!(ahead(&pump, at, 0).abs() < 1_000, "{at}: {} ns", ahead(&pump, at, 0));
        let truth = pump.segment.passage(at).unwrap() - pump.segment.passage(0).unwrap();
        assert!(clocks.at(u16::try_from(at).unwrap()).unwrap().delay_ns.abs_diff(truth.into()) <= 1);
    }
}

#[test]
fn a_reference_of_32_bits_is_followed_by_clocks_of_64() {
    let mut config = tree(&line(3));
    config.subdevices[0].clock.bits = Some(32);
    let (clocks, pump) = compensated(&config, &known(3), Loss::None);
    assert_eq!(clocks.unwrap().unwrap().reference().info.class, ClockClass::Narrow);
    assert!(ahead(&pump, 1, 0).abs() < 1_000);
    // Those of 64 bits have the whole time.
    assert!(ahead(&pump, 2, 1).abs() < 1_000);
    assert!(pump.segment.clock(2, pump.now()).unwrap().system.abs_diff(EPOCH) < 1_000_000_000);
}

#[test]
fn a_chosen_reference_is_taken_and_who_stands_before_it_is_told() {
    let options = ClockOptions { reference: Some(2), ..known(4) };
    let (clocks, pump) = compensated(&tree(&line(4)), &options, Loss::None);
    let clocks = clocks.unwrap().unwrap();
    assert_eq!((clocks.reference().who.position, clocks.reference().delay_ns), (2, 0));
    assert_eq!(clocks.followers().count(), 3);
    let before: Vec<_> = clocks.oddities.iter().map(|oddity| (oddity.who.position, oddity.what)).collect();
    assert_eq!(before, [(0, ClockProblem::BeforeReference), (1, ClockProblem::BeforeReference)]);
    assert!(clocks.list[0].delay_ns < clocks.list[1].delay_ns && clocks.list[1].delay_ns < 0);
    for at in [0, 1, 3] {
        assert!(ahead(&pump, at, 2).abs() < 1_000, "{at}: {} ns", ahead(&pump, at, 2));
    }
}

#[test]
fn a_chosen_reference_without_a_system_time_is_refused_by_name() {
    let mut config = tree(&line(2));
    config.subdevices[1].clock.bits = Some(0);
    let (clocks, _) = compensated(&config, &ClockOptions { reference: Some(1), ..known(2) }, Loss::None);
    let error = clocks.unwrap_err();
    assert!(matches!(&error, BringUpError::NoReferenceClock { who } if who.position == 1), "{error}");
}

#[test]
fn a_bus_without_clocks_is_asked_nothing() {
    let mut config = tree(&line(5));
    for subdevice in &mut config.subdevices {
        subdevice.clock = ClockConfig { bits: Some(0), receive_times: false, ..subdevice.clock };
    }
    let (datagrams, mut pump) = segment(&config);
    let network = pump.run(discovered(&datagrams));
    let before = datagrams.counters();
    let clocks = pump.run(compensate(&datagrams, network.subdevices(), &known(5), &|| EPOCH)).unwrap();
    assert_eq!((clocks, datagrams.counters()), (None, before));
}

#[test]
fn where_there_are_only_receive_times_three_broadcasts_say_so() {
    let mut config = tree(&line(5));
    for subdevice in &mut config.subdevices {
        subdevice.clock.bits = Some(0);
    }
    let (datagrams, mut pump) = segment(&config);
    let network = pump.run(discovered(&datagrams));
    let before = datagrams.counters();
    let clocks = pump.run(compensate(&datagrams, network.subdevices(), &known(5), &|| EPOCH)).unwrap();
    let after = datagrams.counters();
    assert_eq!((clocks, after.sent - after.repeated - (before.sent - before.repeated)), (None, 3));
}

#[test]
fn sync_that_was_left_on_is_switched_off_also_where_the_application_has_the_unit() {
    let (datagrams, mut pump) = segment(&tree(&line(2)));
    let network = pump.run(discovered(&datagrams));
    let station = network.subdevices()[1].station;
    pump.run(async {
        let target = zerocat_bus::Target::Station(station);
        datagrams.write_one(target, register::DC_ACTIVATION, &[3]).await.unwrap();
        datagrams.write_one(target, register::DC_CYCLIC_CONTROL, &[1]).await.unwrap();
        compensate(&datagrams, network.subdevices(), &known(2), &|| EPOCH).await.unwrap();
        assert_eq!(datagrams.read_u16(target, register::DC_CYCLIC_CONTROL).await.unwrap(), 0);
    });
}

#[test]
fn a_clock_behind_a_junction_without_receive_times_is_told_and_set_all_the_same() {
    let mut config = tree(&[None, Some((0, 1)), Some((1, 1)), Some((1, 2))]);
    config.subdevices[1].clock = ClockConfig { bits: Some(0), receive_times: false, ..ClockConfig::default() };
    let (clocks, pump) = compensated(&config, &known(4), Loss::None);
    let clocks = clocks.unwrap().unwrap();
    let told: Vec<_> = clocks.oddities.iter().map(|oddity| oddity.who.position).collect();
    assert_eq!(told, [2, 3]);
    assert!(clocks.oddities.iter().all(|oddity| matches!(oddity.what, ClockProblem::DelayUnknown(_))));
    assert_eq!(clocks.at(3).unwrap().uncertain_ns, None);
    // Off by its way, which isn't known, and not more.
    assert!(ahead(&pump, 3, 0).abs() < 5_000, "{}", ahead(&pump, 3, 0));
}
