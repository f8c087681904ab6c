//! A servo drive after CiA 402: the power drive state machine of IEC 61800-7-201, and cyclic synchronous position.
//!
//! While operation is enabled the position follows the target with a first-order lag of 5 ms; otherwise it holds.
//! Mode 8 (CSP) is the only one; mode 0 in the RxPDO means "no change". When outputs are dropped the drive is
//! switched off. Not modelled: torque, limits, following error.

use std::time::Duration;

use super::{Profile, Values, beckhoff};
use crate::describe::dictionary::{Entry, Object, ObjectCode, Store, access};
use crate::describe::{DataType, Description, Identity, Pdo, PdoEntry, ValueId};

const CONTROL_WORD: ValueId = ValueId(0);
const TARGET_POSITION: ValueId = ValueId(1);
const MODE: ValueId = ValueId(2);
const STATUS_WORD: ValueId = ValueId(3);
const POSITION: ValueId = ValueId(4);
const VELOCITY: ValueId = ValueId(5);
const MODE_DISPLAY: ValueId = ValueId(6);

const LAG: f64 = 0.005;
const CSP: i8 = 8;
/// Not a registered vendor: `7a63` is "zc".
const VENDOR: u32 = 0x7a63;
const PRODUCT: u32 = 0x0000_0402;

/// States of the power drive state machine (IEC 61800-7-201, 5.3; "not ready" passes at power-on).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drive {
    SwitchOnDisabled,
    ReadyToSwitchOn,
    SwitchedOn,
    OperationEnabled,
    QuickStopActive,
}

impl Drive {
    /// Bits of the status word: state, voltage enabled.
    fn status(self) -> u16 {
        match self {
            Self::SwitchOnDisabled => 0x0040,
            Self::ReadyToSwitchOn => 0x0031,
            Self::SwitchedOn => 0x0033,
            Self::OperationEnabled => 0x0037,
            Self::QuickStopActive => 0x0017,
        }
    }

    /// The state after one look at the control word.
    fn next(self, control: u16) -> Self {
        let (disable_voltage, quick_stop) = (control & 0x02 == 0, control & 0x06 == 0x02);
        let shutdown = control & 0x07 == 0x06;
        let switch_on = control & 0x07 == 0x07;
        let enable = control & 0x0f == 0x0f;
        match self {
            _ if disable_voltage => Self::SwitchOnDisabled,
            Self::OperationEnabled | Self::QuickStopActive if quick_stop => Self::QuickStopActive,
            _ if quick_stop => Self::SwitchOnDisabled,
            Self::SwitchOnDisabled if shutdown => Self::ReadyToSwitchOn,
            Self::ReadyToSwitchOn if switch_on => Self::SwitchedOn,
            Self::SwitchedOn | Self::OperationEnabled if shutdown => Self::ReadyToSwitchOn,
            Self::SwitchedOn | Self::QuickStopActive if enable => Self::OperationEnabled,
            Self::OperationEnabled if switch_on && !enable => Self::SwitchedOn,
            same => same,
        }
    }
}

#[derive(Debug)]
struct Servo {
    drive: Drive,
    position: f64,
    mode: i8,
    seen: Option<Duration>,
}

impl Servo {
    fn show(&self, values: &mut Values) {
        // Remote; in CSP also "drive follows the command value".
        let follows = if self.drive == Drive::OperationEnabled { 0x1000 } else { 0 };
        values.set_u16(STATUS_WORD, self.drive.status() | 0x0200 | follows);
        values.set_i8(MODE_DISPLAY, self.mode);
        values.set_i32(POSITION, counts(self.position));
    }

    fn control(&mut self, values: &Values) {
        if values.i8(MODE) == CSP {
            self.mode = CSP;
        }
        self.drive = self.drive.next(values.u16(CONTROL_WORD));
    }
}

impl Profile for Servo {
    fn start(&mut self, values: &mut Values) {
        self.show(values);
    }

    fn outputs(&mut self, values: &mut Values, _now: Duration) {
        self.control(values);
        self.show(values);
    }

    fn step(&mut self, values: &mut Values, now: Duration) {
        let elapsed = self.seen.map_or(Duration::ZERO, |seen| now.saturating_sub(seen)).as_secs_f64();
        self.seen = Some(now);
        self.control(values);
        if elapsed > 0.0 {
            let before = self.position;
            if self.drive == Drive::OperationEnabled {
                let target = f64::from(values.i32(TARGET_POSITION));
                self.position = target + (before - target) * (-elapsed / LAG).exp();
                if (self.position - target).abs() < 0.01 {
                    self.position = target;
                }
            }
            values.set_i32(VELOCITY, counts((self.position - before) / elapsed));
        }
        self.show(values);
    }

    fn safe(&mut self, values: &mut Values) {
        self.drive = Drive::SwitchOnDisabled;
        self.show(values);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "rounded to a count; saturates")]
fn counts(value: f64) -> i32 {
    value.round() as i32
}

/// Description and behaviour.
pub(crate) fn build() -> (Description, Box<dyn Profile>) {
    let name = "Servo drive, CiA 402 (simulated)";
    let base = beckhoff::simple(0, "ZC-SERVO".into(), name.into(), "Drive");
    let mut description = Description {
        identity: Identity { vendor: VENDOR, product: PRODUCT, revision: 1, serial: 0 },
        values: 7,
        // Profile 402, servo drive.
        device_type: 0x0002_0192,
        objects: objects(),
        ..base
    };
    let entry = |index, bits, data_type, name, value| PdoEntry::new((index, 0), bits, data_type, name, value);
    description.rx_pdos = vec![Pdo {
        index: 0x1600,
        name: "Drive RxPDO".into(),
        assigned: true,
        entries: vec![
            entry(0x6040, 16, DataType::U16, "Control word", CONTROL_WORD),
            entry(0x607A, 32, DataType::I32, "Target position", TARGET_POSITION),
            entry(0x6060, 8, DataType::I8, "Modes of operation", MODE),
            PdoEntry::gap(8),
        ],
    }];
    description.tx_pdos = vec![Pdo {
        index: 0x1A00,
        name: "Drive TxPDO".into(),
        assigned: true,
        entries: vec![
            entry(0x6041, 16, DataType::U16, "Status word", STATUS_WORD),
            entry(0x6064, 32, DataType::I32, "Position actual value", POSITION),
            entry(0x606C, 32, DataType::I32, "Velocity actual value", VELOCITY),
            entry(0x6061, 8, DataType::I8, "Modes of operation display", MODE_DISPLAY),
            PdoEntry::gap(8),
        ],
    }];
    let servo = Servo { drive: Drive::SwitchOnDisabled, position: 0.0, mode: CSP, seen: None };
    (beckhoff::with_coe(description), Box::new(servo))
}

/// Objects that no PDO maps: supported modes, error code, interpolation time, and a text longer than a mailbox.
fn objects() -> Vec<Object> {
    let variable =
        |index, data_type, access, bytes: &[u8], name| Object::variable(index, data_type, access, bytes, name);
    let interpolation = vec![
        Entry::bytes(0, DataType::U8, access::READ, &[2], "SubIndex 000"),
        Entry::bytes(1, DataType::U8, access::WRITE, &[1], "Period value"),
        Entry::bytes(2, DataType::I8, access::WRITE, &[0xfd], "Period index"),
    ];
    let note = "A note of the owner, kept as long as the power is on. ".repeat(6);
    let note = Entry { store: Store::Bytes(note.as_bytes().to_vec()), ..text_entry(note.len()) };
    vec![
        variable(0x603F, DataType::U16, access::READ, &[0, 0], "Error code"),
        variable(0x6502, DataType::U32, access::READ, &0x0000_0080u32.to_le_bytes(), "Supported drive modes"),
        Object {
            index: 0x60C2,
            code: ObjectCode::Record,
            name: "Interpolation time period".into(),
            entries: interpolation,
            counted: false,
        },
        Object { index: 0x2000, code: ObjectCode::Variable, name: "Note".into(), entries: vec![note], counted: false },
    ]
}

fn text_entry(len: usize) -> Entry {
    Entry::bytes(0, DataType::Text, access::WRITE, &vec![b' '; len], "Note")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_to_operation_enabled_by_the_usual_words() {
        let mut drive = Drive::SwitchOnDisabled;
        for (control, state) in [
            (0x0f, Drive::SwitchOnDisabled),
            (0x06, Drive::ReadyToSwitchOn),
            (0x07, Drive::SwitchedOn),
            (0x0f, Drive::OperationEnabled),
            (0x02, Drive::QuickStopActive),
            (0x00, Drive::SwitchOnDisabled),
        ] {
            drive = drive.next(control);
            assert_eq!(drive, state, "after {control:#x}");
        }
    }

    #[test]
    fn follows_its_target_only_when_enabled() {
        let (description, mut servo) = build();
        let mut values = Values::new(description.values);
        values.set_i32(TARGET_POSITION, 10_000);
        let mut now = Duration::ZERO;
        for control in [0x06, 0x07] {
            values.set_u16(CONTROL_WORD, control);
            now += Duration::from_millis(100);
            servo.step(&mut values, now);
        }
        assert_eq!(values.i32(POSITION), 0);
        values.set_u16(CONTROL_WORD, 0x0f);
        servo.step(&mut values, now);
        servo.step(&mut values, now + Duration::from_millis(5));
        assert_eq!(values.i32(POSITION), 6321, "one time constant");
        servo.step(&mut values, now + Duration::from_millis(200));
        assert_eq!(values.i32(POSITION), 10_000);
        servo.safe(&mut values);
        values.set_i32(TARGET_POSITION, 0);
        values.set_u16(CONTROL_WORD, 0);
        servo.step(&mut values, now + Duration::from_millis(400));
        assert_eq!(values.i32(POSITION), 10_000);
    }
}
