//! The cyclic unit: SYNC0 and SYNC1 (ET1100 data sheet, section I, 9.2.3, and section II, 0x0980 to 0x09A7).
//!
//! Pulses lie where the local copy of the system time reaches the start time and multiples of the cycle behind it. They
//! are computed when they are asked for.
//!
//! Not modelled: how long a pulse is.

/// Bits of the activation register (0x0981).
pub(crate) mod activation {
    pub(crate) const ON: u8 = 0x01;
    pub(crate) const SYNC0: u8 = 0x02;
    pub(crate) const SYNC1: u8 = 0x04;
    /// Both signals.
    pub(crate) const SIGNALS: u8 = SYNC0 | SYNC1;
    /// A write of the start time switches the unit on.
    pub(crate) const AUTO: u8 = 0x08;
    /// A start time of which only the lower 32 bits are written is extended.
    pub(crate) const EXTEND: u8 = 0x10;
    /// A start time out of the near future starts at once.
    pub(crate) const PLAUSIBLE: u8 = 0x20;
    /// The near future is 2^31 ns long, not half of what the clock can show.
    pub(crate) const NEAR: u8 = 0x40;
}

/// The next time behind `system` that ends in these 32 bits.
pub(super) fn extend(low: u32, system: u64) -> u64 {
    let ahead = u64::from(low).wrapping_sub(system) & 0xffff_ffff;
    system.wrapping_add(ahead)
}

/// What the unit was told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Orders {
    pub(crate) activation: u8,
    pub(crate) start: u64,
    pub(crate) cycle0: u32,
    pub(crate) cycle1: u32,
    /// Whether the clock has 64 bits.
    pub(crate) wide: bool,
}

/// The unit while it is on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sync {
    activation: u8,
    /// System time at which it was switched on, and how far off the first SYNC0 was then.
    from: u64,
    first: u64,
    cycle0: u64,
    cycle1: u64,
    implausible: bool,
    missed: bool,
}

impl Sync {
    /// Switches the unit on at a system time.
    pub(crate) fn new(orders: &Orders, system: u64) -> Self {
        let mask = if orders.wide { u64::MAX } else { 0xffff_ffff };
        let ahead = orders.start.wrapping_sub(system) & mask;
        let near = if orders.activation & activation::NEAR != 0 { 1 << 31 } else { mask / 2 + 1 };
        let implausible = ahead >= near;
        let at_once = implausible && orders.activation & activation::PLAUSIBLE != 0;
        Self {
            activation: orders.activation,
            from: system,
            first: if at_once { 0 } else { ahead },
            cycle0: orders.cycle0.into(),
            cycle1: orders.cycle1.into(),
            implausible,
            missed: false,
        }
    }

    /// The same with its start time missed: no pulse comes, and the status says that the first is still to come.
    pub(crate) const fn missed(self) -> Self {
        Self { missed: true, ..self }
    }

    /// Time since the first SYNC0 of the start time.
    fn since(&self, system: u64) -> Option<u64> {
        let elapsed = system.wrapping_sub(self.from);
        // After a step back of the system time nothing has passed yet.
        if self.missed || elapsed > u64::MAX / 2 { None } else { elapsed.checked_sub(self.first) }
    }

    /// Time from one SYNC1 to the next: whole cycles of SYNC0, as many as SYNC1 takes.
    fn period1(&self) -> u64 {
        self.cycle0 * self.cycle1.div_ceil(self.cycle0.max(1)).max(1)
    }

    fn pulses(since: Option<u64>, period: u64) -> u64 {
        since.map_or(0, |since| since.checked_div(period).map_or(1, |whole| whole + 1))
    }

    /// Pulses of SYNC0 so far.
    pub(crate) fn pulses0(&self, system: u64) -> u64 {
        if self.activation & activation::SYNC0 == 0 { 0 } else { Self::pulses(self.since(system), self.cycle0) }
    }

    /// Pulses of SYNC1 so far. Each comes its cycle time behind a SYNC0.
    pub(crate) fn pulses1(&self, system: u64) -> u64 {
        let since = self.since(system).and_then(|since| since.checked_sub(self.cycle1));
        if self.activation & activation::SYNC1 == 0 { 0 } else { Self::pulses(since, self.period1()) }
    }

    /// System times of the next SYNC0 and the next SYNC1.
    pub(crate) fn next(&self, system: u64) -> (u64, u64) {
        let first = self.from.wrapping_add(self.first);
        let done0 = Self::pulses(self.since(system), self.cycle0);
        let done1 = Self::pulses(self.since(system).and_then(|since| since.checked_sub(self.cycle1)), self.period1());
        let next0 = first.wrapping_add(done0.wrapping_mul(self.cycle0));
        (next0, first.wrapping_add(self.cycle1).wrapping_add(done1.wrapping_mul(self.period1())))
    }

    /// The activation status (0x0984): first pulses that are still to come, and an implausible start time.
    pub(crate) fn status(&self, system: u64) -> u8 {
        let pending = |bit: u8, pulses: u64| self.activation & bit != 0 && pulses == 0;
        u8::from(pending(activation::SYNC0, self.pulses0(system)))
            | u8::from(pending(activation::SYNC1, self.pulses1(system))) << 1
            | u8::from(self.implausible) << 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(activation: u8, start: u64, cycle1: u32, wide: bool) -> Sync {
        Sync::new(&Orders { activation, start, cycle0: 1000, cycle1, wide }, 10_500)
    }

    #[test]
    fn pulses_lie_on_multiples_of_the_cycle_behind_the_start() {
        let sync = unit(0x03, 12_000, 0, true);
        assert_eq!((sync.pulses0(11_999), sync.status(11_999), sync.next(11_999).0), (0, 1, 12_000));
        assert_eq!((sync.pulses0(12_000), sync.status(12_000), sync.next(12_000).0), (1, 0, 13_000));
        assert_eq!((sync.pulses0(15_999), sync.next(15_999).0), (4, 16_000));
    }

    #[test]
    fn sync1_follows_sync0_by_its_cycle_time() {
        let within = unit(0x07, 12_000, 300, true);
        assert_eq!((within.pulses1(12_299), within.pulses1(12_300), within.next(12_300).1), (0, 1, 13_300));
        let coarser = unit(0x07, 12_000, 2000, true);
        assert_eq!((coarser.pulses1(13_999), coarser.pulses1(14_000), coarser.next(14_000).1), (0, 1, 16_000));
    }

    #[test]
    fn a_start_time_in_the_past_never_comes_unless_it_is_checked() {
        let never = unit(0x03, 9000, 0, true);
        assert_eq!((never.pulses0(1_000_000), never.status(1_000_000)), (0, 5));
        let checked = unit(0x23, 9000, 0, true);
        assert_eq!((checked.pulses0(10_500), checked.pulses0(11_500), checked.status(11_500)), (1, 2, 4));
    }

    #[test]
    fn with_32_bits_a_start_time_in_the_past_comes_after_a_wrap() {
        let wraps = unit(0x03, 9000, 0, false);
        assert_eq!(wraps.pulses0((1 << 32) + 8999), 0);
        assert_eq!(wraps.pulses0((1 << 32) + 9000), 1);
    }

    #[test]
    fn the_near_future_can_be_two_seconds_long() {
        assert_eq!(unit(0x03, 1 << 40, 0, true).status(10_500), 1);
        assert_eq!(unit(0x43, 1 << 40, 0, true).status(10_500), 5);
    }

    #[test]
    fn without_a_cycle_there_is_one_pulse() {
        let sync = Sync::new(&Orders { activation: 3, start: 20, cycle0: 0, cycle1: 0, wide: true }, 10);
        assert_eq!((sync.pulses0(19), sync.pulses0(20), sync.pulses0(1000)), (0, 1, 1));
    }
}
