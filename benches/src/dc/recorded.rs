//! Recorded delays of a machine, as quantiles.

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

/// A virtual machine (KVM, x86-64) with 2 CPUs, both busy with other work, Linux 6.18 `PREEMPT_DYNAMIC`, on 2026-11-30: 30,000 frames of
/// 60 bytes at 1 kHz over AF_PACKET and a veth pair, from a thread with SCHED_FIFO 80 that slept until 60 us before its tick
/// and then asked the clock until it came.
///
/// Wake-up: from the tick to the first look at the clock behind it. Sending: from before the call until the kernel's time stamp at the far end.
/// Receiving: from that until the call that received it had returned.
pub(super) const VETH: Machine = Machine {
    name: "a virtual machine of 2 busy CPUs, spinning for 60 us before the tick, AF_PACKET over veth",
    wake_up: Quantiles(&[
        (0.0, 0.0),
        (0.25, 7.0),
        (0.5, 15.0),
        (0.75, 23.0),
        (0.9, 29.0),
        (0.99, 105_729.0),
        (0.999, 983_139.0),
        (0.9999, 1_987_334.0),
        (1.0, 4_006_550.0),
    ]),
    send: Quantiles(&[
        (0.0, 1_563.0),
        (0.1, 3_567.0),
        (0.25, 3_807.0),
        (0.5, 4_097.0),
        (0.75, 4_559.0),
        (0.9, 5_069.0),
        (0.99, 7_414.0),
        (0.999, 32_691.0),
        (0.9999, 240_759.0),
        (1.0, 923_262.0),
    ]),
    receive: Quantiles(&[
        (0.0, 2_374.0),
        (0.1, 4_167.0),
        (0.25, 4_388.0),
        (0.5, 4_649.0),
        (0.75, 5_340.0),
        (0.9, 5_841.0),
        (0.99, 8_295.0),
        (0.999, 47_679.0),
        (0.9999, 218_317.0),
        (1.0, 622_782.0),
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
