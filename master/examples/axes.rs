//! Ten axes at 1 kHz, each held where it is: `cargo run --example axes -- eth1`. The drives are the first ten SubDevices.
#![allow(clippy::print_stderr, reason = "an example")]
use std::time::Duration;
use zerocat::{Bus, Cycle, In, Io, NoCycle, Out, Refused, Waiting};

pub(crate) struct Axis {
    status: In<u16>,
    position: In<i32>,
    control: Out<u16>,
    target: Out<i32>,
    start: Option<i32>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let interface = std::env::args().nth(1).ok_or("which interface?")?;
    let mut bus = Bus::on(interface).silent_after(Duration::from_millis(20)).waiting(Waiting::Woken);
    let mut axes = ten(&mut bus);
    let (_session, mut io) = bus.start()?;
    loop {
        match io.wait(Duration::from_secs(1)) {
            Ok(cycle) => {
                if let Err(refused) = hold(&mut axes, &cycle, &mut io) {
                    eprintln!("{refused}");
                }
            }
            // The network is out: the session brings it to OP again.
            Err(NoCycle::TimedOut) => {}
            Err(_) => return Ok(()),
        }
    }
}

/// What is asked of the first ten SubDevices.
pub(crate) fn ten(bus: &mut Bus) -> Vec<Axis> {
    let axis = |position: u16| Axis {
        status: bus.input(position, 0x6041),
        position: bus.input(position, 0x6064),
        control: bus.output(position, 0x6040),
        target: bus.output(position, 0x607a),
        start: None,
    };
    (0..10).map(axis).collect()
}

/// One cycle of all axes.
pub(crate) fn hold(axes: &mut [Axis], cycle: &Cycle, io: &mut Io) -> Result<(), Refused> {
    for axis in axes {
        if cycle.begins_anew() {
            axis.start = None;
        }
        // One that drops out keeps its target; the others go on.
        if io.is_good(axis.position) {
            let start = *axis.start.get_or_insert(io.get(axis.position));
            io.set(axis.target, start);
            io.set(axis.control, next_control(io.get(axis.status)));
        }
    }
    io.commit(cycle)
}

/// CiA 402: shut down, switch on, enable operation.
const fn next_control(status: u16) -> u16 {
    match status & 0x6f {
        0x21 => 0x07,
        0x23 | 0x27 => 0x0f,
        _ => 0x06,
    }
}
