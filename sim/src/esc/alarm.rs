//! Registers that the ESC itself keeps up to date: events, sync manager status, watchdog status, DL status.

use std::time::Duration;

use zerocat_wire::register;

use super::register::channel_register;
use super::{Esc, PLAIN};

/// AL status event in the event request (ET1100 data sheet, section II, 0x0210).
const AL_STATUS_EVENT: u16 = 1 << 3;

impl Esc {
    /// Event bits that go into a passing datagram: those asked for by the mask.
    pub(crate) fn events(&self) -> u16 {
        self.memory.u16(register::EVENT_REQUEST) & self.memory.u16(register::EVENT_MASK)
    }

    /// Whether the mask asks for any event.
    pub(crate) fn wants_events(&self) -> bool {
        self.memory.u16(register::EVENT_MASK) != 0
    }

    fn set_event(&mut self, bits: u16, on: bool) {
        let request = self.memory.u16(register::EVENT_REQUEST);
        let request = if on { request | bits } else { request & !bits };
        self.memory.put(register::EVENT_REQUEST, &request.to_le_bytes());
    }

    pub(super) fn clear_al_event(&mut self) {
        self.set_event(AL_STATUS_EVENT, false);
    }

    pub(super) fn raise_al_event(&mut self) {
        self.set_event(AL_STATUS_EVENT, true);
    }

    /// Shows a channel's status in its register and its mailbox state in the event request.
    pub(super) fn show_channel_status(&mut self, n: usize) {
        let Some(channel) = self.channels.get(n) else { return };
        let status = channel.status();
        let mail = channel.full && !channel.config.is_written();
        self.memory.set_byte(channel_register(n) + 5, status);
        if n < 8 {
            self.set_event(1 << (n + 4), mail);
        }
    }

    pub(super) fn show_watchdog(&mut self) {
        let status = u8::from(!self.watchdog.expired());
        self.memory.put(register::WATCHDOG_STATUS, &[status, 0]);
        self.memory.set_byte(register::WATCHDOG_COUNT, self.watchdog.count());
    }

    pub(super) fn load_watchdog(&mut self) {
        let divider = self.memory.u16(register::WATCHDOG_DIVIDER);
        let ticks = self.memory.u16(register::WATCHDOG_SYNC_MANAGER);
        self.watchdog.set_time(divider, ticks);
        self.show_watchdog();
    }

    /// Lets the watchdog see the time. Returns whether it expired just now.
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

    /// Shows which ports have a link and which loops are closed (ETG.1000.4, table 34). `closed` are ports whose
    /// loop is closed although there is a link.
    pub(crate) fn show_ports(&mut self, links: [bool; 4], closed: [bool; 4]) {
        // PDI operational, PDI watchdog reloaded.
        let mut status = 0x0003u16;
        for port in 0..4 {
            let open = links[port] && !closed[port];
            status |= u16::from(links[port]) << (4 + port);
            status |= u16::from(!open) << (8 + 2 * port);
            status |= u16::from(links[port]) << (9 + 2 * port);
        }
        self.memory.put(register::DL_STATUS, &status.to_le_bytes());
    }

    /// Loop control of a port: 0 auto, 1 auto close, 2 open, 3 closed (ETG.1000.4, table 33).
    pub(crate) fn loop_control(&self, port: usize) -> u8 {
        self.memory.byte(register::DL_CONTROL + 1) >> (2 * port) & 3
    }

    /// Whether frames that are not EtherCAT are destroyed.
    pub(crate) fn destroys_foreign_frames(&self) -> bool {
        self.memory.byte(register::DL_CONTROL) & 1 != 0
    }

    /// Counts a frame that the processing unit could not understand.
    pub(crate) fn count_processing_error(&mut self) {
        let count = self.memory.byte(register::PROCESSING_UNIT_ERRORS);
        self.memory.set_byte(register::PROCESSING_UNIT_ERRORS, count.saturating_add(1));
    }
}
