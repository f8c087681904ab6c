//! What drives say of their mode and of the time that they interpolate over (CiA 402: 0x6061 and 0x60C2).
//!
//! Guarantees: nothing is written, and a drive that has not all of it says nothing; all drives are asked at the same time.

use crate::bring_up::Network;
use crate::coe::SdoError;
use crate::datagrams::Datagrams;
use crate::executor::join_all;
use crate::mailbox::Mailbox;
use crate::names::known;

/// Modes of operation display (IEC 61800-7-201).
const MODE_DISPLAY: u16 = 0x6061;
/// Interpolation time period (IEC 61800-7-201).
const INTERPOLATION_TIME: u16 = 0x60C2;
/// From the objects of one axis to those of the next (ETG.6010, from memory).
const AXIS: u16 = 0x800;

/// What one axis says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interpolation {
    /// Position of the drive.
    pub position: u16,
    /// Axis, from 0.
    pub axis: u16,
    /// Mode that it is in; `None` where it doesn't say it.
    pub mode: Option<i8>,
    /// Value of the time.
    pub value: u8,
    /// Power of ten of the time, in seconds.
    pub power: i8,
}

impl Network<'_> {
    /// Asks drives for the times of these axes, each of a position, in bus order. In PRE-OP or above.
    pub async fn read_interpolation(&mut self, wanted: &[(u16, u16)]) -> Vec<Interpolation> {
        let datagrams = self.datagrams();
        let nodes = self.nodes().filter_map(|(subdevice, mailbox)| {
            let mailbox = mailbox.filter(|mailbox| mailbox.info().coe())?;
            let of_it = |(position, axis): &(u16, u16)| (*position == subdevice.position).then_some(*axis);
            let axes: Vec<u16> = wanted.iter().filter_map(of_it).collect();
            (!axes.is_empty()).then_some((subdevice.label(), mailbox, axes))
        });
        let asked = nodes.map(|(who, mailbox, axes)| async move {
            let mut said = Vec::new();
            for axis in axes {
                match ask(datagrams, mailbox, (who.position, axis)).await {
                    Ok(answer) => said.extend(answer),
                    Err(error) => tracing::info!("the interpolation time is not known: {error}"),
                }
            }
            said
        });
        join_all(asked).await.into_iter().flatten().collect()
    }
}

async fn ask(
    datagrams: &Datagrams,
    mailbox: &mut Mailbox,
    (position, axis): (u16, u16),
) -> Result<Option<Interpolation>, SdoError> {
    let time = INTERPOLATION_TIME.saturating_add(axis.saturating_mul(AXIS));
    let Some(value) = byte(datagrams, mailbox, (time, 1)).await? else { return Ok(None) };
    let Some(power) = byte(datagrams, mailbox, (time, 2)).await? else { return Ok(None) };
    let mode = byte(datagrams, mailbox, (MODE_DISPLAY.saturating_add(axis.saturating_mul(AXIS)), 0)).await?;
    let mode = mode.map(u8::cast_signed);
    Ok(Some(Interpolation { position, axis, mode, value, power: power.cast_signed() }))
}

async fn byte(
    datagrams: &Datagrams,
    mailbox: &mut Mailbox,
    (index, subindex): (u16, u8),
) -> Result<Option<u8>, SdoError> {
    let answer = known(mailbox.upload(datagrams, index, subindex).await)?;
    Ok(answer.and_then(|bytes| bytes.first().copied()))
}
