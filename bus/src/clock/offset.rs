//! What is added to each clock's local time so that it shows the reference's, from latches and delays. Pure.
//!
//! One frame is at the reference at a moment of system time, and at each other clock its delay later. What a clock's
//! local time was then is in the same latch, so the offset follows from that latch alone. The last one is taken, since
//! crystals drift, unless a clock stands otherwise to the reference in it than in the others: then a second frame has latched
//! between two reads.

use super::delay::{Delay, Delays};
use super::latch::Round;
use super::survey::{ClockClass, ClockInfo};

/// Crystals of 200 ppm drift apart so far in 50 ms, which is longer than all latches take.
const TOLERATED_NS: u64 = 10_000;

/// What is set at one clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Nanoseconds from the reference; negative for a clock before it.
    pub delay_ns: i64,
    /// How far that may be off; `None` where it isn't known, and that of the clock before is taken.
    pub uncertain_ns: Option<u32>,
    /// What its local time is short of the system time; of a clock of 32 bits modulo 2^32.
    pub offset: u64,
}

/// By position; `None` for those without a system time.
pub(super) fn settings(
    rounds: &[Round],
    infos: &[ClockInfo],
    reference: usize,
    delays: &Delays,
) -> Vec<Option<Setting>> {
    let wide = |at: usize| infos.get(at).is_some_and(|info| info.class == ClockClass::Wide);
    let known = |at: usize| match delays.delays.get(at) {
        Some(Delay::Known { ns, uncertain_ns }) => Some((i64::from(*ns), *uncertain_ns)),
        _ => None,
    };
    let (of_reference, reference_uncertain) = known(reference).unwrap_or_default();
    let mut delay_ns = -of_reference;
    let setting = |(at, info): (usize, &ClockInfo)| {
        let found = known(at);
        delay_ns = found.map_or(delay_ns, |(ns, _)| ns - of_reference);
        if info.class < ClockClass::Narrow {
            return None;
        }
        let round = agreeing(rounds, at, reference, wide(at) && wide(reference))?;
        let system = system_time(rounds, round, reference, wide(reference))?;
        let offset = system.wrapping_add_signed(delay_ns).wrapping_sub(unit(round, at)?);
        let offset = if wide(at) { offset } else { offset & u64::from(u32::MAX) };
        Some(Setting { delay_ns, uncertain_ns: found.map(|(_, off)| off.abs_diff(reference_uncertain)), offset })
    };
    infos.iter().enumerate().map(setting).collect()
}

fn unit(round: &Round, at: usize) -> Option<u64> {
    round.stamps.get(at)?.map(|stamps| stamps.unit)
}

/// How much later one time is than another, in the width of both.
const fn since(later: u64, earlier: u64, wide: bool) -> i64 {
    let difference = later.wrapping_sub(earlier).cast_signed();
    // The lower 32 bits with their sign.
    if wide { difference } else { (difference << 32) >> 32 }
}

/// The system time at which the frame of a round passed the reference: that of the last round is the caller's.
fn system_time(rounds: &[Round], round: &Round, reference: usize, wide: bool) -> Option<u64> {
    let last = rounds.last()?;
    Some(last.at.wrapping_add_signed(since(unit(round, reference)?, unit(last, reference)?, wide)))
}

/// The last round in which a clock stands to the reference as it does in most.
fn agreeing(rounds: &[Round], at: usize, reference: usize, wide: bool) -> Option<&Round> {
    let ahead = |round: &Round| Some(since(unit(round, at)?, unit(round, reference)?, wide));
    let mut all: Vec<_> = rounds.iter().filter_map(ahead).collect();
    all.sort_unstable();
    let median = *all.get(all.len() / 2)?;
    rounds.iter().rfind(|round| ahead(round).is_some_and(|ahead| ahead.abs_diff(median) <= TOLERATED_NS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::latch::Stamps;

    const WIDE: ClockInfo = ClockInfo { class: ClockClass::Wide, sync_unit: true };
    const NARROW: ClockInfo = ClockInfo { class: ClockClass::Narrow, sync_unit: true };
    const NOW: u64 = 0x0a00_0000_ffff_0000;

    fn round(at: u64, units: &[u64]) -> Round {
        let stamps = units.iter().map(|unit| Some(Stamps { ports: [0; 4], unit: *unit })).collect();
        Round { at, stamps }
    }

    fn known(delays: &[u32]) -> Delays {
        let delays = delays.iter().map(|ns| Delay::Known { ns: *ns, uncertain_ns: 0 }).collect();
        Delays { reference: Some(0), delays, entered_elsewhere: Vec::new() }
    }

    fn offsets(infos: &[ClockInfo], rounds: &[Round], reference: usize, delays: &[u32]) -> Vec<u64> {
        let settings = settings(rounds, infos, reference, &known(delays));
        settings.into_iter().map(|setting| setting.unwrap().offset).collect()
    }

    #[test]
    fn each_clock_shows_the_time_at_the_reference_and_its_delay() {
        let offsets = offsets(&[WIDE, WIDE], &[round(NOW, &[500, 7_000_000_000_000])], 0, &[0, 640]);
        assert_eq!(offsets, [NOW - 500, NOW + 640 - 7_000_000_000_000]);
    }

    #[test]
    fn narrow_and_wide_clocks_agree_in_the_lower_half() {
        let rounds = [round(NOW, &[5_000, u64::MAX - 10, 77])];
        let [narrow, wide, second] = offsets(&[NARROW, WIDE, NARROW], &rounds, 0, &[0, 300, 600])[..] else { panic!() };
        let low = |time: u64| time & 0xffff_ffff;
        assert_eq!(low(5_000 + narrow), low(NOW));
        assert_eq!((u64::MAX - 10).wrapping_add(wide), NOW + 300);
        assert_eq!(low(77 + second), low(NOW + 600));
    }

    #[test]
    fn a_latch_that_came_between_two_reads_is_passed_over() {
        let rounds = [round(100, &[1_000, 51_000]), round(200, &[2_000, 52_003]), round(300, &[3_000, 99_000_000])];
        let offsets = offsets(&[WIDE, WIDE], &rounds, 0, &[0, 0]);
        // Both by the reference's own time: 100 ns of it are 1,000 of the latches'.
        assert_eq!(offsets[0], 300u64.wrapping_sub(3_000));
        assert_eq!(offsets[1], 300u64.wrapping_sub(1_000).wrapping_sub(52_003));
    }

    #[test]
    fn a_clock_before_the_reference_has_a_negative_delay() {
        let settings = settings(&[round(NOW, &[10, 20])], &[WIDE, WIDE], 1, &known(&[0, 400]));
        assert_eq!(settings[0].unwrap(), Setting { delay_ns: -400, uncertain_ns: Some(0), offset: NOW - 410 });
        assert_eq!(settings[1].unwrap().delay_ns, 0);
    }

    #[test]
    fn a_clock_whose_delay_is_not_known_has_that_of_the_one_before() {
        let mut delays = known(&[0, 400, 0]);
        delays.delays[2] = Delay::BehindFork;
        let settings = settings(&[round(NOW, &[0, 0, 0])], &[WIDE; 3], 0, &delays);
        let last = settings[2].unwrap();
        assert_eq!((last.delay_ns, last.uncertain_ns), (400, None));
    }
}
