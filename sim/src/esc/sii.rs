//! The SII interface: reads and writes of the configuration memory through registers (ETG.1000.4, 6.4; ET1100 data
//! sheet, section II, 0x0500 to 0x050F).

use std::time::Duration;

use zerocat_wire::register;

use super::kind::{READS_EIGHT, TWO_ADDRESS_BYTES};
use super::{Esc, Pending};

const WRITE_ENABLE: u16 = 1;
const CHECKSUM_ERROR: u16 = 1 << 11;
/// The configuration is not loaded.
const NOT_LOADED: u16 = 1 << 12;
const COMMAND_ERROR: u16 = 1 << 13;
const WRITE_ENABLE_ERROR: u16 = 1 << 14;
const BUSY: u16 = 1 << 15;
const COMMANDS: u16 = 7 << 8;
/// Words that a memory with addresses of one byte has at most: 16 kbit.
const ONE_ADDRESS_BYTE: usize = 1024;

/// Word of the checksum over the first seven.
const CHECKSUM_WORD: usize = 7;
const ALIAS_WORD: usize = 4;
const PULSE_WORD: usize = 2;

/// The memory behind the interface and the state of the interface.
#[derive(Debug, Default)]
pub(crate) struct SiiInterface {
    words: Vec<u16>,
    request: u16,
    requested: bool,
    errors: u16,
    /// The status while nothing is done.
    idle: u16,
    /// The command that is being carried out.
    command: u16,
    access_time: Duration,
    busy_until: Option<Duration>,
}

impl SiiInterface {
    /// An interface that shows `idle` while nothing is done (bit 6: it reads eight bytes at a time, else four) and takes
    /// `access_time` for each command.
    pub(crate) fn new(idle: u16, access_time: Duration) -> Self {
        Self { idle, access_time, ..Self::default() }
    }

    /// The status of an idle interface that reads four or eight bytes at a time.
    pub(crate) const fn with_width(idle: u16, eight: bool) -> u16 {
        if eight { idle | READS_EIGHT } else { idle & !READS_EIGHT }
    }

    pub(super) fn with_words(mut self, words: Vec<u16>) -> Self {
        self.words = words;
        self
    }

    /// Takes the memory out.
    pub(crate) fn take_words(&mut self) -> Vec<u16> {
        std::mem::take(&mut self.words)
    }

    /// Whether the configuration was loaded: its checksum is right.
    pub(super) const fn is_loaded(&self) -> bool {
        self.errors & NOT_LOADED == 0
    }

    fn word(&self, address: u32) -> u16 {
        usize::try_from(address).ok().and_then(|address| self.words.get(address)).copied().unwrap_or(0xffff)
    }

    fn status(&self) -> u16 {
        let busy = if self.busy_until.is_some() { BUSY | self.command } else { 0 };
        let long = if self.words.len() > ONE_ADDRESS_BYTE { TWO_ADDRESS_BYTES } else { 0 };
        self.idle | long | self.errors | busy
    }
}

/// Checksum of an image's first 14 bytes: CRC-8, polynomial 0x07, start 0xff (ETG.2010, table 2).
fn checksum(words: &[u16]) -> u8 {
    words.iter().take(CHECKSUM_WORD).flat_map(|word| word.to_le_bytes()).fold(0xff, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 != 0 { crc << 1 ^ 0x07 } else { crc << 1 })
    })
}

impl Esc {
    /// From now on it doesn't answer at the interface.
    pub(crate) fn silence_sii(&mut self) {
        self.registers.without_sii();
    }

    /// Puts another memory in and loads its configuration.
    pub(crate) fn exchange_sii(&mut self, words: Vec<u16>) {
        self.sii.words = words;
        self.load_sii();
        self.load_alias();
    }

    pub(super) fn write_sii(&mut self, address: u16, byte: u8) -> bool {
        match address {
            _ if !self.registers.has_sii() => false,
            0x0500 => {
                self.memory.set_byte(address, byte & 0x03);
                true
            }
            0x0501 => false,
            _ if self.memory.byte(register::SII_CONFIG) & 1 != 0 || self.sii.busy_until.is_some() => false,
            0x0502 => {
                self.sii.request = self.sii.request & 0xff00 | u16::from(byte);
                true
            }
            0x0503 => {
                self.sii.request = self.sii.request & 0x00ff | u16::from(byte) << 8;
                self.sii.requested = true;
                self.note(Pending::SII);
                true
            }
            _ => {
                self.memory.set_byte(address, byte);
                true
            }
        }
    }

    /// Carries out the command that a frame left.
    pub(crate) fn run_sii(&mut self, now: Duration) {
        if !std::mem::take(&mut self.sii.requested) {
            return;
        }
        let request = std::mem::take(&mut self.sii.request);
        self.sii.errors &= CHECKSUM_ERROR | NOT_LOADED;
        let address = u32::from(self.memory.u16(register::SII_ADDRESS))
            | u32::from(self.memory.u16(register::SII_ADDRESS + 2)) << 16;
        match (request & COMMANDS) >> 8 {
            0 => {}
            1 => self.sii_read(address),
            2 if request & WRITE_ENABLE == 0 => self.sii.errors |= WRITE_ENABLE_ERROR | COMMAND_ERROR,
            2 => self.sii_write(address),
            4 => self.load_sii(),
            _ => self.sii.errors |= COMMAND_ERROR,
        }
        if request & COMMANDS != 0 && !self.sii.access_time.is_zero() {
            self.sii.busy_until = Some(now + self.sii.access_time);
            self.sii.command = request & COMMANDS;
        }
        self.show_sii();
    }

    fn sii_read(&mut self, address: u32) {
        let words = if self.sii.idle & READS_EIGHT != 0 { 4 } else { 2 };
        for (n, register) in (0..words).zip((register::SII_DATA..).step_by(2)) {
            let word = self.sii.word(address.wrapping_add(n));
            self.memory.put(register, &word.to_le_bytes());
        }
    }

    fn sii_write(&mut self, address: u32) {
        let word = self.memory.u16(register::SII_DATA);
        match usize::try_from(address).ok().and_then(|address| self.sii.words.get_mut(address)) {
            Some(place) => *place = word,
            None => self.sii.errors |= COMMAND_ERROR,
        }
    }

    /// Takes the alias over from the configuration, if that is right. An ESC does so at power-on only (ET1100 data
    /// sheet, section I, 11.1).
    pub(super) fn load_alias(&mut self) {
        if self.sii.errors & CHECKSUM_ERROR == 0 {
            let alias = self.sii.words.get(ALIAS_WORD).copied().unwrap_or(0);
            self.memory.put(register::STATION_ALIAS, &alias.to_le_bytes());
        }
    }

    /// Loads PDI control, configuration and pulse length, if the checksum is right.
    pub(super) fn load_sii(&mut self) {
        self.sii.errors &= !(CHECKSUM_ERROR | NOT_LOADED);
        let words = &self.sii.words;
        let stored = words.get(CHECKSUM_WORD).copied().unwrap_or(0xffff);
        if u16::from(checksum(words)) == stored & 0xff {
            let pulse = words.get(PULSE_WORD).copied().unwrap_or(0);
            let pdi = self.kind.pdi_control.or(words.first().copied()).unwrap_or(0);
            self.memory.put(super::dc::PULSE_LENGTH, &pulse.to_le_bytes());
            self.memory.put(register::PDI_CONTROL, &pdi.to_le_bytes());
        } else {
            self.sii.errors |= CHECKSUM_ERROR | NOT_LOADED;
        }
        self.show_sii();
        self.show_ports();
    }

    /// Ends a command whose time has passed.
    pub(super) fn finish_sii(&mut self, now: Duration) {
        if self.sii.busy_until.is_some_and(|until| until <= now) {
            self.sii.busy_until = None;
            self.show_sii();
        }
    }

    fn show_sii(&mut self) {
        let status = self.sii.status();
        self.memory.put(register::SII_CONTROL, &status.to_le_bytes());
    }
}
