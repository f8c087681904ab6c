//! Writes offsets and delays, has the clocks' filters begin anew, and reads back what was written.
//!
//! Offset and delay stand side by side (0x0920, 8 bytes; 0x0928, 4 bytes) and are written in one datagram, as other MainDevices
//! do, so that no clock runs with one of them only. Filter depths come before the speed counter start (0x0930): some ESCs take
//! a depth over when that is written. Writing that, even the same value, clears the difference 0x092C and the filters
//! (Beckhoff ESC data sheet, section II, 0x0930).

use zerocat_wire::register;

use super::survey::{ClockClass, ClockInfo};
use super::{Clock, ClockProblem, Oddity, sync};
use crate::datagrams::{Datagrams, Target};
use crate::error::{BringUpError, DatagramError};
use crate::executor::join_all;

/// Bytes of offset and delay.
const LEN: usize = 12;

/// What an ESC has after power-on (Beckhoff ESC data sheet, section II, 0x0930 to 0x0935).
const SPEED_COUNTER_START: u16 = 0x1000;
/// Depths of the filters of difference and speed, likewise.
const FILTER_DEPTHS: [u8; 2] = [4, 12];

/// Switches SYNC0 and SYNC1 off where a MainDevice before has left them on.
pub(super) async fn switch_sync_off(datagrams: &Datagrams, infos: &[ClockInfo]) -> Result<(), DatagramError> {
    if infos.iter().any(|info| info.sync_unit) {
        sync::switch_off(datagrams).await?;
    }
    Ok(())
}

/// Sets all. Returns who didn't keep it.
pub(super) async fn set(datagrams: &Datagrams, clocks: &[Clock]) -> Result<Vec<Oddity>, BringUpError> {
    for done in join_all(clocks.iter().map(|clock| write(datagrams, clock))).await {
        done?;
    }
    begin_anew(datagrams, Target::Broadcast).await?;
    let kept = join_all(clocks.iter().map(|clock| check(datagrams, clock))).await;
    let kept: Vec<_> = kept.into_iter().collect::<Result<_, _>>()?;
    Ok(kept.into_iter().flatten().collect())
}

/// Has filters begin anew, with the values of an ESC after power-on: whatever a MainDevice before has set.
pub(super) async fn begin_anew(datagrams: &Datagrams, target: Target) -> Result<(), DatagramError> {
    datagrams.write(target, register::DC_FILTER_DEPTHS, &FILTER_DEPTHS).await?;
    datagrams.write(target, register::DC_SPEED_COUNTER_START, &SPEED_COUNTER_START.to_le_bytes()).await?;
    Ok(())
}

/// The delay as the register has it: that of a clock before the reference is negative modulo 2^32, in which the clock compares.
fn delay(clock: &Clock) -> u32 {
    let [a, b, c, d, ..] = clock.delay_ns.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

pub(super) async fn write(datagrams: &Datagrams, clock: &Clock) -> Result<(), BringUpError> {
    let mut bytes = [0; LEN];
    bytes[..8].copy_from_slice(&clock.offset.to_le_bytes());
    bytes[8..].copy_from_slice(&delay(clock).to_le_bytes());
    let written = datagrams.write_one(Target::Station(clock.station), register::DC_OFFSET, &bytes).await;
    written.map_err(|source| BringUpError::SubDevice { who: clock.who.clone(), doing: "set its clock", source })
}

/// Whether a clock shows what was written; else what it shows.
pub(super) async fn check(datagrams: &Datagrams, clock: &Clock) -> Result<Option<Oddity>, BringUpError> {
    let read = datagrams.read_array::<LEN>(Target::Station(clock.station), register::DC_OFFSET).await;
    let failed = |source| BringUpError::SubDevice { who: clock.who.clone(), doing: "read its clock back", source };
    let [a, b, c, d, e, f, g, h, delay @ ..] = read.map_err(failed)?;
    let offset = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
    let wide = clock.info.class == ClockClass::Wide;
    let offset = if wide { offset } else { offset & u64::from(u32::MAX) };
    let (wrote_delay, delay) = (self::delay(clock), u32::from_le_bytes(delay));
    let kept = (offset, delay) == (clock.offset, wrote_delay);
    let what = ClockProblem::NotKept { wrote_offset: clock.offset, wrote_delay, offset, delay };
    Ok((!kept).then(|| Oddity { who: clock.who.clone(), what }))
}
