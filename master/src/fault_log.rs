//! The fault log: a thread that drains the event ring and logs what happened, without flooding.
//!
//! The first fault of each kind within a second is logged as it comes; what follows is counted and said in one line at
//! the end of that second.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};
use zerocat_engine::{CycleFault, Event, EventReader};

const NAP: Duration = Duration::from_millis(5);
const WINDOW: Duration = Duration::from_secs(1);

/// The running thread.
#[derive(Debug)]
pub(crate) struct FaultLogThread {
    handle: JoinHandle<()>,
    stop: Arc<AtomicBool>,
}

impl FaultLogThread {
    pub(crate) fn start(events: EventReader) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let handle = Builder::new().name("zc-faults".to_owned()).spawn(move || watch(events, &stopping))?;
        Ok(Self { handle, stop })
    }

    /// Says what is left and ends.
    pub(crate) fn stop(self) {
        // SYNC: a flag; it publishes nothing else. Pairs with the relaxed load in watch.
        self.stop.store(true, Ordering::Relaxed);
        if self.handle.join().is_err() {
            tracing::error!("the fault log's thread ended by a panic");
        }
    }
}

fn watch(mut events: EventReader, stop: &AtomicBool) {
    let mut log = Log::default();
    loop {
        while let Some(event) = events.pop() {
            log.note(event);
        }
        if log.since.elapsed() >= WINDOW {
            log.flush();
        }
        // SYNC: pairs with the relaxed store in FaultLogThread::stop.
        if stop.load(Ordering::Relaxed) || events.is_closed() {
            while let Some(event) = events.pop() {
                log.note(event);
            }
            return log.flush();
        }
        std::thread::sleep(NAP);
    }
}

/// What was logged in this second, by kind, and how many more of it came.
struct Log {
    since: Instant,
    more: BTreeMap<&'static str, u64>,
}

impl Default for Log {
    fn default() -> Self {
        Self { since: Instant::now(), more: BTreeMap::new() }
    }
}

impl Log {
    fn note(&mut self, event: Event) {
        let kind = kind(event.fault);
        if let Some(more) = self.more.get_mut(kind) {
            *more += 1;
            return;
        }
        self.more.insert(kind, 0);
        match event.fault {
            CycleFault::AlStatus { .. } => tracing::info!(cycle = event.cycle, "{}", event.fault),
            _ => tracing::warn!(cycle = event.cycle, "{}", event.fault),
        }
    }

    fn flush(&mut self) {
        for (kind, more) in self.more.iter().filter(|(_, more)| **more > 0) {
            tracing::warn!("{more} more in the last second: {kind}");
        }
        *self = Self::default();
    }
}

const fn kind(fault: CycleFault) -> &'static str {
    match fault {
        CycleFault::Skipped(_) => "ticks skipped",
        CycleFault::Stall(_) => "stalls",
        CycleFault::Late(_) => "late wake-ups",
        CycleFault::Hole(_) => "times thrown off the CPU",
        CycleFault::Lost { .. } => "frames lost",
        CycleFault::WorkingCounter { .. } => "wrong working counters",
        CycleFault::AlStatus { .. } => "changes of the AL status",
        CycleFault::Link(_) => "errors of the link",
    }
}
