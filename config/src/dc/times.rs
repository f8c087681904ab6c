//! SYNC of a SubDevice in numbers, as the registers take them, from what the rig says and from its operation modes.

use super::subdevice::{SubDeviceDc, Sync1};
use std::time::Duration;
use zerocat_esi::OpMode;
use zerocat_text::nearest;

/// Bit of AssignActivate: the cyclic unit is on (0x0981, bit 0).
const CYCLIC: u16 = 0x0100;
/// Bit of AssignActivate: SYNC0 is on (0x0981, bit 1).
const SYNC0: u16 = 0x0200;
/// Bit of AssignActivate: SYNC1 is on (0x0981, bit 2).
const SYNC1: u16 = 0x0400;
/// Register of SYNC0's cycle.
const CYCLE: u16 = 0x09a0;
/// Register of SYNC1's delay.
const DELAY: u16 = 0x09a4;

/// SYNC of a SubDevice, as its registers take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncTimes {
    /// Low byte for register 0x0980, high byte for 0x0981.
    pub assign_activate: u16,
    /// Register 0x09A0, in ns: from one SYNC0 to the next. A whole multiple of the network's cycle, or a whole part of it.
    pub sync0_cycle: u32,
    /// Register 0x09A4, in ns: from SYNC0 to SYNC1. 0 without SYNC1, or where both come together.
    pub sync1_delay: u32,
    /// How much later than the network's SYNC grid SYNC0 is, in ns. Start times (0x0990) are this, modulo the cycle of SYNC0.
    pub shift_ns: i64,
}

impl SyncTimes {
    /// The cycle in which its application works, in ns: from one SYNC1 to the next where it has one, else that of SYNC0.
    #[must_use]
    pub fn application_cycle(self) -> u64 {
        let sync0 = u64::from(self.sync0_cycle);
        if self.assign_activate & SYNC1 == 0 || sync0 == 0 {
            return sync0;
        }
        // Each SYNC1 is timed from the first SYNC0 behind the last one.
        sync0 * (u64::from(self.sync1_delay) / sync0 + 1)
    }
}

/// Why a SubDevice can't have the SYNC that it asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SyncProblem {
    /// Its description has no operation mode.
    #[error(
        "there is no operation mode `{asked}`: its description names none; give `assign_activate`, such as 0x0300 for SYNC0"
    )]
    NoModes {
        /// The name.
        asked: String,
    },
    /// Its description has no operation mode of this name.
    #[error("there is no operation mode `{asked}`{}; its description has {}", meant(.nearest.as_deref()), .known.join(", "))]
    UnknownMode {
        /// The name.
        asked: String,
        /// Names of those that there are.
        known: Vec<String>,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// Several have this name.
    #[error(
        "{count} operation modes of its description are named `{asked}`; give `assign_activate`, `sync0` and `sync1` in its place"
    )]
    AmbiguousMode {
        /// The name.
        asked: String,
        /// How many.
        count: usize,
    },
    /// Neither a mode nor a word is given.
    #[error("neither `mode` nor `assign_activate` is given")]
    Nothing,
    /// The word doesn't switch a signal on.
    #[error("AssignActivate {0:#06x} switches no SYNC on; 0x0300 is SYNC0, 0x0700 SYNC0 and SYNC1")]
    NoSignal(u16),
    /// Times for SYNC1, which isn't on.
    #[error("AssignActivate {0:#06x} leaves SYNC1 off; 0x0700 is SYNC0 and SYNC1")]
    WithoutSync1(u16),
    /// The cycle doesn't fit the network's.
    #[error("SYNC0 every {sync0} ns is neither a whole multiple nor a whole part of the cycle of {cycle} ns")]
    Cycle {
        /// Asked for, in ns.
        sync0: u64,
        /// The network's, in ns.
        cycle: u64,
    },
    /// A time that its register can't hold.
    #[error("{what} of {ns} ns is not in {least} to 4294967295 ns, what register {register:#06x} holds")]
    Register {
        /// Which time.
        what: &'static str,
        /// The time, in ns.
        ns: i64,
        /// The least that it can be.
        least: u8,
        /// The register.
        register: u16,
    },
    /// The shift is a cycle or more.
    #[error("a shift of {shift} ns is not less than the cycle of SYNC0, {sync0} ns")]
    Shift {
        /// In ns.
        shift: i64,
        /// In ns.
        sync0: u32,
    },
}

impl SyncProblem {
    /// The key of `dc` that it is of.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::NoModes { .. } | Self::UnknownMode { .. } | Self::AmbiguousMode { .. } | Self::Nothing => "mode",
            Self::NoSignal(_) => "assign_activate",
            Self::WithoutSync1(_) | Self::Register { register: DELAY, .. } => "sync1",
            Self::Cycle { .. } | Self::Register { .. } => "sync0.cycle",
            Self::Shift { .. } => "sync0.shift_ns",
        }
    }
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map(|name| format!(", did you mean `{name}`?")).unwrap_or_default()
}

/// Times as they are asked for, before they are judged; in ns.
struct Asked {
    word: u16,
    cycle0: u64,
    shift0: i64,
    delay1: i64,
}

impl SubDeviceDc {
    /// Its SYNC in numbers. `network` is the network's cycle, `exchanged` the time from one exchange of the SubDevice to the next,
    /// a multiple of it; `modes` are its operation modes. `None` where it asks for no SYNC, also by a mode that has none.
    ///
    /// # Errors
    /// Why it can't have what it asks for, with the numbers.
    pub fn times(
        &self,
        network: Duration,
        exchanged: Duration,
        modes: &[OpMode],
    ) -> Result<Option<SyncTimes>, SyncProblem> {
        let of_mode = self.mode.as_deref().map(|name| find(name, modes)).transpose()?;
        let asked = match (of_mode, self.assign_activate) {
            (_, Some(0)) => return Ok(None),
            (Some(mode), _) if mode.mode.assign_activate == 0 => return Ok(None),
            (Some(mode), _) => of_a_mode(mode, whole(exchanged)),
            (None, Some(word)) => Asked { word, cycle0: whole(exchanged), shift0: 0, delay1: 0 },
            (None, None) => return Err(SyncProblem::Nothing),
        };
        self.over(asked)?.judged(whole(network)).map(Some)
    }

    /// Judges the cycle of SYNC0 that the rig itself says, whatever its operation mode is.
    pub(crate) fn own_cycle(&self, network: Duration) -> Result<(), SyncProblem> {
        let own = self.sync0.and_then(|sync0| sync0.cycle);
        own.map_or(Ok(()), |own| fits(whole(own), whole(network)))
    }

    /// What the rig says in place of the mode.
    fn over(&self, mut asked: Asked) -> Result<Asked, SyncProblem> {
        if let Some(sync0) = self.sync0 {
            asked.cycle0 = sync0.cycle.map_or(asked.cycle0, whole);
            asked.shift0 = sync0.shift_ns.unwrap_or(asked.shift0);
        }
        if let Some(sync1) = self.sync1 {
            if asked.word & SYNC1 == 0 {
                return Err(SyncProblem::WithoutSync1(asked.word));
            }
            asked.delay1 = sync1.after(asked.cycle0);
        }
        Ok(asked)
    }
}

impl Sync1 {
    /// How long it comes after a SYNC0 of this cycle, in ns.
    fn after(self, cycle0: u64) -> i64 {
        let own = self.cycle.map_or(cycle0, whole);
        let derived = signed(own).saturating_sub(signed(cycle0)).saturating_add(self.shift_ns.unwrap_or(0));
        self.delay.map_or(derived, |delay| signed(whole(delay)))
    }
}

impl Asked {
    fn judged(self, network: u64) -> Result<SyncTimes, SyncProblem> {
        let Self { word, cycle0, shift0, delay1 } = self;
        if word & CYCLIC == 0 || word & (SYNC0 | SYNC1) == 0 {
            return Err(SyncProblem::NoSignal(word));
        }
        let register = |what, ns: i64, least: u8, register| {
            let fits = u32::try_from(ns).ok().filter(|ns| *ns >= least.into());
            fits.ok_or(SyncProblem::Register { what, ns, least, register })
        };
        let sync0_cycle = register("a cycle of SYNC0", signed(cycle0), 1, CYCLE)?;
        fits(cycle0, network)?;
        if shift0.unsigned_abs() >= cycle0 {
            return Err(SyncProblem::Shift { shift: shift0, sync0: sync0_cycle });
        }
        let delay1 = if word & SYNC1 == 0 { 0 } else { delay1 };
        let sync1_delay = register("a delay of SYNC1", delay1, 0, DELAY)?;
        Ok(SyncTimes { assign_activate: word, sync0_cycle, sync1_delay, shift_ns: shift0 })
    }
}

/// Whether SYNC0 with this cycle keeps step with the network's, both in ns.
const fn fits(sync0: u64, cycle: u64) -> Result<(), SyncProblem> {
    let whole = cycle != 0 && sync0 != 0 && (sync0.is_multiple_of(cycle) || cycle.is_multiple_of(sync0));
    if whole { Ok(()) } else { Err(SyncProblem::Cycle { sync0, cycle }) }
}

/// The mode of a name.
fn find<'a>(name: &str, modes: &'a [OpMode]) -> Result<&'a OpMode, SyncProblem> {
    let asked = || name.to_owned();
    let mut named = modes.iter().filter(|mode| mode.name == name);
    match (named.next(), named.count()) {
        (Some(mode), 0) => Ok(mode),
        (Some(_), more) => Err(SyncProblem::AmbiguousMode { asked: asked(), count: more + 1 }),
        (None, _) if modes.is_empty() => Err(SyncProblem::NoModes { asked: asked() }),
        (None, _) => {
            let known: Vec<String> = modes.iter().map(|mode| mode.name.clone()).collect();
            let words: Vec<&str> = known.iter().map(String::as_str).collect();
            let nearest = nearest(name, &words).map(str::to_owned);
            Err(SyncProblem::UnknownMode { asked: asked(), known, nearest })
        }
    }
}

/// A mode in numbers (ETG.2000, Dc). A cycle time of 0 is the one in which the SubDevice is exchanged, times its factor where that is
/// positive, and through it where it is negative. The cycle of SYNC1 has a factor alone, of SYNC0's cycle where that is positive, of
/// the exchange's where it is negative, and with the factor 0 it is SYNC0's.
fn of_a_mode(named: &OpMode, exchanged: u64) -> Asked {
    let mode = named.mode;
    let cycle0 = match mode.cycle_time_0 {
        0 => scaled(exchanged, mode.sync0_cycle_factor),
        ns => u64::from(ns),
    };
    let factor = mode.sync1_cycle_factor;
    let cycle1 = match factor {
        0 => cycle0,
        1.. => scaled(cycle0, factor),
        _ => exchanged.saturating_mul(factor.unsigned_abs().into()),
    };
    let delay1 = signed(cycle1).saturating_sub(signed(cycle0)).saturating_add(mode.shift_time_1.into());
    Asked { word: mode.assign_activate, cycle0, shift0: mode.shift_time_0.into(), delay1 }
}

fn scaled(cycle: u64, factor: i16) -> u64 {
    let times = u64::from(factor.unsigned_abs());
    match factor {
        0 => cycle,
        1.. => cycle.saturating_mul(times),
        _ => cycle / times,
    }
}

fn whole(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn signed(ns: u64) -> i64 {
    i64::try_from(ns).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "times_tests.rs"]
mod tests;
