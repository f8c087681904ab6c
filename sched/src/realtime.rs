//! Prepares the process and the calling thread for realtime, step by step, and reports the outcome of each step.
//!
//! Guarantees: every step that was requested and failed is in [`RealtimeStatus::missing`], with the reason and a
//! remedy; no failure is silent, and none stops the remaining steps. Not guaranteed: that the thread then wakes in
//! time. Only a measurement shows that.

#[cfg(feature = "serde")]
use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::capabilities::{Capabilities, keep_only};
use crate::latency::CpuDmaLatency;
use crate::{affinity, futex, memory, priority};

/// How to prepare the process and the realtime thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealtimeRequest {
    /// The CPU to pin the thread to.
    pub cpu: Option<usize>,
    /// SCHED_FIFO priority of the thread, 1 to 99. 80 is above the kernel's threaded interrupts (50).
    pub priority: Option<u8>,
    /// Whether to lock all memory and keep freed memory.
    pub lock_memory: bool,
    /// Whether to keep the CPUs out of deep idle states.
    pub cpu_dma_latency: bool,
    /// Whether locks get a table of their own in the kernel, where it has such.
    pub private_futexes: bool,
    /// Bytes of heap to touch in advance.
    pub prefault_heap: usize,
    /// Capabilities that the thread keeps once it is prepared; `None` keeps all.
    pub keep: Option<Capabilities>,
}

impl Default for RealtimeRequest {
    /// Every step, at priority 80, on any CPU, keeping all capabilities.
    fn default() -> Self {
        Self {
            cpu: None,
            priority: Some(80),
            lock_memory: true,
            cpu_dma_latency: true,
            private_futexes: true,
            prefault_heap: memory::HEAP,
            keep: None,
        }
    }
}

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupOutcome {
    /// What was requested, in words: `SCHED_FIFO 80`.
    pub asked: String,
    /// `Err` has the reason and a remedy.
    pub got: Result<(), String>,
}

impl SetupOutcome {
    fn new(asked: impl Into<String>, got: Result<(), String>) -> Self {
        Self { asked: asked.into(), got }
    }

    /// The sentence for the user, if it failed:
    /// `SCHED_FIFO 80: operation not permitted; grant CAP_SYS_NICE or raise RLIMIT_RTPRIO`.
    #[must_use]
    pub fn missing(&self) -> Option<String> {
        self.got.as_ref().err().map(|why| format!("{}: {why}", self.asked))
    }
}

#[cfg(feature = "serde")]
impl Serialize for SetupOutcome {
    /// `{"asked": "SCHED_FIFO 80", "got": false, "why": "…"}`; `why` is null if it succeeded.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut item = serializer.serialize_struct("SetupOutcome", 3)?;
        item.serialize_field("asked", &self.asked)?;
        item.serialize_field("got", &self.got.is_ok())?;
        item.serialize_field("why", &self.got.as_ref().err())?;
        item.end()
    }
}

/// The outcome of each step that was requested. A timer slack of 1 ns is always requested.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(Serialize), serde(transparent))]
pub struct RealtimeStatus {
    /// In the order in which they were tried.
    pub outcomes: Vec<SetupOutcome>,
}

impl RealtimeStatus {
    fn add(&mut self, asked: impl Into<String>, got: Result<(), String>) {
        self.outcomes.push(SetupOutcome::new(asked, got));
    }

    /// Adds the outcomes of another call.
    pub fn extend(&mut self, other: Self) {
        self.outcomes.extend(other.outcomes);
    }

    /// A sentence for each step that failed. Empty if all succeeded.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        self.outcomes.iter().filter_map(SetupOutcome::missing).collect()
    }
}

/// What applies to the whole process while this lives.
#[derive(Debug)]
#[must_use = "the CPUs may enter deep idle states again when this is dropped"]
pub struct ProcessSetup {
    /// The outcome of each step.
    pub status: RealtimeStatus,
    _latency: Option<CpuDmaLatency>,
}

/// Prepares the process. Call it once, before any thread is spawned, and keep what it returns until the end.
///
/// Locked memory stays locked until the process ends.
pub fn prepare_process(request: &RealtimeRequest) -> ProcessSetup {
    let mut status = RealtimeStatus::default();
    if request.lock_memory {
        status.add("freed memory kept by the allocator", memory::keep_freed_memory());
        status.add("locked memory", memory::lock_memory());
    }
    let mut held = None;
    if request.cpu_dma_latency {
        let got = CpuDmaLatency::hold().map(|guard| held = Some(guard));
        status.add("CPU idle latency of 0 us (/dev/cpu_dma_latency)", got);
    }
    if request.private_futexes
        && let Some(got) = futex::make_private()
    {
        status.add("locks in a table of this process's own (PR_FUTEX_HASH)", got);
    }
    ProcessSetup { status, _latency: held }
}

/// Prepares the calling thread: its CPU, timer slack, touched stack and heap, and its priority last, so that the page
/// faults of the other steps don't happen at realtime priority. Then it gives up the capabilities that it no longer
/// needs.
///
/// Allocates, so call it before the first cycle. Don't spawn other threads from this one afterwards: they would inherit
/// its CPU and priority.
#[must_use]
pub fn prepare_thread(request: &RealtimeRequest) -> RealtimeStatus {
    let mut status = RealtimeStatus::default();
    if let Some(cpu) = request.cpu {
        status.add(format!("CPU {cpu}"), affinity::pin_to(cpu));
    }
    status.add("timer slack of 1 ns", priority::set_timer_slack());
    memory::prefault_stack();
    memory::prefault_heap(request.prefault_heap);
    if let Some(level) = request.priority {
        status.add(format!("SCHED_FIFO {level}"), priority::set_fifo(level));
    }
    if let Some(kept) = request.keep {
        status.add("realtime thread without unneeded capabilities", keep_only(kept));
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_is_a_sentence_that_begins_with_the_request() {
        let why = "operation not permitted; grant CAP_SYS_NICE or raise RLIMIT_RTPRIO";
        let mut status = RealtimeStatus::default();
        status.add("CPU 1", Ok(()));
        status.add("SCHED_FIFO 80", Err(why.to_owned()));
        assert_eq!(status.missing(), [format!("SCHED_FIFO 80: {why}")]);
    }

    #[cfg(feature = "serde")]
    #[test]
    fn the_report_shows_steps_that_succeeded_and_steps_that_failed() {
        let mut status = RealtimeStatus::default();
        status.add("CPU 1", Ok(()));
        status.add("CPU 9", Err("gone".to_owned()));
        let json = serde_json::to_value(&status).unwrap();
        let expected = serde_json::json!([
            {"asked": "CPU 1", "got": true, "why": null},
            {"asked": "CPU 9", "got": false, "why": "gone"},
        ]);
        assert_eq!(json, expected);
    }

    #[test]
    fn each_requested_step_has_an_outcome() {
        let request = RealtimeRequest {
            cpu: Some(100_000),
            priority: Some(0),
            lock_memory: false,
            cpu_dma_latency: false,
            private_futexes: false,
            prefault_heap: 4096,
            keep: None,
        };
        let status = std::thread::spawn(move || prepare_thread(&request)).join().unwrap();
        let asked: Vec<_> = status.outcomes.iter().map(|outcome| outcome.asked.as_str()).collect();
        assert_eq!(asked, ["CPU 100000", "timer slack of 1 ns", "SCHED_FIFO 0"]);
        assert_eq!(status.missing().len(), 2, "{:?}", status.missing());
    }

    #[test]
    fn a_request_for_nothing_misses_nothing() {
        let request = RealtimeRequest {
            cpu: None,
            priority: None,
            lock_memory: false,
            cpu_dma_latency: false,
            private_futexes: false,
            prefault_heap: 0,
            keep: None,
        };
        let setup = prepare_process(&request);
        assert!(setup.status.outcomes.is_empty());
        assert!(std::thread::spawn(move || prepare_thread(&request)).join().unwrap().missing().is_empty());
    }
}
