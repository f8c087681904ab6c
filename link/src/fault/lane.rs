//! Decides which fault, if any, each frame of one direction gets.

/// Bytes in which no bit is flipped, so that the frame still arrives.
const HEADER_LEN: usize = 14;

/// How often something happens to a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rate {
    /// Not at all.
    #[default]
    Never,
    /// To every n-th frame, counted from 1; 0 is never.
    Every(u32),
    /// To each frame with a probability of this many in a million.
    PerMillion(u32),
}

/// How late a delayed frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lateness {
    /// This many calls of [`crate::Link::receive`].
    Polls(u32),
    /// Until this many later frames of the same direction have overtaken it.
    Frames(u32),
}

impl Default for Lateness {
    fn default() -> Self {
        Self::Polls(0)
    }
}

impl Lateness {
    pub(super) const fn poll_passes(&mut self) {
        if let Self::Polls(left) = self {
            *left = left.saturating_sub(1);
        }
    }

    pub(super) const fn frame_passes(&mut self) {
        if let Self::Frames(left) = self {
            *left = left.saturating_sub(1);
        }
    }

    pub(super) const fn is_over(self) -> bool {
        matches!(self, Self::Polls(0) | Self::Frames(0))
    }
}

/// What happens to the frames of one direction. If several faults apply to a frame it gets the first, in the order of
/// the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FaultPlan {
    /// The frame disappears.
    pub drop: Rate,
    /// One bit of one byte behind the Ethernet header is flipped.
    pub corrupt: Rate,
    /// The frame arrives twice.
    pub duplicate: Rate,
    /// The frame is late by [`FaultPlan::late`].
    pub delay: Rate,
    /// How late a delayed frame is.
    pub late: Lateness,
}

/// What was done to the frames of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FaultCounters {
    /// Frames looked at.
    pub seen: u64,
    /// Frames that disappeared.
    pub dropped: u64,
    /// Frames with a flipped bit.
    pub corrupted: u64,
    /// Frames that went twice.
    pub duplicated: u64,
    /// Frames that were late.
    pub delayed: u64,
    /// Frames that passed unharmed because there was no room for a copy.
    pub spared: u64,
}

/// What happens to one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Drop,
    Corrupt,
    Duplicate,
    Delay,
}

/// xorshift64 (Marsaglia, "Xorshift RNGs", 2003, triple 13, 7, 17).
#[derive(Debug, Clone)]
struct Xorshift(u64);

impl Xorshift {
    /// A generator; its state is never 0.
    fn new(seed: u64) -> Self {
        // An odd multiplier spreads small seeds over all bits.
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `bound`, which is at least 1.
    fn below(&mut self, bound: u32) -> u32 {
        u32::try_from(((self.next() >> 32) * u64::from(bound)) >> 32).unwrap_or(0)
    }
}

/// The faults of one direction.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) plan: FaultPlan,
    pub(super) counters: FaultCounters,
    random: Xorshift,
}

impl Lane {
    pub(super) fn new(plan: FaultPlan, seed: u64) -> Self {
        Self { plan, random: Xorshift::new(seed), counters: FaultCounters::default() }
    }

    /// What happens to the next frame, among the faults that are `possible` now.
    pub(super) fn decide(&mut self, possible: impl Fn(Fault) -> bool) -> Option<Fault> {
        self.counters.seen += 1;
        let FaultPlan { drop, corrupt, duplicate, delay, .. } = self.plan;
        let wanted =
            [(drop, Fault::Drop), (corrupt, Fault::Corrupt), (duplicate, Fault::Duplicate), (delay, Fault::Delay)];
        // Each rate draws for each frame, so that the rates are independent of each other.
        let hits = wanted.map(|(rate, fault)| self.hit(rate).then_some(fault));
        let fault = hits.into_iter().flatten().next()?;
        let possible = possible(fault);
        let counter = match fault {
            _ if !possible => &mut self.counters.spared,
            Fault::Drop => &mut self.counters.dropped,
            Fault::Corrupt => &mut self.counters.corrupted,
            Fault::Duplicate => &mut self.counters.duplicated,
            Fault::Delay => &mut self.counters.delayed,
        };
        *counter += 1;
        possible.then_some(fault)
    }

    fn hit(&mut self, rate: Rate) -> bool {
        match rate {
            Rate::Never | Rate::Every(0) => false,
            Rate::Every(n) => self.counters.seen.is_multiple_of(u64::from(n)),
            Rate::PerMillion(chance) => self.random.below(1_000_000) < chance,
        }
    }

    /// Picks a bit behind the Ethernet header of a frame: the byte's offset and the bit's mask.
    pub(super) fn pick_bit(&mut self, len: usize) -> (usize, u8) {
        let room = u32::try_from(len.saturating_sub(HEADER_LEN)).unwrap_or(0);
        // A frame without a byte behind the header has its last byte changed.
        let offset = (HEADER_LEN + self.random.below(room.max(1)) as usize).min(len.saturating_sub(1));
        (offset, 1 << self.random.below(8))
    }
}
