//! What a segment looks like at one moment, for displays and tests.

use serde::Serialize;
use zerocat_wire::{AlState, AlStatusCode};

use crate::app::SyncErrors;

/// Totals of a segment since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// EtherCAT frames that were processed.
    pub frames: u64,
    /// Datagrams in them.
    pub datagrams: u64,
    /// Frames that were destroyed: not EtherCAT, malformed, damaged or circulating, or without a way out of the
    /// segment.
    pub lost: u64,
}

/// One SubDevice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubDeviceSnapshot {
    /// Position on the wire from the first end, from 0; `None` while no frame from there is processed by it.
    pub position: Option<u16>,
    /// The same from the second end.
    pub second_position: Option<u16>,
    /// Index in the file.
    pub index: usize,
    /// Whether it has power.
    pub powered: bool,
    /// Type as in a catalogue.
    pub order: String,
    /// Name.
    pub name: String,
    /// Configured station address.
    pub station: u16,
    /// AL state.
    pub state: AlState,
    /// Whether the error flag is set.
    pub error: bool,
    /// AL status code.
    pub code: AlStatusCode,
    /// Logical datagrams that it took part in.
    pub cyclic: u64,
    /// Mails that it took from the MainDevice.
    pub mailbox_requests: u64,
    /// Emergencies and other mails of its own that were dropped, because eight waited for somebody to read them.
    pub mails_dropped: u64,
    /// Times that its sync manager watchdog expired.
    pub watchdog_expiries: u64,
    /// Damaged frames, frames that it couldn't understand, and lost links, as its ESC has counted them.
    pub port_errors: u32,
    /// What was wrong with the order of outputs and SYNC0, as object 0x1C32 counts it.
    pub sync_errors: SyncErrors,
    /// Error code of the device's own fault, as object 0x603F shows it; 0 if there is none.
    pub fault: u16,
}

/// A segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// In the order of the file.
    pub subdevices: Vec<SubDeviceSnapshot>,
    /// Totals.
    pub totals: Totals,
}
