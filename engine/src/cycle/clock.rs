//! What a cycle does with the reference clock: its time for the samples, and how far the grid is to be moved.

use super::Engine;
use crate::clock::ClockState;
use crate::cyclic::ClockReading;
use crate::reference::{ReferenceClock, Timekeeper};
use crate::steer::Steering;
use zerocat_link::Link;
use zerocat_sched::Tick;
use zerocat_sched::time::nanos;

/// What follows the reference clock of the exchange that is installed.
#[derive(Debug)]
pub(super) struct Following {
    clock: ReferenceClock,
    pub(super) keeper: Timekeeper,
    steering: Option<Steering>,
    /// Tick of the last cycle in which the grid was steered.
    steered: Option<u64>,
}

impl Following {
    const fn new(clock: ReferenceClock) -> Self {
        let steering = match clock.steer {
            Some(settings) => Some(Steering::new(settings)),
            None => None,
        };
        Self { clock, keeper: Timekeeper::new(clock), steering, steered: None }
    }

    /// Goes on with another exchange: what is known of the clock stays, and the grid where it is steered the same way.
    fn adopt(&mut self, clock: ReferenceClock) {
        self.keeper.adopt(clock);
        if clock.steer != self.clock.steer {
            self.steering = clock.steer.map(Steering::new);
            self.steered = None;
        }
        self.clock = clock;
    }
}

impl<L: Link> Engine<L> {
    /// Follows the clock of the exchange that was installed, if it has one.
    pub(super) fn follow_clock(&mut self) {
        match (self.exchange.as_deref().and_then(|exchange| exchange.lane.reference()), &mut self.following) {
            (Some(clock), Some(following)) => following.adopt(clock),
            (clock, following) => *following = clock.map(Following::new),
        }
        if self.following.is_none() {
            self.counters.clock_state = ClockState::Off.word();
        }
    }

    /// Takes in what the clock's datagrams brought. Returns the time of the frame's passage, and by how many ns the grid is to be
    /// moved.
    #[inline]
    pub(super) fn read_clock(&mut self, tick: Tick) -> (Option<u64>, i64) {
        if self.following.is_some() { self.follow(tick) } else { (None, 0) }
    }

    fn follow(&mut self, tick: Tick) -> (Option<u64>, i64) {
        let (Some(following), Some(exchange)) = (&mut self.following, self.exchange.as_deref()) else {
            return (None, 0);
        };
        let ClockReading { time, difference } = exchange.lane.clock();
        let passed = following.keeper.take(time, self.posted_at);
        let lost = following.keeper.is_lost();
        let mut moved = 0;
        if let Some(steering) = &mut following.steering {
            let ticks = following.steered.map_or(1, |last| tick.number.saturating_sub(last));
            following.steered = Some(tick.number);
            // How late the thread was says nothing of the clocks.
            let late = nanos(self.posted_at.since(tick.at));
            let on_tick = passed.map(|passed| passed.saturating_sub(late));
            moved = steering.cycle(ticks, following.keeper.host_at(tick.at).or(on_tick));
        }
        let state = ClockState::of(following.steering.as_ref().map(Steering::state), lost);
        let watched = following.clock.watched > 0;
        self.counters.clock_state = state.word();
        self.counters.clock_time = passed.unwrap_or(self.counters.clock_time);
        self.counters.clock_without_reading += u64::from(passed.is_none());
        self.counters.clock_difference = difference.map_or(self.counters.clock_difference, u64::from);
        self.counters.clock_difference_unknown += u64::from(watched && difference.is_none());
        self.count_moved(moved);
        (passed, moved)
    }

    fn count_moved(&mut self, moved: i64) {
        let Some(steering) = self.following.as_ref().and_then(|following| following.steering.as_ref()) else { return };
        let counters = &mut self.counters;
        counters.clock_error = steering.error_ns().cast_unsigned();
        counters.clock_error_worst = steering.worst_ns();
        counters.clock_frequency = steering.frequency_ppb().cast_unsigned();
        counters.clock_jitter = steering.jitter_ns();
        counters.clock_moved = counters.clock_moved.wrapping_add_signed(moved);
        counters.clock_largest_move = steering.largest_move_ns();
        counters.clock_times_lost = steering.times_lost();
        counters.clock_lock_took = steering.lock_took().map_or(0, nanos);
    }
}
