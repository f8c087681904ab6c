//! Receive times in the reference clock's nanoseconds. Pure.
//!
//! Each SubDevice counts its receive times by its own crystal. A loop of 100 us, as at the front of a hundred in a line,
//! is counted 10 ns wrong by a crystal that is 100 ppm off, and what a parent and a child count of it is subtracted.
//! How fast each clock runs against the reference follows from the latches: all are of the same frames.

use super::receive::{Latch, ReceiveTimes};

/// Crystals are within 100 ppm, and no ESC corrects its clock by much more than that: what is further is a latch that went
/// wrong.
const GREATEST_PPM: i64 = 2_000;

/// Converts receive times to the time of the reference, the first SubDevice that has any. `latches` are those that each was
/// made of, in bus order; a SubDevice that lacks one of them is left as it is, and so are all where there is only one latch.
pub fn in_reference_time(times: &mut [Option<ReceiveTimes>], latches: &[Vec<Latch>]) {
    let spans = times.iter().zip(latches).map(|(times, latches)| span(times.as_ref()?, latches));
    let spans: Vec<_> = spans.collect();
    let Some(reference) = spans.iter().flatten().next().copied() else { return };
    for (times, span) in times.iter_mut().zip(&spans) {
        if let (Some(times), Some(own)) = (times, span)
            && own.latches == reference.latches
        {
            convert(times, own.ns.into(), reference.ns.into());
        }
    }
}

/// Local time from the first to the last latch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    ns: u32,
    latches: usize,
}

fn span(times: &ReceiveTimes, latches: &[Latch]) -> Option<Span> {
    let entry = usize::from(times.entry);
    let (first, last) = (latches.first()?.get(entry)?, latches.last()?.get(entry)?);
    Some(Span { ns: last.wrapping_sub(*first), latches: latches.len() })
}

fn convert(times: &mut ReceiveTimes, own: i64, reference: i64) {
    let plausible = (reference - own).saturating_abs().saturating_mul(1_000_000) <= own.saturating_mul(GREATEST_PPM);
    if own == 0 || !plausible {
        return;
    }
    for since in &mut times.since_entry_ps {
        let converted = i128::from(*since) * i128::from(reference) / i128::from(own);
        *since = i64::try_from(converted).unwrap_or(*since);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: [bool; 4] = [true, true, false, false];

    /// A loop of 100 us, latched twice 20 ms apart by a clock that is `ppm` too fast.
    fn latched(ppm: i64, start: u32) -> Vec<Latch> {
        let local = |true_ns: i64| start.wrapping_add(u32::try_from(true_ns + true_ns * ppm / 1_000_000).unwrap());
        [0, 20_000_000].map(|at| [local(at), local(at + 100_000), 0, 0]).to_vec()
    }

    fn converted(latches: &[Vec<Latch>]) -> Vec<Option<i64>> {
        let mut times: Vec<_> = latches.iter().map(|latches| ReceiveTimes::of(LINE, latches)).collect();
        in_reference_time(&mut times, latches);
        times.iter().map(|times| times.map(|times| times.since_entry_ps[1])).collect()
    }

    #[test]
    fn what_crystals_count_differently_is_the_same_in_the_time_of_the_reference() {
        let loops = converted(&[Vec::new(), latched(100, u32::MAX - 5), latched(-100, 7), latched(0, 3)]);
        assert_eq!(loops[0], None);
        for loop_ps in loops[1..].iter().flatten() {
            assert!((loop_ps - 100_010_000).abs() <= 1_000, "{loops:?}");
        }
    }

    #[test]
    fn a_single_latch_says_nothing_of_rates() {
        let single = vec![vec![[0, 500, 0, 0]], vec![[7, 617, 0, 0]]];
        assert_eq!(converted(&single), [Some(500_000), Some(610_000)]);
    }

    #[test]
    fn a_latch_that_went_wrong_converts_nothing() {
        let mut wrong = latched(0, 0);
        wrong[1] = wrong[1].map(|stamp| stamp + 9_000_000);
        assert_eq!(converted(&[latched(0, 0), wrong])[1], Some(100_000_000));
    }
}
