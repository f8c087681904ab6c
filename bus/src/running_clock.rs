//! A clock that stands still while the program does: a program that was stopped, or had no CPU, finds none of its waits over
//! for that.
//!
//! The program's own standstill shows in the time between two readings, because whoever polls the bus's futures reads the
//! clock every few milliseconds. Not guaranteed: that a standstill shorter than [`STANDSTILL`] is noticed.

use std::cell::Cell;
use std::time::Duration;

/// Time between two readings from which on the program stood still. Of each standstill so much passes on the clock.
const STANDSTILL: Duration = Duration::from_millis(250);

/// The clock. Belongs to one thread.
pub(crate) struct RunningClock {
    clock: Box<dyn Fn() -> Duration>,
    /// The last reading of the clock behind it.
    last: Cell<Option<Duration>>,
    /// How far it is behind that clock.
    behind: Cell<Duration>,
    stood_still: Cell<Duration>,
}

impl RunningClock {
    /// Over a monotonic clock from any zero.
    pub(crate) fn over(clock: impl Fn() -> Duration + 'static) -> Self {
        Self { clock: Box::new(clock), last: Cell::default(), behind: Cell::default(), stood_still: Cell::default() }
    }

    /// The time in which the program ran.
    pub(crate) fn now(&self) -> Duration {
        let time = self.time();
        let gap = time.saturating_sub(self.last.replace(Some(time)).unwrap_or(time));
        if gap > STANDSTILL {
            self.behind.set(self.behind.get() + (gap - STANDSTILL));
            self.stood_still.set(self.stood_still.get() + gap);
        }
        time.saturating_sub(self.behind.get())
    }

    /// The clock behind it.
    pub(crate) fn time(&self) -> Duration {
        (self.clock)()
    }

    /// How long the program has stood still in all.
    pub(crate) fn stood_still(&self) -> Duration {
        // A standstill that nobody has seen yet counts.
        self.now();
        self.stood_still.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_standstill_takes_little_time_and_is_counted_whole() {
        let time = Rc::new(Cell::new(100 * MS));
        let read = Rc::clone(&time);
        let clock = RunningClock::over(move || read.get());
        assert_eq!(clock.now(), 100 * MS);
        time.set(120 * MS);
        assert_eq!((clock.now(), clock.stood_still()), (120 * MS, Duration::ZERO));
        time.set(2120 * MS);
        assert_eq!((clock.now(), clock.stood_still()), (120 * MS + STANDSTILL, 2000 * MS));
        time.set(2140 * MS);
        assert_eq!((clock.now(), clock.time()), (140 * MS + STANDSTILL, 2140 * MS));
    }
}
