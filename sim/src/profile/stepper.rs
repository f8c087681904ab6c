//! A stepper like the EL7031: control and status, a target velocity (default) or a target position, and the counter of
//! its microsteps.
//!
//! 0x8012:01 chooses between velocity (1) and position (3); another value is an error as soon as it is enabled, which
//! "reset" clears. The motor follows without slip within an acceleration of 500,000 microsteps/s². Full speed, 32,767,
//! is 128,000 microsteps/s: 2,000 full steps of 64. Not modelled: lost steps, digital inputs, the motor's currents.

use std::time::Duration;

use super::parameter::{self, Parameter};
use super::ramp::{Pace, Ramp};
use super::{Profile, Values, beckhoff};
use crate::describe::{Channel, DataType, Description, Pdo, PdoEntry, ValueId};

const ENABLE: ValueId = ValueId(0);
const RESET: ValueId = ValueId(1);
const REDUCE_TORQUE: ValueId = ValueId(2);
const TARGET_VELOCITY: ValueId = ValueId(3);
const TARGET_POSITION: ValueId = ValueId(4);
const SET_COUNTER: ValueId = ValueId(5);
const SET_VALUE: ValueId = ValueId(6);
const READY_TO_ENABLE: ValueId = ValueId(7);
const READY: ValueId = ValueId(8);
const ERROR: ValueId = ValueId(9);
const MOVES_UP: ValueId = ValueId(10);
const MOVES_DOWN: ValueId = ValueId(11);
const TORQUE_REDUCED: ValueId = ValueId(12);
const TOGGLE: ValueId = ValueId(13);
const SET_DONE: ValueId = ValueId(14);
const COUNTER: ValueId = ValueId(15);
const OPERATION_MODE: ValueId = ValueId(16);
const VALUES: u16 = 17;

const VELOCITY_MODE: u32 = 1;
const POSITION_MODE: u32 = 3;
const FULL_SPEED: f64 = 128_000.0;
const ACCELERATION: f64 = 500_000.0;
/// Longest step of the motion, and longest time that is worked through at once, s.
const STEP: f64 = 0.000_25;
const LONGEST: f64 = 1.0;

#[derive(Debug, Default)]
struct Stepper {
    motion: Ramp,
    /// Counter less position of the motor, microsteps.
    offset: f64,
    set: bool,
    reset: bool,
    failed: bool,
    seen: Option<Duration>,
}

impl Stepper {
    fn control(&mut self, values: &Values) {
        let [enable, reset, set] = [ENABLE, RESET, SET_COUNTER].map(|bit| values.raw(bit) & 1 == 1);
        let known = matches!(values.u32(OPERATION_MODE), VELOCITY_MODE | POSITION_MODE);
        if reset && !self.reset {
            self.failed = false;
        }
        self.failed |= enable && !known;
        if set && !self.set {
            self.offset = f64::from(values.i32(SET_VALUE)) - self.motion.position;
        }
        (self.reset, self.set) = (reset, set);
    }

    fn runs(&self, values: &Values) -> bool {
        values.raw(ENABLE) & 1 == 1 && !self.failed
    }

    fn advance(&mut self, values: &Values, dt: f64) {
        if !self.runs(values) {
            // Without current the motor is where it stands.
            self.motion.velocity = 0.0;
        } else if values.u32(OPERATION_MODE) == POSITION_MODE {
            let pace = Pace { speed: FULL_SPEED, acceleration: ACCELERATION, deceleration: ACCELERATION };
            self.motion.toward(f64::from(values.i32(TARGET_POSITION)) - self.offset, pace, dt);
        } else {
            let velocity = f64::from(values.i16(TARGET_VELOCITY)) / 32_767.0 * FULL_SPEED;
            self.motion.run(velocity, ACCELERATION, dt);
        }
    }

    fn show(&self, values: &mut Values) {
        let runs = self.runs(values);
        let reduced = values.raw(REDUCE_TORQUE) & 1 == 1;
        for (value, on) in [
            (READY_TO_ENABLE, !self.failed),
            (READY, runs),
            (ERROR, self.failed),
            (MOVES_UP, self.motion.velocity > 0.0),
            (MOVES_DOWN, self.motion.velocity < 0.0),
            (TORQUE_REDUCED, runs && reduced),
            (SET_DONE, self.set),
        ] {
            values.set_raw(value, u64::from(on));
        }
        values.set_i32(COUNTER, steps(self.motion.position + self.offset));
    }
}

#[expect(clippy::cast_possible_truncation, reason = "rounded to a microstep")]
fn steps(value: f64) -> i32 {
    let [a, b, c, d, ..] = (value.round() as i64).to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

impl Profile for Stepper {
    fn start(&mut self, values: &mut Values) {
        parameter::start(&settings(), values);
        self.show(values);
    }

    fn outputs(&mut self, values: &mut Values, _now: Duration) {
        self.control(values);
        self.show(values);
    }

    fn step(&mut self, values: &mut Values, now: Duration) {
        let elapsed = self.seen.map_or(Duration::ZERO, |seen| now.saturating_sub(seen)).as_secs_f64().min(LONGEST);
        self.seen = Some(now);
        self.control(values);
        let mut left = elapsed;
        while left > 0.0 {
            let dt = left.min(STEP);
            self.advance(values, dt);
            left -= dt;
        }
        if elapsed > 0.0 {
            let toggle = values.raw(TOGGLE);
            values.set_raw(TOGGLE, toggle ^ 1);
        }
        self.show(values);
    }

    fn safe(&mut self, values: &mut Values) {
        self.control(values);
        self.motion.velocity = 0.0;
        self.show(values);
    }

    fn moves(&self) -> bool {
        true
    }
}

fn settings() -> [Parameter; 1] {
    let mode = i64::from(VELOCITY_MODE);
    [Parameter::setting((0x8012, 1), DataType::U32, OPERATION_MODE, mode, "Operation mode")]
}

fn bit(at: (u16, u8), name: &str, value: ValueId) -> PdoEntry {
    PdoEntry::new(at, 1, DataType::Bool, name, value)
}

fn long(at: (u16, u8), data_type: DataType, name: &str, value: ValueId) -> PdoEntry {
    PdoEntry::new(at, 32, data_type, name, value)
}

fn rx_pdos() -> Vec<Pdo> {
    let pdo =
        |index, name: &str, assigned, entries| Pdo { index, name: name.into(), assigned, sync_manager: None, entries };
    let encoder = vec![
        PdoEntry::gap(2),
        bit((0x7000, 0x03), "Set counter", SET_COUNTER),
        PdoEntry::gap(13),
        long((0x7000, 0x11), DataType::U32, "Set counter value", SET_VALUE),
    ];
    let control = vec![
        bit((0x7010, 0x01), "Enable", ENABLE),
        bit((0x7010, 0x02), "Reset", RESET),
        bit((0x7010, 0x03), "Reduce torque", REDUCE_TORQUE),
        PdoEntry::gap(13),
    ];
    let velocity = PdoEntry::new((0x7010, 0x21), 16, DataType::I16, "Velocity", TARGET_VELOCITY);
    let position = long((0x7010, 0x11), DataType::I32, "Position", TARGET_POSITION);
    vec![
        pdo(0x1601, "ENC Control", true, encoder),
        pdo(0x1602, "STM Control", true, control),
        pdo(0x1603, "STM Position", false, vec![position]),
        pdo(0x1604, "STM Velocity", true, vec![velocity]),
    ]
}

fn tx_pdos() -> Vec<Pdo> {
    let pdo =
        |index, name: &str, entries| Pdo { index, name: name.into(), assigned: true, sync_manager: None, entries };
    let encoder = vec![
        PdoEntry::gap(2),
        bit((0x6000, 0x03), "Set counter done", SET_DONE),
        PdoEntry::gap(13),
        long((0x6000, 0x11), DataType::U32, "Counter value", COUNTER),
    ];
    let status = vec![
        bit((0x6010, 0x01), "Ready to enable", READY_TO_ENABLE),
        bit((0x6010, 0x02), "Ready", READY),
        PdoEntry::gap(1),
        bit((0x6010, 0x04), "Error", ERROR),
        bit((0x6010, 0x05), "Moving positive", MOVES_UP),
        bit((0x6010, 0x06), "Moving negative", MOVES_DOWN),
        bit((0x6010, 0x07), "Torque reduced", TORQUE_REDUCED),
        PdoEntry::gap(8),
        bit((0x6010, 0x10), "TxPDO Toggle", TOGGLE),
    ];
    vec![pdo(0x1A01, "ENC Status", encoder), pdo(0x1A03, "STM Status", status)]
}

/// Description and behaviour.
pub(crate) fn build() -> (Description, Box<dyn Profile>) {
    let name = "EL7031 stepper (simulated)";
    let mut description = beckhoff::simple(7031, "EL7031".into(), name.into(), "Drive");
    description.rx_pdos = rx_pdos();
    description.tx_pdos = tx_pdos();
    description.values = VALUES;
    description.objects = parameter::objects(&settings(), |_| "STM Features".into());
    description.channels_out = vec![Channel::signed(COUNTER, 32)];
    // Modular device profile 5001, stepper 703.
    description.device_type = 0x02bf_1389;
    (beckhoff::with_coe(description), Box::new(Stepper::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        stepper: Box<dyn Profile>,
        values: Values,
        ms: u64,
    }

    fn bench() -> Bench {
        let (description, mut stepper) = build();
        let mut values = Values::new(description.values);
        stepper.start(&mut values);
        stepper.step(&mut values, Duration::ZERO);
        Bench { stepper, values, ms: 0 }
    }

    impl Bench {
        fn pass(&mut self, ms: u64) -> i32 {
            for _ in 0..ms {
                self.ms += 1;
                self.stepper.step(&mut self.values, Duration::from_millis(self.ms));
            }
            self.values.i32(COUNTER)
        }

        fn on(&self, bits: &[ValueId]) -> Vec<bool> {
            bits.iter().map(|bit| self.values.raw(*bit) == 1).collect()
        }
    }

    #[test]
    fn it_turns_with_its_target_velocity_when_enabled() {
        let mut bench = bench();
        bench.values.set_i16(TARGET_VELOCITY, -32_767);
        assert_eq!(bench.pass(100), 0);
        bench.values.set_raw(ENABLE, 1);
        let start = bench.pass(1000);
        assert_eq!(bench.pass(1000) - start, -128_000);
        assert_eq!(bench.on(&[READY_TO_ENABLE, READY, ERROR, MOVES_UP, MOVES_DOWN]), [true, true, false, false, true]);
        bench.values.set_raw(ENABLE, 0);
        assert_eq!(bench.pass(1), bench.pass(100), "no current, no motion");
        assert_eq!(bench.on(&[READY, MOVES_DOWN]), [false, false]);
    }

    #[test]
    fn it_goes_to_its_target_position_in_position_mode() {
        let mut bench = bench();
        bench.values.set_i32(OPERATION_MODE, 3);
        bench.values.set_i32(TARGET_POSITION, 40_000);
        bench.values.set_raw(ENABLE, 1);
        // 0.256 s up and down over 32,768, 7,232 at full speed.
        assert!(bench.pass(300) < 40_000);
        assert_eq!(bench.on(&[MOVES_UP]), [true]);
        assert_eq!(bench.pass(300), 40_000);
        assert_eq!(bench.on(&[MOVES_UP]), [false]);
    }

    #[test]
    fn an_edge_sets_the_counter() {
        let mut bench = bench();
        bench.values.set_i32(SET_VALUE, 777);
        bench.values.set_raw(SET_COUNTER, 1);
        assert_eq!(bench.pass(5), 777);
        assert_eq!(bench.on(&[SET_DONE]), [true]);
    }

    #[test]
    fn an_unknown_operation_mode_is_an_error_until_it_is_reset() {
        let mut bench = bench();
        bench.values.set_i32(OPERATION_MODE, 9);
        bench.values.set_raw(ENABLE, 1);
        bench.pass(1);
        assert_eq!(bench.on(&[READY_TO_ENABLE, READY, ERROR]), [false, false, true]);
        bench.values.set_i32(OPERATION_MODE, 1);
        bench.pass(1);
        assert_eq!(bench.on(&[READY, ERROR]), [false, true]);
        bench.values.set_raw(RESET, 1);
        bench.pass(1);
        assert_eq!(bench.on(&[READY, ERROR]), [true, false]);
    }
}
