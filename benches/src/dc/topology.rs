//! The segments of the bench: who hangs on whom, by which cables, through which kinds of ESC, with which clocks.
//!
//! Cables, processing delays, crystals and their first times are drawn from a seed. All ESCs of one kind have the same processing
//! delay, and of some kinds the MainDevice isn't told by how much it is above the forwarding delay. That one is the same for
//! all: by half of what it differs between two ESCs their delay is wrong, and nobody can measure it.

use serde::Serialize;
use std::fmt;
use std::time::Duration;
use zerocat_sim::{ClockConfig, ControlRule, Millis, ProfileKind, SegmentConfig, SubDeviceConfig};

/// Kinds of ESC.
const KINDS: usize = 5;
/// Kinds whose delays the MainDevice isn't told, if it is told those of others.
const WITHHELD: [usize; 2] = [1, 3];
/// Forwarding delay in ns, and the most that a processing delay is above it.
const FORWARDING_NS: u64 = 300;
const PROCESSING_NS: u64 = 40;
/// Greatest offset of a crystal, in parts per million.
pub(super) const CRYSTAL_PPM: f64 = 100.0;

/// How the SubDevices are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topology {
    /// Ten in a line.
    Line,
    /// A junction with a line of three at each of its three ports.
    Star,
    /// Junctions inside junctions, sixteen SubDevices.
    Nested,
    /// A hundred in a line.
    LongLine,
    /// A line with a fork that has no receive times.
    BlindFork,
}

impl Topology {
    /// Those of which rows are made.
    pub const ALL: [Self; 4] = [Self::Line, Self::Star, Self::Nested, Self::LongLine];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Star => "star",
            Self::Nested => "nested",
            Self::LongLine => "long-line",
            Self::BlindFork => "blind-fork",
        }
    }

    /// In the order in which a frame passes them: whom each hangs on, and at which port.
    fn places(self) -> Vec<Option<(u16, u8)>> {
        match self {
            Self::Line => line(10),
            Self::LongLine => line(100),
            Self::Star => {
                let mut places = line(1);
                [3, 1, 2].into_iter().for_each(|port| append(&mut places, 0, port, 3));
                places
            }
            Self::Nested => nested(),
            Self::BlindFork => {
                let mut places = line(3);
                append(&mut places, 2, 1, 2);
                append(&mut places, 2, 2, 2);
                places
            }
        }
    }

    /// Positions without a clock.
    const fn blind(self) -> Option<usize> {
        if matches!(self, Self::BlindFork) { Some(2) } else { None }
    }
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

fn line(length: u16) -> Vec<Option<(u16, u8)>> {
    (0..length).map(|place| place.checked_sub(1).map(|before| (before, 1))).collect()
}

/// Adds a line at a port.
fn append(places: &mut Vec<Option<(u16, u8)>>, at: u16, port: u8, length: u16) {
    let first = u16::try_from(places.len()).unwrap_or(u16::MAX);
    places.push(Some((at, port)));
    places.extend((1..length).map(|place| Some((first + place - 1, 1))));
}

/// Two junctions in a junction, and one behind them.
fn nested() -> Vec<Option<(u16, u8)>> {
    let mut places = line(1);
    append(&mut places, 0, 3, 1);
    append(&mut places, 1, 3, 1);
    append(&mut places, 2, 1, 1);
    append(&mut places, 2, 2, 3);
    append(&mut places, 1, 1, 4);
    append(&mut places, 0, 1, 2);
    append(&mut places, 0, 2, 1);
    append(&mut places, 13, 1, 1);
    append(&mut places, 13, 2, 1);
    places
}

/// What varies from one row to another besides the topology.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Variant {
    /// How the SubDevices are connected.
    pub topology: Topology,
    /// Steps in which clocks count, in ns: 1, or 10 as real ones do.
    pub stamp_ns: u8,
    /// Whether the loops of clocks correct small differences by one nanosecond at a time, not by a part of them.
    pub stepwise: bool,
    /// How fast the loops of clocks are, times what is usual.
    pub bandwidth: f64,
    /// Bits of the clocks' system time.
    pub bits: u8,
    /// Whether the MainDevice knows the delays of all kinds of ESC.
    pub delays_known: bool,
}

impl Variant {
    /// Stamps of 1 ns, loops as usual, 64 bits, delays of all ESCs known.
    #[must_use]
    pub const fn of(topology: Topology) -> Self {
        Self { topology, stamp_ns: 1, stepwise: false, bandwidth: 1.0, bits: 64, delays_known: true }
    }

    /// What is unusual, for people.
    #[must_use]
    pub fn unusual(&self) -> String {
        let parts = [
            (self.stamp_ns != 1).then(|| format!("stamps of {} ns", self.stamp_ns)),
            self.stepwise.then(|| "loops of 1 ns steps".to_owned()),
            (self.bandwidth != 1.0).then(|| format!("bandwidth × {}", self.bandwidth)),
            (self.bits != 64).then(|| format!("{} bits", self.bits)),
            (!self.delays_known).then(|| "delays of some ESCs withheld".to_owned()),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// A segment, and what the MainDevice is told of it.
#[derive(Debug)]
pub(super) struct Drawn {
    pub(super) config: SegmentConfig,
    /// By position: processing delay less forwarding delay in ns, as far as the MainDevice is told.
    pub(super) told_ns: Vec<Option<u32>>,
    /// By position: how much too fast the crystal is at first, in ppm.
    pub(super) ppm: Vec<f64>,
}

/// Draws a segment.
pub(super) fn draw(variant: &Variant, random: &mut fastrand::Rng) -> Drawn {
    let differences: [u64; KINDS] = std::array::from_fn(|_| random.u64(0..=PROCESSING_NS));
    let mut drawn = Drawn { config: SegmentConfig::line(Vec::new()), told_ns: Vec::new(), ppm: Vec::new() };
    for (position, place) in variant.topology.places().into_iter().enumerate() {
        let kind = random.usize(..KINDS);
        let difference = differences[kind];
        let told = variant.delays_known || !WITHHELD.contains(&kind);
        drawn.told_ns.push(told.then(|| u32::try_from(difference).unwrap_or(0)));
        let ppm = crystal(position, random);
        drawn.ppm.push(ppm);
        let has_clock = variant.topology.blind() != Some(position);
        drawn.config.subdevices.push(SubDeviceConfig {
            parent: place.map(|(parent, _)| parent),
            port: place.map(|(_, port)| port),
            cable_delay: nanos(random.u64(3..600)),
            forwarding_delay: Some(nanos(FORWARDING_NS)),
            processing_delay: Some(nanos(FORWARDING_NS + difference)),
            clock: ClockConfig {
                bits: Some(if has_clock { variant.bits } else { 0 }),
                receive_times: has_clock,
                drift_ppm: ppm,
                step_ns: variant.stamp_ns,
                bandwidth: variant.bandwidth,
                rule: if variant.stepwise { ControlRule::Stepwise } else { ControlRule::Proportional },
                offset: nanos(random.u64(..10_000_000_000)),
                ..ClockConfig::default()
            },
            ..SubDeviceConfig::new(ProfileKind::Coupler)
        });
    }
    drawn
}

/// Neighbours of the first ones are as far from each other as crystals can be.
fn crystal(position: usize, random: &mut fastrand::Rng) -> f64 {
    match position {
        0 | 2 => CRYSTAL_PPM,
        1 | 3 => -CRYSTAL_PPM,
        _ => (random.f64() * 2.0 - 1.0) * CRYSTAL_PPM,
    }
}

const fn nanos(nanos: u64) -> Millis {
    Millis(Duration::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_sim::Segment;

    #[test]
    fn every_topology_is_a_segment_that_a_frame_passes_in_the_order_of_its_file() {
        for topology in Topology::ALL.into_iter().chain([Topology::BlindFork]) {
            let drawn = draw(&Variant::of(topology), &mut fastrand::Rng::with_seed(1));
            let segment = Segment::new(&drawn.config).unwrap();
            let passages: Vec<_> = (0..segment.len()).map(|position| segment.passage(position).unwrap()).collect();
            assert!(passages.is_sorted(), "{topology}: {passages:?}");
        }
    }

    #[test]
    fn delays_are_withheld_of_some_kinds_only() {
        let variant = Variant { delays_known: false, ..Variant::of(Topology::LongLine) };
        let drawn = draw(&variant, &mut fastrand::Rng::with_seed(1));
        let told = drawn.told_ns.iter().flatten().count();
        assert!((20..90).contains(&told), "{told}");
        assert_eq!(variant.unusual(), "delays of some ESCs withheld");
    }
}
