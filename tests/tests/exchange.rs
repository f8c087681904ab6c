//! Any mix of SubDevices, exchanged in any way that a rig file allows, is exchanged right.
//!
//! The production code brings the simulated segment up. The segment is the oracle: its FMMUs answer with working
//! counters and inputs, and its SubDevices report by mailbox which outputs they got.
#![allow(clippy::unwrap_used, reason = "a test")]

use proptest::prelude::*;
use std::time::Duration;
use zerocat::config::{Match, Overlap, Rig, Slave, SlaveProperties, SyncUnitSection};
use zerocat_pdi::{Direction, PlacedEntry};
use zerocat_sim::{ModuleKind, ProfileKind, Segment, SegmentConfig, SubDeviceConfig, WireConfig};
use zerocat_testkit::virtual_network::{self, VirtualNetwork};

const PERIOD: Duration = Duration::from_millis(1);
/// Longest interval of a sync unit here.
const LONGEST: u16 = 9;
/// Cycles in which every unit has its turn and the outputs that it wrote reach every other.
const CYCLES: u64 = 3 * LONGEST as u64 + 1;
/// Channels that are wired from the first SubDevice to the last.
const WIRED: u16 = 8;

/// A line: analogue outputs that are wired to analogue inputs at its other end, and modular devices between them.
fn line(racks: &[(Vec<ModuleKind>, bool)]) -> SegmentConfig {
    let analogue = |profile| SubDeviceConfig::new(profile).with_channels(WIRED);
    let rack = |(modules, lrw): &(Vec<ModuleKind>, bool)| SubDeviceConfig {
        modules: modules.clone(),
        lrw: *lrw,
        ..SubDeviceConfig::new(ProfileKind::Modular)
    };
    let mut all = vec![analogue(ProfileKind::AnalogueOut).named("first")];
    all.extend(racks.iter().map(rack));
    all.push(analogue(ProfileKind::AnalogueIn).named("last"));
    let wire = |n| WireConfig { from: format!("first.out.{n}"), to: format!("last.in.{n}") };
    SegmentConfig { wires: (1..=WIRED).map(wire).collect(), ..SegmentConfig::line(all) }
}

fn key(position: usize) -> String {
    format!("slave-{position}")
}

/// A rig file that describes what is on the bus.
fn rig_of(segment: &SegmentConfig) -> Rig {
    let found = VirtualNetwork::bring_up(Segment::new(segment).unwrap(), PERIOD).unwrap();
    let slave = |subdevice: &zerocat_bus::SubDevice| {
        let identity = subdevice.identity;
        let properties = SlaveProperties {
            serial: Match::Any,
            vendor_id: identity.vendor_id.into(),
            product_code: identity.product_code.into(),
            revision: identity.revision.into(),
            position: Some(subdevice.position),
            ..SlaveProperties::default()
        };
        Slave { properties, ..Slave::at(key(subdevice.position.into()), subdevice.position) }
    };
    let slaves = found.planned().network.subdevices().iter().map(slave).collect();
    Rig { slaves, ..virtual_network::rig(PERIOD) }
}

fn up(segment: &SegmentConfig, rig: Rig) -> VirtualNetwork {
    VirtualNetwork::bring_up_rig(Segment::new(segment).unwrap(), rig).unwrap()
}

/// Writes other bytes into all outputs and exchanges until all have arrived. Every cycle is complete.
fn exchange(network: &mut VirtualNetwork) -> Vec<u8> {
    let len = network.tasks_mut().commands.record_len();
    let command: Vec<u8> = (0..=250u8).cycle().map(|n| n.wrapping_mul(37) | 1).take(len).collect();
    network.tasks_mut().command(&command).unwrap();
    let before = *network.engine().counters();
    for _ in 0..CYCLES {
        network.cycle();
        let counters = network.engine().counters();
        assert_eq!(counters.working_counter, counters.expected_working_counter);
    }
    let after = network.engine().counters();
    assert_eq!(after.cycles - before.cycles, CYCLES);
    assert_eq!((after.lost_frames, after.working_counter_faults, after.malformed_frames), (0, 0, 0));
    command
}

/// The record of all parts of one direction, as the tasks of [`VirtualNetwork`] see it, laid back into an image.
fn image(network: &VirtualNetwork, record: &[u8], direction: Direction) -> Vec<u8> {
    let plan = &network.planned().plan;
    let mut image = vec![0; plan.image_len];
    let mut rest = record;
    for planned in &plan.subdevices {
        let part = if direction == Direction::Output { &planned.outputs } else { &planned.inputs };
        let (bytes, behind) = rest.split_at(part.len());
        image[part.clone()].copy_from_slice(bytes);
        rest = behind;
    }
    image
}

fn entries(network: &VirtualNetwork, position: usize, direction: Direction) -> Vec<PlacedEntry> {
    let entries = &network.planned().plan.subdevices[position].entries;
    entries.iter().filter(|entry| entry.direction == direction).cloned().collect()
}

/// Each SubDevice reports by mailbox which outputs it got, for the first and last entry of each of its PDOs.
fn outputs_have_arrived(network: &mut VirtualNetwork, outputs: &[u8]) {
    for position in 0..network.planned().plan.subdevices.len() {
        let all = entries(network, position, Direction::Output);
        let edges = all.iter().zip(all.iter().cycle().skip(1)).filter(|(one, next)| one.pdo != next.pdo);
        for entry in edges.map(|(one, _)| one).chain(all.first()) {
            let got = network.upload(u16::try_from(position).unwrap(), entry.index, entry.subindex).unwrap();
            let sent = entry.span.extract(outputs).unwrap().to_le_bytes();
            assert_eq!(got[..], sent[..got.len()], "SubDevice {position}, {:#06x}:{}", entry.index, entry.subindex);
        }
    }
}

/// The outputs of the first SubDevice have gone through the wires and are inputs of the last one.
fn wires_bring_outputs_back(network: &mut VirtualNetwork, outputs: &[u8]) {
    let mut sample = vec![0; network.tasks_mut().samples.record_len()];
    let mut stale = true;
    while let Some(header) = network.tasks_mut().samples.pop(&mut sample) {
        stale = header.stale;
    }
    assert!(!stale);
    let inputs = image(network, &sample, Direction::Input);
    let last = network.planned().plan.subdevices.len() - 1;
    let values = |position, direction, image: &[u8]| -> Vec<_> {
        let wide = entries(network, position, direction).into_iter().filter(|entry| entry.span.len == 16);
        wide.map(|entry| entry.span.extract(image).unwrap()).collect()
    };
    let told = values(0, Direction::Output, outputs);
    assert_eq!(told.len(), usize::from(WIRED));
    assert_eq!(values(last, Direction::Input, &inputs), told);
}

fn arrives_whole(mut network: VirtualNetwork) {
    let command = exchange(&mut network);
    let outputs = image(&network, &command, Direction::Output);
    wires_bring_outputs_back(&mut network, &outputs);
    outputs_have_arrived(&mut network, &outputs);
    assert_eq!(network.take_down().len(), 0);
}

fn any_rack() -> impl Strategy<Value = (Vec<ModuleKind>, bool)> {
    use ModuleKind::{Ai2, Ai16, Ao2, Ao16, Di8, Di16, Do8, Do16};
    let module = prop::sample::select(vec![Di8, Do8, Di16, Do16, Ai2, Ao2, Ai16, Ao16]);
    (prop::collection::vec(module, 1..10), prop::bool::weighted(0.8))
}

/// How the SubDevices are exchanged: overlap, units, which SubDevice is in which, and which ones don't do LRW.
type Asked = (Overlap, Vec<(u16, Option<u16>)>, Vec<(usize, bool)>);

fn any_exchange(slaves: usize) -> impl Strategy<Value = Asked> {
    let overlap = prop::sample::select(vec![Overlap::Off, Overlap::Auto, Overlap::On]);
    let unit = (1..=LONGEST).prop_flat_map(|every| (Just(every), proptest::option::of(0..every)));
    let member = (0usize..5, prop::bool::weighted(0.2));
    (overlap, prop::collection::vec(unit, 0..4), prop::collection::vec(member, slaves))
}

fn ask(rig: &mut Rig, (overlap, units, members): &Asked) {
    let unit = |(n, (every, phase)): (usize, &(u16, Option<u16>))| SyncUnitSection {
        name: format!("unit {n}"),
        every: *every,
        phase: *phase,
        slaves: (0..members.len()).filter(|slave| members[*slave].0 == n).map(key).collect(),
    };
    rig.engine.overlap = *overlap;
    rig.engine.sync_units = units.iter().enumerate().map(unit).collect();
    rig.engine.without_lrw = (0..members.len()).filter(|slave| members[*slave].1).map(key).collect();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked_for_arrives_whole_in_every_cycle(
        (racks, asked) in prop::collection::vec(any_rack(), 0..8)
            .prop_flat_map(|racks| { let slaves = racks.len() + 2; (Just(racks), any_exchange(slaves)) }),
    ) {
        let segment = line(&racks);
        let mut rig = rig_of(&segment);
        ask(&mut rig, &asked);
        arrives_whole(up(&segment, rig));
    }
}

#[test]
fn ten_thousand_points_arrive_whole_with_inputs_over_outputs_and_two_rates() {
    let modules = vec![ModuleKind::Ao16, ModuleKind::Ai16, ModuleKind::Do16, ModuleKind::Ao16, ModuleKind::Di16];
    let racks: Vec<_> = (0..150).map(|_| (modules.clone(), true)).collect();
    let segment = line(&racks);
    let mut rig = rig_of(&segment);
    rig.engine.overlap = Overlap::On;
    let slow = (76..152).map(key).collect();
    rig.engine.sync_units = vec![SyncUnitSection { name: "slow".into(), every: LONGEST, phase: None, slaves: slow }];
    let network = up(&segment, rig);
    let plan = &network.planned().plan;
    let points: usize = plan.subdevices.iter().map(|planned| planned.entries.len()).sum();
    assert!(points >= 10_000, "{points} points");
    assert!(plan.frames.iter().any(|frame| frame.turn.every() == u32::from(LONGEST)));
    arrives_whole(network);
}

#[test]
fn a_slow_unit_is_exchanged_in_its_cycles_only() {
    let racks = vec![(vec![ModuleKind::Ao2, ModuleKind::Ai2], true); 4];
    let segment = line(&racks);
    let mut rig = rig_of(&segment);
    rig.engine.sync_units =
        vec![SyncUnitSection { name: "slow".into(), every: 4, phase: Some(2), slaves: vec![key(1), key(2)] }];
    let mut network = up(&segment, rig);
    let sent: Vec<_> = (0..8)
        .map(|_| {
            network.cycle();
            let counters = network.engine().counters();
            (counters.cycle % 4 == 2, counters.expected_working_counter)
        })
        .collect();
    let slow = 2 * 3;
    let fast = 2 + 1 + 2 * 3;
    for (due, expected) in sent {
        assert_eq!(expected, if due { fast + slow } else { fast });
    }
}

#[test]
fn outputs_that_would_wait_longer_than_their_watchdog_are_refused() {
    let segment = line(&[(vec![ModuleKind::Ao2], true)]);
    let mut rig = rig_of(&segment);
    rig.engine.sync_units =
        vec![SyncUnitSection { name: "slow".into(), every: 100, phase: None, slaves: vec![key(1), key(2)] }];
    let refused = VirtualNetwork::bring_up_rig(Segment::new(&segment).unwrap(), rig).err().unwrap().to_string();
    assert!(refused.contains("`slave-1` has outputs and is exchanged every 100ms (100 cycles)"), "{refused}");
    assert!(refused.contains("its watchdog of 100ms"), "{refused}");
}
