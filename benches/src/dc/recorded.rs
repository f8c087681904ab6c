//! Delays of a machine, as quantiles. These are estimates yet, not a recording.

use super::lateness::Machine;

/// A distribution: shares of all values, rising from 0 to 1, and what they don't exceed, in ns. Between two of them values are
/// spread evenly.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quantiles(&'static [(f64, f64)]);

impl Quantiles {
    /// The value that a share of all doesn't exceed.
    pub(super) fn at(&self, share: f64) -> f64 {
        let above = self.0.partition_point(|(quantile, _)| *quantile < share);
        let (Some(high), low) = (self.0.get(above).or(self.0.last()), self.0.get(above.saturating_sub(1))) else {
            return 0.0;
        };
        let (low, span) = (low.unwrap_or(high), high.0 - low.unwrap_or(high).0);
        if span <= 0.0 { high.1 } else { low.1 + (high.1 - low.1) * (share - low.0) / span }
    }

    /// The usual value.
    pub(super) fn median(&self) -> f64 {
        self.at(0.5)
    }
}

/// A virtual machine of 2 busy CPUs and a veth pair.
pub(super) const VETH: Machine = Machine {
    name: "a virtual machine of 2 busy CPUs, hybrid wait, AF_XDP over veth",
    wake_up: Quantiles(&[
        (0.0, 60.0),
        (0.5, 160.0),
        (0.9, 900.0),
        (0.99, 12_000.0),
        (0.999, 60_000.0),
        (0.9999, 250_000.0),
        (1.0, 800_000.0),
    ]),
    send: Quantiles(&[
        (0.0, 1_900.0),
        (0.5, 2_600.0),
        (0.9, 4_100.0),
        (0.99, 9_000.0),
        (0.999, 25_000.0),
        (0.9999, 90_000.0),
        (1.0, 300_000.0),
    ]),
    receive: Quantiles(&[
        (0.0, 1_500.0),
        (0.5, 1_900.0),
        (0.9, 3_000.0),
        (0.99, 12_000.0),
        (0.999, 40_000.0),
        (0.9999, 150_000.0),
        (1.0, 500_000.0),
    ]),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_two_quantiles_values_are_spread_evenly() {
        let of = Quantiles(&[(0.0, 10.0), (0.5, 20.0), (1.0, 120.0)]);
        assert_eq!([0.0, 0.25, 0.5, 0.75, 1.0].map(|share| of.at(share)), [10.0, 15.0, 20.0, 70.0, 120.0]);
        assert_eq!(of.median(), 20.0);
    }
}
