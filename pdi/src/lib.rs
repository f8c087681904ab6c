//! The process image. Pure: PDO entries to bit offsets, sync managers to logical addresses and frames, expected
//! working counters, and values to bits and back.
#![forbid(unsafe_code)]

pub mod bits;
pub mod entry;
pub mod plan;
pub mod value;

pub use bits::BitSpan;
pub use entry::{Entry, Pdo};
pub use plan::{DatagramPlan, Direction, FramePlan, LayoutError, Plan, SubDeviceLayout, SubDevicePlan, SyncManagerLayout, lay_out};
pub use value::{DataType, Value};
