//! Vendors' device descriptions (EtherCAT SubDevice information, ESI; ETG.2000) as values.
//!
//! [`Catalogue`] lists the devices of a file and reads them by their place in it; [`devices`] only lists them, [`read`]
//! reads the one that is asked for. What it yields says what the file
//! says and no more: lengths that follow from default PDOs, the SII, or what a simulated device does with its values is
//! for whoever uses it.
//!
//! [`Library`] finds the description of a device on a bus in folders of such files.
//!
//! A file is read in one pass with the tree of one device in memory at a time. Only the device that is asked for is read
//! closely, so a mistake elsewhere in the file does no harm: a device without type or product code is left out and named,
//! and where the XML breaks off, the devices before are there. Common deviations of vendors' files are accepted: numbers as
//! `#x1A`, `0x1A` and decimal, any encoding that a file declares, a byte order mark, unknown elements. Everything that is
//! used has to be right; an error names the element and the line. No input panics.
//!
//! Bounds: files of 64 MiB, elements 64 deep, 500,000 elements in a device. Each slot of a modular device has the module
//! that the file marks as its default, or the one that is asked for. Not read: pictures, and what `InfoReference` points
//! at.
//!
//! [`eni`] reads network descriptions (ENI), which hold such values for each SubDevice of a network.
#![forbid(unsafe_code)]

mod catalogue;
mod clock;
mod contents;
mod data_type;
mod device;
mod dictionary;
mod eeprom;
mod element;
pub mod eni;
mod error;
mod files;
mod flags;
mod library;
mod mailbox;
mod number;
mod object;
mod pdo;
mod select;
mod slot;
mod startup;
mod sync_manager;
mod text;
mod timeouts;
mod tree;
mod vendors;

pub use catalogue::Catalogue;
pub use clock::OpMode;
pub use data_type::DataType;
pub use device::Device;
pub use eeprom::Eeprom;
pub use error::{EsiError, EsiProblem};
pub use files::{FolderError, xml_files};
pub use library::{Choice, Chosen, LeftOut, Library, LibraryError, Wanted};
pub use mailbox::Mailbox;
pub use object::{Object, ObjectCode, ObjectEntry};
pub use pdo::{Pdo, PdoEntry};
pub use select::{DeviceQuery, DeviceSummary, devices, read, read_bytes};
pub use startup::{IdnStartup, Startup};
pub use sync_manager::SyncManager;
pub use timeouts::Timeouts;
pub use vendors::{vendor_id, vendor_name, vendor_names};
pub use zerocat_wire::sii::ClockMode;

#[cfg(test)]
mod tests;
