//! SubDevices from vendors' device descriptions: EtherCAT SubDevice information files, ESI (ETG.2000).
//!
//! A file is read in one pass; the tree of one device is in memory at a time, and only the device that is asked for
//! is looked at closely, so a mistake elsewhere in a file does no harm. Tolerated is what vendors write and mean:
//! numbers as `#x1A`, `0x1A` and decimal, any encoding that a file declares, a byte order mark, elements that nobody
//! knows. Everything that is used has to be right: errors name the place and the line.
//!
//! Bounds: files of 64 MiB, elements 64 deep, 500,000 elements in a device. Each slot of a modular device has the module that
//! the file marks as its default, or the one that is asked for. Initialisation commands are a MainDevice's business: they
//! are listed. Not read: pictures, what `InfoReference` points at.

mod at;
mod clock;
mod data_type;
mod device;
mod dictionary;
mod eeprom;
mod error;
mod flags;
mod mailbox;
mod number;
mod object;
mod pdo;
mod plan;
mod select;
mod slot;
mod startup;
mod sync_manager;
mod text;
mod tree;

pub use error::{EsiError, EsiProblem};
pub(crate) use plan::{describe, describe_bytes};
pub(crate) use select::Wanted;
pub use select::{EsiDevice, esi_devices};
pub use startup::EsiStartup;

#[cfg(test)]
mod tests;
