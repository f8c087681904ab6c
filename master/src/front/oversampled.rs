//! Times of oversampled inputs: an array of samples that a SubDevice took in one cycle.

use std::time::Duration;

/// When each of the samples of a period was taken: evenly spread over it, the last one at its end.
pub(super) fn spread<const N: usize>(end: Duration, period: Duration) -> [Duration; N] {
    let samples = u32::try_from(N).unwrap_or(u32::MAX).max(1);
    std::array::from_fn(|n| {
        let behind = u32::try_from(N.saturating_sub(n + 1)).unwrap_or(u32::MAX);
        // Multiplied first, so that no remainder of the division adds up.
        end.saturating_sub(period.saturating_mul(behind) / samples)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_spread_over_the_period_and_the_last_one_is_at_its_end() {
        let nanos = |times: &[Duration]| times.iter().map(Duration::as_nanos).collect::<Vec<_>>();
        let (end, period) = (Duration::from_millis(5), Duration::from_millis(1));
        assert_eq!(nanos(&spread::<4>(end, period)), [4_250_000, 4_500_000, 4_750_000, 5_000_000]);
        assert_eq!(nanos(&spread::<3>(end, period)), [4_333_334, 4_666_667, 5_000_000]);
        assert_eq!(nanos(&spread::<1>(end, period)), [5_000_000]);
        assert!(spread::<0>(end, period).is_empty());
    }
}
