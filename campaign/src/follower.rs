//! The output of a life that is never commanded: an analogue output that follows an analogue input, which shows a triangle.
//!
//! What it may be is known from samples: the image's input of the cycle before. A frame that the interface has kept, and the
//! first one of an exchange, may have any value that the input had.

use crate::place::{in_record, within};
use crate::wire::Delivered;
use std::collections::HashSet;
use std::ops::Range;
use zerocat_engine::Follow;
use zerocat_pdi::{BitSpan, Direction, PlacedEntry, Plan};

/// Value of the first channel of an analogue input, and of an analogue output: index and subindex.
const ANALOGUE_INPUT: (u16, u8) = (0x6000, 0x11);
const ANALOGUE_OUTPUT: (u16, u8) = (0x7000, 0x01);
/// Their length in bits.
const ANALOGUE: u8 = 16;

/// An output that follows an input, and what the input was.
#[derive(Debug)]
pub(crate) struct Follower {
    /// Both in the image.
    input: BitSpan,
    output: BitSpan,
    /// The input in a sample.
    sampled: BitSpan,
    /// Its value in the cycle before; none where the exchange has just begun.
    latest: Option<u64>,
    /// Every value so far.
    seen: HashSet<u64>,
}

impl Follower {
    /// In a plan that has such an input and such an output; `inputs` are the ranges of a sample.
    pub(crate) fn find(plan: &Plan, inputs: &[Range<usize>]) -> Option<Self> {
        let place = |direction, address| {
            let is = move |one: &&PlacedEntry| {
                (one.direction, (one.index, one.subindex), one.span.len) == (direction, address, ANALOGUE)
            };
            plan.subdevices.iter().flat_map(|one| &one.entries).find(is).map(|one| one.span)
        };
        let input = place(Direction::Input, ANALOGUE_INPUT)?;
        let output = place(Direction::Output, ANALOGUE_OUTPUT)?;
        let sampled = in_record(input, inputs)?;
        Some(Self { input, output, sampled, latest: None, seen: HashSet::from([0]) })
    }

    /// As a writer with these ranges asks for it.
    pub(crate) fn follow(&self, outputs: &[Range<usize>]) -> Option<Follow> {
        let (initial, safe) = (Some(self.input), Some(self.input));
        Some(Follow { record: in_record(self.output, outputs)?, output: self.output, initial, safe })
    }

    /// Takes a sample in.
    pub(crate) fn see(&mut self, sample: &[u8]) {
        self.latest = self.sampled.extract(sample);
        self.seen.extend(self.latest);
    }

    /// An exchange begins, with an image of its own.
    pub(crate) const fn begin(&mut self) {
        self.latest = None;
    }

    /// Where the output is in the bytes of a frame, if they hold it.
    pub(crate) fn place(&self, frame: &Delivered) -> Option<BitSpan> {
        within(frame, self.output)
    }

    /// What the output is in a frame, if that isn't what its input was.
    pub(crate) fn strays(&self, frame: &Delivered) -> Option<u64> {
        let value = self.place(frame)?.extract(&frame.bytes)?;
        (!self.may_be(value, frame.kept)).then_some(value)
    }

    /// Whether the output may have a value in a frame of this cycle, or in one that was kept since an earlier one.
    fn may_be(&self, value: u64, kept: bool) -> bool {
        match self.latest {
            Some(latest) if !kept => value == latest,
            _ => self.seen.contains(&value),
        }
    }
}
