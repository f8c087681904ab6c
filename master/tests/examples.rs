//! The examples do what they say: the same code that `cargo run --example` builds, against the simulated segment.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

#[allow(dead_code, reason = "its `main` is the example's")]
#[path = "../examples/axes.rs"]
mod axes;
#[allow(dead_code, reason = "its `main` is the example's")]
#[path = "../examples/p_loop.rs"]
mod p_loop;

use std::time::{Duration, Instant};
use zerocat::config::Wait;
use zerocat::report::LinkReport;
use zerocat::testing::{Bench, ProfileKind, Segment, line};
use zerocat::{Bus, OpenLink};
use zerocat_link::Sizing;
use zerocat_sim::SegmentLink;

/// The threads of production, for a machine with other work, and a servo behind a link within the process.
fn bus_with_a_servo() -> Bus {
    let segment = Segment::new(&line(&[ProfileKind::Servo])).unwrap();
    let began = Instant::now();
    let link = SegmentLink::new(segment, Sizing { slots: 128, receive: 128 }, move || began.elapsed());
    let link = OpenLink::new(Box::new(link), LinkReport::new("in_process", "servo"));
    Bus::on("servo").rate_hz(200.0).silent_after(Duration::from_secs(20)).over(link).engine(|engine| {
        (engine.watchdog, engine.priority, engine.wait) = (Duration::from_secs(5), 1, Wait::Sleep);
    })
}

#[test]
fn the_position_loop_arrives() {
    p_loop::move_to(20_000, bus_with_a_servo()).unwrap();
}

#[test]
fn the_position_loop_has_at_most_35_lines() {
    let lines = include_str!("../examples/p_loop.rs").lines().count();
    assert!(lines <= 35, "{lines} lines");
}

#[test]
fn ten_axes_are_enabled_and_held_where_they_are() {
    let mut bus = Bench::bus().silent_after(Duration::from_millis(20));
    let mut axes = axes::ten(&mut bus);
    let seen: Vec<_> = (0..10).map(|axis| (bus.input::<u16>(axis, 0x6041), bus.input::<i32>(axis, 0x6064))).collect();
    let (mut bench, mut io) = Bench::start(bus, &line(&[ProfileKind::Servo; 10])).unwrap();
    for _ in 0..1000 {
        let cycle = bench.step(&mut io).unwrap();
        assert!(io.all_good());
        axes::hold(&mut axes, &cycle, &mut io).unwrap();
    }
    for (status, position) in seen {
        assert_eq!((io.get(status) & 0x6f, io.get(position)), (0x27, 0));
    }
    assert_eq!(bench.counters().lost_cycles, 0);
    assert_eq!(bench.stop().unwrap(), Vec::<String>::new());
}
