//! How the process data of each SubDevice is exchanged: what the rig file asks for, on the bus that was found.

use crate::bring_up::StartError;
use crate::report::{AccessReport, UnitReport};
use std::collections::BTreeSet;
use std::time::Duration;
use zerocat_bus::matching::Matching;
use zerocat_bus::{Network, SubDevice};
use zerocat_config::{Overlap, Rig};
use zerocat_engine::{MailPort, MailReader};
use zerocat_pdi::{Access, DatagramPlan, Plan, SubDeviceLayout, SyncUnit};
use zerocat_wire::Command;

/// The unit of all SubDevices that the rig file puts into none.
const EVERY_CYCLE: SyncUnit = SyncUnit { every: 1, phase: Some(0) };

/// The sync units: that of every cycle, then those of the rig file.
pub(crate) fn units(rig: &Rig) -> Vec<SyncUnit> {
    let asked = rig.engine.sync_units.iter();
    let asked = asked.map(|unit| SyncUnit { every: unit.every.into(), phase: unit.phase.map(u32::from) });
    std::iter::once(EVERY_CYCLE).chain(asked).collect()
}

/// What each SubDevice brings to the image, with its unit and the way it is reached.
pub(crate) fn layouts(rig: &Rig, network: &Network<'_>, matching: &Matching) -> Vec<SubDeviceLayout> {
    let key = |position| matching.matches.iter().find(|found| found.position == position).map(|f| f.key.as_str());
    let layout = |subdevice: &SubDevice| {
        let key = key(subdevice.position);
        let unit = key.map_or(0, |key| unit_of(rig, key));
        let layout = SubDeviceLayout { access: access(rig, subdevice, key), unit, ..subdevice.layout() };
        let told = key.is_some_and(|key| rig.engine.without_status.iter().any(|slave| slave == key));
        SubDeviceLayout { status: layout.status.filter(|_| !told), ..layout }
    };
    network.subdevices().iter().map(layout).collect()
}

fn unit_of(rig: &Rig, key: &str) -> usize {
    let holds = |unit: &zerocat_config::SyncUnitSection| unit.slaves.iter().any(|slave| slave == key);
    rig.engine.sync_units.iter().position(holds).map_or(0, |n| n + 1)
}

fn access(rig: &Rig, subdevice: &SubDevice, key: Option<&str>) -> Access {
    let told = key.is_some_and(|key| rig.engine.without_lrw.iter().any(|slave| slave == key));
    match rig.engine.overlap {
        _ if told || !subdevice.lrw() => Access::LwrLrd,
        Overlap::On => Access::LrwOverlapping,
        Overlap::Auto if subdevice.esc.may_overlap() => Access::LrwOverlapping,
        Overlap::Auto | Overlap::Off => Access::Lrw,
    }
}

/// Both ends of whose mail waits: of SubDevices whose status byte is the status of the mailbox that is read.
pub(crate) fn mail(plan: &Plan) -> (MailReader, MailPort) {
    let positions = plan.subdevices.iter().map(|one| one.position).max().map_or(0, |last| usize::from(last) + 1);
    let mut told = vec![false; positions];
    for one in &plan.subdevices {
        told[usize::from(one.position)] =
            one.status.is_some_and(|(_, fmmu)| fmmu.physical_start != zerocat_wire::register::AL_STATUS);
    }
    zerocat_engine::mail(told)
}

/// Cycles in which every unit is exchanged at least once.
pub(crate) fn longest_interval(rig: &Rig) -> u64 {
    rig.engine.sync_units.iter().map(|unit| unit.every.into()).max().unwrap_or(1)
}

/// Time that a number of cycles takes.
pub(crate) fn time_of(rig: &Rig, cycles: u64) -> Duration {
    rig.period().saturating_mul(u32::try_from(cycles).unwrap_or(u32::MAX))
}

/// Checks that no SubDevice with outputs waits longer for its next ones than its watchdog. The rig file alone can't
/// tell: it need not list what a SubDevice maps.
///
/// # Errors
/// `Watchdog`, for the first one that does.
pub(crate) fn check_watchdogs(rig: &Rig, plan: &Plan, matching: &Matching) -> Result<(), StartError> {
    for planned in plan.subdevices.iter().filter(|planned| !planned.outputs.is_empty()) {
        let every = plan.frames.get(planned.frame).map_or(1, |frame| frame.turn.every());
        let between = rig.period().saturating_mul(every);
        let found = matching.matches.iter().find(|found| found.position == planned.position);
        let slave = found.and_then(|found| rig.slave(&found.key));
        let watchdog = slave.map_or(rig.engine.watchdog, |slave| slave.output_watchdog(rig));
        if every > 1 && watchdog <= between {
            let slave = found.map_or_else(String::new, |found| found.key.clone());
            return Err(StartError::Watchdog { slave, every, between, watchdog });
        }
    }
    Ok(())
}

/// The units for the report. One without process data has no frames.
pub(crate) fn report(rig: &Rig, plan: &Plan) -> Vec<UnitReport> {
    let names = std::iter::once(None).chain(rig.engine.sync_units.iter().map(|unit| Some(unit.name.clone())));
    let unit = |(number, name): (usize, Option<String>)| {
        let of_unit = |datagram: &&DatagramPlan| datagram.unit == number;
        let frames = || plan.frames.iter().filter(|frame| frame.datagrams.iter().any(|one| of_unit(&one)));
        let turn = frames().next().map(|frame| frame.turn)?;
        let datagrams = || plan.frames.iter().flat_map(|frame| &frame.datagrams).filter(of_unit);
        let carried: BTreeSet<_> =
            datagrams().flat_map(|datagram| &datagram.shares).map(|share| share.position).collect();
        Some(UnitReport {
            name,
            every: turn.every(),
            phase: turn.phase(),
            rate_hz: rig.network.properties.rate / f64::from(turn.every()),
            subdevices: carried.len(),
            frames: frames().count(),
            data_bytes: datagrams().map(|datagram| datagram.len).sum(),
        })
    };
    names.enumerate().filter_map(unit).collect()
}

/// How many SubDevices with process data are reached in which way.
pub(crate) fn access_report(plan: &Plan) -> AccessReport {
    let mut report = AccessReport::default();
    for planned in plan.subdevices.iter().filter(|planned| !planned.fmmus.is_empty()) {
        let all = plan.frames.iter().flat_map(|frame| &frame.datagrams);
        let mut own = all.filter(|datagram| datagram.shares.iter().any(|share| share.position == planned.position));
        match own.next() {
            Some(one) if one.command != Command::Lrw => report.lwr_lrd += 1,
            Some(one) if one.outputs.len() + one.inputs.len() > one.len => report.lrw_overlapping += 1,
            Some(_) => report.lrw += 1,
            None => {}
        }
    }
    report
}
