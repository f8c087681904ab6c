//! One EtherCAT SubDevice controller: registers, memory, sync managers, FMMUs, watchdog and SII interface.
//!
//! Both sides of an ESC meet here: the network side (`network_*`, called per datagram) and the local application's
//! side (`local_*`). What a frame changed is left in [`Pending`] for the application, which acts on it when the
//! frame has passed. Register offsets and behaviour follow ETG.1000.4, clause 6, and the ET1100 data sheet,
//! section II.

mod access;
mod clock;
mod dc;
mod fmmu;
mod kind;
mod latch;
mod local;
mod map;
mod memory;
mod port;
mod protection;
mod register;
mod sii;
mod status;
mod sync;
mod sync_manager;
mod watchdog;

pub(crate) use clock::{Clock, Habits};
pub use dc::ClockSnapshot;
pub(crate) use dc::CyclicUnit;
pub use kind::EscModel;
pub(crate) use kind::{EscKind, known};
pub(crate) use sii::SiiInterface;
pub(crate) use sync::activation;
pub(crate) use sync_manager::Channel;
pub(crate) use watchdog::Watchdog;

use std::time::Duration;

use dc::Dc;
use map::Registers;
use memory::Memory;
use port::Ports;
use protection::Protection;

/// First address behind the registers that behave as plain memory: digital I/O output data and user RAM
/// (ET1100 data sheet, section II, table 2).
pub(crate) const PLAIN: u16 = 0x0F00;

/// What a frame did to the ESC that its application has not seen yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Pending {
    /// Bits of [`Pending::AL_CONTROL`] and the like.
    pub(crate) flags: u16,
    /// Sync managers whose last byte was written from the network.
    pub(crate) written: u16,
    /// Sync managers whose last byte was read from the network.
    pub(crate) read: u16,
}

impl Pending {
    /// AL control was written.
    pub(crate) const AL_CONTROL: u16 = 1;
    /// DL control was written.
    pub(crate) const DL_CONTROL: u16 = 2;
    /// The SII interface got a command.
    pub(crate) const SII: u16 = 4;
    /// Station address, alias use, FMMUs or event mask changed.
    pub(crate) const ADDRESSING: u16 = 8;
    /// A sync manager was configured or a repeat asked for.
    pub(crate) const SYNC_MANAGER: u16 = 16;
    /// Receive times are to be latched.
    pub(crate) const DC_LATCH: u16 = 32;
    /// The ESC is to be reset.
    pub(crate) const RESET: u16 = 64;
    /// Write enable was set, for this frame only.
    pub(crate) const WRITE_ENABLE: u16 = 128;
    /// The watchdog had expired when outputs came.
    pub(crate) const WATCHDOG: u16 = 256;

    pub(crate) const fn any(self) -> bool {
        self.flags != 0 || self.written != 0 || self.read != 0
    }
}

/// One ESC.
#[derive(Debug)]
pub(crate) struct Esc {
    memory: Memory,
    ports: Ports,
    channels: Vec<Channel>,
    fmmus: Vec<fmmu::Map>,
    active: fmmu::Active,
    /// No sync manager guards what lies below this address.
    unguarded: usize,
    pub(crate) watchdog: Watchdog,
    pub(crate) sii: SiiInterface,
    pub(crate) pending: Pending,
    dc: Option<Box<Dc>>,
    protection: Protection,
    registers: Registers,
    /// The application has not read AL control since it was written.
    al_unread: bool,
    kind: EscKind,
    now: Duration,
    /// Nanoseconds from then until a frame comes to the processing unit, and how long it takes past it.
    passage: u32,
    length: u32,
}

impl Esc {
    /// An ESC after power-on with the SII image `words`, whose configuration is loaded.
    pub(crate) fn new(kind: EscKind, words: Vec<u16>, sii: SiiInterface) -> Self {
        let fmmus = usize::from(kind.fmmus.min(16));
        let channels = usize::from(kind.sync_managers.min(16));
        let mut esc = Self {
            memory: Memory::new(kind.ram_kib),
            ports: Ports::default(),
            channels: vec![Channel::default(); channels],
            fmmus: vec![fmmu::Map::default(); fmmus],
            active: fmmu::Active::default(),
            unguarded: usize::MAX,
            watchdog: Watchdog::default(),
            sii: sii.with_words(words),
            pending: Pending::default(),
            dc: None,
            protection: Protection::default(),
            registers: Registers::new(fmmus, channels),
            al_unread: false,
            kind,
            now: Duration::ZERO,
            passage: 0,
            length: 0,
        };
        esc.power_on();
        esc
    }

    /// Sets the time at which everything that follows happens.
    pub(crate) fn set_now(&mut self, now: Duration) {
        self.now = now;
    }

    /// The time at which what is done now happens.
    pub(crate) const fn now(&self) -> Duration {
        self.now
    }

    /// Whether LRW is processed.
    pub(crate) const fn processes_lrw(&self) -> bool {
        self.kind.lrw
    }
}
