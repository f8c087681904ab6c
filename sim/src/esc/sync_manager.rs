//! Sync manager channels: who may access a memory area, and when written data become valid (ETG.1000.4, 6.7; ET1100
//! data sheet, section I, 8).
//!
//! Buffered mode is modelled by its effect: a buffer counts as written when its last byte is, and an area that is
//! being read is not changed under the reader. Mailbox mode: written once, then read once.

use zerocat_wire::sync_manager::{self, SyncManager, control};

/// Direction of an access from the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The MainDevice reads.
    Read,
    /// The MainDevice writes.
    Write,
}

/// What an access did to a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing that the application must know.
    None,
    /// The last byte was touched: the buffer or mail is complete.
    Completed,
}

/// One channel with its state.
#[derive(Debug, Clone, Default)]
pub(crate) struct Channel {
    pub(crate) config: SyncManager,
    /// First byte that it guards, and first one behind; the same while it is off.
    area: (usize, usize),
    /// The network has touched the first byte and not yet the last.
    pub(crate) open: bool,
    /// Mailbox mode: there is a mail.
    pub(crate) full: bool,
    /// The event request says that there is a mail for the MainDevice.
    pub(crate) told: bool,
    /// Buffered mode: the writer has completed a buffer at least once.
    pub(crate) filled: bool,
    /// The application has deactivated it.
    pub(crate) closed: bool,
    buffer: u8,
    /// What the application wrote while the network was reading.
    shadow: Vec<u8>,
    shadow_valid: bool,
}

impl Channel {
    /// Takes a new configuration. A channel that is switched on or off starts anew.
    pub(crate) fn configure(&mut self, config: SyncManager) {
        let switched = config.enabled() != self.config.enabled();
        self.config = config;
        let start = usize::from(config.start);
        self.area = if config.enabled() { (start, start + usize::from(config.length)) } else { (0, 0) };
        if switched {
            self.reset();
        }
    }

    /// Forgets buffers and mails.
    pub(crate) fn reset(&mut self) {
        self.open = false;
        self.full = false;
        self.filled = false;
        self.buffer = 0;
        self.shadow_valid = false;
        self.shadow.clear();
        if self.config.enabled() && !self.config.is_mailbox() && !self.config.is_written() {
            self.shadow.resize(usize::from(self.config.length), 0);
        }
    }

    /// First address that it guards; `None` while it is off.
    pub(super) fn first(&self) -> Option<usize> {
        let (start, end) = self.area;
        (start < end).then_some(start)
    }

    /// Whether the channel guards any byte of the area.
    pub(crate) fn guards(&self, address: usize, len: usize) -> bool {
        let (start, end) = self.area;
        start < end && address < end && start < address + len
    }

    fn touches_first(&self, address: usize) -> bool {
        address <= self.area.0
    }

    fn touches_last(&self, address: usize, len: usize) -> bool {
        address + len >= self.area.1
    }

    /// Whether the network may access the area, of which the channel guards a part.
    pub(crate) fn admits(&self, direction: Direction, address: usize) -> bool {
        let wrong_way = self.config.is_written() != (direction == Direction::Write);
        let started = self.open || self.touches_first(address);
        if self.closed || wrong_way || !started {
            return false;
        }
        match (self.config.is_mailbox(), direction) {
            (true, Direction::Write) => !self.full,
            (true, Direction::Read) => self.full,
            (false, Direction::Write) => true,
            (false, Direction::Read) => self.filled,
        }
    }

    /// Opens the buffer if the access touches the first byte. Returns what the application wrote meanwhile and
    /// must be put into memory before a read.
    pub(crate) fn open(&mut self, direction: Direction, address: usize) -> Option<&[u8]> {
        if !self.touches_first(address) {
            return None;
        }
        self.open = true;
        let take = direction == Direction::Read && std::mem::take(&mut self.shadow_valid);
        take.then_some(self.shadow.as_slice())
    }

    /// Closes the buffer if the access touches the last byte.
    pub(crate) fn close(&mut self, direction: Direction, address: usize, len: usize) -> Effect {
        if !self.touches_last(address, len) {
            return Effect::None;
        }
        self.open = false;
        if self.config.is_mailbox() {
            self.full = direction == Direction::Write;
        } else if direction == Direction::Write {
            self.next_buffer();
        }
        Effect::Completed
    }

    fn next_buffer(&mut self) {
        self.buffer = if self.filled { (self.buffer + 1) % 3 } else { 0 };
        self.filled = true;
    }

    /// The application writes a whole buffer. Returns whether it goes to memory now; otherwise it is kept until
    /// the network has read the present one.
    pub(crate) fn local_write(&mut self, bytes: &[u8]) -> bool {
        self.next_buffer();
        if self.open && self.shadow.len() == bytes.len() {
            self.shadow.copy_from_slice(bytes);
            self.shadow_valid = true;
            return false;
        }
        self.shadow_valid = false;
        true
    }

    /// The status byte (ET1100 data sheet, section II, register 0x0805).
    pub(crate) fn status(&self) -> u8 {
        if !self.config.enabled() {
            return 0;
        }
        let using = if self.open { if self.config.is_written() { 0x80 } else { 0x40 } } else { 0 };
        if self.config.is_mailbox() {
            return using | if self.full { sync_manager::status::MAILBOX_FULL } else { 0 };
        }
        using | if self.filled { self.buffer << 4 } else { 0x30 }
    }

    /// Whether a completed write starts the watchdog anew.
    pub(crate) const fn triggers_watchdog(&self) -> bool {
        self.config.control & control::WATCHDOG != 0 && self.config.is_written() && !self.config.is_mailbox()
    }
}
