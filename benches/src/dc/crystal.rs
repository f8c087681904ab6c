//! A crystal that wanders, as temperature makes it.

use super::topology::CRYSTAL_PPM;

/// How fast its frequency changes, in parts per million a minute.
const WANDER_PPM_PER_MINUTE: f64 = 1.0;
/// How often it turns, in times a minute.
const TURNS_PER_MINUTE: f64 = 1.0;

/// A crystal's frequency.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crystal {
    ppm: f64,
    rises: bool,
}

impl Crystal {
    pub(super) const fn new(ppm: f64) -> Self {
        Self { ppm, rises: ppm < 0.0 }
    }

    /// How much too fast it is now, in parts per million.
    pub(super) const fn ppm(&self) -> f64 {
        self.ppm
    }

    /// Lets time pass: the frequency goes on in its direction, turns now and then, and always at its bounds.
    pub(super) fn wander(&mut self, seconds: f64, random: &mut fastrand::Rng) {
        let minutes = seconds / 60.0;
        if random.f64() < TURNS_PER_MINUTE * minutes {
            self.rises = !self.rises;
        }
        let step = WANDER_PPM_PER_MINUTE * minutes * if self.rises { 1.0 } else { -1.0 };
        self.ppm = (self.ppm + step).clamp(-CRYSTAL_PPM, CRYSTAL_PPM);
        if self.ppm.abs() >= CRYSTAL_PPM {
            self.rises = self.ppm < 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_wanders_by_a_part_per_million_a_minute_and_no_further_than_its_bounds() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut crystal = Crystal::new(99.9);
        let (mut least, mut most) = (f64::MAX, f64::MIN);
        for _ in 0..36_000 {
            let before = crystal.ppm();
            crystal.wander(0.1, &mut random);
            assert!((crystal.ppm() - before).abs() < 0.1 / 60.0 + 1e-9);
            (least, most) = (least.min(crystal.ppm()), most.max(crystal.ppm()));
        }
        assert!(most <= CRYSTAL_PPM && most - least > 2.0, "{least} {most}");
    }
}
