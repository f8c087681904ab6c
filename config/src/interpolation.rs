//! The interpolation time period of drives (0x60C2 of CiA 402): the time from one target value to the next, which a drive
//! interpolates over. It is to be that at which its outputs are exchanged; where it isn't, motion is rough.
//!
//! Further axes have their objects 0x800 higher each (ETG.6010, from memory).

use crate::error::{Problem, Rule};
use crate::rig::{Rig, Slave};
use std::time::Duration;

/// The object of the first axis (IEC 61800-7-201): subindex 1 is the value, 2 the power of ten, in seconds.
pub const INTERPOLATION_TIME: u16 = 0x60C2;
/// From the objects of one axis to those of the next.
pub const AXIS: u16 = 0x800;

/// The time that a value and a power of ten say; `None` where it is no whole number of nanoseconds, or 0.
#[must_use]
pub fn interpolation_time(value: u8, power: i8) -> Option<Duration> {
    let nanos = match i32::from(power).checked_add(9)? {
        exponent @ 0.. => u64::from(value).checked_mul(10_u64.checked_pow(u32::try_from(exponent).ok()?)?)?,
        _ => return None,
    };
    (nanos > 0).then(|| Duration::from_nanos(nanos))
}

/// Value and power of ten for a cycle, the power as large as it can be; `None` where a byte can't hold the value.
#[must_use]
pub fn interpolation_of(cycle: Duration) -> Option<(u8, i8)> {
    let mut value = u64::try_from(cycle.as_nanos()).ok().filter(|nanos| *nanos > 0)?;
    let mut power = -9_i8;
    while value.is_multiple_of(10) {
        value /= 10;
        power = power.checked_add(1)?;
    }
    // A drive that counts in milliseconds is told 10 of them, not one hundredth of a second.
    while power > -3 && value < 25 {
        value *= 10;
        power -= 1;
    }
    Some((u8::try_from(value).ok()?, power))
}

/// A warning for each drive whose startup commands give it another time than its outputs are exchanged at.
pub(crate) fn warnings(rig: &Rig) -> impl Iterator<Item = Problem> + '_ {
    let axes = || (0..8).map(|axis| INTERPOLATION_TIME + axis * AXIS);
    rig.slaves.iter().enumerate().flat_map(move |(i, slave)| {
        axes().filter_map(move |index| {
            let (n, time) = written(slave, index)?;
            let cycle = rig.exchanged_every(&slave.key);
            let what =
                format!("the drive interpolates over {time:?} then, and its outputs are exchanged every {cycle:?}");
            let fix = interpolation_of(cycle).map_or_else(
                || "choose a rate whose cycle 0x60C2 can say".to_owned(),
                |(value, power)| {
                    format!("write {value} into {index:#06x}:01 (uint8) and {power} into {index:#06x}:02 (int8)")
                },
            );
            (time != cycle).then(|| Problem::new(Rule::Conflict, format!("slaves[{i}].startup[{n}]"), what, fix))
        })
    })
}

/// The time that the startup commands of a slave write into an object, and the place of the last of them.
fn written(slave: &Slave, index: u16) -> Option<(usize, Duration)> {
    let commands = || slave.startup.iter().enumerate();
    let byte = |subindex: u8| {
        let mut bytes = commands().filter_map(|(n, command)| {
            let write = command.write().ok()?;
            let is_it = (write.index, write.subindex) == (index, subindex) && !command.complete_access;
            Some((n, *write.data.first()?)).filter(|_| is_it)
        });
        bytes.next_back()
    };
    let ((n, value), (m, power)) = (byte(1)?, byte(2)?);
    Some((n.max(m), interpolation_time(value, power.cast_signed())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_and_power_of_a_cycle_say_the_cycle() {
        for (micros, expected) in
            [(1000, (1, -3)), (250, (25, -5)), (2000, (2, -3)), (10_000, (10, -3)), (62, (62, -6))]
        {
            let (cycle, got) = (Duration::from_micros(micros), interpolation_of(Duration::from_micros(micros)));
            assert_eq!(got.and_then(|(value, power)| interpolation_time(value, power)), Some(cycle), "{micros}");
            assert_eq!(got, Some(expected));
        }
        assert_eq!((interpolation_of(Duration::from_nanos(333_333)), interpolation_of(Duration::ZERO)), (None, None));
    }

    #[test]
    fn what_no_cycle_is_says_no_time() {
        assert_eq!(
            (interpolation_time(0, -3), interpolation_time(1, -10), interpolation_time(255, 63)),
            (None, None, None)
        );
        assert_eq!(interpolation_time(1, -128), None);
    }
}
