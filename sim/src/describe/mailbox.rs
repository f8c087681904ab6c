//! The mailbox of a SubDevice as its SII proposes it.

use zerocat_wire::sii::fixed::protocol;

use super::{Description, Purpose};
use crate::config::{MailboxConfig, MailboxProtocol};

/// Mailbox areas as the SII proposes them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MailboxPlan {
    /// Sync managers: of the mailbox that the MainDevice writes, and of the other.
    pub(crate) channels: [u8; 2],
    pub(crate) out_start: u16,
    pub(crate) out_length: u16,
    pub(crate) in_start: u16,
    pub(crate) in_length: u16,
    /// Bits of [`zerocat_wire::sii::fixed::protocol`].
    pub(crate) protocols: u16,
    /// The areas in BOOT: out start and length, in start and length. None: BOOT is not supported.
    pub(crate) boot: Option<[u16; 4]>,
}

impl MailboxPlan {
    /// Mailboxes of CoE, without BOOT: start and length of the one that the MainDevice writes and of the other.
    pub(crate) const fn coe(out_start: u16, out_length: u16, in_start: u16, in_length: u16) -> Self {
        Self { channels: [0, 1], out_start, out_length, in_start, in_length, protocols: protocol::COE, boot: None }
    }

    pub(crate) const fn speaks(&self, protocol: u16) -> bool {
        self.protocols & protocol != 0
    }

    /// Takes over what the segment's file says. The areas in BOOT are those of the other states, for the masters
    /// that don't switch sync managers off before they program them for BOOT, unless a length is given.
    pub(crate) fn configure(&mut self, config: &MailboxConfig) {
        let bit = |protocol: &MailboxProtocol| match protocol {
            MailboxProtocol::Coe => protocol::COE,
            MailboxProtocol::Foe => protocol::FOE,
            MailboxProtocol::Eoe => protocol::EOE,
            MailboxProtocol::Soe => protocol::SOE,
            MailboxProtocol::Aoe => protocol::AOE,
            MailboxProtocol::Voe => protocol::VOE,
        };
        self.protocols = config.protocols.iter().map(bit).fold(0, |bits, bit| bits | bit);
        let areas = match config.boot_length {
            None => [self.out_start, self.out_length, self.in_start, self.in_length],
            // There is no process data in BOOT that could be in the way.
            Some(length) => [self.out_start, length, self.out_start.saturating_add(length), length],
        };
        self.boot = config.boot.then_some(areas);
    }
}

impl Description {
    /// Gives both mailboxes another length. What is behind them in the memory comes later or earlier by as much.
    pub(crate) fn set_mailbox_length(&mut self, length: u16) {
        let Some(plan) = &mut self.mailbox else { return };
        let before = plan.in_start.wrapping_add(plan.in_length);
        (plan.in_start, plan.out_length, plan.in_length) = (plan.out_start.saturating_add(length), length, length);
        let moved = plan.in_start.wrapping_add(length).wrapping_sub(before);
        for channel in &mut self.sync_managers {
            match channel.purpose {
                Purpose::MailboxOut => channel.length = length,
                Purpose::MailboxIn => (channel.start, channel.length) = (plan.in_start, length),
                _ => channel.start = channel.start.wrapping_add(moved),
            }
        }
    }
}
