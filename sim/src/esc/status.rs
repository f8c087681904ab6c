//! Registers that the ESC itself keeps up to date: events, sync manager status, watchdog status.

use std::time::Duration;

use zerocat_wire::register;

use super::register::channel_register;
use super::{Esc, PLAIN, Pending};

impl Esc {
    /// Event bits that go into a passing datagram: those asked for by the mask.
    pub(crate) fn events(&self) -> u16 {
        self.memory.u16(register::EVENT_REQUEST) & self.memory.u16(register::EVENT_MASK)
    }

    /// Whether the mask asks for any event.
    pub(crate) fn wants_events(&self) -> bool {
        self.memory.u16(register::EVENT_MASK) != 0
    }

    pub(super) fn set_event(&mut self, bits: u16, on: bool) {
        let request = self.memory.u16(register::EVENT_REQUEST);
        let request = if on { request | bits } else { request & !bits };
        self.memory.put(register::EVENT_REQUEST, &request.to_le_bytes());
    }

    pub(super) fn clear_dl_event(&mut self) {
        self.set_event(register::DL_STATUS_EVENT, false);
    }

    pub(super) fn raise_dl_event(&mut self) {
        self.set_event(register::DL_STATUS_EVENT, true);
    }

    pub(super) fn clear_al_event(&mut self) {
        self.set_event(register::AL_STATUS_EVENT, false);
    }

    pub(super) fn raise_al_event(&mut self) {
        self.set_event(register::AL_STATUS_EVENT, true);
    }

    /// Shows a channel's status in its register and its mailbox state in the event request.
    pub(super) fn show_channel_status(&mut self, n: usize) {
        let Some(channel) = self.channels.get_mut(n) else { return };
        let status = channel.status();
        let mail = channel.full && !channel.config.is_written();
        let news = std::mem::replace(&mut channel.told, mail) != mail;
        self.memory.set_byte(channel_register(n) + 5, status);
        if news && n < 8 {
            self.set_event(1 << (n + 4), mail);
        }
    }

    pub(super) fn show_watchdog(&mut self) {
        let status = u8::from(!self.watchdog.expired());
        self.memory.put(register::WATCHDOG_STATUS, &[status, 0]);
        self.memory.set_byte(register::WATCHDOG_COUNT, self.watchdog.count());
    }

    /// A sync manager that triggers the watchdog was written. If the write comes too late the watchdog has expired
    /// first, also where no step in between has noticed.
    pub(super) fn trigger_watchdog(&mut self) {
        if self.watchdog.check(self.now) {
            self.note(Pending::WATCHDOG);
        }
        let expired = self.watchdog.expired();
        self.watchdog.trigger(self.now);
        if expired {
            self.show_watchdog();
        }
    }

    pub(super) fn load_watchdog(&mut self) {
        let divider = self.memory.u16(register::WATCHDOG_DIVIDER);
        let ticks = self.memory.u16(register::WATCHDOG_SYNC_MANAGER);
        self.watchdog.set_time(divider, ticks);
        self.show_watchdog();
    }

    /// Checks the watchdog at a time. Returns whether it has expired just now.
    pub(crate) fn check_watchdog(&mut self, now: Duration) -> bool {
        let expired = self.watchdog.check(now);
        if expired {
            self.show_watchdog();
            self.clear_digital_outputs();
        }
        expired
    }

    /// Digital outputs of the ESC itself (0x0F00 to 0x0F03) are switched off by the watchdog.
    fn clear_digital_outputs(&mut self) {
        self.memory.get_mut(PLAIN, 4).fill(0);
    }
}
