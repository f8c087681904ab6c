//! The segment that is asked: servos in a line, whose mailboxes have what habits the seed draws.

use zerocat_sim::{ProfileKind, SegmentConfig, SubDeviceConfig};

/// A segment of so many SubDevices.
pub(super) fn draw(subdevices: u16, _random: &mut fastrand::Rng) -> SegmentConfig {
    let servo = |serial| SubDeviceConfig { serial, ..SubDeviceConfig::new(ProfileKind::Servo) };
    SegmentConfig::line((1..=u32::from(subdevices)).map(servo).collect())
}
