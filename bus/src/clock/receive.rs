//! Receive times of one SubDevice's ports (0x0900 to 0x090F), of several latches, as one value. Pure.
//!
//! Only differences within one latch of one SubDevice mean anything: its clock is nobody else's, and the stamps wrap every
//! 4.29 s. The mean over the latches takes the steps out in which the clock counts, as far as the latches differ.

use crate::topology::{entry_by_open_ports, ports_in_order};

/// When one latched frame came in at port 0, 1, 2 and 3, in nanoseconds of the SubDevice's own clock.
pub type Latch = [u32; 4];

/// The latches of one SubDevice as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiveTimes {
    /// Port by which the frame comes in: the one with the earliest stamp.
    pub entry: u8,
    /// By port: picoseconds from the entry until the frame came in there. 0 at the entry and at ports that are closed.
    pub since_entry_ps: [i64; 4],
    /// Largest difference, in nanoseconds, that the latches have from each other at one port.
    pub spread_ns: u32,
}

impl ReceiveTimes {
    /// The mean of the latches; `None` without any. `open` says which ports carry frames.
    #[must_use]
    pub fn of(open: [bool; 4], latches: &[Latch]) -> Option<Self> {
        let entry = entry(open, latches.first()?);
        let count = i64::try_from(latches.len()).ok()?;
        let mut times = Self { entry, since_entry_ps: [0; 4], spread_ns: 0 };
        for port in ports_in_order(open, entry).map(usize::from) {
            let since = || latches.iter().map(|latch| i64::from(between(latch[usize::from(entry)], latch[port])));
            let spread = since().max()? - since().min()?;
            times.since_entry_ps[port] = since().sum::<i64>() * 1000 / count;
            times.spread_ns = times.spread_ns.max(u32::try_from(spread).unwrap_or(u32::MAX));
        }
        Some(times)
    }

    /// Nanoseconds from the entry until the frame came back from the last branch.
    #[must_use]
    pub fn loop_ns(&self) -> u32 {
        let longest = self.since_entry_ps.iter().copied().max().unwrap_or(0);
        u32::try_from(longest / 1000).unwrap_or(0)
    }

    /// Picoseconds from one port to another.
    pub(crate) fn between(&self, from: u8, to: u8) -> i64 {
        self.since_entry_ps[usize::from(to)] - self.since_entry_ps[usize::from(from)]
    }
}

/// Nanoseconds from one stamp to another, also across the wrap.
fn between(from: u32, to: u32) -> i32 {
    to.wrapping_sub(from).cast_signed()
}

/// The open port with the earliest stamp; of equal ones the first that a frame passes.
fn entry(open: [bool; 4], latch: &Latch) -> u8 {
    let assumed = entry_by_open_ports(open);
    let base = latch[usize::from(assumed)];
    let since = |port: &u8| between(base, latch[usize::from(*port)]);
    ports_in_order(open, assumed).min_by_key(since).unwrap_or(assumed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: [bool; 4] = [true, true, false, false];

    #[test]
    fn the_entry_is_the_earliest_stamp_also_across_the_wrap() {
        let times = ReceiveTimes::of(LINE, &[[u32::MAX - 99, 400, 0, 0]]).unwrap();
        assert_eq!((times.entry, times.since_entry_ps[1]), (0, 500_000));
        let crossed = ReceiveTimes::of(LINE, &[[400, u32::MAX - 99, 0, 0]]).unwrap();
        assert_eq!((crossed.entry, crossed.since_entry_ps[0]), (1, 500_000));
    }

    #[test]
    fn a_stamp_of_a_closed_port_is_nothing() {
        let times = ReceiveTimes::of(LINE, &[[1000, 1500, 3, 7]]).unwrap();
        assert_eq!((times.entry, times.since_entry_ps), (0, [0, 500_000, 0, 0]));
    }

    #[test]
    fn several_latches_are_one_mean_with_their_spread() {
        let latches = [[0, 500, 0, 0], [7, 517, 0, 0], [90, 590, 0, 0], [33, 543, 0, 0]];
        let times = ReceiveTimes::of(LINE, &latches).unwrap();
        assert_eq!((times.since_entry_ps[1], times.spread_ns), (505_000, 10));
    }

    #[test]
    fn no_latch_is_no_receive_time() {
        assert_eq!(ReceiveTimes::of(LINE, &[]), None);
    }
}
