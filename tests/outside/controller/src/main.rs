//! A position loop over AF_PACKET alone: `controller eth1`.
use std::error::Error;
use std::time::Duration;
use zerocat::{Bus, In, Io, NoCycle, Out};

/// An axis that moves its target towards a goal.
struct Axis {
    position: In<i32>,
    target: Out<i32>,
}

impl Axis {
    fn on(bus: &mut Bus) -> Self {
        Self { position: bus.input(0, 0x6064), target: bus.output(0, 0x607a) }
    }

    /// One cycle. Returns what is left.
    fn control(&self, io: &mut Io, goal: i32) -> i32 {
        let left = goal - io.get(self.position);
        io.set(self.target, io.get(self.position) + left.clamp(-500, 500));
        left
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let interface = std::env::args().nth(1).ok_or("which interface?")?;
    let mut bus = Bus::on(interface).rate_hz(1000.0).silent_after(Duration::from_millis(20));
    let axis = Axis::on(&mut bus);
    let (session, mut io) = bus.start()?;
    loop {
        match io.wait(Duration::from_secs(1)) {
            Ok(cycle) => {
                let left = axis.control(&mut io, 100_000);
                let _ = io.commit(&cycle);
                if left == 0 {
                    break;
                }
            }
            Err(NoCycle::TimedOut) => {}
            Err(ended) => return Err(ended.into()),
        }
    }
    session.stop()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat::testing::{Bench, ProfileKind, line};

    #[test]
    fn the_target_is_a_step_nearer_to_the_goal() {
        let mut bus = Bench::bus().silent_after(Duration::from_millis(20));
        let axis = Axis::on(&mut bus);
        let (mut bench, mut io) = Bench::start(bus, &line(&[ProfileKind::Servo])).unwrap();
        for _ in 0..100 {
            let cycle = bench.step(&mut io).unwrap();
            let left = axis.control(&mut io, 100_000);
            io.commit(&cycle).unwrap();
            assert_eq!(io.commanded(axis.target) - io.get(axis.position), left.clamp(-500, 500));
        }
    }
}
