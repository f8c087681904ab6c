//! A demanded position that moves with a limited acceleration: the trapezoid of profile position, the search of homing,
//! the ramps of quick stop, halt and fault reaction, the motion of a stepper.

/// How fast a profile moves: counts/s and counts/s².
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) speed: f64,
    pub(crate) acceleration: f64,
    pub(crate) deceleration: f64,
}

/// Position and velocity demanded.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(crate) struct Ramp {
    pub(crate) position: f64,
    pub(crate) velocity: f64,
}

impl Ramp {
    /// Moves towards a position and stands still there.
    pub(crate) fn toward(&mut self, target: f64, pace: Pace, dt: f64) {
        let distance = target - self.position;
        // In steps of `dt`, v loses v * dt / 2 more on its way to 0 than v² / 2a.
        let half = pace.deceleration * dt / 2.0;
        let brakeable = (half * half + 2.0 * pace.deceleration * distance.abs()).sqrt() - half;
        let wanted = brakeable.min(pace.speed).copysign(distance);
        let faster = wanted * self.velocity >= 0.0 && wanted.abs() > self.velocity.abs();
        let rate = if faster { pace.acceleration } else { pace.deceleration };
        self.turn(wanted, rate, dt);
        let slow = self.velocity.abs() <= 4.0 * rate.max(pace.deceleration) * dt;
        if slow && distance.abs() <= (self.velocity * dt).abs() + 1e-6 || distance == 0.0 && self.velocity == 0.0 {
            *self = Self { position: target, velocity: 0.0 };
        } else {
            self.position += self.velocity * dt;
        }
    }

    /// Moves on at a velocity, reached with an acceleration.
    pub(crate) fn run(&mut self, velocity: f64, acceleration: f64, dt: f64) {
        self.turn(velocity, acceleration, dt);
        self.position += self.velocity * dt;
    }

    fn turn(&mut self, velocity: f64, rate: f64, dt: f64) {
        self.velocity += (velocity - self.velocity).clamp(-rate * dt, rate * dt);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DT: f64 = 0.000_25;
    const PACE: Pace = Pace { speed: 10_000.0, acceleration: 100_000.0, deceleration: 50_000.0 };

    #[test]
    fn a_trapezoid_takes_its_time_and_ends_on_the_target() {
        let mut ramp = Ramp::default();
        let mut steps = 0;
        let mut fastest = 0f64;
        while ramp.position < 20_000.0 && steps < 100_000 {
            ramp.toward(20_000.0, PACE, DT);
            fastest = fastest.max(ramp.velocity);
            steps += 1;
        }
        // 0.1 s and 500 counts up, 0.2 s and 1,000 counts down, 18,500 counts between: 2.15 s.
        assert!((f64::from(steps) * DT - 2.15).abs() < 0.02, "{steps} steps");
        assert_eq!((ramp.position, ramp.velocity, fastest), (20_000.0, 0.0, 10_000.0));
    }

    #[test]
    fn a_target_behind_turns_it_round() {
        let mut ramp = Ramp { position: 0.0, velocity: 10_000.0 };
        for _ in 0..40_000 {
            ramp.toward(-1_000.0, PACE, DT);
        }
        assert_eq!(ramp, Ramp { position: -1_000.0, velocity: 0.0 });
    }
}
