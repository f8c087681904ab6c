//! `engine.mailbox_gateway`: where vendors' tools reach SubDevices while the bus runs (ETG.8200). Off where it isn't given.

use crate::error::{Problem, Rule};
use crate::ip_address;
use crate::rig::Rig;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr};

/// Port of a mailbox gateway (ETG.8200), 34980.
const PORT: u16 = 0x88a4;

/// A gateway into the SubDevices' mailboxes. It can't know who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct MailboxGateway {
    /// Address of this machine that it listens at.
    #[serde(deserialize_with = "ip_address::deserialize")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub listen: IpAddr,
    /// Port, of UDP and TCP alike; 0 takes one that is free.
    pub port: u16,
    /// Whether it takes UDP.
    pub udp: bool,
    /// Whether it takes TCP.
    pub tcp: bool,
    /// Whether it refuses what writes.
    pub read_only: bool,
}

impl Default for MailboxGateway {
    fn default() -> Self {
        Self { listen: Ipv4Addr::LOCALHOST.into(), port: PORT, udp: true, tcp: true, read_only: false }
    }
}

impl MailboxGateway {
    /// The usual one at an address.
    #[must_use]
    pub fn at(listen: impl Into<IpAddr>) -> Self {
        Self { listen: listen.into(), ..Self::default() }
    }
}

/// Tells that anybody who reaches the machine may write.
pub(crate) fn warning(rig: &Rig) -> Option<Problem> {
    let gateway = rig.engine.mailbox_gateway.as_ref()?;
    let open = !gateway.listen.is_loopback() && !gateway.read_only;
    let what = format!("whoever reaches {} may write to SubDevices while the bus runs", gateway.listen);
    let fix = "write `read_only: true`, or let a firewall through only who is to";
    open.then(|| Problem::new(Rule::Conflict, "engine.mailbox_gateway.listen", what, fix))
}
