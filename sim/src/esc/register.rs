//! Registers: what they hold after power-on, which of them the network may write, and what a write does.

use zerocat_wire::fmmu::{self, Fmmu};
use zerocat_wire::register;
use zerocat_wire::sync_manager::{self, SyncManager};

use super::{Esc, Pending, dc, watchdog};

/// ESC reset from the network, u8.
const RESET: u16 = 0x0040;

impl Esc {
    /// Fills the registers as after power-on and loads the configuration from the SII.
    pub(super) fn power_on(&mut self) {
        let kind = self.kind;
        let lrw = if kind.lrw { 0 } else { register::features::NO_LRW };
        self.al_unread = false;
        self.memory.put(register::TYPE, &[kind.kind, kind.revision]);
        self.memory.put(register::BUILD, &kind.build.to_le_bytes());
        self.memory.put(register::FMMU_COUNT, &[kind.fmmus, kind.sync_managers, kind.ram_kib, kind.ports]);
        self.memory.put(register::FEATURES, &(kind.features | lrw).to_le_bytes());
        // DL control: destroy frames that are not EtherCAT, all loops automatic.
        self.memory.put(register::DL_CONTROL, &[0x01, 0x00, kind.fifo, 0x00]);
        self.memory.put(register::AL_CONTROL, &[1, 0]);
        self.memory.put(register::AL_STATUS, &[1, 0]);
        self.memory.put(register::WATCHDOG_DIVIDER, &watchdog::DEFAULT_DIVIDER.to_le_bytes());
        self.memory.put(register::WATCHDOG_PDI, &watchdog::DEFAULT_TICKS.to_le_bytes());
        self.memory.put(register::WATCHDOG_SYNC_MANAGER, &watchdog::DEFAULT_TICKS.to_le_bytes());
        self.load_watchdog();
        self.show_watchdog();
        self.load_sii();
        self.load_alias();
    }

    pub(super) fn write_registers(&mut self, address: u16, data: &[u8]) -> bool {
        let mut admitted = false;
        let (mut fmmus, mut channels) = (0u16, 0u16);
        let mut clock = dc::Touched::default();
        for (address, &byte) in (address..).zip(data) {
            admitted |= match address {
                register::FMMU..0x0700 => self.stage_fmmu(address, byte, &mut fmmus),
                register::SYNC_MANAGER..0x0880 => self.stage_channel(address, byte, &mut channels),
                register::DC_RECEIVE_TIME..dc::END => self.write_dc(address, byte, &mut clock),
                register::SII_CONFIG..0x0510 => self.write_sii(address, byte),
                _ => self.write_single(address, byte),
            };
        }
        if fmmus | channels != 0 {
            self.apply_fmmus(fmmus);
            self.apply_channels(channels);
            self.relate_fmmus();
        }
        self.apply_dc(clock);
        self.lock_al_control();
        admitted
    }

    fn write_single(&mut self, address: u16, byte: u8) -> bool {
        match address {
            0x0010 | 0x0011 | 0x0200 | 0x0201 => self.store(address, byte, Pending::ADDRESSING),
            RESET => self.write_reset(byte),
            0x0020 | 0x0021 | 0x0030 | 0x0031 => self.write_protection(address, byte),
            0x0100..=0x0103 => self.store(address, byte, Pending::DL_CONTROL | Pending::ADDRESSING),
            0x0120 | 0x0121 if self.al_unread => false,
            0x0120 | 0x0121 => self.store(address, byte, Pending::AL_CONTROL),
            0x0300..=0x030B => self.clear(register::RX_ERRORS, 12),
            0x030C | 0x030D => self.clear(address, 1),
            0x0310..=0x0313 => self.clear(register::LOST_LINKS, 4),
            0x0442 | 0x0443 => self.clear(register::WATCHDOG_COUNT, 2),
            0x0400 | 0x0401 | 0x0420 | 0x0421 => {
                self.store(address, byte, 0);
                self.load_watchdog();
                true
            }
            0x0108 | 0x0109 | 0x0410 | 0x0411 => self.store(address, byte, 0),
            _ => false,
        }
    }

    /// AL control was written: where an application has to read it, it takes no other write before (ET1100 data sheet,
    /// section II, 0x0120).
    fn lock_al_control(&mut self) {
        self.al_unread |= self.pending.flags & Pending::AL_CONTROL != 0 && !self.emulates_application();
    }

    /// A step of the reset, `R`, `E`, `S`: the register shows how far it is (ET1100 data sheet, section II, 0x0040).
    fn write_reset(&mut self, byte: u8) -> bool {
        let progress = match (self.memory.byte(RESET), byte) {
            (_, b'R') => 1,
            (1, b'E') => 2,
            (2, b'S') => {
                self.note(Pending::RESET);
                0
            }
            _ => 0,
        };
        self.memory.set_byte(RESET, progress);
        true
    }

    fn store(&mut self, address: u16, byte: u8, flags: u16) -> bool {
        self.memory.set_byte(address, byte);
        self.pending.flags |= flags;
        true
    }

    fn clear(&mut self, address: u16, len: usize) -> bool {
        self.memory.get_mut(address, len).fill(0);
        if address == register::WATCHDOG_COUNT {
            self.watchdog.clear_count();
        }
        true
    }

    fn stage_fmmu(&mut self, address: u16, byte: u8, touched: &mut u16) -> bool {
        let n = usize::from((address - register::FMMU) / 16);
        if n >= self.fmmus.len() || (address & 15) > 12 {
            return false;
        }
        self.memory.set_byte(address, byte);
        *touched |= 1 << n;
        self.note(Pending::ADDRESSING);
        true
    }

    fn apply_fmmus(&mut self, touched: u16) {
        let registers = (register::FMMU..).step_by(fmmu::LEN);
        for (n, (map, start)) in self.fmmus.iter_mut().zip(registers).enumerate() {
            if touched & 1 << n != 0
                && let Ok(parsed) = Fmmu::parse(self.memory.get(start, fmmu::LEN))
            {
                map.configure(parsed);
            }
        }
    }

    /// Writes a byte of a channel. Start, length and control are read-only while the channel is on; status and PDI
    /// control always are (ET1100 data sheet, section II, 0x0800).
    fn stage_channel(&mut self, address: u16, byte: u8, touched: &mut u16) -> bool {
        let n = usize::from((address - register::SYNC_MANAGER) / 8);
        let Some(channel) = self.channels.get(n) else { return false };
        let writable = match address & 7 {
            0..=4 => !channel.config.enabled(),
            6 => true,
            _ => false,
        };
        if writable {
            self.memory.set_byte(address, byte);
            *touched |= 1 << n;
        }
        writable
    }

    fn apply_channels(&mut self, touched: u16) {
        for n in (0..self.channels.len()).filter(|n| touched & 1 << n != 0) {
            if let Ok(config) = SyncManager::parse(self.memory.get(channel_register(n), sync_manager::LEN)) {
                self.channels[n].configure(config);
            }
            self.show_channel_status(n);
            self.note(Pending::SYNC_MANAGER);
        }
    }
}

/// Register of a channel.
pub(super) fn channel_register(n: usize) -> u16 {
    sync_manager::register(u8::try_from(n).unwrap_or(0))
}
