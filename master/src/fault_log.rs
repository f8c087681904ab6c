//! The fault log: a thread that drains the event ring and logs what happened, in words and without flooding: of each
//! kind of trouble one line a second at most, the first as it comes. A kind is a fault of the list, and is counted.

mod carrier;
mod counters;
mod lines;
mod timing;

pub(crate) use timing::FarEnd;

use crate::told::FaultCounts;
use carrier::Cable;
use lines::{Line, Lines};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};
use zerocat_engine::EventReader;
use zerocat_faults::Fault;
use zerocat_sched::memory::ORDINARY_STACK;

const NAP: Duration = Duration::from_millis(5);

/// The running thread.
#[derive(Debug)]
pub(crate) struct FaultLogThread {
    handle: JoinHandle<FaultCounts>,
    stop: Arc<AtomicBool>,
}

impl FaultLogThread {
    /// Logs the events of a realtime thread with this period. `carrier` tells whether its interface has one, where that is
    /// known.
    pub(crate) fn start(
        events: EventReader,
        period: Duration,
        far_end: FarEnd,
        carrier: impl Fn() -> Option<bool> + Send + 'static,
    ) -> std::io::Result<Self> {
        let cable = move || if carrier() == Some(false) { Cable::Out } else { Cable::In };
        let lines = Lines::new(period, far_end, cable);
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let handle = Builder::new()
            .name("zc-faults".to_owned())
            .stack_size(ORDINARY_STACK)
            .spawn(move || watch(events, lines, &stopping))?;
        Ok(Self { handle, stop })
    }

    /// Says what is left and ends. Returns how often each fault came that its log tells apart.
    pub(crate) fn stop(self) -> FaultCounts {
        // SYNC: a flag; it publishes nothing else. Pairs with the relaxed load in watch.
        self.stop.store(true, Ordering::Relaxed);
        self.handle.join().unwrap_or_else(|_| {
            tracing::error!(fault = %Fault::ThreadPanicked, "the fault log's thread ended by a panic");
            FaultCounts::default()
        })
    }
}

fn watch(mut events: EventReader, mut lines: Lines, stop: &AtomicBool) -> FaultCounts {
    loop {
        // SYNC: pairs with the relaxed store in FaultLogThread::stop.
        let last = stop.load(Ordering::Relaxed) || events.is_closed();
        while let Some(event) = events.pop() {
            lines.note(event);
        }
        if last {
            lines.rest().into_iter().for_each(log);
            return lines.counts();
        }
        lines.due(Instant::now()).into_iter().for_each(log);
        std::thread::sleep(NAP);
    }
}

fn log(line: Line) {
    match line {
        Line::Trouble(fault, text) => tracing::warn!(%fault, "{text}"),
        Line::News(text) => tracing::info!("{text}"),
    }
}
