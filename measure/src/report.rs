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
    /// XDP mode, if there is one.
    #[serde(default)]
    pub mode: Option<String>,
    /// Driver, if the row knows it.
    #[serde(default)]
    pub driver: Option<String>,
    /// The whole exchange: from the start to the end of the work that belongs to it. It includes the wait for the
    /// answer, and not the wait for the tick.
    pub cycle_ns: Spread,
    /// From before the frames are posted until all are back, if the row can time that by itself.
    #[serde(default)]
    pub round_trip_ns: Spread,
    /// From the tick until the thread ran. Empty when flat out.
    #[serde(default)]
    pub wake_up_ns: Spread,
    /// Exchanges of which not all frames came back in time. They are in no distribution.
    pub lost: u64,
    /// Ticks that were skipped. 0 when flat out.
    #[serde(default)]
    pub skipped: u64,
    /// Answers with another working counter than expected. The row is valid only if this is 0.
    pub working_counter_faults: u64,
    /// The run in pieces of equally many exchanges.
    #[serde(default)]
    pub timeline: Vec<Bucket>,
    /// What an exchange cost the machine.
    #[serde(default)]
    pub cost: Cost,
    /// What was asked for and not obtained, a sentence each.
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
    /// Exchanges in that time, including those that don't count.
    pub exchanges: u64,
    /// CPU time of all threads of the process, in user mode and in the kernel.
    pub cpu_ns: u64,
    /// The part of it that the exchanging thread took.
    #[serde(default)]
    pub thread_cpu_ns: u64,
    /// Context switches of all threads, voluntary and involuntary.
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
