//! Homing (IEC 61800-7-201, "homing mode"; CiA 402-2, 10): methods 17 (negative limit switch), 19 (home switch,
//! searched in positive direction), 1 (negative limit switch, then the index pulse), 33 and 34 (the next index pulse in
//! negative and positive direction), 35 and 37 (where it is).
//!
//! The switches are at raw positions that objects 0x2010 and 0x2011 give. A search moves onto the switch fast and off
//! it slowly. Home is where the switch releases, or the next index pulse after that. The index pulse comes once a turn,
//! at the raw position of object 0x2012. The zero position is home plus the home offset.

use super::axis::{Axis, COUNTS_PER_TURN};
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
    /// Raw position of the index pulse, in each turn.
    pub(super) index_pulse: f64,
    /// Counts/s while searching the switch.
    pub(super) fast: f64,
    /// Counts/s while leaving it.
    pub(super) slow: f64,
    /// Counts/s².
    pub(super) acceleration: f64,
}

/// What a method looks for.
#[derive(Debug, Clone, Copy)]
struct Search {
    /// Direction of the switch; 0 for none.
    sign: f64,
    /// Whether the switch is on.
    on: bool,
    /// Direction of the index pulse; 0 where none is looked for.
    index: f64,
}

impl Method {
    /// `None` for a number that isn't supported.
    fn search(&self, position: f64) -> Option<Search> {
        let limit = position <= self.limit_switch;
        let search = |sign, on, index| Some(Search { sign, on, index });
        match self.number {
            1 => search(-1.0, limit, 1.0),
            17 => search(-1.0, limit, 0.0),
            19 => search(1.0, position >= self.home_switch, 0.0),
            33 => search(0.0, true, -1.0),
            34 => search(0.0, true, 1.0),
            35 | 37 => search(0.0, true, 0.0),
            _ => None,
        }
    }

    /// The last index pulse at or below a position, in turns.
    fn turn(&self, position: f64) -> f64 {
        ((position - self.index_pulse) / COUNTS_PER_TURN).floor()
    }

    fn at_turn(&self, turn: f64) -> f64 {
        turn * COUNTS_PER_TURN + self.index_pulse
    }
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) enum Homing {
    /// Not started, or interrupted.
    #[default]
    Idle,
    Searching,
    Leaving,
    /// On the way to the index pulse; where it began, in turns.
    ToIndex(f64),
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
        } else if control & START == 0
            && matches!(self, Self::Searching | Self::Leaving | Self::ToIndex(_) | Self::Stopping)
        {
            *self = Self::Idle;
        }
    }

    /// Bits 10, 12 and 13 of the status word: target reached, homing attained, homing error.
    pub(super) fn status(self) -> u16 {
        match self {
            Self::Idle => 0x0400,
            Self::Searching | Self::Leaving | Self::ToIndex(_) => 0,
            Self::Stopping => 0x1000,
            Self::Attained => 0x1400,
            Self::Failed => 0x2400,
        }
    }

    /// Moves the demand on. Returns the raw position of home when it is found.
    pub(super) fn advance(&mut self, ramp: &mut Ramp, axis: &Axis, method: Method, dt: f64) -> Option<f64> {
        let Some(Search { sign, on, index }) = method.search(axis.position) else {
            if *self == Self::Searching {
                *self = Self::Failed;
            }
            ramp.run(0.0, method.acceleration, dt);
            return None;
        };
        let velocity = match self {
            Self::Searching if !on => sign * method.fast,
            Self::Searching | Self::Leaving => -sign * method.slow,
            Self::ToIndex(_) => index * method.slow,
            _ => 0.0,
        };
        ramp.run(velocity, method.acceleration, dt);
        let turn = method.turn(axis.position);
        // It may have run over the switch: what counts is that it leaves it in the right direction.
        let left = sign == 0.0 || *self == Self::Leaving && !on && axis.velocity * sign < 0.0;
        match *self {
            Self::Searching | Self::Leaving if left && index != 0.0 => *self = Self::ToIndex(turn),
            Self::Searching | Self::Leaving if left => return self.found(axis.position),
            Self::Searching if on => *self = Self::Leaving,
            Self::ToIndex(from) if turn > from && index > 0.0 => return self.found(method.at_turn(turn)),
            Self::ToIndex(from) if turn < from && index < 0.0 => return self.found(method.at_turn(from)),
            Self::Stopping if ramp.velocity == 0.0 && axis.velocity.abs() < 10.0 => *self = Self::Attained,
            _ => {}
        }
        None
    }

    fn found(&mut self, home: f64) -> Option<f64> {
        *self = Self::Stopping;
        Some(home)
    }
}

#[cfg(test)]
mod tests {
    use super::super::axis::Limits;
    use super::*;

    #[test]
    fn home_is_the_index_pulse_that_comes_next_or_behind_the_switch() {
        let limits = Limits { torque: 3000.0, speed: 6_553_600.0 };
        let turns = |n: f64| 1_000.0 + n * COUNTS_PER_TURN;
        // The axis begins at 0; eight turns down is where the limit switch is.
        for (number, home) in [(34, turns(0.0)), (33, turns(-1.0)), (1, turns(-7.0))] {
            let method = Method {
                number,
                home_switch: 50_000.0,
                limit_switch: -500_000.0,
                index_pulse: 1_000.0,
                fast: 100_000.0,
                slow: 10_000.0,
                acceleration: 1_000_000.0,
            };
            let (mut homing, mut axis, mut ramp) = (Homing::Searching, Axis::default(), Ramp::default());
            let found = (0..200_000).find_map(|_| {
                axis.follow(ramp.position, ramp.velocity, limits, 0.000_25);
                homing.advance(&mut ramp, &axis, method, 0.000_25)
            });
            assert_eq!(found, Some(home), "method {number}");
        }
    }
}
