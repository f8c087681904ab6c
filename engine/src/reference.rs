//! The reference clock of distributed clocks, as the cyclic frames read it and hand its time on.
//!
//! A datagram reads the reference's system time (register 0x0910) when the frame passes it and writes that into every clock behind
//! it (FRMW). Clocks in front of it, and all of them where the reference doesn't answer, take what the MainDevice sent. So what is
//! sent is the reference's time as it will be, to within microseconds; and while that isn't known, or the reference is lost, the
//! datagram only reads (FPRD) and no clock is written.
//!
//! A time counts if a station answered that was addressed: the working counter is at least one and at most what is expected, and
//! the data isn't what was sent, or all answered, or the reference answered another datagram of the frame. A SubDevice behind the
//! reference that is missing therefore takes nobody's time away. A time that
//! is far from what is expected is of a clock that was set or began anew; it isn't handed on and not used, until times are as
//! expected again or another exchange is installed.
//!
//! Where the network runs by the host's clock ([`HostClock`]), a second datagram writes that into the reference (FPWR), whose own
//! loop then slews it, as those of the others slew them to the reference. What is written is never further than a bound from what
//! the reference will show, so a host's clock that is far off isn't leapt to.
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
    /// The host's clock that the reference is slewed to, and the grid is steered to in its place; `None`: the reference runs freely.
    pub host: Option<HostClock>,
}

/// A clock of the host, by the engine's clock: the two run at one rate, and differ by what is said here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostClock {
    /// What it shows at the zero of the engine's clock, in ns of system time; wraps.
    pub at_zero: u64,
    /// What is written to the reference is no further than this from what it will show.
    pub bound: Duration,
}

impl HostClock {
    /// What it shows at a time.
    #[must_use]
    pub const fn at(self, now: Time) -> u64 {
        self.at_zero.wrapping_add(now.0)
    }
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
    /// Another datagram of the frame was answered by the reference.
    pub(crate) is_there: bool,
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
        if let Some(host) = &mut self.clock.host {
            host.at_zero = host.at_zero.wrapping_add(nanos(slept));
        }
    }

    /// What a frame that is sent now is to do.
    pub(crate) fn ask(&mut self, now: Time) -> Ask {
        let known = self.last.filter(|_| !self.lost);
        self.asked = known.map_or(Ask::Read, |last| Ask::HandOn(last.at(now)));
        self.asked
    }

    /// What the reference is to be told by a frame that is sent now: the time of the host's clock, within the bound. `None` where
    /// it isn't steered, or its time isn't known.
    pub(crate) fn tell(&self, now: Time) -> Option<u64> {
        let (host, last) = (self.clock.host?, self.last.filter(|_| !self.lost)?);
        let (expected, bound) = (last.at(now), nanos(host.bound).cast_signed());
        let off = host.at(now).wrapping_sub(expected).cast_signed();
        Some(expected.wrapping_add_signed(off.clamp(-bound, bound)))
    }

    /// The time of the host's clock, where the network runs by that.
    pub(crate) fn host_at(&self, now: Time) -> Option<u64> {
        self.clock.host.map(|host| host.at(now))
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
                let (there, all) = (reading.is_there, reading.counter == self.clock.expected);
                let was_written = there || all || reading.time & mask != sent & mask;
                (1..=self.clock.expected).contains(&reading.counter) && was_written
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
        Timekeeper::new(ReferenceClock { station: 0x1001, wide, expected: 3, watched: 0, steer: None, host: None })
    }

    fn cycle(keeper: &mut Timekeeper, sent: u64, time: u64, counter: u16) -> (Ask, Option<u64>) {
        let asked = keeper.ask(Time(sent));
        (asked, keeper.take(Some(Reading { time, counter, is_there: false }), Time(sent)))
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
    fn a_reference_is_told_of_the_hosts_clock_within_the_bound() {
        let mut keeper = keeper(true);
        let host = HostClock { at_zero: 1 << 40, bound: Duration::from_micros(20) };
        keeper.clock.host = Some(host);
        assert_eq!(keeper.tell(Time(0)), None);
        for (shows, told) in [(5, 5), (-5_000, -5_000), (90_000, 20_000), (-50_000_000, -20_000)] {
            keeper.last = Some(Passage { time: host.at(Time(0)).wrapping_add_signed(-shows), sent: Time(0) });
            let expected = keeper.last.unwrap().at(Time(MILLISECOND));
            assert_eq!(keeper.tell(Time(MILLISECOND)), Some(expected.wrapping_add_signed(told)));
        }
        keeper.lost = true;
        assert_eq!(keeper.tell(Time(MILLISECOND)), None);
    }

    #[test]
    fn a_time_that_is_as_expected_to_the_nanosecond_counts_where_all_answered() {
        let mut keeper = keeper(true);
        cycle(&mut keeper, 0, 500, 1);
        assert_eq!(cycle(&mut keeper, MILLISECOND, MILLISECOND + 500, 3).1, Some(MILLISECOND + 500));
        assert_eq!(cycle(&mut keeper, 2 * MILLISECOND, 2 * MILLISECOND + 500, 2).1, None);
    }

    #[test]
    fn a_time_as_it_was_sent_counts_where_the_reference_is_there() {
        for is_there in [true, false] {
            let mut keeper = keeper(true);
            cycle(&mut keeper, 0, 500, 1);
            let Ask::HandOn(time) = keeper.ask(Time(MILLISECOND)) else { panic!("its time is known") };
            let took = keeper.take(Some(Reading { time, counter: 2, is_there }), Time(MILLISECOND));
            assert_eq!(took, is_there.then_some(time));
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
