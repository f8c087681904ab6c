//! SIGINT and SIGTERM as a question that can be asked: has anybody asked us to stop?

use crate::exit::Failure;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Set by a signal.
#[derive(Debug, Clone)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Takes the signals over. A second one ends the process at once, with the kernel's clean-up only.
    pub(crate) fn on_signals() -> Result<Self, Failure> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&flag))
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&flag)))
                .map_err(|error| Failure::running(format!("take signal {signal}: {error}")))?;
        }
        Ok(Self(flag))
    }

    /// Whether it came.
    pub(crate) fn asked(&self) -> bool {
        // SYNC: a flag; it publishes nothing. Pairs with the store of the signal handler.
        self.0.load(Ordering::Relaxed)
    }

    /// The flag itself, for a loop that takes one.
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    /// Sleeps, and returns early when it came.
    pub(crate) fn sleep(&self, duration: Duration) {
        let end = Instant::now() + duration;
        while !self.asked() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(Duration::from_millis(20)));
        }
    }
}
