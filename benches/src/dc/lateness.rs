//! How late the machine is: distributions of which the bench draws, and what becomes of frames.

use super::recorded::Quantiles;
use super::wire::Fate;

/// One frame of so many is lost.
const LOST_ONE_IN: u32 = 100;
/// Cycles whose frames are lost in a row, and how seldom such a burst begins.
const BURST: (u32, u32) = (50, 20_000);

/// Delays of a machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Machine {
    /// What it is.
    pub(super) name: &'static str,
    /// From the tick until the thread runs.
    pub(super) wake_up: Quantiles,
    /// From posting a frame until it comes into the segment.
    pub(super) send: Quantiles,
    /// From when a frame has come out of the segment until it is received.
    pub(super) receive: Quantiles,
}

/// What is drawn for a cycle, in ns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drawn {
    pub(super) wake_up: f64,
    pub(super) send: f64,
    pub(super) receive: f64,
    pub(super) fate: Fate,
}

/// Draws cycle by cycle.
#[derive(Debug)]
pub(super) struct Lateness {
    machine: Machine,
    /// Frames that are still to be lost in a row.
    burst: u32,
}

impl Lateness {
    pub(super) const fn new(machine: Machine) -> Self {
        Self { machine, burst: 0 }
    }

    pub(super) fn draw(&mut self, random: &mut fastrand::Rng) -> Drawn {
        let Machine { wake_up, send, receive, .. } = &self.machine;
        let [wake_up, send, receive] = [wake_up, send, receive].map(|of| of.at(random.f64()));
        Drawn { wake_up, send, receive, fate: self.fate(random) }
    }

    fn fate(&mut self, random: &mut fastrand::Rng) -> Fate {
        if self.burst == 0 && random.u32(..BURST.1) == 0 {
            self.burst = BURST.0;
        }
        let lost = self.burst > 0 || random.u32(..LOST_ONE_IN) == 0;
        self.burst = self.burst.saturating_sub(1);
        match lost {
            true if random.bool() => Fate::LostOut,
            true => Fate::LostBack,
            false => Fate::Return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dc::recorded::VETH;

    #[test]
    fn one_frame_in_a_hundred_is_lost_and_now_and_then_fifty_in_a_row() {
        let mut random = fastrand::Rng::with_seed(5);
        let mut lateness = Lateness::new(VETH);
        let (mut lost, mut row, mut longest) = (0, 0, 0);
        for _ in 0..200_000 {
            row = if lateness.draw(&mut random).fate == Fate::Return { 0 } else { row + 1 };
            lost += u32::from(row > 0);
            longest = longest.max(row);
        }
        assert!((2_000..4_000).contains(&lost), "{lost}");
        assert!((50..60).contains(&longest), "{longest}");
    }
}
