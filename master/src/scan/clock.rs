//! Clocks of a scanned bus: what each ESC has, which one would be the reference, and how far the others are behind it.
//!
//! The delays are found as in a bring-up, which sets offsets and delays of the clocks, in INIT and with SYNC off. A clock that
//! can't be measured keeps nobody from being listed.

use serde::Serialize;
use zerocat_bus::clock::survey::{ClockClass, ClockInfo, survey};
use zerocat_bus::clock::{ClockOptions, ClockProblem, Clocks, compensate};
use zerocat_bus::{BringUpError, Datagrams, SubDevice};
use zerocat_sched::time::nanos;

/// The distributed clock of a SubDevice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct ScannedClock {
    /// Its kind, and whether it can give SYNC.
    #[serde(flatten)]
    pub info: ClockInfo,
    /// Whether it is the one that the others would follow.
    pub reference: bool,
    /// How long a frame takes from the reference clock to it, in ns; negative where the frame passes it before. `null` where it has
    /// no system time.
    pub delay_ns: Option<i64>,
    /// How far that may be off because processing delays on the way are not known; `null` where the delay isn't known.
    pub uncertain_ns: Option<u32>,
}

impl ScannedClock {
    /// Whether it has a system time, not receive times alone.
    #[must_use]
    pub fn has_system_time(&self) -> bool {
        self.info.class >= ClockClass::Narrow
    }
}

/// The clocks of a bus in INIT, in bus order, and what is odd with some of them.
pub(super) async fn clocks(
    datagrams: &Datagrams,
    subdevices: &[SubDevice],
) -> Result<(Vec<ScannedClock>, Vec<(u16, ClockProblem)>), BringUpError> {
    let infos = survey(datagrams, subdevices).await?;
    let now = || nanos(datagrams.now());
    let measured = match compensate(datagrams, subdevices, &ClockOptions::default(), &now).await {
        Ok(measured) => measured,
        Err(error) => {
            tracing::warn!("clocks could not be measured: {error}");
            None
        }
    };
    let of = |(info, one): (ClockInfo, &SubDevice)| clock(info, one.position, measured.as_ref());
    let odd = measured.iter().flat_map(|clocks| &clocks.oddities).map(|odd| (odd.who.position, odd.what));
    Ok((infos.into_iter().zip(subdevices).map(of).collect(), odd.collect()))
}

fn clock(info: ClockInfo, position: u16, measured: Option<&Clocks>) -> ScannedClock {
    let one = measured.and_then(|clocks| clocks.at(position));
    ScannedClock {
        info,
        reference: measured.is_some_and(|clocks| clocks.reference().who.position == position),
        delay_ns: one.map(|one| one.delay_ns),
        uncertain_ns: one.and_then(|one| one.uncertain_ns),
    }
}
