//! How fast readings are at their fastest, of late.
//!
//! What a reading took longer than that is what it may be wrong by. A floor that is known from a few readings only is too high, and
//! their noise looks like a clock that changed its rate; so it is remembered for longer than the readings are.

/// It is of this time at least, and of twice as much at most, in nanoseconds of the known clock. A way that has become longer is taken
/// for noise until then.
const WINDOW: u64 = 10_000_000_000;

/// The least of two windows, the second of which becomes the first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Floor {
    least: [u64; 2],
    since: u64,
}

impl Floor {
    pub(super) const fn new(at: u64, within: u64) -> Self {
        Self { least: [within; 2], since: at }
    }

    /// Takes how close a reading was. A clock that was set back begins a window.
    pub(super) fn take(&mut self, at: u64, within: u64) {
        if at.wrapping_sub(self.since) >= WINDOW {
            *self = Self { least: [self.least[1], within], since: at };
        }
        self.least = self.least.map(|least| least.min(within));
    }

    pub(super) const fn get(&self) -> u64 {
        self.least[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_reading_counts_for_a_window_or_two() {
        let mut floor = Floor::new(0, 500);
        floor.take(WINDOW / 2, 100);
        floor.take(WINDOW + 1, 300);
        assert_eq!(floor.get(), 100);
        floor.take(2 * WINDOW + 2, 400);
        assert_eq!(floor.get(), 300);
        floor.take(5, 450);
        assert_eq!(floor.get(), 400, "the clock was set back");
    }
}
