//! The realtime thread asks nothing of the allocator and faults no page after its first cycle, and what it exchanges
//! stays right.
//!
//! An allocation ends the process with a backtrace of where it was made. In one process the network is driven step by
//! step under virtual time, segment included; over a veth pair it is a session as a user runs it, against a segment
//! on a thread of its own. The veth tests need root, and fail without.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod drill;
mod guard;
mod in_process;
mod over_veth;

#[global_allocator]
static ALLOCATOR: zerocat_sched::CountingAllocator = zerocat_sched::CountingAllocator;

/// Cycles of each test.
const CYCLES: u64 = 10_000;
