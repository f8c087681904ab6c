//! Analogue inputs that are sampled several times in a cycle, like the EL3702: for each channel a cycle counter and an
//! array of samples.
//!
//! Without distributed clocks a cycle is what lies between two points of the segment's time grid; its samples are
//! spread evenly over it, and the last one is the present value. Channels that no wire drives show a triangle; the
//! value of a wire holds for the whole cycle.

use std::time::Duration;

use super::{Profile, Values, beckhoff, signal};
use crate::describe::{Channel, DataType, Description, Pdo, PdoEntry, ValueId};

const AMPLITUDE: i16 = 30_000;
const CYCLE: u16 = 0;
const DRIVEN: u16 = 1;
const FIRST: u16 = 2;

#[derive(Debug)]
struct OversamplingIn {
    channels: u16,
    samples: u16,
    taken: u64,
    seen: Option<Duration>,
}

/// Values of a channel: cycle counter, what a wire brings, the samples.
fn id(channel: u16, samples: u16, value: u16) -> ValueId {
    ValueId(channel * (FIRST + samples) + value)
}

impl OversamplingIn {
    fn sample(&self, values: &mut Values, channel: u16, from: Duration, to: Duration) {
        let at = |value| id(channel, self.samples, value);
        let driven = self.taken & 1 << channel != 0;
        for n in 0..self.samples {
            let moment = from + (to - from) * u32::from(n + 1) / u32::from(self.samples);
            let value =
                if driven { values.i16(at(DRIVEN)) } else { signal::triangle(moment, usize::from(channel), AMPLITUDE) };
            values.set_i16(at(FIRST + n), value);
        }
        let cycle = values.u16(at(CYCLE));
        values.set_u16(at(CYCLE), cycle.wrapping_add(1));
    }
}

impl Profile for OversamplingIn {
    fn step(&mut self, values: &mut Values, now: Duration) {
        let before = self.seen.replace(now).unwrap_or(now);
        if now > before {
            (0..self.channels).for_each(|channel| self.sample(values, channel, before, now));
        }
    }

    fn take_over(&mut self, channel: usize) {
        self.taken |= 1u64.checked_shl(u32::try_from(channel).unwrap_or(64)).unwrap_or(0);
    }
}

fn pdo(channel: u16, samples: u16) -> Pdo {
    let cycle =
        PdoEntry::new((0x6800 + 0x10 * channel, 1), 16, DataType::U16, "Cycle counter", id(channel, samples, CYCLE));
    let sample = |(subindex, n)| {
        PdoEntry::new((0x6000 + 0x10 * channel, subindex), 16, DataType::I16, "Sample", id(channel, samples, FIRST + n))
    };
    Pdo {
        index: 0x1A00 + channel,
        name: format!("Samples channel {}", channel + 1),
        assigned: true,
        sync_manager: None,
        entries: std::iter::once(cycle).chain((1..=u8::MAX).zip(0..samples).map(sample)).collect(),
    }
}

/// Description and behaviour.
pub(crate) fn build(channels: u16, samples: u16) -> (Description, Box<dyn Profile>) {
    let number = 3700 + channels;
    let name = format!("EL{number} {channels}-channel oversampling input +/-10 V (simulated)");
    let mut description = beckhoff::simple(number, format!("EL{number}"), name, "Analogue input");
    description.tx_pdos = (0..channels).map(|channel| pdo(channel, samples)).collect();
    description.values = channels * (FIRST + samples);
    description.channels_in = (0..channels).map(|channel| Channel::signed(id(channel, samples, DRIVEN), 16)).collect();
    // Modular device profile 5001, analogue input 300.
    description.device_type = 0x012c_1389;
    (beckhoff::with_coe(description), Box::new(OversamplingIn { channels, samples, taken: 0, seen: None }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_holds_samples_of_even_times_and_counts() {
        let (description, mut profile) = build(2, 4);
        let mut values = Values::new(description.values);
        for (n, ms) in [(0, 0), (1, 100), (1, 100), (2, 300)] {
            profile.step(&mut values, Duration::from_millis(ms));
            assert_eq!([0, 1].map(|channel| values.u16(id(channel, 4, CYCLE))), [n; 2]);
        }
        let expected = [150, 200, 250, 300].map(|ms| signal::triangle(Duration::from_millis(ms), 1, AMPLITUDE));
        assert_eq!([0, 1, 2, 3].map(|n| values.i16(id(1, 4, FIRST + n))), expected);
    }

    #[test]
    fn samples_of_a_short_cycle_differ() {
        let (description, mut profile) = build(1, 5);
        let mut values = Values::new(description.values);
        for us in [0, 250] {
            profile.step(&mut values, Duration::from_micros(us));
        }
        let samples = [0, 1, 2, 3, 4].map(|n| values.i16(id(0, 5, FIRST + n)));
        assert!(samples.windows(2).all(|pair| pair[0] < pair[1]), "{samples:?}");
    }
}
