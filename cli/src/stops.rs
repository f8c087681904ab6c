//! Says when the process was stopped by a signal and continued, and for how long, at any time of a run.
//!
//! In OP that is the time that the realtime thread sent no frame for, where it was longer than the watchdog: an outage has one
//! length. Otherwise it is how late a short nap ended, with an error of some milliseconds.

use crate::print;
use crate::signals::{NAP, Signals};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, park_timeout, scope};
use std::time::{Duration, Instant};
use zerocat::Counters;
use zerocat_sched::capabilities::{for_locked_memory, keep_only};

/// A stop isn't worth a word where it was shorter.
const WORTH_A_WORD: Duration = Duration::from_millis(100);
/// Stack of the thread that naps.
const STACK: usize = 128 << 10;

/// Whether stops are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Telling {
    /// They are.
    On,
    /// Only problems are, as with `--quiet`.
    Off,
}

/// How much later a nap ended than it should, with a stop in the middle of it.
pub(crate) fn late(asleep: Instant, nap: Duration) -> Duration {
    asleep.elapsed().saturating_sub(nap / 2)
}

/// Does what may take long, and tells of stops meanwhile.
pub(crate) fn telling<T>(telling: Telling, signals: &Signals, work: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    let watch = || {
        // It needs no capabilities.
        let _ = keep_only(for_locked_memory());
        let mut before = Duration::ZERO;
        // SYNC: a flag; it publishes nothing. Pairs with the store below.
        while !over.load(Ordering::Relaxed) {
            let asleep = Instant::now();
            park_timeout(NAP);
            let late = late(asleep, NAP);
            // This thread may be awake before the one that takes the signal.
            let stopped = late.max(before);
            before = late;
            if stopped >= WORTH_A_WORD && signals.continued() {
                say(telling, stopped);
                before = Duration::ZERO;
            }
        }
    };
    scope(|scope| {
        // Without a thread nothing is told.
        let watching = Builder::new().name("zc-stops".to_owned()).stack_size(STACK).spawn_scoped(scope, watch);
        let done = work();
        // SYNC: pairs with the load above.
        over.store(true, Ordering::Relaxed);
        if let Ok(watching) = watching {
            watching.thread().unpark();
        }
        done
    })
}

fn say(telling: Telling, time: Duration) {
    if telling == Telling::On && time >= WORTH_A_WORD {
        print::say(format_args!("{}", sentence(time)));
    }
}

fn sentence(time: Duration) -> String {
    format!("stopped for {:.1} s by a signal (SIGSTOP, or Ctrl-Z), and continued", time.as_secs_f64())
}

/// Stops in OP, as the thread that shows figures notices them.
#[derive(Debug)]
pub(crate) struct Stops {
    telling: Telling,
    stalls: u64,
    /// One that isn't told yet: the realtime thread may not have counted it.
    waiting: Option<Duration>,
}

impl Stops {
    pub(crate) const fn new(telling: Telling) -> Self {
        Self { telling, stalls: 0, waiting: None }
    }

    /// Takes in how late a nap ended that a stop was in.
    pub(crate) fn note(&mut self, late: Duration) {
        self.waiting = Some(self.waiting.unwrap_or_default().max(late));
    }

    /// Tells the stop that was noted before the last nap.
    pub(crate) fn tell(&mut self, counters: &Counters) {
        let stalled = counters.stalls > std::mem::replace(&mut self.stalls, counters.stalls);
        let counted = stalled.then(|| Duration::from_nanos(counters.stall_last_ns));
        if let Some(late) = self.waiting.take() {
            say(self.telling, counted.unwrap_or(late));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_is_told_in_tenths_of_a_second() {
        assert_eq!(
            sentence(Duration::from_millis(1996)),
            "stopped for 2.0 s by a signal (SIGSTOP, or Ctrl-Z), and continued"
        );
    }
}
