//! The ESC as its application sees it over the process data interface.

use zerocat_wire::register;
use zerocat_wire::sync_manager::SyncManager;

use super::register::channel_register;
use super::{Channel, Esc, Pending};

/// Repeat acknowledge in the PDI control byte (ETG.1000.4, table 58).
const REPEAT_ACK: u8 = 0x02;
/// Channel deactivated by the application, in the PDI control byte.
const DEACTIVATE: u8 = 0x01;

impl Esc {
    /// Takes what frames did since the last call.
    pub(crate) fn take_pending(&mut self) -> Pending {
        if self.pending.flags & Pending::WRITE_ENABLE != 0 {
            self.end_write_enable();
        }
        std::mem::take(&mut self.pending)
    }

    /// Configured station address.
    pub(crate) fn station(&self) -> u16 {
        self.memory.u16(register::STATION_ADDRESS)
    }

    /// Alias, if DL control lets it be used as an address.
    pub(crate) fn alias_in_use(&self) -> Option<u16> {
        let enabled = self.memory.byte(register::DL_CONTROL + 3) & 1 != 0;
        enabled.then(|| self.memory.u16(register::STATION_ALIAS))
    }

    /// Takes what the MainDevice wrote to AL control, which may be written again then.
    pub(crate) fn take_al_control(&mut self) -> u16 {
        self.al_unread = false;
        self.memory.u16(register::AL_CONTROL)
    }

    /// Shows AL status and code, with an event when they change.
    pub(crate) fn show_al(&mut self, status: u16, code: u16) {
        let changed = self.memory.u16(register::AL_STATUS) != status;
        self.memory.put(register::AL_STATUS, &status.to_le_bytes());
        self.memory.put(register::AL_STATUS_CODE, &code.to_le_bytes());
        if changed {
            self.raise_al_event();
        }
    }

    /// A channel's configuration; all zeros for one that the ESC doesn't have.
    pub(crate) fn sync_manager(&self, n: u8) -> SyncManager {
        self.channel(n).map_or_else(SyncManager::default, |channel| channel.config)
    }

    fn channel(&self, n: u8) -> Option<&Channel> {
        self.channels.get(usize::from(n))
    }

    /// Whether a mailbox channel holds a mail.
    pub(crate) fn mail_waits(&self, n: u8) -> bool {
        self.channel(n).is_some_and(|channel| channel.config.enabled() && channel.full)
    }

    /// The bytes of a channel's area.
    pub(crate) fn area(&self, n: u8) -> &[u8] {
        let config = self.sync_manager(n);
        self.memory.get(config.start, usize::from(config.length))
    }

    /// Takes the mail out of a channel that the MainDevice writes: it may write the next.
    pub(crate) fn take_mail(&mut self, n: u8) {
        if let Some(channel) = self.channels.get_mut(usize::from(n)) {
            channel.full = false;
            self.show_channel_status(usize::from(n));
        }
    }

    /// Puts a mail into a channel that the MainDevice reads. What is behind it in the memory stays.
    pub(crate) fn put_mail(&mut self, n: u8, mail: &[u8]) {
        let config = self.sync_manager(n);
        let area = self.memory.get_mut(config.start, usize::from(config.length));
        let len = mail.len().min(area.len());
        area[..len].copy_from_slice(&mail[..len]);
        if let Some(channel) = self.channels.get_mut(usize::from(n)) {
            channel.full = true;
            channel.open = false;
            self.show_channel_status(usize::from(n));
        }
    }

    /// Writes the last byte of a mailbox in which a mail of `len` bytes doesn't reach it.
    pub(crate) fn end_mail(&mut self, n: u8, len: usize, end: u8) {
        let config = self.sync_manager(n);
        if len < usize::from(config.length) {
            let area = self.memory.get_mut(config.start, usize::from(config.length));
            area.iter_mut().last().into_iter().for_each(|last| *last = end);
        }
    }

    /// Writes an input buffer. Nothing happens if the channel is off or has another length.
    pub(crate) fn put_inputs(&mut self, n: u8, bytes: &[u8]) {
        let config = self.sync_manager(n);
        if !config.enabled() || config.is_written() || usize::from(config.length) != bytes.len() {
            return;
        }
        let Some(channel) = self.channels.get_mut(usize::from(n)) else { return };
        if channel.local_write(bytes) {
            self.memory.put(config.start, bytes);
        }
        self.show_channel_status(usize::from(n));
    }

    /// Forgets what a channel holds, as an application does when it leaves the states that use it.
    pub(crate) fn reset_channel(&mut self, n: u8) {
        if let Some(channel) = self.channels.get_mut(usize::from(n)) {
            channel.reset();
            self.show_channel_status(usize::from(n));
        }
    }

    /// Closes a channel to the network or opens it (ET1100 data sheet, section II, 0x0807 bit 0): a closed one
    /// admits no access.
    pub(crate) fn close_channel(&mut self, n: u8, closed: bool) {
        if let Some(channel) = self.channels.get_mut(usize::from(n)) {
            channel.closed = closed;
            let address = channel_register(usize::from(n)) + 7;
            let byte = self.memory.byte(address) & !DEACTIVATE | u8::from(closed);
            self.memory.set_byte(address, byte);
        }
    }

    /// Whether the MainDevice has toggled the repeat request of a channel since it was last acknowledged.
    pub(crate) fn repeat_asked(&self, n: u8) -> bool {
        let config = self.sync_manager(n);
        let ack = self.memory.byte(channel_register(usize::from(n)) + 7);
        config.enabled() && (config.activate ^ ack) & REPEAT_ACK != 0
    }

    /// Acknowledges a repeat request.
    pub(crate) fn acknowledge_repeat(&mut self, n: u8) {
        let address = channel_register(usize::from(n)) + 7;
        let request = self.sync_manager(n).activate & REPEAT_ACK;
        let byte = self.memory.byte(address) & !REPEAT_ACK | request;
        self.memory.set_byte(address, byte);
    }

    /// Puts bytes into the RAM as it is at power-on. What doesn't fit is left out.
    pub(crate) fn fill(&mut self, address: u16, bytes: &[u8]) {
        self.memory.put(address, bytes);
    }

    /// First address behind the RAM.
    pub(crate) fn ram_end(&self) -> usize {
        self.memory.end()
    }
}
