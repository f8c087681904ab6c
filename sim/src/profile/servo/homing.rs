//! Homing (IEC 61800-7-201, "homing mode"; CiA 402-2, 10): methods 17 (negative limit switch), 19 (home switch,
//! searched in positive direction), 35 and 37 (where it is).
//!
//! The switches are at raw positions that objects 0x2010 and 0x2011 give. A search drives on to the switch fast and
//! off it slowly; where it lets go is home. The zero position lies behind home by the home offset.

use super::axis::Axis;
use crate::profile::ramp::Ramp;

const START: u16 = 0x0010;

/// How to search.
#[derive(Debug, Clone, Copy)]
pub(super) struct Method {
    pub(super) number: i8,
    /// Raw position from which upwards the home switch is on.
    pub(super) home_switch: f64,
    /// Raw position from which downwards the negative limit switch is on.
    pub(super) limit_switch: f64,
    /// Counts/s while searching the switch.
    pub(super) fast: f64,
    /// Counts/s while leaving it.
    pub(super) slow: f64,
    /// Counts/s².
    pub(super) acceleration: f64,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Homing {
    /// Not started, or interrupted.
    #[default]
    Idle,
    Searching,
    Leaving,
    /// Home is found, the axis still moves.
    Stopping,
    Attained,
    Failed,
}

impl Homing {
    /// Looks at bit 4 of the control word: a rising edge starts, a low level interrupts.
    pub(super) fn control(&mut self, control: u16, rising: u16) {
        if rising & START != 0 {
            *self = Self::Searching;
        } else if control & START == 0 && matches!(self, Self::Searching | Self::Leaving | Self::Stopping) {
            *self = Self::Idle;
        }
    }

    /// Bits 10, 12 and 13 of the status word: target reached, homing attained, homing error.
    pub(super) fn status(self) -> u16 {
        match self {
            Self::Idle => 0x0400,
            Self::Searching | Self::Leaving => 0,
            Self::Stopping => 0x1000,
            Self::Attained => 0x1400,
            Self::Failed => 0x2400,
        }
    }

    /// Moves the demand on. Returns the raw position of home when it is found.
    pub(super) fn advance(&mut self, ramp: &mut Ramp, axis: &Axis, method: Method, dt: f64) -> Option<f64> {
        let (sign, on) = match method.number {
            17 => (-1.0, axis.position <= method.limit_switch),
            19 => (1.0, axis.position >= method.home_switch),
            35 | 37 => (0.0, true),
            _ => {
                if *self == Self::Searching {
                    *self = Self::Failed;
                }
                (0.0, false)
            }
        };
        let velocity = match self {
            Self::Searching if !on => sign * method.fast,
            Self::Searching | Self::Leaving => -sign * method.slow,
            _ => 0.0,
        };
        ramp.run(velocity, method.acceleration, dt);
        match *self {
            Self::Searching if sign == 0.0 => *self = Self::Stopping,
            Self::Searching if on => *self = Self::Leaving,
            // It may have run over the switch: what counts is that it leaves it in the right direction.
            Self::Leaving if !on && axis.velocity * sign < 0.0 => *self = Self::Stopping,
            Self::Stopping if ramp.velocity == 0.0 && axis.velocity.abs() < 10.0 => *self = Self::Attained,
            _ => return None,
        }
        (*self == Self::Stopping).then_some(axis.position)
    }
}
