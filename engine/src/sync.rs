//! What a cell between two threads is made of. `tests/cell_model.rs` puts loom's in its place, which tries out every order that the memory
//! model allows.

pub(crate) use std::hint::spin_loop;
pub(crate) use std::sync::Arc;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
