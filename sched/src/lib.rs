//! Time and the realtime thread: the grid of cycles, how a thread waits for a tick, and how a process and a thread are
//! set up for realtime.
//!
//! Guarantees: nothing in [`grid`], [`wait`] and [`time`] allocates, locks or blocks, except for the sleep that it was
//! asked for. Whatever the machine refuses is returned as a sentence with the reason and a remedy, never dropped.

pub mod affinity;
pub mod alloc;
pub mod capabilities;
pub mod cpu_list;
pub mod futex;
pub mod grid;
pub mod idle_timer;
pub mod latency;
pub mod margin;
pub mod memory;
pub mod priority;
pub mod realtime;
pub mod time;
pub mod usage;
pub mod wait;
pub mod watch;

pub use alloc::{AllocationCount, CountingAllocator, forbid_allocations, thread_allocations, thread_live_bytes};
pub use capabilities::Capabilities;
pub use futex::FutexHash;
pub use grid::{Grid, Period, PeriodError, Tick};
pub use idle_timer::link_idle_timer;
pub use latency::CpuDmaLatency;
pub use margin::LearnedMargin;
pub use priority::set_timer_slack;
pub use realtime::{ProcessSetup, RealtimeRequest, RealtimeStatus, SetupOutcome, prepare_process, prepare_thread};
pub use time::{Clock, ClockPair, MonotonicClock, Time, VirtualClock};
pub use usage::ThreadUsage;
pub use wait::{PollWait, WaitPolicy};
pub use watch::{Holes, WatchingClock};
