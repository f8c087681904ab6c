//! The explicit device ID: a number that a SubDevice has from a switch, read by AL control and AL status code (ETG.1020, "requesting
//! ID"; the steps as the ET1100 data sheet, section II, 0x0120 to 0x0134, has their bits).
//!
//! Guarantees: the AL state doesn't change; the request is taken back, also from a SubDevice that doesn't answer it; nobody is
//! asked whose ESC shows as AL status whatever was written. Not guaranteed: that every SubDevice with a switch answers in INIT.

use std::time::Duration;

use zerocat_wire::al::AlStatus;
use zerocat_wire::register;
use zerocat_wire::sii::general::flags;

use crate::bring_up::Network;
use crate::datagrams::{Datagrams, Target};
use crate::error::DatagramError;
use crate::executor::join_all;
use crate::subdevice::SubDevice;

/// Bit of AL control that asks for the ID, and of AL status while AL status code has it.
const ID: u16 = 0x20;
/// How long an application may take to show it. Our choice: it has it since power-up.
const PATIENCE: Duration = Duration::from_millis(200);
/// Pause between two looks.
const POLL: Duration = Duration::from_millis(1);

impl SubDevice {
    /// Whether its SII says that it shows a device ID.
    #[must_use]
    pub fn says_device_id(&self) -> bool {
        self.sii.general.flags & flags::IDENT_AL_STATUS != 0
    }
}

impl Network<'_> {
    /// Has SubDevices of which this holds show their device ID. One that doesn't has none. In INIT or above.
    pub async fn read_device_ids(&mut self, whose: impl Fn(&SubDevice) -> bool) {
        let datagrams = self.datagrams();
        let asked = |one: &SubDevice| one.goes_up() && !one.emulates_al() && whose(one);
        let reads = self.subdevices().iter().filter(|one| asked(one)).map(async |one| {
            let id = read(datagrams, Target::Station(one.station), one.state as u16).await;
            let id =
                id.inspect_err(|error| tracing::warn!(subdevice = %one.label(), %error, "device ID")).ok().flatten();
            (one.position, id)
        });
        for (position, id) in join_all(reads).await {
            self.set_device_id(position, id);
        }
    }
}

/// The ID that a SubDevice shows in the state that it is in; `None` for 0, and where it shows none or an error.
async fn read(datagrams: &Datagrams, target: Target, state: u16) -> Result<Option<u16>, DatagramError> {
    datagrams.write_u16(target, register::AL_CONTROL, state | ID).await?;
    let end = datagrams.now().saturating_add(PATIENCE);
    let id = loop {
        // Status, reserved and code are read as one, so that they belong together.
        let [s0, s1, _, _, c0, c1] = datagrams.read_array(target, register::AL_STATUS).await?;
        let status = u16::from_le_bytes([s0, s1]);
        if status & AlStatus::ERROR != 0 || datagrams.now() >= end {
            break None;
        }
        if status & ID != 0 {
            break Some(u16::from_le_bytes([c0, c1]));
        }
        datagrams.pause(POLL).await;
    };
    datagrams.write_u16(target, register::AL_CONTROL, state).await?;
    Ok(id.filter(|id| *id != 0))
}
