//! After its first cycle the realtime thread neither allocates nor faults a page, and what it exchanges is right.
//!
//! An allocation ends the process with a backtrace of where it was made. In one process the network, segment included,
//! is driven step by step under virtual time. Over a veth pair it is a session as a user runs it, against a segment on
//! another thread; these tests need root, and fail without it.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod drill;
mod guard;
mod in_process;
mod over_veth;

#[global_allocator]
static ALLOCATOR: zerocat_sched::CountingAllocator = zerocat_sched::CountingAllocator;

/// Cycles of each test.
const CYCLES: u64 = 10_000;
