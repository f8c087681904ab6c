//! Objects that say how an application is synchronized: error settings (0x10F1), and parameters of the outputs' and the inputs'
//! sync manager (0x1C32, 0x1C33; ETG.1020, from memory). All but one are only read; the application writes what they show.

use super::DataType;
use super::dictionary::{Entry, Object, ObjectCode, access};

/// Error settings.
pub(crate) const ERROR_SETTINGS: u16 = 0x10F1;
/// Parameters of the outputs' sync manager.
pub(crate) const OUTPUT_PARAMETERS: u16 = 0x1C32;
/// Parameters of the inputs' sync manager.
pub(crate) const INPUT_PARAMETERS: u16 = 0x1C33;

/// Subindices of the parameters.
pub(crate) mod part {
    /// Synchronization type.
    pub(crate) const TYPE: u8 = 0x01;
    /// Cycle time in ns.
    pub(crate) const CYCLE: u8 = 0x02;
    /// Shortest cycle time in ns.
    pub(crate) const SHORTEST: u8 = 0x05;
    /// Time to calculate and copy, in ns.
    pub(crate) const COPYING: u8 = 0x06;
    /// Cycle time of SYNC0 in ns.
    pub(crate) const SYNC0_CYCLE: u8 = 0x0A;
    /// Pulses without outputs.
    pub(crate) const MISSED: u8 = 0x0B;
    /// Cycles that were exceeded.
    pub(crate) const EXCEEDED: u8 = 0x0C;
    /// Pulses too soon behind the outputs.
    pub(crate) const SHORT: u8 = 0x0D;
    /// Whether synchronization is lost.
    pub(crate) const LOST: u8 = 0x20;
}

/// Subindex of [`ERROR_SETTINGS`] with the level of errors that is borne, and its default.
pub(crate) const LIMIT: u8 = 2;
pub(crate) const USUAL_LIMIT: u16 = 4;

/// Free run, with the sync manager, with SYNC0 (0x1C32:04).
const SUPPORTED: u16 = 0x0007;

/// The three objects of an application with inputs and outputs.
pub(crate) fn objects() -> Vec<Object> {
    let limit =
        Entry::bytes(LIMIT, DataType::U16, access::WRITE, &USUAL_LIMIT.to_le_bytes(), "Sync error counter limit");
    let settings = vec![u32_of(1, "Local error reaction"), limit];
    vec![
        record(ERROR_SETTINGS, "Error settings", settings),
        record(OUTPUT_PARAMETERS, "SM output parameter", parameters()),
        record(INPUT_PARAMETERS, "SM input parameter", parameters()),
    ]
}

fn u16_of(subindex: u8, value: u16, name: &str) -> Entry {
    Entry::bytes(subindex, DataType::U16, access::READ, &value.to_le_bytes(), name)
}

fn u32_of(subindex: u8, name: &str) -> Entry {
    Entry::bytes(subindex, DataType::U32, access::READ, &[0; 4], name)
}

fn parameters() -> Vec<Entry> {
    vec![
        u16_of(part::TYPE, 0, "Synchronization type"),
        u32_of(part::CYCLE, "Cycle time"),
        u32_of(0x03, "Shift time"),
        u16_of(0x04, SUPPORTED, "Synchronization types supported"),
        u32_of(part::SHORTEST, "Minimum cycle time"),
        u32_of(part::COPYING, "Calc and copy time"),
        u32_of(0x07, "Minimum delay time"),
        u16_of(0x08, 0, "Get cycle time"),
        u32_of(0x09, "Delay time"),
        u32_of(part::SYNC0_CYCLE, "Sync0 cycle time"),
        u16_of(part::MISSED, 0, "SM event missed counter"),
        u16_of(part::EXCEEDED, 0, "Cycle exceeded counter"),
        u16_of(part::SHORT, 0, "Shift too short counter"),
        Entry { bits: 1, ..Entry::bytes(part::LOST, DataType::Bool, access::READ, &[0], "Sync error") },
    ]
}

fn record(index: u16, name: &str, mut entries: Vec<Entry>) -> Object {
    let highest = entries.last().map_or(0, |entry| entry.subindex);
    entries.insert(0, Entry::bytes(0, DataType::U8, access::READ, &[highest], "SubIndex 000"));
    Object { index, code: ObjectCode::Record, name: name.to_owned(), entries, counted: false }
}
