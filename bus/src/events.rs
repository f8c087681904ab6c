//! Events that every datagram carries: a link or an AL state changed somewhere, a mailbox is full (ETG.1000.4, 5.4, the field
//! behind the length).
//!
//! Best effort throughout: events say that it is time to look, and nothing is concluded from them. A SubDevice that can't be asked for
//! them is looked at as often as without.

use crate::datagrams::{Datagrams, Target};
use zerocat_wire::register;

/// Has all datagrams carry the events of all SubDevices from now on. Those of before are forgotten.
pub async fn ask(datagrams: &Datagrams) {
    ask_one(datagrams, Target::Broadcast).await;
    acknowledge_links(datagrams).await;
}

/// Has all datagrams carry the events of one SubDevice.
pub(crate) async fn ask_one(datagrams: &Datagrams, target: Target) {
    let mask = register::DL_STATUS_EVENT | register::AL_STATUS_EVENT | register::MAIL_EVENT;
    if let Err(error) = datagrams.write(target, register::EVENT_MASK, &mask.to_le_bytes()).await {
        tracing::debug!(%error, "no SubDevice was asked for events");
    }
}

/// Has all SubDevices tell anew when a link changes: the event stays until the DL status is read.
pub async fn acknowledge_links(datagrams: &Datagrams) {
    if let Err(error) = datagrams.read_u16(Target::Broadcast, register::DL_STATUS).await {
        tracing::debug!(%error, "an event of a link was not acknowledged");
    }
}
