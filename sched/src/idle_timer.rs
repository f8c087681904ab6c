//! The time driver that ethercrab's datagram layer wants when it is built without `std`: a clock that stands still.
//!
//! ethercrab arms a timer for each frame and reads its clock whenever the frame's future is polled; if the time is
//! over, it gives the frame's slot away although the frame is still out, and the slot is lost or answers the wrong
//! request. Here every frame that leaves the pool comes back to it exactly once, answered or not, and the lost ones
//! are timed by the thread that sent them. So those timers must never run out, however late a future is polled. A
//! clock that stands at 0 guarantees it; no timer has to be kept, and no waker is ever called.
//!
//! Consequence: in a program that links this, `embassy_time::Instant::now()` is always 0, and an `embassy_time::Timer`
//! of more than 0 ticks never fires. Wait with [`crate::Clock`] instead. The rate (1 MHz by default) has no effect.
//!
//! A program may have one time driver: linking a second one fails at link time with a duplicate symbol.

// The macro defines two `#[unsafe(no_mangle)]` functions. The compiler doesn't see them as unsafe code of the crate that
// calls the macro, and would take them under `forbid(unsafe_code)` too; they are unsafe all the same, hence this crate.

use std::task::Waker;

use embassy_time_driver::{Driver, time_driver_impl};

struct IdleTimer;

impl Driver for IdleTimer {
    fn now(&self) -> u64 {
        0
    }

    fn schedule_wake(&self, _at: u64, _waker: &Waker) {}
}

// SAFETY: the two symbols are this driver's by embassy-time-driver's contract, their signatures are the macro's, and
// nothing else in the workspace defines a driver; a second one would not link.
time_driver_impl!(static DRIVER: IdleTimer = IdleTimer);

/// Makes the linker take this module in. Call it where ethercrab's pool is made; it does nothing else.
#[inline(never)]
pub fn link_idle_timer() {
    std::hint::black_box(&DRIVER);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_that_ethercrab_sees_stands_still() {
        link_idle_timer();
        embassy_time_driver::schedule_wake(1, Waker::noop());
        assert_eq!(embassy_time_driver::now(), 0);
    }
}
