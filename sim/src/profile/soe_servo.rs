//! A servo drive with SoE (IEC 61800-7-204, type SERCOS), of one or several axes. The telegrams are what S-0-0016 and S-0-0024
//! name; which IDNs there are is said in `app/soe/parameters.rs`.
//!
//! Drive on and drive enable in the master control word (S-0-0134, bits 15 and 14) bring the drive into operation, and bit 13
//! lets it move. It then follows the position command value S-0-0047 by its greatest speed; while the velocity command
//! value S-0-0036 isn't 0 it runs at that velocity instead. Not modelled: torque, operation modes, class 1 diagnostics.
//!
//! Positions are counts, 65,536 a turn; velocities counts/s.

use std::time::Duration;

use zerocat_wire::sii::Identity;
use zerocat_wire::sii::fixed::protocol;

use super::servo::VENDOR;
use super::{Profile, Values, beckhoff};
use crate::describe::{DataType, Description, Pdo, PdoEntry, ValueId};

const PRODUCT: u32 = 0x0000_0403;
/// Values of an axis.
const VALUES: u16 = 9;
/// Greatest speed, counts/s: some 3,000 turns a minute.
const SPEED: f64 = 3_000_000.0;

const CONTROL_WORD: u16 = 0;
const POSITION_COMMAND: u16 = 1;
const VELOCITY_COMMAND: u16 = 2;
const TORQUE_COMMAND: u16 = 3;
const STATUS_WORD: u16 = 4;
const POSITION: u16 = 5;
const VELOCITY: u16 = 6;
const TORQUE: u16 = 7;
const DISTANCE: u16 = 8;

/// Bits of the master control word: drive on, drive enabled, no halt.
const ON: u16 = 0x8000;
const ENABLED: u16 = 0x4000;
const MOVES: u16 = 0x2000;
/// Bits 15 and 14 of the drive status word.
const READY: u16 = 0x4000;
const POWERED: u16 = 0x8000;
const IN_OPERATION: u16 = 0xC000;

#[derive(Debug, Default)]
struct Axis {
    position: f64,
    velocity: f64,
}

#[derive(Debug)]
struct SoeServo {
    axes: Vec<Axis>,
    seen: Option<Duration>,
}

fn id(axis: u16, value: u16) -> ValueId {
    ValueId(axis * VALUES + value)
}

impl Axis {
    fn advance(&mut self, n: u16, values: &mut Values, dt: f64) {
        let control = values.u16(id(n, CONTROL_WORD));
        let status = match control & (ON | ENABLED) {
            0 | ENABLED => READY,
            ON => POWERED,
            _ => IN_OPERATION,
        };
        let (target, velocity) = (values.i32(id(n, POSITION_COMMAND)), values.i32(id(n, VELOCITY_COMMAND)));
        let distance = f64::from(target) - self.position;
        self.velocity = match velocity {
            _ if status != IN_OPERATION || control & MOVES == 0 || dt <= 0.0 => 0.0,
            0 => (distance / dt).clamp(-SPEED, SPEED),
            velocity => f64::from(velocity).clamp(-SPEED, SPEED),
        };
        self.position += self.velocity * dt;
        values.set_u16(id(n, STATUS_WORD), status);
        values.set_i32(id(n, POSITION), counts(self.position));
        values.set_i32(id(n, VELOCITY), counts(self.velocity));
        values.set_i32(id(n, DISTANCE), counts(if velocity == 0 { f64::from(target) - self.position } else { 0.0 }));
    }
}

impl Profile for SoeServo {
    fn start(&mut self, values: &mut Values) {
        self.advance(values, 0.0);
    }

    fn step(&mut self, values: &mut Values, now: Duration) {
        let elapsed = self.seen.map_or(Duration::ZERO, |seen| now.saturating_sub(seen));
        // Called again without time between: the axes stay as they are.
        if self.seen.is_none() || !elapsed.is_zero() {
            self.seen = Some(now);
            self.advance(values, elapsed.as_secs_f64());
        }
    }
}

impl SoeServo {
    fn advance(&mut self, values: &mut Values, dt: f64) {
        for (n, axis) in (0..).zip(&mut self.axes) {
            axis.advance(n, values, dt);
        }
    }
}

/// Counts as a drive counts them: they wrap.
#[expect(clippy::cast_possible_truncation, reason = "rounded to a count")]
fn counts(value: f64) -> i32 {
    let [a, b, c, d, ..] = (value.round() as i64).to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

/// A PDO with the IDNs of all axes, axis by axis. The PDOs that can't be assigned name what the lists may take.
fn pdo(index: u16, name: &str, assigned: bool, axes: u16, idns: &[(u16, DataType, &str, u16)]) -> Pdo {
    let bits = |data_type| if matches!(data_type, DataType::I32) { 32 } else { 16 };
    let entry = |axis: u16, (idn, data_type, name, value): &(u16, DataType, &str, u16)| {
        let drive = u8::try_from(axis).unwrap_or(0);
        PdoEntry::new((*idn, drive), bits(*data_type), *data_type, name, id(axis, *value))
    };
    let entries = (0..axes).flat_map(|axis| idns.iter().map(move |idn| entry(axis, idn))).collect();
    Pdo { index, name: name.to_owned(), assigned, sync_manager: None, entries }
}

/// Description and behaviour.
pub(crate) fn build(axes: u16) -> (Description, Box<dyn Profile>) {
    let mdt = [
        (134, DataType::U16, "Master control word", CONTROL_WORD),
        (47, DataType::I32, "Position command value", POSITION_COMMAND),
    ];
    let mdt_choice = [
        (36, DataType::I32, "Velocity command value", VELOCITY_COMMAND),
        (80, DataType::I16, "Torque command value", TORQUE_COMMAND),
    ];
    let at = [
        (135, DataType::U16, "Drive status word", STATUS_WORD),
        (51, DataType::I32, "Position feedback value 1", POSITION),
    ];
    let at_choice = [
        (40, DataType::I32, "Velocity feedback value 1", VELOCITY),
        (84, DataType::I16, "Torque feedback value", TORQUE),
        (189, DataType::I32, "Following distance", DISTANCE),
    ];
    let base = beckhoff::simple(0, "ZC-SOE".into(), "Servo drive, SoE (simulated)".into(), "Drive");
    let description = Description {
        identity: Identity { vendor: VENDOR, product: PRODUCT, revision: u32::from(axes), serial: 0 },
        values: axes * VALUES,
        rx_pdos: vec![pdo(24, "MDT", true, axes, &mdt), pdo(188, "MDT choice", false, axes, &mdt_choice)],
        tx_pdos: vec![pdo(16, "AT", true, axes, &at), pdo(187, "AT choice", false, axes, &at_choice)],
        ..base
    };
    let mut description = beckhoff::with_coe(description);
    if let Some(mailbox) = &mut description.mailbox {
        mailbox.protocols = protocol::SOE;
    }
    let axes = (0..axes).map(|_| Axis::default()).collect();
    (description, Box::new(SoeServo { axes, seen: None }))
}
