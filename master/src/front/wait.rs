//! How a program waits for the next cycle. The realtime thread makes no system call for it, so somebody looks: the program
//! itself, or a thread beside it that wakes the program.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::thread::Builder;
use std::time::Duration;
use zerocat_engine::NewestWatch;
use zerocat_sched::set_timer_slack;

/// Name of the thread.
const NAME: &str = "zc-wake";
/// Its stack: 128 KiB.
const STACK: usize = 128 << 10;
/// Between two looks when a cycle is near.
pub(super) const NAP: Duration = Duration::from_micros(20);
/// Longest time that an end goes unnoticed.
const LONGEST: Duration = Duration::from_millis(20);

/// How [`Io::wait`](crate::Io::wait) waits. What each costs and how old a value is that it gives: `zerocat bench library`.
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use zerocat::{Bus, Waiting};
/// // A controller on a CPU of its own.
/// let bus = Bus::on("eth1").waiting(Waiting::Spin);
/// # let _ = bus;
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Waiting {
    /// The program's thread looks all the time: the least delay, for a CPU of its own.
    Spin,
    /// It sleeps until the next cycle is near, and naps between two looks. How long a nap really is depends on the
    /// thread: an ordinary one has 50 us of timer slack (`PR_SET_TIMERSLACK`).
    #[default]
    Nap,
    /// It sleeps, and a thread beside it (`zc-wake`) looks every 20 us near the end of a cycle and wakes it: some
    /// per cent of a CPU, and one more wake-up of delay. [`Io::next_cycle`](crate::Io::next_cycle) needs this one.
    Woken,
}

/// How long to sleep before the next look, given that the last cycle was seen so long ago.
pub(super) fn nap(since_last: Option<Duration>, period: Duration) -> Duration {
    // The last quarter of a period is looked through: frames come back at different times.
    let near = period.saturating_sub(period / 4);
    since_last.map_or(NAP, |since| near.saturating_sub(since).max(NAP)).min(LONGEST)
}

/// Wakes whoever waits for a cycle.
#[derive(Debug)]
pub(super) struct Bell {
    rung: Mutex<Rung>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Rung {
    /// Number of the newest sample that was seen.
    sequence: u64,
    closed: bool,
    waker: Option<Waker>,
}

impl Bell {
    /// Starts the thread that looks. It ends with the samples, or when nobody holds the bell any more.
    pub(super) fn start(watch: NewestWatch, period: Duration) -> io::Result<Arc<Self>> {
        let bell = Arc::new(Self { rung: Mutex::default(), arrived: Condvar::new() });
        let weak = Arc::downgrade(&bell);
        Builder::new().name(NAME.to_owned()).stack_size(STACK).spawn(move || look(&watch, &weak, period))?;
        Ok(bell)
    }

    fn rung(&self) -> MutexGuard<'_, Rung> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is another sample than the one of this number, or none will come.
    pub(super) fn wait(&self, seen: u64, timeout: Duration) {
        let waits = |rung: &mut Rung| rung.sequence <= seen && !rung.closed;
        let rung = self.rung();
        drop(self.arrived.wait_timeout_while(rung, timeout, waits));
    }

    /// Has a waker woken at the next sample, or when none will come. Whether there is one already.
    pub(super) fn wake_at_next(&self, seen: u64, waker: &Waker) -> bool {
        let mut rung = self.rung();
        let arrived = rung.sequence > seen || rung.closed;
        rung.waker = (!arrived).then(|| waker.clone());
        arrived
    }

    fn ring(&self, sequence: u64, closed: bool) {
        let waker = {
            let mut rung = self.rung();
            (rung.sequence, rung.closed) = (sequence, closed);
            rung.waker.take()
        };
        self.arrived.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

fn look(watch: &NewestWatch, bell: &Weak<Bell>, period: Duration) {
    // Without it naps are longer by 50 us.
    let _ = set_timer_slack();
    let (mut last, mut since) = (watch.sequence(), None::<std::time::Instant>);
    loop {
        let Some(bell) = bell.upgrade() else { return };
        let (closed, sequence) = (watch.is_closed(), watch.sequence());
        if sequence != last || closed {
            (last, since) = (sequence, Some(std::time::Instant::now()));
            bell.ring(sequence, closed);
        }
        drop(bell);
        if closed {
            return;
        }
        std::thread::sleep(nap(since.map(|since| since.elapsed()), period));
    }
}
