//! Time and the thread: the absolute grid, how a thread waits for a tick, and what makes a thread a realtime one.

pub mod time;

pub use time::{Clock, MonotonicClock, Time};
