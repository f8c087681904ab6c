//! The process image, as pure functions: PDO entries to bit offsets, sync managers to logical addresses and frames,
//! expected working counters, and values to bits and back.
//!
//! It needs no standard library, only an allocator, and no crate but that of the wire formats. Features, both off by default: `serde`
//! for types that stand in files and reports, `schema` for their JSON schema (needs the standard library).
#![forbid(unsafe_code)]
#![cfg_attr(not(test), no_std)]

extern crate alloc;

pub mod bits;
mod crew;
pub mod entry;
pub mod idn;
pub mod layout;
pub mod octets;
#[cfg(feature = "serde")]
mod octets_serde;
pub mod plan;
mod status;
mod type_name;
pub mod unit;
pub mod value;
pub mod windows;

pub use bits::BitSpan;
pub use entry::{Entry, Pdo};
pub use idn::{Idn, IdnValue, IdnValueError};
pub use layout::lay_out;
pub use octets::{Octets, OctetsError};
pub use plan::{
    Access, Activation, CLOCK_ROOM, DatagramPlan, Direction, FramePlan, LayoutError, NOBODY, OpOnly, PlacedEntry, Plan,
    Share, StatusPlan, SubDeviceLayout, SubDevicePlan, SyncManagerLayout,
};
pub use type_name::UnknownType;
pub use unit::{SyncUnit, Turn};
pub use value::{DataType, Value, ValueError};
pub use windows::{Windows, gather, scatter};
