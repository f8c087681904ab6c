//! What signals do: some ask a command to stop, one asks for a status line, and no other one ends it.
//!
//! SIGTERM, SIGINT, SIGHUP and SIGQUIT stop a command in order, as does SIGXCPU, which says that the end is near. A
//! second SIGTERM or SIGINT, 0.2 s later or more, ends the process at once. SIGUSR1 asks for a status line. SIGXFSZ and SIGPIPE become errors of
//! the write, and the others end nothing. SIGSTOP and SIGTSTP stop the process as they always do, and SIGCONT is noticed; a
//! command that drives or simulates a bus isn't stopped because it reads from or writes to its terminal from the
//! background.
//!
//! Guarantees: a signal that was ignored when the program was started stays ignored, as `nohup` wants it. Not here: SIGABRT,
//! SIGBUS, SIGSEGV and their like, which say that the program is wrong.

use crate::exit::Failure;
use crate::stops::late;
use nix::sys::signal::{SigSet, Signal};
use signal_hook::consts::{
    SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGIO, SIGPIPE, SIGPROF, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGWINCH,
    SIGXCPU, SIGXFSZ,
};
use signal_hook::iterator::Signals as Deliveries;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::Builder;
use std::time::{Duration, Instant};
use zerocat::Fault;
use zerocat_sched::capabilities::{for_locked_memory, keep_only};

/// `include/uapi/asm-generic/signal.h`; the signal library has no names for them.
const SIGSTKFLT: i32 = 16;
const SIGPWR: i32 = 30;
/// First and last realtime signal that a program may use (`signal(7)`).
const REALTIME: std::ops::RangeInclusive<i32> = 34..=64;

/// Signals that ask a command to stop.
const STOPPING: [(i32, &str); 5] =
    [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT"), (SIGHUP, "SIGHUP"), (SIGQUIT, "SIGQUIT"), (SIGXCPU, "SIGXCPU")];
/// Of these, the ones that end the process when they come after one another.
const INSISTING: [i32; 2] = [SIGTERM, SIGINT];
/// Signals that come within so long are one request.
const ONE_REQUEST: Duration = Duration::from_millis(200);
/// Time between two looks at what came, for whoever sleeps.
pub(crate) const NAP: Duration = Duration::from_millis(20);
/// Stack of the thread that waits for a second request.
const STACK: usize = 128 << 10;
/// Signals that end nothing.
const HARMLESS: [i32; 11] =
    [SIGPWR, SIGXFSZ, SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGWINCH, SIGSTKFLT];

/// Has the signals that mean nothing to a command end nothing.
pub(crate) fn disarm() -> Result<(), Failure> {
    let ignored = ignored();
    // A handler that does nothing, because to ignore a signal is inherited by programs that are started.
    let seen = Arc::new(AtomicBool::new(false));
    for signal in HARMLESS.into_iter().chain(REALTIME).filter(|signal| !ignored.has(*signal)) {
        take(signal, signal_hook::flag::register(signal, Arc::clone(&seen)))?;
    }
    Ok(())
}

/// Has the calling thread, and those that it starts, go on where the kernel would stop the process for using its terminal from
/// the background: a bus isn't left because of a line on a terminal. Reading is an error then, writing is done.
pub(crate) fn stay_in_background() {
    let terminal = SigSet::from_iter([Signal::SIGTTIN, Signal::SIGTTOU]);
    // Where that fails, the process may be stopped, as any other one.
    let _ = terminal.thread_block();
}

/// What has been asked by signals.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signals {
    stop: Arc<AtomicBool>,
    by: Arc<AtomicUsize>,
    status: Arc<AtomicBool>,
    continued: Arc<AtomicBool>,
    /// Whether the signals that ask to stop do what they do without a handler.
    released: Arc<AtomicBool>,
}

impl Signals {
    /// Takes the signals over, so that one that comes while the arguments are still read isn't lost.
    pub(crate) fn take() -> Result<Self, Failure> {
        let signals = Self::default();
        let ignored = ignored();
        let named = STOPPING.iter().enumerate().filter(|(_, (signal, _))| !ignored.has(*signal));
        for (index, &(signal, _)) in named {
            take(signal, signal_hook::flag::register_conditional_default(signal, Arc::clone(&signals.released)))?;
            take(signal, signal_hook::flag::register_usize(signal, Arc::clone(&signals.by), index))?;
            take(signal, signal_hook::flag::register(signal, Arc::clone(&signals.stop)))?;
        }
        if !ignored.has(SIGUSR1) {
            take(SIGUSR1, signal_hook::flag::register(SIGUSR1, Arc::clone(&signals.status)))?;
        }
        take(SIGCONT, signal_hook::flag::register(SIGCONT, Arc::clone(&signals.continued)))?;
        Ok(signals)
    }

    /// Has a second request of those that insist end the process at once, for a command that stops in order. A request may be
    /// several signals: `timeout` sends its own to the process and to its group.
    pub(crate) fn obey_a_second(&self) -> Result<(), Failure> {
        let ignored = ignored();
        let insisting = INSISTING.into_iter().filter(|signal| !ignored.has(*signal));
        let mut signals = Deliveries::new(insisting.clone())
            .map_err(|error| Failure::of(Fault::SystemCallFailed, format!("take signals: {error}")))?;
        // One that came while the arguments were read.
        let came = self.came().filter(|(signal, _)| INSISTING.contains(signal));
        let mut first = came.map(|_| Instant::now());
        let watch = move || {
            // It needs no capabilities.
            let _ = keep_only(for_locked_memory());
            for _ in signals.forever() {
                match first {
                    None => first = Some(Instant::now()),
                    Some(first) if first.elapsed() < ONE_REQUEST => {}
                    Some(_) => signal_hook::low_level::exit(1),
                }
            }
        };
        let started = Builder::new().name("zc-insist".to_owned()).stack_size(STACK).spawn(watch);
        if started.is_ok() {
            return Ok(());
        }
        // No more threads: then any second signal is a second request.
        let insisted = Arc::new(AtomicBool::new(came.is_some()));
        for signal in insisting {
            take(signal, signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&insisted)))?;
            take(signal, signal_hook::flag::register(signal, Arc::clone(&insisted)))?;
        }
        Ok(())
    }

    /// Gives those that ask to stop back, for a command that leaves nothing behind when it is ended at once. One that came
    /// already does so now.
    pub(crate) fn release(self) -> Result<(), Failure> {
        // SYNC: a flag; it publishes nothing. Pairs with the load of the signal handler.
        self.released.store(true, Ordering::Relaxed);
        let Some((signal, _)) = self.came() else { return Ok(()) };
        take(*signal, signal_hook::low_level::emulate_default_handler(*signal))
    }

    /// Whether one came that asks to stop.
    pub(crate) fn stop(&self) -> bool {
        // SYNC: a flag; it publishes nothing. Pairs with the store of the signal handler.
        self.stop.load(Ordering::Relaxed)
    }

    /// The name of the last signal that asked to stop, if one did.
    pub(crate) fn stopped_by(&self) -> Option<&'static str> {
        self.came().map(|(_, name)| *name)
    }

    fn came(&self) -> Option<&'static (i32, &'static str)> {
        // SYNC: an index that stands for itself. Pairs with the store of the signal handler.
        let index = self.by.load(Ordering::Relaxed);
        STOPPING.get(index).filter(|_| self.stop())
    }

    /// Whether a status line was asked for since the last call.
    pub(crate) fn status(&self) -> bool {
        // SYNC: as in `stop`; only this thread takes it back.
        self.status.swap(false, Ordering::Relaxed)
    }

    /// Whether the process was continued, after it had been stopped, since the last call.
    pub(crate) fn continued(&self) -> bool {
        // SYNC: as in `status`.
        self.continued.swap(false, Ordering::Relaxed)
    }

    /// The flag that says that one came which asks to stop, for a loop that takes one.
    pub(crate) fn stop_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// Sleeps, and returns early when there is something to do. Returns how late it woke from its naps at most.
    pub(crate) fn sleep(&self, duration: Duration) -> Duration {
        let end = Instant::now() + duration;
        let mut latest = Duration::ZERO;
        // SYNC: as in `stop`.
        while !self.stop() && !self.status.load(Ordering::Relaxed) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let (asleep, nap) = (Instant::now(), left.min(NAP));
            std::thread::sleep(nap);
            latest = latest.max(late(asleep, nap));
        }
        latest
    }
}

fn take<T>(signal: i32, taken: std::io::Result<T>) -> Result<(), Failure> {
    taken.map(drop).map_err(|error| Failure::of(Fault::SystemCallFailed, format!("take signal {signal}: {error}")))
}

/// A set of signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Set(u64);

impl Set {
    const fn has(self, signal: i32) -> bool {
        signal > 0 && self.0 >> (signal - 1) & 1 == 1
    }
}

/// Signals that this process ignores. Rust's runtime itself ignores SIGPIPE.
fn ignored() -> Set {
    std::fs::read_to_string("/proc/self/status").map_or(Set(0), |status| ignored_in(&status))
}

/// `SigIgn` of a `status` file of `/proc`: bit 0 is signal 1 (`proc_pid_status(5)`).
fn ignored_in(status: &str) -> Set {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    Set(mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_read() {
        let set = ignored_in("Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\tffff\n");
        let which: Vec<_> = (1..=64).filter(|signal| set.has(*signal)).collect();
        assert_eq!(which, [SIGHUP, SIGPIPE]);
        assert_eq!([ignored_in(""), ignored_in("SigIgn:\tnonsense\n")], [Set(0), Set(0)]);
    }
}
