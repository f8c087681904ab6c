//! One SubDevice: who it is, what is written to it, its channels.

use super::channels::{Channel, Image};
use super::naming::Naming;
use super::startup::{self, Startup};
use super::{NotImported, channels, clock, registers};
use crate::draft::Standing;
use std::time::Duration;
use zerocat_config::{Match, Slave, Timeouts};
use zerocat_esi::eni::EniSubDevice;
use zerocat_wire::sii::Identity;

/// A SubDevice of the rig file.
#[derive(Debug, Clone)]
pub(super) struct SubDevice {
    pub(super) position: u16,
    pub(super) key: String,
    /// What the tool calls it.
    pub(super) name: String,
    pub(super) identity: Identity,
    pub(super) timeouts: Timeouts,
    pub(super) startup: Vec<Startup>,
    pub(super) inputs: Vec<Channel>,
    /// With what each is while nobody commands it.
    pub(super) outputs: Vec<(Channel, Standing)>,
    pub(super) left_out: Vec<NotImported>,
}

pub(super) fn of(described: &EniSubDevice, position: u16, naming: &mut Naming, image: &mut Image<'_>) -> SubDevice {
    let key = naming.key(&described.name, position);
    let mut left_out = Vec::new();
    let startup = startup::of(&described.coe, &mut left_out);
    left_out.extend(registers::left_out(&described.registers));
    left_out.extend(described.clock.as_ref().map(clock::left_out));
    if described.identity.serial != 0 {
        let what = format!("its serial number {}", described.identity.serial);
        left_out.push(NotImported::new(what, "it is found by its position; write `serial` to demand it"));
    }
    let (inputs, outputs) = channels::of(described, &key, naming, image);
    SubDevice {
        position,
        key,
        name: described.name.clone(),
        identity: described.identity,
        timeouts: timeouts(described),
        startup,
        inputs,
        outputs,
        left_out,
    }
}

/// Time-outs, where they are longer than what is waited anyway.
fn timeouts(described: &EniSubDevice) -> Timeouts {
    let (longest, preop, others, mailbox) = (600, 3, 10, 2);
    let longer = |time: Option<Duration>, seconds| {
        time.filter(|time| *time > Duration::from_secs(seconds)).map(|time| time.min(Duration::from_secs(longest)))
    };
    let mail = described.coe.iter().filter_map(|command| command.timeout).max();
    Timeouts {
        preop: longer(described.timeouts.preop, preop),
        safeop: longer(described.timeouts.safeop, others),
        op: longer(described.timeouts.op, others),
        mailbox: longer(mail, mailbox),
    }
}

impl SubDevice {
    /// As a slave of the rig file, but for its startup commands.
    pub(super) fn slave(&self) -> Slave {
        let number = |number: u32| if number == 0 { Match::Any } else { number.into() };
        let mut slave = Slave::at(&self.key, self.position);
        slave.properties.vendor_id = number(self.identity.vendor);
        slave.properties.product_code = number(self.identity.product);
        slave.properties.revision =
            if self.identity.revision == 0 { Match::Any } else { Match::AtLeast(self.identity.revision) };
        slave.timeouts = self.timeouts;
        slave
    }
}
