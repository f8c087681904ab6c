//! The spin margin of a `hybrid` wait, learned from this machine's own wake-ups before the first cycle.
//!
//! The margin has to cover everything between a timer's deadline and the thread's first instruction: interrupt, exit
//! from an idle state, context switch, cold caches. That varies by more than a factor of ten between machines. So the
//! thread sleeps [`WAKE_UPS`] times, measures how late it wakes, and keeps the resulting margin for good: a margin that
//! changed later would move the moment at which outputs are taken.
//!
//! Guarantees: [`learn`] doesn't allocate, takes about a sixtieth of a second, and returns a margin within its bounds. Not
//! guaranteed: that no later wake-up is worse; the report has those as `sleep_latency_ns`.

use std::time::Duration;

use crate::time::{Clock, nanos};

/// Number of wake-ups that the margin is learned from. They are in the way of bring-up, so there are few.
pub const WAKE_UPS: usize = 64;
/// Length of a sleep while learning, at most half the period: 200 us, so that learning takes a sixtieth of a second.
const SLEEP: Duration = Duration::from_micros(200);
/// Shortest margin: 20 us. A single interrupt would use up a shorter one.
pub const SHORTEST: Duration = Duration::from_micros(20);
/// The longest margin is half the period, but no less than this.
const LONGEST_OF_FAST: Duration = Duration::from_micros(50);

/// A margin, and what it was learned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LearnedMargin {
    /// How long before the tick the sleep ends.
    pub margin: Duration,
    /// Number of wake-ups.
    pub wake_ups: u32,
    /// Median of their latencies.
    pub p50: Duration,
    /// 99th percentile.
    pub p99: Duration,
    /// Longest latency.
    pub longest: Duration,
}

/// Sleeps [`WAKE_UPS`] times on `clock` and chooses the margin for a grid of `period`. Call it on the thread that will
/// wait, once that has its CPU and priority.
pub fn learn(clock: &impl Clock, period: Duration) -> LearnedMargin {
    let mut latencies = [Duration::ZERO; WAKE_UPS];
    let sleep = SLEEP.min(period / 2);
    for latency in &mut latencies {
        let deadline = clock.now().after(sleep);
        clock.sleep_until(deadline);
        *latency = clock.now().since(deadline);
    }
    choose(&mut latencies, period)
}

/// The second longest latency plus a half, within bounds. The longest would be a bad choice: a machine that stalled once
/// while the margin was learned would spin half of each period.
fn choose(latencies: &mut [Duration], period: Duration) -> LearnedMargin {
    latencies.sort_unstable();
    let rank = |percent: usize| {
        let rank = (latencies.len() * percent).div_ceil(100);
        latencies.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    };
    let (p50, p99, longest) = (rank(50), rank(99), rank(100));
    let second = latencies.len().checked_sub(2).and_then(|at| latencies.get(at)).copied().unwrap_or(longest);
    let most = (period / 2).max(LONGEST_OF_FAST);
    let margin = (second + second / 2).clamp(SHORTEST, most);
    // Whole microseconds: further digits mean nothing.
    let margin = Duration::from_micros(nanos(margin).div_ceil(1_000));
    LearnedMargin { margin, wake_ups: u32::try_from(latencies.len()).unwrap_or(u32::MAX), p50, p99, longest }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::time::{Time, VirtualClock};

    const MILLISECOND: Duration = Duration::from_millis(1);

    /// A machine whose `n`-th sleep ends late by `late(n)` microseconds.
    struct Machine<F> {
        clock: VirtualClock,
        late: F,
        sleeps: Cell<usize>,
    }

    impl<F: Fn(usize) -> u64> Clock for Machine<F> {
        fn now(&self) -> Time {
            self.clock.now()
        }
        fn sleep_until(&self, deadline: Time) {
            self.clock.set_oversleep(Duration::from_micros((self.late)(self.sleeps.get())));
            self.sleeps.set(self.sleeps.get() + 1);
            self.clock.sleep_until(deadline);
        }
        fn relax(&self) {
            self.clock.relax();
        }
    }

    fn learned(period: Duration, late: impl Fn(usize) -> u64) -> LearnedMargin {
        let machine = Machine { clock: VirtualClock::default(), late, sleeps: Cell::new(0) };
        let learned = learn(&machine, period);
        assert_eq!(machine.sleeps.get(), WAKE_UPS);
        learned
    }

    fn micros(learned: &LearnedMargin) -> u128 {
        learned.margin.as_micros()
    }

    #[test]
    fn the_margin_is_the_second_longest_latency_and_a_half() {
        let learned = learned(MILLISECOND, |n| if n == 7 { 900 } else { 40 });
        assert_eq!(micros(&learned), 60);
        assert_eq!((learned.p50, learned.p99), (Duration::from_micros(40), Duration::from_micros(900)));
        assert_eq!((learned.longest, learned.wake_ups), (Duration::from_micros(900), 64));
    }

    #[test]
    fn two_late_wake_ups_count() {
        assert_eq!(micros(&learned(MILLISECOND, |n| if n % 50 == 0 { 200 } else { 10 })), 300);
    }

    #[test]
    fn the_shortest_margin_is_20_us() {
        assert_eq!(micros(&learned(MILLISECOND, |_| 2)), 20);
    }

    #[test]
    fn a_slow_machine_spins_at_most_half_of_each_period() {
        assert_eq!(micros(&learned(MILLISECOND, |_| 5_000)), 500);
        assert_eq!(micros(&learned(Duration::from_millis(4), |_| 1_000)), 1_500);
    }

    #[test]
    fn a_fast_grid_may_spin_the_whole_period() {
        assert_eq!(micros(&learned(Duration::from_micros(25), |_| 40)), 50);
    }
}
