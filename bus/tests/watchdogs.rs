//! Watchdogs of single SubDevices: programmed and read back, each with its own or with that of all.

mod support;

use std::time::Duration;

use support::simulated::segment;
use zerocat_bus::{BringUpError, Datagrams, Network, Options, Target, Watchdogs};
use zerocat_sim::{ProfileKind, SegmentConfig, SubDeviceConfig};
use zerocat_wire::register;

const MS: Duration = Duration::from_millis(1);

fn config() -> SegmentConfig {
    let kinds = [ProfileKind::Servo, ProfileKind::Servo, ProfileKind::AnalogueIn];
    SegmentConfig::line(kinds.map(SubDeviceConfig::new).to_vec())
}

/// To PRE-OP and programmed, the SubDevice at position 1 and 2 with these watchdogs.
async fn program<'d>(datagrams: &'d Datagrams, own: [Watchdogs; 2]) -> Result<Network<'d>, BringUpError> {
    let options = Options { watchdog: Some(100 * MS), ..Options::default() };
    let mut network = Network::discover(datagrams, options).await?;
    network.set_watchdogs(1, own[0]);
    network.set_watchdogs(2, own[1]);
    network.to_pre_op().await?;
    network.read_pdos().await?;
    let plan = zerocat_pdi::lay_out(&network.layouts(), &[], 1400).expect("fits");
    network.program(&plan).await?;
    Ok(network)
}

#[test]
fn each_has_its_own_or_that_of_all() {
    let (datagrams, mut pump) = segment(&config());
    let own = Watchdogs { process_data: Some(40 * MS), pdi: Some(250 * MS) };
    let inputs_only = Watchdogs { process_data: None, pdi: Some(Duration::ZERO) };
    let network = pump.run(program(&datagrams, [own, inputs_only])).expect("PRE-OP");
    let stations: Vec<u16> = network.subdevices().iter().map(|one| one.station).collect();
    let shown = stations.into_iter().map(|station| {
        [register::WATCHDOG_SYNC_MANAGER, register::WATCHDOG_PDI]
            .map(|register| pump.run(datagrams.read_u16(Target::Station(station), register)).expect("an answer"))
    });
    // 100 ms is what an ESC has after power-up.
    assert_eq!(shown.collect::<Vec<_>>(), [[1000, 1000], [400, 2500], [1000, 0]]);
}

#[test]
fn a_time_that_no_watchdog_can_have_is_refused() {
    let (datagrams, mut pump) = segment(&config());
    let own = Watchdogs { process_data: None, pdi: Some(Duration::from_secs(7)) };
    let error = pump.run(program(&datagrams, [own, Watchdogs::default()])).expect_err("too long");
    assert_eq!(error, BringUpError::WatchdogTime { asked: Duration::from_secs(7) });
}
