//! The watchdogs of a SubDevice (ETG.1000.4, 6.3, tables 41 and 43). That of the sync managers: who loses its MainDevice leaves OP
//! by itself. That of the process data interface (PDI): the ESC shows that its application doesn't reach for it any more.
//!
//! It counts how often it expired (0x0442, up to 255; a write clears it). That tells of a terminal without an AL state of its
//! own, which is in OP all the time, that its outputs were dropped.
//!
//! A tick is 40 ns * (divider + 2); the divider is set to 2,498, which makes it 100 us. What is written is read back.

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

/// Times of a SubDevice's watchdogs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watchdogs {
    /// Of the sync managers, in place of that of all; `None` is as for all.
    pub process_data: Option<Duration>,
    /// Of the process data interface; zero switches it off, `None` leaves it as it is.
    pub pdi: Option<Duration>,
}

/// Ticks of a SubDevice's watchdogs. `None` leaves one as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Ticks {
    pub(crate) process_data: Option<u16>,
    pub(crate) pdi: Option<u16>,
}

impl Watchdogs {
    /// Their ticks, with the sync manager watchdog of all where it has none of its own.
    pub(crate) fn ticks(self, of_all: Option<Duration>) -> Result<Ticks, BringUpError> {
        let pdi = |time: Duration| if time.is_zero() { Ok(0) } else { ticks(time) };
        Ok(Ticks {
            process_data: self.process_data.or(of_all).map(ticks).transpose()?,
            pdi: self.pdi.map(pdi).transpose()?,
        })
    }
}

/// Programs the watchdogs and reads them back.
///
/// # Errors
/// `SubDevice`, `Watchdog`.
pub(crate) async fn program(
    datagrams: &Datagrams,
    target: Target,
    who: &Label,
    ticks: Ticks,
) -> Result<(), BringUpError> {
    let failed = |source| BringUpError::SubDevice { who: who.clone(), doing: "program watchdogs", source };
    let program = async |register, wrote| {
        datagrams.write_u16(target, register, wrote).await.map_err(failed)?;
        let reads = datagrams.read_u16(target, register).await.map_err(failed)?;
        if reads == wrote { Ok(()) } else { Err(BringUpError::Watchdog { who: who.clone(), register, wrote, reads }) }
    };
    let one = async |register, ticks: Option<u16>| match ticks {
        Some(ticks) => program(register, ticks).await,
        None => Ok(()),
    };
    let any = ticks.process_data.or(ticks.pdi).map(|_| DIVIDER);
    let process_data = one(register::WATCHDOG_SYNC_MANAGER, ticks.process_data);
    let times = zip(process_data, one(register::WATCHDOG_PDI, ticks.pdi));
    let (divider, (process_data, pdi)) = zip(one(register::WATCHDOG_DIVIDER, any), times).await;
    divider.and(process_data).and(pdi)
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
    fn a_subdevice_has_its_own_watchdogs_or_that_of_all() {
        let (ms, of_all) = (Duration::from_millis(1), Some(Duration::from_millis(100)));
        let own = Watchdogs { process_data: Some(50 * ms), pdi: Some(Duration::ZERO) };
        assert_eq!(own.ticks(of_all), Ok(Ticks { process_data: Some(500), pdi: Some(0) }));
        assert_eq!(Watchdogs::default().ticks(of_all), Ok(Ticks { process_data: Some(1000), pdi: None }));
        assert_eq!(Watchdogs::default().ticks(None), Ok(Ticks::default()));
    }

    #[test]
    fn a_watchdog_of_no_time_or_of_too_much_is_refused() {
        assert!(ticks(Duration::ZERO).is_err());
        assert!(ticks(Duration::from_secs(7)).unwrap_err().to_string().contains("7s"));
    }
}
