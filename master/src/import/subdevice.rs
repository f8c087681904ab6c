//! One SubDevice: who it is, what is written to it, its channels.

use super::channels::{Channel, Image};
use super::naming::Naming;
use super::startup::{self, Startup};
use super::{NotImported, assignment, channels, clock, registers};
use crate::draft::Standing;
use std::time::Duration;
use zerocat_config::dc::SubDeviceDc;
use zerocat_config::{Assignment, Match, Slave, Timeouts, Watchdogs};
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
    pub(super) watchdog: Watchdogs,
    pub(super) startup: Vec<Startup>,
    /// PDOs that are assigned; `None` where the startup commands do so, or nothing does.
    pub(super) assign: Option<Assignment>,
    pub(super) dc: Option<SubDeviceDc>,
    /// Whether the tool takes its clock as the reference.
    pub(super) reference: bool,
    pub(super) inputs: Vec<Channel>,
    /// With what each is while nobody commands it.
    pub(super) outputs: Vec<(Channel, Standing)>,
    pub(super) left_out: Vec<NotImported>,
}

pub(super) fn of(
    described: &EniSubDevice,
    position: u16,
    cycle: Duration,
    (naming, image): (&mut Naming, &mut Image<'_>),
) -> SubDevice {
    let key = naming.key(&described.name, position);
    let mut left_out = Vec::new();
    let assign = assignment::of(described, &mut left_out);
    let users = described.coe.iter().filter(|command| assign.is_none() || !command.is_of_pdos());
    let startup = startup::of(users, &mut left_out);
    let watchdog = registers::watchdogs(&described.registers, cycle, &mut left_out);
    left_out.extend(registers::left_out(&described.registers));
    let dc = match described.clock.as_ref().map(|clock| clock::of(clock, cycle)).transpose() {
        Ok(dc) => dc,
        Err(refused) => {
            left_out.push(refused);
            None
        }
    };
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
        watchdog,
        startup,
        assign,
        dc,
        reference: described.reference,
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
        mailbox_request: None,
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
