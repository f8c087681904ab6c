//! A program that measures time with embassy-time and drives a bus with zerocat.
use std::time::Duration;
use zerocat::testing::{Bench, ProfileKind, line};

fn main() {
    let begun = embassy_time::Instant::now();
    let mut bus = Bench::bus().silent_after(Duration::from_millis(20));
    let status = bus.input::<u16>(0, 0x6041);
    let (mut bench, mut io) = Bench::start(bus, &line(&[ProfileKind::Servo])).expect("a bus in OP");
    for _ in 0..1000 {
        bench.step(&mut io).expect("a cycle");
    }
    assert_ne!(io.get(status), 0);
    while begun.elapsed() == embassy_time::Duration::from_ticks(0) {}
    println!("both work");
}
