//! The thread that keeps the time of a run: reads the wall clock, takes what cycles said of the reference
//! clock, and tells when a clock was stepped.
//!
//! Samples are stamped from what it knows ([`TrueTime`]). Not here: how that is estimated (`zerocat_tasks::TimeKeeper`).

use crate::events::{SessionEvent, Teller};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use zerocat_faults::Fault;
use zerocat_sched::ClockPair;
use zerocat_sched::memory::ORDINARY_STACK;
use zerocat_sched::time::nanos;
use zerocat_tasks::{Reading, Said, TimeKeeper, TrueTime};

/// Between two readings of the wall clock: as long a step may go unnoticed.
const NAP: Duration = Duration::from_millis(20);
/// Readings in a row while they don't agree.
const READINGS: usize = 4;

/// A running thread `zc-time`. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct TimeThread {
    stop: Arc<AtomicBool>,
    handle: Option<JoinHandle<()>>,
    time: TrueTime,
}

impl TimeThread {
    /// Reads the clocks for the first time, and starts.
    pub(crate) fn start(teller: Teller) -> std::io::Result<Self> {
        let keeper = TimeKeeper::new(read());
        let (time, stop) = (keeper.time(), Arc::new(AtomicBool::new(false)));
        let stopping = Arc::clone(&stop);
        let work = move || keep(keeper, &teller, &stopping);
        let handle = Builder::new().name("zc-time".to_owned()).stack_size(ORDINARY_STACK).spawn(work)?;
        Ok(Self { stop, handle: Some(handle), time })
    }

    /// What is known of time, for whoever stamps samples.
    pub(crate) fn time(&self) -> TrueTime {
        self.time.clone()
    }
}

impl Drop for TimeThread {
    fn drop(&mut self) {
        // SYNC: a request and nothing behind it. Pairs with the relaxed load in keep.
        self.stop.store(true, Ordering::Relaxed);
        let Some(handle) = self.handle.take() else { return };
        handle.thread().unpark();
        if handle.join().is_err() {
            tracing::error!(fault = %Fault::ThreadPanicked, "the thread that keeps the time ended by a panic");
        }
    }
}

fn keep(mut keeper: TimeKeeper, teller: &Teller, stop: &AtomicBool) {
    // SYNC: pairs with the relaxed store in TimeThread::drop.
    while !stop.load(Ordering::Relaxed) {
        for step in keeper.cycles() {
            teller.warn(&SessionEvent::ClockStepped(step));
        }
        for _ in 0..READINGS {
            let (said, step) = keeper.wall(read());
            if let Some(step) = step {
                teller.warn(&SessionEvent::ClockStepped(step));
            }
            if said != Said::Doubtful {
                break;
            }
        }
        std::thread::park_timeout(NAP);
    }
}

/// The wall clock at a time of `CLOCK_MONOTONIC`.
fn read() -> Reading {
    let ClockPair { monotonic, realtime, uncertainty } = ClockPair::read();
    Reading { at: monotonic.0, shown: realtime, within: nanos(uncertainty) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Observer;

    #[test]
    fn a_thread_that_is_dropped_ends_and_what_it_knew_stays() {
        let thread = TimeThread::start(Observer::default().teller()).unwrap();
        let mut time = thread.time();
        drop(thread);
        let now = ClockPair::read();
        let moment = time.moment(now.monotonic.0, now.monotonic.0, None);
        assert_eq!((moment.base, moment.dc_time), (1, None));
        assert!(moment.utc > 1_500_000_000_000_000_000, "before 2017: {}", moment.utc);
    }
}
