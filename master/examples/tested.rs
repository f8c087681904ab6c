//! A controller and its test, without a network: `cargo test --example tested --features testing`.
#![allow(clippy::print_stdout, reason = "an example")]
use zerocat::{In, Io, Out};

struct Follower {
    position: In<i32>,
    target: Out<i32>,
}

impl Follower {
    /// Ten increments further in each cycle.
    fn control(&self, io: &mut Io) {
        io.set(self.target, io.get(self.position) + 10);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    use zerocat::testing::{Bench, ProfileKind, line};
    let mut bus = Bench::bus().silent_after(std::time::Duration::from_millis(20));
    let follower = Follower { position: bus.input(0, 0x6064), target: bus.output(0, 0x607a) };
    let (mut bench, mut io) = Bench::start(bus, &line(&[ProfileKind::Servo]))?;
    for _ in 0..1000 {
        let cycle = bench.step(&mut io)?;
        follower.control(&mut io);
        io.commit(&cycle)?;
    }
    println!("target {}", io.commanded(follower.target));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use zerocat::testing::{Bench, ProfileKind, line};

    #[test]
    fn the_target_is_ten_further() {
        let mut bus = Bench::bus().silent_after(Duration::from_millis(20));
        let follower = Follower { position: bus.input(0, 0x6064), target: bus.output(0, 0x607a) };
        let (mut bench, mut io) = Bench::start(bus, &line(&[ProfileKind::Servo])).unwrap();
        let _ = bench.step(&mut io).unwrap();
        follower.control(&mut io);
        assert_eq!(io.commanded(follower.target), io.get(follower.position) + 10);
    }
}
