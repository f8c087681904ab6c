//! The motor with its load, and the loops that control it: torque changes velocity against inertia and friction,
//! velocity changes position.
//!
//! `dv/dt = GAIN * torque - VISCOUS * v - friction`. The loops are a cascade: position to velocity to torque, with
//! poles that don't overshoot; friction is compensated. Positions are counts, torque is in 1/1000 of the rated one.

/// Counts of one turn.
pub(super) const COUNTS_PER_TURN: f64 = 65_536.0;
/// Acceleration by 1/1000 of the rated torque, counts/s².
const GAIN: f64 = 65_536.0;
/// Viscous friction, 1/s.
const VISCOUS: f64 = 1.0;
/// Friction that doesn't depend on speed, 1/1000 of the rated torque.
const COULOMB: f64 = 20.0;
/// Gain of the position loop, 1/s: the lag behind a moving demand is 5 ms.
const POSITION_LOOP: f64 = 200.0;
/// Gain of the velocity loop, 1/s. Four times the other: critically damped.
const VELOCITY_LOOP: f64 = 800.0;

/// What the drive keeps within.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// 1/1000 of the rated torque.
    pub(super) torque: f64,
    /// Counts/s.
    pub(super) speed: f64,
}

impl Limits {
    /// Deceleration that the torque surely gives, counts/s².
    pub(super) fn braking(self) -> f64 {
        (self.torque * GAIN / 2.0).max(1.0)
    }
}

/// The motor.
#[derive(Debug, Default)]
pub(super) struct Axis {
    /// Counts since power-on.
    pub(super) position: f64,
    /// Counts/s.
    pub(super) velocity: f64,
    /// 1/1000 of the rated torque.
    pub(super) torque: f64,
    /// A limit acted in the last step.
    pub(super) limited: bool,
}

impl Axis {
    /// Whether it stands still.
    pub(super) fn rests(&self) -> bool {
        self.velocity == 0.0
    }

    /// Follows a position that moves with the velocity `forward`.
    pub(super) fn follow(&mut self, demand: f64, forward: f64, limits: Limits, dt: f64) {
        let error = demand - self.position;
        if forward == 0.0 && error.abs() < 0.01 && self.velocity.abs() < 2.0 {
            *self = Self { position: demand, ..Self::default() };
            return;
        }
        // Far away the speed is what can still be braked, near by it is proportional to the distance.
        let braking = limits.braking();
        let near = braking / (POSITION_LOOP * POSITION_LOOP);
        let approach = if error.abs() <= near {
            error * POSITION_LOOP
        } else {
            (2.0 * braking * (error.abs() - near / 2.0)).sqrt().copysign(error)
        };
        self.run(forward + approach, limits, dt);
    }

    /// Turns at a velocity.
    pub(super) fn run(&mut self, demand: f64, limits: Limits, dt: f64) {
        let within = demand.clamp(-limits.speed, limits.speed);
        let wanted = self.torque_for(within);
        let torque = wanted.clamp(-limits.torque, limits.torque);
        self.push(torque, dt);
        self.limited = within.to_bits() != demand.to_bits() || torque.to_bits() != wanted.to_bits();
    }

    /// Gives a torque as long as the speed stays within its limit.
    pub(super) fn give(&mut self, demand: f64, limits: Limits, dt: f64) {
        let slow = demand.clamp(self.torque_for(-limits.speed), self.torque_for(limits.speed));
        let torque = slow.clamp(-limits.torque, limits.torque);
        self.push(torque, dt);
        self.limited = torque.to_bits() != demand.to_bits();
    }

    /// Coasts to a stop without power.
    pub(super) fn coast(&mut self, dt: f64) {
        self.push(0.0, dt);
        self.limited = false;
    }

    fn torque_for(&self, velocity: f64) -> f64 {
        let friction = if velocity == 0.0 { 0.0 } else { COULOMB.copysign(velocity) };
        (VELOCITY_LOOP * (velocity - self.velocity) + VISCOUS * self.velocity) / GAIN + friction
    }

    fn push(&mut self, torque: f64, dt: f64) {
        let free = self.velocity + (GAIN * torque - VISCOUS * self.velocity) * dt;
        // Friction takes speed away, but never turns it round.
        let velocity = free.signum() * (free.abs() - COULOMB * GAIN * dt).max(0.0);
        self.position += (self.velocity + velocity) / 2.0 * dt;
        self.velocity = velocity;
        self.torque = torque;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DT: f64 = 0.000_25;
    const LIMITS: Limits = Limits { torque: 3000.0, speed: 6_553_600.0 };

    #[test]
    fn a_step_in_position_is_reached_without_overshoot() {
        for target in [10.0, 1_000.0, 100_000.0, -5_000_000.0] {
            let mut axis = Axis::default();
            let mut farthest = 0f64;
            for _ in 0..16_000 {
                axis.follow(target, 0.0, LIMITS, DT);
                farthest = farthest.max(axis.position.abs());
            }
            assert_eq!((axis.position, axis.velocity, axis.torque), (target, 0.0, 0.0));
            assert!(farthest <= target.abs() * 1.0001 + 0.01, "{farthest} beyond {target}");
        }
    }

    #[test]
    fn torque_below_friction_moves_nothing() {
        let mut axis = Axis::default();
        for _ in 0..1000 {
            axis.give(19.0, LIMITS, DT);
        }
        assert_eq!((axis.position, axis.velocity), (0.0, 0.0));
    }

    #[test]
    fn torque_above_friction_accelerates_by_the_rest_up_to_the_speed_limit() {
        let mut axis = Axis::default();
        for _ in 0..40 {
            axis.give(120.0, LIMITS, DT);
        }
        // 10 ms with 100/1000 of the rated torque left.
        assert!((axis.velocity - 65_536.0).abs() < 655.0, "{}", axis.velocity);
        for _ in 0..40_000 {
            axis.give(3000.0, LIMITS, DT);
        }
        assert!(axis.limited && (axis.velocity - LIMITS.speed).abs() < 1.0, "{}", axis.velocity);
    }

    #[test]
    fn friction_brings_it_to_rest() {
        let mut axis = Axis { velocity: 65_536.0, ..Axis::default() };
        for _ in 0..400 {
            axis.coast(DT);
        }
        assert!(axis.rests());
    }
}
