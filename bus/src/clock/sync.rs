//! SYNC0 and SYNC1 are set up and started, in PRE-OP, while the reference's time flows and frames are at their phase.
//!
//! The order is the one that ESCs want (Beckhoff ESC data sheet, section I, 9.2; section II, 0x0980 to 0x09A7): the unit is the
//! network's and off, cycles, start time, on. All start times lie on one grid, whole multiples of the network's cycle in the
//! reference's time with each SubDevice's shift, and far enough in the future for everything to be written by then. An ESC
//! whose time is past its start by the time it is on would be silent for ever; so that is looked at, and where it is so, or no SYNC0 comes, the
//! whole is done once more.
//!
//! Guarantees: who is returned as started gave SYNC0 where it should, as its registers say: the time of the next one (0x0990) went
//! on and is on its grid.

use std::time::Duration;

use zerocat_wire::register;

use super::survey::ClockClass;
use super::{Clock, Clocks};
use crate::datagrams::{Datagrams, Target};
use crate::error::{BringUpError, DatagramError, Label};
use crate::executor::join_all;

/// Start times lie at least so far ahead, and further with many SubDevices.
const AHEAD: Duration = Duration::from_millis(100);
/// What each SubDevice adds to that.
const AHEAD_FOR_EACH: Duration = Duration::from_millis(1);
/// Times that it is tried.
const ATTEMPTS: u32 = 3;
/// How long the next SYNC0 is looked at until it has gone on, beside two cycles.
const PATIENCE: Duration = Duration::from_millis(100);
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(1);

/// The SYNC of a SubDevice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncPlan {
    /// Position of the SubDevice.
    pub position: u16,
    /// Low byte for 0x0980, high byte for 0x0981.
    pub assign_activate: u16,
    /// From one SYNC0 to the next, in ns.
    pub sync0_cycle: u32,
    /// From SYNC0 to SYNC1, in ns.
    pub sync1_delay: u32,
    /// How much later than the network's grid SYNC0 is, in ns.
    pub shift_ns: i64,
}

/// Why SYNC didn't start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// It has no clock, or no cyclic unit.
    #[error("{who} has no cyclic unit that could give SYNC0")]
    NoUnit {
        /// Who.
        who: Label,
    },
    /// The reference's time isn't known.
    #[error("the time of the reference clock isn't known")]
    NoTime,
    /// It doesn't keep the cycles.
    #[error("{who} doesn't keep the times of SYNC: wrote {wrote:?} ns to 0x09a0 and 0x09a4, reads back {reads:?}")]
    NotKept {
        /// Who.
        who: Label,
        /// SYNC0's cycle and SYNC1's delay.
        wrote: [u32; 2],
        /// What it shows.
        reads: [u32; 2],
    },
    /// The start time was past when the unit was on.
    #[error(
        "{who}: the start time of SYNC0 was past by {late_ns} ns when it was written, {ATTEMPTS} times; frames take too long"
    )]
    Late {
        /// Who.
        who: Label,
        /// By how much.
        late_ns: i64,
    },
    /// There is no SYNC0.
    #[error(
        "{who} gives no SYNC0, though it was started {ATTEMPTS} times: its next one (0x0990) stays at {next} while its time is {time}; \
         0x0981 shows {activation:#04x}; look whether `assign_activate` of its `dc` is the one that its description names, and switch \
         it off and on"
    )]
    Silent {
        /// Who.
        who: Label,
        /// Register 0x0990.
        next: u64,
        /// Its system time.
        time: u64,
        /// Register 0x0981.
        activation: u8,
    },
    /// SYNC0 is not on its grid.
    #[error("{who}: the next SYNC0 at {next} is {off_ns} ns off its grid")]
    OffGrid {
        /// Who.
        who: Label,
        /// Register 0x0990.
        next: u64,
        /// How far.
        off_ns: u64,
    },
}

impl SyncError {
    /// Whom it is about.
    #[must_use]
    pub const fn who(&self) -> Option<&Label> {
        match self {
            Self::NoTime => None,
            Self::NoUnit { who }
            | Self::NotKept { who, .. }
            | Self::Late { who, .. }
            | Self::Silent { who, .. }
            | Self::OffGrid { who, .. } => Some(who),
        }
    }
}

/// One SubDevice that is being set up.
struct Starting<'a> {
    clock: &'a Clock,
    plan: SyncPlan,
    start: u64,
}

/// Sets up and starts the SYNC of all in `plans`, on a grid of `cycle` ns. `time` says the reference's time in 64 bits as it was
/// at most some cycles ago; `None` where it isn't known.
///
/// # Errors
/// `Sync`, `SubDevice`, by name.
pub async fn start(
    datagrams: &Datagrams,
    clocks: &Clocks,
    plans: &[SyncPlan],
    cycle: u64,
    time: &dyn Fn() -> Option<u64>,
) -> Result<(), BringUpError> {
    let mut all = Vec::new();
    for plan in plans {
        let clock = clocks.at(plan.position).filter(|clock| clock.info.sync_unit);
        let who = || Label { position: plan.position, ..Label::default() };
        let clock = clock
            .ok_or_else(|| SyncError::NoUnit { who: clocks.at(plan.position).map_or_else(who, |c| c.who.clone()) })?;
        all.push((clock, *plan));
    }
    let wide = clocks.reference().info.class == ClockClass::Wide;
    let mut attempt = 0;
    loop {
        attempt += 1;
        let starts = started(datagrams, &all, cycle, time, wide).await?;
        let runs = all.iter().zip(starts).map(|((clock, plan), start)| runs(datagrams, clock, plan, start, cycle));
        match join_all(runs).await.into_iter().collect() {
            Err(BringUpError::Sync(error @ SyncError::Silent { .. })) if attempt < ATTEMPTS => {
                tracing::info!("{error}; again");
            }
            done => return done,
        }
    }
}

/// Writes everything to all until each start lay in the future when its unit was on. Returns the starts, in each clock's own time.
async fn started(
    datagrams: &Datagrams,
    all: &[(&Clock, SyncPlan)],
    cycle: u64,
    time: &dyn Fn() -> Option<u64>,
    wide: bool,
) -> Result<Vec<u64>, BringUpError> {
    let ahead = AHEAD + AHEAD_FOR_EACH * u32::try_from(all.len()).unwrap_or(u32::MAX);
    let mut attempt = 0;
    loop {
        attempt += 1;
        let earliest = time().ok_or(SyncError::NoTime)?.saturating_add(nanos(ahead));
        let set_up = all.iter().map(|(clock, plan)| {
            set_up(datagrams, Starting { clock, plan: *plan, start: start_time(earliest, plan, cycle) }, wide)
        });
        let (mut starts, mut missed) = (Vec::new(), None);
        for done in join_all(set_up).await {
            let (start, late) = done?;
            starts.push(start);
            missed = missed.or(late);
        }
        match missed {
            None => return Ok(starts),
            Some(error) if attempt >= ATTEMPTS => return Err(error.into()),
            Some(error) => tracing::info!("{error}; again"),
        }
    }
}

/// Switches SYNC0 and SYNC1 of all SubDevices off, by broadcast. The unit is taken from local applications first: one that has it
/// keeps the network from writing the activation. Who has no cyclic unit takes no part.
///
/// # Errors
/// Those of [`Datagrams::write`].
pub async fn switch_off(datagrams: &Datagrams) -> Result<(), DatagramError> {
    datagrams.write(Target::Broadcast, register::DC_CYCLIC_CONTROL, &[0]).await?;
    datagrams.write(Target::Broadcast, register::DC_ACTIVATION, &[0]).await?;
    Ok(())
}

/// The first time behind `earliest` that is on the SubDevice's grid. With SYNC1 thinned out, or SYNC0 a part of the cycle, the
/// grid is that of the whole pattern, so that each start gives the same phase.
fn start_time(earliest: u64, plan: &SyncPlan, cycle: u64) -> u64 {
    let sync0 = u64::from(plan.sync0_cycle).max(1);
    let pattern = sync0.saturating_mul(u64::from(plan.sync1_delay).div_ceil(sync0).max(1));
    let step = common_multiple(pattern, cycle.max(1));
    let base = earliest.saturating_add_signed(plan.shift_ns.saturating_neg());
    base.div_ceil(step).saturating_mul(step).saturating_add_signed(plan.shift_ns)
}

fn common_multiple(a: u64, b: u64) -> u64 {
    let (mut divisor, mut rest) = (a, b);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    (a / divisor.max(1)).saturating_mul(b)
}

/// Writes everything. Returns the start in the clock's own time, and that it was missed, if it was.
async fn set_up(
    datagrams: &Datagrams,
    one: Starting<'_>,
    wide: bool,
) -> Result<(u64, Option<SyncError>), BringUpError> {
    let Starting { clock, plan, start } = one;
    let target = Target::Station(clock.station);
    let failed = |source| BringUpError::SubDevice { who: clock.who.clone(), doing: "set SYNC up", source };
    let write = async |register, data: &[u8]| datagrams.write_one(target, register, data).await.map_err(failed);
    write(register::DC_CYCLIC_CONTROL, &[0]).await?;
    write(register::DC_ACTIVATION, &[0]).await?;
    let wrote = [plan.sync0_cycle, plan.sync1_delay];
    write(register::DC_SYNC0_CYCLE, wrote.map(u32::to_le_bytes).as_flattened()).await?;
    let start = in_own_time(datagrams, clock, start, wide).await.map_err(failed)?;
    let bytes = start.to_le_bytes();
    let width = if clock.info.class == ClockClass::Wide { 8 } else { 4 };
    write(register::DC_START_TIME, &bytes[..width]).await?;
    let reads = datagrams.read_array::<8>(target, register::DC_SYNC0_CYCLE).await.map_err(failed)?;
    let [a, b, c, d, e, f, g, h] = reads;
    let reads = [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])];
    // Without SYNC1 some have no register for it.
    if reads[0] != wrote[0] || (wrote[1] != 0 && reads[1] != wrote[1]) {
        return Err(SyncError::NotKept { who: clock.who.clone(), wrote, reads }.into());
    }
    write(register::DC_CYCLIC_CONTROL, &plan.assign_activate.to_le_bytes()).await?;
    let time = own_time(datagrams, clock).await.map_err(failed)?;
    let late_ns = since(time, start, clock);
    Ok((start, (late_ns >= 0).then(|| SyncError::Late { who: clock.who.clone(), late_ns })))
}

/// A time of the reference as the clock shows it: one of 64 bits that follows one of 32 has an upper half of its own.
async fn in_own_time(datagrams: &Datagrams, clock: &Clock, time: u64, wide: bool) -> Result<u64, DatagramError> {
    if wide || clock.info.class != ClockClass::Wide {
        return Ok(time);
    }
    let own = own_time(datagrams, clock).await?;
    Ok(own.wrapping_add_signed(low(time.wrapping_sub(own))))
}

/// The clock's system time.
async fn own_time(datagrams: &Datagrams, clock: &Clock) -> Result<u64, DatagramError> {
    read_time(datagrams, clock, register::DC_SYSTEM_TIME).await
}

async fn read_time(datagrams: &Datagrams, clock: &Clock, register: u16) -> Result<u64, DatagramError> {
    let target = Target::Station(clock.station);
    match clock.info.class {
        ClockClass::Wide => datagrams.read_array(target, register).await.map(u64::from_le_bytes),
        _ => datagrams.read_u32(target, register).await.map(u64::from),
    }
}

/// The lower 32 bits with their sign.
const fn low(difference: u64) -> i64 {
    (difference.cast_signed() << 32) >> 32
}

const fn since(later: u64, earlier: u64, clock: &Clock) -> i64 {
    let difference = later.wrapping_sub(earlier);
    if matches!(clock.info.class, ClockClass::Wide) { difference.cast_signed() } else { low(difference) }
}

/// Waits until the next SYNC0 has gone on from the first one.
async fn runs(
    datagrams: &Datagrams,
    clock: &Clock,
    plan: &SyncPlan,
    start: u64,
    cycle: u64,
) -> Result<(), BringUpError> {
    let failed = |source| BringUpError::SubDevice { who: clock.who.clone(), doing: "look at SYNC0", source };
    let time = own_time(datagrams, clock).await.map_err(failed)?;
    let until_start = Duration::from_nanos(u64::try_from(since(start, time, clock)).unwrap_or(0));
    let cycles = Duration::from_nanos(2 * u64::from(plan.sync0_cycle).max(cycle));
    let end = datagrams.now().saturating_add(until_start + cycles + PATIENCE);
    datagrams.pause(until_start).await;
    loop {
        let next = read_time(datagrams, clock, register::DC_START_TIME).await.map_err(failed)?;
        if since(next, start, clock) > 0 {
            return on_grid(clock, plan, next, start);
        }
        if datagrams.now() >= end {
            let time = own_time(datagrams, clock).await.map_err(failed)?;
            let activation = datagrams.read_u8(Target::Station(clock.station), register::DC_ACTIVATION).await;
            let activation = activation.map_err(failed)?;
            return Err(SyncError::Silent { who: clock.who.clone(), next, time, activation }.into());
        }
        datagrams.pause(LOOK).await;
    }
}

fn on_grid(clock: &Clock, plan: &SyncPlan, next: u64, start: u64) -> Result<(), BringUpError> {
    let off_ns = since(next, start, clock).rem_euclid(i64::from(plan.sync0_cycle).max(1)).unsigned_abs();
    if off_ns == 0 { Ok(()) } else { Err(SyncError::OffGrid { who: clock.who.clone(), next, off_ns }.into()) }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn plan(sync0_cycle: u64, sync1_delay: u64, shift_ns: i64) -> SyncPlan {
        let narrow = |time| u32::try_from(time).unwrap();
        SyncPlan {
            position: 0,
            assign_activate: 0x0300,
            sync0_cycle: narrow(sync0_cycle),
            sync1_delay: narrow(sync1_delay),
            shift_ns,
        }
    }

    #[test]
    fn start_times_are_ahead_and_on_the_grid_with_the_shift() {
        let now = 123_456_789_012_345;
        for shift in [0, 250_000, -100_000, 999_999] {
            let start = start_time(now, &plan(MS, 0, shift), MS);
            assert!((now..now + MS).contains(&start), "{shift}: {start}");
            assert_eq!(start.wrapping_add_signed(-shift) % MS, 0);
        }
    }

    #[test]
    fn a_pattern_of_several_cycles_starts_at_the_same_place_each_time() {
        // SYNC0 every second cycle; SYNC0 four times a cycle; SYNC1 with every fourth SYNC0.
        for (sync0, delay, step) in [(2 * MS, 0, 2 * MS), (MS / 4, 0, MS), (MS, 3 * MS + 1, 4 * MS)] {
            let plan = plan(sync0, delay, 0);
            assert_eq!(start_time(17 * MS + 1, &plan, MS) % step, 0);
            assert!(start_time(17 * MS + 1, &plan, MS) - 17 * MS <= step);
        }
    }
}
