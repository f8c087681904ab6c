//! Times of oversampled channels: samples that a SubDevice took in one cycle.

/// When each of the samples of a period was taken, in nanoseconds: evenly spread over it, the last one at its end.
pub(crate) fn spread(end: u64, period: u64, samples: u16) -> impl Iterator<Item = u64> {
    // Multiplied first, so that no remainder of the division adds up.
    let behind = move |n: u16| u128::from(period) * u128::from(samples - n - 1) / u128::from(samples);
    (0..samples).map(move |n| end.saturating_sub(u64::try_from(behind(n)).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_spread_over_the_period_and_the_last_one_is_at_its_end() {
        let times = |samples| spread(5_000_000, 1_000_000, samples).collect::<Vec<_>>();
        assert_eq!(times(4), [4_250_000, 4_500_000, 4_750_000, 5_000_000]);
        assert_eq!(times(3), [4_333_334, 4_666_667, 5_000_000]);
        assert_eq!(times(1), [5_000_000]);
        assert!(times(0).is_empty());
        assert_eq!(spread(5, u64::MAX, 2).collect::<Vec<_>>(), [0, 5]);
    }
}
