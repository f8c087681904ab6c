//! The habits of a mailbox while it runs: which case is the n-th.

use std::time::Duration;

use zerocat_wire::coe::Emergency;

use crate::config::{MailboxHabits, Millis, SizeHabit};

/// The emergency that comes between a request and its answer: hardware, on the first occasion of CiA 301, table 26.
pub(super) const BETWEEN: Emergency = Emergency { code: 0x5000, register: 0x01, data: [0; 5] };

/// Every n-th case; with 0 none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Every {
    every: u32,
    cases: u32,
}

impl Every {
    pub(super) const fn new(every: u32) -> Self {
        Self { every, cases: 0 }
    }

    /// One more case: whether it is the n-th.
    pub(super) const fn hits(&mut self) -> bool {
        if self.every == 0 {
            return false;
        }
        self.cases += 1;
        let hit = self.cases >= self.every;
        if hit {
            self.cases = 0;
        }
        hit
    }
}

/// What is done to answers and requests, whatever they are about.
#[derive(Debug, Clone)]
pub(super) struct Habits {
    lost: Every,
    late: (Every, Duration),
    busy: (Every, Duration),
    pub(super) out_of_turn: Every,
    pub(super) doubled: Every,
    pub(super) emergency: Every,
    pub(super) stale: u8,
    /// Until when the request that is there isn't taken.
    busy_until: Option<Duration>,
}

impl Habits {
    pub(super) fn new(config: &MailboxHabits) -> Self {
        let timed = |every, Millis(time): Millis| (Every::new(every), time);
        Self {
            lost: Every::new(config.lost_every),
            late: timed(config.delay_every, config.delay),
            busy: timed(config.busy_every, config.busy),
            out_of_turn: Every::new(config.out_of_turn_every),
            doubled: Every::new(config.doubled_every),
            emergency: Every::new(config.emergency_every),
            stale: config.stale_at_start,
            busy_until: None,
        }
    }

    /// Whether the answer that is ready is lost.
    pub(super) const fn loses(&mut self) -> bool {
        self.lost.hits()
    }

    /// Whether answers may come more than once.
    pub(super) const fn repeats_answers(&self) -> bool {
        self.out_of_turn.every > 0 || self.doubled.every > 0
    }

    /// How much later than at once the mail that waits first is handed over.
    pub(super) const fn delay(&mut self) -> Option<Duration> {
        let (every, delay) = &mut self.late;
        if every.hits() { Some(*delay) } else { None }
    }

    /// Whether the request that has come, or came and waits, isn't taken now.
    pub(super) fn is_busy(&mut self, now: Duration) -> bool {
        let (every, busy) = &mut self.busy;
        match self.busy_until {
            Some(until) if now < until => true,
            Some(_) => {
                self.busy_until = None;
                false
            }
            None if every.hits() => {
                self.busy_until = Some(now + *busy);
                true
            }
            None => false,
        }
    }

    /// Whether a request that wasn't taken is due.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.busy_until.is_some_and(|until| until <= now)
    }

    /// The mailbox was closed.
    pub(super) const fn end_busy(&mut self) {
        self.busy_until = None;
    }
}

/// What is done in the transfers of the SDO server.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SdoHabits {
    pub(super) wrong_toggle: Every,
    pub(super) abort: Every,
    /// Bytes in a part of an upload; 0: as many as there is room for.
    segment: u16,
    empty_initiate: bool,
    pub(super) size: SizeHabit,
}

impl SdoHabits {
    pub(super) const fn new(config: &MailboxHabits) -> Self {
        let MailboxHabits { wrong_toggle_every, abort_every, segment, empty_initiate, upload_size: size, .. } = *config;
        let [wrong_toggle, abort] = [Every::new(wrong_toggle_every), Every::new(abort_every)];
        Self { wrong_toggle, abort, segment, empty_initiate, size }
    }

    /// Bytes of a segment with room for so many.
    pub(super) fn segment(&self, room: usize) -> usize {
        if self.segment == 0 { room } else { room.min(self.segment.into()) }
    }

    /// Bytes of the first answer to an upload with room for so many.
    pub(super) fn initiate(&self, room: usize) -> usize {
        if self.empty_initiate { 0 } else { self.segment(room) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_third_case_is_hit_and_none_with_0() {
        let mut third = Every::new(3);
        assert_eq!([(); 7].map(|()| third.hits()), [false, false, true, false, false, true, false]);
        let mut none = Every::new(0);
        assert!((0..10).all(|_| !none.hits()));
    }

    #[test]
    fn a_request_that_is_not_taken_is_due_after_its_time_and_taken_then() {
        let config =
            MailboxHabits { busy_every: 2, busy: Millis(Duration::from_millis(3)), ..MailboxHabits::default() };
        let mut habits = Habits::new(&config);
        let at = Duration::from_millis;
        assert_eq!([at(0), at(1), at(2)].map(|now| habits.is_busy(now)), [false, true, true]);
        assert!(!habits.is_due(at(3)) && habits.is_due(at(4)));
        assert!(!habits.is_busy(at(4)) && !habits.is_due(at(9)));
    }
}
