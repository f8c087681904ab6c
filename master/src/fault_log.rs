//! The fault log: a thread that drains the event ring and logs what happened, in words and without flooding: of each
//! kind of trouble one line a second at most, the first as it comes.

mod lines;
mod timing;

pub(crate) use timing::FarEnd;

use lines::{Line, Lines};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};
use zerocat_engine::EventReader;

const NAP: Duration = Duration::from_millis(5);

/// The running thread.
#[derive(Debug)]
pub(crate) struct FaultLogThread {
    handle: JoinHandle<()>,
    stop: Arc<AtomicBool>,
}

impl FaultLogThread {
    /// Logs the events of a realtime thread with this period.
    pub(crate) fn start(events: EventReader, period: Duration, far_end: FarEnd) -> std::io::Result<Self> {
        let lines = Lines::new(period, far_end);
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let handle = Builder::new().name("zc-faults".to_owned()).spawn(move || watch(events, lines, &stopping))?;
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

fn watch(mut events: EventReader, mut lines: Lines, stop: &AtomicBool) {
    loop {
        // SYNC: pairs with the relaxed store in FaultLogThread::stop.
        let last = stop.load(Ordering::Relaxed) || events.is_closed();
        while let Some(event) = events.pop() {
            lines.note(event);
        }
        if last {
            return lines.rest().into_iter().for_each(log);
        }
        lines.due(Instant::now()).into_iter().for_each(log);
        std::thread::sleep(NAP);
    }
}

fn log(line: Line) {
    match line {
        Line::Trouble(text) => tracing::warn!("{text}"),
        Line::News(text) => tracing::info!("{text}"),
    }
}
