//! The reference clock of distributed clocks, as the cyclic frames read it and hand its time on.
//!
//! A datagram reads the reference's system time (register 0x0910) when the frame passes it and writes that into every clock behind
//! it (FRMW). Clocks in front of it, and all of them where the reference doesn't answer, take what the MainDevice sent. So what is
//! sent is the reference's time as it will be, to within microseconds; and while that isn't known, or the reference is lost, the
//! datagram only reads (FPRD) and no clock is written.
//!
//! A time counts if a station answered that was addressed: the working counter is at least one and at most what is expected, and
//! the data isn't what was sent. A SubDevice behind the reference that is missing therefore takes nobody's time away. A time that
//! is far from what is expected is of a clock that was set or began anew; it isn't handed on and not used, until times are as
//! expected again or another exchange is installed.
//!
//! Guarantees: times of a clock of 32 bits are extended to 64; no allocation, no look at a clock. Not guaranteed: that the clocks
//! follow; whoever brings up the bus sets their delays and offsets and looks at 0x092C.

use crate::steer::SteerSettings;
use std::time::Duration;
use zerocat_sched::Time;
use zerocat_sched::time::nanos;

/// Frames in a row that came back without a time before the reference is lost.
const LOST_AFTER: u32 = 3;
/// A time that is further than this from what is expected is of a clock that was set, with a thousandth of the time since the last
/// one.
const JUMP: Duration = Duration::from_millis(100);

/// Which SubDevice's clock the others follow, and what the MainDevice does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReferenceClock {
    /// Its station address.
    pub station: u16,
    /// Its system time has 64 bits, not 32.
    pub wide: bool,
    /// Working counter of the FRMW at most: one for the reference and one for each clock that takes its time.
    pub expected: u16,
    /// Number of SubDevices that answer a broadcast read of the difference 0x092C; 0 not to read it.
    pub watched: u16,
    /// How the grid is steered to it; `None` not to.
    pub steer: Option<SteerSettings>,
}

/// What the clock's datagram is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Read the time only.
    Read,
    /// Read it, and write it into the others; this is what the reference will show.
    HandOn(u64),
}

/// What came back in a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    /// The time as it was in the datagram.
    pub(crate) time: u64,
    pub(crate) counter: u16,
}

/// A passage of the reference.
#[derive(Debug, Clone, Copy)]
struct Passage {
    /// The reference's time.
    time: u64,
    /// When the frame was sent, on the host's clock.
    sent: Time,
}

/// Keeps the time of one reference clock.
#[derive(Debug)]
pub(crate) struct Timekeeper {
    clock: ReferenceClock,
    last: Option<Passage>,
    asked: Ask,
    without: u32,
    lost: bool,
}

impl Timekeeper {
    pub(crate) const fn new(clock: ReferenceClock) -> Self {
        Self { clock, last: None, asked: Ask::Read, without: 0, lost: false }
    }

    /// Goes on with another exchange. Of the same clock it knows the time, unless it was lost.
    pub(crate) fn adopt(&mut self, clock: ReferenceClock) {
        let same = (clock.station, clock.wide) == (self.clock.station, self.clock.wide);
        if same && !self.lost {
            self.clock = clock;
        } else {
            *self = Self::new(clock);
        }
    }

    /// The machine was suspended for so long, which the host's clock doesn't show.
    pub(crate) fn note_suspended(&mut self, slept: Duration) {
        if let Some(last) = &mut self.last {
            last.time = last.time.wrapping_add(nanos(slept));
        }
    }

    /// What a frame that is sent now is to do.
    pub(crate) fn ask(&mut self, now: Time) -> Ask {
        let known = self.last.filter(|_| !self.lost);
        self.asked = known.map_or(Ask::Read, |last| Ask::HandOn(last.at(now)));
        self.asked
    }

    /// Takes in a cycle whose frame was sent at `sent`. `None` where it didn't come back. Returns the time at which it passed the
    /// reference.
    pub(crate) fn take(&mut self, reading: Option<Reading>, sent: Time) -> Option<u64> {
        let reading = reading?;
        let time = self.answered(reading).then(|| self.extended(reading.time, sent));
        match time {
            Some(time) if self.is_plausible(time, sent) => {
                self.last = Some(Passage { time, sent });
                (self.without, self.lost) = (0, false);
                Some(time)
            }
            other => {
                self.without = self.without.saturating_add(1);
                self.lost |= other.is_some() || self.without >= LOST_AFTER;
                None
            }
        }
    }

    /// Whether the reference has put its time into the datagram.
    fn answered(&self, reading: Reading) -> bool {
        let mask = if self.clock.wide { u64::MAX } else { u32::MAX.into() };
        match self.asked {
            Ask::Read => reading.counter == 1,
            Ask::HandOn(sent) => {
                (1..=self.clock.expected).contains(&reading.counter) && reading.time & mask != sent & mask
            }
        }
    }

    /// The time in 64 bits: the one that is nearest to what is expected.
    fn extended(&self, time: u64, sent: Time) -> u64 {
        let Some(last) = self.last.filter(|_| !self.clock.wide) else { return time };
        let expected = last.at(sent);
        let [a, b, c, d, ..] = time.wrapping_sub(expected).to_le_bytes();
        expected.wrapping_add_signed(i32::from_le_bytes([a, b, c, d]).into())
    }

    fn is_plausible(&self, time: u64, sent: Time) -> bool {
        self.last.is_none_or(|last| {
            let tolerated = nanos(JUMP).saturating_add(nanos(sent.since(last.sent)) / 1000);
            time.wrapping_sub(last.at(sent)).cast_signed().unsigned_abs() <= tolerated
        })
    }

    /// Whether the reference doesn't answer, or shows another time than it should.
    pub(crate) const fn is_lost(&self) -> bool {
        self.lost
    }
}

impl Passage {
    /// The time of a passage of a frame that is sent at another time.
    fn at(self, sent: Time) -> u64 {
        self.time.wrapping_add(nanos(sent.since(self.sent)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: u64 = 1_000_000;

    fn keeper(wide: bool) -> Timekeeper {
        Timekeeper::new(ReferenceClock { station: 0x1001, wide, expected: 3, watched: 0, steer: None })
    }

    fn cycle(keeper: &mut Timekeeper, sent: u64, time: u64, counter: u16) -> (Ask, Option<u64>) {
        let asked = keeper.ask(Time(sent));
        (asked, keeper.take(Some(Reading { time, counter }), Time(sent)))
    }

    #[test]
    fn no_clock_is_written_before_the_time_is_known() {
        let mut keeper = keeper(true);
        assert_eq!(cycle(&mut keeper, 0, 500, 1), (Ask::Read, Some(500)));
        let second = cycle(&mut keeper, MILLISECOND, MILLISECOND + 510, 3);
        assert_eq!(second, (Ask::HandOn(MILLISECOND + 500), Some(MILLISECOND + 510)));
    }

    #[test]
    fn a_reference_that_does_not_answer_is_lost_and_only_asked() {
        let mut keeper = keeper(true);
        cycle(&mut keeper, 0, 500, 1);
        for n in 1..4 {
            let sent = n * MILLISECOND;
            // The others took what was sent.
            assert_eq!(cycle(&mut keeper, sent, sent + 500, 2), (Ask::HandOn(sent + 500), None));
        }
        assert!(keeper.is_lost());
        assert_eq!(cycle(&mut keeper, 4 * MILLISECOND, 0, 0), (Ask::Read, None));
        let back = 5 * MILLISECOND + 490;
        assert_eq!(cycle(&mut keeper, 5 * MILLISECOND, back, 1), (Ask::Read, Some(back)));
        assert!(matches!(keeper.ask(Time(6 * MILLISECOND)), Ask::HandOn(_)));
    }

    #[test]
    fn a_clock_that_began_anew_is_not_handed_on() {
        let mut keeper = keeper(true);
        cycle(&mut keeper, 0, 1 << 40, 1);
        assert_eq!(cycle(&mut keeper, MILLISECOND, 77, 3).1, None);
        assert!(keeper.is_lost());
        assert_eq!(cycle(&mut keeper, 2 * MILLISECOND, MILLISECOND + 77, 1), (Ask::Read, None));
        keeper.adopt(keeper.clock);
        assert_eq!(cycle(&mut keeper, 3 * MILLISECOND, 2 * MILLISECOND, 1), (Ask::Read, Some(2 * MILLISECOND)));
    }

    #[test]
    fn a_narrow_clock_is_extended_over_its_wraps() {
        let mut keeper = keeper(false);
        let (mut sent, mut time) = (0, 5);
        cycle(&mut keeper, sent, time, 1);
        for _ in 0..10 {
            (sent, time) = (sent + 3_000_000_000, time + 3_000_000_300);
            assert_eq!(cycle(&mut keeper, sent, time & u64::from(u32::MAX), 2).1, Some(time));
        }
    }

    #[test]
    fn a_frame_that_is_lost_changes_nothing() {
        let mut keeper = keeper(true);
        cycle(&mut keeper, 0, 500, 1);
        for n in 1..100 {
            keeper.ask(Time(n * MILLISECOND));
            assert_eq!(keeper.take(None, Time(n * MILLISECOND)), None);
        }
        assert!(!keeper.is_lost());
        assert_eq!(keeper.ask(Time(100 * MILLISECOND)), Ask::HandOn(100 * MILLISECOND + 500));
    }
}
