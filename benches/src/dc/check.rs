//! What must come out as it is, whatever the figures: a fork without a clock is reported as not resolved, and a phase that is moved
//! until a drive has no time to copy its outputs makes it fail, with the status code of outputs that come too late.

use super::DcBenchError;
use super::recorded::VETH;
use super::row::EPOCH;
use super::topology::{Topology, Variant};
use super::world::{Reused, Seed, World};
use serde::Serialize;
use std::time::Duration;
use zerocat::SubDeviceDc;
use zerocat::config::Rig;
use zerocat_sim::{ClockConfig, ProfileKind, Segment, SegmentConfig, SubDeviceConfig};
use zerocat_testkit::virtual_network::VirtualNetwork;
use zerocat_wire::{AlState, AlStatusCode};

/// SYNC0 comes while the drive still copies its outputs (20 us), behind the frame: SYNC0 within it is refused in bring-up.
const INTO_THE_COPYING: Duration = Duration::from_micros(16);
/// Position of the drive.
const DRIVE: usize = 1;
/// What a drive says that gets its outputs too late before SYNC0: PLL error.
const TOO_LATE: AlStatusCode = AlStatusCode(0x0032);
/// Cycles for which a drive is to stay in OP.
const IN_OP: u32 = 2_000;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What must be so.
    pub claim: &'static str,
    /// What was found.
    pub found: String,
    /// Whether it is so.
    pub met: bool,
}

/// Checks all.
pub(super) fn checks(seed: u64, reused: Reused) -> Result<Vec<Check>, DcBenchError> {
    let [in_time, in_copying] = [None, Some(INTO_THE_COPYING)].map(drive);
    let stays = Check {
        claim: "a drive that insists on SYNC0 stays in OP at the usual phase",
        met: in_time.is_ok(),
        found: in_time.err().unwrap_or_else(|| "it stays in OP".to_owned()),
    };
    let fails = Check {
        claim: "a phase that leaves the drive no time to copy its outputs makes it fail",
        met: is_too_late(&in_copying),
        found: in_copying.err().unwrap_or_else(|| "it stays in OP".to_owned()),
    };
    Ok(vec![fork(seed, reused)?, stays, fails])
}

/// Positions whose delay is told as unknown behind a fork without a clock.
fn fork(seed: u64, reused: Reused) -> Result<Check, DcBenchError> {
    let variant = Variant::of(Topology::BlindFork);
    let world = World::new(Seed { variant, machine: VETH, seed, epoch: EPOCH }, reused)?;
    let clocks = &world.compensated().clocks;
    let unknown = clocks.list.iter().filter(|clock| clock.uncertain_ns.is_none());
    let positions: Vec<_> = unknown.map(|clock| clock.who.position).collect();
    Ok(Check {
        claim: "clocks behind a fork without receive times are reported as not resolved, and no others",
        met: positions == [3, 4, 5, 6],
        found: format!("not resolved: {positions:?}"),
    })
}

/// Whether a drive failed for what it got too late, and not for anything else.
fn is_too_late(drive: &Result<(), String>) -> bool {
    drive.as_ref().is_err_and(|said| said.contains(&TOO_LATE.to_string()))
}

/// Brings a drive that insists on SYNC0 to OP and keeps it there. `Err` with what it says where it fails.
fn drive(lead: Option<Duration>) -> Result<(), String> {
    let clock = ClockConfig { needs_sync: true, drift_ppm: -60.0, ..ClockConfig::default() };
    let drive = SubDeviceConfig { clock, ..SubDeviceConfig::new(ProfileKind::Servo) };
    let clock = ClockConfig { drift_ppm: 40.0, ..ClockConfig::default() };
    let coupler = SubDeviceConfig { clock, ..SubDeviceConfig::new(ProfileKind::Coupler) };
    let config = SegmentConfig::line(vec![coupler, drive]);
    let segment = Segment::new(&config).map_err(|error| error.to_string())?;
    let mut rig = Rig::from_json(RIG).map_err(|error| zerocat::chain(&error))?;
    for slave in &mut rig.slaves {
        slave.dc = Some(SubDeviceDc::activate(0x0300));
    }
    rig.engine.dc.lead = lead;
    let network = VirtualNetwork::bring_up_rig(segment, rig);
    let mut network = network.map_err(|error| zerocat::chain(&error))?;
    for _ in 0..IN_OP {
        network.cycle();
    }
    let states = network.engine().link().segment().snapshot();
    let drive = states.subdevices.get(DRIVE).map(|drive| (drive.state, drive.error, drive.code));
    network.take_down();
    match drive {
        Some((AlState::Op, false, _)) => Ok(()),
        Some((state, _, code)) => Err(format!("the drive is in {state}: {code}")),
        None => Err("there is no drive".to_owned()),
    }
}

const RIG: &str = r#"{
    "network": { "interface": "in-process", "unknown": "ignore", "properties": { "rate": 1000 } },
    "slaves": [{ "key": "drive", "properties": { "position": 1 } }]
}"#;
