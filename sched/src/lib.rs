//! Time and the thread: the absolute grid, how a thread waits for a tick, and what makes a thread a realtime one.

pub mod grid;
pub mod time;
pub mod wait;

pub use grid::{Grid, Period, PeriodError, Tick};
pub use time::{Clock, ClockPair, MonotonicClock, Time, VirtualClock};
pub use wait::{PollWait, WaitPolicy};
