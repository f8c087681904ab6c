//! A servo drive according to CiA 402 (IEC 61800-7-201) on CoE (IEC 61800-7-204): the power drive state machine with
//! quick stop, halt, fault reaction and fault reset; modes CSP (8), CSV (9), CST (10), profile position (1), profile
//! velocity (3), profile torque (4) and homing (6).
//!
//! Mode 0 means "no change", and so does a mode that isn't supported; after power-on it is CSP. A following error that
//! lasts raises fault 0x8611. When outputs are dropped the drive is switched off and coasts to a stop.
//!
//! Where the option code of shutdown or disable operation asks for a ramp, operation stays enabled until the axis is at
//! rest.
//!
//! Positions are counts, 65,536 a turn; velocities counts/s; torque 1/1000 of the rated one. Not modelled: interpolation
//! between set-points, slippage, limit switches outside of homing, a brake.

mod axis;
mod drive;
mod homing;
mod objects;
mod set_points;

use std::time::Duration;

use zerocat_wire::sii::Identity;

use super::ramp::Ramp;
use super::{FaultReport, Profile, Values, beckhoff, parameter};
use crate::describe::{Channel, Description};
use axis::Axis;
use drive::Drive;
use homing::Homing;
use objects::Settings;
use set_points::SetPoints;

const PROFILE_POSITION: i8 = 1;
const PROFILE_VELOCITY: i8 = 3;
const PROFILE_TORQUE: i8 = 4;
const HOMING: i8 = 6;
const CSP: i8 = 8;
const CSV: i8 = 9;
const CST: i8 = 10;
/// Modes that 0x6502 names.
const SUPPORTED: [i8; 7] = [PROFILE_POSITION, PROFILE_VELOCITY, PROFILE_TORQUE, HOMING, CSP, CSV, CST];

const HALT: u16 = 0x0100;
/// Longest step of the dynamics, s.
const STEP: f64 = 0.000_25;
/// Longest time that is worked through at once, s: time beyond passes without the axis.
const LONGEST: f64 = 1.0;
/// Following error: the error of the position loop is too big (IEC 61800-7-201, error codes).
const FOLLOWING_ERROR_FAULT: u16 = 0x8611;
/// Bits of the error register 0x1001 for it: generic, device profile specific.
const FOLLOWING_ERROR_REGISTER: u8 = 0x21;

/// Vendor of the profiles that look like no device on the market. Not registered: `7a63` is "zc".
pub(super) const VENDOR: u32 = 0x7a63;
const PRODUCT: u32 = 0x0000_0402;

#[derive(Debug)]
struct Servo {
    drive: Drive,
    mode: i8,
    axis: Axis,
    /// Position that the MainDevice sees, less that of the axis.
    offset: f64,
    ramp: Ramp,
    /// The ramp is bringing the axis to rest.
    stopping: bool,
    /// Where to when it rests, after shutdown or disable operation with a ramp.
    leaving: Option<Drive>,
    /// Torque demanded in profile torque, 1/1000 of the rated one.
    torque: f64,
    /// The velocity is below its threshold.
    slow: bool,
    set_points: SetPoints,
    homing: Homing,
    /// Control word before.
    control: u16,
    /// A target was outside of the software limits.
    clipped: bool,
    /// Time that the following error has been outside of its window, s.
    away: f64,
    /// Time that the position has been within the target's window, s.
    there: f64,
    arrived: bool,
    fault: u16,
    seen: Option<Duration>,
}

impl Servo {
    fn new() -> Self {
        Self {
            drive: Drive::SwitchOnDisabled,
            mode: CSP,
            axis: Axis::default(),
            offset: 0.0,
            ramp: Ramp::default(),
            stopping: false,
            leaving: None,
            torque: 0.0,
            slow: true,
            set_points: SetPoints::default(),
            homing: Homing::Idle,
            control: 0,
            clipped: false,
            away: 0.0,
            there: 0.0,
            arrived: true,
            fault: 0,
            seen: None,
        }
    }

    /// Looks at mode and control word.
    fn control(&mut self, values: &Values) {
        let mode = values.i8(objects::MODE);
        if SUPPORTED.contains(&mode) && mode != self.mode {
            self.mode = mode;
            self.rest();
        }
        let control = values.u16(objects::CONTROL_WORD);
        let rising = control & !self.control;
        self.control = control;
        let option = values.i16(objects::QUICK_STOP_OPTION);
        let before = self.drive;
        self.drive = self.ramped(values, before.next(control, rising, option >= 5));
        if self.drive == Drive::QuickStopActive && option == 0 {
            self.drive = Drive::SwitchOnDisabled;
        }
        if before == Drive::Fault && self.drive != before {
            self.fault = 0;
        }
        if self.drive != before {
            self.rest();
        }
        match (self.drive, self.mode) {
            (Drive::OperationEnabled, PROFILE_POSITION) => {
                let target = f64::from(values.i32(objects::TARGET_POSITION));
                self.set_points.control(control, rising, target, self.arrived);
                self.arrived &= rising & 0x10 == 0;
            }
            (Drive::OperationEnabled, HOMING) => self.homing.control(control, rising),
            _ => {}
        }
    }

    /// The state that follows `next`: operation stays enabled while a ramp leads out of it.
    fn ramped(&mut self, values: &Values, next: Drive) -> Drive {
        let option = match next {
            Drive::SwitchedOn => values.i16(objects::DISABLE_OPTION),
            Drive::ReadyToSwitchOn => values.i16(objects::SHUTDOWN_OPTION),
            _ => 0,
        };
        let ramp = self.drive == Drive::OperationEnabled && option == 1;
        self.leaving = ramp.then_some(next);
        if ramp { Drive::OperationEnabled } else { next }
    }

    /// Begins anew from where the axis is: demands, set-points, homing.
    fn rest(&mut self) {
        self.ramp = Ramp { position: self.axis.position, velocity: self.axis.velocity };
        self.set_points.hold(self.axis.position + self.offset);
        self.homing = Homing::Idle;
        self.stopping = false;
        self.torque = self.axis.torque;
        self.clipped = false;
        (self.away, self.there, self.arrived) = (0.0, 0.0, true);
    }

    /// Without power, and at rest: time changes nothing.
    fn idles(&self) -> bool {
        let powered =
            matches!(self.drive, Drive::OperationEnabled | Drive::QuickStopActive | Drive::FaultReactionActive);
        !powered && self.axis.rests() && self.axis.torque == 0.0 && !self.axis.limited
    }

    /// Lets `dt` seconds pass.
    fn advance(&mut self, values: &Values, settings: &Settings, dt: f64) {
        match self.drive {
            Drive::OperationEnabled if self.leaving.is_some() => {
                if self.stop(settings, 1, dt)
                    && let Some(next) = self.leaving.take()
                {
                    self.drive = next;
                    self.rest();
                }
            }
            Drive::OperationEnabled if self.control & HALT != 0 => {
                self.stop(settings, settings.halt_option, dt);
            }
            Drive::OperationEnabled => self.operate(values, settings, dt),
            Drive::QuickStopActive => {
                let option = settings.quick_stop_option;
                if self.stop(settings, option, dt) && option <= 4 {
                    self.drive = Drive::SwitchOnDisabled;
                }
            }
            Drive::FaultReactionActive => {
                if settings.fault_option == 0 || self.stop(settings, settings.fault_option, dt) {
                    self.drive = Drive::Fault;
                }
            }
            _ => self.axis.coast(dt),
        }
    }

    /// Brings the axis to rest and holds it there. Returns whether it rests.
    fn stop(&mut self, settings: &Settings, option: i16, dt: f64) -> bool {
        if !self.stopping {
            self.stopping = true;
            self.ramp = Ramp { position: self.axis.position, velocity: self.axis.velocity };
        }
        self.ramp.run(0.0, settings.deceleration(option), dt);
        self.axis.follow(self.ramp.position, self.ramp.velocity, settings.limits, dt);
        self.ramp.velocity == 0.0 && self.axis.velocity.abs() < 10.0
    }

    fn operate(&mut self, values: &Values, settings: &Settings, dt: f64) {
        self.stopping = false;
        match self.mode {
            CSV => self.axis.run(f64::from(values.i32(objects::TARGET_VELOCITY)), settings.limits, dt),
            CST => self.axis.give(f64::from(values.i16(objects::TARGET_TORQUE)), settings.limits, dt),
            PROFILE_POSITION => self.profile_position(settings, dt),
            PROFILE_VELOCITY => self.profile_velocity(f64::from(values.i32(objects::TARGET_VELOCITY)), settings, dt),
            PROFILE_TORQUE => {
                let target = f64::from(values.i16(objects::TARGET_TORQUE));
                let step = settings.torque_slope * dt;
                self.torque += (target - self.torque).clamp(-step, step);
                self.arrived = self.torque.to_bits() == target.to_bits();
                self.axis.give(self.torque, settings.limits, dt);
            }
            HOMING => self.home(settings, dt),
            _ => {
                let (target, clipped) = settings.within(f64::from(values.i32(objects::TARGET_POSITION)));
                self.clipped = clipped;
                self.ramp = Ramp { position: target - self.offset, velocity: 0.0 };
                self.axis.follow(self.ramp.position, 0.0, settings.limits, dt);
            }
        }
        self.watch(settings, dt);
    }

    fn profile_position(&mut self, settings: &Settings, dt: f64) {
        let (target, clipped) = settings.within(self.set_points.target);
        self.clipped = clipped;
        self.ramp.toward(target - self.offset, settings.pace, dt);
        self.axis.follow(self.ramp.position, self.ramp.velocity, settings.limits, dt);
        let (window, time) = settings.arrival;
        let inside = (self.axis.position + self.offset - target).abs() <= window && self.ramp.velocity == 0.0;
        self.there = if inside { self.there + dt } else { 0.0 };
        self.arrived = inside && self.there >= time;
        if self.arrived && self.set_points.waiting() {
            self.set_points.reached();
            (self.arrived, self.there) = (false, 0.0);
        }
    }

    fn profile_velocity(&mut self, target: f64, settings: &Settings, dt: f64) {
        let faster = target.abs() > self.ramp.velocity.abs();
        let rate = if faster { settings.pace.acceleration } else { settings.pace.deceleration };
        self.ramp.run(target, rate, dt);
        self.axis.run(self.ramp.velocity, settings.limits, dt);
        let (window, time, threshold) = settings.velocity;
        let inside = (self.axis.velocity - target).abs() <= window;
        self.there = if inside { self.there + dt } else { 0.0 };
        self.arrived = inside && self.there >= time;
        self.slow = self.axis.velocity.abs() <= threshold;
    }

    fn home(&mut self, settings: &Settings, dt: f64) {
        if let Some(home) = self.homing.advance(&mut self.ramp, &self.axis, settings.homing, dt) {
            self.offset = -(home + settings.home_offset);
        }
        self.axis.follow(self.ramp.position, self.ramp.velocity, settings.limits, dt);
    }

    fn following_error(&self) -> f64 {
        let demanded = !matches!(self.mode, CSV | CST | PROFILE_VELOCITY | PROFILE_TORQUE)
            && self.drive == Drive::OperationEnabled;
        if demanded { self.ramp.position - self.axis.position } else { 0.0 }
    }

    /// Raises the fault when the following error stays outside of its window.
    fn watch(&mut self, settings: &Settings, dt: f64) {
        let Some((window, time)) = settings.following else { return };
        self.away = if self.following_error().abs() > window { self.away + dt } else { 0.0 };
        if self.away > time {
            self.fault = FOLLOWING_ERROR_FAULT;
            self.drive = Drive::FaultReactionActive;
            self.stopping = false;
        }
    }

    /// Bits 10, 12 and 13, which the mode gives a meaning (IEC 61800-7-201, tables of the modes).
    fn mode_status(&self) -> u16 {
        let enabled = self.drive == Drive::OperationEnabled;
        let halted = enabled && self.control & HALT != 0;
        let late = if self.fault == FOLLOWING_ERROR_FAULT { 0x2000 } else { 0 };
        match self.mode {
            PROFILE_POSITION if enabled => {
                let reached = if halted { self.axis.rests() } else { self.arrived };
                u16::from(reached) << 10 | u16::from(self.set_points.acknowledges()) << 12
            }
            PROFILE_VELOCITY | PROFILE_TORQUE if halted => u16::from(self.axis.rests()) << 10,
            PROFILE_VELOCITY if enabled => u16::from(self.arrived) << 10 | u16::from(self.slow) << 12,
            PROFILE_TORQUE if enabled => u16::from(self.arrived) << 10,
            HOMING if halted => u16::from(self.axis.rests()) << 10,
            HOMING if enabled => self.homing.status(),
            CSP | CSV | CST if enabled && !halted => 0x1000,
            _ => late,
        }
    }

    fn show(&self, values: &mut Values) {
        // Remote; internal limit active.
        let limited = u16::from(self.axis.limited || self.clipped) << 11;
        values.set_u16(objects::STATUS_WORD, self.drive.status() | 0x0200 | limited | self.mode_status());
        values.set_i8(objects::MODE_DISPLAY, self.mode);
        values.set_i32(objects::POSITION, counts(self.axis.position + self.offset));
        values.set_i32(objects::POSITION_DEMAND, counts(self.ramp.position + self.offset));
        values.set_i32(objects::VELOCITY, counts(self.axis.velocity));
        values.set_i16(objects::TORQUE, per_mille(self.axis.torque));
        values.set_i32(objects::FOLLOWING_ERROR, counts(self.following_error()));
        values.set_u16(objects::ERROR_CODE, self.fault);
    }
}

impl Profile for Servo {
    fn start(&mut self, values: &mut Values) {
        parameter::start(&objects::parameters(), values);
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
        if !self.idles() {
            let settings = Settings::read(values);
            let mut left = elapsed;
            while left > 0.0 {
                let dt = left.min(STEP);
                self.advance(values, &settings, dt);
                left -= dt;
            }
        }
        self.show(values);
    }

    fn safe(&mut self, values: &mut Values) {
        if !matches!(self.drive, Drive::Fault | Drive::FaultReactionActive) {
            self.drive = Drive::SwitchOnDisabled;
            self.rest();
        }
        self.control = 0;
        self.show(values);
    }

    fn moves(&self) -> bool {
        true
    }

    fn fault(&self) -> Option<FaultReport> {
        (self.fault != 0).then_some(FaultReport { code: self.fault, register: FOLLOWING_ERROR_REGISTER })
    }
}

/// Counts as a drive counts them: they wrap.
#[expect(clippy::cast_possible_truncation, reason = "rounded to a count")]
fn counts(value: f64) -> i32 {
    let [a, b, c, d, ..] = (value.round() as i64).to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

#[expect(clippy::cast_possible_truncation, reason = "rounded, saturates")]
fn per_mille(value: f64) -> i16 {
    value.round() as i16
}

/// Description and behaviour.
pub(crate) fn build() -> (Description, Box<dyn Profile>) {
    let name = "Servo drive, CiA 402 (simulated)";
    let base = beckhoff::simple(0, "ZC-SERVO".into(), name.into(), "Drive");
    let description = Description {
        identity: Identity { vendor: VENDOR, product: PRODUCT, revision: 1, serial: 0 },
        values: objects::VALUES,
        // Profile 402, servo drive.
        device_type: 0x0002_0192,
        objects: objects::objects(),
        rx_pdos: objects::rx_pdos(),
        tx_pdos: objects::tx_pdos(),
        channels_out: vec![Channel::signed(objects::POSITION, 32)],
        ..base
    };
    (beckhoff::with_coe(description), Box::new(Servo::new()))
}

#[cfg(test)]
mod tests;
