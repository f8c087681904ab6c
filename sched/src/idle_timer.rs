//! The time driver that ethercrab's datagram layer needs when it is built without `std`: a clock that stands still.
//!
//! ethercrab starts a timer for each frame and reads its clock whenever the frame's future is polled. When the time is
//! up it reuses the frame's slot although the frame is still on the wire, so the slot is lost or answers the wrong
//! request. Here every frame that leaves the pool returns to it exactly once, answered or not, and the thread that sent
//! a frame decides when it is lost. So those timers must never expire, however late a future is polled. A clock that
//! stands at 0 guarantees that; no timer has to be kept, and no waker is ever called.
//!
//! Consequence: in a program that links this, `embassy_time::Instant::now()` is always 0, and an `embassy_time::Timer`
//! of more than 0 ticks never fires. Wait with [`crate::Clock`] instead. The tick rate (1 MHz by default) has no
//! effect.
//!
//! A program can have only one time driver: a second one fails at link time with a duplicate symbol. Without the feature
//! `time-driver` there is none here, for a program that has one of its own. Ours is not needed for correctness then: no timer is
//! started that expires within the life of a frame. It only costs a look at a clock for each poll.

// The macro defines two `#[unsafe(no_mangle)]` functions. The compiler doesn't count them as unsafe code of the crate
// that calls the macro, so `forbid(unsafe_code)` wouldn't catch them. They are unsafe all the same, so the call is
// here, in a crate that may contain unsafe code.

#[cfg(feature = "time-driver")]
mod driver {
    use embassy_time_driver::{Driver, time_driver_impl};
    use std::task::Waker;

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

    pub(super) fn link() {
        std::hint::black_box(&DRIVER);
    }
}

/// Makes the linker include this module and does nothing else. Call it where ethercrab's pool is created.
#[inline(never)]
pub fn link_idle_timer() {
    #[cfg(feature = "time-driver")]
    driver::link();
}

#[cfg(all(test, feature = "time-driver"))]
mod tests {
    use super::*;
    use std::task::Waker;

    #[test]
    fn the_clock_that_ethercrab_sees_stands_still() {
        link_idle_timer();
        embassy_time_driver::schedule_wake(1, Waker::noop());
        assert_eq!(embassy_time_driver::now(), 0);
    }
}
