//! Ten axes at 1 kHz, each held where it is: `cargo run --example axes -- eth1`. The drives are the first ten SubDevices.
#![allow(clippy::print_stderr, reason = "an example")]
use std::time::Duration;
use zerocat::{Bus, In, Out, Waiting};

struct Axis {
    position: In<i32>,
    control: Out<u16>,
    target: Out<i32>,
    start: Option<i32>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let interface = std::env::args().nth(1).ok_or("which interface?")?;
    let mut bus = Bus::on(interface).silent_after(Duration::from_millis(20)).waiting(Waiting::Woken);
    let axis = |position: u16| Axis {
        position: bus.input(position, 0x6064),
        control: bus.output(position, 0x6040),
        target: bus.output(position, 0x607a),
        start: None,
    };
    let mut axes: Vec<Axis> = (0..10).map(axis).collect();
    let (_session, mut io) = bus.start()?;
    while let Ok(cycle) = io.wait(Duration::from_secs(1)) {
        for axis in &mut axes {
            if cycle.begins_anew() {
                axis.start = None;
            }
            // One that drops out keeps its target; the others go on.
            if io.is_good(axis.position) {
                let start = *axis.start.get_or_insert(io.get(axis.position));
                io.set(axis.target, start);
                io.set(axis.control, 0x000f);
            }
        }
        if let Err(refused) = io.commit(&cycle) {
            eprintln!("{refused}");
        }
    }
    Ok(())
}
