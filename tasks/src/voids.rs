//! Which SubDevices of a write task wait for a command, because what was commanded of them is void.

use crate::mapping::Point;
use std::collections::HashMap;

/// The SubDevices of a task, as the parts of its writer.
#[derive(Debug)]
pub(crate) struct Voids {
    /// The part of each channel.
    of: HashMap<u32, usize>,
    parts: Vec<Part>,
}

/// A SubDevice.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    /// The epoch that voided what was commanded of it, as far as the task knows.
    began: u64,
    /// It waits for a command.
    waits: bool,
}

impl Voids {
    pub(crate) fn new(points: &[Point]) -> Self {
        let of: HashMap<_, _> = points.iter().map(|point| (point.channel, point.part)).collect();
        let parts = of.values().max().map_or(0, |last| last + 1);
        Self { of, parts: vec![Part::default(); parts] }
    }

    /// An epoch of all outputs begins: the task as a whole waits, or doesn't.
    pub(crate) fn begin(&mut self, epoch: u64) {
        self.parts.fill(Part { began: epoch, waits: false });
    }

    /// Learns with which epoch each part began, as known in an epoch. Parts that began anew wait for a command from here on;
    /// whether there are any.
    pub(crate) fn learn(&mut self, epoch: u64, began: impl Fn(usize) -> Option<u64>) -> bool {
        let mut any = false;
        for (number, part) in self.parts.iter_mut().enumerate() {
            // What is later belongs to an epoch that is learned of next.
            if let Some(began) = began(number).filter(|began| *began > part.began && *began <= epoch) {
                *part = Part { began, waits: true };
                any = true;
            }
        }
        any
    }

    /// None waits any more: they are commanded again without a word.
    pub(crate) fn resume(&mut self) {
        self.parts.iter_mut().for_each(|part| part.waits = false);
    }

    /// Whether the SubDevice of a channel waits for a command.
    pub(crate) fn waits(&self, channel: u32) -> bool {
        self.of.get(&channel).and_then(|part| self.parts.get(*part)).is_some_and(|part| part.waits)
    }

    /// The SubDevice of a channel has got a command.
    pub(crate) fn answer(&mut self, channel: u32) {
        if let Some(part) = self.of.get(&channel).and_then(|part| self.parts.get_mut(*part)) {
            part.waits = false;
        }
    }
}
