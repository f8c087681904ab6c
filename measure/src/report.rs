//! What a row prints, schema `zerocat-bench-row/1`.

use crate::spread::Spread;
use serde::{Deserialize, Serialize};

/// Name and version of the schema. Keys may be added; none changes its meaning.
pub const SCHEMA: &str = "zerocat-bench-row/1";

/// One measurement of one row. Times in nanoseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RowReport {
    /// Always `zerocat-bench-row/1`.
    pub schema: String,
    /// How the row is set up: threads, priorities, CPUs, socket; a sentence for people.
    pub set_up: String,
    /// XDP mode, where there is one.
    #[serde(default)]
    pub mode: Option<String>,
    /// Driver, where the row was told it.
    #[serde(default)]
    pub driver: Option<String>,
    /// The whole exchange: from the first to the last of the work that belongs to it, waiting for the answer
    /// included, waiting for the tick not.
    pub cycle_ns: Spread,
    /// From before the frames are posted until all are back, where the row can tell it from the cycle.
    #[serde(default)]
    pub round_trip_ns: Spread,
    /// From the tick until the thread ran. Empty when flat out.
    #[serde(default)]
    pub wake_up_ns: Spread,
    /// Exchanges of which not all frames came back in time. They are in no distribution.
    pub lost: u64,
    /// Ticks that nobody did. 0 when flat out.
    #[serde(default)]
    pub skipped: u64,
    /// Answers with another working counter than expected. Anything but 0 spoils the row.
    pub working_counter_faults: u64,
    /// The run cut in pieces of equally many exchanges.
    #[serde(default)]
    pub timeline: Vec<Bucket>,
    /// What an exchange cost the machine.
    #[serde(default)]
    pub cost: Cost,
    /// What was asked for and couldn't be had, a sentence each.
    #[serde(default)]
    pub missing: Vec<String>,
}

/// A piece of the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Median cycle.
    pub p50_ns: u64,
    /// Longest cycle.
    pub max_ns: u64,
}

/// What the kernel counted of the process while it exchanged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Exchanges in that time, those that don't count included.
    pub exchanges: u64,
    /// CPU time of all threads of the process, in user mode and in the kernel.
    pub cpu_ns: u64,
    /// Of it that of the thread that exchanges.
    #[serde(default)]
    pub thread_cpu_ns: u64,
    /// Context switches of all threads, wanted and unwanted.
    #[serde(default)]
    pub switches: u64,
    /// Page faults of all threads.
    #[serde(default)]
    pub faults: u64,
    /// Memory that the process has locked, in KiB.
    #[serde(default)]
    pub locked_kib: u64,
}

impl Cost {
    /// Adds what another round counted. Locked memory is the larger of both.
    pub fn add(&mut self, other: &Self) {
        self.exchanges += other.exchanges;
        self.cpu_ns += other.cpu_ns;
        self.thread_cpu_ns += other.thread_cpu_ns;
        self.switches += other.switches;
        self.faults += other.faults;
        self.locked_kib = self.locked_kib.max(other.locked_kib);
    }
}
