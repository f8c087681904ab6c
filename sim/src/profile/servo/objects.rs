//! Objects and PDOs of the servo (IEC 61800-7-201 and -204), and its settings as the loops want them.

use super::axis::{COUNTS_PER_TURN, Limits};
use super::homing::Method;
use crate::describe::dictionary::{Entry, Object, ObjectCode, Store, access};
use crate::describe::{DataType, Pdo, PdoEntry, ValueId, diagnosis, sync_objects};
use crate::profile::Values;
use crate::profile::parameter::{self, Parameter};
use crate::profile::ramp::Pace;

pub(super) const CONTROL_WORD: ValueId = ValueId(0);
pub(super) const TARGET_POSITION: ValueId = ValueId(1);
pub(super) const MODE: ValueId = ValueId(2);
pub(super) const STATUS_WORD: ValueId = ValueId(3);
pub(super) const POSITION: ValueId = ValueId(4);
pub(super) const VELOCITY: ValueId = ValueId(5);
pub(super) const MODE_DISPLAY: ValueId = ValueId(6);
pub(super) const TARGET_VELOCITY: ValueId = ValueId(7);
pub(super) const TARGET_TORQUE: ValueId = ValueId(8);
pub(super) const TORQUE: ValueId = ValueId(9);
pub(super) const FOLLOWING_ERROR: ValueId = ValueId(10);
pub(super) const ERROR_CODE: ValueId = ValueId(11);
pub(super) const POSITION_DEMAND: ValueId = ValueId(12);
pub(super) const QUICK_STOP_OPTION: ValueId = ValueId(13);
const HALT_OPTION: ValueId = ValueId(14);
const FAULT_OPTION: ValueId = ValueId(15);
const FOLLOWING_WINDOW: ValueId = ValueId(16);
const FOLLOWING_TIME: ValueId = ValueId(17);
const POSITION_WINDOW: ValueId = ValueId(18);
const POSITION_TIME: ValueId = ValueId(19);
const MAX_TORQUE: ValueId = ValueId(20);
const HOME_OFFSET: ValueId = ValueId(21);
const MIN_POSITION: ValueId = ValueId(22);
const MAX_POSITION: ValueId = ValueId(23);
const MAX_SPEED: ValueId = ValueId(24);
const PROFILE_VELOCITY: ValueId = ValueId(25);
const PROFILE_ACCELERATION: ValueId = ValueId(26);
const PROFILE_DECELERATION: ValueId = ValueId(27);
const QUICK_STOP_DECELERATION: ValueId = ValueId(28);
const HOMING_METHOD: ValueId = ValueId(29);
const HOMING_FAST: ValueId = ValueId(30);
const HOMING_SLOW: ValueId = ValueId(31);
const HOMING_ACCELERATION: ValueId = ValueId(32);
const HOME_SWITCH: ValueId = ValueId(33);
const LIMIT_SWITCH: ValueId = ValueId(34);
const INDEX_PULSE: ValueId = ValueId(35);
pub(super) const SHUTDOWN_OPTION: ValueId = ValueId(36);
pub(super) const DISABLE_OPTION: ValueId = ValueId(37);
const VELOCITY_WINDOW: ValueId = ValueId(38);
const VELOCITY_TIME: ValueId = ValueId(39);
const VELOCITY_THRESHOLD: ValueId = ValueId(40);
const TORQUE_SLOPE: ValueId = ValueId(41);
/// Number of values.
pub(super) const VALUES: u16 = 42;

/// Objects that no PDO maps, with their defaults. Positions in counts, velocities in counts/s, accelerations in
/// counts/s², torque in 1/1000 of the rated one, times in ms, motor speed in turns a minute.
pub(super) fn parameters() -> Vec<Parameter> {
    let set = |index, data_type, value, default, name| Parameter::setting((index, 0), data_type, value, default, name);
    let part = |at, data_type, value, default, name| Parameter::setting(at, data_type, value, default, name);
    vec![
        set(0x2010, DataType::I32, HOME_SWITCH, 50_000, "Simulated home switch"),
        set(0x2011, DataType::I32, LIMIT_SWITCH, -500_000, "Simulated negative limit switch"),
        set(0x2012, DataType::I32, INDEX_PULSE, 0, "Simulated index pulse"),
        set(0x605A, DataType::I16, QUICK_STOP_OPTION, 2, "Quick stop option code"),
        set(0x605B, DataType::I16, SHUTDOWN_OPTION, 0, "Shutdown option code"),
        set(0x605C, DataType::I16, DISABLE_OPTION, 1, "Disable operation option code"),
        set(0x605D, DataType::I16, HALT_OPTION, 1, "Halt option code"),
        set(0x605E, DataType::I16, FAULT_OPTION, 2, "Fault reaction option code"),
        Parameter::shown((0x6062, 0), DataType::I32, POSITION_DEMAND, "Position demand value"),
        set(0x6065, DataType::U32, FOLLOWING_WINDOW, 65_536, "Following error window"),
        set(0x6066, DataType::U16, FOLLOWING_TIME, 100, "Following error time out"),
        set(0x6067, DataType::U32, POSITION_WINDOW, 10, "Position window"),
        set(0x6068, DataType::U16, POSITION_TIME, 2, "Position window time"),
        set(0x606D, DataType::U16, VELOCITY_WINDOW, 1_000, "Velocity window"),
        set(0x606E, DataType::U16, VELOCITY_TIME, 2, "Velocity window time"),
        set(0x606F, DataType::U16, VELOCITY_THRESHOLD, 100, "Velocity threshold"),
        set(0x6072, DataType::U16, MAX_TORQUE, 3000, "Max torque"),
        set(0x607C, DataType::I32, HOME_OFFSET, 0, "Home offset"),
        part((0x607D, 1), DataType::I32, MIN_POSITION, i64::from(i32::MIN), "Min position limit"),
        part((0x607D, 2), DataType::I32, MAX_POSITION, i64::from(i32::MAX), "Max position limit"),
        set(0x6080, DataType::U32, MAX_SPEED, 6000, "Max motor speed"),
        set(0x6081, DataType::U32, PROFILE_VELOCITY, 200_000, "Profile velocity"),
        set(0x6083, DataType::U32, PROFILE_ACCELERATION, 2_000_000, "Profile acceleration"),
        set(0x6084, DataType::U32, PROFILE_DECELERATION, 2_000_000, "Profile deceleration"),
        set(0x6085, DataType::U32, QUICK_STOP_DECELERATION, 20_000_000, "Quick stop deceleration"),
        set(0x6087, DataType::U32, TORQUE_SLOPE, 10_000, "Torque slope"),
        set(0x6098, DataType::I8, HOMING_METHOD, 37, "Homing method"),
        part((0x6099, 1), DataType::U32, HOMING_FAST, 100_000, "Speed during search for switch"),
        part((0x6099, 2), DataType::U32, HOMING_SLOW, 10_000, "Speed during search for zero"),
        set(0x609A, DataType::U32, HOMING_ACCELERATION, 1_000_000, "Homing acceleration"),
    ]
}

/// All objects that no PDO maps: the parameters, supported modes, interpolation time, synchronization, and a text
/// longer than a mailbox.
pub(super) fn objects() -> Vec<Object> {
    let record = |index| if index == 0x607D { "Software position limit" } else { "Homing speeds" }.to_owned();
    let mut objects = parameter::objects(&parameters(), record);
    let interpolation = vec![
        Entry::bytes(0, DataType::U8, access::READ, &[2], "SubIndex 000"),
        Entry { limits: Some((1, 255)), ..Entry::bytes(1, DataType::U8, access::WRITE, &[1], "Period value") },
        Entry { limits: Some((-128, 63)), ..Entry::bytes(2, DataType::I8, access::WRITE, &[0xfd], "Period index") },
    ];
    let note = "A note of the owner, kept as long as the power is on. ".repeat(6);
    let empty = Entry::bytes(0, DataType::Text, access::WRITE, &vec![b' '; note.len()], "Note");
    let note = Entry { store: Store::Bytes(note.into_bytes()), ..empty };
    let object =
        |index, code, name: &str, entries| Object { index, code, name: name.to_owned(), entries, counted: false };
    let modes = super::SUPPORTED.iter().fold(0u32, |modes, mode| modes | 1 << (mode - 1));
    objects.extend([
        Object::variable(0x6502, DataType::U32, access::READ, &modes.to_le_bytes(), "Supported drive modes"),
        object(0x60C2, ObjectCode::Record, "Interpolation time period", interpolation),
        object(0x2000, ObjectCode::Variable, "Note", vec![note]),
    ]);
    objects.extend(sync_objects::objects());
    objects.push(diagnosis::object());
    objects
}

fn entry(value: ValueId) -> PdoEntry {
    let new = |index, bits, data_type, name| PdoEntry::new((index, 0), bits, data_type, name, value);
    match value {
        CONTROL_WORD => new(0x6040, 16, DataType::U16, "Control word"),
        TARGET_POSITION => new(0x607A, 32, DataType::I32, "Target position"),
        TARGET_VELOCITY => new(0x60FF, 32, DataType::I32, "Target velocity"),
        TARGET_TORQUE => new(0x6071, 16, DataType::I16, "Target torque"),
        MODE => new(0x6060, 8, DataType::I8, "Modes of operation"),
        STATUS_WORD => new(0x6041, 16, DataType::U16, "Status word"),
        POSITION => new(0x6064, 32, DataType::I32, "Position actual value"),
        VELOCITY => new(0x606C, 32, DataType::I32, "Velocity actual value"),
        TORQUE => new(0x6077, 16, DataType::I16, "Torque actual value"),
        FOLLOWING_ERROR => new(0x60F4, 32, DataType::I32, "Following error actual value"),
        ERROR_CODE => new(0x603F, 16, DataType::U16, "Error code"),
        _ => new(0x6061, 8, DataType::I8, "Modes of operation display"),
    }
}

fn pdo(index: u16, name: &str, values: &[ValueId]) -> Pdo {
    let entries = values.iter().map(|value| entry(*value)).chain([PdoEntry::gap(8)]).collect();
    Pdo { index, name: name.to_owned(), assigned: index & 0x00ff == 0, sync_manager: None, entries }
}

/// RxPDOs: the default for positions, then for CSV, CST, and one with all targets.
pub(super) fn rx_pdos() -> Vec<Pdo> {
    vec![
        pdo(0x1600, "Drive RxPDO", &[CONTROL_WORD, TARGET_POSITION, MODE]),
        pdo(0x1601, "Drive RxPDO velocity", &[CONTROL_WORD, TARGET_VELOCITY, MODE]),
        pdo(0x1602, "Drive RxPDO torque", &[CONTROL_WORD, TARGET_TORQUE, MODE]),
        pdo(0x1603, "Drive RxPDO all", &[CONTROL_WORD, TARGET_POSITION, TARGET_VELOCITY, TARGET_TORQUE, MODE]),
    ]
}

/// TxPDOs: the default, then with the torque, with the following error, and with all that is actual.
pub(super) fn tx_pdos() -> Vec<Pdo> {
    let default = [STATUS_WORD, POSITION, VELOCITY, MODE_DISPLAY];
    let all = [STATUS_WORD, POSITION, VELOCITY, TORQUE, FOLLOWING_ERROR, ERROR_CODE, MODE_DISPLAY];
    vec![
        pdo(0x1A00, "Drive TxPDO", &default),
        pdo(0x1A01, "Drive TxPDO torque", &[STATUS_WORD, POSITION, VELOCITY, TORQUE, MODE_DISPLAY]),
        pdo(0x1A02, "Drive TxPDO following error", &[STATUS_WORD, POSITION, FOLLOWING_ERROR, MODE_DISPLAY]),
        pdo(0x1A03, "Drive TxPDO all", &all),
    ]
}

/// The settings of this moment, in counts and seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) limits: Limits,
    pub(super) range: (f64, f64),
    /// `None`: not watched.
    pub(super) following: Option<(f64, f64)>,
    pub(super) arrival: (f64, f64),
    /// Window of the velocity and how long it is to be there; below which velocity it is 0.
    pub(super) velocity: (f64, f64, f64),
    /// 1/1000 of the rated torque in a second.
    pub(super) torque_slope: f64,
    pub(super) pace: Pace,
    pub(super) quick_stop: f64,
    pub(super) quick_stop_option: i16,
    pub(super) halt_option: i16,
    pub(super) fault_option: i16,
    pub(super) home_offset: f64,
    pub(super) homing: Method,
}

impl Settings {
    pub(super) fn read(values: &Values) -> Self {
        let signed = |id| f64::from(values.i32(id));
        // An acceleration of 0 would never end.
        let rate = |id| f64::from(values.u32(id).max(1));
        let seconds = |id| f64::from(values.u16(id)) / 1000.0;
        let window = values.u32(FOLLOWING_WINDOW);
        let speed = f64::from(values.u32(MAX_SPEED)) / 60.0 * COUNTS_PER_TURN;
        Self {
            limits: Limits { torque: f64::from(values.u16(MAX_TORQUE)), speed },
            range: range(signed(MIN_POSITION), signed(MAX_POSITION)),
            following: (window != u32::MAX).then(|| (f64::from(window), seconds(FOLLOWING_TIME))),
            arrival: (f64::from(values.u32(POSITION_WINDOW)), seconds(POSITION_TIME)),
            velocity: (
                f64::from(values.u16(VELOCITY_WINDOW)),
                seconds(VELOCITY_TIME),
                f64::from(values.u16(VELOCITY_THRESHOLD)),
            ),
            torque_slope: rate(TORQUE_SLOPE),
            pace: Pace {
                speed: f64::from(values.u32(PROFILE_VELOCITY)).min(speed),
                acceleration: rate(PROFILE_ACCELERATION),
                deceleration: rate(PROFILE_DECELERATION),
            },
            quick_stop: rate(QUICK_STOP_DECELERATION),
            quick_stop_option: values.i16(QUICK_STOP_OPTION),
            halt_option: values.i16(HALT_OPTION),
            fault_option: values.i16(FAULT_OPTION),
            home_offset: signed(HOME_OFFSET),
            homing: Method {
                number: values.i8(HOMING_METHOD),
                home_switch: signed(HOME_SWITCH),
                limit_switch: signed(LIMIT_SWITCH),
                index_pulse: signed(INDEX_PULSE),
                fast: f64::from(values.u32(HOMING_FAST)).min(speed),
                slow: f64::from(values.u32(HOMING_SLOW)).min(speed),
                acceleration: rate(HOMING_ACCELERATION),
            },
        }
    }

    /// A position within the software limits, and whether they had to act.
    pub(super) fn within(&self, position: f64) -> (f64, bool) {
        let kept = position.clamp(self.range.0, self.range.1);
        (kept, kept.to_bits() != position.to_bits())
    }

    /// Deceleration of a stop by an option code: 1 and 5 the profile's, 2 and 6 that of quick stop, others the most
    /// that the torque gives.
    pub(super) fn deceleration(&self, option: i16) -> f64 {
        match option {
            1 | 5 => self.pace.deceleration,
            2 | 6 => self.quick_stop,
            _ => self.limits.braking(),
        }
    }
}

/// Limits that contradict each other, or are both 0, limit nothing.
fn range(low: f64, high: f64) -> (f64, f64) {
    if low < high { (low, high) } else { (f64::MIN, f64::MAX) }
}
