//! What the ports of a SubDevice have counted: damaged frames and lost links (ETG.1000.4, 6.3).
//!
//! Counters stop at 255 and stay there until somebody writes to them, which nothing here does. An ESC may have some of them and
//! not others; those that it doesn't have are `None`.

use crate::datagrams::{Datagrams, Target};
use crate::error::DatagramError;
use serde::Serialize;
use zerocat_wire::register;

/// The counters of one port, since they were cleared or the SubDevice was switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct PortErrors {
    /// Frames that were invalid when they came in here first.
    pub invalid_frames: Option<u8>,
    /// Errors of the physical layer.
    pub physical: Option<u8>,
    /// Invalid frames that an earlier SubDevice had counted already.
    pub forwarded: Option<u8>,
    /// Times that the link was lost.
    pub lost_links: Option<u8>,
}

impl PortErrors {
    /// The sum of all that this port counted first, and of its lost links.
    #[must_use]
    pub fn own(&self) -> u32 {
        [self.invalid_frames, self.physical, self.lost_links].into_iter().flatten().map(u32::from).sum()
    }
}

/// Reads the counters of the SubDevice with this station address.
///
/// # Errors
/// A datagram can't be sent.
pub async fn port_errors(datagrams: &Datagrams, station: u16) -> Result<[PortErrors; 4], DatagramError> {
    let received = counters::<8>(datagrams, station, register::RX_ERRORS).await?;
    let forwarded = counters::<4>(datagrams, station, register::FORWARDED_ERRORS).await?;
    let lost = counters::<4>(datagrams, station, register::LOST_LINKS).await?;
    Ok(std::array::from_fn(|port| {
        let received = |at: usize| received.as_ref().and_then(|bytes| bytes.get(2 * port + at).copied());
        let of = |bytes: &Option<[u8; 4]>| bytes.as_ref().and_then(|bytes| bytes.get(port).copied());
        PortErrors {
            invalid_frames: received(0),
            physical: received(1),
            forwarded: of(&forwarded),
            lost_links: of(&lost),
        }
    }))
}

/// The bytes of a register that not all ESCs have.
async fn counters<const N: usize>(
    datagrams: &Datagrams,
    station: u16,
    register: u16,
) -> Result<Option<[u8; N]>, DatagramError> {
    let answer = datagrams.read(Target::Station(station), register, N).await?;
    Ok(Some(answer).filter(|answer| answer.working_counter == 1).and_then(|answer| answer.data.try_into().ok()))
}
