//! An incremental encoder like the EL5101, with 32-bit values: counter, set counter, latch at the index pulse (C).
//!
//! It turns at a constant speed, or follows the position of a wire. A turn has 4,096 counts. Not modelled: the external
//! latch, the gate, open circuits, measurement of frequency and period.

use std::time::Duration;

use super::{Profile, Values, beckhoff};
use crate::describe::{Channel, DataType, Description, Pdo, PdoEntry, ValueId};

const ENABLE_LATCH: ValueId = ValueId(0);
const SET_COUNTER: ValueId = ValueId(1);
const SET_VALUE: ValueId = ValueId(2);
const LATCH_VALID: ValueId = ValueId(3);
const SET_DONE: ValueId = ValueId(4);
const TOGGLE: ValueId = ValueId(5);
const COUNTER: ValueId = ValueId(6);
const LATCH: ValueId = ValueId(7);
/// Position that a wire brings.
const DRIVEN: ValueId = ValueId(8);
const VALUES: u16 = 9;

/// Counts between index pulses.
const TURN: i64 = 4096;

#[derive(Debug)]
struct Encoder {
    /// Counts/s when no wire drives it.
    speed: i32,
    driven: bool,
    /// Last position from the wire.
    last: i32,
    /// Counts since power-on.
    position: i64,
    /// Counter less position.
    offset: i64,
    /// Set counter and enable latch, as last seen.
    set: bool,
    latch: bool,
    /// First step after power-on.
    since: Option<Duration>,
    seen: Option<Duration>,
}

impl Encoder {
    /// Where it is at a time.
    fn turned(&mut self, values: &Values, now: Duration) -> i64 {
        if self.driven {
            let at = values.i32(DRIVEN);
            let moved = at.wrapping_sub(self.last);
            self.last = at;
            return self.position + i64::from(moved);
        }
        let since = now.saturating_sub(*self.since.get_or_insert(now));
        let counts = i128::from(self.speed) * i128::try_from(since.as_nanos()).unwrap_or(0) / 1_000_000_000;
        i64::try_from(counts).unwrap_or(0)
    }

    fn turn(&mut self, values: &mut Values, now: Duration) {
        let before = self.position;
        self.position = self.turned(values, now);
        // Index pulses are at the multiples of a turn.
        let (from, to) = (before.div_euclid(TURN), self.position.div_euclid(TURN));
        let valid = values.raw(LATCH_VALID) == 1;
        if self.latch && !valid && from != to {
            let pulse = if to > from { (from + 1) * TURN } else { from * TURN };
            set_counts(values, LATCH, pulse + self.offset);
            values.set_raw(LATCH_VALID, 1);
        }
        set_counts(values, COUNTER, self.position + self.offset);
    }

    /// Follows the control bits: a rising edge sets the counter, and "done" stands as long as the bit does.
    fn control(&mut self, values: &mut Values) {
        let set = values.raw(SET_COUNTER) & 1 == 1;
        if set && !self.set {
            self.offset = i64::from(values.u32(SET_VALUE)) - self.position;
            set_counts(values, COUNTER, self.position + self.offset);
        }
        self.set = set;
        values.set_raw(SET_DONE, u64::from(set));
        self.latch = values.raw(ENABLE_LATCH) & 1 == 1;
        if !self.latch {
            values.set_raw(LATCH_VALID, 0);
        }
    }
}

impl Profile for Encoder {
    fn outputs(&mut self, values: &mut Values, _now: Duration) {
        self.control(values);
    }

    fn step(&mut self, values: &mut Values, now: Duration) {
        if self.seen.replace(now) == Some(now) {
            return;
        }
        self.control(values);
        self.turn(values, now);
        let toggle = values.raw(TOGGLE);
        values.set_raw(TOGGLE, toggle ^ 1);
    }

    fn safe(&mut self, values: &mut Values) {
        self.control(values);
    }

    fn take_over(&mut self, _channel: usize) {
        self.driven = true;
    }
}

/// A 32-bit counter wraps.
fn set_counts(values: &mut Values, id: ValueId, counts: i64) {
    let [a, b, c, d, ..] = counts.to_le_bytes();
    values.set_i32(id, i32::from_le_bytes([a, b, c, d]));
}

/// Description and behaviour.
pub(crate) fn build(speed: i32) -> (Description, Box<dyn Profile>) {
    let name = "EL5101 incremental encoder (simulated)";
    let mut description = beckhoff::simple(5101, "EL5101".into(), name.into(), "Encoder");
    let bit = |index, subindex, name, value| PdoEntry::new((index, subindex), 1, DataType::Bool, name, value);
    let long = |index, subindex, name, value| PdoEntry::new((index, subindex), 32, DataType::U32, name, value);
    description.rx_pdos = vec![Pdo {
        index: 0x1600,
        name: "ENC Control".into(),
        assigned: true,
        sync_manager: None,
        entries: vec![
            bit(0x7000, 0x01, "Enable latch C", ENABLE_LATCH),
            PdoEntry::gap(1),
            bit(0x7000, 0x03, "Set counter", SET_COUNTER),
            PdoEntry::gap(13),
            long(0x7000, 0x11, "Set counter value", SET_VALUE),
        ],
    }];
    description.tx_pdos = vec![Pdo {
        index: 0x1A00,
        name: "ENC Status".into(),
        assigned: true,
        sync_manager: None,
        entries: vec![
            bit(0x6000, 0x01, "Latch C valid", LATCH_VALID),
            PdoEntry::gap(1),
            bit(0x6000, 0x03, "Set counter done", SET_DONE),
            PdoEntry::gap(12),
            bit(0x6000, 0x10, "TxPDO Toggle", TOGGLE),
            long(0x6000, 0x11, "Counter value", COUNTER),
            long(0x6000, 0x12, "Latch value", LATCH),
        ],
    }];
    description.values = VALUES;
    description.channels_in = vec![Channel::signed(DRIVEN, 32)];
    // Modular device profile 5001, incremental encoder 511.
    description.device_type = 0x01ff_1389;
    let encoder = Encoder {
        speed,
        driven: false,
        last: 0,
        position: 0,
        offset: 0,
        set: false,
        latch: false,
        since: None,
        seen: None,
    };
    (beckhoff::with_coe(description), Box::new(encoder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(profile: &mut dyn Profile, values: &mut Values, ms: u64) -> i32 {
        profile.step(values, Duration::from_millis(ms));
        values.i32(COUNTER)
    }

    #[test]
    fn it_turns_at_its_speed_whatever_the_steps() {
        for speed in [10_000, -333] {
            let (description, mut profile) = build(speed);
            let mut values = Values::new(description.values);
            assert_eq!(
                [0, 1, 500, 3000].map(|ms| at(profile.as_mut(), &mut values, ms)),
                [0, speed / 1000, speed / 2, speed * 3]
            );
        }
    }

    #[test]
    fn an_edge_sets_the_counter_once_and_is_acknowledged() {
        let (description, mut profile) = build(1000);
        let mut values = Values::new(description.values);
        at(profile.as_mut(), &mut values, 1000);
        values.set_i32(SET_VALUE, 50);
        values.set_raw(SET_COUNTER, 1);
        profile.outputs(&mut values, Duration::from_secs(1));
        assert_eq!((values.i32(COUNTER), values.raw(SET_DONE)), (50, 1));
        assert_eq!(at(profile.as_mut(), &mut values, 1010), 60);
        values.set_raw(SET_COUNTER, 0);
        profile.outputs(&mut values, Duration::from_secs(1));
        assert_eq!((values.i32(COUNTER), values.raw(SET_DONE)), (60, 0));
    }

    #[test]
    fn the_first_index_pulse_is_latched_and_stays_until_the_latch_is_released() {
        for (speed, pulse) in [(10_000, 4096), (-10_000, 0)] {
            let (description, mut profile) = build(speed);
            let mut values = Values::new(description.values);
            values.set_raw(ENABLE_LATCH, 1);
            for ms in 0..1000 {
                at(profile.as_mut(), &mut values, ms);
            }
            assert_eq!((values.raw(LATCH_VALID), values.i32(LATCH)), (1, pulse));
            values.set_raw(ENABLE_LATCH, 0);
            profile.outputs(&mut values, Duration::from_secs(1));
            assert_eq!(values.raw(LATCH_VALID), 0);
        }
    }
}
