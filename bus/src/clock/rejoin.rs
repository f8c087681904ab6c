//! A clock that was restarted while the network runs is set to the reference's time again.
//!
//! Latching receive times disturbs no clock: what the frames that follow stamp at later ports isn't looked at here. Who kept offset and
//! delay wasn't restarted, and is left alone.

use zerocat_wire::register;

use super::latch::{latch, unit};
use super::survey::ClockClass;
use super::{Clock, Clocks, set};
use crate::datagrams::{Datagrams, Target};
use crate::error::BringUpError;

/// Times that receive times are latched; the offset in the middle is taken.
const LATCHES: usize = 3;

/// Sets the clock of the SubDevice at a position, where it has lost what was set. Returns whether it had. Without a clock there it
/// does nothing.
///
/// # Errors
/// `SubDevice`, `Datagram`.
pub async fn rejoin(datagrams: &Datagrams, clocks: &Clocks, position: u16) -> Result<bool, BringUpError> {
    let Some(clock) = clocks.at(position) else { return Ok(false) };
    if set::check(datagrams, clock).await?.is_none() {
        return Ok(false);
    }
    let reference = clocks.reference();
    let mut offsets = Vec::new();
    for _ in 0..LATCHES {
        latch(datagrams, &|| 0).await?;
        let at_reference = unit(datagrams, reference.station, &reference.who, reference.info.class).await?;
        let own = unit(datagrams, clock.station, &clock.who, clock.info.class).await?;
        offsets.push(offset(reference, at_reference, clock, own));
    }
    offsets.sort_unstable();
    let set_anew = Clock { offset: offsets[LATCHES / 2], ..clock.clone() };
    set::write(datagrams, &set_anew).await?;
    set::begin_anew(datagrams, Target::Station(clock.station)).await?;
    tracing::info!(subdevice = %clock.who, offset = set_anew.offset, register = register::DC_OFFSET, "clock set again");
    Ok(true)
}

/// What one adds to its local time, from what both noted of one frame.
fn offset(reference: &Clock, at_reference: u64, clock: &Clock, own: u64) -> u64 {
    let system = at_reference.wrapping_add(reference.offset);
    // Of a reference of 32 bits the lower half counts.
    let system = if reference.info.class == ClockClass::Wide { system } else { system & u64::from(u32::MAX) };
    let offset = system.wrapping_add_signed(clock.delay_ns).wrapping_sub(own);
    if clock.info.class == ClockClass::Wide { offset } else { offset & u64::from(u32::MAX) }
}
