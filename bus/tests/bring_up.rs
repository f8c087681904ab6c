//! Bring-up against the simulated segment.

mod support;

use std::time::Duration;

use support::Loss;
use support::simulated::{cycle, operate, prepare, segment, to_op_and_back};
use zerocat_bus::{Actors, AlError, BringUpError, Network, Options, Parent, PdoSource, Target, Times};
use zerocat_pdi::Direction;
use zerocat_sim::{AlErrorConfig, EscModel, Millis, ProfileKind, SegmentConfig, SubDeviceConfig, TargetState};
use zerocat_wire::{AlState, register};

fn one(profile: ProfileKind) -> SubDeviceConfig {
    SubDeviceConfig::new(profile)
}

fn refusing(on: TargetState, code: u16, times: u32) -> SubDeviceConfig {
    let al_error = Some(AlErrorConfig { on, code, times });
    SubDeviceConfig { al_error, ..one(ProfileKind::AnalogueIn) }
}

#[test]
fn the_demo_segment_reaches_op_and_goes_back_to_init() {
    let (datagrams, mut pump) = segment(&SegmentConfig::demo());
    let (mut network, plan) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    to_op_and_back(&mut pump, &datagrams, &mut network, &plan);
}

#[test]
fn an_application_that_reads_al_control_late_is_asked_until_it_has() {
    let slow = |esc| SubDeviceConfig { esc: Some(esc), ..one(ProfileKind::Servo) };
    let config = SegmentConfig::line(vec![slow(EscModel::Lan9252), one(ProfileKind::Coupler), slow(EscModel::Akd)]);
    let (datagrams, mut pump) = segment(&config);
    let (mut network, plan) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    to_op_and_back(&mut pump, &datagrams, &mut network, &plan);
}

#[test]
fn identities_names_and_sources_are_those_of_the_segment() {
    let (datagrams, mut pump) = segment(&SegmentConfig::demo());
    let (network, _) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    for (subdevice, simulated) in network.subdevices().iter().zip(pump.segment.snapshot().subdevices) {
        assert_eq!((&subdevice.name, &subdevice.sii.name), (&simulated.order, &simulated.name));
        assert_eq!(subdevice.identity.serial, 1001 + u32::from(subdevice.position));
        assert_eq!(subdevice.station, simulated.station);
        assert_eq!(subdevice.sii.problems, [""; 0]);
    }
    let sources: Vec<_> = network.subdevices().iter().map(|subdevice| subdevice.pdo_source).collect();
    let (coe, sii) = (Some(PdoSource::Coe), Some(PdoSource::Sii));
    assert_eq!(sources, [None, sii, sii, coe, coe, coe]);
}

#[test]
fn outputs_go_through_the_image_and_come_back_over_wires() {
    let (datagrams, mut pump) = segment(&SegmentConfig::example());
    let (mut network, plan) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    pump.run(network.to_safe_op()).unwrap();
    let mut image = vec![0; plan.image_len];
    // The first byte of the valves; the simulated wires lead to the switches.
    let (valves, switches) = (plan.subdevices[1].outputs.start, plan.subdevices[2].inputs.start);
    image[valves] = 0b0101;
    pump.run(operate(&datagrams, &mut network, &plan, &mut image)).unwrap();
    pump.run(cycle(&datagrams, &plan, &mut image));
    pump.run(cycle(&datagrams, &plan, &mut image));
    assert_eq!(image[switches] & 0x0f, 0b0101);
}

#[test]
fn a_map_by_coe_and_the_map_of_the_sii_say_the_same() {
    let kinds = [ProfileKind::AnalogueIn, ProfileKind::AnalogueOut, ProfileKind::Servo];
    let (datagrams, mut pump) = segment(&SegmentConfig::line(kinds.map(one).to_vec()));
    let (network, _) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    for subdevice in network.subdevices() {
        let by_sii = zerocat_bus::pdo::from_sii(&subdevice.sii);
        assert_eq!(subdevice.pdo_source, Some(PdoSource::Coe));
        assert_eq!(subdevice.sync_managers, by_sii.sync_managers, "{}", subdevice.name);
    }
}

#[test]
fn padding_is_kept_and_entries_have_names() {
    let (datagrams, mut pump) = segment(&SegmentConfig::line(vec![one(ProfileKind::AnalogueIn)]));
    let (network, _) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    let inputs = &network.subdevices()[0].sync_managers[0];
    assert_eq!(inputs.direction, Direction::Input);
    let entries: Vec<_> = inputs.pdos.iter().flat_map(|pdo| &pdo.entries).collect();
    assert!(entries.iter().any(|entry| entry.index == 0 && entry.bit_length > 0));
    assert!(
        entries.iter().filter(|entry| entry.index != 0).all(|entry| !entry.name.is_empty() && entry.type_code != 0)
    );
}

#[test]
fn an_sii_only_subdevice_is_mapped() {
    let kinds = [ProfileKind::DigitalOut, ProfileKind::DigitalIn];
    let (datagrams, mut pump) = segment(&SegmentConfig::line(kinds.map(one).to_vec()));
    let (network, plan) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    assert!(network.subdevices().iter().all(|subdevice| subdevice.mailbox.is_none()));
    let bits: Vec<_> = plan.subdevices.iter().map(|subdevice| subdevice.entries.len()).collect();
    assert_eq!(bits, [4, 4]);
}

#[test]
fn a_star_is_addressed_in_the_order_of_the_wire() {
    let on = |parent, port| SubDeviceConfig { parent: Some(parent), port: Some(port), ..one(ProfileKind::DigitalIn) };
    let serial = |(serial, subdevice)| SubDeviceConfig { serial, ..subdevice };
    // A junction inside a junction; the order on the wire is 0, 3, 4, 5, 1, 2.
    let tree = vec![one(ProfileKind::Coupler), on(0, 1), on(0, 2), on(0, 3), on(3, 3), on(3, 1)];
    let config = SegmentConfig::line((0..).zip(tree).map(serial).collect());
    let (datagrams, mut pump) = segment(&config);
    let (network, _) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    let serials: Vec<_> = network.subdevices().iter().map(|subdevice| subdevice.identity.serial).collect();
    assert_eq!(serials, [0, 3, 4, 5, 1, 2]);
    let parents: Vec<_> = network.subdevices().iter().map(|subdevice| subdevice.parent).collect();
    let hangs = |position, port| Some(Parent { position, port });
    assert_eq!(parents, [None, hangs(0, 3), hangs(1, 3), hangs(1, 1), hangs(0, 1), hangs(0, 2)]);
    assert!(network.topology().consistent());
    for subdevice in pump.segment.snapshot().subdevices {
        assert_eq!(Some(subdevice.station - 0x1001), subdevice.position);
    }
}

#[test]
fn a_subdevice_that_refuses_safe_op_is_named_with_the_code_in_words() {
    let config = SegmentConfig::line(vec![one(ProfileKind::Coupler), refusing(TargetState::SafeOp, 0x001e, 99)]);
    let (datagrams, mut pump) = segment(&config);
    let (mut network, _) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    let error = pump.run(network.to_safe_op()).unwrap_err().to_string();
    let name = &network.subdevices()[1].name;
    let start =
        format!("SubDevice 1 ({name}): asked for SAFE-OP, shows PRE-OP + ERROR, AL status code 0x001e: Invalid input");
    assert!(error.starts_with(&start), "{error}");
    // The others went on, and all of it can be shut down.
    assert_eq!(pump.states(), [AlState::SafeOp, AlState::PreOp]);
    assert_eq!(pump.run(network.shut_down()), []);
    assert_eq!(pump.states(), [AlState::Init, AlState::Init]);
}

#[test]
fn an_error_that_comes_once_is_acknowledged_and_reported() {
    let (datagrams, mut pump) = segment(&SegmentConfig::line(vec![refusing(TargetState::SafeOp, 0x001e, 1)]));
    let (mut network, _) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    let reached = pump.run(network.to_safe_op()).unwrap();
    let codes: Vec<_> = reached[0].acknowledged.iter().map(|code| code.0).collect();
    assert_eq!((reached[0].state, codes), (AlState::SafeOp, vec![0x001e]));
}

#[test]
fn a_watchdog_error_that_comes_again_and_again_is_acknowledged_until_op() {
    let (datagrams, mut pump) = segment(&SegmentConfig::line(vec![refusing(TargetState::Op, 0x001b, 20)]));
    let (mut network, plan) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    pump.run(network.to_safe_op()).unwrap();
    let mut image = vec![0; plan.image_len];
    let reached = pump.run(operate(&datagrams, &mut network, &plan, &mut image)).unwrap();
    assert_eq!(reached[0].acknowledged.len(), 20);
    assert_eq!(pump.states(), [AlState::Op]);
}

#[test]
fn the_patience_on_the_way_to_op_has_an_end() {
    let (datagrams, mut pump) = segment(&SegmentConfig::line(vec![refusing(TargetState::Op, 0x001b, u32::MAX)]));
    let (mut network, plan) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    pump.run(network.to_safe_op()).unwrap();
    let mut image = vec![0; plan.image_len];
    let error = pump.run(operate(&datagrams, &mut network, &plan, &mut image)).unwrap_err();
    let BringUpError::Al(AlError::Refused { code, acknowledged, .. }) = &error else { panic!("{error}") };
    assert_eq!((code.0, acknowledged.len()), (0x001b, 50));
    assert!(error.to_string().ends_with("(50 errors acknowledged before, the last 0x001b: Sync manager watchdog)"));
}

#[test]
fn slow_transitions_and_a_slow_sii_are_waited_for() {
    let slow = |profile| {
        let text = r#"{"profile": "coupler", "transition_delay": "20ms", "sii_delay": "1ms"}"#;
        SubDeviceConfig { profile, ..serde_json::from_str(text).unwrap() }
    };
    let config = SegmentConfig::line(vec![slow(ProfileKind::Servo), slow(ProfileKind::DigitalOut)]);
    let (datagrams, mut pump) = segment(&config);
    let (mut network, _) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    pump.run(network.to_safe_op()).unwrap();
    assert_eq!(pump.states(), [AlState::SafeOp, AlState::SafeOp]);
}

#[test]
fn lost_frames_don_t_keep_it_from_pre_op() {
    for loss in
        [Loss::Outbound(7), Loss::Inbound(7), Loss::Both(7), Loss::Random(7), Loss::Random(14), Loss::Random(50)]
    {
        let (datagrams, mut pump) = segment(&SegmentConfig::demo());
        pump.loss = loss;
        let (network, plan) = pump.run(prepare(&datagrams, Options::default())).unwrap();
        assert!(pump.states().iter().all(|state| *state == AlState::PreOp), "{loss:?}: {:?}", pump.states());
        assert_eq!((network.subdevices().len(), plan.subdevices.len() >= 5), (6, true));
        assert!(datagrams.counters().repeated > 10, "{loss:?}");
    }
}

#[test]
fn a_second_bring_up_starts_from_whatever_state_the_first_left() {
    let (datagrams, mut pump) = segment(&SegmentConfig::demo());
    let (mut network, plan) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    pump.run(network.to_safe_op()).unwrap();
    let mut image = vec![0; plan.image_len];
    pump.run(operate(&datagrams, &mut network, &plan, &mut image)).unwrap();
    drop(network);
    let (mut again, second) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    assert_eq!(plan, second);
    pump.run(again.to_safe_op()).unwrap();
    assert!(pump.states().iter().all(|state| *state == AlState::SafeOp), "{:?}", pump.states());
}

#[test]
fn an_sdo_abort_is_reported_with_who_index_subindex_and_words() {
    let (datagrams, mut pump) = segment(&SegmentConfig::demo());
    let (mut network, _) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    let name = network.subdevices()[5].name.clone();
    let error = pump.run(network.upload(5, 0x7777, 3)).unwrap_err().to_string();
    let start = format!("SubDevice 5 ({name}): SDO upload of 0x7777:03: abort 0x06020000: Object doesn't exist");
    assert!(error.starts_with(&start), "{error}");
    let error = pump.run(network.upload(0, 0x1000, 0)).unwrap_err().to_string();
    assert!(error.ends_with("has no CoE mailbox"), "{error}");
    let error = pump.run(network.upload(9, 0x1000, 0)).unwrap_err().to_string();
    assert_eq!(error, "no SubDevice at position 9; there are 6");
}

#[test]
fn texts_and_numbers_are_uploaded_whole() {
    let long = "a name that is too long for the four bytes of an expedited transfer";
    let (datagrams, mut pump) = segment(&SegmentConfig::line(vec![one(ProfileKind::Servo).named(long)]));
    let (mut network, _) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    assert_eq!(pump.run(network.upload(0, 0x1008, 0)).unwrap(), long.as_bytes());
    let vendor = network.subdevices()[0].identity.vendor_id;
    assert_eq!(pump.run(network.upload(0, 0x1018, 1)).unwrap(), vendor.to_le_bytes());
}

#[test]
fn a_watchdog_is_programmed_where_there_are_outputs_and_read_back() {
    let config = SegmentConfig::line(vec![one(ProfileKind::Servo), one(ProfileKind::AnalogueIn)]);
    let (datagrams, mut pump) = segment(&config);
    let options = Options { watchdog: Some(Duration::from_millis(25)), ..Options::default() };
    pump.run(prepare(&datagrams, options)).unwrap();
    let read = |station, register| datagrams.read_u16(Target::Station(station), register);
    assert_eq!(pump.run(read(0x1001, register::WATCHDOG_DIVIDER)), Ok(2498));
    assert_eq!(pump.run(read(0x1001, register::WATCHDOG_SYNC_MANAGER)), Ok(250));
    assert_eq!(pump.run(read(0x1002, register::WATCHDOG_SYNC_MANAGER)), Ok(1000));
}

#[test]
fn a_hundred_subdevices_reach_safe_op_with_few_frames_in_the_pool() {
    let (datagrams, mut pump) = segment(&SegmentConfig::mixed(100));
    let (mut network, _) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    pump.run(network.to_safe_op()).unwrap();
    assert_eq!(pump.states(), [AlState::SafeOp; 100]);
    let reports = pump.run(Actors::of(&mut network).states());
    assert!(reports.iter().all(|report| report.shown.as_ref().is_ok_and(|shown| !shown.status.error())));
}

#[test]
fn a_bring_up_that_is_dropped_half_way_can_still_be_shut_down() {
    let (datagrams, mut pump) = segment(&SegmentConfig::demo());
    let mut network = pump.run(Network::discover(&datagrams, Options::default())).unwrap();
    pump.run(network.to_pre_op()).unwrap();
    let end = datagrams.now() + Duration::from_micros(100);
    assert!(pump.run(datagrams.by(end, network.read_pdos())).is_none());
    assert_eq!(pump.run(network.shut_down()), []);
    assert!(pump.states().iter().all(|state| *state == AlState::Init));
    assert_eq!(datagrams.abandoned(), 0);
}

#[test]
fn nobody_on_the_wire_is_said_with_what_to_do() {
    let (datagrams, mut pump) = support::rig::<4, _>(|_: &mut [u8], _: Duration| false);
    let error = pump.run(Network::discover(&datagrams, Options::default())).unwrap_err();
    assert_eq!(error.to_string(), "no SubDevice answered; check cable, interface and power");
}

#[test]
fn a_slow_subdevice_fails_unless_it_has_times_of_its_own() {
    let slow = SubDeviceConfig { transition_delay: Millis(Duration::from_secs(4)), ..one(ProfileKind::Servo) };
    let config = SegmentConfig::line(vec![one(ProfileKind::Coupler), slow, one(ProfileKind::DigitalIn)]);
    let (datagrams, mut pump) = segment(&config);
    let mut network = pump.run(Network::discover(&datagrams, Options::default())).unwrap();
    let error = pump.run(network.to_pre_op()).unwrap_err();
    assert_eq!(error.who().map(|who| who.position), Some(1));
    let mut network = pump.run(Network::discover(&datagrams, Options::default())).unwrap();
    network.set_times(1, Times { pre_op: Some(Duration::from_secs(5)), ..Times::default() });
    pump.run(network.to_pre_op()).unwrap();
    pump.run(network.read_pdos()).unwrap();
    assert_eq!(network.subdevices()[1].pdo_source, Some(PdoSource::Coe));
}
