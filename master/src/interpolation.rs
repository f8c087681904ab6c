//! Drives of CiA 402 that interpolate over another time than their outputs are exchanged at: told before OP, with the startup
//! commands that mend it.
//!
//! Only of drives that interpolate: those that ask for SYNC, and those in an interpolated or cyclic synchronous mode.

use crate::events::SessionEvent;
use crate::machine::Machine;
use std::fmt;
use std::time::Duration;
use zerocat_bus::named;
use zerocat_bus::{Interpolation, Label, Matching, Network, SubDevice};
use zerocat_config::interpolation::{AXIS, INTERPOLATION_TIME, interpolation_of, interpolation_time};
use zerocat_pdi::Direction;

/// The control word (IEC 61800-7-201), which a drive is known by.
const CONTROL_WORD: u16 = 0x6040;
/// Axes of a drive.
const AXES: u16 = 8;
/// Interpolated position, cyclic synchronous position, velocity and torque (IEC 61800-7-201, modes of operation).
const INTERPOLATING: std::ops::RangeInclusive<i8> = 7..=10;

/// A drive that interpolates over another time than its outputs are exchanged at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherInterpolation {
    /// Who.
    pub who: Label,
    /// Its key in the rig file; `None` where it isn't named there.
    pub key: Option<String>,
    /// The object: 0x60C2 of the first axis.
    pub index: u16,
    /// The time that it interpolates over; `None` where it says none.
    pub time: Option<Duration>,
    /// The time from one exchange of its outputs to the next.
    pub cycle: Duration,
}

impl fmt::Display for OtherInterpolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { who, key, index, time, cycle } = self;
        let time = time.map_or_else(|| "no time that makes sense".to_owned(), |time| format!("{time:?}"));
        let who = named(who, key.as_deref());
        write!(f, "{who} interpolates over {time} ({index:#06x}), and its outputs are exchanged every {cycle:?}: ")?;
        match interpolation_of(*cycle) {
            Some((value, power)) => write!(
                f,
                "write \"startup\": [{{ \"transition\": \"PS\", \"object\": \"{index:#06x}:01\", \"data_type\": \"uint8\", \
                 \"value\": {value} }}, {{ \"transition\": \"PS\", \"object\": \"{index:#06x}:02\", \"data_type\": \"int8\", \
                 \"value\": {power} }}]"
            ),
            None => f.write_str("choose a rate whose cycle the object can say"),
        }
    }
}

impl Machine<'_> {
    /// Tells of drives whose time is another. After startup commands were sent and the maps were read.
    pub(crate) async fn check_interpolation(&self, network: &mut Network<'_>, matching: &Matching) {
        let axes: Vec<(u16, u16)> = network.subdevices().iter().flat_map(axes).collect();
        if axes.is_empty() {
            return;
        }
        for said in network.read_interpolation(&axes).await {
            if let Some(other) = self.other(network, matching, said) {
                self.observer.warn(&SessionEvent::OtherInterpolation(Box::new(other)));
            }
        }
    }

    fn other(&self, network: &Network<'_>, matching: &Matching, said: Interpolation) -> Option<OtherInterpolation> {
        let Interpolation { position, axis, mode, value, power } = said;
        let key = matching.matches.iter().find(|found| found.position == position).map(|found| found.key.clone());
        let slave = key.as_deref().and_then(|key| self.rig.slave(key));
        let synchronous = slave.and_then(|slave| slave.dc.as_ref()).is_some_and(|dc| dc.asks_for_sync());
        let interpolates = synchronous || mode.is_some_and(|mode| INTERPOLATING.contains(&mode));
        let cycle = key.as_deref().map_or_else(|| self.rig.period(), |key| self.rig.exchanged_every(key));
        let time = interpolation_time(value, power);
        let who = network.subdevices().get(usize::from(position))?.label();
        let index = INTERPOLATION_TIME.saturating_add(axis.saturating_mul(AXIS));
        (interpolates && time != Some(cycle)).then_some(OtherInterpolation { who, key, index, time, cycle })
    }
}

/// The axes of a drive, by the control words that it maps, each with its position.
fn axes(subdevice: &SubDevice) -> impl Iterator<Item = (u16, u16)> + '_ {
    let is_mapped = |index: u16| {
        let outputs = subdevice.sync_managers.iter().filter(|manager| manager.direction == Direction::Output);
        let mut entries = outputs.flat_map(|manager| &manager.pdos).flat_map(|pdo| &pdo.entries);
        entries.any(|entry| entry.index == index && entry.bit_length == 16)
    };
    let mapped = move |axis: &u16| is_mapped(CONTROL_WORD.saturating_add(axis.saturating_mul(AXIS)));
    (0..AXES).filter(mapped).map(|axis| (subdevice.position, axis))
}
