//! The sync manager watchdog (ETG.1000.4, 6.3, tables 41 and 43): who loses its MainDevice leaves OP by itself.
//!
//! It counts how often it expired (0x0442, up to 255; a write clears it). That tells of a terminal without an AL state of its
//! own, which is in OP all the time, that its outputs were dropped.
//!
//! A tick is 40 ns * (divider + 2); the divider is set to 2,498, which makes it 100 us. Both registers are read back.

use std::time::Duration;

use futures_lite::future::zip;
use zerocat_wire::register;

use crate::datagrams::{Datagrams, Target};
use crate::error::{BringUpError, DatagramError, Label};

/// Divider for ticks of 100 us.
pub const DIVIDER: u16 = 2498;
/// One tick at [`DIVIDER`].
pub const TICK: Duration = Duration::from_micros(100);

/// Ticks of a watchdog time, rounded up; 1 to 65,535.
///
/// # Errors
/// `WatchdogTime` for 0 or more than 6.5535 s.
pub fn ticks(time: Duration) -> Result<u16, BringUpError> {
    let ticks = time.as_nanos().div_ceil(TICK.as_nanos());
    match u16::try_from(ticks) {
        Ok(ticks) if ticks > 0 => Ok(ticks),
        _ => Err(BringUpError::WatchdogTime { asked: time }),
    }
}

/// Programs the watchdog and reads it back.
///
/// # Errors
/// `SubDevice`, `Watchdog`.
pub async fn program(datagrams: &Datagrams, target: Target, who: &Label, ticks: u16) -> Result<(), BringUpError> {
    let failed = |source| BringUpError::SubDevice { who: who.clone(), doing: "program sync manager watchdog", source };
    let program = async |register, wrote| {
        datagrams.write_u16(target, register, wrote).await.map_err(failed)?;
        let reads = datagrams.read_u16(target, register).await.map_err(failed)?;
        if reads == wrote { Ok(()) } else { Err(BringUpError::Watchdog { who: who.clone(), register, wrote, reads }) }
    };
    let divider = program(register::WATCHDOG_DIVIDER, DIVIDER);
    let (divider, time) = zip(divider, program(register::WATCHDOG_SYNC_MANAGER, ticks)).await;
    divider.and(time)
}

/// What a watchdog shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WatchdogShown {
    /// It has expired, and no outputs came since.
    pub expired: bool,
    /// Times that it expired; 255 for more.
    pub count: u8,
}

/// Reads what a watchdog shows, with a single datagram, which isn't repeated. Status (0x0440) and counter (0x0442) are read
/// as one.
///
/// # Errors
/// Those of [`Datagrams::read_one`].
pub(crate) async fn shown_at_once(datagrams: &Datagrams, target: Target) -> Result<WatchdogShown, DatagramError> {
    let [status, _, count] = datagrams.read_array_once(target, register::WATCHDOG_STATUS).await?;
    Ok(WatchdogShown { expired: status & 1 == 0, count })
}

/// Sets the counter of one SubDevice, or of all, to 0. Best effort: what it showed before is seen again where the write is
/// lost.
pub(crate) async fn clear_count(datagrams: &Datagrams, target: Target) {
    if let Err(error) = datagrams.write(target, register::WATCHDOG_COUNT, &[0]).await {
        tracing::debug!(%error, "a watchdog's counter was not cleared");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_is_a_hundred_microseconds() {
        assert_eq!(TICK, Duration::from_nanos(40) * (u32::from(DIVIDER) + 2));
        assert_eq!(ticks(Duration::from_millis(100)), Ok(1000));
        assert_eq!(ticks(Duration::from_micros(101)), Ok(2));
    }

    #[test]
    fn a_watchdog_of_no_time_or_of_too_much_is_refused() {
        assert!(ticks(Duration::ZERO).is_err());
        assert!(ticks(Duration::from_secs(7)).unwrap_err().to_string().contains("7s"));
    }
}
