//! How the process data of each SubDevice is exchanged: what the rig file asks for, on the bus that was found.

use crate::bring_up::{Bindings, StartError};
use crate::report::{AccessReport, UnitReport};
use std::time::Duration;
use zerocat_bus::matching::Matching;
use zerocat_bus::{Network, SubDevice};
use zerocat_config::{OutputValue, Overlap, Rig, Task};
use zerocat_engine::SafeOutputs;
use zerocat_pdi::{Access, Plan, SubDeviceLayout, SyncUnit};
use zerocat_tasks::Placed;
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
        SubDeviceLayout { access: access(rig, subdevice, key), unit, ..subdevice.layout() }
    };
    network.subdevices().iter().map(layout).collect()
}

fn unit_of(rig: &Rig, key: &str) -> usize {
    let holds = |unit: &zerocat_config::SyncUnit| unit.slaves.iter().any(|slave| slave == key);
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

/// Cycles in which every unit is exchanged at least once.
pub(crate) fn longest_interval(rig: &Rig) -> u64 {
    rig.engine.sync_units.iter().map(|unit| unit.every.into()).max().unwrap_or(1)
}

/// Time that a number of cycles takes.
pub(crate) fn time_of(rig: &Rig, cycles: u64) -> Duration {
    rig.period().saturating_mul(u32::try_from(cycles).unwrap_or(u32::MAX))
}

/// What outputs are while they are safe: what the rig file says of a channel, else of all.
pub(crate) fn safe_outputs(rig: &Rig, plan: &Plan, bindings: &Bindings) -> SafeOutputs {
    let mut safe = match rig.engine.safe_outputs {
        zerocat_config::SafeOutputs::Zero => SafeOutputs::zero(plan.image_len),
        zerocat_config::SafeOutputs::Hold => SafeOutputs::hold(plan.image_len),
    };
    for (task, placed) in rig.tasks.iter().zip(bindings) {
        let Task::Write(task) = task else { continue };
        for channel in &task.config.channels {
            let place = placed.iter().find(|place| place.channel.channel == channel.channel);
            if let (Some(place), Some(value)) = (place, &channel.safe) {
                set_safe(&mut safe, place, value);
            }
        }
    }
    safe
}

fn set_safe(safe: &mut SafeOutputs, place: &Placed, value: &OutputValue) {
    let (span, data_type) = (place.span, place.channel.value_type());
    let hold = matches!(value, OutputValue::Hold | OutputValue::From(_));
    let _ = span.fill(&mut safe.values, false) && span.fill(&mut safe.hold, hold);
    if let OutputValue::Value(value) = value {
        // A value that doesn't fit its entry is refused by the rig file's rules.
        let _ = data_type.write_nearest(value.value(), span, &mut safe.values);
    }
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
        if every > 1 && rig.engine.watchdog <= between {
            let found = matching.matches.iter().find(|found| found.position == planned.position);
            return Err(StartError::Watchdog {
                slave: found.map_or_else(String::new, |found| found.key.clone()),
                every,
                between,
                watchdog: rig.engine.watchdog,
            });
        }
    }
    Ok(())
}

/// The units for the report. One without process data has no frames.
pub(crate) fn report(rig: &Rig, plan: &Plan) -> Vec<UnitReport> {
    let names = std::iter::once(None).chain(rig.engine.sync_units.iter().map(|unit| Some(unit.name.clone())));
    let unit = |(number, name): (usize, Option<String>)| {
        let frames = || plan.frames.iter().filter(|frame| frame.unit == number);
        let turn = frames().next().map(|frame| frame.turn)?;
        let carried = |n: usize| plan.frames.get(n).is_some_and(|frame| frame.unit == number);
        let subdevices = plan.subdevices.iter().filter(|one| !one.fmmus.is_empty() && carried(one.frame)).count();
        Some(UnitReport {
            name,
            every: turn.every(),
            phase: turn.phase(),
            rate_hz: rig.network.properties.rate / f64::from(turn.every()),
            subdevices,
            frames: frames().count(),
            data_bytes: frames().flat_map(|frame| &frame.datagrams).map(|datagram| datagram.len).sum(),
        })
    };
    names.enumerate().filter_map(unit).collect()
}

/// How many SubDevices with process data are reached in which way.
pub(crate) fn access_report(plan: &Plan) -> AccessReport {
    let mut report = AccessReport::default();
    for planned in plan.subdevices.iter().filter(|planned| !planned.fmmus.is_empty()) {
        let datagrams = plan.frames.get(planned.frame).map_or(&[][..], |frame| &frame.datagrams);
        match datagrams.first() {
            Some(one) if one.command != Command::Lrw => report.lwr_lrd += 1,
            Some(one) if one.outputs.len() + one.inputs.len() > one.len => report.lrw_overlapping += 1,
            Some(_) => report.lrw += 1,
            None => {}
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_config::{Place, ResolvedChannel, Setting};
    use zerocat_pdi::{BitSpan, DataType, Direction};

    fn placed(data_type: DataType, offset: usize, len: u8, bit: Option<u8>) -> Placed {
        let channel = ResolvedChannel {
            name: "output".to_owned(),
            unit: None,
            channel: 1,
            numbered: true,
            state_channel: None,
            slave: "dev".to_owned(),
            pdo: String::new(),
            index: 0x7000,
            subindex: 1,
            place: Place::default(),
            bit,
            bit_length: if bit.is_some() { 16 } else { len },
            data_type,
            direction: Direction::Output,
        };
        Placed::new(channel, BitSpan::new(offset, len))
    }

    #[test]
    fn bytes_and_bits_are_safe_in_their_own_place_alone() {
        let mut safe = SafeOutputs::hold(12);
        let bytes = OutputValue::Value(Setting::Bytes("00112233445566778899".parse().unwrap()));
        set_safe(&mut safe, &placed(DataType::Bytes, 4, 80, None), &bytes);
        set_safe(&mut safe, &placed(DataType::Uint16, 90, 1, Some(3)), &OutputValue::Value(Setting::Number(1.0)));
        assert_eq!(*safe.values, [0x00, 0x10, 0x21, 0x32, 0x43, 0x54, 0x65, 0x76, 0x87, 0x98, 0x09, 0x04]);
        let held = [0x0f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0xfb];
        assert_eq!(*safe.hold, held);
    }

    #[test]
    fn an_output_that_holds_holds_all_of_its_bits() {
        let mut safe = SafeOutputs::zero(12);
        set_safe(&mut safe, &placed(DataType::Bytes, 4, 80, None), &OutputValue::Hold);
        assert_eq!(*safe.hold, [0xf0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0]);
    }
}
