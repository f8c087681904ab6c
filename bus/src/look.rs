//! What a SubDevice shows, also where it has lost its station address because it was switched off and on.
//!
//! Guarantees: it only reads. A SubDevice is looked at by its position only where as many answer as were found, and the one
//! there has no station address; so it is never taken for another.

use zerocat_wire::register;

use crate::al::{self, AlShown};
use crate::bring_up::Address;
use crate::datagrams::{Datagrams, Target};
use crate::error::DatagramError;

/// What a SubDevice of a network with `count` of them shows now, and whether it has its station address.
///
/// # Errors
/// Why it doesn't answer at its station address, where it isn't found without one either.
pub(crate) async fn shown(
    datagrams: &Datagrams,
    position: u16,
    station: u16,
    count: usize,
) -> Result<(AlShown, Address), DatagramError> {
    match al::shown(datagrams, Target::Station(station)).await {
        Ok(shown) => Ok((shown, Address::Kept)),
        Err(error) => {
            let found = without_address(datagrams, position, count).await;
            found.map(|shown| (shown, Address::Lost)).ok_or(error)
        }
    }
}

/// How many SubDevices answer now; `None` where the frame was lost. One datagram.
pub(crate) async fn count_once(datagrams: &Datagrams) -> Option<usize> {
    let answer = datagrams.read_once(Target::Broadcast, register::AL_STATUS, 2).await.ok()?;
    (answer.working_counter > 0).then_some(answer.working_counter.into())
}

/// What the SubDevice at a position shows that has no station address, of a network whose SubDevices all answer. No
/// datagram is repeated.
pub(crate) async fn without_address_once(datagrams: &Datagrams, position: u16) -> Option<AlShown> {
    let target = Target::Position(position);
    let station = datagrams.read_array_once(target, register::STATION_ADDRESS).await.ok()?;
    if u16::from_le_bytes(station) == 0 { al::shown_at_once(datagrams, target).await.ok() } else { None }
}

async fn without_address(datagrams: &Datagrams, position: u16, count: usize) -> Option<AlShown> {
    let answer = datagrams.read(Target::Broadcast, register::AL_STATUS, 2).await.ok()?;
    let target = Target::Position(position);
    let lost = usize::from(answer.working_counter) == count
        && datagrams.read_u16(target, register::STATION_ADDRESS).await.ok()? == 0;
    if lost { al::shown(datagrams, target).await.ok() } else { None }
}
