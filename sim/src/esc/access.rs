//! Physical access from the network: which bytes may be read or written, and what follows from it.

use zerocat_wire::register;

use super::sync_manager::{Direction, Effect};
use super::{Esc, PLAIN, Pending, dc};

/// Any channel may guard a part of an area.
const ALL: u16 = u16::MAX;

/// An access that was let in, to be completed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Access {
    direction: Direction,
    /// First address.
    pub(super) start: u16,
    len: usize,
    /// The channels that guard a part of the area, one bit each.
    guarded: u16,
}

/// Numbers of the bits that are set, upwards.
fn bits(mut set: u16) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = set.trailing_zeros();
        set &= set.wrapping_sub(1);
        (lowest < u16::BITS).then_some(lowest as usize)
    })
}

impl Esc {
    /// Whether the network may access the area now. Opens the buffers that it enters. `near` are the channels that may
    /// guard a part of the area, one bit each.
    pub(super) fn begin(&mut self, direction: Direction, address: usize, len: usize, near: u16) -> Option<Access> {
        let start = u16::try_from(address).ok()?;
        if len == 0 || address >= self.memory.end() {
            return None;
        }
        if direction == Direction::Read && !self.registers.any(address, len) {
            return None;
        }
        if direction == Direction::Write && self.protection.first_writable().is_none_or(|first| address < first) {
            return None;
        }
        let mut guarded = 0;
        let near = if address + len <= self.unguarded { 0 } else { near };
        for n in bits(near) {
            let Some(channel) = self.channels.get(n) else { break };
            if channel.guards(address, len) {
                if !channel.admits(direction, address) {
                    return None;
                }
                guarded |= 1 << n;
            }
        }
        if direction == Direction::Read && start < dc::END && address + len > usize::from(register::DC_SYSTEM_TIME) {
            self.show_dc(start..u16::try_from(address + len).unwrap_or(u16::MAX));
        }
        for n in bits(guarded) {
            let channel = &mut self.channels[n];
            let area = channel.config.start;
            if let Some(newer) = channel.open(direction, address) {
                self.memory.put(area, newer);
            }
        }
        Some(Access { direction, start, len, guarded })
    }

    /// Closes the buffers whose last byte the access touched.
    pub(super) fn complete(&mut self, access: Access) {
        let Access { direction, start, len, guarded } = access;
        let address = usize::from(start);
        for n in bits(guarded) {
            let channel = &mut self.channels[n];
            if channel.close(direction, address, len) == Effect::Completed {
                match direction {
                    Direction::Read => self.pending.read |= 1 << n,
                    Direction::Write => self.pending.written |= 1 << n,
                }
                if direction == Direction::Write && channel.triggers_watchdog() {
                    self.trigger_watchdog();
                }
            }
            self.show_channel_status(n);
        }
        if direction == Direction::Read && start < PLAIN {
            self.after_register_read(address, len);
        }
    }

    /// Reads physical memory. `merge` ORs into `data`, as a broadcast does. Returns whether it was admitted.
    pub(crate) fn network_read(&mut self, address: u16, data: &mut [u8], merge: bool) -> bool {
        let len = data.len();
        let Some(access) = self.begin(Direction::Read, usize::from(address), len, ALL) else { return false };
        self.finish_sii(self.now);
        let source = self.memory.get(address, len);
        let (there, missing) = data.split_at_mut(source.len());
        if merge {
            there.iter_mut().zip(source).for_each(|(to, from)| *to |= from);
        } else {
            there.copy_from_slice(source);
            missing.fill(0);
        }
        self.complete(access);
        true
    }

    /// Writes physical memory. Returns whether at least one byte was admitted.
    pub(crate) fn network_write(&mut self, address: u16, data: &[u8]) -> bool {
        if self.protection.is_on() { self.write_protected(address, data) } else { self.write_admitted(address, data) }
    }

    /// Writes what no protection keeps from being written.
    pub(super) fn write_admitted(&mut self, address: u16, data: &[u8]) -> bool {
        let registers = usize::from(PLAIN).saturating_sub(usize::from(address)).min(data.len());
        let (below, plain) = data.split_at(registers);
        let mut admitted = !below.is_empty() && self.write_registers(address, below);
        if !plain.is_empty() {
            let address = usize::from(address) + registers;
            if let Some(access) = self.begin(Direction::Write, address, plain.len(), ALL) {
                self.memory.put(access.start, plain);
                self.complete(access);
                admitted = true;
            }
        }
        admitted
    }

    fn after_register_read(&mut self, address: usize, len: usize) {
        let touches = |register: u16| address <= usize::from(register) && usize::from(register) < address + len;
        if touches(register::AL_STATUS) {
            self.clear_al_event();
        }
        if touches(register::DL_STATUS) {
            self.clear_dl_event();
        }
        self.acknowledge_latches(address, len);
    }

    pub(super) fn note(&mut self, flag: u16) {
        debug_assert!(flag <= Pending::WATCHDOG);
        self.pending.flags |= flag;
    }
}
