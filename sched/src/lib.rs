//! Time and the thread: the absolute grid, how a thread waits for a tick, and what makes a thread a realtime one.
//!
//! Guarantees: nothing in [`grid`], [`wait`] and [`time`] allocates, locks or blocks other than by the sleep it was
//! asked for. What the machine refuses is said in a sentence with what to do, never dropped.

pub mod affinity;
pub mod alloc;
pub mod capabilities;
pub mod cpu_list;
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

pub use alloc::{AllocationCount, CountingAllocator, forbid_allocations, thread_allocations};
pub use capabilities::Capabilities;
pub use grid::{Grid, Period, PeriodError, Tick};
pub use idle_timer::link_idle_timer;
pub use latency::CpuDmaLatency;
pub use margin::LearnedMargin;
pub use realtime::{Outcome, ProcessSetup, RealtimeRequest, RealtimeStatus, enter, prepare_process};
pub use time::{Clock, ClockPair, MonotonicClock, Time, VirtualClock};
pub use usage::ThreadUsage;
pub use wait::{PollWait, WaitPolicy};
pub use watch::{Holes, WatchedClock};
