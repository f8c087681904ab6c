//! Makes the process and the calling thread fit for realtime, and says of each item whether it was had.
//!
//! Guarantees: whatever was asked for and not had is in [`RealtimeStatus::missing`], with the reason and what to do;
//! nothing is dropped in silence, and nothing that failed stops the rest. Not guaranteed: that the machine then meets
//! its times. That is measured, not configured.

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::capabilities::{Capabilities, keep_only};
use crate::latency::CpuDmaLatency;
use crate::{affinity, memory, priority};

/// What a realtime thread should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealtimeRequest {
    /// The CPU to run on alone.
    pub cpu: Option<usize>,
    /// Its SCHED_FIFO priority, 1 to 99. 80 is above the kernel's threaded interrupts (50).
    pub priority: Option<u8>,
    /// Whether all memory is locked and freed memory kept.
    pub lock_memory: bool,
    /// Whether deep idle states are kept off.
    pub cpu_dma_latency: bool,
    /// Heap to touch beforehand, in bytes.
    pub prefault_heap: usize,
    /// Capabilities that the thread keeps once it is set up; all that it has, if `None`.
    pub keep: Option<Capabilities>,
}

impl Default for RealtimeRequest {
    /// Everything, at priority 80, on whatever CPU, with all its capabilities.
    fn default() -> Self {
        Self {
            cpu: None,
            priority: Some(80),
            lock_memory: true,
            cpu_dma_latency: true,
            prefault_heap: memory::HEAP,
            keep: None,
        }
    }
}

/// One item: what was asked for, and whether it was had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What was asked for, in words: `SCHED_FIFO 80`.
    pub asked: String,
    /// `Err` says why not and what to do.
    pub got: Result<(), String>,
}

impl Outcome {
    fn new(asked: impl Into<String>, got: Result<(), String>) -> Self {
        Self { asked: asked.into(), got }
    }

    /// The sentence for the user, if it wasn't had:
    /// `SCHED_FIFO 80: operation not permitted; give CAP_SYS_NICE or raise RLIMIT_RTPRIO`.
    #[must_use]
    pub fn missing(&self) -> Option<String> {
        self.got.as_ref().err().map(|why| format!("{}: {why}", self.asked))
    }
}

impl Serialize for Outcome {
    /// `{"asked": "SCHED_FIFO 80", "got": false, "why": "…"}`; `why` is null where it was had.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut item = serializer.serialize_struct("Outcome", 3)?;
        item.serialize_field("asked", &self.asked)?;
        item.serialize_field("got", &self.got.is_ok())?;
        item.serialize_field("why", &self.got.as_ref().err())?;
        item.end()
    }
}

/// What was asked for and what was had, item by item. Items that weren't asked for aren't in it; a timer slack of 1 ns
/// is always asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct RealtimeStatus {
    /// In the order in which they were tried.
    pub outcomes: Vec<Outcome>,
}

impl RealtimeStatus {
    fn add(&mut self, asked: impl Into<String>, got: Result<(), String>) {
        self.outcomes.push(Outcome::new(asked, got));
    }

    /// Adds what another call had.
    pub fn extend(&mut self, other: Self) {
        self.outcomes.extend(other.outcomes);
    }

    /// A sentence for each item that wasn't had. Empty if all was.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        self.outcomes.iter().filter_map(Outcome::missing).collect()
    }
}

/// What holds for the whole process for as long as this lives.
#[derive(Debug)]
#[must_use = "the request to keep idle states off ends when this is dropped"]
pub struct ProcessSetup {
    /// What was had.
    pub status: RealtimeStatus,
    _latency: Option<CpuDmaLatency>,
}

/// Sets up the process. Call it once, before any thread is spawned, and keep what it returns until the end.
///
/// Memory once locked stays locked until the process ends.
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
    ProcessSetup { status, _latency: held }
}

/// Sets up the calling thread: its CPU, timer slack, touched stack and heap, and last its priority, so that the page
/// faults of the rest don't happen under it. Then it gives up the capabilities that it needs no more.
///
/// Allocates: call it before the first cycle. Spawn no other thread from this one afterwards: it would inherit CPU
/// and priority.
#[must_use]
pub fn enter(request: &RealtimeRequest) -> RealtimeStatus {
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
        status.add("realtime thread without capabilities that it doesn't need", keep_only(kept));
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_a_sentence_with_what_was_asked() {
        let why = "operation not permitted; give CAP_SYS_NICE or raise RLIMIT_RTPRIO";
        let mut status = RealtimeStatus::default();
        status.add("CPU 1", Ok(()));
        status.add("SCHED_FIFO 80", Err(why.to_owned()));
        assert_eq!(status.missing(), [format!("SCHED_FIFO 80: {why}")]);
    }

    #[test]
    fn the_report_shows_both_what_was_had_and_what_was_not() {
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
    fn each_item_that_was_asked_for_is_answered() {
        let request = RealtimeRequest {
            cpu: Some(100_000),
            priority: Some(0),
            lock_memory: false,
            cpu_dma_latency: false,
            prefault_heap: 4096,
            keep: None,
        };
        let status = std::thread::spawn(move || enter(&request)).join().unwrap();
        let asked: Vec<_> = status.outcomes.iter().map(|outcome| outcome.asked.as_str()).collect();
        assert_eq!(asked, ["CPU 100000", "timer slack of 1 ns", "SCHED_FIFO 0"]);
        assert_eq!(status.missing().len(), 2, "{:?}", status.missing());
    }

    #[test]
    fn nothing_asked_for_is_nothing_missing() {
        let request = RealtimeRequest {
            cpu: None,
            priority: None,
            lock_memory: false,
            cpu_dma_latency: false,
            prefault_heap: 0,
            keep: None,
        };
        let setup = prepare_process(&request);
        assert!(setup.status.outcomes.is_empty());
        assert!(std::thread::spawn(move || enter(&request)).join().unwrap().missing().is_empty());
    }
}
