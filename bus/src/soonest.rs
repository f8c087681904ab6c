//! The earliest time that one of the futures polled so far waits for.

use std::cell::Cell;
use std::time::Duration;

/// The earliest time of those that were noted; `None` where there was none.
#[derive(Debug, Default)]
pub(crate) struct Soonest(Cell<Option<Duration>>);

impl Soonest {
    /// Somebody waits for a time.
    pub(crate) fn note(&self, time: Duration) {
        self.0.set(Some(self.0.get().map_or(time, |soonest| soonest.min(time))));
    }

    /// The earliest; none is noted from then on.
    pub(crate) fn take(&self) -> Option<Duration> {
        self.0.take()
    }

    /// What a poll gives, and the earliest time that it noted itself, which counts here as well.
    pub(crate) fn apart<T>(&self, poll: impl FnOnce() -> T) -> (T, Option<Duration>) {
        let others = self.0.take();
        let output = poll();
        let own = self.0.get();
        others.into_iter().for_each(|time| self.note(time));
        (output, own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_earliest_is_taken_once() {
        let soonest = Soonest::default();
        [5, 3, 9].into_iter().for_each(|time| soonest.note(time * MS));
        assert_eq!((soonest.take(), soonest.take()), (Some(3 * MS), None));
    }

    #[test]
    fn what_a_poll_notes_is_known_by_itself_and_counts() {
        let soonest = Soonest::default();
        soonest.note(5 * MS);
        assert_eq!(soonest.apart(|| soonest.note(9 * MS)), ((), Some(9 * MS)));
        assert_eq!(soonest.apart(|| ()), ((), None));
        assert_eq!(soonest.take(), Some(5 * MS));
    }
}
