//! Explicit device IDs: read in INIT, from those that have one; and SubDevices that are left out.

mod support;

use support::simulated::{segment, to_op_and_back};
use zerocat_bus::{BringUpError, Datagrams, Network, Options, SubDevice};
use zerocat_pdi::Plan;
use zerocat_sim::{EscModel, ProfileKind, SegmentConfig, SubDeviceConfig};
use zerocat_wire::AlState;

fn config() -> SegmentConfig {
    let with_id = |kind, device_id| SubDeviceConfig { device_id, ..SubDeviceConfig::new(kind) };
    let late = SubDeviceConfig { esc: Some(EscModel::Lan9252), ..with_id(ProfileKind::Servo, 513) };
    SegmentConfig::line(vec![
        with_id(ProfileKind::Servo, 7),
        with_id(ProfileKind::AnalogueIn, 0),
        late,
        with_id(ProfileKind::DigitalOut, 0),
    ])
}

async fn discover<'d>(datagrams: &'d Datagrams) -> Result<Network<'d>, BringUpError> {
    Network::discover(datagrams, Options::default()).await
}

fn ids(network: &Network<'_>) -> Vec<Option<u16>> {
    network.subdevices().iter().map(|one| one.device_id).collect()
}

#[test]
fn those_whose_sii_says_so_show_their_id_and_stay_in_init() {
    let (datagrams, mut pump) = segment(&config());
    let mut network = pump.run(discover(&datagrams)).expect("found");
    pump.run(network.read_device_ids(SubDevice::says_device_id));
    assert_eq!(ids(&network), [Some(7), None, Some(513), None]);
    assert_eq!(pump.states(), [AlState::Init; 4]);
}

#[test]
fn one_that_has_none_is_asked_in_vain_and_goes_to_op_all_the_same() {
    let (datagrams, mut pump) = segment(&config());
    let mut network = pump.run(discover(&datagrams)).expect("found");
    pump.run(network.read_device_ids(|_| true));
    assert_eq!(ids(&network), [Some(7), None, Some(513), None]);
    let plan = pump.run(program(&mut network)).expect("PRE-OP");
    to_op_and_back(&mut pump, &datagrams, &mut network, &plan);
}

async fn program(network: &mut Network<'_>) -> Result<Plan, BringUpError> {
    network.to_pre_op().await?;
    network.read_pdos().await?;
    let plan = zerocat_pdi::lay_out(&network.layouts(), &[], 1400).expect("fits");
    network.program(&plan).await?;
    Ok(plan)
}

#[test]
fn one_that_is_excluded_stays_in_init_without_process_data() {
    let (datagrams, mut pump) = segment(&config());
    let mut network = pump.run(discover(&datagrams)).expect("found");
    network.exclude(1);
    let plan = pump.run(program(&mut network)).expect("PRE-OP");
    pump.run(network.to_safe_op()).expect("SAFE-OP");
    let expected = [AlState::SafeOp, AlState::Init, AlState::SafeOp, AlState::SafeOp];
    assert_eq!(pump.states(), expected);
    assert!(plan.subdevices[1].entries.is_empty());
}
