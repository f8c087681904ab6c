//! The process image, as pure functions: PDO entries to bit offsets, sync managers to logical addresses and frames,
//! expected working counters, and values to bits and back.
#![forbid(unsafe_code)]

pub mod bits;
mod crew;
pub mod entry;
pub mod layout;
pub mod octets;
pub mod plan;
mod status;
mod type_name;
pub mod unit;
pub mod value;
pub mod windows;

pub use bits::BitSpan;
pub use entry::{Entry, Pdo};
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
